use super::*;
use crate::limits;
use proptest::prelude::*;
use yeoul_testkit::captures;

fn pull_all(framer: &mut Framer, into: &mut Vec<Message>) -> Result<(), FrameError> {
    while let Some(message) = framer.pull()? {
        into.push(message);
    }
    Ok(())
}

/// Pushes the bytes in pieces of these sizes, over and over, and returns all messages and whether it ended well.
fn frame(stray: Stray, bytes: &[u8], sizes: &[usize]) -> (Vec<Message>, bool) {
    let mut framer = Framer::new(stray);
    let (mut messages, mut rest) = (Vec::new(), bytes);
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at((*size).clamp(1, rest.len().max(1)).min(rest.len()));
        framer.push(piece);
        if pull_all(&mut framer, &mut messages).is_err() {
            return (messages, false);
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    (messages, true)
}

fn whole(stray: Stray, bytes: &[u8]) -> Result<Vec<Message>, FrameError> {
    let (mut framer, mut messages) = (Framer::new(stray), Vec::new());
    framer.push(bytes);
    pull_all(&mut framer, &mut messages).map(|()| messages)
}

fn response(bytes: &[u8]) -> Response {
    match whole(Stray::Skip, bytes).expect("RTSP").into_iter().next() {
        Some(Message::Response(response)) => response,
        other => panic!("expected a response, got {other:?}"),
    }
}

fn data(channel: u8, payload: &'static [u8]) -> Message {
    Data { channel, payload: Bytes::from_static(payload) }.into()
}

const OK: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n";
const RTP: &[u8] = b"\x80\x60\x00\x01\x00\x00\x00\x00\x00\x00\x00\x07abc";

#[test]
fn a_request_has_its_uri_as_sent() {
    let bytes = b"DESCRIBE rtsp://h/a%2Fb?x=1|2 RTSP/1.0\r\nCSeq: 7\r\nAccept: application/sdp\r\n\r\n";
    let messages = whole(Stray::Refuse, bytes).expect("RTSP");
    let expected = Request::new(Method::Describe, "rtsp://h/a%2Fb?x=1|2")
        .with("CSeq", "7")
        .with("Accept", "application/sdp");
    assert_eq!(messages, [expected.into()]);
}

#[test]
fn header_names_have_no_case_and_values_no_space_around() {
    // H264DVR says `Cseq`, Hikvision pads, Longse leaves a space at the end.
    let response = response(b"RTSP/1.0 200 OK\r\nCseq: 4 \r\nSession:        708345999\r\n\r\n");
    assert_eq!(response.headers.cseq(), Some(4));
    assert_eq!(response.headers.get("session"), Some("708345999"));
}

#[test]
fn bare_line_feeds_folded_headers_and_a_missing_reason_are_taken() {
    let response = response(b"RTSP/1.0 401\nCSeq: 1\nWWW-Authenticate: Digest realm=\"a\",\n nonce=\"b\"\nnot a header\nX: \xff\n\n");
    assert_eq!(response.status, StatusCode::Unauthorized);
    assert_eq!(response.headers.get("WWW-Authenticate"), Some("Digest realm=\"a\", nonce=\"b\""));
    assert_eq!(response.headers.get("X"), Some("\u{fffd}"));
    assert_eq!(response.headers.len(), 3);
}

#[test]
fn a_reason_in_any_script_is_taken() {
    let response = response("RTSP/1.0 404 찾을 수 없음\r\nCSeq: 1\r\n\r\n".as_bytes());
    assert_eq!((response.status, response.reason.as_str()), (StatusCode::NotFound, "찾을 수 없음"));
}

#[test]
fn stray_bytes_between_messages_are_skipped_by_a_client() {
    let mut bytes = OK.to_vec();
    bytes.extend_from_slice(b"\0\0a=left over\r\n$\x00\x00\x09not RTP\r\nRT");
    bytes.extend_from_slice(b"$\x02\x00\x0f");
    bytes.extend_from_slice(RTP);
    bytes.extend_from_slice(b"garbage RTSP/ more\r\n");
    bytes.extend_from_slice(OK);
    let messages = whole(Stray::Skip, &bytes).expect("RTSP");
    let [Message::Response(_), packet, Message::Response(_)] = messages.as_slice() else {
        panic!("{messages:?}")
    };
    assert_eq!(*packet, data(2, RTP));
}

#[test]
fn stray_bytes_end_a_servers_connection() {
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01",
        b"describe x RTSP/1.0\r\n\r\n",
    ] {
        assert!(matches!(whole(Stray::Refuse, bytes), Err(FrameError::NotRtsp(_))), "{bytes:?}");
    }
    assert_eq!(
        whole(Stray::Refuse, b"OPTIONS * RTSP/1.0\r\nnonsense\r\n\r\n"),
        Err(FrameError::BadHeader("nonsense".to_owned()))
    );
}

#[test]
fn a_header_without_a_proper_name_is_none() {
    // Written again, the first would be a Content-Length.
    let odd = b"RTSP/1.0 200 OK\r\nContent-Length\x16: 114\r\n: x\r\na b: c\r\nCSeq : 5\r\n\r\n";
    let response = response(odd);
    assert_eq!((response.headers.len(), response.headers.cseq()), (1, Some(5)));
    assert!(matches!(whole(Stray::Refuse, odd), Err(FrameError::BadHeader(_))));
}

#[test]
fn a_request_of_rtsp_2_is_delivered_as_such() {
    let messages = whole(Stray::Refuse, b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n").expect("RTSP");
    assert!(matches!(messages.as_slice(), [Message::Request(Request { version: Version::V2_0, .. })]));
}

#[test]
fn sizes_are_bounded_before_they_are_kept() {
    let long =
        |what: &str, count: usize| format!("OPTIONS * RTSP/1.0\r\n{}", what.repeat(count)).into_bytes();
    assert_eq!(whole(Stray::Refuse, &long("X: y\r\n", 3_000)), Err(FrameError::HeadTooLong));
    assert_eq!(whole(Stray::Refuse, &long("X: y\r\n\r\n", 1)).map(|m| m.len()), Ok(1));
    let mut many = long("X: y\r\n", limits::HEADERS + 1);
    many.extend_from_slice(b"\r\n");
    assert_eq!(whole(Stray::Refuse, &many), Err(FrameError::TooManyHeaders));
    assert_eq!(whole(Stray::Refuse, &b"OPTIONS ".repeat(4_000)), Err(FrameError::HeadTooLong));
    for (length, expected) in [
        ("9223372036854775808", FrameError::BodyTooLarge("9223372036854775808".to_owned())),
        ("99999999999999999999999", FrameError::BodyTooLarge("99999999999999999999999".to_owned())),
        ("262145", FrameError::BodyTooLarge("262145".to_owned())),
        ("-1", FrameError::BadContentLength("-1".to_owned())),
        ("+1", FrameError::BadContentLength("+1".to_owned())),
        ("", FrameError::BadContentLength(String::new())),
        ("1\r\nContent-Length: 2", FrameError::BadContentLength("1".to_owned())),
    ] {
        let bytes = format!("RTSP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        assert_eq!(whole(Stray::Skip, &bytes), Err(expected), "{length:?}");
    }
    let noise = vec![b'x'; limits::STRAY_BYTES + 1];
    assert_eq!(whole(Stray::Skip, &noise), Err(FrameError::OutOfStep));
}

#[test]
fn nothing_comes_after_an_error() {
    let mut framer = Framer::new(Stray::Refuse);
    framer.push(b"nonsense\r\n");
    assert!(framer.pull().is_err());
    framer.push(OK);
    assert_eq!(framer.pull(), Ok(None));
}

#[test]
fn a_value_from_outside_starts_no_line_of_its_own() {
    let mut bytes = BytesMut::new();
    Request::new(Method::Setup, "rtsp://h/a\r\nX: y")
        .with("Session", "1\r\nInjected: yes\n")
        .write(&mut bytes);
    assert_eq!(&bytes[..], b"SETUP rtsp://h/a  X: y RTSP/1.0\r\nSession: 1  Injected: yes \r\n\r\n");
}

#[test]
fn a_packet_too_long_for_its_length_field_has_no_form() {
    assert_eq!(Data::prefix(3, 65_535), Some([b'$', 3, 0xff, 0xff]));
    assert_eq!(Data::prefix(3, 65_536), None);
}

#[test]
fn every_camera_capture_is_one_message() {
    for capture in captures().into_iter().filter(|capture| !capture.name.ends_with("_sdp")) {
        let name = &capture.name;
        let mut bytes = capture.bytes.clone();
        // Some captures were shortened after the fact, so their Content-Length is beyond their end.
        bytes.resize(bytes.len() + 64, b'\n');
        let messages = whole(Stray::Skip, &bytes).expect(name);
        let [Message::Response(response)] = messages.as_slice() else { panic!("{name}: {messages:?}") };
        assert_eq!(response.status, StatusCode::Ok, "{name}");
        assert!(response.headers.cseq().is_some(), "{name}");
        assert_eq!(!response.body.is_empty(), name.contains("describe"), "{name}");
        assert_eq!(frame(Stray::Skip, &bytes, &[1]).0, messages, "{name}, byte by byte");
    }
}

fn text() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,20}[!-~])?"
}

fn headers() -> impl Strategy<Value = Headers> {
    let known = prop_oneof![Just("X-A".to_owned()), Just("Session".to_owned()), Just("CSeq".to_owned())];
    prop::collection::vec((known, text()), 0..5).prop_map(Headers)
}

fn message() -> impl Strategy<Value = Message> {
    let method = prop_oneof![
        Just(Method::Options),
        Just(Method::Setup),
        Just(Method::Extension("HELLO_X".to_owned()))
    ];
    let body = || prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
    prop_oneof![
        (method, headers(), body()).prop_map(|(method, headers, body)| {
            Request { method, uri: "rtsp://h:554/cam?x".to_owned(), version: Version::V1_0, headers, body }
                .into()
        }),
        (100u16..600, text(), headers(), body()).prop_map(|(status, reason, headers, body)| {
            Response { status: status.into(), reason, headers, body }.into()
        }),
        (any::<u8>(), body()).prop_map(|(channel, payload)| Data { channel, payload }.into()),
    ]
}

proptest! {
    #[test]
    fn any_chunking_gives_the_messages_that_were_written(
        messages in prop::collection::vec(message(), 0..6),
        sizes in prop::collection::vec(1usize..50, 1..8),
    ) {
        let mut bytes = BytesMut::new();
        messages.iter().for_each(|message| message.write(&mut bytes));
        for stray in [Stray::Skip, Stray::Refuse] {
            prop_assert_eq!(frame(stray, &bytes, &sizes), (messages.clone(), true));
        }
    }

    #[test]
    fn any_chunking_of_noise_gives_the_same(
        noise in prop::collection::vec(prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            Just(b"RTSP/1.0 200 OK\r\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"\n".to_vec()), Just(b"\0".to_vec()),
            Just(b"OPTIONS * RTSP/1.0\r\n".to_vec()), Just(b"Content-Length: 5\r\n".to_vec()),
            Just(b"$\x00\x00\x0f".to_vec()), Just(RTP.to_vec()), Just(OK.to_vec()),
        ], 0..40),
        sizes in prop::collection::vec(1usize..50, 1..8),
    ) {
        let noise = noise.concat();
        for stray in [Stray::Skip, Stray::Refuse] {
            prop_assert_eq!(frame(stray, &noise, &sizes), frame(stray, &noise, &[usize::MAX]));
        }
    }

    #[test]
    fn another_parser_reads_what_is_written(message in message()) {
        let mut bytes = BytesMut::new();
        message.write(&mut bytes);
        let (parsed, size) = rtsp_types::Message::<Vec<u8>>::parse(&bytes[..]).expect("rtsp-types reads it");
        prop_assert_eq!(size, bytes.len());
        match (parsed, message) {
            (rtsp_types::Message::Request(theirs), Message::Request(ours)) => {
                prop_assert_eq!(theirs.method(), &ours.method);
                prop_assert_eq!(theirs.body().as_slice(), &ours.body[..]);
            }
            (rtsp_types::Message::Response(theirs), Message::Response(ours)) => {
                prop_assert_eq!(theirs.status(), ours.status);
                prop_assert_eq!(theirs.reason_phrase(), ours.reason);
                prop_assert_eq!(theirs.body().as_slice(), &ours.body[..]);
            }
            (rtsp_types::Message::Data(theirs), Message::Data(ours)) => {
                prop_assert_eq!(theirs.channel_id(), ours.channel);
                prop_assert_eq!(theirs.as_slice(), &ours.payload[..]);
            }
            (theirs, ours) => prop_assert!(false, "{theirs:?} is not {ours:?}"),
        }
    }
}
