//! MPEG-4 part 2 video over RTP (RFC 6416 §5, `MP4V-ES`).
//!
//! A packet is a piece of the elementary stream, without a head of its own; the marker ends a picture. Headers may come in packets
//! of their own: they stay with the picture after them. Leaves out several pictures in one packet.

#[cfg(test)]
mod tests;

use super::picture::{Assembler, Pieces};
use crate::codec::h264::equal_piece_bytes;
use crate::packetizer::Payload;
use bytes::Bytes;
use yeoul_media::bitstream::mpeg4::{self, Configuration};
use yeoul_media::{Codec, Frame};

/// What every header and picture starts with.
const START_CODE: [u8; 3] = [0, 0, 1];

/// Cuts pictures.
#[derive(Debug)]
pub(crate) struct Packetizer {
    configuration: Option<Configuration>,
}

impl Packetizer {
    pub(crate) fn new(configuration: Option<Configuration>) -> Self {
        Self { configuration }
    }

    /// Pieces of equal size, only the last may be shorter; in front of a keyframe the headers that it lacks.
    pub(crate) fn packetize(&mut self, frame: &Frame, max_payload_bytes: usize) -> Vec<Payload> {
        if let Some(Codec::Mpeg4Video(Some(configuration))) = frame.new_codec.as_deref() {
            self.configuration = Some(configuration.clone());
        }
        let missing = self.configuration.as_ref().filter(|_| frame.keyframe);
        let missing = missing.filter(|_| Configuration::parse(&frame.data).is_none());
        let mut payloads = Vec::with_capacity(2 + frame.data.len() / max_payload_bytes);
        for data in missing.map(Configuration::bytes).into_iter().chain([&frame.data]) {
            put_pieces(data, max_payload_bytes, &mut payloads);
        }
        if let Some(last) = payloads.last_mut() {
            last.marker = true;
        }
        payloads
    }
}

fn put_pieces(data: &Bytes, max_payload_bytes: usize, payloads: &mut Vec<Payload>) {
    let piece_bytes = equal_piece_bytes(data.len(), max_payload_bytes).max(1);
    let starts = (0..data.len()).step_by(piece_bytes);
    let pieces = starts.map(|at| data.slice(at..data.len().min(at + piece_bytes)));
    payloads.extend(pieces.map(|piece| Payload::new(&[], piece)));
}

/// Puts pictures together.
pub(crate) type Depacketizer = Assembler<Stream>;

/// A depacketizer of a track of which `codec` is known.
pub(crate) fn depacketizer(codec: &Codec) -> Depacketizer {
    Assembler::new(codec.clone(), Stream)
}

/// Pieces without a head.
#[derive(Debug)]
pub(crate) struct Stream;

impl Pieces for Stream {
    fn begins(&self, payload: &[u8]) -> bool {
        payload.starts_with(&START_CODE)
    }

    fn take(&mut self, payload: &[u8], picture: &mut Vec<u8>) -> Result<(), String> {
        picture.extend_from_slice(payload);
        Ok(())
    }

    fn end(&mut self, picture: &mut Vec<u8>) -> Result<bool, String> {
        let has_picture = mpeg4::has_picture(picture);
        if !has_picture && picture.len() > mpeg4::MAX_CONFIGURATION_BYTES {
            return Err(format!("{} bytes came without a picture", picture.len()));
        }
        Ok(has_picture)
    }

    fn reset(&mut self) {}
}
