//! ffmpeg as a child process: what this program does not convert itself.

mod detour;
mod picture;
mod rendition;
pub(crate) mod source;

pub(crate) use rendition::RenditionSource;

use crate::child::Child;
use crate::config;
use crate::mask::Masker;
use crate::streams::{DialError, ErrorKind};
use std::io;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use yeoul_transcode::ffmpeg::source::Templates;

/// How ffmpeg is run, for all who need it.
#[derive(Debug)]
pub(crate) struct Ffmpeg {
    bin: String,
    templates: Templates,
    most: usize,
    free: Arc<Semaphore>,
    masker: Masker,
}

impl Default for Ffmpeg {
    fn default() -> Self {
        Self::new(config::Ffmpeg::default(), Masker::default())
    }
}

/// A running ffmpeg, which counts as long as it lives.
pub(crate) struct Running {
    pub(crate) child: Child,
    _permit: OwnedSemaphorePermit,
}

impl Ffmpeg {
    /// `masker` takes secrets out of what ffmpeg says.
    pub(crate) fn new(config: config::Ffmpeg, masker: Masker) -> Self {
        let config::Ffmpeg { bin, templates, max_processes: most } = config;
        Self { bin, templates, most, free: Arc::new(Semaphore::new(most)), masker }
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
        Ok(Running { child: self.spawn(arguments)?, _permit: permit })
    }

    /// Starts one for a source, which the number of sources bounds.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn spawn(&self, arguments: &[String]) -> Result<Child, DialError> {
        Child::start_in(&self.bin, arguments, &[("no_proxy", no_proxy())]).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                let text = format!(
                    "ffmpeg is not there: looked for {}; install it (apt install ffmpeg, apk add ffmpeg, brew install ffmpeg) \
                     or name its path in ffmpeg.bin",
                    self.bin
                );
                return DialError::new(ErrorKind::Unsupported, text);
            }
            DialError::new(ErrorKind::Retry, format!("{} cannot be started: {error}", self.bin))
        })
    }

    /// The parts of its command lines.
    pub(crate) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// What takes secrets out of what it says.
    pub(crate) fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Why a child that has ended, ended.
    pub(crate) async fn explain(&self, running: Running) -> DialError {
        let text = running.child.explain(&self.masker).await;
        DialError::new(ErrorKind::Retry, format!("ffmpeg {text}"))
    }
}

/// Hosts that ffmpeg asks for without the proxy that its environment or a template names: those that are named already, and this machine,
/// where addresses of ours are ([`detour`]).
fn no_proxy() -> String {
    let named = std::env::var("no_proxy").unwrap_or_default();
    if named.is_empty() { "127.0.0.1".to_owned() } else { format!("{named},127.0.0.1") }
}
