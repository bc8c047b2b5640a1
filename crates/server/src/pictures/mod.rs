//! Pictures of streams over HTTP: `/api/frame.jpeg`, `/api/stream.mjpeg`, `/api/stream.ascii`.
//!
//! A [`Source`] is what all who ask for pictures of one stream share: it keeps the newest picture, no older than the most
//! demanding of them wants. JPEG cameras' pictures are handed on untouched. H.264 and H.265 are decoded in this process, by
//! [`Jobs`] off the async threads and never on more than half of the processors; an ffmpeg child decodes what that cannot
//! ([`child`]). What is made of a picture, a JPEG image of some size or a text, is made once for all who ask for the same
//! ([`shot`]).
//!
//! See docs/design/08-stills.md for how fresh a picture is, and what it costs.

mod api;
mod appetite;
mod body;
mod child;
mod jobs;
mod params;
mod plan;
mod shot;
mod source;

pub(crate) use api::routes;

use crate::ffmpeg::Ffmpeg;
use crate::outputs::Outputs;
use jobs::Jobs;
use source::{Means, Source};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The pictures of all streams.
#[derive(Debug)]
pub(crate) struct Pictures {
    sources: Outputs<Source>,
    means: Means,
}

impl Pictures {
    /// None is made yet. `tasks` are waited for at the end of the program.
    pub(crate) fn new(tasks: &TaskTracker, ffmpeg: &Arc<Ffmpeg>) -> Self {
        let means = Means { jobs: Arc::new(Jobs::new()), ffmpeg: Arc::clone(ffmpeg) };
        Self { sources: Outputs::new(tasks), means }
    }
}
