//! Targets of `yeoul-rtsp`: messages, headers, URLs, the client session.

use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_rtsp::client::{Channel, ClientSession, Event, Input, Output, Source};
use yeoul_rtsp::message::{Data, Method, Range, Request, RtpInfo, SessionHeader, Stray};
use yeoul_rtsp::url::Url;
use yeoul_rtsp::{Block, Clock, Fanout, Framer, Message, Transport};
use yeoul_testkit as testkit;

/// Bytes of a control connection in pieces of the size in the first byte: whole, they give the same messages, and what was
/// read is written and read again.
pub fn rtsp_message(data: &[u8]) {
    let (&size, bytes) = data.split_first().unwrap_or((&0, data));
    for stray in [Stray::Skip, Stray::Refuse] {
        let messages = frame(stray, bytes, usize::from(size).max(1));
        assert_eq!(messages, frame(stray, bytes, usize::MAX), "in pieces and whole");
        for message in messages {
            let mut written = BytesMut::new();
            message.write(&mut written);
            let again = frame(Stray::Refuse, &written, usize::MAX);
            assert_eq!(again.len(), 1, "{message:?} is written as one message: {}", written.escape_ascii());
        }
    }
}

fn frame(stray: Stray, bytes: &[u8], size: usize) -> Vec<Message> {
    let (mut framer, mut messages) = (Framer::new(stray), Vec::new());
    for piece in bytes.chunks(size) {
        framer.push(piece);
        while let Ok(Some(message)) = framer.pull() {
            messages.push(message);
        }
    }
    messages
}

/// Seeds of [`rtsp_message`].
pub fn rtsp_message_seeds() -> Vec<Vec<u8>> {
    let mut stray = b"\x07\0\0garbage$$".to_vec();
    stray.extend(server_bytes());
    let request = b"\x20SETUP rtsp://h/a/trackID=1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;\r\n client_port=1-2\r\n\r\n";
    vec![[&[0xff][..], &server_bytes()].concat(), stray, request.to_vec()]
}

/// Values of headers, and URLs: what is read is written and read as the same.
pub fn rtsp_headers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(transports) = Transport::parse_all(&text) {
        let written: Vec<String> = transports.iter().map(ToString::to_string).collect();
        assert_eq!(Transport::parse_all(&written.join(",")).map(|again| again.len()), Ok(transports.len()));
    }
    if let Ok(range) = text.parse::<Range>() {
        assert!(range.to_string().parse::<Range>().is_ok(), "{range}");
    }
    if let Some(session) = SessionHeader::parse(&text) {
        assert_eq!(SessionHeader::parse(&session.to_string()), Some(session));
    }
    let _ = RtpInfo::parse(&text);
    let (before, _) = Url::split_fragment(&text);
    if let Ok(url) = Url::parse(before) {
        let again = Url::parse(&url.request_uri()).expect("a request URI is a URL");
        assert_eq!((&again.host, &again.path), (&url.host, &url.path));
        let control = Url::join_control(&url.base(Some(&text)), Some(&text));
        assert!(control.bytes().all(|byte| byte.is_ascii_graphic()), "{control:?} fits into a request line");
        let _ = url.redirect(&text);
    }
    let _ = Source::parse(&text);
}

/// Seeds of [`rtsp_headers`].
pub fn rtsp_headers_seeds() -> Vec<Vec<u8>> {
    [
        "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc= 30A98EE7;mode=\"PLAY,RECORD\",RTP/AVP;multicast;ttl=1;port=2-3",
        "RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257;source=h;destination=[::1]",
        "clock=20261122T100000.5Z-20261122T110000Z",
        "npt=0:01:30.5-now",
        "708345999;timeout=60",
        "url=trackID=0;seq=47121;rtptime=3475222385,url=rtsp://h/a;b,c;seq=1;rtptime=2;ssrc=0a",
        "rtsp://admin:p@ss/w#rd?%40@[fe80::1]:554/a/b?c=d#transport=udp#start=90&timeout=5",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A session with a server of which the first answers are right, as many as the first byte says, which says too whether it plays or
/// publishes; then come inputs: what kind it is, how many bytes, the bytes.
pub fn rtsp_client(data: &[u8]) {
    let (&setup, mut rest) = data.split_first().unwrap_or((&0, data));
    let mut run = Run::new(setup);
    run.drain();
    while let Some((&[kind, length], after)) = rest.split_first_chunk::<2>() {
        let (bytes, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        let socket = usize::from(kind >> 7);
        let media = run.block.clone();
        let input = match kind % 10 {
            0 | 1 => Input::Received(bytes),
            2 => Input::Datagram { socket, channel: Channel::Rtp, from: PEER, bytes },
            3 => Input::Datagram { socket, channel: Channel::Rtcp, from: PEER, bytes },
            4 | 5 => {
                run.now += Duration::from_millis(40 * u64::from(length));
                Input::Timeout
            }
            6 => Input::Closed,
            7 => Input::Pause,
            8 => media.as_deref().map_or(Input::Play, Input::Media),
            _ => Input::Stop,
        };
        run.input(input);
    }
}

const PASSWORD: &str = "hunter2secret";
const PEER: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 5)), 554);
const SDP: &str = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\nm=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n";

struct Run {
    session: ClientSession,
    /// A frame of what it publishes, if it does.
    block: Option<Arc<Block>>,
    now: Instant,
    /// Reads what the session sends: it is RTSP, whatever it has received.
    server: Framer,
    answers: u8,
    is_over: bool,
    is_failed: bool,
}

impl Run {
    fn new(setup: u8) -> Self {
        let transport = if setup & 0x80 == 0 { "tcp" } else { "udp" };
        let range = if setup & 0x40 == 0 { "" } else { "#start=10" };
        let source = format!("rtsp://admin:{PASSWORD}@cam/live#transport={transport}{range}");
        let source = Source::parse(&source).expect("a source");
        let now = testkit::epoch();
        let (session, block) = if setup & 0x20 == 0 {
            (ClientSession::new(source, 7, now), None)
        } else {
            publishing(source, now)
        };
        Self {
            session,
            block,
            now,
            server: Framer::new(Stray::Refuse),
            answers: setup % 6,
            is_over: false,
            is_failed: false,
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(error) = self.session.handle_input(self.now, input) {
            assert!(!error.to_string().contains(PASSWORD), "{error}");
            let _ = self.session.farewell();
            self.is_failed = true;
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Wait(until) => {
                    return assert!(self.is_failed || until >= self.now, "a timer lies in the past");
                }
                Output::Connect { .. } => {
                    self.server = Framer::new(Stray::Refuse);
                    let _ = self.session.handle_input(self.now, Input::Connected { peer: PEER });
                }
                Output::Send(bytes) => self.sent(&bytes),
                Output::BindUdp { socket } => {
                    let _ =
                        self.session.handle_input(self.now, Input::UdpBound { socket, ports: (6970, 6971) });
                }
                Output::SendDatagram { .. }
                | Output::Event(Event::Playing(_) | Event::Recording { .. } | Event::Frame(_)) => {
                    assert!(!self.is_over, "nothing follows the end");
                }
                Output::Event(Event::Note(note)) => assert!(!note.contains(PASSWORD), "{note}"),
                Output::Event(Event::Ended(_)) => self.is_over = true,
            }
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.server.push(bytes);
        while let Some(message) = self.server.pull().expect("the session speaks RTSP") {
            if let Message::Request(request) = message
                && self.answers > 0
            {
                self.answers -= 1;
                let answer = answer(&request);
                let _ = self.session.handle_input(self.now, Input::Received(answer.as_bytes()));
            }
        }
    }
}

/// A session that publishes sound, and a frame of it.
fn publishing(target: Source, now: Instant) -> (ClientSession, Option<Arc<Block>>) {
    let codec = Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 });
    let tracks = [Track { id: TrackId(0), codec }];
    let mut fanout = Fanout::new(&tracks, 1400, [3; 32]);
    let start = fanout.start(&[], Timestamp::ZERO);
    let frame = Frame {
        track: TrackId(0),
        keyframe: true,
        pts: Timestamp::ZERO,
        dts: Timestamp::ZERO,
        new_codec: None,
        captured_at: None,
        received_at: now,
        data: Bytes::from_static(&[0xd5; 160]),
    };
    let block = fanout.block(0, &frame, Clock { now, wall: testkit::wall_epoch() }).expect("the same clock");
    (ClientSession::publish(target, &tracks, start, now), block)
}

fn answer(request: &Request) -> String {
    let transport =
        request.headers.get("Transport").map(|value| format!("Transport: {value};server_port=6000-6001\r\n"));
    let transport = transport.unwrap_or_default();
    let body = if request.method == Method::Describe { SDP } else { "" };
    format!(
        "RTSP/1.0 200 OK\r\nSession: abc;timeout=10\r\n{transport}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a camera says in a whole session.
fn server_bytes() -> Vec<u8> {
    let mut requests = vec![Request::new(Method::Options, "*"), Request::new(Method::Describe, "*")];
    for channels in ["0-1", "2-3"] {
        let transport = format!("RTP/AVP/TCP;interleaved={channels}");
        requests.push(Request::new(Method::Setup, "*").with("Transport", transport));
    }
    requests.push(Request::new(Method::Play, "*"));
    let mut bytes = BytesMut::new();
    requests.iter().for_each(|request| bytes.extend_from_slice(answer(request).as_bytes()));
    for packet in packets() {
        Data { channel: 2, payload: packet.into() }.write(&mut bytes);
    }
    bytes.to_vec()
}

fn packets() -> Vec<Vec<u8>> {
    let packet = |sequence: u16| {
        let header = yeoul_rtp::Header {
            payload_type: 8,
            marker: false,
            sequence,
            rtp_time: u32::from(sequence) * 160,
            ssrc: 7,
        };
        [&header.write()[..], &[0xd5; 20]].concat()
    };
    [1, 2, 4, 3].map(packet).to_vec()
}

/// Seeds of [`rtsp_client`].
pub fn rtsp_client_seeds() -> Vec<Vec<u8>> {
    let record = |kind: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).expect("a short input");
        [&[kind, length], bytes].concat()
    };
    let received: Vec<u8> = server_bytes().chunks(250).flat_map(|piece| record(0, piece)).collect();
    let datagrams: Vec<u8> = packets().iter().flat_map(|packet| record(2 | 0x80, packet)).collect();
    let challenge = b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\r\n";
    let redirect = b"RTSP/1.0 302 Found\r\nLocation: rtsp://other/x\r\n\r\n";
    vec![
        [&[0][..], &received, &record(4, &[0; 200]), &record(9, &[])].concat(),
        [&[0][..], &record(0, challenge), &record(0, challenge)].concat(),
        [&[1][..], &record(0, redirect), &received].concat(),
        [&[0x85][..], &datagrams, &record(4, &[0; 200]), &record(7, &[]), &record(8, &[])].concat(),
        [
            &[0x45][..],
            &record(0, b"$\0\0\x04\x80\x60\0\x01OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
            &record(6, &[]),
        ]
        .concat(),
    ]
}
