//! Streams: where frames of producers meet consumers.
//!
//! A [`Stream`] is a named set of tracks. Its sources are dialled by whoever drives it (this crate opens no socket and
//! spawns no task): a driver watches [`SourceSlot::demand`], dials, and hands the tracks it found to [`Attach::tracks`],
//! which gives the [`Producer`] that publishes frames. Viewers [`Stream::join`] with what they can take and get a
//! [`Consumer`].
//!
//! Frames are stored once, in the stream's ring: the frames since the last keyframe are the GOP buffer from which a new
//! consumer starts, so that it has a picture at once. Each consumer has its own place in the ring and nothing else: it
//! can slow nobody down, and when it falls too far behind it goes on at a keyframe, which is counted.
//!
//! Control (states, demand) and data (the ring) share no lock.

mod align;
mod backoff;
mod consumer;
mod join;
mod label;
pub mod limits;
mod producer;
mod ring;
mod snapshot;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod timeline;

pub use align::{Sibling, Siblings};
pub use backoff::Backoff;
pub use consumer::{Consumer, Delivery, Event};
pub use join::{JoinError, Joining, Want};
pub use label::Label;
pub use producer::{Attach, Producer, Replaced};
pub use snapshot::{ConsumerSnapshot, SourceSnapshot, StreamSnapshot};
pub use status::State;
pub use stream::{SourceSlot, Stream, StreamOptions};
pub use timeline::Timeline;
