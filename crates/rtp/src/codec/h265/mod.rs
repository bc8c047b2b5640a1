//! H.265 over RTP (RFC 7798): single NAL units, aggregation packets (AP), fragmentation units (FU), with and without
//! decoding order numbers.
//!
//! Leaves out PACI packets, which are refused by name, and reordering by decoding order numbers: they are read, and the
//! packets taken in the order they were sent.

mod depacketize;
mod packetize;
#[cfg(test)]
mod tests;

pub(crate) use depacketize::Depacketizer;
pub(crate) use packetize::Packetizer;

/// Packet types beside the NAL unit types 0 to 47 (RFC 7798 §4.4).
const AP: u8 = 48;
const FU: u8 = 49;
const PACI: u8 = 50;
/// Start and end bit of the FU header (RFC 7798 §4.4.3).
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// The 6 bits of the type in the first byte of a NAL unit or payload header.
fn type_of(first_byte: u8) -> u8 {
    (first_byte >> 1) & 0x3f
}

/// A header with another type; layer and temporal id stay.
fn with_type([first, second]: [u8; 2], kind: u8) -> [u8; 2] {
    [(first & 0x81) | (kind << 1), second]
}
