use crate::codec::testing::{
    Sent, access_unit, announced, carry, carry_with_loss, frame, outline, receive, send,
};
use crate::limits::MAX_ACCESS_UNIT_BYTES;
use crate::{AccessUnit, Depacketizer, MediaFormat, Packetizer};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::bitstream::h264::{ParameterSets, is_keyframe};
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame};
use yeoul_testkit::epoch;
use yeoul_testkit::h264::{self, Slice, slice, slice_at};

fn sets(width: u32) -> Vec<Vec<u8>> {
    vec![h264::sps(width, 720), h264::pps()]
}

fn codec(width: u32) -> Codec {
    let units = sets(width).into_iter().map(Bytes::from);
    Codec::H264(Some(ParameterSets::from_units(units).unwrap()))
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

/// A keyframe, then predicted frames, several times.
fn gops(count: u32, length: u32, sizes: &[usize]) -> Vec<Frame> {
    (0..count * length)
        .map(|number| {
            let size = sizes[usize::try_from(number).unwrap() % sizes.len()].max(20);
            let starts = number % length == 0;
            frame(number, starts, if starts { keyframe(size) } else { predicted(size) })
        })
        .collect()
}

fn data(frames: &[Frame]) -> Vec<Bytes> {
    frames.iter().map(|frame| frame.data.clone()).collect()
}

fn data_of(units: &[AccessUnit]) -> Vec<Bytes> {
    units.iter().map(|unit| unit.data.clone()).collect()
}

/// FU-A packets of a NAL unit, as another sender would cut it.
fn fragments(rtp_time: u32, unit: &[u8], marker: bool, piece_bytes: usize) -> Vec<Sent> {
    let count = unit[1..].chunks(piece_bytes).count();
    let pieces = unit[1..].chunks(piece_bytes).enumerate();
    pieces
        .map(|(index, piece)| {
            let start_end = (u8::from(index == 0) << 7) | (u8::from(index + 1 == count) << 6);
            let mut payload = vec![(unit[0] & 0x60) | 28, start_end | (unit[0] & 0x1f)];
            payload.extend_from_slice(piece);
            Sent::new(rtp_time, marker && index + 1 == count, payload)
        })
        .collect()
}

#[test]
fn small_units_go_together_and_large_ones_in_equal_pieces() {
    let packets = Packetizer::new(&codec(1280), 1000).packetize(&frame(1, true, keyframe(4500)));
    let outline: Vec<(Vec<u8>, usize, bool)> =
        packets.payloads.iter().map(|p| (p.head().to_vec(), p.len(), p.marker)).collect();
    assert_eq!(outline[0].0, [0x60 | 24]);
    let pieces: Vec<(u8, usize, bool)> =
        outline[1..].iter().map(|(head, len, m)| (head[1], *len, *m)).collect();
    let expected =
        [(0x85, 902, false), (0x05, 902, false), (0x05, 902, false), (0x05, 902, false), (0x45, 901, true)];
    assert_eq!(pieces, expected);
    assert_eq!((packets.clock_rate, packets.rtp_ticks), (90_000, 3600));
}

#[test]
fn a_keyframe_without_parameter_sets_gets_those_in_force() {
    let bare = access_unit(&[slice(Slice::Idr, 500)]);
    let mut packetizer = Packetizer::new(&codec(1280), 1400);
    let (units, _) =
        receive(&mut depacketizer(), &send(&packetizer.packetize(&frame(0, true, bare.clone())), 1400));
    assert_eq!(units[0].data, keyframe(500));
    // Those of a new codec from then on.
    let mut changed = frame(1, true, bare);
    changed.new_codec = Some(codec(640).into());
    let sent = send(&packetizer.packetize(&changed), 1400);
    let (units, _) = receive(&mut depacketizer(), &sent);
    assert_eq!(announced(&units[0]).unwrap().dimensions(), Some((640, 720)));
}

#[test]
fn bodies_are_slices_of_the_frame() {
    let data = predicted(5000);
    let packets = Packetizer::new(&codec(1280), 1200).packetize(&frame(0, false, data.clone()));
    let inside = data.as_ptr_range();
    assert!(packets.payloads.iter().all(|payload| inside.contains(&payload.body().as_ptr())));
}

#[test]
fn lost_fragment_drops_until_keyframe() {
    let frames = gops(3, 4, &[3000]);
    // At 1000 bytes: the sets and 4 pieces for a keyframe, 4 pieces for others, so packet 7 is in the second frame.
    let (units, damaged) = carry_with_loss(&codec(1280), 1000, &frames, |index| index == 7);
    let times: Vec<u32> = units.iter().map(|unit| unit.rtp_time / 3600).collect();
    assert_eq!((times, damaged), (vec![0, 4, 5, 6, 7, 8, 9, 10, 11], 3));
}

#[test]
fn lost_end_of_a_frame_drops_it_and_what_follows() {
    let frames = gops(2, 3, &[3000]);
    let (units, damaged) = carry_with_loss(&codec(1280), 1000, &frames, |index| index == 8);
    let times: Vec<u32> = units.iter().map(|unit| unit.rtp_time / 3600).collect();
    assert_eq!((times, damaged), (vec![0, 3, 4, 5], 2));
}

#[test]
fn lost_first_slice_of_a_keyframe_is_not_taken_for_a_keyframe() {
    let picture = [slice(Slice::Idr, 900), slice_at(Slice::Idr, 40, 900)];
    let frames =
        [frame(0, true, keyframe(900)), frame(1, true, access_unit(&picture)), frame(2, true, keyframe(900))];
    let mut packetizer = Packetizer::new(&codec(1280), 1000);
    let lost: usize = frames[..1].iter().map(|frame| packetizer.packetize(frame).payloads.len()).sum();
    let (units, damaged) = carry_with_loss(&codec(1280), 1000, &frames, |at| at == lost);
    let times: Vec<u32> = units.iter().map(|unit| unit.rtp_time / 3600).collect();
    assert_eq!((times, damaged), (vec![0, 2], 1));
}

#[test]
fn frames_before_the_first_keyframe_are_not_given_nor_counted() {
    let frames = gops(1, 3, &[500]);
    let joined: Vec<Frame> = frames[1..].iter().cloned().chain([frame(9, true, keyframe(500))]).collect();
    let units = carry(&codec(1280), 1000, &joined);
    assert_eq!(units.iter().map(|unit| unit.rtp_time / 3600).collect::<Vec<_>>(), [9]);
}

#[test]
fn access_unit_without_marker_ends_with_the_rtp_time() {
    let packets = [
        Sent::new(0, false, slice(Slice::Idr, 100)),
        Sent::new(3600, false, slice(Slice::P, 50)),
        Sent::new(7200, false, slice(Slice::P, 60)),
    ];
    let (units, errors) = receive(&mut depacketizer(), &packets);
    assert_eq!(units.iter().map(outline).collect::<Vec<_>>(), ["65:100", "61:50"]);
    assert_eq!(errors, [""; 0]);
}

#[test]
fn marker_on_sei_and_parameter_sets_ends_nothing_ivel_lv_ip22() {
    let packets = [
        Sent::new(0, true, h264::sps(1280, 720)),
        Sent::new(0, true, h264::pps()),
        Sent::new(0, true, h264::sei(10)),
        Sent::new(0, true, slice(Slice::Idr, 100)),
        Sent::new(3600, true, h264::sei(10)),
        Sent::new(3600, true, slice(Slice::P, 50)),
    ];
    let (units, errors) = receive(&mut depacketizer(), &packets);
    assert_eq!(
        outline(&units[0]).split(' ').map(|unit| &unit[..2]).collect::<Vec<_>>(),
        ["67", "68", "06", "65"]
    );
    assert_eq!(outline(&units[1]), "06:14 61:50");
    assert_eq!(errors, [""; 0]);
}

#[test]
fn parameter_sets_with_the_time_of_the_picture_before_go_with_the_one_after() {
    for marker in [true, false] {
        let packets = [
            Sent::new(0, true, slice(Slice::Idr, 100)),
            Sent::new(3600, marker, slice(Slice::P, 50)),
            Sent::new(3600, false, h264::sps(1280, 720)),
            Sent::new(3600, false, h264::pps()),
            Sent::new(7200, true, slice(Slice::Idr, 100)),
        ];
        let (units, errors) = receive(&mut depacketizer(), &packets);
        assert_eq!((outline(&units[1]), units[1].rtp_time), ("61:50".to_owned(), 3600));
        assert_eq!((units[2].rtp_time, units[2].data.clone()), (7200, keyframe(100)));
        assert_eq!(errors, [""; 0]);
    }
}

#[test]
fn a_sender_that_marks_every_slice_is_put_right_by_the_rtp_time() {
    let picture = |time: u32, kind| {
        [Sent::new(time, true, slice(kind, 90)), Sent::new(time, true, slice_at(kind, 30, 80))]
    };
    let packets: Vec<Sent> = [
        picture(0, Slice::Idr),
        picture(3600, Slice::P),
        picture(7200, Slice::Idr),
        picture(10_800, Slice::P),
        picture(14_400, Slice::P),
    ]
    .concat();
    let (units, errors) = receive(&mut depacketizer(), &packets);
    let outlines: Vec<String> = units.iter().map(outline).collect();
    assert_eq!(outlines, ["65:90", "65:90 65:80", "61:90 61:80"]);
    assert_eq!(
        errors,
        ["H264 over RTP: the marker ends slices, not pictures: access units end by RTP time from now on"]
    );
}

#[test]
fn start_codes_inside_payloads_cut_units_v380() {
    let stream: Vec<u8> = sets(1280)
        .into_iter()
        .chain([slice(Slice::Idr, 300)])
        .flat_map(|unit| [vec![0, 0, 0, 1], unit, vec![0]].concat())
        .collect();
    // With and without a start code in front, in one packet and in fragments that cut a start code.
    let expected = keyframe(300);
    let (units, _) = receive(&mut depacketizer(), &[Sent::new(0, true, stream.clone())]);
    assert_eq!(units[0].data, expected);
    let (units, _) = receive(&mut depacketizer(), &[Sent::new(0, true, &stream[4..])]);
    assert_eq!(units[0].data, expected);
    for piece_bytes in [3, 20, 30, 31, 32, 33] {
        let (units, errors) = receive(&mut depacketizer(), &fragments(0, &stream[4..], true, piece_bytes));
        assert_eq!((units[0].data.clone(), errors), (expected.clone(), Vec::new()));
    }
}

#[test]
fn delimiters_and_filler_are_dropped_and_sei_stays() {
    let mut stap = vec![24];
    for unit in [h264::aud(), h264::sei(4), slice(Slice::Idr, 40)] {
        stap.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
        stap.extend(unit);
    }
    let filler = Sent::new(0, true, [&[12][..], &[0xff; 50], &[0x80]].concat());
    let (units, _) = receive(&mut depacketizer(), &[Sent::new(0, false, stap), filler]);
    assert_eq!(outline(&units[0]), "06:8 65:40");
}

#[test]
fn odd_fragments_of_cameras_are_taken() {
    let unit = slice(Slice::Idr, 100);
    // Tiandy: the type is wrong in all fragments but the first.
    let mut tiandy = fragments(0, &unit, true, 40);
    tiandy[1].payload[1] &= 0xe0;
    // A single fragment with start and end bit; an empty fragment; a last one without end bit but with marker.
    let single = fragments(3600, &slice(Slice::P, 30), true, 100);
    let mut empty = fragments(7200, &slice(Slice::P, 60), true, 40);
    empty.insert(1, Sent::new(7200, false, [0x7c, 0x01]));
    let mut endless = fragments(10_800, &slice(Slice::P, 70), true, 40);
    endless[1].payload[1] &= 0xbf;
    let (units, errors) = receive(&mut depacketizer(), &[tiandy, single, empty, endless].concat());
    let outlines: Vec<String> = units.iter().map(outline).collect();
    assert_eq!(outlines, ["65:100", "61:30", "61:60", "61:70"]);
    assert_eq!(errors, [""; 0]);
}

#[test]
fn interleaved_mode_is_refused_by_name() {
    for (kind, name) in [(25, "STAP-B"), (26, "MTAP16"), (27, "MTAP24"), (29, "FU-B")] {
        let (_, errors) = receive(&mut depacketizer(), &[Sent::new(0, true, [kind, 0, 0, 0])]);
        assert_eq!(
            errors,
            [format!(
                "H264 over RTP: {name} packets (interleaved mode, packetization-mode=2) are not supported"
            )]
        );
    }
}

#[test]
fn malformed_packets_are_named_and_drop_until_the_keyframe() {
    let start = [Sent::new(0, true, slice(Slice::Idr, 50))];
    for (payload, reason) in [
        (&[0x98, 0][..], "the forbidden bit is set in the NAL unit header 0x98"),
        (&[24, 0, 9, 0x41], "a STAP-A unit has 9 bytes, but 1 are left"),
        (&[0x7c], "a FU-A packet of 1 byte, expected at least 2"),
        (&[0x7c, 0x05, 1], "a fragment of a NAL unit came without the first one"),
        (&[0x7f, 0], "packet type 31 is reserved"),
    ] {
        let mut depacketizer = depacketizer();
        receive(&mut depacketizer, &start);
        let packets = [
            Sent::new(3600, true, payload),
            Sent::new(7200, true, slice(Slice::P, 40)),
            Sent::new(10_800, true, slice(Slice::Idr, 30)),
        ];
        let (units, errors) = receive(&mut depacketizer, &packets);
        assert_eq!(errors, [format!("H264 over RTP: {reason}")]);
        assert_eq!(units.iter().map(outline).collect::<Vec<_>>(), ["65:30"]);
        assert_eq!(depacketizer.damaged_frames(), 2);
    }
}

#[test]
fn an_access_unit_without_end_is_bounded() {
    let mut depacketizer = depacketizer();
    let piece = Sent::new(0, false, [&[0x7c, 0x85][..], &vec![0x55; 60_000]].concat());
    let mut more = piece.clone();
    more.payload[1] = 0x05;
    let (_, errors) = receive(&mut depacketizer, &[piece]);
    assert_eq!(errors, [""; 0]);
    let (_, errors) = receive(&mut depacketizer, &vec![more; 200]);
    assert_eq!(errors, [format!("H264 over RTP: the access unit exceeds {MAX_ACCESS_UNIT_BYTES} bytes")]);
}

#[test]
fn parameter_sets_in_the_stream_announce_a_new_codec_once() {
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(Codec::H264(None), 96));
    let gop = |number: u32, width: u32| {
        let mut units = sets(width);
        units.push(slice(Slice::Idr, 200));
        frame(number, true, access_unit(&units))
    };
    let mut packetizer = Packetizer::new(&Codec::H264(None), 1000);
    let sent: Vec<Sent> = [gop(0, 1280), gop(1, 1280), gop(2, 640), frame(3, true, keyframe(100))]
        .iter()
        .flat_map(|frame| send(&packetizer.packetize(frame), 1000))
        .collect();
    let (units, _) = receive(&mut depacketizer, &sent);
    let widths: Vec<Option<u32>> =
        units.iter().map(|unit| announced(unit).and_then(Codec::dimensions).map(|size| size.0)).collect();
    assert_eq!(widths, [Some(1280), None, Some(640), Some(1280)]);
}

#[test]
fn unreadable_parameter_sets_are_told_and_the_picture_is_given() {
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(Codec::H264(None), 96));
    let packets = [
        Sent::new(0, false, vec![0x67, 1]),
        Sent::new(0, false, h264::pps()),
        Sent::new(0, true, slice(Slice::Idr, 50)),
    ];
    let (units, errors) = receive(&mut depacketizer, &packets);
    assert_eq!((units.len(), announced(&units[0])), (1, None));
    assert_eq!(errors, ["H264 over RTP: the H.264 SPS cannot be read: it has 2 bytes, expected at least 4"]);
}

#[test]
fn data_does_not_keep_more_memory_than_it_has() {
    let units = carry(&codec(1280), 1200, &[frame(0, true, keyframe(100_000))]);
    // A shared buffer larger than its view could not be taken over as it is.
    assert!(units[0].data.clone().try_into_mut().is_err());
    assert_eq!(units[0].received_at, epoch());
}

/// Access units of a byte stream: whatever stands before the first slice of a picture belongs to it.
fn pictures(stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut pictures: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
    let mut has_slice = false;
    for unit in nal::annex_b(stream).map(<[u8]>::to_vec) {
        let slice = matches!(unit[0] & 0x1f, 1 | 5);
        let first = slice && unit[1] & 0x80 != 0;
        let in_front = matches!(unit[0] & 0x1f, 6..=9 | 14..=18);
        if has_slice && (first || in_front) {
            pictures.push(Vec::new());
            has_slice = false;
        }
        has_slice |= slice;
        pictures.last_mut().unwrap().push(unit);
    }
    pictures
}

#[test]
fn conformance_streams_come_back() {
    let Some(folder) = yeoul_testkit::shared().map(|shared| shared.join("media/h264-conformance")) else {
        return;
    };
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        // One of them is damaged on purpose: pictures without their first slice are rightly not given.
        let damaged = entry.file_stem().is_some_and(|name| name == "Error_I_P");
        if damaged || entry.extension().is_none_or(|ending| ending != "264") {
            continue;
        }
        let pictures = pictures(&std::fs::read(&entry).unwrap());
        let frames: Vec<Frame> = (0..)
            .zip(&pictures)
            .map(|(number, units)| {
                let keyframe = is_keyframe(units.iter().map(Vec::as_slice));
                frame(number, keyframe, access_unit(units))
            })
            .skip_while(|frame| !frame.keyframe)
            .collect();
        let units = carry(&Codec::H264(None), 1200, &frames);
        // Delimiters and filler go; parameter sets may be added to a keyframe.
        let kept = |unit: &[u8]| !matches!(unit[0] & 0x1f, 7..=12);
        let essence = |data: &[Bytes]| -> Vec<Vec<Vec<u8>>> {
            let units = |data: &Bytes| {
                nal::length_prefixed(data).filter(|unit| kept(unit)).map(<[u8]>::to_vec).collect()
            };
            data.iter().map(units).collect()
        };
        assert_eq!(units.len(), frames.len(), "{}", entry.display());
        assert!(
            essence(&data_of(&units)) == essence(&data(&frames)),
            "{} came back changed",
            entry.display()
        );
    }
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
            units.push(h264::sei(9));
            units.extend((0..).zip(sizes).map(|(n, &size)| slice_at(kind, n * 10, size)));
            frame(number, number == 0, access_unit(&units))
        }).collect();
        prop_assert_eq!(data_of(&carry(&codec(1280), max, &frames)), data(&frames));
    }

    #[test]
    fn pieces_of_a_unit_have_equal_size(max in 64usize..1500, size in 20usize..40_000) {
        let packets = Packetizer::new(&codec(1280), max).packetize(&frame(0, false, predicted(size)));
        let sizes: Vec<usize> = packets.payloads.iter().map(crate::Payload::len).collect();
        let (last, others) = sizes.split_last().unwrap();
        prop_assert!(others.iter().all(|size| *size == sizes[0] && size >= last));
        prop_assert!(packets.payloads.iter().rev().skip(1).all(|payload| !payload.marker));
        prop_assert!(packets.payloads.last().unwrap().marker);
    }

    #[test]
    fn any_loss_gives_only_whole_frames_and_recovers_at_a_keyframe(
        sizes in prop::collection::vec(20usize..5000, 5),
        lost in prop::collection::hash_set(0usize..120, 0..12),
    ) {
        let frames = gops(4, 5, &sizes);
        let mut packetizer = Packetizer::new(&codec(1280), 800);
        let ends: Vec<usize> = frames.iter().scan(0, |end, frame| {
            *end += packetizer.packetize(frame).payloads.len();
            Some(*end)
        }).collect();
        let whole = |number: usize| {
            let start = number.checked_sub(1).map_or(0, |before| ends[before]);
            (start..ends[number]).all(|packet| !lost.contains(&packet))
        };
        let (units, _) = carry_with_loss(&codec(1280), 800, &frames, |index| lost.contains(&index));
        let given: Vec<usize> = units.iter().map(|unit| usize::try_from(unit.rtp_time / 3600).unwrap()).collect();
        for (unit, &number) in units.iter().zip(&given) {
            // The parameter sets in front of a keyframe can be lost without harm: they are known.
            prop_assert!(frames[number].data.ends_with(&unit.data), "frame {number} came back changed");
        }
        // A frame is given if all frames of its GOP up to it are whole.
        let expected: Vec<usize> = (0..frames.len())
            .filter(|&number| (number / 5 * 5..=number).all(whole))
            .collect();
        prop_assert!(expected.iter().all(|number| given.contains(number)), "{given:?}, expected {expected:?}");
    }

    #[test]
    fn no_packets_panic(packets in prop::collection::vec((any::<bool>(), any::<bool>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..60)), 0..40)) {
        let mut depacketizer = depacketizer();
        for (marker, lost, time, payload) in packets {
            let sent = Sent::new(time, marker, payload);
            let packet = crate::PacketRef { header: sent.header, payload: &sent.payload };
            let _ = depacketizer.push(packet, lost, epoch());
            while depacketizer.pull().is_some() {}
        }
    }
}
