use super::*;
use crate::Header;
use crate::limits::MAX_RTCP_PACKETS;
use proptest::prelude::*;
use std::time::Duration;
use yeoul_media::Timestamp;
use yeoul_testkit::{epoch, wall_epoch};

fn parse_all(bytes: &[u8]) -> Result<Vec<Packet>, Error> {
    packets(bytes).collect()
}

fn error(bytes: &[u8]) -> String {
    parse_all(bytes).unwrap_err().to_string()
}

#[test]
fn a_compound_packet_of_a_camera_reads() {
    // SR without blocks, SDES with a CNAME of 5 bytes, BYE without reason.
    let bytes = [
        &[0x80, 200, 0, 6, 0, 0, 0, 9, 0xe0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 1, 0][..],
        &[0x81, 202, 0, 3, 0, 0, 0, 9, 1, 5, b'c', b'a', b'm', b'-', b'1', 0],
        &[0x81, 203, 0, 1, 0, 0, 0, 9],
    ]
    .concat();
    let report = SenderReport {
        ssrc: 9,
        ntp: NtpTime(0xe000_0001_8000_0000),
        rtp_time: 5,
        packet_count: 2,
        octet_count: 256,
        blocks: Vec::new(),
    };
    assert_eq!(
        parse_all(&bytes).unwrap(),
        [
            Packet::SenderReport(report),
            Packet::SourceDescription(vec![SourceDescription { ssrc: 9, cname: Some("cam-1".into()) }]),
            Packet::Bye(Bye { ssrcs: vec![9], reason: None }),
        ]
    );
}

#[test]
fn feedback_of_a_browser_reads() {
    let nack = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0x00, 0x05];
    assert_eq!(
        parse_all(&nack).unwrap(),
        [Packet::Nack(Nack { sender_ssrc: 1, media_ssrc: 2, lost: vec![65_535, 0, 2] })]
    );
    let tmmbr = [0x83, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    assert_eq!(parse_all(&tmmbr).unwrap(), [Packet::Other { packet_type: 205 }]);
}

#[test]
fn arrivals_of_packets_read() {
    // Packets 65534 to 4 in a run of three, a vector of one bit for fourteen (four are left), and zeros to the next word.
    let bytes = [
        &[0x8f, 205, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0, 7, 0, 0, 2, 9][..],
        &[0x20, 3, 0b1010_1100, 0, 4, 0, 255, 8, 1, 2, 0, 0],
    ]
    .concat();
    let packets = parse_all(&bytes).unwrap();
    let Packet::Arrivals(arrivals) = &packets[0] else { panic!("{packets:?}") };
    assert_eq!((arrivals.count, arrivals.first, arrivals.reference), (9, 65_534, 2));
    let expected = [Some(4), Some(0), Some(255), Some(8), None, Some(1), Some(2)];
    assert_eq!(arrivals.differences, expected);
    let ms = |(number, at): (u16, Option<Duration>)| (number, at.map(|at| at.as_micros()));
    let seen: Vec<_> = arrivals.packets().map(ms).collect();
    assert_eq!(seen[..2], [(65_534, Some(129_000)), (65_535, Some(129_000))]);
    assert_eq!(seen[4..], [(2, None), (3, Some(195_000)), (4, Some(195_500))]);
}

#[test]
fn arrivals_that_promise_more_than_there_is_end_too_early() {
    let head = [0x8f, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
    assert_eq!(error(&head), "the RTCP transport-wide feedback ends too early: expected 22 bytes, got 20");
    // A run of 8191 that came, without a single difference.
    let run = [&[0x8f, 205, 0, 5], &head[4..], &[0x3f, 0xff, 0, 0]].concat();
    assert!(error(&run).starts_with("the RTCP transport-wide feedback ends too early"));
    let nothing = [&[0x8f, 205, 0, 5], &head[4..], &[0, 0, 0, 0]].concat();
    assert!(matches!(parse_all(&nothing).unwrap()[..], [Packet::Arrivals(_)]));
}

#[test]
fn malformed_packets_are_named_and_what_stood_before_them_counts() {
    assert_eq!(error(&[0x80, 200]), "the RTCP packet ends too early: expected 4 bytes, got 2");
    assert_eq!(error(&[0x80, 201, 0, 1, 0]), "the RTCP packet ends too early: expected 8 bytes, got 5");
    assert_eq!(error(&[0x40, 201, 0, 0]), "the RTCP packet has version 1, expected 2");
    assert_eq!(error(&[0x80, 96, 0, 0]), "the RTCP packet has type 96, expected 192 to 223");
    assert_eq!(
        error(&[0x81, 201, 0, 1, 0, 0, 0, 1]),
        "the RTCP receiver report ends too early: expected 32 bytes, got 8"
    );
    assert_eq!(
        error(&[0xa0, 201, 0, 1, 0, 0, 0, 9]),
        "the RTCP packet says 9 bytes of padding, expected 1 to 4"
    );
    let rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
    assert_eq!(packets(&[&rr[..], &[1]].concat()).filter(Result::is_ok).count(), 1);
    assert_eq!(packets(&rr.repeat(MAX_RTCP_PACKETS + 1)).last(), Some(Err(Error::TooMany)));
}

fn header(ssrc: u32, sequence: u16, rtp_time: u32) -> Header {
    Header { payload_type: 96, marker: false, sequence, rtp_time, ssrc }
}

#[test]
fn losses_are_reported_of_the_interval_and_of_all() {
    let mut stats = ReceiverStats::new(90_000);
    assert_eq!(stats.report_block(epoch()), None);
    for sequence in [65_533, 65_534, 0, 1] {
        stats.on_packet(epoch(), &header(7, sequence, 0));
    }
    let first = stats.report_block(epoch()).unwrap();
    assert_eq!((first.ssrc, first.fraction_lost, first.cumulative_lost), (7, 51, 1)); // 1 of 5
    assert_eq!(first.highest_sequence, 0x1_0001);
    for sequence in [2, 3, 4, 5] {
        stats.on_packet(epoch(), &header(7, sequence, 0));
    }
    let second = stats.report_block(epoch()).unwrap();
    assert_eq!((second.fraction_lost, second.cumulative_lost, stats.lost()), (0, 1, 1));
    // Duplicates make the sum negative, never the fraction.
    for _ in 0..4 {
        stats.on_packet(epoch(), &header(7, 5, 0));
    }
    let third = stats.report_block(epoch()).unwrap();
    assert_eq!((third.fraction_lost, third.cumulative_lost), (0, -3));
}

#[test]
fn another_sender_starts_anew() {
    let mut stats = ReceiverStats::new(90_000);
    for (ssrc, sequence) in [(1, 5), (1, 9), (2, 700), (2, 701)] {
        stats.on_packet(epoch(), &header(ssrc, sequence, 0));
    }
    let block = stats.report_block(epoch()).unwrap();
    assert_eq!((block.ssrc, block.cumulative_lost, block.highest_sequence), (2, 0, 701));
}

#[test]
fn jitter_is_that_of_the_standard() {
    let mut stats = ReceiverStats::new(8000);
    // Every second packet is 10 ms late: the differences are 80 ticks.
    for n in 0..400u16 {
        let at = epoch() + Duration::from_millis(u64::from(n) * 20 + u64::from(n % 2) * 10);
        stats.on_packet(at, &header(1, n, u32::from(n) * 160));
    }
    let block = stats.report_block(epoch()).unwrap();
    assert!((79..=81).contains(&block.jitter), "{} ticks", block.jitter);
    assert!((9..=11).contains(&stats.jitter().as_millis()));
}

#[test]
fn the_last_sender_report_is_told_back() {
    let mut stats = ReceiverStats::new(90_000);
    stats.on_packet(epoch(), &header(1, 0, 0));
    let report = SenderReport { ntp: NtpTime(0x1111_2222_3333_4444), ..SenderReport::default() };
    stats.on_sender_report(epoch(), &report);
    let block = stats.report_block(epoch() + Duration::from_millis(1500)).unwrap();
    assert_eq!((block.last_sr, block.delay_since_last_sr), (0x2222_3333, 98_304));
}

#[test]
fn sender_reports_pair_the_wall_clock_with_rtp_time() {
    let mut video = SenderStats::new(1, 90_000, u32::MAX);
    let audio = SenderStats::new(2, 48_000, 0);
    video.on_sent(3, 3600);
    video.on_sent(1, 100);
    let at = Timestamp::from_nanos(2_000_000_000);
    let report = video.report(wall_epoch(), at);
    assert_eq!((report.packet_count, report.octet_count), (4, 3700));
    assert_eq!((report.rtp_time, audio.report(wall_epoch(), at).rtp_time), (179_999, 96_000));
    assert_eq!(report.ntp.to_system_time(), wall_epoch());
}

fn block() -> impl Strategy<Value = ReportBlock> {
    (any::<(u32, u8, u32)>(), -0x80_0000i32..0x80_0000, any::<(u32, u32, u32)>()).prop_map(
        |(
            (ssrc, fraction_lost, highest_sequence),
            cumulative_lost,
            (jitter, last_sr, delay_since_last_sr),
        )| {
            ReportBlock {
                ssrc,
                fraction_lost,
                cumulative_lost,
                highest_sequence,
                jitter,
                last_sr,
                delay_since_last_sr,
            }
        },
    )
}

fn arrivals() -> impl Strategy<Value = Arrivals> {
    let difference = prop_oneof![
        3 => Just(None),
        3 => (0i16..256).prop_map(Some),
        1 => any::<i16>().prop_map(Some),
    ];
    // Runs of all lengths.
    let differences = prop::collection::vec((difference, 1usize..30), 0..30);
    (any::<(u32, u32, u8, u16)>(), 0u32..0x100_0000, differences).prop_map(
        |((sender_ssrc, media_ssrc, count, first), reference, runs)| {
            let differences =
                runs.into_iter().flat_map(|(difference, run)| std::iter::repeat_n(difference, run)).collect();
            Arrivals { sender_ssrc, media_ssrc, count, first, reference, differences }
        },
    )
}

fn packet() -> impl Strategy<Value = Packet> {
    let blocks = || prop::collection::vec(block(), 0..32);
    let text = || prop::option::of("[a-z가-힣]{0,80}");
    prop_oneof![
        (any::<(u32, u64, u32, u32, u32)>(), blocks()).prop_map(
            |((ssrc, ntp, rtp_time, packet_count, octet_count), blocks)| {
                let ntp = NtpTime(ntp);
                Packet::SenderReport(SenderReport { ssrc, ntp, rtp_time, packet_count, octet_count, blocks })
            }
        ),
        (any::<u32>(), blocks())
            .prop_map(|(ssrc, blocks)| Packet::ReceiverReport(ReceiverReport { ssrc, blocks })),
        prop::collection::vec((any::<u32>(), text()), 0..32).prop_map(|chunks| {
            let chunk = |(ssrc, cname)| SourceDescription { ssrc, cname };
            Packet::SourceDescription(chunks.into_iter().map(chunk).collect())
        }),
        (prop::collection::vec(any::<u32>(), 0..32), text())
            .prop_map(|(ssrcs, reason)| Packet::Bye(Bye { ssrcs, reason })),
        (any::<(u32, u32, u16)>(), prop::collection::btree_set(0u16..300, 1..60)).prop_map(
            |((sender_ssrc, media_ssrc, start), lost)| {
                let lost = lost.into_iter().map(|n| start.wrapping_add(n)).collect();
                Packet::Nack(Nack { sender_ssrc, media_ssrc, lost })
            }
        ),
        arrivals().prop_map(Packet::Arrivals),
        any::<(u32, u32)>()
            .prop_map(|(sender_ssrc, media_ssrc)| Packet::PictureLoss { sender_ssrc, media_ssrc }),
        (any::<u32>(), prop::collection::vec(any::<(u32, u8)>(), 0..5))
            .prop_map(|(sender_ssrc, requests)| Packet::FullIntraRequest { sender_ssrc, requests }),
        (207u8..=223).prop_map(|packet_type| Packet::Other { packet_type }),
    ]
}

proptest! {
    #[test]
    fn written_packets_read_back(sent in prop::collection::vec(packet(), 1..5)) {
        let mut bytes = Vec::new();
        sent.iter().for_each(|packet| packet.write(&mut bytes));
        prop_assert_eq!(parse_all(&bytes).unwrap(), sent);
    }

    #[test]
    fn no_bytes_panic(mut bytes: Vec<u8>, packet_type in 199u8..208) {
        let _ = packets(&bytes).count();
        if let [first, second, third, ..] = bytes.as_mut_slice() {
            (*first, *second, *third) = (0x80 | (*first & 0x3f), packet_type, 0);
        }
        let _ = packets(&bytes).count();
    }

    #[test]
    fn no_sequence_of_packets_panics(packets in prop::collection::vec(any::<(u32, u16, u32, u16)>(), 0..50)) {
        let mut stats = ReceiverStats::new(90_000);
        let mut now = epoch();
        for (ssrc, sequence, rtp_time, ms) in packets {
            now += Duration::from_millis(ms.into());
            stats.on_packet(now, &header(ssrc % 2, sequence, rtp_time));
            let _ = (stats.report_block(now), stats.lost(), stats.jitter());
        }
    }
}
