//! H.264 over RTP (RFC 6184), packetization modes 0 and 1: single NAL units, STAP-A, FU-A.
//!
//! Leaves out the interleaved mode (STAP-B, MTAP, FU-B), which no camera uses: such packets are refused by name.

mod depacketize;
mod packetize;
#[cfg(test)]
mod tests;

pub(crate) use depacketize::Depacketizer;
pub(crate) use packetize::{Packetizer, equal_piece_bytes};

/// Packet types beside the NAL unit types 1 to 23 (RFC 6184 §5.2 table 1).
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// `nal_ref_idc` in the NAL unit header.
const REFERENCE_BITS: u8 = 0x60;
/// Start and end bit of the FU header (RFC 6184 §5.8).
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;
