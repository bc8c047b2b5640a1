use crate::codec::testing::{Sent, carry, frame, receive};
use crate::{Depacketizer, MediaFormat, Packetizer};
use bytes::Bytes;
use proptest::prelude::*;
use yeoul_media::{Codec, PcmLayout};

fn pcm(sample_rate: u32, channels: u8) -> PcmLayout {
    PcmLayout { sample_rate, channels }
}

/// Sizes, ticks and markers of the packets of `octets` octets.
fn pieces(codec: &Codec, max: usize, octets: usize) -> Vec<(usize, u32, bool)> {
    let packets = Packetizer::new(codec, max).packetize(&frame(0, true, Bytes::from(vec![7; octets])));
    packets.payloads.iter().map(|payload| (payload.len(), payload.ticks_offset, payload.marker)).collect()
}

#[test]
fn sound_is_cut_at_20_ms() {
    assert_eq!(
        pieces(&Codec::Pcma(pcm(8000, 1)), 1200, 400),
        [(160, 0, false), (160, 160, false), (80, 320, false)]
    );
    // 16 kHz of sound, but an RTP clock of 8 kHz: RFC 3551 §4.5.2.
    assert_eq!(pieces(&Codec::G722, 1200, 200), [(160, 0, false), (40, 160, false)]);
}

#[test]
fn large_sound_is_cut_at_the_payload_size_between_samples() {
    assert_eq!(
        pieces(&Codec::L16(pcm(44_100, 2)), 1001, 3528),
        [(1000, 0, false), (1000, 250, false), (1000, 500, false), (528, 750, false)]
    );
}

#[test]
fn opus_is_never_cut() {
    assert_eq!(pieces(&Codec::Opus { channels: 2 }, 200, 1000), [(1000, 0, false)]);
    let packets = Packetizer::new(&Codec::Opus { channels: 2 }, 200).packetize(&frame(
        1,
        true,
        Bytes::from_static(b"x"),
    ));
    assert_eq!((packets.clock_rate, packets.rtp_ticks), (48_000, 1920));
}

#[test]
fn half_a_sample_is_named() {
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(Codec::L16(pcm(48_000, 2)), 97));
    let (units, errors) = receive(&mut depacketizer, &[Sent::new(0, false, [1, 2, 3])]);
    assert_eq!(units, []);
    assert_eq!(errors, ["L16 over RTP: a packet has 3 bytes, expected a multiple of 4"]);
    assert_eq!(depacketizer.damaged_frames(), 1);
}

proptest! {
    #[test]
    fn sound_comes_back_whole_and_in_time(
        codec in prop::sample::select(vec![
            Codec::Pcmu(pcm(8000, 1)),
            Codec::Pcma(pcm(16_000, 2)),
            Codec::G722,
            Codec::L16(pcm(44_100, 2)),
        ]),
        max in 64usize..1500,
        samples in 1usize..3000,
    ) {
        let octets = crate::format::sample_octets(&codec);
        let data: Vec<u8> = (0..samples * octets).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let units = carry(&codec, max, &[frame(0, true, data.clone().into())]);
        let mut ticks = 0;
        for unit in &units {
            prop_assert_eq!(unit.rtp_time, ticks);
            ticks += u32::try_from(unit.data.len() / octets).unwrap();
        }
        prop_assert_eq!(units.iter().flat_map(|unit| unit.data.to_vec()).collect::<Vec<_>>(), data);
    }
}
