//! What every other part of Yeoul talks about: a [`Frame`] of a [`Track`] coded by a [`Codec`].
//!
//! Everything between a producer and a consumer is a [`Frame`]: one access unit of video or one codec frame of
//! audio, cheap to clone. Time is a [`Timestamp`] of 64 bits that never wraps. The bitstreams behind the codecs are
//! read in [`bitstream`].
//!
//! This crate knows no protocol: no payload type, sequence number, SSRC, segment or channel.

mod access_unit;
pub mod bitstream;
mod codec;
mod frame;
mod timestamp;
mod track;

pub use codec::{Codec, Kind, PcmLayout};
pub use frame::Frame;
pub use timestamp::Timestamp;
pub use track::{Track, TrackId};
