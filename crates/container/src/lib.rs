//! Containers: frames to the bytes of a file or a stream of bytes, and back. Everything is sans-IO.
//!
//! A muxer is made for a set of tracks and works once per frame, whoever watches. Media time in every container counts from
//! the zero of the stream's timeline, so that sound, picture and the renditions of one stream stay in step.

pub mod adts;
pub mod annexb;
mod announce;
mod arrival;
mod event;
pub mod flv;
pub mod fmp4;
pub mod jpegs;
pub mod limits;
pub mod mpegts;
pub mod multipart;
mod opus;
pub mod pcm;
mod pictures;
pub mod sniff;
mod splitter;
#[cfg(test)]
mod testing;
mod timeline;
mod unsupported;
pub mod wav;

pub use event::Event;
pub use unsupported::Unsupported;

use std::time::Duration;
use yeoul_media::Frame;

/// A frame and how long it lasts: until the next frame of its track decodes.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The frame.
    pub frame: Frame,
    /// From its decoding time to that of the next frame of its track.
    pub duration: Duration,
}
