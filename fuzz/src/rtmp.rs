//! Targets of `yeoul-rtmp`: the handshake, chunks, AMF0, both sessions.

use bytes::{Bytes, BytesMut};
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_rtmp::amf::{self, Value};
use yeoul_rtmp::chunk::{self, Header, Reader};
use yeoul_rtmp::client::{self, ClientSession};
use yeoul_rtmp::handshake::Handshake;
use yeoul_rtmp::server::{Input, MESSAGE_STREAM, Output, Refusal, RefusalKind, ServerSession};
use yeoul_rtmp::url::{Request, Source};
use yeoul_rtmp::{Fanout, Message, Purpose};
use yeoul_testkit as testkit;

/// Values of AMF0: what is read is written and read as the same, and never has more values than bytes.
pub fn rtmp_amf(data: &[u8]) {
    if let Ok(values) = amf::read_all(data) {
        let mut written = BytesMut::new();
        values.iter().for_each(|value| value.write(&mut written));
        // Bytes that are no UTF-8 have been replaced and NaN is not equal to itself; names without letters may end an object.
        let again = amf::read_leading(&written);
        assert!(again.len() <= values.len());
    }
    let _ = amf::read_leading(data);
}

/// Seeds of [`rtmp_amf`].
pub fn rtmp_amf_seeds() -> Vec<Vec<u8>> {
    let inner = Value::EcmaArray(vec![
        ("width".to_owned(), 640.0.into()),
        ("stereo".to_owned(), Value::Boolean(true)),
    ]);
    let values = [
        Value::from("onMetaData"),
        Value::Object(vec![("a".to_owned(), inner), ("b".to_owned(), Value::Null)]),
        Value::StrictArray(vec!["hvc1".into(), Value::Date(1.5), Value::Undefined]),
    ];
    let mut out = BytesMut::new();
    values.iter().for_each(|value| value.write(&mut out));
    vec![out.to_vec()]
}

/// A handshake in pieces of the size in the first byte, as server and as client: the same comes behind it, whatever the pieces.
pub fn rtmp_handshake(data: &[u8]) {
    let (&size, bytes) = data.split_first().unwrap_or((&0, data));
    for make in [Handshake::server, Handshake::client] {
        let run = |size: usize| {
            let (mut handshake, mut out, mut behind) = (make(1), BytesMut::new(), None::<BytesMut>);
            for piece in bytes.chunks(size.max(1)) {
                match &mut behind {
                    Some(behind) => behind.extend_from_slice(piece),
                    None => match handshake.receive(piece, &mut out) {
                        Ok(rest) => behind = rest,
                        Err(_) => return None,
                    },
                }
            }
            Some((behind, out))
        };
        assert_eq!(run(size.into()), run(bytes.len()), "in pieces and whole");
    }
}

/// Seeds of [`rtmp_handshake`].
pub fn rtmp_handshake_seeds() -> Vec<Vec<u8>> {
    let mut whole = vec![100];
    whole.extend_from_slice(&Handshake::client(1).start());
    whole.extend([0; 1536]);
    whole.extend(b"behind");
    vec![whole, b"\x05\x06".to_vec()]
}

/// Chunks in pieces of the size in the first byte: whole, they give the same messages, and what was read is written and read again.
pub fn rtmp_chunks(data: &[u8]) {
    let (&size, bytes) = data.split_first().unwrap_or((&0, data));
    let messages = messages(bytes, usize::from(size).max(1));
    assert_eq!(messages, self::messages(bytes, usize::MAX), "in pieces and whole");
    for message in messages {
        // What a message about chunks says is not given.
        let Message { kind, timestamp, stream, payload } = &message;
        let header = Header { chunk_stream: 6, kind: *kind, timestamp: *timestamp, stream: *stream };
        let mut written = BytesMut::new();
        chunk::write(&mut written, 128, &header, &[&payload[..]]);
        assert_eq!(self::messages(&written, usize::MAX), [message]);
    }
}

fn messages(bytes: &[u8], size: usize) -> Vec<Message> {
    let (mut reader, mut messages) = (Reader::default(), Vec::new());
    for piece in bytes.chunks(size.min(bytes.len()).max(1)) {
        reader.push(piece);
        loop {
            match reader.pull() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                // What follows cannot be read.
                Err(_) => return messages,
            }
        }
    }
    messages
}

/// Seeds of [`rtmp_chunks`]: all four types of header, extended times, a change of size, an abort.
pub fn rtmp_chunks_seeds() -> Vec<Vec<u8>> {
    let types =
        b"\x03\x04\0\0\x28\0\0\x01\x08\x01\0\0\0A\xc4B\x84\0\0\x14C\x44\0\0\x05\0\0\x02\x09DE".to_vec();
    let mut extended = BytesMut::from(&b"\x80\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\x01\0"[..]);
    for timestamp in [0x00ff_ffff, 0xffff_fff0] {
        let header = Header { chunk_stream: 6, kind: 9, timestamp, stream: 1 };
        chunk::write(&mut extended, 256, &header, &[&[1; 100][..], &[2; 400]]);
    }
    let mut aborted = BytesMut::from(&b"\xff"[..]);
    chunk::write(
        &mut aborted,
        128,
        &Header { chunk_stream: 6, kind: 9, timestamp: 0, stream: 1 },
        &[&[1; 200]],
    );
    aborted.truncate(140);
    aborted.extend_from_slice(b"\x02\0\0\0\0\0\x04\x02\0\0\0\0\0\0\0\x06\xc6x");
    let wide = b"\x01\0\x10\0\0\0\0\0\x01\x12\0\0\0\0a\x01\x10\x10\0\0\0\0\0\x01\x12\0\0\0\0b".to_vec();
    vec![types, extended.to_vec(), aborted.to_vec(), wide]
}

fn command(out: &mut BytesMut, stream: u32, name: &str, values: &[Value]) {
    let mut payload = BytesMut::new();
    Value::from(name).write(&mut payload);
    Value::Number(1.0).write(&mut payload);
    values.iter().for_each(|value| value.write(&mut payload));
    let header = Header { chunk_stream: 3, kind: 20, timestamp: 0, stream };
    chunk::write(out, 128, &header, &[&payload]);
}

fn object(entries: &[(&str, &str)]) -> Value {
    Value::Object(entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect())
}

/// Sound with a change of codec, as its message has it.
fn tags(out: &mut BytesMut) {
    for (timestamp, body) in [
        (0, &b"\xaf\0\x11\x90"[..]),
        (10, b"\xaf\x01abc"),
        (20, b"\x17\x01\0\0\0\0\0\0\x02\x65\x88"),
        (30, b"\x90hvc1"),
        (40, b"\x91Opusabc"),
    ] {
        let kind = if matches!(body[0], 0xaf | 0x91) { 8 } else { 9 };
        chunk::write(out, 128, &Header { chunk_stream: 4, kind, timestamp, stream: 1 }, &[body]);
    }
}

/// A client's bytes behind the handshake. The first byte says whether the host has what is asked for; then records: what happens,
/// how many bytes, the bytes.
pub fn rtmp_server(data: &[u8]) {
    let (&setup, mut rest) = data.split_first().unwrap_or((&0, data));
    let mut run = Server {
        session: ServerSession::new(testkit::epoch(), (setup & 1 == 1).then(|| "no".to_owned()), 1),
        fanout: Fanout::new(&tracks(), MESSAGE_STREAM).expect("a track that FLV carries"),
        now: testkit::epoch(),
        has_streams: setup & 2 == 0,
        client: Reader::default(),
        received: BytesMut::new(),
        is_over: false,
        index: 0,
    };
    run.receive(&Handshake::client(1).start());
    run.receive(&[0; 1536]);
    while let Some((&[kind, length], after)) = rest.split_first_chunk::<2>() {
        let (bytes, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        match kind % 8 {
            0..=3 => run.receive(bytes),
            4 | 5 => run.frame(bytes),
            6 => {
                run.now += Duration::from_millis(400 * u64::from(length));
                run.input(Input::Timeout);
            }
            _ => run.input(Input::End("the end".to_owned())),
        }
    }
}

struct Server {
    session: ServerSession,
    fanout: Fanout,
    now: Instant,
    has_streams: bool,
    /// Reads what the session sends: these are chunks, whatever it has received.
    client: Reader,
    /// Of the handshake.
    received: BytesMut,
    is_over: bool,
    index: u64,
}

impl Server {
    fn receive(&mut self, bytes: &[u8]) {
        self.input(Input::Received(bytes));
    }

    fn frame(&mut self, bytes: &[u8]) {
        let frame = sound(self.now, bytes);
        self.index += 1;
        if let Some(block) = self.fanout.block(self.index, &frame) {
            self.input(Input::Media(&block.bytes));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let _ = self.session.handle_input(self.now, input);
        loop {
            match self.session.poll_output() {
                Output::Wait(_) => return assert!(!self.is_over, "nothing follows the end"),
                Output::Close => {
                    self.is_over = true;
                    return;
                }
                Output::Send(bytes) => self.sent(&bytes),
                Output::Play(request) => {
                    check_names(&request);
                    let first = sound(self.now, b"x");
                    let start = self.fanout.start(&tracks(), &first, Purpose::Play).expect("as before");
                    let answer = if self.has_streams { Ok(start) } else { Err(refusal()) };
                    let _ = self.session.handle_input(self.now, Input::Playing(answer));
                }
                Output::Publish(request) => {
                    check_names(&request);
                    let answer = if self.has_streams { Ok(()) } else { Err(refusal()) };
                    let _ = self.session.handle_input(self.now, Input::Accepted(answer));
                }
                Output::Frame(frame) => assert!(!frame.data.is_empty() && frame.pts >= frame.dts),
                Output::Tracks(_) | Output::Note(_) | Output::Pause(_) | Output::Stop => {}
            }
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        const HANDSHAKE_BYTES: usize = 1 + 2 * 1536;
        let missing = HANDSHAKE_BYTES - self.received.len().min(HANDSHAKE_BYTES);
        let (handshake, rest) = bytes.split_at(missing.min(bytes.len()));
        self.received.extend_from_slice(handshake);
        self.client.push(rest);
        while self.client.pull().expect("the session speaks RTMP").is_some() {}
    }
}

fn check_names(request: &Request) {
    assert!(request.names().iter().all(|name| !name.starts_with('/') && !name.ends_with('/')));
}

fn refusal() -> Refusal {
    Refusal { kind: RefusalKind::NotFound, sentence: "there is none".to_owned() }
}

fn tracks() -> Vec<Track> {
    vec![Track { id: TrackId(0), codec: Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 }) }]
}

fn sound(now: Instant, bytes: &[u8]) -> Frame {
    let pts = Timestamp::ZERO + now.duration_since(testkit::epoch());
    Frame {
        track: TrackId(0),
        keyframe: true,
        pts,
        dts: pts,
        new_codec: None,
        captured_at: None,
        received_at: now,
        data: Bytes::copy_from_slice(if bytes.is_empty() { &[0] } else { bytes }),
    }
}

/// Seeds of [`rtmp_server`]: a player and a publisher.
pub fn rtmp_server_seeds() -> Vec<Vec<u8>> {
    let record = |kind: u8, bytes: &[u8]| {
        let pieces = bytes
            .chunks(200)
            .flat_map(|piece| [&[kind, u8::try_from(piece.len()).expect("a short piece")], piece].concat());
        pieces.collect::<Vec<u8>>()
    };
    let connect = object(&[("app", "live?user=u"), ("tcUrl", "rtmp://u:p@h/live"), ("flashVer", "LNX")]);
    let begin = |wish: &str| {
        let mut out = BytesMut::new();
        command(&mut out, 0, "connect", std::slice::from_ref(&connect));
        command(&mut out, 0, "createStream", &[Value::Null]);
        command(&mut out, 1, wish, &[Value::Null, "cam?pass=p".into()]);
        out
    };
    let mut publisher = begin("publish");
    tags(&mut publisher);
    let aggregate = b"\x08\0\0\x05\0\0\x0a\0\0\0\0\xaf\x01abc\0\0\0\x10";
    chunk::write(
        &mut publisher,
        128,
        &Header { chunk_stream: 4, kind: 22, timestamp: 50, stream: 1 },
        &[aggregate],
    );
    command(&mut publisher, 0, "deleteStream", &[Value::Null, 1.0.into()]);
    let mut pause = BytesMut::new();
    command(&mut pause, 1, "pause", &[Value::Null, Value::Boolean(true), 0.0.into()]);
    command(&mut pause, 1, "closeStream", &[Value::Null]);
    let player =
        [record(0, &begin("play")), record(4, &[0xd5; 160]), record(6, &[0; 250]), record(0, &pause)]
            .concat();
    vec![
        [&[0][..], &player].concat(),
        [&[0][..], &record(0, &publisher), &[7, 0]].concat(),
        [&[1][..], &player].concat(),
        [&[2][..], &player].concat(),
    ]
}

/// A server's bytes behind the handshake, in pieces of the size in the first byte.
pub fn rtmp_client(data: &[u8]) {
    let (&setup, bytes) = data.split_first().unwrap_or((&0, data));
    let purpose = if setup & 1 == 0 { Purpose::Play } else { Purpose::Publish };
    let source = Source::parse("rtmp://user:hunter2secret@h/live/secretkey").expect("a URL");
    let mut session = ClientSession::new(testkit::epoch(), source, purpose, 1);
    let mut now = testkit::epoch();
    let mut handshake = Handshake::server(2).start().to_vec();
    handshake.extend([0; 1536]);
    for piece in [&handshake[..]].into_iter().chain(bytes.chunks(usize::from(setup >> 1).max(1))) {
        now += Duration::from_millis(10);
        let result = session.handle_input(now, client::Input::Received(piece));
        let is_over = result.is_err();
        if let Err(error) = result {
            let text = error.to_string();
            assert!(!text.contains("secretkey") && !text.contains("hunter2"), "{text}");
        }
        loop {
            match session.poll_output() {
                client::Output::Wait(at) => {
                    assert!(!is_over && at > testkit::epoch());
                    break;
                }
                client::Output::Close => break,
                client::Output::Frame(frame) => assert!(!frame.data.is_empty() && frame.pts >= frame.dts),
                client::Output::Publishing { .. } => {
                    let media = Bytes::from_static(b"media");
                    let _ = session.handle_input(now, client::Input::Media(&media));
                }
                client::Output::Send(_)
                | client::Output::Reconnect
                | client::Output::Tracks(_)
                | client::Output::Note(_) => {}
            }
        }
    }
    let _ = session.handle_input(now, client::Input::Closed);
}

/// Seeds of [`rtmp_client`]: a server that plays, one that takes, one that refuses.
pub fn rtmp_client_seeds() -> Vec<Vec<u8>> {
    let answer = |out: &mut BytesMut, transaction: f64, value: Value| {
        let mut payload = BytesMut::new();
        [Value::from("_result"), transaction.into(), Value::Null, value]
            .iter()
            .for_each(|of| of.write(&mut payload));
        chunk::write(out, 128, &Header { chunk_stream: 3, kind: 20, timestamp: 0, stream: 0 }, &[&payload]);
    };
    let session = |setup: u8, code: &str| {
        let mut out = BytesMut::from(&[setup][..]);
        answer(&mut out, 1.0, object(&[("code", "NetConnection.Connect.Success")]));
        answer(&mut out, 4.0, 1.0.into());
        command(&mut out, 1, "onStatus", &[Value::Null, object(&[("level", "status"), ("code", code)])]);
        tags(&mut out);
        out.extend_from_slice(b"\x02\0\0\0\0\0\x06\x04\0\0\0\0\0\x06\0\0\0\x05");
        out.to_vec()
    };
    let mut refused = BytesMut::from(&b"\x40"[..]);
    let said = object(&[
        ("level", "error"),
        ("code", "NetStream.Play.StreamNotFound"),
        ("description", "secretkey"),
    ]);
    command(&mut refused, 1, "onStatus", &[Value::Null, said]);
    vec![session(0x80, "NetStream.Play.Start"), session(0x81, "NetStream.Publish.Start"), refused.to_vec()]
}
