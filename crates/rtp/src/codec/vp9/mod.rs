//! VP9 over RTP (RFC 9628).
//!
//! Sent in the non-flexible mode without layers: a descriptor with a 15-bit picture id, and a piece of a frame. Read in both
//! modes: the references that descriptors tell are read past, as frames are taken in the order they were sent in. The frames of
//! several spatial layers become one superframe (VP9 Bitstream & Decoding Process Specification, annex B), which is what decoders
//! take for one picture.
//!
//! Leaves out dropping layers, and superframes inside a layer of several.

mod descriptor;
mod superframe;
#[cfg(test)]
mod tests;

use self::descriptor::Descriptor;
use super::picture::{Assembler, Pieces};
use crate::codec::h264::equal_piece_bytes;
use crate::limits::MAX_VP9_LAYERS;
use crate::packetizer::Payload;
use yeoul_media::{Codec, Frame};

/// The descriptor that the packetizer writes.
const HEAD_BYTES: usize = 3;
/// `M`: the picture id has 15 bits.
const LONG_PICTURE_ID: u16 = 0x8000;

/// Cuts frames.
#[derive(Debug, Default)]
pub(crate) struct Packetizer {
    picture_id: u16,
}

impl Packetizer {
    /// Pieces of equal size, only the last may be shorter.
    pub(crate) fn packetize(&mut self, frame: &Frame, max_payload_bytes: usize) -> Vec<Payload> {
        let data = &frame.data;
        let [high, low] = (LONG_PICTURE_ID | self.picture_id).to_be_bytes();
        self.picture_id = (self.picture_id + 1) & !LONG_PICTURE_ID;
        let predicted = if frame.keyframe { 0 } else { descriptor::PREDICTED };
        let piece_bytes = equal_piece_bytes(data.len(), max_payload_bytes - HEAD_BYTES).max(1);
        let mut payloads: Vec<Payload> = (0..data.len())
            .step_by(piece_bytes)
            .map(|at| {
                let end = data.len().min(at + piece_bytes);
                let starts = if at == 0 { descriptor::START } else { 0 };
                let ends = if end == data.len() { descriptor::END } else { 0 };
                let first = descriptor::HAS_PICTURE_ID | predicted | starts | ends;
                Payload::new(&[first, high, low], data.slice(at..end))
            })
            .collect();
        if let Some(last) = payloads.last_mut() {
            last.marker = true;
        }
        payloads
    }
}

/// Puts pictures together.
pub(crate) type Depacketizer = Assembler<Layers>;

/// A depacketizer of a track of which `codec` is known.
pub(crate) fn depacketizer(codec: &Codec) -> Depacketizer {
    Assembler::new(codec.clone(), Layers::default())
}

/// The layer frames of a picture.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Where each one ends in the picture.
    ends: Vec<usize>,
}

impl Pieces for Layers {
    fn begins(&self, payload: &[u8]) -> bool {
        payload.first().is_some_and(|first| first & descriptor::START != 0)
    }

    fn take(&mut self, payload: &[u8], picture: &mut Vec<u8>) -> Result<(), String> {
        let descriptor = Descriptor::parse(payload)
            .ok_or_else(|| format!("a packet of {} bytes ends inside its descriptor", payload.len()))?;
        let layer_start = self.ends.last().copied().unwrap_or(0);
        if descriptor.starts != (picture.len() == layer_start) {
            let what =
                if descriptor.starts { "starts before the end of" } else { "goes on after the end of" };
            return Err(format!("a layer {what} another"));
        }
        picture.extend_from_slice(descriptor.data);
        if descriptor.ends {
            if self.ends.len() == MAX_VP9_LAYERS {
                return Err(format!("a picture has more than {MAX_VP9_LAYERS} layers"));
            }
            self.ends.push(picture.len());
        }
        Ok(())
    }

    fn end(&mut self, picture: &mut Vec<u8>) -> Result<bool, String> {
        // Whoever sets no end on the last packet has set the marker.
        if self.ends.last() != Some(&picture.len()) {
            self.ends.push(picture.len());
        }
        if self.ends.len() > 1 {
            superframe::put_index(&self.ends, picture);
        }
        Ok(true)
    }

    fn reset(&mut self) {
        self.ends.clear();
    }
}
