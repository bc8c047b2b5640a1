use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use std::time::Duration;
use yeoul_testkit::epoch;

fn packet(ssrc: u32, sequence: u16) -> Packet {
    let header = Header { payload_type: 96, marker: false, sequence, rtp_time: 0, ssrc };
    Packet { header, payload: Bytes::new() }
}

/// Pushes packets of one sender 1 ms apart; what comes out in the end, with `!` where something is missing before.
fn order(sequences: &[u16]) -> String {
    let mut reorder = Reorder::default();
    let mut out = Vec::new();
    let mut now = epoch();
    for &sequence in sequences {
        now += Duration::from_millis(1);
        reorder.push(now, packet(1, sequence));
        drain(&mut reorder, now, &mut out);
    }
    drain(&mut reorder, now + REORDER_WAIT, &mut out);
    out.join(" ")
}

fn drain(reorder: &mut Reorder, now: Instant, out: &mut Vec<String>) {
    while let Some((packet, lost)) = reorder.pop(now) {
        out.push(format!("{}{}", if lost { "!" } else { "" }, packet.header.sequence));
    }
}

#[test]
fn packets_out_of_order_come_in_order() {
    assert_eq!(order(&[10, 12, 13, 11, 14]), "10 11 12 13 14");
}

#[test]
fn sequence_numbers_wrap() {
    assert_eq!(order(&[65_534, 0, 65_535, 1]), "65534 65535 0 1");
}

#[test]
fn repeated_packets_are_dropped() {
    assert_eq!(order(&[1, 2, 2, 4, 4, 3, 1]), "1 2 3 4");
}

#[test]
fn a_loss_is_named_once() {
    assert_eq!(order(&[1, 3, 4, 6]), "1 !3 4 !6");
}

#[test]
fn a_lost_packet_is_waited_for_only_so_long() {
    let mut reorder = Reorder::default();
    let now = epoch();
    reorder.push(now, packet(1, 1));
    assert!(reorder.pop(now).is_some());
    assert_eq!(reorder.next_timeout(), None);
    reorder.push(now + Duration::from_millis(5), packet(1, 4));
    reorder.push(now + Duration::from_millis(9), packet(1, 3));
    let timeout = reorder.next_timeout().unwrap();
    assert_eq!(timeout, now + Duration::from_millis(5) + REORDER_WAIT);
    assert_eq!(reorder.pop(timeout - Duration::from_millis(1)), None);
    let mut out = Vec::new();
    drain(&mut reorder, timeout, &mut out);
    assert_eq!(out, ["!3", "4"]);
    reorder.push(timeout, packet(1, 2));
    assert_eq!((reorder.pop(timeout), reorder.dropped()), (None, 1));
}

#[test]
fn no_more_packets_wait_than_the_limit() {
    let mut reorder = Reorder::default();
    let mut out = Vec::new();
    for sequence in (0..1).chain(2..2000) {
        reorder.push(epoch(), packet(1, sequence));
        drain(&mut reorder, epoch(), &mut out);
        assert!(reorder.waiting.len() <= REORDER_PACKETS);
    }
    assert_eq!(out[..3], ["0", "!2", "3"]);
    assert_eq!(out.len(), 1999);
}

#[test]
fn another_sender_is_taken_from_its_second_packet() {
    let mut reorder = Reorder::default();
    let mut out = Vec::new();
    for (ssrc, sequence) in [(1, 100), (1, 101), (7, 5), (1, 102), (2, 9000), (2, 9001), (2, 9002)] {
        reorder.push(epoch(), packet(ssrc, sequence));
        drain(&mut reorder, epoch(), &mut out);
    }
    assert_eq!(out, ["100", "101", "102", "!9000", "9001", "9002"]);
    assert_eq!((reorder.dropped(), reorder.restarts()), (1, 1));
}

#[test]
fn a_jump_of_the_sequence_numbers_is_a_restart() {
    assert_eq!(order(&[1, 2, 40_000, 40_001, 40_002]), "1 2 !40000 40001 40002");
    // What waited is not lost.
    assert_eq!(order(&[1, 3, 40_000, 40_001]), "1 !3 !40000 40001");
}

#[test]
fn gaps_of_an_ordered_transport_are_found() {
    let mut gaps = GapDetector::default();
    let mut lost = |ssrc, sequence| gaps.lost_before(&packet(ssrc, sequence).header);
    assert!(!lost(1, 65_534));
    assert!(!lost(1, 65_535));
    assert!(!lost(1, 0));
    assert!(lost(1, 2));
    assert!(!lost(1, 2));
    assert!(!lost(1, 1));
    assert!(lost(2, 2));
}

proptest! {
    #[test]
    fn any_order_within_the_wait_is_put_right(start: u16, swaps in prop::collection::vec(0usize..60, 0..60)) {
        let mut sequences: Vec<u16> = (0..64).map(|n| start.wrapping_add(n)).collect();
        let sent = sequences.clone();
        // The first packet stays first: it says where the stream starts.
        for at in swaps {
            sequences.swap(at + 1, at + 2);
        }
        let mut reorder = Reorder::default();
        for sequence in sequences {
            reorder.push(epoch(), packet(1, sequence));
        }
        let mut got = Vec::new();
        while let Some((packet, lost)) = reorder.pop(epoch()) {
            prop_assert!(!lost);
            got.push(packet.header.sequence);
        }
        prop_assert_eq!(got, sent);
    }

    #[test]
    fn nothing_is_given_twice_and_memory_is_bounded(packets in prop::collection::vec((0u32..3, any::<u16>(), 0u64..20), 0..300)) {
        let mut reorder = Reorder::default();
        let mut now = epoch();
        let (pushed, mut given) = (packets.len(), 0);
        for (ssrc, sequence, ms) in packets {
            now += Duration::from_millis(ms);
            reorder.push(now, packet(ssrc, sequence % 600));
            while reorder.pop(now).is_some() {
                given += 1;
            }
            prop_assert!(reorder.waiting.len() <= REORDER_PACKETS + 1);
        }
        while reorder.pop(now + REORDER_WAIT).is_some() {
            given += 1;
        }
        prop_assert!(given + usize::try_from(reorder.dropped()).unwrap() <= pushed);
    }
}
