//! AV1 over RTP (AOM, "RTP Payload Format For AV1" v1.0).
//!
//! A packet is an aggregation header (§4.4) and elements: open bitstream units without their sizes, or fragments of them. The
//! packetizer fills one packet after another, as receivers that know no more than this header take a packet without fragments at
//! its ends for a whole frame. Temporal delimiters and tile lists are left out (§5).
//!
//! Leaves out the dependency descriptor and the dropping of layers.

mod depacketize;
mod packetize;
#[cfg(test)]
mod tests;

pub(crate) use depacketize::{Depacketizer, depacketizer};
pub(crate) use packetize::packetize;

/// `Z`: the first element goes on with one of the packet before.
const GOES_ON: u8 = 0x80;
/// `Y`: the last element goes on in the next packet.
const UNFINISHED: u8 = 0x40;
/// `W`: elements in the packet, the last of which has no length; 0 if all have one.
const COUNT_SHIFT: u32 = 4;
const COUNT_MASK: u8 = 3;
/// `N`: the packet starts a coded video sequence.
const NEW_SEQUENCE: u8 = 0x08;
