//! A rendition: a source whose frames ffmpeg makes of those of another stream.

use super::Ffmpeg;
use crate::streams::{DialError, ErrorKind};
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use yeoul_hub::{Attach, Stream};
use yeoul_transcode::ffmpeg::Rendition;

/// A lower quality of a stream.
#[derive(Clone, Debug)]
pub(crate) struct RenditionSource {
    parent: Arc<Stream>,
    rendition: Rendition,
    ffmpeg: Arc<Ffmpeg>,
}

impl RenditionSource {
    pub(crate) fn new(parent: Arc<Stream>, rendition: Rendition, ffmpeg: &Arc<Ffmpeg>) -> Self {
        Self { parent, rendition, ffmpeg: Arc::clone(ffmpeg) }
    }

    /// Makes frames until `hang_up` is cancelled.
    pub(crate) async fn run(&self, attach: Attach, hang_up: CancellationToken) -> Result<(), DialError> {
        let _ = (attach, hang_up, &self.ffmpeg.config.bin);
        Err(DialError::new(ErrorKind::Unsupported, "renditions are not made yet"))
    }
}

/// `360p of cam`
impl fmt::Display for RenditionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.rendition, self.parent.name())
    }
}
