//! Transcripts of the session on a virtual clock: what a client sends, what it and the host get.

mod accounts;
mod fanout;
mod pair;
mod playing;
mod properties;
mod publishing;
mod requests;

use super::*;
use crate::message::{Response, StatusCode};
use crate::send::{Block, Clock, Fanout};
use bytes::Bytes;
use std::fmt::Write;
use yeoul_media::bitstream::{aac, h264, nal};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_testkit::{epoch, wall_epoch};

/// One frame every 40 ms.
const FRAME: Duration = Duration::from_millis(40);
const SEED: [u8; 32] = [7; 32];
const UDP_PORTS: (u16, u16) = (9000, 9001);

fn h264_track(id: u16) -> Track {
    let units = [yeoul_testkit::h264::sps(1280, 720), yeoul_testkit::h264::pps()];
    let sets = h264::ParameterSets::from_units(units.into_iter().map(Bytes::from)).unwrap();
    Track { id: TrackId(id), codec: Codec::H264(Some(sets)) }
}

fn aac_track(id: u16) -> Track {
    let config = Bytes::from(yeoul_testkit::aac::config(48_000, 2));
    Track { id: TrackId(id), codec: Codec::Aac(aac::AudioSpecificConfig::parse(config).unwrap()) }
}

fn pcma_track(id: u16) -> Track {
    Track { id: TrackId(id), codec: Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 }) }
}

/// The `n`th picture of a track, 40 ms apart, of about `size` bytes.
fn picture(track: u16, n: u32, keyframe: bool, size: usize) -> Frame {
    use yeoul_testkit::h264::{Slice, slice};
    let mut data = BytesMut::new();
    nal::put_length_prefixed(&mut data, &slice(if keyframe { Slice::Idr } else { Slice::P }, size));
    sound(track, n, keyframe, data.freeze())
}

/// Any frame at the time of the `n`th picture.
fn sound(track: u16, n: u32, keyframe: bool, data: Bytes) -> Frame {
    let pts = Timestamp::ZERO + FRAME * n;
    let received_at = epoch() + FRAME * n;
    Frame {
        track: TrackId(track),
        keyframe,
        pts,
        dts: pts,
        new_codec: None,
        captured_at: None,
        received_at,
        data,
    }
}

fn clock(now: Instant) -> Clock {
    Clock { now, wall: wall_epoch() + now.duration_since(epoch()) }
}

/// A session and a host that answers its questions: stream `cam` has H.264 and AAC, stream `mono` G.711, stream `dead`
/// does not answer, and anybody may publish to `in`.
struct Rig {
    session: ServerSession,
    now: Instant,
    fanout: Option<Fanout>,
    first: Vec<Arc<Block>>,
    /// Questions are left open.
    silent_host: bool,
    bytes: Vec<u8>,
    datagrams: Vec<(Port, u16, Vec<u8>)>,
    frames: Vec<Frame>,
    events: Vec<String>,
    wait: Instant,
    closed: bool,
}

impl Rig {
    fn new() -> Self {
        Self::with(
            Options { server: "Yeoul/1".to_owned(), udp_ports: Some(UDP_PORTS), ..Options::default() },
            None,
        )
    }

    fn with(options: Options, refusal: Option<&str>) -> Self {
        let local = "192.0.2.1".parse().unwrap();
        let session = ServerSession::new(epoch(), Arc::new(options), local, refusal.map(str::to_owned), SEED);
        Self {
            session,
            now: epoch(),
            fanout: None,
            first: Vec::new(),
            silent_host: false,
            bytes: Vec::new(),
            datagrams: Vec::new(),
            frames: Vec::new(),
            events: Vec::new(),
            wait: epoch(),
            closed: false,
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(error) = self.session.handle_input(self.now, input) {
            self.events.push(format!("[error: {error}]"));
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => self.bytes.extend_from_slice(&bytes),
                Output::Datagrams { port, to, datagrams } => {
                    self.datagrams.extend(datagrams.iter().map(|datagram| (port, to, datagram.to_vec())));
                }
                Output::Frame(frame) => self.frames.push(frame),
                Output::Note(note) => self.events.push(format!("[note: {note}]")),
                Output::Wait(at) => {
                    self.wait = at;
                    return;
                }
                Output::Close => {
                    self.closed = true;
                    return;
                }
                question @ (Output::Open { .. }
                | Output::Play
                | Output::Pause
                | Output::Announce { .. }
                | Output::Record { .. }
                | Output::Stop) => {
                    self.events.push(format!("[{question:?}]"));
                    if !self.silent_host {
                        self.answer(question);
                    }
                }
            }
        }
    }

    fn answer(&mut self, question: Output) {
        let not_found = || Refusal::new(StatusCode::NotFound, "there is no such stream");
        match question {
            Output::Open { name, .. } => {
                let tracks = match name.as_str() {
                    "cam" => Ok(vec![h264_track(4), aac_track(5)]),
                    "mono" => Ok(vec![pcma_track(0)]),
                    "dead" => Err(Refusal::new(StatusCode::ServiceUnavailable, "the camera is off")),
                    _ => Err(not_found()),
                };
                if let Ok(tracks) = &tracks {
                    self.fanout = Some(Fanout::new(tracks, 1400, [9; 32]));
                }
                self.input(Input::Opened(tracks));
            }
            Output::Play => {
                let start = self.fanout.as_ref().map(|fanout| fanout.start(&self.first, self.now_pts()));
                self.input(Input::Playing(start.ok_or_else(not_found)));
                for block in std::mem::take(&mut self.first) {
                    self.input(Input::Media(&block));
                }
            }
            Output::Announce { name } | Output::Record { name, .. } => {
                let answer = if name == "in" { Ok(()) } else { Err(not_found()) };
                self.input(Input::Accepted(answer));
            }
            Output::Pause | Output::Stop => {}
            Output::Send(_)
            | Output::Datagrams { .. }
            | Output::Frame(_)
            | Output::Note(_)
            | Output::Wait(_)
            | Output::Close => unreachable!("not a question"),
        }
    }

    /// Sends a request, written with plain line feeds and without its CSeq, and gives what comes back.
    fn ask(&mut self, request: &str) -> Response {
        let (line, rest) = request.split_once('\n').unwrap_or((request, ""));
        let separator = if rest.contains("\n\n") { "" } else { "\n\n" };
        let text = format!("{line}\nCSeq: 7\n{rest}{separator}");
        let (head, body) = text.split_once("\n\n").unwrap();
        let head = head.trim_end().replace('\n', "\r\n");
        let length =
            if body.is_empty() { String::new() } else { format!("\r\nContent-Length: {}", body.len()) };
        self.input(Input::Received(format!("{head}{length}\r\n\r\n{body}").as_bytes()));
        self.response()
    }

    /// The response that has come, without the packets around it.
    fn response(&mut self) -> Response {
        let mut responses: Vec<Response> = self
            .messages()
            .into_iter()
            .filter_map(|message| match message {
                Message::Response(response) => Some(response),
                Message::Data(_) => None,
                Message::Request(request) => panic!("the server asked {request:?}"),
            })
            .collect();
        assert_eq!(responses.len(), 1, "{responses:?}");
        responses.remove(0)
    }

    fn messages(&mut self) -> Vec<Message> {
        let mut framer = Framer::new(Stray::Refuse);
        framer.push(&std::mem::take(&mut self.bytes));
        std::iter::from_fn(|| framer.pull().unwrap()).collect()
    }

    /// The packets of interleaved channels that have come.
    fn data(&mut self) -> Vec<(u8, Bytes)> {
        let data = |message| match message {
            Message::Data(data) => Some((data.channel, data.payload)),
            Message::Request(_) | Message::Response(_) => None,
        };
        self.messages().into_iter().filter_map(data).collect()
    }

    /// Asserts status and reason of a request, given as one line: `454 Session Not Found: …`.
    fn check(&mut self, request: &str, expected: &str) {
        let response = self.ask(request);
        assert_eq!(line(&response), expected, "{request}");
    }

    /// Sets up all tracks of `cam` over TCP and gives the session's id.
    fn set_up(&mut self) -> String {
        self.check("DESCRIBE rtsp://h/cam RTSP/1.0", "200 OK");
        let first =
            self.ask("SETUP rtsp://h/cam/trackID=0 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1");
        let id = session_id(&first);
        self.check(
            &format!(
                "SETUP rtsp://h/cam/trackID=1 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=2-3\nSession: {id}"
            ),
            "200 OK",
        );
        id
    }

    /// Plays all tracks of `cam` over TCP.
    fn playing() -> (Self, String) {
        let mut rig = Self::new();
        let id = rig.set_up();
        rig.check(&format!("PLAY rtsp://h/cam/ RTSP/1.0\nSession: {id}"), "200 OK");
        (rig, id)
    }

    /// Moves time to the session's next timeout.
    fn time_out(&mut self) {
        self.now = self.wait.max(self.now);
        self.input(Input::Timeout);
        assert!(self.closed || self.wait > self.now, "the session waits for the past");
    }

    /// The stream's frame of this index comes.
    fn frame(&mut self, index: u64, frame: &Frame) {
        let clock = clock(self.now);
        let block = self.fanout.as_mut().unwrap().block(index, frame, clock).unwrap();
        self.input(Input::Media(&block.expect("a block")));
    }

    /// The present on the stream's timeline.
    fn now_pts(&self) -> Timestamp {
        Timestamp::ZERO + self.now.duration_since(epoch())
    }

    fn events(&mut self) -> String {
        std::mem::take(&mut self.events).join(" ")
    }
}

fn line(response: &Response) -> String {
    format!("{} {}", u16::from(response.status), response.reason)
}

/// The whole response but its Server header, for goldens.
fn text(response: &Response) -> String {
    let mut text = line(response);
    for (name, value) in response.headers.iter().filter(|(name, _)| !["CSeq", "Server"].contains(name)) {
        write!(text, "\n{name}: {value}").unwrap();
    }
    text
}

fn session_id(response: &Response) -> String {
    let value = response.headers.get(header::SESSION).unwrap_or_else(|| panic!("{}", text(response)));
    value.split(';').next().unwrap().to_owned()
}
