//! ITU-T H.265: NAL unit types, parameter sets, and where decoding can start.
//!
//! Leaves out slice data, VUI (the frame rate is measured instead) and layers above the base layer.

use super::{SampleFormat, nal};
use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, ByteReader};
use std::fmt;
use std::num::NonZeroUsize;

/// Most parameter sets of each type that are kept: H.265 allows 16 VPS, 16 SPS and 64 PPS, cameras send one of each.
pub const MAX_PARAMETER_SETS: usize = 16;
/// Largest parameter set kept. Those of cameras have 20 to 150 bytes; scaling lists and VUI can add about 1 KiB.
pub const MAX_PARAMETER_SET_BYTES: usize = 4096;
/// Bytes of a NAL unit header (H.265 §7.3.1.2).
pub const NAL_HEADER_BYTES: usize = 2;
/// Largest width or height believed: level 6.2 allows 8444 pixels on a side of a square, 16888 on a strip.
const MAX_DIMENSION: u32 = 16_888;

/// `nal_unit_type` of H.265, table 7-1, as far as a server tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalType {
    /// A slice segment of a picture that is not a random access point (0 to 9).
    Slice,
    /// A slice segment of an intra random access point picture: BLA, IDR or CRA (16 to 21).
    Irap,
    /// Video parameter set (32).
    Vps,
    /// Sequence parameter set (33).
    Sps,
    /// Picture parameter set (34).
    Pps,
    /// Access unit delimiter (35).
    Aud,
    /// End of sequence, end of bitstream, filler data (36 to 38).
    Filler,
    /// Supplemental enhancement information, before or after the slices (39, 40).
    Sei,
    /// Anything else, by its number.
    Other(u8),
}

impl NalType {
    /// The type of `unit` by its first byte; `None` if it is empty.
    #[must_use]
    pub fn of(unit: &[u8]) -> Option<Self> {
        Some(match (unit.first()? >> 1) & 0x3f {
            0..=9 => Self::Slice,
            16..=21 => Self::Irap,
            32 => Self::Vps,
            33 => Self::Sps,
            34 => Self::Pps,
            35 => Self::Aud,
            36..=38 => Self::Filler,
            39 | 40 => Self::Sei,
            other => Self::Other(other),
        })
    }
}

/// Whether decoding can start at the access unit of these NAL units: its picture is an intra random access point.
pub fn is_keyframe<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> bool {
    units.into_iter().any(|unit| NalType::of(unit) == Some(NalType::Irap))
}

/// Why parameter sets were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterSetError {
    /// One of the three is missing.
    #[error(
        "H.265 parameter sets need at least one VPS, SPS and PPS, got {vps} VPS, {sps} SPS and {pps} PPS"
    )]
    Missing {
        /// VPS found.
        vps: usize,
        /// SPS found.
        sps: usize,
        /// PPS found.
        pps: usize,
    },
    /// Too many or too large.
    #[error("H.265 parameter sets exceed {MAX_PARAMETER_SETS} sets of {MAX_PARAMETER_SET_BYTES} bytes")]
    TooLarge,
    /// The SPS does not parse.
    #[error("the H.265 SPS cannot be read: {0}")]
    Sps(String),
}

impl From<BitReaderError> for ParameterSetError {
    fn from(error: BitReaderError) -> Self {
        Self::Sps(format!("{error:?}"))
    }
}

/// The 12 bytes of the general profile, tier and level (H.265 §7.3.3), as containers and SDP convey them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileTierLevel {
    /// `general_profile_space`, 0 to 3.
    pub profile_space: u8,
    /// `general_tier_flag`: the High tier.
    pub high_tier: bool,
    /// `general_profile_idc`, 0 to 31.
    pub profile: u8,
    /// `general_profile_compatibility_flag[0..32]`, the first one highest.
    pub compatibility: u32,
    /// The 48 bits between the compatibility flags and the level.
    pub constraints: [u8; 6],
    /// `general_level_idc`: 30 times the level.
    pub level: u8,
}

/// The VPS, SPS and PPS of a stream, at least one of each, with what the first SPS says.
#[derive(Clone, PartialEq, Eq)]
pub struct ParameterSets {
    vps: Vec<Bytes>,
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
    parsed: Sps,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Sps {
    profile_tier_level: ProfileTierLevel,
    temporal_layers: TemporalLayers,
    width: u32,
    height: u32,
    sample_format: SampleFormat,
    reorder_frames: Option<u32>,
}

/// The temporal sub-layers of a stream (H.265 §7.4.3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemporalLayers {
    /// How many, 1 to 7.
    pub count: u8,
    /// `sps_temporal_id_nesting_flag`: a decoder can go up to a higher one at any picture of it.
    pub nested: bool,
}

impl ParameterSets {
    /// Takes the VPS, SPS and PPS out of `units` (other NAL units are passed over), each without start code or length.
    ///
    /// # Errors
    /// If one kind is missing, a set is too large, or the first SPS does not parse.
    pub fn from_units(units: impl IntoIterator<Item = Bytes>) -> Result<Self, ParameterSetError> {
        let (mut vps, mut sps, mut pps): (Vec<Bytes>, Vec<Bytes>, Vec<Bytes>) = Default::default();
        for unit in units {
            let sets = match NalType::of(&unit) {
                Some(NalType::Vps) => &mut vps,
                Some(NalType::Sps) => &mut sps,
                Some(NalType::Pps) => &mut pps,
                Some(
                    NalType::Slice
                    | NalType::Irap
                    | NalType::Aud
                    | NalType::Filler
                    | NalType::Sei
                    | NalType::Other(_),
                )
                | None => continue,
            };
            if sets.contains(&unit) {
                continue;
            }
            if sets.len() == MAX_PARAMETER_SETS || unit.len() > MAX_PARAMETER_SET_BYTES {
                return Err(ParameterSetError::TooLarge);
            }
            sets.push(unit);
        }
        let (Some(first), false, false) = (sps.first(), vps.is_empty(), pps.is_empty()) else {
            return Err(ParameterSetError::Missing { vps: vps.len(), sps: sps.len(), pps: pps.len() });
        };
        Ok(Self { parsed: parse_sps(first)?, vps, sps, pps })
    }

    /// The parameter sets among the length-prefixed NAL units of an access unit, as [`ParameterSets::from_units`].
    ///
    /// # Errors
    /// As [`ParameterSets::from_units`].
    pub fn from_access_unit(data: &Bytes) -> Result<Self, ParameterSetError> {
        Self::from_units(nal::length_prefixed_shared(data))
    }

    /// `current` with the parameter sets that an access unit brings; `None` if they say nothing new.
    ///
    /// # Errors
    /// As [`ParameterSets::from_units`]: the sets that were in force stay so.
    pub fn changed(current: Option<&Self>, access_unit: &Bytes) -> Result<Option<Self>, ParameterSetError> {
        let in_band: Vec<Bytes> = nal::length_prefixed_shared(access_unit)
            .filter(|unit| matches!(NalType::of(unit), Some(NalType::Vps | NalType::Sps | NalType::Pps)))
            .collect();
        let known = |unit: &Bytes| current.is_some_and(|sets| sets.units().any(|known| known == unit));
        if in_band.iter().all(known) {
            return Ok(None);
        }
        // What the access unit does not bring stays; of what it brings, the new ones count.
        let brings = |old: &&Bytes| in_band.iter().any(|unit| NalType::of(unit) == NalType::of(old));
        let old = current.into_iter().flat_map(Self::units).filter(|old| !brings(old));
        // Copied, so that they do not keep the access unit's memory.
        let copies = in_band.iter().map(|unit| Bytes::copy_from_slice(unit));
        let units: Vec<Bytes> = old.cloned().chain(copies).collect();
        Self::from_units(units).map(Some)
    }

    /// The video parameter sets, at least one.
    #[must_use]
    pub fn vps(&self) -> &[Bytes] {
        &self.vps
    }

    /// The sequence parameter sets, at least one.
    #[must_use]
    pub fn sps(&self) -> &[Bytes] {
        &self.sps
    }

    /// The picture parameter sets, at least one.
    #[must_use]
    pub fn pps(&self) -> &[Bytes] {
        &self.pps
    }

    /// All parameter sets in the order a decoder wants them.
    pub fn units(&self) -> impl Iterator<Item = &Bytes> {
        self.vps.iter().chain(&self.sps).chain(&self.pps)
    }

    /// The general profile, tier and level.
    #[must_use]
    pub fn profile_tier_level(&self) -> &ProfileTierLevel {
        &self.parsed.profile_tier_level
    }

    /// Width of the cropped picture in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.parsed.width
    }

    /// Height of the cropped picture in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.parsed.height
    }

    /// Most pictures that are sent before another one and shown after it (H.265 §7.4.3.2.1,
    /// `sps_max_num_reorder_pics` of the highest sub-layer): 0 without B-frames. `None` if the SPS ends before it.
    #[must_use]
    pub fn reorder_frames(&self) -> Option<u32> {
        self.parsed.reorder_frames
    }

    /// Chroma format and bit depths.
    #[must_use]
    pub fn sample_format(&self) -> SampleFormat {
        self.parsed.sample_format
    }

    /// The temporal sub-layers.
    #[must_use]
    pub fn temporal_layers(&self) -> TemporalLayers {
        self.parsed.temporal_layers
    }

    /// The profile in words (H.265 annex A).
    #[must_use]
    pub fn profile_name(&self) -> &'static str {
        match self.parsed.profile_tier_level.profile {
            1 => "Main",
            2 => "Main 10",
            3 => "Main Still Picture",
            4 => "Range Extensions",
            _ => "unknown profile",
        }
    }

    /// The codec string of ISO/IEC 14496-15 §E.3: `hvc1.1.6.L93.B0`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        let ptl = &self.parsed.profile_tier_level;
        let space = ["", "A", "B", "C"].get(usize::from(ptl.profile_space)).copied().unwrap_or_default();
        let tier = if ptl.high_tier { 'H' } else { 'L' };
        let compatibility = ptl.compatibility.reverse_bits();
        let mut text = format!("hvc1.{space}{}.{compatibility:X}.{tier}{}", ptl.profile, ptl.level);
        let used = ptl.constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        for byte in ptl.constraints.iter().take(used) {
            text.push_str(&format!(".{byte:X}"));
        }
        text
    }
}

impl fmt::Debug for ParameterSets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{}", self.rfc6381(), self.width(), self.height())
    }
}

/// The start of an SPS NAL unit, up to the reorder depth (H.265 §7.3.2.2).
fn parse_sps(unit: &[u8]) -> Result<Sps, ParameterSetError> {
    const HEADER: NonZeroUsize = NonZeroUsize::new(NAL_HEADER_BYTES).expect("2 is not 0");
    let mut r = BitReader::new(ByteReader::skipping_bytes(unit, HEADER));
    r.skip(4, "sps_video_parameter_set_id")?;
    let max_sub_layers_minus1: u8 = r.read::<3, u8>("sps_max_sub_layers_minus1")?;
    let nested = r.read_bit("sps_temporal_id_nesting_flag")?;
    let temporal_layers = TemporalLayers { count: max_sub_layers_minus1.min(6) + 1, nested };
    let profile_tier_level = parse_profile_tier_level(&mut r, max_sub_layers_minus1)?;
    r.read_ue("sps_seq_parameter_set_id")?;
    let chroma_format = r.read_ue("chroma_format_idc")?;
    if chroma_format == 3 {
        r.skip(1, "separate_colour_plane_flag")?;
    }
    let coded_width = r.read_ue("pic_width_in_luma_samples")?;
    let coded_height = r.read_ue("pic_height_in_luma_samples")?;
    let (mut crop_x, mut crop_y) = (0u64, 0u64);
    if r.read_bit("conformance_window_flag")? {
        // Offsets count chroma samples (table 6-1).
        let (sub_width, sub_height) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        crop_x = sub_width
            * (u64::from(r.read_ue("conf_win_left_offset")?)
                + u64::from(r.read_ue("conf_win_right_offset")?));
        crop_y = sub_height
            * (u64::from(r.read_ue("conf_win_top_offset")?)
                + u64::from(r.read_ue("conf_win_bottom_offset")?));
    }
    let cropped = |coded: u32, crop: u64| {
        u64::from(coded)
            .checked_sub(crop)
            .and_then(|size| u32::try_from(size).ok())
            .filter(|size| (1..=MAX_DIMENSION).contains(size))
    };
    match (cropped(coded_width, crop_x), cropped(coded_height, crop_y)) {
        (Some(width), Some(height)) => {
            let bit_depths = parse_bit_depths(&mut r).ok();
            let (luma, chroma) = bit_depths.unwrap_or((0, 0));
            let reorder_frames =
                bit_depths.and_then(|_| parse_reorder_frames(&mut r, max_sub_layers_minus1).ok());
            let sample_format = SampleFormat::new(chroma_format, luma, chroma);
            Ok(Sps { profile_tier_level, temporal_layers, width, height, sample_format, reorder_frames })
        }
        _ => Err(ParameterSetError::Sps(format!(
            "the picture would have {coded_width}x{coded_height} pixels less a border of {crop_x}x{crop_y}"
        ))),
    }
}

/// `bit_depth_luma_minus8` and `bit_depth_chroma_minus8`.
fn parse_bit_depths(r: &mut impl BitRead) -> Result<(u32, u32), BitReaderError> {
    Ok((r.read_ue("bit_depth_luma_minus8")?, r.read_ue("bit_depth_chroma_minus8")?))
}

/// From the bit depths on to `sps_max_num_reorder_pics` of the highest sub-layer, which stands last.
fn parse_reorder_frames(r: &mut impl BitRead, max_sub_layers_minus1: u8) -> Result<u32, BitReaderError> {
    r.read_ue("log2_max_pic_order_cnt_lsb_minus4")?;
    let each = r.read_bit("sps_sub_layer_ordering_info_present_flag")?;
    let mut reorder_frames = 0;
    for _ in 0..=(if each { max_sub_layers_minus1 } else { 0 }) {
        r.read_ue("sps_max_dec_pic_buffering_minus1")?;
        reorder_frames = r.read_ue("sps_max_num_reorder_pics")?;
        r.read_ue("sps_max_latency_increase_plus1")?;
    }
    Ok(reorder_frames)
}

/// `profile_tier_level(1, max_sub_layers_minus1)` of H.265 §7.3.3; the sub-layers are passed over.
fn parse_profile_tier_level(
    r: &mut impl BitRead,
    max_sub_layers_minus1: u8,
) -> Result<ProfileTierLevel, ParameterSetError> {
    let profile_space = r.read::<2, u8>("general_profile_space")?;
    let high_tier = r.read_bit("general_tier_flag")?;
    let profile = r.read::<5, u8>("general_profile_idc")?;
    let compatibility = r.read::<32, u32>("general_profile_compatibility_flag")?;
    let mut constraints = [0; 6];
    for byte in &mut constraints {
        *byte = r.read::<8, u8>("general constraint flags")?;
    }
    let level = r.read::<8, u8>("general_level_idc")?;
    let mut present = Vec::with_capacity(usize::from(max_sub_layers_minus1));
    for _ in 0..max_sub_layers_minus1 {
        present.push((
            r.read_bit("sub_layer_profile_present_flag")?,
            r.read_bit("sub_layer_level_present_flag")?,
        ));
    }
    if max_sub_layers_minus1 > 0 {
        r.skip(2 * (8 - u32::from(max_sub_layers_minus1)), "reserved_zero_2bits")?;
    }
    for (has_profile, has_level) in present {
        r.skip(if has_profile { 88 } else { 0 }, "sub_layer profile")?;
        r.skip(if has_level { 8 } else { 0 }, "sub_layer_level_idc")?;
    }
    Ok(ProfileTierLevel { profile_space, high_tier, profile, compatibility, constraints, level })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // x265, 640x360 Main, level 2.1.
    const VPS: &[u8] = &[
        0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00,
        0x00, 0x03, 0x00, 0x3f, 0x95, 0x98, 0x09,
    ];
    const SPS: &[u8] = &[
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
        0x3f, 0xa0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9a, 0x49, 0x32, 0xbc, 0x05, 0xa0, 0x20, 0x00, 0x00,
        0x03, 0x00, 0x20, 0x00, 0x00, 0x03, 0x03, 0x21,
    ];
    const PPS: &[u8] = &[0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40];

    fn units(list: &[&'static [u8]]) -> Vec<Bytes> {
        list.iter().map(|unit| Bytes::from_static(unit)).collect()
    }

    #[test]
    fn an_sps_tells_size_profile_and_codec_string() {
        let sets = ParameterSets::from_units(units(&[VPS, SPS, PPS])).unwrap();
        assert_eq!((sets.width(), sets.height(), sets.profile_name()), (640, 360, "Main"));
        assert_eq!(sets.rfc6381(), "hvc1.1.6.L63.90");
        assert_eq!(sets.sample_format(), SampleFormat { chroma: 1, luma_bits: 8, chroma_bits: 8 });
        assert_eq!(sets.temporal_layers(), TemporalLayers { count: 1, nested: true });
        // x265's default: a pyramid of B-frames.
        assert_eq!(sets.reorder_frames(), Some(2));
    }

    #[test]
    fn a_missing_vps_is_said_in_words() {
        let error = ParameterSets::from_units(units(&[SPS, PPS])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "H.265 parameter sets need at least one VPS, SPS and PPS, got 0 VPS, 1 SPS and 1 PPS"
        );
    }

    #[test]
    fn random_access_points_are_keyframes() {
        for first_byte in [16 << 1, 19 << 1, 20 << 1, 21 << 1] {
            assert!(is_keyframe([&[first_byte, 1, 0x80][..]]));
        }
        assert!(!is_keyframe([&[1 << 1, 1, 0x80][..], &[34 << 1, 1]]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut sps in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_sps(&sps);
            if let Some(first) = sps.first_mut() {
                *first = 33 << 1;
            }
            let _ = ParameterSets::from_units([Bytes::from_static(VPS), Bytes::from(sps), Bytes::from_static(PPS)]);
        }
    }
}
