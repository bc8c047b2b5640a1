//! ffmpeg as a child process: what this program does not convert itself.

mod child;
mod picture;
mod rendition;

pub(crate) use rendition::RenditionSource;

use crate::config;
use crate::mask::Masker;
use crate::streams::{DialError, ErrorKind};
use child::Child;
use std::io;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How ffmpeg is run, for all who need it.
#[derive(Debug)]
pub(crate) struct Ffmpeg {
    bin: String,
    most: usize,
    free: Arc<Semaphore>,
    masker: Masker,
}

/// A running ffmpeg, which counts as long as it lives.
pub(crate) struct Running {
    pub(crate) child: Child,
    _permit: OwnedSemaphorePermit,
}

impl Ffmpeg {
    /// `masker` takes secrets out of what ffmpeg says.
    pub(crate) fn new(config: config::Ffmpeg, masker: Masker) -> Self {
        let config::Ffmpeg { bin, max_processes: most } = config;
        Self { bin, most, free: Arc::new(Semaphore::new(most)), masker }
    }

    /// Starts one more.
    ///
    /// # Errors
    /// If it cannot be started, or runs too often already.
    pub(crate) fn start(&self, arguments: &[String]) -> Result<Running, DialError> {
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            let text =
                format!("ffmpeg runs {} times already, which is the most (ffmpeg.max_processes)", self.most);
            return Err(DialError::new(ErrorKind::Retry, text));
        };
        match Child::start(&self.bin, arguments) {
            Ok(child) => Ok(Running { child, _permit: permit }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!(
                    "ffmpeg is not there: looked for {}; install it (apt install ffmpeg, apk add ffmpeg, brew install ffmpeg) \
                     or name its path in ffmpeg.bin",
                    self.bin
                );
                Err(DialError::new(ErrorKind::Unsupported, text))
            }
            Err(error) => {
                Err(DialError::new(ErrorKind::Retry, format!("{} cannot be started: {error}", self.bin)))
            }
        }
    }

    /// Why a child that has ended, ended.
    pub(crate) async fn explain(&self, running: Running) -> DialError {
        let text = running.child.explain(&self.masker).await;
        DialError::new(ErrorKind::Retry, format!("ffmpeg {text}"))
    }
}
