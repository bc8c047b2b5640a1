//! JPEG over RTP (RFC 2435): baseline pictures of 4:2:0 or 4:2:2 with the standard's Huffman tables, up to 2040 pixels wide and
//! high.
//!
//! The packets carry the scan without the picture's headers. The depacketizer writes those anew from the few fields that the
//! packets tell; the packetizer leaves them out, and gives nothing for a picture that the format cannot tell: progressive
//! ones, other sampling, tables of their own, 16-bit quantization.
//!
//! Leaves out pictures larger than 2040 pixels, for which each vendor has an extension of its own.

mod depacketize;
mod headers;
mod packetize;
#[cfg(test)]
mod tests;

pub(crate) use depacketize::Depacketizer;
pub(crate) use packetize::packetize;

/// The main header (RFC 2435 §3.1).
const MAIN_HEADER_BYTES: usize = 8;
/// The restart marker header (RFC 2435 §3.1.7).
const RESTART_HEADER_BYTES: usize = 4;
/// The quantization table header (RFC 2435 §3.1.8).
const TABLE_HEADER_BYTES: usize = 4;
/// Two tables of 64 bytes: luma, chroma.
const TABLES_BYTES: usize = 128;
/// Types with this bit have restart markers (RFC 2435 §3.1.3).
const TYPE_WITH_RESTARTS: u8 = 0x40;
/// `Q` from here on: the tables come with the picture, at least once (RFC 2435 §3.1.4).
const FIRST_Q_WITH_TABLES: u8 = 128;
/// `Q` whose tables change from picture to picture and therefore come with each (RFC 2435 §3.1.4).
const Q_OF_CHANGING_TABLES: u8 = 255;
/// Largest width and height that a header of 8 bits in steps of 8 pixels tells.
const MAX_SIDE: u32 = 255 * 8;

/// How often the chroma of a picture is sampled (RFC 2435 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sampling {
    /// 4:2:2, type 0.
    Half,
    /// 4:2:0, type 1.
    Quarter,
}

impl Sampling {
    /// The sampling factors of luma as the frame header has them: horizontal, then vertical.
    fn luma_factors(self) -> u8 {
        match self {
            Self::Half => 0x21,
            Self::Quarter => 0x22,
        }
    }

    fn of_type(kind: u8) -> Option<Self> {
        match kind & !TYPE_WITH_RESTARTS {
            0 => Some(Self::Half),
            1 => Some(Self::Quarter),
            _ => None,
        }
    }

    fn to_type(self) -> u8 {
        match self {
            Self::Half => 0,
            Self::Quarter => 1,
        }
    }
}

/// Quantization tables of luma and chroma, in zigzag order.
type Tables = [u8; TABLES_BYTES];
