//! ITU-T H.264: NAL unit types, parameter sets, and where decoding can start.
//!
//! Leaves out slice data and everything a decoder alone needs.

use super::{SampleFormat, nal};
use bytes::Bytes;
use h264_reader::nal::sps::{FrameMbsFlags, PicOrderCntType, SeqParameterSet};
use h264_reader::rbsp::{BitRead, BitReader, decode_nal};
use std::fmt;

/// Most parameter sets of each type that are kept: H.264 allows 32 SPS and 256 PPS, cameras send one or two of each.
pub const MAX_PARAMETER_SETS: usize = 32;
/// Largest parameter set kept. Those of cameras have 10 to 100 bytes; scaling lists can add about 1 KiB.
pub const MAX_PARAMETER_SET_BYTES: usize = 4096;

/// `nal_unit_type` of H.264, table 7-1, as far as a server tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalType {
    /// A coded slice of a picture that is not an IDR picture, partitions included (1 to 4).
    Slice,
    /// A coded slice of an IDR picture (5).
    Idr,
    /// Supplemental enhancement information (6).
    Sei,
    /// Sequence parameter set (7).
    Sps,
    /// Picture parameter set (8).
    Pps,
    /// Access unit delimiter (9).
    Aud,
    /// End of sequence, end of stream, filler data (10 to 12).
    Filler,
    /// Anything else, by its number.
    Other(u8),
}

impl NalType {
    /// The type of `unit` by its first byte; `None` if it is empty.
    #[must_use]
    pub fn of(unit: &[u8]) -> Option<Self> {
        Some(match unit.first()? & 0x1f {
            1..=4 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Aud,
            10..=12 => Self::Filler,
            other => Self::Other(other),
        })
    }
}

/// Whether decoding can start at the access unit of these NAL units: it has an IDR slice, or an SEI message that
/// promises recovery at this very picture (H.264 §D.2.8, `recovery_frame_cnt` 0), as open-GOP encoders send.
pub fn is_keyframe<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> bool {
    units.into_iter().any(|unit| match NalType::of(unit) {
        Some(NalType::Idr) => true,
        Some(NalType::Sei) => promises_recovery_now(unit),
        Some(
            NalType::Slice | NalType::Sps | NalType::Pps | NalType::Aud | NalType::Filler | NalType::Other(_),
        )
        | None => false,
    })
}

/// Whether the picture of an access unit may be shown before one that is decoded earlier: its first slice is a B slice (§7.4.3).
pub fn is_b_picture<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> bool {
    const B: u32 = 1;
    let mut units = units.into_iter();
    let slice = units.find(|unit| matches!(NalType::of(unit), Some(NalType::Slice | NalType::Idr)));
    // Types from 5 on say that all slices of the picture are of that type less 5.
    slice.and_then(slice_type).is_some_and(|kind| kind % 5 == B)
}

/// `slice_type` of a slice. It stands in the first byte behind the header of a picture's first slice, where no byte is escaped.
fn slice_type(unit: &[u8]) -> Option<u32> {
    let mut bits = BitReader::new(unit.get(1..)?);
    bits.read_ue("first_mb_in_slice").ok()?;
    bits.read_ue("slice_type").ok()
}

/// An SEI NAL unit with a recovery point message (payload type 6) whose `recovery_frame_cnt` is ue(v) 0, a single 1 bit.
fn promises_recovery_now(unit: &[u8]) -> bool {
    const RECOVERY_POINT: u32 = 6;
    let mut rest = unit.get(1..).unwrap_or_default();
    // An emulation prevention byte can stand inside a message; a recovery point of count 0 has none before its first bit.
    while rest.len() > 2 {
        let Some((kind, after)) = sei_number(rest) else { return false };
        let Some((size, after)) = sei_number(after) else { return false };
        if kind == RECOVERY_POINT {
            return after.first().is_some_and(|byte| byte & 0x80 != 0);
        }
        match usize::try_from(size).ok().and_then(|size| after.get(size..)) {
            Some(next) => rest = next,
            None => return false,
        }
    }
    false
}

/// A payload type or size: a run of 255 and a last byte (H.264 §7.3.2.3.1).
fn sei_number(data: &[u8]) -> Option<(u32, &[u8])> {
    let run = data.iter().position(|&byte| byte != 0xff)?;
    let last = *data.get(run)?;
    Some((u32::try_from(run).ok()?.checked_mul(255)?.checked_add(u32::from(last))?, data.get(run + 1..)?))
}

/// Why parameter sets were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterSetError {
    /// One of the two is missing.
    #[error("H.264 parameter sets need at least one SPS and one PPS, got {sps} SPS and {pps} PPS")]
    Missing {
        /// SPS found.
        sps: usize,
        /// PPS found.
        pps: usize,
    },
    /// Too many or too large.
    #[error("H.264 parameter sets exceed {MAX_PARAMETER_SETS} sets of {MAX_PARAMETER_SET_BYTES} bytes")]
    TooLarge,
    /// The SPS does not parse.
    #[error("the H.264 SPS cannot be read: {0}")]
    Sps(String),
}

/// The SPS and PPS of a stream, at least one of each, with what the first SPS says.
#[derive(Clone, PartialEq, Eq)]
pub struct ParameterSets {
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
    parsed: Sps,
}

/// What the first SPS says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sps {
    width: u32,
    height: u32,
    sample_format: SampleFormat,
    /// Frames per 1000 seconds, if the VUI tells.
    frames_per_1000_s: Option<u32>,
    /// Most frames shown later than a frame that follows them, if the SPS tells.
    reorder_frames: Option<u32>,
    interlaced: bool,
}

impl ParameterSets {
    /// Takes the SPS and PPS out of `units` (other NAL units are passed over), each without start code or length.
    ///
    /// # Errors
    /// If one kind is missing, a set is too large, or the first SPS does not parse.
    pub fn from_units(units: impl IntoIterator<Item = Bytes>) -> Result<Self, ParameterSetError> {
        let (mut sps, mut pps): (Vec<Bytes>, Vec<Bytes>) = (Vec::new(), Vec::new());
        for unit in units {
            let sets = match NalType::of(&unit) {
                Some(NalType::Sps) => &mut sps,
                Some(NalType::Pps) => &mut pps,
                Some(
                    NalType::Slice
                    | NalType::Idr
                    | NalType::Sei
                    | NalType::Aud
                    | NalType::Filler
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
        let (Some(first), false) = (sps.first(), pps.is_empty()) else {
            return Err(ParameterSetError::Missing { sps: sps.len(), pps: pps.len() });
        };
        Ok(Self { parsed: parse_sps(first)?, sps, pps })
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
        let is = |unit: &Bytes, kind| NalType::of(unit) == Some(kind);
        let new = |unit: &Bytes| !current.is_some_and(|sets| sets.units().any(|known| known == unit));
        let in_band: Vec<Bytes> = nal::length_prefixed_shared(access_unit)
            .filter(|unit| is(unit, NalType::Sps) || is(unit, NalType::Pps))
            .collect();
        if !in_band.iter().any(new) {
            return Ok(None);
        }
        // A new SPS makes the PPS that came before it worthless, unless it brings none.
        let new_sps = in_band.iter().any(|unit| is(unit, NalType::Sps) && new(unit));
        let brings = |kind| in_band.iter().any(|unit| is(unit, kind));
        let old_sps = current.filter(|_| !brings(NalType::Sps)).into_iter().flat_map(Self::sps);
        let old_pps = current.filter(|_| !(new_sps && brings(NalType::Pps))).into_iter();
        let old_pps = old_pps
            .flat_map(Self::pps)
            .filter(|old| !in_band.iter().any(|unit| is(unit, NalType::Pps) && pps_id(unit) == pps_id(old)));
        // Copied, so that they do not keep the access unit's memory.
        let copies = in_band.iter().map(|unit| Bytes::copy_from_slice(unit));
        let units: Vec<Bytes> = old_sps.chain(old_pps).cloned().chain(copies).collect();
        Self::from_units(units).map(Some)
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
        self.sps.iter().chain(&self.pps)
    }

    /// `profile_idc`, constraint flags, `level_idc`: the three bytes of SDP's `profile-level-id` (RFC 6184 §8.1).
    #[must_use]
    pub fn profile_level_id(&self) -> [u8; 3] {
        self.sps.first().and_then(|sps| sps.get(1..4)?.try_into().ok()).unwrap_or_default()
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

    /// Chroma format and bit depths.
    #[must_use]
    pub fn sample_format(&self) -> SampleFormat {
        self.parsed.sample_format
    }

    /// Frames a second as the VUI tells them; a camera's real rate can differ.
    #[must_use]
    pub fn frame_rate(&self) -> Option<f64> {
        self.parsed.frames_per_1000_s.map(|frames| f64::from(frames) / 1000.0)
    }

    /// Most frames that are sent before another one and shown after it (H.264 §E.2.1, `max_num_reorder_frames`): 0 without
    /// B-frames. `None` if the SPS does not tell and its profile allows reordering.
    #[must_use]
    pub fn reorder_frames(&self) -> Option<u32> {
        self.parsed.reorder_frames
    }

    /// Whether pictures may be fields, two of which make a frame (H.264 §7.4.2.1.1, `frame_mbs_only_flag` 0).
    #[must_use]
    pub fn interlaced(&self) -> bool {
        self.parsed.interlaced
    }

    /// The profile in words (H.264 annex A).
    #[must_use]
    pub fn profile_name(&self) -> &'static str {
        let [profile, constraints, _] = self.profile_level_id();
        match (profile, constraints & 0x40 != 0) {
            (66, true) => "Constrained Baseline",
            (66, false) => "Baseline",
            (77, _) => "Main",
            (88, _) => "Extended",
            (100, _) => "High",
            (110, _) => "High 10",
            (122, _) => "High 4:2:2",
            (244, _) => "High 4:4:4",
            _ => "unknown profile",
        }
    }

    /// The codec string of RFC 6381: `avc1.64001f`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        let [profile, constraints, level] = self.profile_level_id();
        format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
    }
}

impl fmt::Debug for ParameterSets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}x{} ({} SPS, {} PPS)",
            self.rfc6381(),
            self.width(),
            self.height(),
            self.sps.len(),
            self.pps.len()
        )
    }
}

/// `pic_parameter_set_id`, as the bits that tell it: equal bits are equal ids.
fn pps_id(unit: &[u8]) -> Option<u32> {
    let bits = u32::from_be_bytes([*unit.get(1)?, *unit.get(2).unwrap_or(&0), *unit.get(3).unwrap_or(&0), 0]);
    // ue(v): as many bits after the first 1 as zeros stand before it.
    bits.checked_shr(31u32.checked_sub(2 * bits.leading_zeros())?)
}

fn parse_sps(unit: &[u8]) -> Result<Sps, ParameterSetError> {
    const BASELINE: u8 = 66;
    let bad = |error: &dyn fmt::Debug| ParameterSetError::Sps(format!("{error:?}"));
    if unit.len() < 4 {
        return Err(ParameterSetError::Sps(format!("it has {} bytes, expected at least 4", unit.len())));
    }
    let rbsp = decode_nal(unit).map_err(|error| bad(&error))?;
    let sps = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).map_err(|error| bad(&error))?;
    let (width, height) = sps.pixel_dimensions().map_err(|error| bad(&error))?;
    if width == 0 || height == 0 {
        return Err(ParameterSetError::Sps(format!("the picture would have {width}x{height} pixels")));
    }
    // A zero or absurd time base is common in cheap cameras: no rate is better than a wrong one.
    let vui = sps.vui_parameters.as_ref();
    let timing = vui.and_then(|vui| vui.timing_info.as_ref());
    let rate = timing
        .filter(|timing| timing.num_units_in_tick > 0)
        .map(|timing| u64::from(timing.time_scale) * 1000 / (2 * u64::from(timing.num_units_in_tick)));
    let frames_per_1000_s =
        rate.filter(|rate| (1..=1_000_000).contains(rate)).and_then(|rate| u32::try_from(rate).ok());
    // Baseline has no B-frames (H.264 §A.2.1); order count type 2 means that output order is decoding order (§8.2.1.3).
    let in_order = unit.get(1) == Some(&BASELINE) || matches!(sps.pic_order_cnt, PicOrderCntType::TypeTwo);
    let restriction = vui.and_then(|vui| vui.bitstream_restrictions.as_ref());
    let reorder_frames =
        if in_order { Some(0) } else { restriction.map(|restriction| restriction.max_num_reorder_frames) };
    let interlaced = matches!(sps.frame_mbs_flags, FrameMbsFlags::Fields { .. });
    let chroma = &sps.chroma_info;
    let sample_format = SampleFormat::new(
        chroma.chroma_format.to_u32(),
        chroma.bit_depth_luma_minus8.into(),
        chroma.bit_depth_chroma_minus8.into(),
    );
    Ok(Sps { width, height, sample_format, frames_per_1000_s, reorder_frames, interlaced })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // x264, 640x360, 25 fps, Constrained Baseline 3.0.
    const SPS: &[u8] = &[
        0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
        0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48,
    ];
    const PPS: &[u8] = &[0x68, 0xcb, 0x8c, 0xb2];

    fn units(list: &[&'static [u8]]) -> Vec<Bytes> {
        list.iter().map(|unit| Bytes::from_static(unit)).collect()
    }

    #[test]
    fn an_sps_tells_size_rate_and_profile() {
        let sets = ParameterSets::from_units(units(&[SPS, PPS])).unwrap();
        assert_eq!((sets.width(), sets.height(), sets.frame_rate()), (640, 360, Some(25.0)));
        assert_eq!((sets.reorder_frames(), sets.interlaced()), (Some(0), false));
        assert_eq!(sets.sample_format(), SampleFormat { chroma: 1, luma_bits: 8, chroma_bits: 8 });
        assert_eq!((sets.profile_name(), sets.rfc6381().as_str()), ("Constrained Baseline", "avc1.42c01e"));
    }

    #[test]
    fn a_missing_pps_is_said_in_words() {
        let error = ParameterSets::from_units(units(&[SPS])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "H.264 parameter sets need at least one SPS and one PPS, got 1 SPS and 0 PPS"
        );
    }

    #[test]
    fn repeated_sets_are_kept_once() {
        let sets = ParameterSets::from_units(units(&[SPS, PPS, SPS, PPS])).unwrap();
        assert_eq!(sets.units().count(), 2);
    }

    #[test]
    fn an_idr_slice_or_a_recovery_point_is_a_keyframe() {
        assert!(is_keyframe([&[0x67, 0][..], &[0x65, 0x88]]));
        assert!(!is_keyframe([&[0x06, 5, 1, 0, 0x80][..], &[0x41, 0x9a]]));
        assert!(is_keyframe([&[0x06, 5, 1, 0, 6, 1, 0xc4, 0x80][..], &[0x41, 0x9a]]));
        assert!(!is_keyframe([&[0x06, 6, 1, 0x44, 0x80][..], &[0x41, 0x9a]]));
    }

    #[test]
    fn b_pictures_are_told_by_their_first_slice() {
        // `first_mb_in_slice` 0, then `slice_type` 1, 6, 0, 5, 2: as x264 and cameras write them.
        assert!(is_b_picture([&[0x06, 5][..], &[0x01, 0b1010_0000]]));
        assert!(is_b_picture([&[0x01, 0b1001_1100][..]]));
        for other in [0b1100_0000, 0b1001_1000, 0b1011_0000] {
            assert!(!is_b_picture([&[0x41, other][..]]));
        }
        assert!(!is_b_picture([&[0x67, 0b1010_0000][..]]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>, mut sps in prop::collection::vec(any::<u8>(), 4..200)) {
            is_keyframe([data.as_slice()]);
            is_b_picture([data.as_slice()]);
            sps[0] = 0x67;
            let _ = ParameterSets::from_units([Bytes::from(sps), Bytes::from_static(PPS)]);
        }
    }
}
