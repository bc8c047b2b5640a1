//! VP8 over RTP (RFC 7741).
//!
//! A packet is a payload descriptor (§4.2) and a piece of a frame. The packetizer writes the 15-bit picture id, which Chromium
//! counts losses by, and cuts a frame anywhere: it does not look for its partitions. Leaves out temporal layers: what others send
//! of them is read past, and all are taken.

#[cfg(test)]
mod tests;

use super::picture::{Assembler, Pieces};
use crate::codec::h264::equal_piece_bytes;
use crate::packetizer::Payload;
use bytes::Bytes;
use yeoul_media::Codec;

/// `X`: the second byte follows.
const EXTENDED: u8 = 0x80;
/// `S`: a partition starts here.
const PARTITION_START: u8 = 0x10;
/// `PID`, the number of the partition.
const PARTITION_MASK: u8 = 0x07;
/// `I`, `L`, `T` and `K` of the second byte.
const HAS_PICTURE_ID: u8 = 0x80;
const HAS_TL0: u8 = 0x40;
const HAS_TID: u8 = 0x20;
const HAS_KEY_INDEX: u8 = 0x10;
/// `M`: the picture id has 15 bits.
const LONG_PICTURE_ID: u16 = 0x8000;
/// The descriptor that the packetizer writes.
const HEAD_BYTES: usize = 4;

/// Cuts frames.
#[derive(Debug, Default)]
pub(crate) struct Packetizer {
    picture_id: u16,
}

impl Packetizer {
    /// Pieces of equal size, only the last may be shorter.
    pub(crate) fn packetize(&mut self, frame: &Bytes, max_payload_bytes: usize) -> Vec<Payload> {
        let [high, low] = (LONG_PICTURE_ID | self.picture_id).to_be_bytes();
        self.picture_id = (self.picture_id + 1) & !LONG_PICTURE_ID;
        let piece_bytes = equal_piece_bytes(frame.len(), max_payload_bytes - HEAD_BYTES).max(1);
        let mut payloads: Vec<Payload> = (0..frame.len())
            .step_by(piece_bytes)
            .map(|at| {
                let start = if at == 0 { PARTITION_START } else { 0 };
                let piece = frame.slice(at..frame.len().min(at + piece_bytes));
                Payload::new(&[EXTENDED | start, HAS_PICTURE_ID, high, low], piece)
            })
            .collect();
        if let Some(last) = payloads.last_mut() {
            last.marker = true;
        }
        payloads
    }
}

/// Puts frames together.
pub(crate) type Depacketizer = Assembler<Descriptors>;

/// A depacketizer of a track of which `codec` is known.
pub(crate) fn depacketizer(codec: &Codec) -> Depacketizer {
    Assembler::new(codec.clone(), Descriptors)
}

/// What stands in front of the pieces.
#[derive(Debug)]
pub(crate) struct Descriptors;

impl Pieces for Descriptors {
    fn begins(&self, payload: &[u8]) -> bool {
        payload.first().is_some_and(|first| first & PARTITION_START != 0 && first & PARTITION_MASK == 0)
    }

    fn take(&mut self, payload: &[u8], picture: &mut Vec<u8>) -> Result<(), String> {
        let data = without_descriptor(payload)
            .filter(|data| !data.is_empty())
            .ok_or_else(|| format!("a packet of {} bytes ends inside its descriptor", payload.len()))?;
        picture.extend_from_slice(data);
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<bool, String> {
        Ok(true)
    }

    fn reset(&mut self) {}
}

fn without_descriptor(payload: &[u8]) -> Option<&[u8]> {
    let (&first, mut rest) = payload.split_first()?;
    if first & EXTENDED == 0 {
        return Some(rest);
    }
    let (&fields, after) = rest.split_first()?;
    rest = after;
    if fields & HAS_PICTURE_ID != 0 {
        rest = rest.get(if rest.first()? & 0x80 != 0 { 2 } else { 1 }..)?;
    }
    if fields & HAS_TL0 != 0 {
        rest = rest.get(1..)?;
    }
    if fields & (HAS_TID | HAS_KEY_INDEX) != 0 {
        rest = rest.get(1..)?;
    }
    Some(rest)
}
