//! ffmpeg as a child process: what this program does not convert itself.

mod child;
mod rendition;

pub(crate) use rendition::RenditionSource;

use crate::config;

/// How ffmpeg is run, for all who need it.
#[derive(Debug)]
pub(crate) struct Ffmpeg {
    pub(crate) config: config::Ffmpeg,
}

impl Ffmpeg {
    pub(crate) fn new(config: config::Ffmpeg) -> Self {
        Self { config }
    }
}
