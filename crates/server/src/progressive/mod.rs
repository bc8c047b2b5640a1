//! Endless files over HTTP: `/api/stream.mp4`, `.ts`, `.flv`, `.aac`, and `/api/frame.mp4`, with go2rtc's parameters.
//!
//! A [`Live`](live::Live) is what all viewers of one stream in one form share: its latest [`pieces`](pieces::Pieces), each
//! written once. A [`viewer`] reads them at its own pace: what a player needs first, everything since the last keyframe at
//! once, then what comes; one that falls behind goes on at a keyframe. A [`download`] is somebody's own file: it begins at
//! time 0 and may end by itself, so it has a [`writer`] of its own.
//!
//! What it leaves out: seeking (there is nothing but now), and conversions other than PCM to FLAC.

mod download;
mod form;
mod keyframe;
mod live;
mod pieces;
mod query;
mod serve;
mod shown;
#[cfg(test)]
mod tests;
mod viewer;
mod writer;

pub(crate) use live::Live;
pub(crate) use serve::routes;

use crate::limits::PROGRESSIVE_FIRST_WAIT;
use crate::outputs::OutputError;
use std::sync::Arc;
use yeoul_hub::{State, Stream};

/// Why there is nothing that a file could start with.
fn no_start(stream: &Arc<Stream>) -> OutputError {
    if stream.state() != State::Live {
        return OutputError::away(stream);
    }
    OutputError::Failed(format!(
        "the camera of stream {} has sent no keyframe for {} s, and a file cannot start without one; set its keyframe interval \
         (I-frame interval, GOP) to 1 to 4 s",
        stream.name(),
        PROGRESSIVE_FIRST_WAIT.as_secs()
    ))
}
