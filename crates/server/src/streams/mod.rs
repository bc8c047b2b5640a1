//! The streams of this server by name, and the tasks that drive their sources.

mod error;
mod supervisor;
#[cfg(test)]
mod tests;

pub(crate) use error::{DialError, ErrorKind};

use crate::schemes::Source;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yeoul_hub::{Stream, StreamOptions};

/// What all streams share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamSettings {
    /// How long a source is kept after its last consumer has gone, so that the next one finds it running.
    pub(crate) linger: Duration,
    /// Bounds of the GOP buffer and the patience with slow consumers.
    pub(crate) options: StreamOptions,
}

/// A configured stream: its sources as written, and the stream itself.
#[derive(Debug)]
pub(crate) struct ConfiguredStream {
    pub(crate) stream: Arc<Stream>,
    pub(crate) sources: Vec<Source>,
}

/// The streams of this server. Made once at the start; each source has one task that dials it while it is wanted.
#[derive(Debug)]
pub(crate) struct Streams {
    by_name: BTreeMap<String, ConfiguredStream>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Streams {
    /// Makes the streams and starts their supervisors, which end when `stop` is cancelled. Call it inside the runtime.
    pub(crate) fn start(
        configured: impl IntoIterator<Item = (String, Vec<Source>)>,
        settings: StreamSettings,
        stop: CancellationToken,
    ) -> Self {
        let tasks = TaskTracker::new();
        let by_name = configured.into_iter().map(|(name, sources)| {
            let stream = Stream::new(&name, sources.len(), settings.options);
            for (slot, source) in stream.sources().into_iter().zip(&sources) {
                tasks.spawn(supervisor::run(slot, source.clone(), settings.linger, stop.clone()));
            }
            (name, ConfiguredStream { stream, sources })
        });
        let by_name = by_name.collect();
        tasks.close();
        Self { by_name, tasks, stop }
    }

    /// The stream of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Stream>> {
        self.by_name.get(name).map(|configured| &configured.stream)
    }

    /// As [`Streams::get`], with the sources.
    pub(crate) fn configured(&self, name: &str) -> Option<&ConfiguredStream> {
        self.by_name.get(name)
    }

    /// All streams in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &ConfiguredStream)> {
        self.by_name.iter().map(|(name, configured)| (name.as_str(), configured))
    }

    /// Ends all consumers and sources; resolves when every source has said goodbye to its camera.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        for configured in self.by_name.values() {
            configured.stream.close();
        }
        self.tasks.wait().await;
    }
}
