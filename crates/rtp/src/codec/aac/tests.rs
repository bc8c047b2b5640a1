use crate::codec::testing::{Sent, carry, carry_with_loss, frame, receive};
use crate::{AuHeaderLayout, Depacketizer, MediaFormat, Packetizer, Packing};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::{Codec, Frame};
use yeoul_testkit::{aac, epoch};

fn codec() -> Codec {
    Codec::Aac(AudioSpecificConfig::low_complexity(48_000, 2).unwrap())
}

fn depacketizer(layout: AuHeaderLayout) -> Depacketizer {
    Depacketizer::new(&MediaFormat { packing: Packing::AuHeaders(layout), ..MediaFormat::new(codec(), 97) })
}

/// What one packet gives: RTP time and data of each access unit.
fn given(layout: AuHeaderLayout, payload: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let (units, errors) = receive(&mut depacketizer(layout), &[Sent::new(100, true, payload)]);
    assert_eq!(errors, [""; 0]);
    units.into_iter().map(|unit| (unit.rtp_time, unit.data.to_vec())).collect()
}

#[test]
fn an_access_unit_goes_in_one_packet_with_its_size() {
    let packets = Packetizer::new(&codec(), 1200).packetize(&frame(0, true, aac::frame(300).into()));
    let payload = &packets.payloads[0];
    assert_eq!((payload.head(), payload.len(), payload.marker), (&[0, 16, 0x09, 0x60][..], 304, true));
    assert_eq!(packets.clock_rate, 48_000);
}

#[test]
fn several_access_units_of_a_packet_follow_each_other_in_time() {
    let payload = [0, 32, 0, 2 << 3, 0, 3 << 3, 1, 2, 3, 4, 5];
    assert_eq!(
        given(AuHeaderLayout::HIGH_BITRATE, &payload),
        [(100, vec![1, 2]), (100 + 1024, vec![3, 4, 5])]
    );
    // AAC-lbr: 6 bits of size, 2 of index.
    assert_eq!(
        given(AuHeaderLayout::LOW_BITRATE, &[0, 16, 2 << 2, 1 << 2, 1, 2, 3]),
        [(100, vec![1, 2]), (100 + 1024, vec![3])]
    );
}

#[test]
fn every_field_of_an_au_header_is_read_past() {
    let layout = AuHeaderLayout {
        cts_delta_bits: 4,
        dts_delta_bits: 3,
        random_access_indication: true,
        stream_state_bits: 2,
        auxiliary_size_bits: 8,
        ..AuHeaderLayout::LOW_BITRATE
    };
    // size 2, index 0, CTS flag and 4 bits, no DTS, RAP, state: 6+2+1+4+1+1+2 = 17 bits; then 8 bits of auxiliary data.
    let payload = [0, 17, 0b0000_1000, 0b1101_0010, 0b1000_0000, 8, 0xee, 7, 8];
    assert_eq!(given(layout, &payload), [(100, vec![7, 8])]);
}

#[test]
fn a_constant_size_needs_no_headers() {
    let layout = AuHeaderLayout { constant_size: 2, ..AuHeaderLayout::NONE };
    assert_eq!(given(layout, &[1, 2, 3, 4]), [(100, vec![1, 2]), (1124, vec![3, 4])]);
}

#[test]
fn without_headers_the_marker_ends_an_access_unit() {
    let mut depacketizer = depacketizer(AuHeaderLayout::NONE);
    let packets = [Sent::new(0, true, [1, 2]), Sent::new(1024, false, [3]), Sent::new(1024, true, [4, 5])];
    let (units, _) = receive(&mut depacketizer, &packets);
    assert_eq!(units.iter().map(|unit| &unit.data[..]).collect::<Vec<_>>(), [&[1, 2][..], &[3, 4, 5]]);
}

#[test]
fn an_adts_header_in_front_is_removed() {
    let adts = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 5, 6];
    let payload = [&[0, 16, 0, 9 << 3][..], &adts].concat();
    assert_eq!(given(AuHeaderLayout::HIGH_BITRATE, &payload), [(100, vec![5, 6])]);
}

#[test]
fn a_lost_fragment_drops_one_access_unit_only() {
    let frames: Vec<Frame> = (0..4).map(|n| frame(n, true, aac::frame(2500).into())).collect();
    let (units, damaged) = carry_with_loss(&codec(), 1000, &frames, |index| index == 4);
    assert_eq!((units.len(), damaged), (3, 1));
    assert!(units.iter().all(|unit| unit.data == frames[0].data));
}

#[test]
fn a_size_that_cannot_be_told_is_not_sent() {
    let packets = Packetizer::new(&codec(), 1200).packetize(&frame(0, true, Bytes::from(vec![1; 8192])));
    assert_eq!(packets.payloads, []);
}

#[test]
fn malformed_packets_are_named() {
    for (payload, reason) in [
        (&[0][..], "a packet of 1 byte, expected at least the 2 of AU-headers-length"),
        (&[0, 64, 1], "AU-headers-length is 64 bits, but 1 bytes are left"),
        (&[0, 8, 0, 0], "the last AU header ends too early"),
        (&[0, 32, 0, 8, 0, 80, 1, 2], "an access unit has 10 bytes, but 1 are left"),
    ] {
        let (_, errors) =
            receive(&mut depacketizer(AuHeaderLayout::HIGH_BITRATE), &[Sent::new(0, true, payload)]);
        assert_eq!(errors, [format!("AAC over RTP: {reason}")]);
    }
}

proptest! {
    #[test]
    fn any_access_unit_comes_back_at_any_payload_size(max in 64usize..1500, sizes in prop::collection::vec(1usize..8191, 1..5)) {
        let frames: Vec<Frame> = (0..).zip(sizes).map(|(n, size)| frame(n, true, aac::frame(size).into())).collect();
        let units = carry(&codec(), max, &frames);
        prop_assert_eq!(units.len(), frames.len());
        for (unit, frame) in units.iter().zip(&frames) {
            prop_assert!(unit.keyframe && unit.data == frame.data);
        }
    }

    #[test]
    fn no_packets_panic(
        layout in prop::sample::select(vec![
            AuHeaderLayout::HIGH_BITRATE,
            AuHeaderLayout::LOW_BITRATE,
            AuHeaderLayout::NONE,
            AuHeaderLayout { constant_size: 5, ..AuHeaderLayout::NONE },
            AuHeaderLayout { size_bits: 0, index_bits: 0, index_delta_bits: 0, stream_state_bits: 1, ..AuHeaderLayout::NONE },
            AuHeaderLayout { size_bits: 32, cts_delta_bits: 31, auxiliary_size_bits: 32, ..AuHeaderLayout::HIGH_BITRATE },
        ]),
        packets in prop::collection::vec((any::<bool>(), any::<bool>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..60)), 0..40),
    ) {
        let mut depacketizer = depacketizer(layout);
        for (marker, lost, time, payload) in packets {
            let sent = Sent::new(time, marker, payload);
            let packet = crate::PacketRef { header: sent.header, payload: &sent.payload };
            let _ = depacketizer.push(packet, lost, epoch());
            while depacketizer.pull().is_some() {}
        }
    }
}
