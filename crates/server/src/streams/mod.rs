//! The streams of this server by name, and the tasks that drive their sources.

mod error;
mod supervisor;
#[cfg(test)]
mod tests;
mod variants;

pub(crate) use error::{DialError, ErrorKind};

pub(crate) use variants::Variant;

use crate::config::StreamConfig;
use crate::schemes::{Means, Source};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yeoul_hub::{Stream, StreamOptions, Timeline};

/// What all streams share.
#[derive(Clone, Debug)]
pub(crate) struct StreamSettings {
    /// How long a source is kept after its last consumer has gone, so that the next one finds it running.
    pub(crate) linger: Duration,
    /// Bounds of the GOP buffer and the patience with slow consumers.
    pub(crate) options: StreamOptions,
    /// What all of them count their time from.
    pub(crate) timeline: Timeline,
    /// What their sources need.
    pub(crate) means: Arc<Means>,
}

/// A stream that can be asked for by name.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredStream {
    /// The stream itself; of a stream made of others, the first of them.
    pub(crate) stream: Arc<Stream>,
    /// Its sources as written.
    pub(crate) sources: Vec<Source>,
    /// Its qualities, the best first; empty where there is only one.
    pub(crate) variants: Vec<Variant>,
}

/// The streams of this server. Made once at the start; each source has one task that dials it while it is wanted.
#[derive(Debug)]
pub(crate) struct Streams {
    by_name: BTreeMap<String, ConfiguredStream>,
    /// Those that ffmpeg makes, by names such as `cam@720p`.
    renditions: BTreeMap<String, ConfiguredStream>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Streams {
    /// Makes the streams and starts their supervisors, which end when `stop` is cancelled. Call it inside the runtime.
    pub(crate) fn start(
        configured: impl IntoIterator<Item = (String, StreamConfig)>,
        settings: StreamSettings,
        stop: CancellationToken,
    ) -> Self {
        let configured: BTreeMap<String, StreamConfig> = configured.into_iter().collect();
        let mut streams =
            Self { by_name: BTreeMap::new(), renditions: BTreeMap::new(), tasks: TaskTracker::new(), stop };
        for (name, config) in configured.iter().filter(|(_, config)| !config.is_made_of_others()) {
            let stream = streams.supervise(name, config.sources.clone(), &settings);
            streams.by_name.insert(name.clone(), stream);
        }
        variants::add(&mut streams, &configured, &settings);
        streams.tasks.close();
        streams
    }

    /// A stream whose sources are dialled while they are wanted.
    fn supervise(&self, name: &str, sources: Vec<Source>, settings: &StreamSettings) -> ConfiguredStream {
        let stream = Stream::on(&settings.timeline, name, sources.len(), settings.options);
        for (slot, source) in stream.sources().into_iter().zip(&sources) {
            self.tasks.spawn(supervisor::run(
                slot,
                source.clone(),
                Arc::clone(&settings.means),
                settings.linger,
                self.stop.clone(),
            ));
        }
        ConfiguredStream { stream, sources, variants: Vec::new() }
    }

    /// The stream of this name: a configured one, or one that ffmpeg makes.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Stream>> {
        self.configured(name).map(|configured| &configured.stream)
    }

    /// As [`Streams::get`], with the sources.
    pub(crate) fn configured(&self, name: &str) -> Option<&ConfiguredStream> {
        self.by_name.get(name).or_else(|| self.renditions.get(name))
    }

    /// The qualities of the stream of this name, the best first; empty where there is only one.
    pub(crate) fn variants(&self, name: &str) -> &[Variant] {
        self.configured(name).map_or(&[], |configured| &configured.variants)
    }

    /// All configured streams in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &ConfiguredStream)> {
        self.by_name.iter().map(|(name, configured)| (name.as_str(), configured))
    }

    /// Ends all consumers and sources; resolves when every source has said goodbye to its camera.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        for configured in self.by_name.values().chain(self.renditions.values()) {
            configured.stream.close();
        }
        self.tasks.wait().await;
    }
}
