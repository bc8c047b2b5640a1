//! From the connection to RECORD, and back.

use super::bench::*;
use crate::client::*;
use crate::message::{Method, Request, header};
use crate::send::{Block, Clock, Fanout};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_testkit::{epoch, wall_epoch};

const TARGET: &str = "rtsp://cam/live";
const CHALLENGE: &str = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"1\"";

/// Two tracks of sound, so that a frame is a packet.
fn tracks() -> [Track; 2] {
    let layout = PcmLayout { sample_rate: 8_000, channels: 1 };
    [
        Track { id: TrackId(7), codec: Codec::Pcma(layout) },
        Track { id: TrackId(9), codec: Codec::Pcmu(layout) },
    ]
}

fn publishing(target: &str, server: impl FnMut(&Request) -> Answer + 'static) -> Bench {
    let start = fanout().start(&[], Timestamp::ZERO);
    let target = Source::parse(target).expect("a target");
    Bench::with(ClientSession::publish(target, &tracks(), start, epoch()), server)
}

fn fanout() -> Fanout {
    Fanout::new(&tracks(), 1400, [3; 32])
}

/// The packet of a frame of the track with this id.
fn block(now: Instant, track: u16) -> Arc<Block> {
    let frame = Frame {
        track: TrackId(track),
        keyframe: true,
        pts: Timestamp::ZERO,
        dts: Timestamp::ZERO,
        new_codec: None,
        captured_at: None,
        received_at: now,
        data: Bytes::from_static(&[0xd5; 160]),
    };
    fanout().block(0, &frame, Clock { now, wall: wall_epoch() }).expect("the same clock").expect("a block")
}

fn usual_publishing() -> Vec<String> {
    vec![
        "connect cam:554 None".to_owned(),
        format!("OPTIONS {TARGET}"),
        format!("ANNOUNCE {TARGET}"),
        format!("SETUP {TARGET}/streamid=0 | RTP/AVP/TCP;unicast;interleaved=0-1;mode=record | abc"),
        format!("SETUP {TARGET}/streamid=1 | RTP/AVP/TCP;unicast;interleaved=2-3;mode=record | abc"),
        format!("RECORD {TARGET} | npt=0.000- | abc"),
    ]
}

#[test]
fn a_server_is_told_what_comes_and_gets_it() {
    let mut bench = publishing(TARGET, usual);
    assert_eq!(bench.take_log(), usual_publishing());
    assert_eq!(bench.recording.as_deref(), Some(&[][..]));
    let described =
        bench.requests.iter().find(|request| request.method == Method::Announce).expect("ANNOUNCE");
    assert_eq!(described.headers.get(header::CONTENT_TYPE), Some("application/sdp"));
    let sdp = String::from_utf8_lossy(&described.body);
    assert!(sdp.contains("m=audio 0 RTP/AVP 8\r\n") && sdp.contains("a=control:streamid=1\r\n"), "{sdp}");
    let now = bench.now;
    bench.input(Input::Media(&block(now, 7)));
    bench.input(Input::Media(&block(now, 9)));
    let channels: Vec<u8> = bench.reports.iter().map(|data| data.channel).collect();
    assert_eq!(channels, [1, 3, 0, 2], "reports, then packets");
    bench.pass(Duration::from_secs(31));
    assert_eq!(bench.take_log(), [format!("GET_PARAMETER {TARGET} | abc")], "a sign of life");
    assert!(bench.reports.len() >= 4 + 2 * 6, "a report of each track every 5 s");
    bench.input(Input::Stop);
    assert_eq!(bench.take_log(), [format!("TEARDOWN {TARGET} | abc")]);
    assert_eq!(bench.ended, Some(Ended::Stopped));
}

#[test]
fn a_challenge_is_answered_with_the_description() {
    let bench = publishing("rtsp://u:p@cam/live", |request| {
        let is_refused =
            request.method == Method::Announce && request.headers.get(header::AUTHORIZATION).is_none();
        if is_refused { status(CHALLENGE) } else { usual(request) }
    });
    assert!(bench.recording.is_some(), "{:?}", bench.error);
    let announced: Vec<bool> = bench
        .requests
        .iter()
        .filter(|request| request.method == Method::Announce)
        .map(|request| !request.body.is_empty())
        .collect();
    assert_eq!(announced, [true, true]);
}

#[test]
fn what_a_server_refuses_is_told() {
    let refusing = |method: Method, line: &'static str| {
        publishing(
            TARGET,
            move |request| if request.method == method { status(line) } else { usual(request) },
        )
    };
    refusing(Method::Announce, "405 Method Not Allowed").check_error(
        ErrorKind::Unsupported,
        "cam:554 does not take the stream: it answered ANNOUNCE of rtsp://cam/live with 405 Method Not Allowed",
    );
    refusing(Method::Setup, "461 Unsupported Transport").check_error(
        ErrorKind::Unsupported,
        "cam:554 takes no media on the control connection (461 Unsupported Transport); streams are published so only",
    );
    refusing(Method::Record, "403 Forbidden")
        .check_error(ErrorKind::Unauthorized, "cam:554 answered RECORD with 403 Forbidden");
}

#[test]
fn a_track_that_is_not_taken_does_not_spoil_the_other() {
    let mut bench = publishing(TARGET, |request| match request.method {
        Method::Setup if request.uri.ends_with("streamid=0") => status("415 Unsupported Media Type"),
        _ => usual(request),
    });
    let passed_over = bench.recording.take().expect("it records");
    assert_eq!(passed_over, ["PCMA 8000 Hz 1 channel (SETUP answered 415 Unsupported Media Type)"]);
    let now = bench.now;
    bench.input(Input::Media(&block(now, 7)));
    bench.input(Input::Media(&block(now, 9)));
    assert!(bench.reports.iter().all(|data| data.channel >= 2) && !bench.reports.is_empty());
}

#[test]
fn a_redirect_is_followed_with_everything_said_anew() {
    let mut is_first = true;
    let bench = publishing(TARGET, move |request| {
        if request.method == Method::Announce && std::mem::take(&mut is_first) {
            return Some(("RTSP/1.0 302 Moved\r\nLocation: rtsp://other/live\r\n".to_owned(), String::new()));
        }
        usual(request)
    });
    assert!(bench.recording.is_some(), "{:?}", bench.error);
    assert!(bench.log.contains(&"ANNOUNCE rtsp://other/live".to_owned()), "{:?}", bench.log);
}

#[test]
fn a_server_that_goes_away_is_a_failure_to_try_again() {
    let mut bench = publishing(TARGET, usual);
    bench.input(Input::Closed);
    bench.check_error(ErrorKind::Retry, "cam:554 has closed the connection");
    let mut bench = publishing(TARGET, usual);
    bench.receive(b"TEARDOWN rtsp://cam/live RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    assert_eq!(bench.ended, Some(Ended::ByServer));
}
