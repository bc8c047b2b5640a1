//! Conversions of one coding into another, as far as they are computation: no process is started here, no clock is read.
//!
//! * A [`Picture`] is what everything turns around: planes of luma and chroma. A [`StillDecoder`] makes one of H.264 or H.265
//!   access units, [`jpeg::decode`] of a JPEG image, [`y4m`] of what ffmpeg writes.
//! * [`Gop`] holds the frames since the last keyframe and says which of them a picture needs.
//! * [`jpeg::encode`] makes a JPEG image of it, [`ascii`] a text for a terminal; [`Picture::scaled`] and [`Picture::turned`] come
//!   before.
//! * What the decoders here cannot do, [`StillError::Unsupported`] says; [`ffmpeg`] has the command lines for that.

pub mod ascii;
mod color;
pub mod ffmpeg;
pub mod flac;
pub mod jpeg;
pub mod limits;
mod picture;
mod scale;
mod still;
mod turn;
pub mod y4m;

pub use picture::{Color, Matrix, Picture, Range, Size};
pub use still::{Batch, Decoded, Goal, Gop, GopError, StillDecoder, StillError, still_decoder};
pub use turn::Turn;
