//! The server's side with clients: ours over a wire with delays, and one that writes as OBS does.

use super::{Error, Input, MESSAGE_STREAM, Output, Refusal, RefusalKind, Request, ServerSession};
use crate::amf::Value;
use crate::client::{self, ClientSession};
use crate::fanout::{Fanout, Purpose};
use crate::handshake::Handshake;
use crate::limits::{PUBLISHER_SILENCE, SETUP_TIMEOUT};
use crate::message::{AUDIO, COMMAND, COMMAND_AMF3, Command, DATA, Message, VIDEO, object};
use crate::testing::{DeltaWriter, aac, h264, picture, sound};
use crate::url::Source;
use bytes::{BufMut, Bytes, BytesMut};
use std::time::{Duration, Instant};
use yeoul_container::flv::{TagKind, TagWriter};
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};
use yeoul_testkit::{Link, LossyLink, Rng, epoch};

fn tracks() -> Vec<Track> {
    [h264(640), aac()]
        .into_iter()
        .enumerate()
        .map(|(id, codec)| Track { id: TrackId(u16::try_from(id).unwrap()), codec })
        .collect()
}

/// Both ends of a connection over a wire that delays and cuts.
struct Pair {
    now: Instant,
    client: ClientSession,
    server: ServerSession,
    up: LossyLink,
    down: LossyLink,
    rng: Rng,
    /// What the server is asked.
    request: Option<Request>,
    message_stream: Option<u32>,
    codecs: Vec<Vec<Codec>>,
    frames: Vec<Frame>,
    closed: bool,
}

impl Pair {
    fn new(purpose: Purpose) -> Self {
        let source = Source::parse("rtmp://h/live/cam?user=u&pass=p").unwrap();
        let link =
            Link { delay: Duration::from_millis(20), jitter: Duration::from_millis(30), ..Link::default() };
        Self {
            now: epoch(),
            client: ClientSession::new(epoch(), source, purpose, 1),
            server: ServerSession::new(epoch(), None, 2),
            up: LossyLink::new(link, 3),
            down: LossyLink::new(link, 4),
            rng: Rng::new(5),
            request: None,
            message_stream: None,
            codecs: Vec::new(),
            frames: Vec::new(),
            closed: false,
        }
    }

    fn send(link: &mut LossyLink, rng: &mut Rng, now: Instant, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let size = usize::try_from(1 + rng.below(1460)).unwrap().min(bytes.len());
            link.push(now, bytes.split_to(size));
        }
    }

    /// Lets time pass until nothing moves any more.
    fn run(&mut self) {
        loop {
            self.drain();
            let Some(at) = [self.up.next_at(), self.down.next_at()].into_iter().flatten().min() else {
                return;
            };
            self.now = self.now.max(at);
            while let Some(bytes) = self.up.pop(self.now) {
                self.server.handle_input(self.now, Input::Received(&bytes)).unwrap();
                self.drain();
            }
            while let Some(bytes) = self.down.pop(self.now) {
                self.client.handle_input(self.now, client::Input::Received(&bytes)).unwrap();
                self.drain();
            }
        }
    }

    fn drain(&mut self) {
        loop {
            match self.client.poll_output() {
                client::Output::Send(bytes) => Self::send(&mut self.up, &mut self.rng, self.now, bytes),
                client::Output::Publishing { message_stream } => self.message_stream = Some(message_stream),
                client::Output::Tracks(codecs) => self.codecs.push(codecs),
                client::Output::Frame(frame) => self.frames.push(frame),
                client::Output::Reconnect => panic!("our server asks for nothing in steps"),
                client::Output::Note(note) => panic!("{note}"),
                client::Output::Wait(_) | client::Output::Close => break,
            }
        }
        loop {
            match self.server.poll_output() {
                Output::Send(bytes) => Self::send(&mut self.down, &mut self.rng, self.now, bytes),
                Output::Play(request) => self.request = Some(request),
                Output::Publish(request) => {
                    self.request = Some(request);
                    self.server.handle_input(self.now, Input::Accepted(Ok(()))).unwrap();
                }
                Output::Tracks(codecs) => self.codecs.push(codecs),
                Output::Frame(frame) => self.frames.push(frame),
                Output::Note(note) => panic!("{note}"),
                Output::Pause(_) | Output::Stop => {}
                Output::Wait(_) => break,
                Output::Close => {
                    self.closed = true;
                    break;
                }
            }
        }
    }
}

/// Pictures of 25 a second with B-frames between, sound, and a change of the picture's size.
fn programme() -> Vec<Frame> {
    let mut frames = Vec::new();
    for number in 0..60u32 {
        let at = Duration::from_millis(u64::from(number) * 40);
        let mut frame = picture(0, at, number.is_multiple_of(20), 500 + 3000 * usize::from(number % 20 == 0));
        frame.pts = frame.dts + Duration::from_millis([40, 120, 0, 0][number as usize % 4]);
        if number == 40 {
            frame.new_codec = Some(std::sync::Arc::new(h264(1280)));
        }
        frames.push(frame);
        frames.push(sound(1, at + Duration::from_millis(7)));
    }
    frames
}

fn check_programme(got: &[Frame], codecs: &[Vec<Codec>]) {
    assert_eq!(codecs, [[h264(640), aac()]]);
    let sent = programme();
    assert_eq!(got.len(), sent.len());
    let zero = |frames: &[Frame]| frames[0].dts;
    let ms = |from: Timestamp, to: Timestamp| to.saturating_since(from).as_millis();
    for (got_frame, frame) in got.iter().zip(&sent) {
        assert_eq!(
            (got_frame.track, got_frame.keyframe, &got_frame.data),
            (frame.track, frame.keyframe, &frame.data)
        );
        assert_eq!(ms(zero(got), got_frame.dts), ms(zero(&sent), frame.dts));
        assert_eq!(ms(zero(got), got_frame.pts), ms(zero(&sent), frame.pts));
        assert_eq!(got_frame.new_codec.as_deref(), frame.new_codec.as_deref());
    }
}

#[test]
fn what_is_published_comes_as_it_was_sent() {
    let mut pair = Pair::new(Purpose::Publish);
    pair.run();
    let request = pair.request.clone().expect("asked");
    assert_eq!(request.names()[0], "live/cam");
    assert_eq!(request.credentials.map(|of| of.user), Some("u".to_owned()));
    let stream = pair.message_stream.expect("accepted");
    let mut fanout = Fanout::new(&tracks(), stream).unwrap();
    let frames = programme();
    let start = fanout.start(&tracks(), &frames[0], Purpose::Publish).unwrap();
    pair.client.handle_input(pair.now, client::Input::Media(&start)).unwrap();
    for (index, frame) in frames.iter().enumerate() {
        let block = fanout.block(index as u64, frame).expect("a block");
        pair.client.handle_input(pair.now, client::Input::Media(&block.bytes)).unwrap();
        pair.run();
    }
    check_programme(&pair.frames, &pair.codecs);
}

#[test]
fn what_is_played_comes_as_it_was_sent() {
    let mut pair = Pair::new(Purpose::Play);
    pair.run();
    assert!(pair.request.is_some());
    let mut fanout = Fanout::new(&tracks(), MESSAGE_STREAM).unwrap();
    let frames = programme();
    let start = fanout.start(&tracks(), &frames[0], Purpose::Play).unwrap();
    pair.server.handle_input(pair.now, Input::Playing(Ok(start))).unwrap();
    for (index, frame) in frames.iter().enumerate() {
        let block = fanout.block(index as u64, frame).expect("a block");
        let again = fanout.block(index as u64, frame).expect("the same block");
        assert!(std::sync::Arc::ptr_eq(&block, &again), "made once");
        pair.server.handle_input(pair.now, Input::Media(&block.bytes)).unwrap();
        pair.run();
    }
    check_programme(&pair.frames, &pair.codecs);
    pair.server.handle_input(pair.now, Input::End("the camera is gone".to_owned())).unwrap();
    pair.run();
    assert!(pair.closed && matches!(pair.client.poll_output(), client::Output::Close));
}

#[test]
fn who_begins_later_gets_the_same_bytes() {
    let mut fanout = Fanout::new(&tracks(), MESSAGE_STREAM).unwrap();
    let frames = programme();
    let all: Vec<_> = (0..).zip(&frames).map(|(index, frame)| fanout.block(index, frame).unwrap()).collect();
    let start = fanout.start(&tracks(), &frames[40], Purpose::Play).unwrap();
    assert!(start.windows(10).any(|window| window == b"onMetaData"));
    let again: Vec<_> =
        (40..).zip(&frames[40..]).map(|(index, frame)| fanout.block(index, frame).unwrap()).collect();
    assert!(all[40..].iter().zip(&again).all(|(a, b)| a.bytes == b.bytes));
    assert!(all[80].has_config && !all[79].has_config);
    assert!(!fanout.config(&h264(1280), &frames[80]).is_empty());
}

/// A client that writes by hand.
struct Encoder {
    session: ServerSession,
    writer: DeltaWriter,
    out: BytesMut,
    now: Instant,
    notes: Vec<String>,
    codecs: Vec<Vec<Codec>>,
    frames: Vec<Frame>,
    sent: BytesMut,
    stopped: bool,
}

impl Encoder {
    fn new(refusal: Option<String>) -> Self {
        let mut encoder = Self {
            session: ServerSession::new(epoch(), refusal, 2),
            writer: DeltaWriter::new(128),
            out: BytesMut::new(),
            now: epoch(),
            notes: Vec::new(),
            codecs: Vec::new(),
            frames: Vec::new(),
            sent: BytesMut::new(),
            stopped: false,
        };
        encoder.out.put_slice(&Handshake::client(9).start());
        encoder.out.put_bytes(0, 1536);
        encoder
    }

    fn command(&mut self, kind: u8, stream: u32, name: &str, values: Vec<Value>) {
        let mut payload = Command::new(name, 1.0, values).write();
        if kind == COMMAND_AMF3 {
            payload = [&[0][..], &payload].concat().into();
        }
        // Chunk streams of their own, so that each has a whole header.
        let header = crate::chunk::Header { chunk_stream: 3, kind, timestamp: 0, stream };
        crate::chunk::write(&mut self.out, 128, &header, &[&payload]);
    }

    fn publish(&mut self, kind: u8) {
        let connect = object([("app", "live".into()), ("tcUrl", "rtmp://h/live".into())]);
        self.command(kind, 0, "connect", vec![connect]);
        self.command(kind, 0, "releaseStream", vec![Value::Null, "cam".into()]);
        self.command(kind, 0, "createStream", vec![Value::Null]);
        self.command(kind, 1, "publish", vec![Value::Null, "cam".into(), "live".into()]);
        self.flush().unwrap();
    }

    fn tag(&mut self, kind: u8, timestamp: u32, body: &Bytes) {
        let chunk_stream = if kind == DATA { 5 } else { 4 };
        let message = Message { kind, timestamp, stream: 1, payload: body.clone() };
        self.writer.write(&mut self.out, chunk_stream, &message);
    }

    fn flush(&mut self) -> Result<(), Error> {
        let bytes = self.out.split();
        let result = self.session.handle_input(self.now, Input::Received(&bytes));
        self.drain();
        result
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => self.sent.put_slice(&bytes),
                Output::Publish(_) => {
                    self.session.handle_input(self.now, Input::Accepted(Ok(()))).unwrap();
                }
                Output::Play(_) => {
                    let sentence = "there is no stream \"cam\"".to_owned();
                    let refusal = Refusal { kind: RefusalKind::NotFound, sentence };
                    self.session.handle_input(self.now, Input::Playing(Err(refusal))).unwrap();
                }
                Output::Tracks(codecs) => self.codecs.push(codecs),
                Output::Frame(frame) => self.frames.push(frame),
                Output::Note(note) => self.notes.push(note),
                Output::Pause(_) => {}
                Output::Stop => self.stopped = true,
                Output::Wait(_) | Output::Close => return,
            }
        }
    }

    fn has_sent(&self, text: &str) -> bool {
        self.sent.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Metadata and configurations, as [`TagWriter`] writes them.
    fn start(&mut self, timestamp: u32) {
        for tag in TagWriter::new(&tracks()).unwrap().start(timestamp) {
            let prefix: &[u8] = if tag.kind == TagKind::Script { b"\x02\0\x0d@setDataFrame" } else { b"" };
            self.tag(tag.kind.number(), timestamp, &[prefix, &tag.head, &tag.data].concat().into());
        }
    }
}

fn tag_body(frame: &Frame) -> Bytes {
    let tag = TagWriter::new(&tracks()).unwrap().write(frame).next().unwrap();
    [&tag.head[..], &tag.data].concat().into()
}

/// Publishes `hours` of picture and sound from the RTMP time `from_ms` on, and plays them: neither side sees a jump.
fn check_hours(from_ms: u32, hours: u64) {
    let mut encoder = Encoder::new(None);
    encoder.publish(COMMAND);
    encoder.start(from_ms);
    let (key, delta, note) = (
        tag_body(&picture(0, Duration::ZERO, true, 60)),
        tag_body(&picture(0, Duration::ZERO, false, 300)),
        tag_body(&sound(1, Duration::ZERO)),
    );
    let mut fanout = Fanout::new(&tracks(), MESSAGE_STREAM).unwrap();
    let mut player = crate::chunk::Reader::default();
    player.push(b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\x01\0\0");
    let mut last = [None::<(Timestamp, u32)>; 2];
    let mut count = 0u64;
    for ms in (0..hours * 3_600_000).step_by(100) {
        encoder.now = epoch() + Duration::from_millis(ms);
        let rtmp_time = |later: u64| from_ms.wrapping_add(u32::try_from(ms + later).unwrap());
        let body = if ms.is_multiple_of(2000) { &key } else { &delta };
        encoder.tag(VIDEO, rtmp_time(0), body);
        encoder.tag(AUDIO, rtmp_time(23), &note);
        encoder.flush().unwrap();
        for frame in std::mem::take(&mut encoder.frames) {
            let block = fanout.block(count, &frame).unwrap();
            count += 1;
            player.push(&block.bytes);
            let message = player.pull().unwrap().expect("one message for each frame");
            let track = usize::from(frame.track.0);
            if let Some((dts, time)) = last[track] {
                assert_eq!(frame.dts.saturating_since(dts), Duration::from_millis(100), "at {ms} ms");
                assert_eq!(message.timestamp.wrapping_sub(time), 100, "at {ms} ms");
            }
            last[track] = Some((frame.dts, message.timestamp));
        }
    }
    assert_eq!(count, 2 * hours * 36_000);
    assert_eq!(encoder.codecs.len(), 1);
    assert!(encoder.notes.is_empty());
}

#[test]
fn obss_way_of_publishing_crosses_24_bits_and_goes_on_for_5_hours_without_a_jump() {
    check_hours(0, 5);
}

#[test]
fn time_that_wraps_at_32_bits_goes_on() {
    check_hours(u32::MAX - 600_000, 1);
}

#[test]
fn commands_of_amf3_are_read() {
    let mut encoder = Encoder::new(None);
    encoder.publish(COMMAND_AMF3);
    assert!(encoder.has_sent("NetStream.Publish.Start"));
}

#[test]
fn an_aggregate_is_its_tags() {
    let mut encoder = Encoder::new(None);
    encoder.publish(COMMAND);
    encoder.start(1000);
    let mut body = BytesMut::new();
    for (kind, time, tag) in [
        (VIDEO, 500u32, tag_body(&picture(0, Duration::ZERO, true, 60))),
        (AUDIO, 510, tag_body(&sound(1, Duration::ZERO))),
        (VIDEO, 540, tag_body(&picture(0, Duration::ZERO, false, 60))),
    ] {
        body.put_u8(kind);
        body.put_uint(tag.len() as u64, 3);
        body.put_uint(u64::from(time), 3);
        body.put_u32(0);
        body.put_slice(&tag);
        body.put_u32(11 + u32::try_from(tag.len()).unwrap());
    }
    encoder.tag(crate::message::AGGREGATE, 1000, &body.freeze());
    encoder.flush().unwrap();
    let times: Vec<_> =
        encoder.frames.iter().map(|frame| (frame.track.0, frame.dts.to_ticks(1000))).collect();
    assert_eq!(times, [(0, 1000), (1, 1010), (0, 1040)]);
}

#[test]
fn a_codec_that_is_not_taken_is_noted_and_passed_over() {
    let mut encoder = Encoder::new(None);
    encoder.publish(COMMAND);
    encoder.start(0);
    encoder.tag(VIDEO, 0, &tag_body(&picture(0, Duration::ZERO, true, 60)));
    encoder.tag(AUDIO, 0, &Bytes::from_static(b"\x91ac-3\x0b\x77"));
    encoder.tag(AUDIO, 3, &tag_body(&sound(1, Duration::ZERO)));
    encoder.flush().unwrap();
    assert_eq!(encoder.notes.len(), 1);
    assert!(encoder.notes[0].starts_with("the audio codec ac-3 in FLV and RTMP is not supported"));
    assert_eq!(encoder.frames.len(), 2);
}

#[test]
fn a_publisher_that_ends_says_so_and_may_begin_again() {
    let mut encoder = Encoder::new(None);
    encoder.publish(COMMAND);
    encoder.command(COMMAND, 0, "deleteStream", vec![Value::Null, Value::Number(1.0)]);
    encoder.flush().unwrap();
    assert!(encoder.stopped && encoder.has_sent("NetStream.Unpublish.Success"));
    encoder.sent.clear();
    encoder.command(COMMAND, 1, "publish", vec![Value::Null, "cam".into(), "live".into()]);
    encoder.flush().unwrap();
    assert!(encoder.has_sent("NetStream.Publish.Start"));
}

#[test]
fn refusals_are_told_in_words() {
    let mut encoder = Encoder::new(Some("not from there".to_owned()));
    encoder.command(COMMAND, 0, "connect", vec![object([("app", "live".into())])]);
    assert_eq!(encoder.flush(), Err(Error::Refused("not from there".to_owned())));
    assert!(encoder.has_sent("NetConnection.Connect.Rejected") && encoder.has_sent("not from there"));
    let mut encoder = Encoder::new(None);
    encoder.command(COMMAND, 1, "play", vec![Value::Null, "cam".into()]);
    encoder.flush().unwrap();
    assert!(!encoder.has_sent("NetStream"), "who has not connected gets nothing");
    encoder.command(COMMAND, 0, "connect", vec![object([("app", "live".into())])]);
    encoder.command(COMMAND, 1, "play", vec![Value::Null, "cam".into()]);
    encoder.flush().unwrap();
    assert!(encoder.has_sent("NetStream.Play.StreamNotFound") && encoder.has_sent("there is no stream"));
    assert!(matches!(encoder.session.poll_output(), Output::Close));
}

#[test]
fn who_says_nothing_is_let_go() {
    let mut session = ServerSession::new(epoch(), None, 1);
    assert!(matches!(session.poll_output(), Output::Wait(at) if at == epoch() + SETUP_TIMEOUT));
    let result = session.handle_input(epoch() + SETUP_TIMEOUT, Input::Timeout);
    assert_eq!(result, Err(Error::Silent(SETUP_TIMEOUT)));
    let mut encoder = Encoder::new(None);
    encoder.publish(COMMAND);
    let result = encoder.session.handle_input(epoch() + PUBLISHER_SILENCE, Input::Timeout);
    assert_eq!(result, Err(Error::Silent(PUBLISHER_SILENCE)));
    encoder.drain();
    assert!(encoder.stopped);
}

#[test]
fn endless_commands_end_the_connection() {
    let mut encoder = Encoder::new(None);
    for _ in 0..100 {
        encoder.command(COMMAND, 0, "createStream", vec![Value::Null]);
    }
    assert!(matches!(encoder.flush(), Err(Error::Malformed(crate::Error::IdleCommands))));
}
