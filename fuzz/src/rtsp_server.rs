//! The target of `yeoul_rtsp::server`: a whole session with a host that answers it.

use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_rtsp::message::StatusCode;
use yeoul_rtsp::server::{Account, Input, Options, Output, Port, Refusal, ServerSession};
use yeoul_rtsp::{Clock, Fanout, Framer, Message, Start, message::Stray};
use yeoul_testkit as testkit;

const PASSWORD: &str = "hunter2secret";

/// Inputs one after the other: what kind it is, how many bytes, the bytes, in which `{id}` stands for the session's id. The
/// first byte says whether there is an account, and whether the host has what is asked for.
pub fn rtsp_server(data: &[u8]) {
    let (&setup, mut rest) = data.split_first().unwrap_or((&0, data));
    let mut run = Run::new(setup);
    run.drain();
    while let Some((&[kind, length], after)) = rest.split_first_chunk::<2>() {
        let (bytes, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        match kind % 8 {
            0 | 1 => {
                let bytes = run.with_id(bytes);
                run.input(Input::Received(&bytes));
            }
            2 => run.input(Input::Datagram { port: Port::Rtp, from: 5000, bytes }),
            3 => run.input(Input::Datagram { port: Port::Rtcp, from: 5001, bytes }),
            4 | 5 => run.frame(bytes),
            6 => {
                run.now += Duration::from_millis(400 * u64::from(length));
                run.input(Input::Timeout);
            }
            _ => run.input(Input::End("the end".to_owned())),
        }
    }
}

struct Run {
    session: ServerSession,
    fanout: Fanout,
    now: Instant,
    index: u64,
    has_streams: bool,
    /// Reads what the session sends: it is RTSP, whatever it has received.
    client: Framer,
    id: String,
    is_over: bool,
}

impl Run {
    fn new(setup: u8) -> Self {
        let account = Account { username: "u".to_owned(), password: PASSWORD.to_owned() };
        let options = Options {
            server: "fuzz".to_owned(),
            account: (setup & 1 == 1).then_some(account),
            tickets: (setup & 8 == 0).then_some("ca"),
            udp_ports: (setup & 2 == 0).then_some((9000, 9001)),
        };
        let now = testkit::epoch();
        let local = std::net::Ipv4Addr::LOCALHOST.into();
        let session = ServerSession::new(now, Arc::new(options), local, None, [setup; 32]);
        let client = Framer::new(Stray::Refuse);
        let fanout = Fanout::new(&tracks(), 1400, [setup; 32]);
        let has_streams = setup & 4 == 0;
        Self { session, fanout, now, index: 0, has_streams, client, id: String::new(), is_over: false }
    }

    fn with_id(&self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.replace("{id}", &self.id).into_bytes(),
            Err(_) => bytes.to_vec(),
        }
    }

    fn frame(&mut self, bytes: &[u8]) {
        let pts = Timestamp::ZERO + self.now.duration_since(testkit::epoch());
        let data = Bytes::copy_from_slice(if bytes.is_empty() { &[0] } else { bytes });
        let (keyframe, received_at) = (true, self.now);
        let frame = Frame {
            track: TrackId(0),
            keyframe,
            pts,
            dts: pts,
            new_codec: None,
            captured_at: None,
            received_at,
            data,
        };
        let clock = Clock { now: self.now, wall: testkit::wall_epoch() };
        let block = self.fanout.block(self.index, &frame, clock).expect("the clock rate stays");
        self.index += 1;
        if let Some(block) = block {
            self.input(Input::Media(&block));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(error) = self.session.handle_input(self.now, input) {
            assert!(!error.to_string().contains(PASSWORD), "{error}");
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Wait(_) => return assert!(!self.is_over, "nothing follows the end"),
                Output::Close => {
                    self.is_over = true;
                    return;
                }
                Output::Send(bytes) => self.sent(&bytes),
                Output::Open { .. } => {
                    let answer = self.answer(tracks());
                    let _ = self.session.handle_input(self.now, Input::Opened(answer));
                }
                Output::Play => {
                    let start: Start = self.fanout.start(&[], Timestamp::ZERO);
                    let _ = self.session.handle_input(self.now, Input::Playing(Ok(start)));
                }
                Output::Announce { .. } | Output::Record { .. } => {
                    let answer = self.answer(());
                    let _ = self.session.handle_input(self.now, Input::Accepted(answer));
                }
                Output::Datagrams { .. }
                | Output::Frame(_)
                | Output::Note(_)
                | Output::Pause
                | Output::Stop => {}
            }
        }
    }

    fn answer<T>(&self, answer: T) -> Result<T, Refusal> {
        if self.has_streams { Ok(answer) } else { Err(Refusal::new(StatusCode::NotFound, "there is none")) }
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.client.push(bytes);
        while let Some(message) = self.client.pull().expect("the session speaks RTSP") {
            if let Message::Response(response) = message
                && let Some(session) = response.headers.get("Session")
            {
                self.id = session.split(';').next().unwrap_or_default().to_owned();
            }
        }
    }
}

fn tracks() -> Vec<Track> {
    vec![Track { id: TrackId(0), codec: Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 }) }]
}

/// Seeds of [`rtsp_server`]: a player over TCP, one over UDP, a publisher, and one who has an account.
pub fn rtsp_server_seeds() -> Vec<Vec<u8>> {
    let record = |kind: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).expect("a short input");
        [&[kind, length], bytes].concat()
    };
    let request = |line: &str, headers: &str| {
        let text = format!("{line} RTSP/1.0\r\nCSeq: 1\r\n{headers}\r\n");
        text.as_bytes().chunks(200).flat_map(|piece| record(0, piece)).collect::<Vec<_>>()
    };
    let player = |transport: &str| {
        [
            request("DESCRIBE rtsp://h/cam?audio", "Accept: application/sdp\r\n"),
            request("SETUP rtsp://h/cam/trackID=0", &format!("Transport: {transport}\r\n")),
            request("PLAY rtsp://h/cam", "Session: {id}\r\n"),
            record(4, &[0xd5; 160]),
            record(6, &[0; 20]),
            record(3, &[0x80, 201, 0, 1, 0, 0, 0, 7]),
            request("GET_PARAMETER rtsp://h/cam", "Session: {id}\r\n"),
            request("PAUSE rtsp://h/cam", "Session: {id}\r\n"),
            request("PLAY rtsp://h/cam", "Session: {id}\r\n"),
            request("TEARDOWN rtsp://h/cam", "Session: {id}\r\n"),
        ]
        .concat()
    };
    let sdp = "v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:x\r\n";
    let announce = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
    let publisher = [
        request("ANNOUNCE rtsp://h/in", &announce),
        request("SETUP rtsp://h/in/x", "Transport: RTP/AVP/TCP;interleaved=0-1;mode=record\r\n"),
        request("RECORD rtsp://h/in", "Session: {id}\r\n"),
        record(0, b"$\0\0\x10\x80\x08\0\x01\0\0\0\0\0\0\0\x07abcd"),
        record(7, &[]),
    ]
    .concat();
    let guessing = request(
        "DESCRIBE rtsp://h/cam",
        "Authorization: Digest username=\"u\", realm=\"Yeoul\", nonce=\"n\", uri=\"rtsp://h/cam\", response=\"0\"\r\n",
    );
    vec![
        [&[0][..], &player("RTP/AVP/TCP;interleaved=2-3")].concat(),
        [&[0][..], &player("RTP/AVP;unicast;client_port=5000-5001")].concat(),
        [&[0][..], &publisher].concat(),
        [&[1][..], &guessing, &guessing].concat(),
        [&[4][..], &player("RTP/AVP/TCP")].concat(),
    ]
}
