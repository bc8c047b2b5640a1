use super::*;
use crate::codec::testing::{Sent, announced, receive};
use crate::packet::PacketRef;
use crate::{Depacketizer as AnyDepacketizer, MediaFormat, Packing};
use proptest::prelude::*;
use yeoul_testkit::epoch;

/// The `config` of ffmpeg's LATM packetizer for AAC-LC, 48 kHz, stereo.
const CONFIG: [u8; 6] = [0x40, 0x00, 0x23, 0x20, 0x3f, 0xc0];

fn depacketizer(in_band_config: bool, sub_frames: u8) -> AnyDepacketizer {
    let config = AudioSpecificConfig::low_complexity(44_100, 1).unwrap();
    let packing = Packing::Latm { in_band_config, sub_frames };
    AnyDepacketizer::new(&MediaFormat { packing, ..MediaFormat::new(Codec::Aac(config), 97) })
}

#[test]
fn the_configuration_of_a_description_reads() {
    let mux = StreamMuxConfig::parse(&CONFIG).unwrap();
    assert_eq!((mux.config.sample_rate(), mux.config.channels(), mux.sub_frames), (48_000, 2, 1));
    assert_eq!(mux.config.bytes()[..], [0x11, 0x90]);
}

#[test]
fn the_configuration_of_an_he_aac_stream_reads() {
    // Version 0, object type 5 (SBR) over AAC-LC, 24 kHz core, 48 kHz extension, stereo (RFC 6416 §7.3 has the like).
    let mux = StreamMuxConfig::parse(&[0x40, 0x00, 0x56, 0x23, 0x10, 0x1f, 0xe0]).unwrap();
    assert_eq!((mux.config.sample_rate(), mux.config.extension_sample_rate()), (24_000, Some(48_000)));
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let error = |bytes: &[u8]| StreamMuxConfig::parse(bytes).unwrap_err();
    assert_eq!(error(&[0x40]), "the StreamMuxConfig ends too early");
    assert_eq!(error(&[0xc0]), "StreamMuxConfig version 1A is reserved");
    assert_eq!(error(&[0x40, 0x11, 0x23]), "LATM with 2 programs of 1 layers is not supported, only 1 of 1");
    assert_eq!(
        error(&[0x40, 0x01, 0xf1, 0xcc, 0x40]),
        "LATM with audio object type 39 and 1 channels is not supported"
    );
}

#[test]
fn elements_are_cut_into_access_units() {
    let long: Vec<u8> = vec![9; 300];
    let element = [&[3, 1, 2, 3, 255, 45][..], &long].concat();
    let (units, errors) = receive(&mut depacketizer(false, 2), &[Sent::new(0, true, element)]);
    assert_eq!(errors, [""; 0]);
    assert_eq!(
        units.iter().map(|unit| (unit.rtp_time, unit.data.len())).collect::<Vec<_>>(),
        [(0, 3), (1024, 300)]
    );
}

#[test]
fn an_element_in_several_packets_ends_with_the_marker() {
    let packets = [Sent::new(0, false, [4, 1]), Sent::new(0, false, [2, 3]), Sent::new(0, true, [4])];
    let (units, _) = receive(&mut depacketizer(false, 1), &packets);
    assert_eq!(units[0].data[..], [1, 2, 3, 4]);
}

#[test]
fn a_configuration_in_the_stream_announces_a_new_codec() {
    // useSameStreamMux 0, the configuration, then a length and data that start inside a byte.
    let mut bits = String::from("0");
    let of = |byte: &u8| format!("{byte:08b}");
    let config: String = CONFIG.iter().map(of).collect();
    // The configuration has 46 bits: 1+1+6+4+3, 16 of the AudioSpecificConfig, 3+8+1+1.
    bits.push_str(&config[..44]);
    bits.extend([2u8, 0xab, 0xcd].iter().map(of));
    while bits.len() % 8 != 0 {
        bits.push('0');
    }
    let element: Vec<u8> = bits
        .as_bytes()
        .chunks(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let (units, errors) = receive(&mut depacketizer(true, 1), &[Sent::new(0, true, element)]);
    assert_eq!(errors, [""; 0]);
    assert_eq!(units[0].data[..], [0xab, 0xcd]);
    assert_eq!(announced(&units[0]).unwrap().sample_rate(), Some(48_000));
}

#[test]
fn a_loss_drops_the_element_it_is_in() {
    let mut depacketizer = depacketizer(false, 1);
    let mut push = |time, marker, lost, payload: &[u8]| {
        let sent = Sent::new(time, marker, payload);
        let result = depacketizer.push(PacketRef { header: sent.header, payload }, lost, epoch());
        (result.is_ok(), depacketizer.pull().map(|unit| unit.data.to_vec()))
    };
    assert_eq!(push(0, false, false, &[4, 1]), (true, None));
    assert_eq!(push(0, true, true, &[3, 4]), (true, None));
    assert_eq!(push(1024, true, false, &[1, 7]), (true, Some(vec![7])));
    // The start is lost: what comes looks like lengths, but they do not fit.
    assert_eq!(push(2048, true, true, &[1, 2, 3]), (false, None));
    assert_eq!(push(3072, true, true, &[2, 8, 9]), (true, Some(vec![8, 9])));
}

proptest! {
    #[test]
    fn no_packets_panic(
        in_band: bool,
        packets in prop::collection::vec((any::<bool>(), any::<bool>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..60)), 0..40),
    ) {
        let mut depacketizer = depacketizer(in_band, 3);
        for (marker, lost, time, payload) in packets {
            let sent = Sent::new(time, marker, payload);
            let _ = depacketizer.push(PacketRef { header: sent.header, payload: &sent.payload }, lost, epoch());
            while depacketizer.pull().is_some() {}
        }
    }

    #[test]
    fn no_configuration_panics(bytes: Vec<u8>) {
        let _ = StreamMuxConfig::parse(&bytes);
    }
}
