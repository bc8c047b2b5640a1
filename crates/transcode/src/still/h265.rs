//! H.265 pictures by `rusty_h265`: the Main, Main 10 and Main Still Picture profiles, 10 bits rounded to 8.
//!
//! Left to ffmpeg, as [`StillError::Unsupported`]: the range, screen and layer extensions (other chroma, more bits), pictures beyond
//! the bounds. Fields coded as pictures come out as such, as from every decoder.

use super::{StillDecoder, StillError};
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_NAL_UNITS, MAX_REFERENCE_PIXELS};
use crate::picture::{Color, Matrix, Picture, Range, Size};
use bytes::Bytes;
use h264_reader::rbsp::{BitRead, BitReader, ByteReader};
use rusty_h265::Error;
use rusty_h265::frame::{Picture as Coded, Plane};
use rusty_h265::nal::unescape;
use rusty_h265::ps::{self, Sps};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use yeoul_media::Frame;
use yeoul_media::bitstream::h265::{MAX_PARAMETER_SET_BYTES, NAL_HEADER_BYTES, NalType, ParameterSets};
use yeoul_media::bitstream::nal;

/// Ends the picture before it: a first slice segment of a picture whose header stops after its first bit.
///
/// The decoder sees the end of a picture by the next one's first slice (H.265 §7.4.2.4.4), a frame later. It finishes the
/// picture, then finds this header too short and forgets it.
const END_OF_PICTURE: [u8; 3] = [0x02, 0x01, 0x80];

/// Bits that all samples of a picture have here.
const BITS: u8 = 8;

/// Decodes one track.
pub(super) struct Decoder {
    inner: rusty_h265::Decoder,
    /// The SPS by id.
    sps: BTreeMap<u8, (Bytes, Color)>,
    /// The PPS by id, with the id of its SPS.
    pps: BTreeMap<u8, (Bytes, u8)>,
    picture: Option<(Arc<Coded>, Color)>,
}

impl Decoder {
    pub(super) fn new(sets: Option<&ParameterSets>) -> Result<Self, StillError> {
        let (sps, pps) = (BTreeMap::new(), BTreeMap::new());
        let mut decoder = Self { inner: rusty_h265::Decoder::new(), sps, pps, picture: None };
        for unit in sets.into_iter().flat_map(ParameterSets::units) {
            decoder.learn(unit)?;
        }
        Ok(decoder)
    }

    /// Takes a parameter set; one that is known already changes nothing. The VPS says nothing that decoding needs.
    fn learn(&mut self, unit: &Bytes) -> Result<(), StillError> {
        if !is_base_layer(unit) {
            return Ok(());
        }
        match NalType::of(unit) {
            Some(NalType::Sps) => {
                let sps = ps::parse_sps(&rbsp(unit)?).map_err(|error| why(&error))?;
                if self.sps.get(&sps.id).is_some_and(|(known, _)| known == unit) {
                    return Ok(());
                }
                let color = vet(&sps)?;
                self.sps.insert(sps.id, (unit.clone(), color));
                // Another SPS is another sequence: nothing of the pictures before it counts (H.265 §7.4.2.4.2).
                self.inner = rusty_h265::Decoder::new();
                let (sps, pps) =
                    (self.sps.values().map(|(unit, _)| unit), self.pps.values().map(|(unit, _)| unit));
                for unit in sps.chain(pps) {
                    self.inner.push_nal(unit, None).map_err(|error| why(&error))?;
                }
            }
            Some(NalType::Pps) => {
                let pps = ps::parse_pps(&rbsp(unit)?).map_err(|error| why(&error))?;
                if self.pps.get(&pps.id).is_none_or(|(known, _)| known != unit) {
                    self.inner.push_nal(unit, None).map_err(|error| why(&error))?;
                    self.pps.insert(pps.id, (unit.clone(), pps.sps_id));
                }
            }
            Some(
                NalType::Slice
                | NalType::Irap
                | NalType::Vps
                | NalType::Aud
                | NalType::Filler
                | NalType::Sei
                | NalType::Other(_),
            )
            | None => {}
        }
        Ok(())
    }

    /// What the values of the picture of this slice mean.
    fn color_of(&self, slice: &[u8]) -> Option<Color> {
        let header = NonZeroUsize::new(NAL_HEADER_BYTES)?;
        let mut r = BitReader::new(ByteReader::skipping_bytes(slice, header));
        // first_slice_segment_in_pic_flag, and no_output_of_prior_pics_flag (H.265 §7.3.6.1).
        r.skip(if NalType::of(slice) == Some(NalType::Irap) { 2 } else { 1 }, "flags").ok()?;
        let pps = u8::try_from(r.read_ue("slice_pic_parameter_set_id").ok()?).ok()?;
        let (_, sps) = self.pps.get(&pps)?;
        self.sps.get(sps).map(|(_, color)| *color)
    }
}

impl StillDecoder for Decoder {
    fn decode(&mut self, frame: &Frame) -> Result<(), StillError> {
        self.picture = None;
        if frame.data.len() > MAX_ACCESS_UNIT_BYTES {
            return Err(StillError::Unsupported(format!("an H.265 picture of {} bytes", frame.data.len())));
        }
        let units: Vec<Bytes> = nal::length_prefixed_shared(&frame.data).take(MAX_NAL_UNITS + 1).collect();
        if units.len() > MAX_NAL_UNITS {
            return Err(StillError::Unsupported(format!(
                "an H.265 picture of more than {MAX_NAL_UNITS} NAL units"
            )));
        }
        // Parameter sets stand before the slices (H.265 §7.4.2.4.4).
        for unit in &units {
            self.learn(unit)?;
        }
        let mut slices = units
            .iter()
            .filter(|unit| is_base_layer(unit))
            .filter(|unit| matches!(NalType::of(unit), Some(NalType::Slice | NalType::Irap)));
        let before = self.inner.stats.pictures;
        let first = slices.next().ok_or_else(|| damaged("an access unit without a slice"))?;
        let color = self.color_of(first).ok_or_else(|| damaged("a slice whose parameter sets never came"))?;
        for unit in std::iter::once(first).chain(slices) {
            self.inner.push_nal(unit, None).map_err(|error| why(&error))?;
        }
        // An error by intention, see there.
        let _ = self.inner.push_nal(&END_OF_PICTURE, None);
        // Its own order of output is not ours; what waits there would only keep buffers from being used again.
        while self.inner.next_frame().is_ok() {}
        if self.inner.stats.pictures == before {
            return Err(damaged("a picture that refers to what came before the keyframe"));
        }
        self.picture = self.inner.dpb().last().map(|entry| (Arc::clone(&entry.pic), color));
        Ok(())
    }

    fn take_picture(&mut self) -> Option<Picture> {
        let (coded, color) = self.picture.take()?;
        let (x, y, width, height) = coded.crop;
        let (size, at) = (Size::new(width, height), (x, y));
        let [luma, blue, red] = &coded.planes;
        let planes = [
            narrowed(luma, at, size, coded.bit_depth_luma)?,
            narrowed(blue, (x / 2, y / 2), size.chroma(), coded.bit_depth_chroma)?,
            narrowed(red, (x / 2, y / 2), size.chroma(), coded.bit_depth_chroma)?,
        ];
        Picture::new(size, color, planes)
    }
}

/// The part of a plane that is shown, rounded to 8 bits.
fn narrowed(plane: &Plane, (x, y): (usize, usize), size: Size, bits: u8) -> Option<Vec<u8>> {
    let shift = bits.checked_sub(BITS)?;
    let half = (1u16 << shift) >> 1;
    let mut out = Vec::with_capacity(size.pixels());
    for row in plane.data.chunks_exact(plane.stride.max(1)).skip(y).take(size.height) {
        let row = row.get(x..x + size.width)?;
        out.extend(row.iter().map(|sample| u8::try_from((sample + half) >> shift).unwrap_or(u8::MAX)));
    }
    Some(out)
}

/// Whether no other picture that is decoded here refers to this one: of the highest sub-layer and not referred to within it, or
/// leading over a keyframe that nothing before it is known of (H.265 table 7-1).
pub(super) fn is_disposable(frame: &Frame, highest_sub_layer: u8) -> bool {
    let mut slices = nal::length_prefixed(&frame.data)
        .filter(|unit| matches!(NalType::of(unit), Some(NalType::Slice | NalType::Irap)));
    let Some(&[first, second, ..]) = slices.next() else { return false };
    let (kind, sub_layer) = ((first >> 1) & 0x3f, (second & 7).saturating_sub(1));
    let is_sub_layer_non_reference = kind < 16 && kind.is_multiple_of(2);
    matches!(kind, RASL_N | RASL_R) || (is_sub_layer_non_reference && sub_layer >= highest_sub_layer)
}

/// Random access skipped leading pictures.
const RASL_N: u8 = 8;
const RASL_R: u8 = 9;

/// `sps_max_sub_layers_minus1` of the first SPS (H.265 §7.3.2.2).
pub(super) fn highest_sub_layer(sets: &ParameterSets) -> u8 {
    sets.sps().first().and_then(|sps| sps.get(NAL_HEADER_BYTES)).map_or(0, |byte| (byte >> 1) & 7)
}

fn is_base_layer(unit: &[u8]) -> bool {
    matches!(unit, [first, second, ..] if first & 1 == 0 && second >> 3 == 0)
}

fn rbsp(unit: &[u8]) -> Result<Vec<u8>, StillError> {
    let payload = unit.get(NAL_HEADER_BYTES..).filter(|_| unit.len() <= MAX_PARAMETER_SET_BYTES);
    payload
        .map(|payload| unescape(payload).data)
        .ok_or_else(|| damaged("a parameter set that cannot be read"))
}

/// What the values of its pictures mean, if they are decoded here.
fn vet(sps: &Sps) -> Result<Color, StillError> {
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
    let (coded, (width, height)) = (Size::new(side(sps.width), side(sps.height)), sps.output_size());
    let shown = Size::new(side(width), side(height));
    if sps.chroma_format_idc != 1 {
        return Err(unsupported("another chroma than 4:2:0"));
    }
    if sps.bit_depth_luma.max(sps.bit_depth_chroma) > 10 {
        return Err(unsupported(&format!("{} bits", sps.bit_depth_luma)));
    }
    let order = sps.ordering.get(usize::from(sps.max_sub_layers_minus1));
    let held = order.map_or(usize::MAX, |order| side(order.max_dec_pic_buffering_minus1.saturating_add(1)));
    if !coded.is_within_bounds() || held.saturating_mul(coded.pixels()) > MAX_REFERENCE_PIXELS {
        return Err(unsupported(&format!("pictures of {shown}, {held} of them at a time")));
    }
    let vui = sps.vui.as_ref();
    // 0 is what the decoder notes where the stream does not say; as a matrix it would be RGB, which 4:2:0 never is.
    let matrix = vui.map(|vui| vui.matrix_coeffs).filter(|&matrix| matrix != 0);
    let range = if vui.is_some_and(|vui| vui.video_full_range_flag) { Range::Full } else { Range::Limited };
    Ok(Color { range, matrix: Matrix::of(matrix, shown) })
}

fn damaged(what: &str) -> StillError {
    StillError::Damaged(format!("the H.265 stream has {what}"))
}

fn unsupported(what: &str) -> StillError {
    StillError::Unsupported(format!("H.265 with {what}"))
}

fn why(error: &Error) -> StillError {
    match error {
        Error::Unsupported(what) => unsupported(what),
        Error::Unimplemented(what) => unsupported(what),
        Error::InvalidData(what) => StillError::Damaged(format!("the H.265 stream is damaged: {what}")),
        // Signals of its output, and whatever later versions add.
        Error::Eof | Error::Again | _ => {
            StillError::Damaged(format!("the H.265 decoder has failed: {error}"))
        }
    }
}
