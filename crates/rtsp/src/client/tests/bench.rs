//! A session with a scripted camera on a virtual clock.

use crate::client::*;
use crate::message::{Data, Framer, Message, Method, Request, Stray, header};
use bytes::{Bytes, BytesMut};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use yeoul_media::Frame;
use yeoul_testkit::epoch;

pub(super) const SSRC: u32 = 0x0b0b_0b0b;
pub(super) const CAMERA_SSRC: u32 = 0xcafe_0001;

/// Two tracks of sound, so that a packet is a frame.
pub(super) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\n\
    m=audio 0 RTP/AVP 8\r\na=control:trackID=0\r\n\
    m=audio 0 RTP/AVP 0\r\na=control:trackID=1\r\n";

/// What the camera answers: status line and headers without CSeq, then the body; `None` is silence.
pub(super) type Answer = Option<(String, String)>;

pub(super) fn ok(headers: &str) -> Answer {
    Some((format!("RTSP/1.0 200 OK\r\n{headers}"), String::new()))
}

pub(super) fn status(line: &str) -> Answer {
    Some((format!("RTSP/1.0 {line}\r\n"), String::new()))
}

pub(super) fn describe(sdp: &str) -> Answer {
    Some(("RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n".to_owned(), sdp.to_owned()))
}

/// A camera that does everything as it should, over TCP and UDP.
pub(super) fn usual(request: &Request) -> Answer {
    match request.method {
        Method::Options => {
            ok("Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\nServer: Test/1\r\n")
        }
        Method::Describe => describe(SDP),
        Method::Setup => {
            let transport = request.headers.get(header::TRANSPORT).expect("SETUP has a transport");
            let server_port = if transport.contains("TCP") { "" } else { ";server_port=6000-6001" };
            ok(&format!("Session: abc;timeout=60\r\nTransport: {transport}{server_port}\r\n"))
        }
        _ => ok("Session: abc\r\n"),
    }
}

type Camera = Box<dyn FnMut(&Request) -> Answer>;

pub(super) struct Bench {
    pub(super) session: ClientSession,
    camera: Camera,
    framer: Framer,
    pub(super) now: Instant,
    pub(super) wait: Instant,
    /// What the session did, one line each.
    pub(super) log: Vec<String>,
    pub(super) requests: Vec<Request>,
    pub(super) reports: Vec<Data>,
    pub(super) datagrams: Vec<(usize, Channel, SocketAddr, Bytes)>,
    pub(super) frames: Vec<Frame>,
    pub(super) notes: Vec<String>,
    pub(super) playing: Option<Playing>,
    /// What the server does not take, once it takes the rest.
    pub(super) recording: Option<Vec<String>>,
    pub(super) ended: Option<Ended>,
    pub(super) error: Option<Error>,
}

impl Bench {
    pub(super) fn new(source: &str, camera: impl FnMut(&Request) -> Answer + 'static) -> Self {
        let source = Source::parse(source).expect("a source");
        Self::with(ClientSession::new(source, SSRC, epoch()), camera)
    }

    /// With a session that begins.
    pub(super) fn with(session: ClientSession, camera: impl FnMut(&Request) -> Answer + 'static) -> Self {
        let mut bench = Self {
            session,
            camera: Box::new(camera),
            framer: Framer::new(Stray::Refuse),
            now: epoch(),
            wait: epoch(),
            log: Vec::new(),
            requests: Vec::new(),
            reports: Vec::new(),
            datagrams: Vec::new(),
            frames: Vec::new(),
            notes: Vec::new(),
            playing: None,
            recording: None,
            ended: None,
            error: None,
        };
        bench.drain();
        bench
    }

    /// A session that plays two tracks of the usual camera.
    pub(super) fn playing(source: &str) -> Self {
        let bench = Self::new(source, usual);
        assert!(bench.playing.is_some(), "{:?} {:?}", bench.log, bench.error);
        bench
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        if let Err(error) = self.session.handle_input(self.now, input) {
            self.error = Some(error);
        }
        self.drain();
    }

    /// Bytes of the server, sent without being asked.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.input(Input::Received(bytes));
    }

    pub(super) fn receive_data(&mut self, channel: u8, payload: Vec<u8>) {
        let mut bytes = BytesMut::new();
        Data { channel, payload: payload.into() }.write(&mut bytes);
        self.receive(&bytes);
    }

    /// Lets time pass, with all timers on the way.
    pub(super) fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.wait <= until && self.error.is_none() && self.ended.is_none() {
            assert!(self.wait >= self.now, "a timer lies in the past");
            self.now = self.wait;
            self.input(Input::Timeout);
        }
        self.now = until;
        self.input(Input::Timeout);
    }

    /// The log since the last call.
    pub(super) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    #[track_caller]
    pub(super) fn check_error(&self, kind: ErrorKind, text: &str) {
        let error = self.error.as_ref().expect("an error");
        assert_eq!((error.kind, error.text.as_str()), (kind, text));
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Wait(at) => {
                    assert!(at >= self.now, "a timer lies in the past");
                    self.wait = at;
                    return;
                }
                Output::Connect { host, port, tls } => {
                    self.log.push(format!("connect {host}:{port} {tls:?}"));
                    self.framer = Framer::new(Stray::Refuse);
                    self.feed(Input::Connected { peer: peer() });
                }
                Output::Send(bytes) => self.sent(&bytes),
                Output::BindUdp { socket } => {
                    let port = 50_000 + 2 * u16::try_from(socket).expect("few sockets");
                    self.feed(Input::UdpBound { socket, ports: (port, port + 1) });
                }
                Output::SendDatagram { socket, channel, to, bytes } => {
                    self.datagrams.push((socket, channel, to, bytes));
                }
                Output::Event(Event::Playing(playing)) => {
                    assert!(self.playing.replace(playing).is_none(), "said once");
                }
                Output::Event(Event::Recording { passed_over }) => {
                    assert!(self.recording.replace(passed_over).is_none(), "said once");
                }
                Output::Event(Event::Frame(frame)) => self.frames.push(frame),
                Output::Event(Event::Note(note)) => self.notes.push(note),
                Output::Event(Event::Ended(how)) => self.ended = Some(how),
            }
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        if let Err(error) = self.session.handle_input(self.now, input) {
            self.error = Some(error);
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.framer.push(bytes);
        while let Some(message) = self.framer.pull().expect("we speak RTSP") {
            match message {
                Message::Data(data) => self.reports.push(data),
                Message::Response(response) => {
                    self.log.push(format!("{} to {:?}", u16::from(response.status), response.headers.cseq()));
                }
                Message::Request(request) => self.answer(request),
            }
        }
    }

    fn answer(&mut self, request: Request) {
        let mut line = format!("{} {}", <&str>::from(&request.method), request.uri);
        for name in [header::TRANSPORT, header::RANGE, header::SESSION, header::AUTHORIZATION] {
            if let Some(value) = request.headers.get(name) {
                let value = if name == header::AUTHORIZATION {
                    value.split(' ').next().unwrap_or_default()
                } else {
                    value
                };
                line.push_str(&format!(" | {value}"));
            }
        }
        self.log.push(line);
        let answer = (self.camera)(&request);
        let cseq = request.headers.cseq().expect("our requests are numbered");
        self.requests.push(request);
        let Some((head, body)) = answer else { return };
        let cseq = if head.contains("CSeq") { String::new() } else { format!("CSeq: {cseq}\r\n") };
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.feed(Input::Received(format!("{head}{cseq}{length}\r\n{body}").as_bytes()));
    }
}

pub(super) fn peer() -> SocketAddr {
    "192.0.2.5:554".parse().expect("an address")
}

/// An RTP packet of 20 ms of sound.
pub(super) fn rtp(payload_type: u8, sequence: u16, rtp_time: u32) -> Vec<u8> {
    let header = yeoul_rtp::Header { payload_type, marker: false, sequence, rtp_time, ssrc: CAMERA_SSRC };
    [&header.write()[..], &[0xd5; 160]].concat()
}

/// The usual way to PLAY, as the log tells it.
pub(super) fn usual_log(uri: &str) -> Vec<String> {
    vec![
        "connect cam:554 None".to_owned(),
        format!("OPTIONS {uri}"),
        format!("DESCRIBE {uri}"),
        format!("SETUP {uri}/trackID=0 | RTP/AVP/TCP;unicast;interleaved=0-1"),
        format!("SETUP {uri}/trackID=1 | RTP/AVP/TCP;unicast;interleaved=2-3 | abc"),
        format!("PLAY {uri} | npt=0.000- | abc"),
    ]
}
