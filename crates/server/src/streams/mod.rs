//! The streams of this server by name, and the tasks that drive their sources.

mod changes;
mod error;
mod registry;
mod supervisor;
#[cfg(test)]
mod tests;
mod variants;

pub(crate) use changes::ChangeError;
pub(crate) use error::{DialError, ErrorKind};
pub(crate) use registry::Registry;
pub(crate) use variants::Variant;

use crate::config::StreamConfig;
use crate::policy::Origin;
use crate::schemes::{Means, Written};
use registry::Table;
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
    pub(crate) sources: Vec<Written>,
    /// Who has named them.
    pub(crate) origin: Origin,
    /// Who has given the stream this name.
    pub(crate) named_by: Origin,
    /// Its qualities, the best first; empty where there is only one.
    pub(crate) variants: Vec<Variant>,
    /// Ends the tasks that drive its sources.
    stop: CancellationToken,
}

impl ConfiguredStream {
    /// Ends its consumers and its sources.
    fn end(&self) {
        self.stop.cancel();
        self.stream.close();
    }
}

/// The streams of this server; each source has one task that dials it while it is wanted.
#[derive(Debug)]
pub(crate) struct Streams {
    settings: StreamSettings,
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
        let streams = Self { settings, tasks: TaskTracker::new(), stop };
        streams.registry().change(|table| {
            for (name, config) in configured.iter().filter(|(_, config)| !config.is_made_of_others()) {
                let stream = streams.supervise(name, config.sources.clone(), config.origin);
                table.by_name.insert(name.clone(), Arc::new(stream));
            }
            variants::add(&streams, table, &configured);
        });
        streams
    }

    /// A stream whose sources are dialled while they are wanted.
    fn supervise(&self, name: &str, sources: Vec<Written>, origin: Origin) -> ConfiguredStream {
        let StreamSettings { linger, options, timeline, means } = &self.settings;
        let stream = Stream::on(timeline, name, sources.len(), *options);
        let stop = self.stop.child_token();
        for (slot, written) in stream.sources().into_iter().zip(&sources) {
            let (source, means) = (written.source.clone(), Arc::clone(means));
            self.tasks.spawn(supervisor::run(slot, (source, origin), means, *linger, stop.clone()));
        }
        ConfiguredStream { stream, sources, origin, named_by: origin, variants: Vec::new(), stop }
    }

    /// The streams by name, for those who only look.
    pub(crate) fn registry(&self) -> &Registry {
        &self.settings.means.streams
    }

    /// What the sources need.
    pub(crate) fn means(&self) -> &Means {
        &self.settings.means
    }

    /// The stream of this name: one that was given a name, or one that ffmpeg makes.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Stream>> {
        self.configured(name).map(|configured| Arc::clone(&configured.stream))
    }

    /// As [`Streams::get`], with the sources and the qualities.
    pub(crate) fn configured(&self, name: &str) -> Option<Arc<ConfiguredStream>> {
        self.registry().get(name)
    }

    /// The qualities of the stream of this name, the best first; empty where there is only one.
    pub(crate) fn variants(&self, name: &str) -> Vec<Variant> {
        self.configured(name).map_or_else(Vec::new, |configured| configured.variants.clone())
    }

    /// All streams that were given a name, in the order of their names.
    pub(crate) fn all(&self) -> Vec<(String, Arc<ConfiguredStream>)> {
        let table = self.registry().read();
        table.by_name.iter().map(|(name, stream)| (name.clone(), Arc::clone(stream))).collect()
    }

    /// Ends all consumers and sources; resolves when every source has said goodbye to its camera.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        {
            let table = self.registry().read();
            table.by_name.values().chain(table.renditions.values()).for_each(|configured| configured.end());
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}
