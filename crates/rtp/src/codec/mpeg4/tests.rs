use crate::codec::testing::{Sent, announced, carry, carry_with_loss, frame, receive};
use crate::{Depacketizer, MediaFormat};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::Codec;
use yeoul_media::bitstream::mpeg4::Configuration;

/// As ffmpeg writes it for 640x480: Simple level 1.
const HEADERS: [u8; 30] = [
    0, 0, 1, 0xb0, 1, 0, 0, 1, 0xb5, 0x89, 0x13, 0, 0, 1, 0, 0, 0, 1, 0x20, 0, 0xc4, 0x8d, 0x88, 0, 0xcd,
    0x14, 0x04, 0x3c, 0x14, 0x43,
];
const UNKNOWN: Codec = Codec::Mpeg4Video(None);

fn known() -> Codec {
    Codec::Mpeg4Video(Configuration::parse(&HEADERS))
}

/// A picture of so many bytes, keyframes behind headers.
fn data(keyframe: bool, size: usize) -> Bytes {
    let headers = if keyframe { &HEADERS[..] } else { &[] };
    let picture = [0, 0, 1, 0xb6, if keyframe { 0x10 } else { 0x50 }];
    let rest = (0..size).map(|n| u8::try_from(n % 250 + 1).unwrap());
    headers.iter().copied().chain(picture).chain(rest).collect()
}

#[test]
fn headers_in_the_stream_tell_the_size() {
    let frames = [frame(0, true, data(true, 3000)), frame(1, false, data(false, 10))];
    let units = carry(&UNKNOWN, 1200, &frames);
    assert_eq!(units.iter().map(|unit| unit.keyframe).collect::<Vec<_>>(), [true, false]);
    assert_eq!(announced(&units[0]).and_then(Codec::dimensions), Some((640, 480)));
}

#[test]
fn headers_of_the_description_go_in_front_of_keyframes_that_lack_them() {
    let bare = data(true, 40).slice(HEADERS.len()..);
    let units = carry(&known(), 1200, &[frame(0, true, bare)]);
    assert_eq!(units[0].data, data(true, 40));
    assert_eq!(announced(&units[0]), None, "the description told them");
}

#[test]
fn headers_in_a_packet_of_their_own_stay_with_the_picture_after_them() {
    let key = data(true, 40);
    for (marker, rtp_time) in [(false, 3600), (true, 3600), (true, 0), (false, 0)] {
        let sent = [
            Sent::new(rtp_time, marker, &key[..HEADERS.len()]),
            Sent::new(3600, true, &key[HEADERS.len()..]),
        ];
        let (units, errors) = receive(&mut Depacketizer::new(&MediaFormat::new(UNKNOWN, 96)), &sent);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(units.iter().map(|unit| &unit.data).collect::<Vec<_>>(), [&key], "{marker} {rtp_time}");
    }
}

#[test]
fn a_keyframe_without_headers_is_waited_past() {
    let bare = Sent::new(0, true, &data(true, 40)[HEADERS.len()..]);
    let sent = [bare, Sent::new(3600, true, &data(true, 4)[..])];
    let (units, _) = receive(&mut Depacketizer::new(&MediaFormat::new(UNKNOWN, 96)), &sent);
    assert_eq!(units.iter().map(|unit| unit.rtp_time).collect::<Vec<_>>(), [3600]);
}

proptest! {
    #[test]
    fn pictures_come_back_whole(max in 64usize..1500, sizes in prop::collection::vec(0usize..4000, 1..6)) {
        let frames: Vec<_> =
            (0u32..).zip(&sizes).map(|(n, &size)| frame(n, n == 0, data(n == 0, size))).collect();
        let units = carry(&known(), max, &frames);
        prop_assert_eq!(units.len(), frames.len());
        for (unit, frame) in units.iter().zip(&frames) {
            prop_assert_eq!(&unit.data, &frame.data);
        }
    }

    #[test]
    fn a_loss_damages_up_to_the_next_keyframe(lost in 0usize..24) {
        let frames: Vec<_> = (0u32..8).map(|n| frame(n, n % 4 == 0, data(n % 4 == 0, 2500))).collect();
        let (units, _) = carry_with_loss(&known(), 1200, &frames, |index| index == lost);
        prop_assert_eq!(units.len(), 8 - (4 - lost / 3 % 4));
    }

    #[test]
    fn no_bytes_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let sent: Vec<_> = payloads.into_iter().map(|payload| Sent::new(0, false, payload)).collect();
        let _ = receive(&mut Depacketizer::new(&MediaFormat::new(UNKNOWN, 96)), &sent);
    }
}
