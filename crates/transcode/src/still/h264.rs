//! H.264 pictures by `rusty_h264-decoder`: progressive 4:2:0 of 8 bits, all of the Constrained Baseline, Main and High profiles.
//!
//! Left to ffmpeg, as [`StillError::Unsupported`]: fields and MBAFF, other chroma and depths, slice groups, slices out of order,
//! data partitions, SP and SI slices, explicit weights in B slices, pictures beyond the bounds.

use super::{StillDecoder, StillError};
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_NAL_UNITS, MAX_REFERENCE_PIXELS};
use crate::picture::{Color, Matrix, Picture, Range, Size, cut};
use bytes::Bytes;
use h264_reader::nal::sps::{ChromaFormat, FrameMbsFlags, SeqParameterSet};
use h264_reader::rbsp::{BitRead, BitReader, ByteReader, decode_nal};
use rusty_h264_decoder::DecodeError;
use std::collections::BTreeMap;
use yeoul_media::Frame;
use yeoul_media::bitstream::h264::{MAX_PARAMETER_SET_BYTES, NalType, ParameterSets};
use yeoul_media::bitstream::nal;

/// Largest `pic_parameter_set_id` (H.264 §7.4.2.2).
const MAX_PPS_ID: u32 = 255;

/// What an SPS says of the picture.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Of the coded picture less its right and lower border, as the decoder hands it out.
    decoded: Size,
    /// Where the picture begins in that.
    left: usize,
    top: usize,
    color: Color,
}

/// A picture as the decoder gives it.
struct Decoded {
    size: Size,
    planes: [Vec<u8>; 3],
    layout: Layout,
}

/// Decodes one track.
pub(super) struct Decoder {
    inner: rusty_h264_decoder::Decoder,
    /// The SPS by id.
    sps: BTreeMap<u32, (Bytes, Layout)>,
    /// The PPS by id, with the id of its SPS.
    pps: BTreeMap<u32, (Bytes, u32)>,
    picture: Option<Decoded>,
    /// Annex B of one access unit.
    buffer: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(sets: Option<&ParameterSets>) -> Result<Self, StillError> {
        let mut decoder = Self {
            inner: rusty_h264_decoder::Decoder::new(),
            sps: BTreeMap::new(),
            pps: BTreeMap::new(),
            picture: None,
            buffer: Vec::new(),
        };
        for unit in sets.into_iter().flat_map(ParameterSets::units) {
            decoder.learn(unit)?;
        }
        Ok(decoder)
    }

    /// Takes a parameter set; one that is known already changes nothing.
    fn learn(&mut self, unit: &Bytes) -> Result<(), StillError> {
        match NalType::of(unit) {
            Some(NalType::Sps) => {
                let (id, layout) = vet(unit)?;
                if self.sps.get(&id).is_some_and(|(known, _)| known == unit) {
                    return Ok(());
                }
                self.sps.insert(id, (unit.clone(), layout));
                // Another SPS is another sequence: nothing of the pictures before it counts (H.264 §7.4.1.2.1).
                self.inner = rusty_h264_decoder::Decoder::new();
                let (sps, pps) =
                    (self.sps.values().map(|(unit, _)| unit), self.pps.values().map(|(unit, _)| unit));
                for unit in sps.chain(pps).cloned().collect::<Vec<_>>() {
                    self.feed(&unit)?;
                }
            }
            Some(NalType::Pps) => {
                let mut r = BitReader::new(ByteReader::skipping_h264_header(&unit[..]));
                let ids = r.read_ue("pic_parameter_set_id").ok().zip(r.read_ue("seq_parameter_set_id").ok());
                // The decoder keeps whatever it is given.
                let within_bounds =
                    |&(id, _): &(u32, u32)| id <= MAX_PPS_ID && unit.len() <= MAX_PARAMETER_SET_BYTES;
                let (id, sps) =
                    ids.filter(within_bounds).ok_or_else(|| damaged("a PPS that cannot be read"))?;
                if self.pps.get(&id).is_none_or(|(known, _)| known != unit) {
                    self.feed(unit)?;
                    self.pps.insert(id, (unit.clone(), sps));
                }
            }
            Some(
                NalType::Slice
                | NalType::Idr
                | NalType::Sei
                | NalType::Aud
                | NalType::Filler
                | NalType::Other(_),
            )
            | None => {}
        }
        Ok(())
    }

    fn feed(&mut self, unit: &[u8]) -> Result<(), StillError> {
        self.buffer.clear();
        put_annex_b(&mut self.buffer, unit);
        self.inner.decode(&self.buffer).map(drop).map_err(|error| why(&error))
    }
}

impl StillDecoder for Decoder {
    fn decode(&mut self, frame: &Frame) -> Result<(), StillError> {
        self.picture = None;
        if frame.data.len() > MAX_ACCESS_UNIT_BYTES {
            return Err(StillError::Unsupported(format!("an H.264 picture of {} bytes", frame.data.len())));
        }
        let units: Vec<Bytes> = nal::length_prefixed_shared(&frame.data).take(MAX_NAL_UNITS + 1).collect();
        if units.len() > MAX_NAL_UNITS {
            return Err(StillError::Unsupported(format!(
                "an H.264 picture of more than {MAX_NAL_UNITS} NAL units"
            )));
        }
        // Parameter sets stand before the slices (H.264 §7.4.1.2.3).
        for unit in &units {
            self.learn(unit)?;
        }
        let mut slices = Slices::default();
        self.buffer.clear();
        for unit in &units {
            if slices.take(unit)? {
                put_annex_b(&mut self.buffer, unit);
            }
        }
        let pps = slices.pps.ok_or_else(|| damaged("an access unit without a slice"))?;
        let sps = self.pps.get(&pps).map(|(_, sps)| sps);
        let layout = sps.and_then(|sps| self.sps.get(sps)).map(|(_, layout)| *layout);
        let layout = layout.ok_or_else(|| damaged("a slice whose parameter sets never came"))?;
        let decoded = self.inner.decode(&self.buffer).map_err(|error| why(&error))?;
        let decoded = decoded.ok_or_else(|| damaged("a picture without its last slice"))?;
        let size = Size::new(decoded.width, decoded.height);
        self.picture = Some(Decoded { size, planes: [decoded.y, decoded.u, decoded.v], layout });
        Ok(())
    }

    fn take_picture(&mut self) -> Option<Picture> {
        let Decoded { size: decoded, planes, layout: Layout { left, top, color, .. } } =
            self.picture.take().filter(|picture| picture.size == picture.layout.decoded)?;
        let size = Size::new(decoded.width.checked_sub(left)?, decoded.height.checked_sub(top)?);
        if (left, top) == (0, 0) {
            return Picture::new(size, color, planes);
        }
        let chroma = size.chroma();
        let [y, u, v] = &planes;
        let planes = [
            cut(y, decoded.width, (left, top), size)?,
            cut(u, decoded.width / 2, (left / 2, top / 2), chroma)?,
            cut(v, decoded.width / 2, (left / 2, top / 2), chroma)?,
        ];
        Picture::new(size, color, planes)
    }
}

/// The slices of one access unit, as far as the decoder does not look itself.
#[derive(Default)]
struct Slices {
    /// Of the first slice.
    pps: Option<u32>,
    last_first_mb: Option<u32>,
}

impl Slices {
    /// Whether `unit` is a slice to decode.
    fn take(&mut self, unit: &[u8]) -> Result<bool, StillError> {
        match unit.first().map(|header| header & 0x1f) {
            Some(1 | 5) => {}
            Some(2..=4) => return Err(unsupported("data partitions")),
            Some(_) | None => return Ok(false),
        }
        let mut r = BitReader::new(ByteReader::skipping_h264_header(unit));
        let mut next = |name| r.read_ue(name).map_err(|_| damaged("a slice that ends within its header"));
        let (first_mb, _slice_type, pps) =
            (next("first_mb_in_slice")?, next("slice_type")?, next("pic_parameter_set_id")?);
        // The decoder takes slices as they come: in another order, or a second time, it would draw over the picture.
        match self.last_first_mb {
            None if first_mb > 0 => return Err(damaged("a picture without its first slice")),
            Some(last) if first_mb <= last => {
                return Err(unsupported("slices out of order, or redundant ones"));
            }
            None | Some(_) => {}
        }
        self.last_first_mb = Some(first_mb);
        self.pps.get_or_insert(pps);
        Ok(true)
    }
}

/// Whether no other picture refers to this one (`nal_ref_idc` 0, H.264 §7.4.1).
pub(super) fn is_disposable(frame: &Frame) -> bool {
    let mut slices = nal::length_prefixed(&frame.data)
        .filter(|unit| matches!(NalType::of(unit), Some(NalType::Slice | NalType::Idr)));
    slices.next().is_some_and(|unit| unit.first().is_some_and(|header| header & 0x60 == 0))
}

/// The id of an SPS, and what it says of the picture, if it is one that is decoded here.
fn vet(unit: &[u8]) -> Result<(u32, Layout), StillError> {
    let unreadable = || damaged("an SPS that cannot be read");
    if unit.len() > MAX_PARAMETER_SET_BYTES {
        return Err(unreadable());
    }
    let rbsp = decode_nal(unit).map_err(|_| unreadable())?;
    let sps = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).map_err(|_| unreadable())?;
    let chroma = &sps.chroma_info;
    if chroma.chroma_format != ChromaFormat::YUV420 {
        return Err(unsupported(&format!("chroma {:?}", chroma.chroma_format)));
    }
    if (chroma.bit_depth_luma_minus8, chroma.bit_depth_chroma_minus8) != (0, 0) {
        return Err(unsupported(&format!("{} bits", 8 + chroma.bit_depth_luma_minus8)));
    }
    let crop_rows = match sps.frame_mbs_flags {
        FrameMbsFlags::Frames => 2,
        FrameMbsFlags::Fields { mb_adaptive_frame_field_flag: false } => 4,
        FrameMbsFlags::Fields { mb_adaptive_frame_field_flag: true } => {
            return Err(unsupported("interlaced coding (MBAFF)"));
        }
    };
    let (width, height) = sps.pixel_dimensions().map_err(|_| unreadable())?;
    let crop = sps.frame_cropping.as_ref();
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
    let offset = |pixels: Option<u32>, unit: u32| side(pixels.unwrap_or(0).saturating_mul(unit));
    let left = offset(crop.map(|crop| crop.left_offset), 2);
    let top = offset(crop.map(|crop| crop.top_offset), crop_rows);
    let right = offset(crop.map(|crop| crop.right_offset), 2);
    let bottom = offset(crop.map(|crop| crop.bottom_offset), crop_rows);
    let picture = Size::new(side(width), side(height));
    let decoded = Size::new(picture.width.saturating_add(left), picture.height.saturating_add(top));
    let coded = Size::new(decoded.width.saturating_add(right), decoded.height.saturating_add(bottom));
    let references = side(sps.max_num_ref_frames);
    if !coded.is_within_bounds() || references.saturating_mul(coded.pixels()) > MAX_REFERENCE_PIXELS {
        return Err(unsupported(&format!("pictures of {picture} with {references} references")));
    }
    let signal = sps.vui_parameters.as_ref().and_then(|vui| vui.video_signal_type.as_ref());
    let matrix =
        signal.and_then(|signal| signal.colour_description.as_ref()).map(|told| told.matrix_coefficients);
    let range =
        if signal.is_some_and(|signal| signal.video_full_range_flag) { Range::Full } else { Range::Limited };
    let color = Color { range, matrix: Matrix::of(matrix, picture) };
    Ok((u32::from(sps.seq_parameter_set_id.id()), Layout { decoded, left, top, color }))
}

fn put_annex_b(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(unit);
}

fn damaged(what: &str) -> StillError {
    StillError::Damaged(format!("the H.264 stream has {what}"))
}

fn unsupported(what: &str) -> StillError {
    StillError::Unsupported(format!("H.264 with {what}"))
}

/// The decoder calls some damage unsupported too: ffmpeg will then say so in its words.
fn why(error: &DecodeError) -> StillError {
    match error {
        DecodeError::Unsupported(what) => unsupported(what),
        DecodeError::Truncated => damaged("a picture that ends early or refers to one that is not there"),
        DecodeError::MissingParameterSet => damaged("a slice whose parameter sets never came"),
        DecodeError::Internal(what) => StillError::Damaged(format!("the H.264 decoder has failed: {what}")),
    }
}
