//! Targets of `yeoul-media`: the bitstreams behind the codecs.

use bytes::{Bytes, BytesMut};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::{h264, h265, nal};
use yeoul_testkit as testkit;

/// Any `AudioSpecificConfig`.
pub fn aac_config(data: &[u8]) {
    if let Ok(config) = AudioSpecificConfig::parse(Bytes::copy_from_slice(data)) {
        assert!(config.sample_rate() > 0 && config.channels() > 0 && config.frame_samples() > 0);
        assert_eq!(config.bytes(), data);
        assert!(config.rfc6381().starts_with("mp4a.40."));
    }
}

/// Seeds of [`aac_config`].
pub fn aac_config_seeds() -> Vec<Vec<u8>> {
    vec![
        testkit::aac::config(48_000, 2),
        testkit::aac::config(8_000, 1),
        // HE-AAC by explicit signalling: SBR at twice the rate.
        vec![0x2b, 0x92, 0x08, 0x00],
        // LC with a sync extension that says the same (ISO 14496-3 §1.6.5.2).
        vec![0x13, 0x90, 0x56, 0xe5, 0xa0],
        // The sample rate written out instead of an index.
        vec![0x17, 0x80, 0x5d, 0xc0, 0x10],
    ]
}

/// An H.264 access unit as Annex B: split, joined again, its parameter sets read.
pub fn h264_parameter_sets(data: &[u8]) {
    let access_unit = length_prefixed(data);
    h264::is_keyframe(nal::length_prefixed(&access_unit));
    if let Ok(sets) = h264::ParameterSets::from_access_unit(&access_unit) {
        assert!(sets.width() > 0 && sets.height() > 0);
        assert!(sets.rfc6381().starts_with("avc1."));
        let again =
            h264::ParameterSets::from_units(sets.units().cloned()).expect("what was taken is taken again");
        assert_eq!(again, sets);
    }
}

/// Seeds of [`h264_parameter_sets`].
pub fn h264_seeds() -> Vec<Vec<u8>> {
    use testkit::h264::{Slice, Sps, aud, pps, sei, slice, sps};
    let baseline = Sps { profile_idc: 66, constraints: 0xe0, fps: None, ..Sps::default() };
    vec![
        annex_b(&[aud(), sps(1920, 1080), pps(), sei(8), slice(Slice::Idr, 60)]),
        annex_b(&[baseline.write(), pps(), slice(Slice::Idr, 40), slice(Slice::P, 40)]),
        annex_b(&[sps(640, 360), sps(1280, 720), pps(), pps()]),
    ]
}

/// An H.265 access unit as Annex B, as [`h264_parameter_sets`].
pub fn h265_parameter_sets(data: &[u8]) {
    let access_unit = length_prefixed(data);
    h265::is_keyframe(nal::length_prefixed(&access_unit));
    if let Ok(sets) = h265::ParameterSets::from_access_unit(&access_unit) {
        assert!(sets.width() > 0 && sets.height() > 0);
        assert!(sets.rfc6381().starts_with("hvc1."));
        let again =
            h265::ParameterSets::from_units(sets.units().cloned()).expect("what was taken is taken again");
        assert_eq!(again, sets);
    }
}

/// Seeds of [`h265_parameter_sets`].
pub fn h265_seeds() -> Vec<Vec<u8>> {
    use testkit::h265::{Slice, aud, pps, slice, sps, vps};
    vec![
        annex_b(&[aud(), vps(), sps(1920, 1080), pps(), slice(Slice::Idr, 60)]),
        annex_b(&[vps(), sps(640, 358), pps(), slice(Slice::Cra, 40), slice(Slice::P, 40)]),
    ]
}

/// NAL units behind start codes.
pub(crate) fn annex_b(units: &[Vec<u8>]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], unit.as_slice()].concat()).collect()
}

/// An Annex B access unit in the form of a frame.
fn length_prefixed(annex_b: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    for unit in nal::annex_b(annex_b) {
        nal::put_length_prefixed(&mut frame, unit);
    }
    let units: Vec<&[u8]> = nal::length_prefixed(&frame).collect();
    assert!(units.iter().copied().eq(nal::annex_b(annex_b)), "NAL units come back as they went in");
    frame.freeze()
}
