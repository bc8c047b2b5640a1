//! Whatever comes in, in whatever pieces.

use super::bench::*;
use crate::client::*;
use crate::message::Data;
use bytes::BytesMut;
use proptest::prelude::*;
use std::time::Duration;
use yeoul_testkit::epoch;

/// What a camera sends in a whole session, answers and packets.
fn server_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    let head = |more: &str| format!("RTSP/1.0 200 OK\r\n{more}\r\n").into_bytes();
    bytes.extend(head("CSeq: 1\r\nPublic: GET_PARAMETER\r\n"));
    bytes.extend(head(&format!("CSeq: 2\r\nContent-Length: {}\r\n", SDP.len())));
    bytes.extend(SDP.bytes());
    bytes.extend(head("CSeq: 3\r\nSession: abc\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n"));
    bytes.extend(head("CSeq: 4\r\nSession: abc\r\nTransport: RTP/AVP/TCP;interleaved=2-3\r\n"));
    bytes.extend(head("CSeq: 5\r\nSession: abc\r\nRTP-Info: url=trackID=0;seq=0;rtptime=0\r\n"));
    for n in 0..5u16 {
        let mut packet = BytesMut::new();
        Data { channel: 0, payload: rtp(8, n, u32::from(n) * 160).into() }.write(&mut packet);
        bytes.extend(packet);
    }
    bytes
}

/// The session's outputs when it gets these bytes in pieces of these sizes.
fn outputs(bytes: &[u8], sizes: &[usize]) -> Vec<String> {
    let source = Source::parse("rtsp://cam/live").expect("a source");
    let mut session = ClientSession::new(source, SSRC, epoch());
    let mut log = Vec::new();
    let mut drain = |session: &mut ClientSession| loop {
        match session.poll_output() {
            Output::Wait(_) => break,
            Output::Event(Event::Frame(frame)) => log.push(format!("{frame:?}")),
            other => log.push(format!("{other:?}")),
        }
    };
    drain(&mut session);
    let _ = session.handle_input(epoch(), Input::Connected { peer: peer() });
    drain(&mut session);
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        let _ = session.handle_input(epoch(), Input::Received(piece));
        drain(&mut session);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    log
}

#[test]
fn a_whole_session_in_one_piece_plays() {
    let log = outputs(&server_bytes(), &[usize::MAX]);
    assert_eq!(log.iter().filter(|line| line.starts_with("Frame")).count(), 5, "{log:#?}");
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_session(sizes in prop::collection::vec(1usize..300, 1..10)) {
        let bytes = server_bytes();
        prop_assert_eq!(outputs(&bytes, &sizes), outputs(&bytes, &[usize::MAX]));
    }

    #[test]
    fn damaged_bytes_never_panic(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        sizes in prop::collection::vec(1usize..300, 1..10),
    ) {
        let mut bytes = server_bytes();
        for (at, value) in at {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        outputs(&bytes, &sizes);
    }

    #[test]
    fn noise_never_panics_and_timers_never_lie_in_the_past(
        transport in prop::sample::select(vec!["", "#transport=udp"]),
        inputs in prop::collection::vec((0u8..8, prop::collection::vec(any::<u8>(), 0..60), 0u64..8_000), 0..40),
    ) {
        let mut bench = Bench::playing(&format!("rtsp://cam/live{transport}"));
        for (kind, bytes, pass_ms) in inputs {
            match kind {
                0 => bench.receive(&bytes),
                1 => bench.receive_data(bytes.first().copied().unwrap_or(0) % 6, bytes),
                2 => bench.receive_data(0, [&rtp(8, 0, 0)[..12], &bytes].concat()),
                3 => bench.input(Input::Datagram { socket: 0, channel: Channel::Rtcp, from: peer(), bytes: &bytes }),
                4 => bench.input(Input::Datagram { socket: 9, channel: Channel::Rtp, from: peer(), bytes: &bytes }),
                5 => bench.input(Input::Pause),
                6 => bench.input(Input::Play),
                _ => bench.pass(Duration::from_millis(pass_ms)),
            }
        }
    }
}
