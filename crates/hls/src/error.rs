//! Why a stream cannot be served as HLS any longer.

use crate::limits::{BREAKS_TIME, MAX_BREAKS, MAX_SEGMENT_BYTES, MAX_SEGMENT_FRAMES};
use std::time::Duration;
use yeoul_media::TrackId;

/// Why a [`crate::Segmenter`] has stopped. Each is a sentence about the camera.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The container does not carry the tracks.
    #[error("{0}")]
    Container(String),
    /// No keyframe for too long.
    #[error(
        "the camera has sent no keyframe for {} s, and an HLS segment has to start with one; set its keyframe \
         interval (I-frame interval, GOP) to 1 to 4 s",
        waited.as_secs()
    )]
    NoKeyframe {
        /// The video track.
        track: TrackId,
        /// Since when.
        waited: Duration,
    },
    /// Keyframes come without the parameter sets that an init segment needs.
    #[error("the camera's keyframes come without parameter sets, so that no player could decode them")]
    NoParameterSets {
        /// The video track.
        track: TrackId,
    },
    /// Time stamps jump again and again.
    #[error(
        "the camera's time stamps have jumped {MAX_BREAKS} times within {} s; its clock is broken",
        BREAKS_TIME.as_secs()
    )]
    BrokenTime,
    /// Time stamps do not go forward.
    #[error("the camera's time stamps stand still: {MAX_SEGMENT_FRAMES} frames within {} ms", span.as_millis())]
    StandingTime {
        /// Time from the first to the last of those frames.
        span: Duration,
    },
    /// More than a segment may have.
    #[error(
        "a segment of {} ms has more than {} MiB; lower the camera's bitrate or its keyframe interval",
        span.as_millis(),
        MAX_SEGMENT_BYTES >> 20
    )]
    TooLarge {
        /// Length of the segment so far.
        span: Duration,
    },
    /// Frames after [`crate::Segmenter::end`], or after an error.
    #[error("the playlist has ended")]
    Ended,
}
