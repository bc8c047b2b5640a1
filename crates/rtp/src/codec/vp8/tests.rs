use crate::codec::testing::{Sent, announced, carry, carry_with_loss, frame, receive};
use crate::{Depacketizer, MediaFormat, Packetizer};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::Codec;
use yeoul_media::bitstream::vp8;

const VP8: Codec = Codec::Vp8(None);

/// A frame of so many bytes; keyframes are 640x480.
fn data(keyframe: bool, size: usize) -> Bytes {
    let start: &[u8] =
        if keyframe { &[0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01] } else { &[0x31, 2, 0] };
    let rest = (0..size).map(|n| u8::try_from(n % 251).unwrap());
    start.iter().copied().chain(rest).collect()
}

fn errors(payload: &[u8]) -> String {
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(VP8, 96));
    receive(&mut depacketizer, &[Sent::new(0, true, payload)]).1.join("; ")
}

#[test]
fn frames_come_back_and_the_keyframe_tells_the_size() {
    let frames = [frame(0, true, data(true, 3000)), frame(1, false, data(false, 10))];
    let units = carry(&VP8, 1200, &frames);
    assert_eq!(units.iter().map(|unit| unit.keyframe).collect::<Vec<_>>(), [true, false]);
    let parameters = vp8::Parameters { profile: 0, width: 640, height: 480 };
    assert_eq!(announced(&units[0]), Some(&Codec::Vp8(Some(parameters))));
    assert_eq!(announced(&units[1]), None);
}

#[test]
fn packets_of_a_frame_share_a_picture_id_and_the_first_starts_the_partition() {
    let mut packetizer = Packetizer::new(&VP8, 100);
    let _ = packetizer.packetize(&frame(0, true, data(true, 10)));
    let packets = packetizer.packetize(&frame(1, false, data(false, 150)));
    let heads: Vec<_> =
        packets.payloads.iter().map(|payload| (payload.head().to_vec(), payload.marker)).collect();
    assert_eq!(heads, [(vec![0x90, 0x80, 0x80, 1], false), (vec![0x80, 0x80, 0x80, 1], true)]);
}

#[test]
fn every_descriptor_is_read_past() {
    let key = data(true, 5);
    let descriptors: [&[u8]; 5] = [
        &[0x10],
        &[0x90, 0x00],
        &[0x90, 0x80, 0x05],
        &[0xb0, 0xf0, 0x85, 0x55, 7, 0x20],
        &[0x90, 0x60, 9, 0x40],
    ];
    for descriptor in descriptors {
        let mut depacketizer = Depacketizer::new(&MediaFormat::new(VP8, 96));
        let payload = [descriptor, &key[..]].concat();
        let (units, errors) = receive(&mut depacketizer, &[Sent::new(0, true, payload)]);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(units[0].data, key, "{descriptor:x?}");
    }
}

#[test]
fn partitions_of_their_own_go_on_with_the_frame() {
    let key = data(true, 60);
    let sent = [
        Sent::new(0, false, [&[0x10][..], &key[..30]].concat()),
        Sent::new(0, true, [&[0x11][..], &key[30..]].concat()),
    ];
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(VP8, 96));
    assert_eq!(receive(&mut depacketizer, &sent).0[0].data, key);
}

#[test]
fn broken_packets_are_named() {
    assert_eq!(errors(&[0x90, 0x80]), "VP8 over RTP: a packet of 2 bytes ends inside its descriptor");
    assert_eq!(errors(&[0x10]), "VP8 over RTP: a packet of 1 bytes ends inside its descriptor");
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(VP8, 96));
    let key = [&[0x10][..], &data(true, 5)].concat();
    let sent = [Sent::new(0, true, key), Sent::new(3600, true, [0x00, 1, 2])];
    assert_eq!(
        receive(&mut depacketizer, &sent).1,
        ["VP8 over RTP: a picture goes on of which the beginning is missing"]
    );
}

proptest! {
    #[test]
    fn frames_come_back_whole(max in 64usize..1500, sizes in prop::collection::vec(0usize..4000, 1..6)) {
        let frames: Vec<_> =
            (0u32..).zip(&sizes).map(|(n, &size)| frame(n, n == 0, data(n == 0, size))).collect();
        let units = carry(&VP8, max, &frames);
        prop_assert_eq!(units.len(), frames.len());
        for (unit, frame) in units.iter().zip(&frames) {
            prop_assert_eq!(&unit.data, &frame.data);
            prop_assert_eq!(unit.keyframe, frame.keyframe);
        }
    }

    #[test]
    fn after_a_loss_nothing_is_given_up_to_the_next_keyframe(lost in prop::collection::vec(any::<bool>(), 24)) {
        let frames: Vec<_> = (0u32..8).map(|n| frame(n, n % 4 == 0, data(n % 4 == 0, 2500))).collect();
        let is_lost = |index: usize| lost.get(index).copied().unwrap_or(false);
        let (units, _) = carry_with_loss(&VP8, 1200, &frames, is_lost);
        let mut decodable = false;
        let mut expected = Vec::new();
        for (n, frame) in frames.iter().enumerate() {
            let whole = (3 * n..3 * n + 3).all(|index| !is_lost(index));
            decodable = whole && (decodable || frame.keyframe);
            expected.extend(decodable.then(|| frame.data.clone()));
        }
        prop_assert_eq!(units.iter().map(|unit| unit.data.clone()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_bytes_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let mut depacketizer = Depacketizer::new(&MediaFormat::new(VP8, 96));
        let sent: Vec<_> = payloads.into_iter().map(|payload| Sent::new(0, false, payload)).collect();
        let _ = receive(&mut depacketizer, &sent);
    }
}
