use crate::codec::testing::{
    Sent, access_unit, announced, carry, carry_with_loss, frame, outline, receive, send,
};
use crate::{Depacketizer, MediaFormat, Packetizer, Packing};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::bitstream::h265::ParameterSets;
use yeoul_media::{Codec, Frame};
use yeoul_testkit::epoch;
use yeoul_testkit::h265::{self, Slice, slice, slice_at};

fn sets(width: u32) -> Vec<Vec<u8>> {
    vec![h265::vps(), h265::sps(width, 720), h265::pps()]
}

fn codec(width: u32) -> Codec {
    let units = sets(width).into_iter().map(Bytes::from);
    Codec::H265(Some(ParameterSets::from_units(units).unwrap()))
}

fn depacketizer() -> Depacketizer {
    Depacketizer::new(&MediaFormat::new(codec(1280), 96))
}

fn keyframe(size: usize) -> Bytes {
    let mut units = sets(1280);
    units.push(slice(Slice::Idr, size));
    access_unit(&units)
}

fn predicted(size: usize) -> Bytes {
    access_unit(&[slice(Slice::P, size)])
}

#[test]
fn small_units_go_together_and_large_ones_in_equal_pieces() {
    let packets = Packetizer::new(&codec(1280), 1000).packetize(&frame(1, true, keyframe(2500)));
    let heads: Vec<(&[u8], usize)> = packets.payloads.iter().map(|p| (p.head(), p.len())).collect();
    assert_eq!(heads[0].0, [48 << 1, 1]);
    // IDR_W_RADL is 19.
    assert_eq!(
        heads[1..],
        [(&[49 << 1, 1, 0x93][..], 836), (&[49 << 1, 1, 0x13], 836), (&[49 << 1, 1, 0x53], 835)]
    );
}

#[test]
fn an_aggregate_has_the_lowest_layer_and_temporal_id() {
    let units = [vec![0x42, 0x09, 1], vec![0x44, 0x03, 1]];
    let packets = Packetizer::new(&Codec::H265(None), 1000).packetize(&frame(0, false, access_unit(&units)));
    assert_eq!(packets.payloads[0].head(), [48 << 1, 1]);
}

#[test]
fn a_keyframe_without_parameter_sets_gets_those_in_force() {
    let bare = frame(0, true, access_unit(&[slice(Slice::Cra, 500)]));
    let sent = send(&Packetizer::new(&codec(1280), 1400).packetize(&bare), 1400);
    let (units, _) = receive(&mut depacketizer(), &sent);
    assert_eq!(outline(&units[0]).split(' ').count(), 4);
    assert!(units[0].keyframe);
}

#[test]
fn lost_fragment_drops_until_keyframe() {
    let frames: Vec<Frame> = (0..6)
        .map(|n| frame(n, n % 3 == 0, if n % 3 == 0 { keyframe(2500) } else { predicted(2500) }))
        .collect();
    let (units, damaged) = carry_with_loss(&codec(1280), 1000, &frames, |index| index == 5);
    let times: Vec<u32> = units.iter().map(|unit| unit.rtp_time / 3600).collect();
    assert_eq!((times, damaged), (vec![0, 3, 4, 5], 2));
}

#[test]
fn trailing_pictures_start_with_a_zero_byte_intel_n100() {
    // TRAIL_N is type 0.
    let mut unit = slice(Slice::P, 60);
    unit[0] = 0;
    let packets = [Sent::new(0, true, slice(Slice::Idr, 50)), Sent::new(3600, true, unit)];
    let (units, errors) = receive(&mut depacketizer(), &packets);
    assert_eq!((outline(&units[1]), errors), ("00:60".to_owned(), Vec::new()));
}

#[test]
fn byte_streams_inside_payloads_are_cut() {
    let stream: Vec<u8> = sets(1280)
        .into_iter()
        .chain([slice(Slice::Idr, 99)])
        .flat_map(|u| [vec![0, 0, 0, 1], u].concat())
        .collect();
    let (units, _) = receive(&mut depacketizer(), &[Sent::new(0, true, stream)]);
    assert_eq!(units[0].data, keyframe(99));
}

#[test]
fn suffix_sei_stays_with_its_picture_and_prefix_sei_goes_with_the_next() {
    let sei = |kind: u8| vec![kind << 1, 1, 5, 1, 7, 0x80];
    let packets = [
        Sent::new(0, false, slice(Slice::Idr, 50)),
        Sent::new(0, false, sei(40)),
        Sent::new(0, false, sei(39)),
        Sent::new(3600, true, slice(Slice::P, 60)),
    ];
    let (units, _) = receive(&mut depacketizer(), &packets);
    assert_eq!(units.iter().map(outline).collect::<Vec<_>>(), ["26:50 50:6", "4e:6 02:60"]);
}

#[test]
fn decoding_order_numbers_are_read_past() {
    let format = MediaFormat { packing: Packing::DecodingOrderNumbers, ..MediaFormat::new(codec(1280), 96) };
    let [vps, sps, pps] = [h265::vps(), h265::sps(1280, 720), h265::pps()];
    let mut ap = vec![48 << 1, 1];
    for (number, unit) in [(&[0u8, 7][..], &vps), (&[0], &sps), (&[0], &pps)] {
        ap.extend(number);
        ap.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
        ap.extend(unit);
    }
    let idr = slice(Slice::Idr, 40);
    let first = [&[49 << 1, 1, 0x93, 0, 8][..], &idr[2..20]].concat();
    let last = [&[49 << 1, 1, 0x53][..], &idr[20..]].concat();
    let p = slice(Slice::P, 30);
    let single = [&p[..2], &[0, 9], &p[2..]].concat();
    let packets = [
        Sent::new(0, false, ap),
        Sent::new(0, false, first),
        Sent::new(0, true, last),
        Sent::new(3600, true, single),
    ];
    let (units, errors) = receive(&mut Depacketizer::new(&format), &packets);
    assert_eq!(units.iter().map(|unit| unit.data.clone()).collect::<Vec<_>>(), [keyframe(40), predicted(30)]);
    assert_eq!(errors, [""; 0]);
}

#[test]
fn malformed_packets_are_named() {
    for (payload, reason) in [
        (&[0x40][..], "a packet of 1 byte, expected at least the 2 of a NAL unit header"),
        (&[50 << 1, 1, 0], "PACI packets (RFC 7798 §4.4.4) are not supported"),
        (&[51 << 1, 1, 0], "packet type 51 is reserved"),
        (&[48 << 1, 1, 0, 9, 1], "an AP unit has 9 bytes, but 1 are left"),
        (&[49 << 1, 1], "a FU packet of 2 bytes, expected at least 3"),
        (&[0x80, 1], "the forbidden bit is set in the NAL unit header 0x80"),
    ] {
        let mut depacketizer = depacketizer();
        let (_, errors) = receive(&mut depacketizer, &[Sent::new(0, true, payload)]);
        assert_eq!(errors, [format!("H265 over RTP: {reason}")]);
    }
}

#[test]
fn parameter_sets_in_the_stream_announce_a_new_codec_once() {
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(Codec::H265(None), 96));
    let gop = |number: u32, width: u32| {
        let mut units = sets(width);
        units.push(slice(Slice::Idr, 200));
        frame(number, true, access_unit(&units))
    };
    let mut packetizer = Packetizer::new(&Codec::H265(None), 1000);
    let sent: Vec<Sent> = [gop(0, 1280), gop(1, 1280), gop(2, 640)]
        .iter()
        .flat_map(|frame| send(&packetizer.packetize(frame), 1000))
        .collect();
    let (units, _) = receive(&mut depacketizer, &sent);
    let widths: Vec<Option<u32>> =
        units.iter().map(|unit| announced(unit).and_then(Codec::dimensions).map(|size| size.0)).collect();
    assert_eq!(widths, [Some(1280), None, Some(640)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_frame_comes_back_at_any_payload_size(
        max in 60usize..1500,
        sizes in prop::collection::vec(prop::collection::vec(12usize..4000, 1..5), 1..6),
    ) {
        let frames: Vec<Frame> = (0..).zip(&sizes).map(|(number, sizes)| {
            let kind = if number == 0 { Slice::Idr } else { Slice::P };
            let mut units = if number == 0 { sets(1280) } else { Vec::new() };
            units.extend(sizes.iter().enumerate().map(|(n, &size)| slice_at(kind, n == 0, size)));
            frame(number, number == 0, access_unit(&units))
        }).collect();
        let units = carry(&codec(1280), max, &frames);
        prop_assert_eq!(
            units.into_iter().map(|unit| unit.data).collect::<Vec<_>>(),
            frames.into_iter().map(|frame| frame.data).collect::<Vec<_>>()
        );
    }

    #[test]
    fn any_loss_gives_only_whole_frames(
        sizes in prop::collection::vec(20usize..5000, 16),
        lost in prop::collection::hash_set(0usize..90, 0..12),
    ) {
        let frames: Vec<Frame> = (0..).zip(&sizes).map(|(number, &size)| {
            let starts = number % 4 == 0;
            frame(number, starts, if starts { keyframe(size) } else { predicted(size) })
        }).collect();
        let (units, _) = carry_with_loss(&codec(1280), 800, &frames, |index| lost.contains(&index));
        for unit in &units {
            let sent = &frames[usize::try_from(unit.rtp_time / 3600).unwrap()];
            prop_assert!(sent.data.ends_with(&unit.data));
        }
        // After a loss the next frame given is a keyframe.
        let numbers: Vec<u32> = units.iter().map(|unit| unit.rtp_time / 3600).collect();
        for (unit, pair) in units[1.min(units.len())..].iter().zip(numbers.windows(2)) {
            prop_assert!(pair[1] == pair[0] + 1 || unit.keyframe);
        }
    }

    #[test]
    fn no_packets_panic(
        numbers: bool,
        packets in prop::collection::vec((any::<bool>(), any::<bool>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..60)), 0..40),
    ) {
        let packing = if numbers { Packing::DecodingOrderNumbers } else { Packing::Plain };
        let mut depacketizer = Depacketizer::new(&MediaFormat { packing, ..MediaFormat::new(codec(1280), 96) });
        for (marker, lost, time, payload) in packets {
            let sent = Sent::new(time, marker, payload);
            let packet = crate::PacketRef { header: sent.header, payload: &sent.payload };
            let _ = depacketizer.push(packet, lost, epoch());
            while depacketizer.pull().is_some() {}
        }
    }
}
