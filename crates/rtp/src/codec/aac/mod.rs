//! AAC over RTP behind AU headers (RFC 3640): AAC-hbr, AAC-lbr, and every other layout of AU headers that a description
//! can tell; without AU headers too.
//!
//! Leaves out interleaving (§3.2.3.2), which no camera uses: access units are taken in the order of the packets. The
//! fields for time and state inside AU headers are read past: audio is decoded in the order it is heard.

mod depacketize;
#[cfg(test)]
mod tests;

pub(crate) use depacketize::{Depacketizer, frame_ticks};

use crate::packetizer::Payload;
use bytes::Bytes;

/// AU-headers-length, and one AU header of AAC-hbr.
const HEAD_BYTES: usize = 4;
/// What 13 bits can tell (RFC 3640 §3.3.6).
const MAX_HBR_BYTES: usize = 8191;

/// One access unit in AAC-hbr: a packet, or fragments that all tell the size of the whole (RFC 3640 §3.2.3.1). An access
/// unit above 8191 bytes, ten times what AAC allows for stereo, cannot be told and gives nothing.
pub(crate) fn packetize(access_unit: &Bytes, max_payload_bytes: usize) -> Vec<Payload> {
    let Some(size) = u16::try_from(access_unit.len()).ok().filter(|_| access_unit.len() <= MAX_HBR_BYTES)
    else {
        return Vec::new();
    };
    let [high, low] = (size << 3).to_be_bytes();
    let head = [0, 16, high, low];
    let piece_bytes =
        crate::codec::h264::equal_piece_bytes(access_unit.len(), max_payload_bytes - HEAD_BYTES).max(1);
    let mut payloads: Vec<Payload> = (0..access_unit.len())
        .step_by(piece_bytes)
        .map(|start| access_unit.slice(start..access_unit.len().min(start + piece_bytes)))
        .map(|piece| Payload::new(&head, piece))
        .collect();
    if let Some(last) = payloads.last_mut() {
        last.marker = true;
    }
    payloads
}
