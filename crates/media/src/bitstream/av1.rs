//! AV1: open bitstream units and the sequence header (AV1 Bitstream & Decoding Process Specification §5.3, §5.5).
//!
//! Leaves out frame headers but for what tells a keyframe, and everything behind the sequence header's colour description.

use bytes::{BufMut, Bytes};
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError};

/// Largest sequence header kept: 11 to 20 bytes are usual, operating points and timing add some hundred.
pub const MAX_SEQUENCE_HEADER_BYTES: usize = 1024;

/// `obu_type` of the sequence header (§6.2.2).
pub const OBU_SEQUENCE_HEADER: u8 = 1;
/// `obu_type` of the temporal delimiter, which is in no [`crate::Frame`].
pub const OBU_TEMPORAL_DELIMITER: u8 = 2;
/// `obu_type` of the tile list, which is for still scenes that are read tile by tile.
pub const OBU_TILE_LIST: u8 = 8;
const OBU_FRAME_HEADER: u8 = 3;
const OBU_FRAME: u8 = 6;
/// `obu_extension_flag` and `obu_has_size_field` in the first byte of a unit (§5.3.2).
const HAS_EXTENSION: u8 = 4;
const HAS_SIZE: u8 = 2;
/// `matrix_coefficients` of the identity (§6.4.2): the picture is RGB.
const MATRIX_IDENTITY: u8 = 0;

/// Why a sequence header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceHeaderError {
    /// Ends too early.
    #[error("the AV1 sequence header ends too early")]
    TooShort,
    /// Longer than any real one.
    #[error("the AV1 sequence header has {0} bytes, expected at most {MAX_SEQUENCE_HEADER_BYTES}")]
    TooLong(usize),
    /// There is none in the temporal unit.
    #[error("the AV1 temporal unit has no sequence header")]
    Missing,
    /// A reserved profile.
    #[error("the AV1 sequence header has the reserved profile {0}")]
    ReservedProfile(u8),
}

impl From<BitReaderError> for SequenceHeaderError {
    fn from(_: BitReaderError) -> Self {
        Self::TooShort
    }
}

/// An open bitstream unit (§5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obu {
    /// `obu_type`.
    pub kind: u8,
    /// Header, size field and payload as they stand.
    pub bytes: Bytes,
    /// The payload alone.
    pub payload: Bytes,
}

impl Obu {
    /// Whether it tells its own size.
    #[must_use]
    pub fn has_size(&self) -> bool {
        self.bytes.first().is_some_and(|header| header & HAS_SIZE != 0)
    }

    /// Its header as it is without a size field: one byte, or two with an extension.
    #[must_use]
    pub fn header_without_size(&self) -> ([u8; 2], usize) {
        let first = self.bytes.first().copied().unwrap_or(0);
        let extension = self.bytes.get(1).copied().filter(|_| first & HAS_EXTENSION != 0);
        ([first & !HAS_SIZE, extension.unwrap_or(0)], 1 + usize::from(extension.is_some()))
    }

    /// Appends it with its size, in the form of [`crate::Frame::data`].
    pub fn put_with_size(&self, out: &mut impl BufMut) {
        if self.has_size() {
            out.put_slice(&self.bytes);
            return;
        }
        let (header, header_bytes) = self.header_without_size();
        out.put_u8(header[0] | HAS_SIZE);
        out.put_slice(header.get(1..header_bytes).unwrap_or_default());
        put_leb128(self.payload.len(), out);
        out.put_slice(&self.payload);
    }
}

/// The units of `data`, which is in the low-overhead format (§5.2): each with its size. Stops at the first that does not fit;
/// one without a size field reaches to the end.
pub fn obus(data: &Bytes) -> impl Iterator<Item = Obu> {
    let mut rest = data.clone();
    std::iter::from_fn(move || {
        let header = *rest.first()?;
        let has_extension = header & HAS_EXTENSION != 0;
        let has_size = header & HAS_SIZE != 0;
        let header_bytes = 1 + usize::from(has_extension);
        let (size, size_bytes) = if has_size {
            leb128(rest.get(header_bytes..)?)?
        } else {
            (rest.len().checked_sub(header_bytes)?, 0)
        };
        let start = header_bytes + size_bytes;
        let end = start.checked_add(size).filter(|&end| end <= rest.len())?;
        let bytes = rest.split_to(end);
        Some(Obu { kind: (header >> 3) & 15, payload: bytes.slice(start..), bytes })
    })
}

/// A number in `leb128` (§4.10.5) and how many bytes it takes.
#[must_use]
pub fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (at * 7);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, at + 1));
        }
    }
    None
}

/// Appends a number in `leb128` (§4.10.5), in as few bytes as it takes.
pub fn put_leb128(mut value: usize, out: &mut impl BufMut) {
    while value > 0x7f {
        out.put_u8(0x80 | u8::try_from(value & 0x7f).unwrap_or(0x7f));
        value >>= 7;
    }
    out.put_u8(u8::try_from(value).unwrap_or(0x7f));
}

/// Whether decoding can start at this temporal unit: it has a sequence header and a shown key frame (§7.20).
#[must_use]
pub fn is_keyframe(data: &Bytes) -> bool {
    let mut has_sequence = false;
    for obu in obus(data) {
        match obu.kind {
            OBU_SEQUENCE_HEADER => has_sequence = true,
            OBU_FRAME | OBU_FRAME_HEADER => {
                // show_existing_frame 0, frame_type KEY_FRAME 0, show_frame 1 (§5.9.2).
                return has_sequence && obu.payload.first().is_some_and(|byte| byte >> 4 == 0b0001);
            }
            _ => {}
        }
    }
    false
}

/// A sequence header (§5.5): its bytes, and what a server needs of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceHeader {
    obu: Bytes,
    profile: u8,
    level: u8,
    high_tier: bool,
    bit_depth: u8,
    monochrome: bool,
    subsampling: (bool, bool),
    chroma_sample_position: u8,
    width: u32,
    height: u32,
}

impl SequenceHeader {
    /// Finds and reads the sequence header of a temporal unit, or of the units in an `av1C` box.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn from_temporal_unit(data: &Bytes) -> Result<Self, SequenceHeaderError> {
        let obu =
            obus(data).find(|obu| obu.kind == OBU_SEQUENCE_HEADER).ok_or(SequenceHeaderError::Missing)?;
        if obu.bytes.len() > MAX_SEQUENCE_HEADER_BYTES {
            return Err(SequenceHeaderError::TooLong(obu.bytes.len()));
        }
        // Copied, so that it does not keep the memory of the picture.
        let bytes = Bytes::copy_from_slice(&obu.bytes);
        Reader { bits: BitReader::new(&obu.payload[..]) }.sequence_header(bytes)
    }

    /// The whole unit with its header and size, as it stands in the stream and in `av1C`.
    #[must_use]
    pub fn obu(&self) -> &Bytes {
        &self.obu
    }

    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    #[must_use]
    pub fn profile(&self) -> u8 {
        self.profile
    }

    /// The profile in words.
    #[must_use]
    pub fn profile_name(&self) -> &'static str {
        match self.profile {
            0 => "Main",
            1 => "High",
            _ => "Professional",
        }
    }

    /// `seq_level_idx` of the first operating point: 8 is level 4.0.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// `seq_tier`: the High tier.
    #[must_use]
    pub fn high_tier(&self) -> bool {
        self.high_tier
    }

    /// Bits of a sample: 8, 10 or 12.
    #[must_use]
    pub fn bit_depth(&self) -> u8 {
        self.bit_depth
    }

    /// There is no colour.
    #[must_use]
    pub fn monochrome(&self) -> bool {
        self.monochrome
    }

    /// `subsampling_x` and `subsampling_y`: both for 4:2:0.
    #[must_use]
    pub fn subsampling(&self) -> (bool, bool) {
        self.subsampling
    }

    /// `chroma_sample_position`.
    #[must_use]
    pub fn chroma_sample_position(&self) -> u8 {
        self.chroma_sample_position
    }

    /// Width in pixels of the largest frame.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels of the largest frame.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The codec string (AV1 Codec ISO Media File Format Binding §5): `av01.0.08M.08`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        let tier = if self.high_tier { 'H' } else { 'M' };
        format!("av01.{}.{:02}{tier}.{:02}", self.profile, self.level, self.bit_depth)
    }
}

struct Reader<R> {
    bits: R,
}

impl<R: BitRead> Reader<R> {
    fn bit(&mut self) -> Result<bool, BitReaderError> {
        self.bits.read_bit("flag")
    }

    fn bits(&mut self, count: u32) -> Result<u32, BitReaderError> {
        let mut value = 0;
        for _ in 0..count {
            value = (value << 1) | u32::from(self.bit()?);
        }
        Ok(value)
    }

    fn byte(&mut self, count: u32) -> Result<u8, BitReaderError> {
        Ok(u8::try_from(self.bits(count.min(8))?).unwrap_or(u8::MAX))
    }

    fn sequence_header(&mut self, obu: Bytes) -> Result<SequenceHeader, SequenceHeaderError> {
        let profile = self.byte(3)?;
        if profile > 2 {
            return Err(SequenceHeaderError::ReservedProfile(profile));
        }
        let _still_picture = self.bit()?;
        let reduced = self.bit()?;
        let (level, high_tier) = if reduced { (self.byte(5)?, false) } else { self.operating_points()? };
        let width_bits = self.bits(4)? + 1;
        let height_bits = self.bits(4)? + 1;
        let width = self.bits(width_bits)? + 1;
        let height = self.bits(height_bits)? + 1;
        self.tools(reduced)?;
        let mut header = SequenceHeader {
            obu,
            profile,
            level,
            high_tier,
            bit_depth: 8,
            monochrome: false,
            subsampling: (true, true),
            chroma_sample_position: 0,
            width,
            height,
        };
        self.color_config(&mut header)?;
        Ok(header)
    }

    /// Level and tier of the first operating point; the others are passed over.
    fn operating_points(&mut self) -> Result<(u8, bool), BitReaderError> {
        let mut decoder_model_delay_bits = None;
        if self.bit()? {
            // timing_info (§5.5.3)
            self.bits(32)?;
            self.bits(32)?;
            if self.bit()? {
                self.uvlc()?;
            }
            if self.bit()? {
                // decoder_model_info (§5.5.4)
                decoder_model_delay_bits = Some(self.bits(5)? + 1);
                self.bits(32)?;
                self.bits(5)?;
                self.bits(5)?;
            }
        }
        let initial_display_delay = self.bit()?;
        let points = self.bits(5)? + 1;
        let mut first = None;
        for _ in 0..points {
            self.bits(12)?;
            let level = self.byte(5)?;
            let high_tier = level > 7 && self.bit()?;
            if let Some(bits) = decoder_model_delay_bits
                && self.bit()?
            {
                self.bits(bits)?;
                self.bits(bits)?;
                self.bit()?;
            }
            if initial_display_delay && self.bit()? {
                self.bits(4)?;
            }
            first.get_or_insert((level, high_tier));
        }
        Ok(first.unwrap_or((0, false)))
    }

    /// `uvlc()` (§4.10.3), its value not needed.
    fn uvlc(&mut self) -> Result<(), BitReaderError> {
        let mut zeros = 0;
        while zeros < 32 && !self.bit()? {
            zeros += 1;
        }
        self.bits(zeros).map(drop)
    }

    /// From frame ids to `enable_restoration` (§5.5.1).
    fn tools(&mut self, reduced: bool) -> Result<(), BitReaderError> {
        const SELECT: u32 = 2;
        if !reduced && self.bit()? {
            self.bits(7)?;
        }
        self.bits(3)?;
        if !reduced {
            self.bits(4)?;
            let order_hint = self.bit()?;
            if order_hint {
                self.bits(2)?;
            }
            let screen_content = if self.bit()? { SELECT } else { self.bits(1)? };
            if screen_content > 0 && !self.bit()? {
                self.bit()?;
            }
            if order_hint {
                self.bits(3)?;
            }
        }
        self.bits(3).map(drop)
    }

    /// §5.5.2.
    fn color_config(&mut self, header: &mut SequenceHeader) -> Result<(), BitReaderError> {
        let high_bit_depth = self.bit()?;
        header.bit_depth = match (header.profile, high_bit_depth) {
            (2, true) if self.bit()? => 12,
            (_, true) => 10,
            (_, false) => 8,
        };
        header.monochrome = header.profile != 1 && self.bit()?;
        let (mut primaries, mut transfer, mut matrix) = (2, 2, 2);
        if self.bit()? {
            (primaries, transfer, matrix) = (self.byte(8)?, self.byte(8)?, self.byte(8)?);
        }
        if header.monochrome {
            self.bit()?;
            return Ok(());
        }
        // sRGB: BT.709 primaries, sRGB transfer, identity matrix.
        if (primaries, transfer, matrix) == (1, 13, MATRIX_IDENTITY) {
            header.subsampling = (false, false);
            return Ok(());
        }
        self.bit()?;
        header.subsampling = match header.profile {
            0 => (true, true),
            1 => (false, false),
            _ if header.bit_depth == 12 => {
                let x = self.bit()?;
                (x, x && self.bit()?)
            }
            _ => (true, false),
        };
        if header.subsampling == (true, true) {
            header.chroma_sample_position = self.byte(2)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of libaom, 1280x720, 8 bits, level 3.1.
    const SEQUENCE: &[u8] = &[0x0a, 0x0b, 0x00, 0x00, 0x00, 0x2d, 0x4c, 0xff, 0xb3, 0xc0, 0x21, 0x95, 0xfc];

    #[test]
    fn a_number_reads_up_to_its_last_byte() {
        assert_eq!(leb128(&[0xe5, 0x8e, 0x26]), Some((624_485, 3)));
        assert_eq!(leb128(&[0x80]), None);
        let mut written = Vec::new();
        put_leb128(624_485, &mut written);
        assert_eq!(written, [0xe5, 0x8e, 0x26]);
    }

    #[test]
    fn a_unit_without_a_size_gets_one() {
        let unit = obus(&Bytes::from_static(&[0x34, 0x08, 1, 2, 3])).next().unwrap();
        assert!(!unit.has_size());
        let mut sized = Vec::new();
        unit.put_with_size(&mut sized);
        assert_eq!(sized, [0x36, 0x08, 3, 1, 2, 3]);
        let again = obus(&Bytes::from(sized)).next().unwrap();
        assert_eq!((again.header_without_size(), &again.payload), (([0x34, 0x08], 2), &unit.payload));
    }

    #[test]
    fn a_temporal_unit_without_a_sequence_header_is_no_keyframe() {
        assert!(!is_keyframe(&Bytes::from_static(&[0x32, 0x01, 0x10])));
        assert_eq!(
            SequenceHeader::from_temporal_unit(&Bytes::from_static(&[0x32, 0x01, 0x10])),
            Err(SequenceHeaderError::Missing)
        );
    }

    #[test]
    fn units_are_cut_by_their_sizes() {
        let data: Vec<u8> = [SEQUENCE, &[0x32, 0x02, 0x10, 0x00]].concat();
        let data = Bytes::from(data);
        assert_eq!(
            obus(&data).map(|obu| (obu.kind, obu.payload.len())).collect::<Vec<_>>(),
            [(1, 11), (6, 2)]
        );
        assert!(is_keyframe(&data));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let data = Bytes::from(data);
            let _ = (obus(&data).count(), is_keyframe(&data), SequenceHeader::from_temporal_unit(&data));
            let with_header = Bytes::from([&[0x08], &data[..]].concat());
            let _ = SequenceHeader::from_temporal_unit(&with_header);
        }
    }
}
