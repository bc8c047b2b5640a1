use crate::codec::testing::{Sent, announced, carry, carry_with_loss, frame, receive, send};
use crate::{AccessUnit, Depacketizer, MediaFormat, Packetizer};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::Codec;
use yeoul_media::bitstream::av1;

const AV1: Codec = Codec::Av1(None);
/// The sequence header of libaom for 1280x720, with its size.
const SEQUENCE: [u8; 13] = [0x0a, 0x0b, 0x00, 0x00, 0x00, 0x2d, 0x4c, 0xff, 0xb3, 0xcd, 0xaf, 0x90, 0x04];

/// An `OBU_FRAME` with so many bytes, and an extension in front of its size.
fn unit(first: u8, size: usize, extension: bool) -> Vec<u8> {
    let mut out = vec![if extension { 0x36 } else { 0x32 }];
    out.extend(extension.then_some(0x08));
    av1::put_leb128(size + 1, &mut out);
    out.push(first);
    out.extend((0..size).map(|n| u8::try_from(n % 251).unwrap()));
    out
}

/// A temporal unit of frames of these sizes.
fn data(keyframe: bool, sizes: &[usize], extension: bool) -> Bytes {
    let sequence = if keyframe { &SEQUENCE[..] } else { &[] };
    let first = if keyframe { 0x10 } else { 0x30 };
    let units = sizes.iter().flat_map(|&size| unit(first, size, extension));
    sequence.iter().copied().chain(units).collect()
}

fn take(sent: &[Sent]) -> (Vec<AccessUnit>, String) {
    let (units, errors) = receive(&mut Depacketizer::new(&MediaFormat::new(AV1, 96)), sent);
    (units, errors.join("; "))
}

#[test]
fn temporal_units_come_back_and_the_keyframe_tells_its_sequence() {
    let frames = [frame(0, true, data(true, &[3000], false)), frame(1, false, data(false, &[10], false))];
    let units = carry(&AV1, 1200, &frames);
    assert_eq!(units.iter().map(|unit| unit.keyframe).collect::<Vec<_>>(), [true, false]);
    assert_eq!(announced(&units[0]).and_then(Codec::dimensions), Some((1280, 720)));
    assert_eq!(announced(&units[1]), None);
}

#[test]
fn packets_are_full_but_the_last_and_only_the_first_starts_the_sequence() {
    let mut packetizer = Packetizer::new(&AV1, 100);
    let packets = packetizer.packetize(&frame(0, true, data(true, &[200], false)));
    let sent = send(&packets, 100);
    let heads: Vec<_> = sent.iter().map(|sent| (sent.payload[0], sent.payload.len())).collect();
    // All elements behind lengths, of which the frame goes on; a fragment; the last one.
    assert_eq!(heads, [(0x48, 100), (0xd0, 100), (0x90, 19)]);
    assert_eq!(sent[0].payload[1..4], [12, 0x08, 0x00], "the sequence header without its size");
    assert_eq!(sent[0].payload[14..18], [85, 0x30, 0x10, 0], "the frame without its size");
}

#[test]
fn delimiters_are_on_no_wire_and_in_no_frame() {
    let with_delimiter = Bytes::from([&[0x12, 0x00], &data(true, &[50], false)[..]].concat());
    let units = carry(&AV1, 1200, &[frame(0, true, with_delimiter)]);
    assert_eq!(units[0].data, data(true, &[50], false));
    // A sender that sends them, and sizes too: W 2.
    let payload = [&[0x20, 0x02, 0x12, 0x00], &data(false, &[5], false)[..]].concat();
    let key = send(&Packetizer::new(&AV1, 1200).packetize(&frame(0, true, data(true, &[5], false))), 1200);
    let (units, errors) = take(&[key[0].clone(), Sent::new(3600, true, payload)]);
    assert_eq!(errors, "");
    assert_eq!(units[1].data, data(false, &[5], false));
}

#[test]
fn broken_packets_are_named() {
    let error = |payload: &[u8]| take(&[Sent::new(0, true, payload)]).1;
    assert_eq!(error(&[0x00, 5, 0x30, 1]), "AV1 over RTP: an element has 5 bytes, but 2 are left");
    assert_eq!(error(&[0x00, 0x80]), "AV1 over RTP: the length of an element ends too early");
    assert_eq!(error(&[0x10, 0x32, 9, 1]), "AV1 over RTP: the size of a unit is more than there is of it");
    assert_eq!(error(&[0x50, 0x30, 1]), "AV1 over RTP: the last fragment of a unit is missing");
    let unfinished = [Sent::new(0, false, [0x50, 0x30, 1]), Sent::new(0, true, [0x10, 0x30, 1])];
    assert_eq!(take(&unfinished).1, "AV1 over RTP: a unit started before the last fragment of another");
    let alone = [Sent::new(0, false, [0x10, 0x30, 1]), Sent::new(0, true, [0x90, 0x30, 1])];
    assert_eq!(take(&alone).1, "AV1 over RTP: a fragment of a unit came without the first one");
}

proptest! {
    #[test]
    fn temporal_units_come_back_whole(
        max in 64usize..1500,
        extension: bool,
        sizes in prop::collection::vec(prop::collection::vec(0usize..3000, 1..5), 1..5),
    ) {
        let frames: Vec<_> = (0u32..)
            .zip(&sizes)
            .map(|(n, sizes)| frame(n, n == 0, data(n == 0, sizes, extension)))
            .collect();
        let units = carry(&AV1, max, &frames);
        prop_assert_eq!(units.len(), frames.len());
        for (unit, frame) in units.iter().zip(&frames) {
            prop_assert_eq!(&unit.data, &frame.data);
        }
    }

    #[test]
    fn a_loss_damages_up_to_the_next_keyframe(lost in 0usize..23) {
        let frames: Vec<_> =
            (0u32..8).map(|n| frame(n, n % 4 == 0, data(n % 4 == 0, &[2500], false))).collect();
        let (units, damaged) = carry_with_loss(&AV1, 1200, &frames, |index| index == lost);
        let missing = 4 - lost / 3 % 4;
        prop_assert_eq!(units.len(), 8 - missing);
        // What was lost before the first keyframe is not counted.
        prop_assert!(damaged == u64::try_from(missing).unwrap() || lost < 3, "{damaged} of {missing}");
    }

    #[test]
    fn no_bytes_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
        let _ = take(&payloads.iter().map(|payload| Sent::new(0, false, payload.clone())).collect::<Vec<_>>());
        let mut packetizer = Packetizer::new(&AV1, 64);
        for payload in payloads {
            let _ = packetizer.packetize(&frame(0, true, payload.into()));
        }
    }
}
