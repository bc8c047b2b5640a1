use crate::codec::testing::{Sent, announced, carry, carry_with_loss, frame, receive};
use crate::{AccessUnit, Depacketizer, MediaFormat};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::{Codec, PcmLayout};

const DESCRIBED: Codec = Codec::Mp3(PcmLayout { sample_rate: 44_100, channels: 2 });

/// A frame of 128 kbit/s at 44.1 kHz has 417 bytes, one of 320 kbit/s 1044.
fn data(large: bool, fill: u8) -> Bytes {
    let (rate, size) = if large { (0xe0, 1044) } else { (0x90, 417) };
    let mut frame = vec![0xff, 0xfb, rate, 0x64];
    frame.resize(size, fill);
    frame.into()
}

fn take(sent: &[Sent]) -> (Vec<AccessUnit>, String) {
    let (units, errors) = receive(&mut Depacketizer::new(&MediaFormat::new(DESCRIBED, 14)), sent);
    (units, errors.join("; "))
}

#[test]
fn several_frames_in_a_packet_follow_each_other_in_time() {
    let payload = [&[0, 0, 0, 0], &data(false, 1)[..], &data(false, 2)].concat();
    let (units, errors) = take(&[Sent::new(9000, false, payload)]);
    assert_eq!(errors, "");
    assert_eq!(units.iter().map(|unit| unit.rtp_time).collect::<Vec<_>>(), [9000, 9000 + 2351]);
    assert_eq!(units[1].data, data(false, 2));
}

#[test]
fn the_first_frame_tells_rate_and_channels() {
    let mut mono = vec![0xff, 0xf3, 0x40, 0xc4];
    mono.resize(104, 0);
    let (units, errors) = take(&[Sent::new(0, false, [&[0, 0, 0, 0], &mono[..]].concat())]);
    assert_eq!(errors, "");
    assert_eq!(announced(&units[0]), Some(&Codec::Mp3(PcmLayout { sample_rate: 22_050, channels: 1 })));
    let (units, _) = take(&[Sent::new(0, false, [&[0, 0, 0, 0], &data(false, 0)[..]].concat())]);
    assert_eq!(announced(&units[0]), None);
}

#[test]
fn broken_packets_are_named() {
    let error = |payload: &[u8]| take(&[Sent::new(0, false, payload)]).1;
    assert_eq!(error(&[0, 0, 0]), "MP3 over RTP: a packet has 3 bytes, expected more than 4");
    assert_eq!(error(&[0, 0, 0, 0, 1, 2, 3, 4]), "MP3 over RTP: a frame does not start with a header");
    let pieces = [
        Sent::new(0, false, [&[0, 0, 0, 0], &data(false, 1)[..100]].concat()),
        Sent::new(0, false, [&[0, 0, 0, 90], &data(false, 1)[90..]].concat()),
    ];
    assert_eq!(take(&pieces).1, "MP3 over RTP: a fragment starts at byte 90 of its frame, expected 100");
}

proptest! {
    #[test]
    fn frames_come_back_whole(max in 64usize..1500, large in prop::collection::vec(any::<bool>(), 1..6)) {
        let frames: Vec<_> = (0u32..).zip(&large).map(|(n, &large)| frame(n, true, data(large, 7))).collect();
        let units = carry(&DESCRIBED, max, &frames);
        prop_assert_eq!(units.len(), frames.len());
        for (unit, frame) in units.iter().zip(&frames) {
            prop_assert_eq!(&unit.data, &frame.data);
        }
    }

    #[test]
    fn a_loss_costs_its_own_frame(lost in 0usize..8) {
        // Two fragments each.
        let frames: Vec<_> = (0u8..4).map(|n| frame(n.into(), true, data(true, n))).collect();
        let (units, _) = carry_with_loss(&DESCRIBED, 600, &frames, |index| index == lost);
        let kept = (0..4).filter(|&n| n != lost / 2).map(|n| frames[n].data.clone());
        prop_assert_eq!(units.iter().map(|unit| unit.data.clone()).collect::<Vec<_>>(), kept.collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_panic(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let _ = take(&payloads.into_iter().map(|payload| Sent::new(0, false, payload)).collect::<Vec<_>>());
    }
}
