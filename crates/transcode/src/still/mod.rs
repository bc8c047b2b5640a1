//! Pictures of H.264 and H.265 access units, decoded in this process.
//!
//! A decoder eats bytes of a camera: it gets none before its parameter sets and sizes are within [`crate::limits`]. The decoders
//! themselves are safe Rust and report what is wrong with a stream; should one panic nevertheless, that must end no more than the
//! job, so whoever runs one catches the unwinding at the border of its thread and throws the decoder away.

mod gop;
mod h264;
mod h265;

pub use gop::{Batch, Decoded, Goal, Gop, GopError};

use crate::picture::Picture;
use yeoul_media::{Codec, Frame};

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// The coding is beyond this process; ffmpeg may be able to do it. The text says what it is: `interlaced H.264`.
    #[error("{0} cannot be decoded in this process")]
    Unsupported(String),
    /// The coded data is damaged, or refers to pictures that were not there; decoding goes on at the next keyframe.
    #[error("{0}")]
    Damaged(String),
}

/// Decodes the access units of one track, from a keyframe on.
pub trait StillDecoder: Send {
    /// Decodes one access unit: the frames of a GOP in decoding order, without those that no other refers to if nobody wants
    /// their pictures. After an error the next one is a keyframe.
    ///
    /// # Errors
    /// If the access unit cannot be decoded; see [`StillError`].
    fn decode(&mut self, frame: &Frame) -> Result<(), StillError>;

    /// The picture of the access unit that was decoded last, cropped as the parameter sets say; once.
    fn take_picture(&mut self) -> Option<Picture>;
}

/// The decoder of a coding, with the parameter sets that it has so far.
///
/// # Errors
/// [`StillError::Unsupported`] if the coding, or what its parameter sets ask for, is beyond this process.
pub fn still_decoder(codec: &Codec) -> Result<Box<dyn StillDecoder>, StillError> {
    match codec {
        Codec::H264(sets) => Ok(Box::new(h264::Decoder::new(sets.as_ref())?)),
        Codec::H265(sets) => Ok(Box::new(h265::Decoder::new(sets.as_ref())?)),
        Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => Err(StillError::Unsupported(codec.name().to_owned())),
    }
}
