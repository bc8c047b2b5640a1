//! What MP4 says about a codec: its sample entry and its codec string.

use super::Unsupported;
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig};
use mp4_atom::{
    Audio, Av01, Av1c, Avc1, Avcc, AvccExt, Dfla, Dops, Esds, Flac, FlacMetadataBlock, Hvc1, HvcCArray, Hvcc,
    Mp4a, Opus, Visual, Vp08, Vp09, VpcC,
};
use yeoul_media::bitstream::{aac, av1, flac, h264, h265, vp8, vp9};
use yeoul_media::{Codec, Track};

/// `objectTypeIndication` of MPEG-4 audio (ISO/IEC 14496-1 table 5).
const MPEG4_AUDIO: u8 = 0x40;
/// `objectTypeIndication` of MPEG-2 audio, layers I to III.
const MPEG2_AUDIO: u8 = 0x69;
/// `objectTypeIndication` of MPEG-1 audio, layers I to III.
const MPEG1_AUDIO: u8 = 0x6b;
/// `streamType` of audio (ISO/IEC 14496-1 table 6).
const AUDIO_STREAM: u8 = 0x05;

/// SPS that `avcC` has room for: five bits count them. Further ones stay in the samples.
pub(super) const MAX_SPS: usize = 31;

/// The sample entry of a track's codec.
///
/// # Errors
/// Where MP4 does not carry the codec or its configuration is not known.
pub(super) fn sample_entry(track: &Track) -> Result<mp4_atom::Codec, Unsupported> {
    let not_yet_known = || Unsupported::NotYetKnown { track: track.id, codec: track.codec.name().to_owned() };
    let not_carried = || Unsupported::Codec { track: track.id, codec: track.codec.to_string() };
    Ok(match &track.codec {
        Codec::H264(sets) => avc1(&track.codec, sets.as_ref().ok_or_else(not_yet_known)?).into(),
        Codec::H265(sets) => hvc1(&track.codec, sets.as_ref().ok_or_else(not_yet_known)?).into(),
        Codec::Av1(header) => av01(&track.codec, header.as_ref().ok_or_else(not_yet_known)?).into(),
        Codec::Vp9(parameters) => vp09(&track.codec, parameters.as_ref().ok_or_else(not_yet_known)?).into(),
        Codec::Vp8(parameters) => vp08(&track.codec, parameters.as_ref().ok_or_else(not_yet_known)?).into(),
        Codec::Aac(config) => aac(&track.codec, config).into(),
        Codec::Opus { channels } => opus(&track.codec, *channels).into(),
        Codec::Flac(info) => flac(&track.codec, info).into(),
        Codec::Mp3(layout) => mp4a(&track.codec, mpeg_audio_type(layout.sample_rate), None).into(),
        Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_) => return Err(not_carried()),
    })
}

/// The codec string of RFC 6381 as browsers and playlists spell it. Empty where MP4 does not carry the codec.
pub(super) fn codec_string(codec: &Codec) -> String {
    match codec {
        Codec::H264(Some(sets)) => {
            let [profile, constraints, level] = sets.profile_level_id();
            format!("avc1.{profile:02X}{constraints:02X}{level:02X}")
        }
        Codec::H265(Some(sets)) => sets.rfc6381(),
        Codec::Aac(config) => config.rfc6381(),
        Codec::Av1(Some(header)) => header.rfc6381(),
        Codec::Vp9(Some(parameters)) => parameters.rfc6381(),
        Codec::Vp8(Some(parameters)) => parameters.rfc6381(),
        // RFC 6381 would have the sample entries' own spelling, `Opus` and `fLaC`; all browsers know this one.
        Codec::Opus { .. } => "opus".to_owned(),
        Codec::Flac(_) => "flac".to_owned(),
        Codec::Mp3(layout) => format!("mp4a.{:02X}", mpeg_audio_type(layout.sample_rate)),
        Codec::H264(None) | Codec::H265(None) => String::new(),
        Codec::Av1(None) | Codec::Vp9(None) | Codec::Vp8(None) => String::new(),
        Codec::Mpeg4Video(_) | Codec::Jpeg { .. } => String::new(),
        Codec::Pcmu(_) | Codec::Pcma(_) | Codec::G722 | Codec::L16(_) => String::new(),
    }
}

fn visual(codec: &Codec) -> Visual {
    let (width, height) = codec.dimensions().unwrap_or_default();
    Visual {
        data_reference_index: 1,
        width: u16::try_from(width).unwrap_or(u16::MAX),
        height: u16::try_from(height).unwrap_or(u16::MAX),
        ..Visual::default()
    }
}

fn audio(codec: &Codec) -> Audio {
    Audio {
        data_reference_index: 1,
        channel_count: codec.channels().unwrap_or(1).into(),
        sample_size: 16,
        sample_rate: expressible_rate(codec.sample_rate().unwrap_or(0)).into(),
    }
}

/// The field has 16 bits: of a rate beyond them its largest regular division, which is how FLAC's binding (§3.3.1) wants it;
/// decoders go by the decoder configuration.
fn expressible_rate(rate: u32) -> u16 {
    let mut divided = rate;
    while divided > u32::from(u16::MAX) && divided.is_multiple_of(2) {
        divided /= 2;
    }
    u16::try_from(divided).unwrap_or(u16::MAX)
}

/// `AVCSampleEntry` (ISO/IEC 14496-15 §5.4.2).
fn avc1(codec: &Codec, sets: &h264::ParameterSets) -> Avc1 {
    const BASELINE: u8 = 66;
    const MAIN: u8 = 77;
    const EXTENDED: u8 = 88;
    let [profile, constraints, level] = sets.profile_level_id();
    let format = sets.sample_format();
    let ext = (![BASELINE, MAIN, EXTENDED].contains(&profile)).then(|| AvccExt {
        chroma_format: format.chroma,
        bit_depth_luma: format.luma_bits.min(15),
        bit_depth_chroma: format.chroma_bits.min(15),
        sequence_parameter_sets_ext: Vec::new(),
    });
    let avcc = Avcc {
        configuration_version: 1,
        avc_profile_indication: profile,
        profile_compatibility: constraints,
        avc_level_indication: level,
        length_size: 4,
        sequence_parameter_sets: sets.sps().iter().take(MAX_SPS).map(|unit| unit.to_vec()).collect(),
        picture_parameter_sets: sets.pps().iter().map(|unit| unit.to_vec()).collect(),
        ext,
    };
    Avc1 { visual: visual(codec), avcc, ..Avc1::default() }
}

/// `HEVCSampleEntry` (ISO/IEC 14496-15 §8.4.1).
fn hvc1(codec: &Codec, sets: &h265::ParameterSets) -> Hvc1 {
    let array = |nal_unit_type, units: &[bytes::Bytes]| HvcCArray {
        completeness: true,
        nal_unit_type,
        nalus: units.iter().map(|unit| unit.to_vec()).collect(),
    };
    let profile = sets.profile_tier_level();
    let (format, layers) = (sets.sample_format(), sets.temporal_layers());
    let hvcc = Hvcc {
        configuration_version: 1,
        general_profile_space: profile.profile_space,
        general_tier_flag: profile.high_tier,
        general_profile_idc: profile.profile,
        general_profile_compatibility_flags: profile.compatibility.to_be_bytes(),
        general_constraint_indicator_flags: profile.constraints,
        general_level_idc: profile.level,
        // 0: nothing is promised about slices, tiles, frame rates.
        min_spatial_segmentation_idc: 0,
        parallelism_type: 0,
        chroma_format_idc: format.chroma,
        bit_depth_luma_minus8: format.luma_bits.saturating_sub(8).min(7),
        bit_depth_chroma_minus8: format.chroma_bits.saturating_sub(8).min(7),
        avg_frame_rate: 0,
        constant_frame_rate: 0,
        num_temporal_layers: layers.count,
        temporal_id_nested: layers.nested,
        length_size_minus_one: 3,
        arrays: vec![array(32, sets.vps()), array(33, sets.sps()), array(34, sets.pps())],
    };
    Hvc1 { visual: visual(codec), hvcc, ..Hvc1::default() }
}

/// `MP4AudioSampleEntry` (ISO/IEC 14496-14 §6.7).
fn mp4a(codec: &Codec, object_type_indication: u8, configuration: Option<Vec<u8>>) -> Mp4a {
    let dec_specific = configuration.map(|raw| DecoderSpecific { raw, ..DecoderSpecific::default() });
    let dec_config = DecoderConfig {
        object_type_indication,
        stream_type: AUDIO_STREAM,
        dec_specific,
        ..DecoderConfig::default()
    };
    let es_desc = EsDescriptor { dec_config, sl_config: SLConfig::default(), ..EsDescriptor::default() };
    Mp4a { audio: audio(codec), esds: Esds { es_desc }, btrt: None, taic: None }
}

/// `objectTypeIndication` of MPEG audio: MPEG-1 has 32 kHz and more, MPEG-2 (ISO/IEC 13818-3) less.
fn mpeg_audio_type(sample_rate: u32) -> u8 {
    if sample_rate >= 32_000 { MPEG1_AUDIO } else { MPEG2_AUDIO }
}

fn aac(codec: &Codec, config: &aac::AudioSpecificConfig) -> Mp4a {
    mp4a(codec, MPEG4_AUDIO, Some(config.bytes().to_vec()))
}

/// `OpusSampleEntry` (Encapsulation of Opus in ISO Base Media File Format §4.3.1).
fn opus(codec: &Codec, channels: u8) -> Opus {
    // Nothing is skipped: the frames' times say when each is heard, and a live stream has no start.
    let dops = Dops {
        output_channel_count: channels,
        pre_skip: 0,
        input_sample_rate: 48_000,
        output_gain: 0,
        channel_mapping: None,
    };
    Opus { audio: audio(codec), dops, btrt: None }
}

/// `FLACSampleEntry` (Encapsulation of FLAC in ISO Base Media File Format §3.3).
fn flac(codec: &Codec, info: &flac::StreamInfo) -> Flac {
    let mut bytes = info.bytes().iter().copied();
    // As many bytes as a field has; `StreamInfo` holds them all.
    let mut next = || bytes.next().unwrap_or(0);
    let block = FlacMetadataBlock::StreamInfo {
        minimum_block_size: u16::from_be_bytes(std::array::from_fn(|_| next())),
        maximum_block_size: u16::from_be_bytes(std::array::from_fn(|_| next())),
        minimum_frame_size: std::array::from_fn(|_| next()).into(),
        maximum_frame_size: std::array::from_fn(|_| next()).into(),
        sample_rate: info.sample_rate(),
        num_channels_minus_one: info.channels().saturating_sub(1),
        bits_per_sample_minus_one: info.bits_per_sample().saturating_sub(1),
        // Behind the 28 bits of the three fields above.
        number_of_interchannel_samples: u64::from_be_bytes(std::array::from_fn(|_| next())) & 0xf_ffff_ffff,
        md5_checksum: bytes.collect(),
    };
    let audio = Audio { sample_size: info.bits_per_sample().into(), ..audio(codec) };
    Flac { audio, dfla: Dfla { blocks: vec![block] } }
}

/// `AV1SampleEntry` (AV1 Codec ISO Media File Format Binding §2.2).
fn av01(codec: &Codec, header: &av1::SequenceHeader) -> Av01 {
    let (chroma_subsampling_x, chroma_subsampling_y) = header.subsampling();
    let av1c = Av1c {
        seq_profile: header.profile(),
        seq_level_idx_0: header.level(),
        seq_tier_0: header.high_tier(),
        high_bitdepth: header.bit_depth() > 8,
        twelve_bit: header.bit_depth() == 12,
        monochrome: header.monochrome(),
        chroma_subsampling_x,
        chroma_subsampling_y,
        chroma_sample_position: header.chroma_sample_position(),
        initial_presentation_delay: None,
        config_obus: header.obu().to_vec(),
    };
    Av01 { visual: visual(codec), av1c, ..Av01::default() }
}

/// `VP9SampleEntry` (VP Codec ISO Media File Format Binding, "VP Codec Configuration Box").
fn vp09(codec: &Codec, parameters: &vp9::Parameters) -> Vp09 {
    // 4:2:0 with chroma at the place of luma, 4:2:2, 4:4:4; 4:4:0 has no number.
    let chroma_subsampling = match parameters.subsampling {
        (true, true) => 1,
        (true, false) => 2,
        (false, _) => 3,
    };
    let (color_primaries, transfer_characteristics, matrix_coefficients) =
        vp9_colour(parameters.color_space, chroma_subsampling);
    let vpcc = VpcC {
        profile: parameters.profile,
        level: parameters.level(),
        bit_depth: parameters.bit_depth,
        chroma_subsampling,
        video_full_range_flag: parameters.full_range,
        color_primaries,
        transfer_characteristics,
        matrix_coefficients,
        codec_initialization_data: Vec::new(),
    };
    Vp09 { visual: visual(codec), vpcc, ..Vp09::default() }
}

/// `VP8SampleEntry` (VP Codec ISO Media File Format Binding): VP8 is 4:2:0 of 8 bits, BT.601 in the studio's range (RFC 6386 §9.2).
fn vp08(codec: &Codec, parameters: &vp8::Parameters) -> Vp08 {
    let (color_primaries, transfer_characteristics, matrix_coefficients) = vp9_colour(BT601, 1);
    let vpcc = VpcC {
        profile: parameters.profile,
        level: VP8_LEVEL,
        bit_depth: 8,
        chroma_subsampling: 1,
        video_full_range_flag: false,
        color_primaries,
        transfer_characteristics,
        matrix_coefficients,
        codec_initialization_data: Vec::new(),
    };
    Vp08 { visual: visual(codec), vpcc, ..Vp08::default() }
}

/// VP9's `color_space` of what VP8 always has.
const BT601: u8 = 1;
/// VP8 has no levels: the lowest number, as in its codec string.
const VP8_LEVEL: u8 = 10;

/// Primaries, transfer and matrix (ISO/IEC 23091-2) of VP9's `color_space` (VP9 Bitstream Specification §7.2.2).
fn vp9_colour(color_space: u8, chroma_subsampling: u8) -> (u8, u8, u8) {
    const UNSPECIFIED: u8 = 2;
    match color_space {
        1 => (5, 6, 5),
        2 => (1, 1, 1),
        3 => (6, 6, 6),
        4 => (7, 7, 7),
        5 => (9, 14, 9),
        // RGB: its matrix allows nothing but 4:4:4.
        7 if chroma_subsampling == 3 => (1, 13, 0),
        _ => (UNSPECIFIED, UNSPECIFIED, UNSPECIFIED),
    }
}
