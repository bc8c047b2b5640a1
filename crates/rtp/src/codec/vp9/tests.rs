use crate::codec::testing::{Sent, announced, carry, carry_with_loss, frame, receive};
use crate::{AccessUnit, Depacketizer, MediaFormat, Packetizer};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::Codec;

const VP9: Codec = Codec::Vp9(None);

/// A frame of so many bytes; keyframes are 1280x720.
fn data(keyframe: bool, size: usize) -> Bytes {
    let start: &[u8] =
        if keyframe { &[0x82, 0x49, 0x83, 0x42, 0x40, 0x4f, 0xf0, 0x2c, 0xf0] } else { &[0x86] };
    let rest = (0..size).map(|n| u8::try_from(n % 251).unwrap());
    start.iter().copied().chain(rest).collect()
}

fn take(sent: &[Sent]) -> (Vec<AccessUnit>, String) {
    let (units, errors) = receive(&mut Depacketizer::new(&MediaFormat::new(VP9, 96)), sent);
    (units, errors.join("; "))
}

#[test]
fn frames_come_back_and_the_keyframe_tells_the_size() {
    let units = carry(&VP9, 1200, &[frame(0, true, data(true, 3000)), frame(1, false, data(false, 10))]);
    assert_eq!(units.iter().map(|unit| unit.keyframe).collect::<Vec<_>>(), [true, false]);
    assert_eq!(announced(&units[0]).and_then(Codec::dimensions), Some((1280, 720)));
    assert_eq!(announced(&units[1]), None);
}

#[test]
fn the_descriptor_tells_start_end_and_what_refers_to_another() {
    let mut packetizer = Packetizer::new(&VP9, 100);
    let heads = |packetizer: &mut Packetizer, frame| {
        let packets = packetizer.packetize(&frame);
        packets.payloads.iter().map(|payload| payload.head().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(heads(&mut packetizer, frame(0, true, data(true, 10))), [[0x8c, 0x80, 0]]);
    assert_eq!(
        heads(&mut packetizer, frame(1, false, data(false, 250))),
        [[0xc8, 0x80, 1], [0xc0, 0x80, 1], [0xc4, 0x80, 1]]
    );
}

#[test]
fn descriptors_of_both_modes_are_read_past() {
    let key = data(true, 5);
    let descriptors: [&[u8]; 6] = [
        // Nothing but start and end.
        &[0x0c],
        // Short picture id, layers with TL0PICIDX.
        &[0xac, 0x05, 0x00, 0x09],
        // Flexible: long picture id, layers, two references.
        &[0xfc, 0x85, 0x05, 0x20, 0x03, 0x04],
        // Scalability structure: two sizes.
        &[0x0e, 0x30, 1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68],
        // Scalability structure: a group of two pictures, the second with two references.
        &[0x0e, 0x08, 2, 0x00, 0x28, 1, 2],
        // Both.
        &[0x8e, 0x81, 0x01, 0x18, 1, 0x40, 0, 0xb4, 1, 0x04, 1],
    ];
    for descriptor in descriptors {
        let (units, errors) = take(&[Sent::new(0, true, [descriptor, &key[..]].concat())]);
        assert_eq!(errors, "");
        assert_eq!(units[0].data, key, "{descriptor:x?}");
    }
}

#[test]
fn spatial_layers_become_a_superframe() {
    let (base, upper) = (data(true, 20), data(false, 300));
    let sent = [
        Sent::new(0, false, [&[0xac, 0x05, 0x00, 0x09][..], &base].concat()),
        Sent::new(0, false, [&[0xa8, 0x05, 0x03, 0x09][..], &upper[..100]].concat()),
        Sent::new(0, true, [&[0xa4, 0x05, 0x03, 0x09][..], &upper[100..]].concat()),
    ];
    let (units, errors) = take(&sent);
    assert_eq!(errors, "");
    assert!(units[0].keyframe);
    let index = [0xc9, 29, 0, 45, 1, 0xc9];
    assert_eq!(units[0].data, [&base[..], &upper, &index].concat());
}

#[test]
fn broken_packets_are_named() {
    let error = |payload: &[u8]| take(&[Sent::new(0, true, payload)]).1;
    assert_eq!(error(&[0x8c, 0x80]), "VP9 over RTP: a packet of 2 bytes ends inside its descriptor");
    assert_eq!(error(&[0x0e, 0x30, 1]), "VP9 over RTP: a packet of 3 bytes ends inside its descriptor");
    let twice = [Sent::new(0, false, [0x08, 0x82, 1]), Sent::new(0, true, [0x08, 0x82, 1])];
    assert_eq!(take(&twice).1, "VP9 over RTP: a layer starts before the end of another");
    let after = [Sent::new(0, false, [0x0c, 0x82, 1]), Sent::new(0, true, [0x04, 0x82, 1])];
    assert_eq!(take(&after).1, "VP9 over RTP: a layer goes on after the end of another");
    let many: Vec<_> = (0..9).map(|n| Sent::new(0, n == 8, [0x0c, 0x82, 1])).collect();
    assert_eq!(take(&many).1, "VP9 over RTP: a picture has more than 8 layers");
}

proptest! {
    #[test]
    fn frames_come_back_whole(max in 64usize..1500, sizes in prop::collection::vec(0usize..4000, 1..6)) {
        let frames: Vec<_> =
            (0u32..).zip(&sizes).map(|(n, &size)| frame(n, n == 0, data(n == 0, size))).collect();
        let units = carry(&VP9, max, &frames);
        prop_assert_eq!(units.len(), frames.len());
        for (unit, frame) in units.iter().zip(&frames) {
            prop_assert_eq!(&unit.data, &frame.data);
        }
    }

    #[test]
    fn a_loss_damages_up_to_the_next_keyframe(lost in 0usize..23) {
        let frames: Vec<_> = (0u32..8).map(|n| frame(n, n % 4 == 0, data(n % 4 == 0, 2500))).collect();
        let (units, damaged) = carry_with_loss(&VP9, 1200, &frames, |index| index == lost);
        let missing = 4 - lost / 3 % 4;
        prop_assert_eq!(units.len(), 8 - missing);
        // What was lost before the first keyframe is not counted.
        prop_assert!(damaged == u64::try_from(missing).unwrap() || lost < 3, "{damaged} of {missing}");
    }

    #[test]
    fn no_bytes_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12)) {
        let _ = take(&payloads.into_iter().map(|payload| Sent::new(0, false, payload)).collect::<Vec<_>>());
    }
}
