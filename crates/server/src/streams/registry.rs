//! The streams by name, as everybody sees them. Their owner, [`super::Streams`], changes them while the program runs.

use super::ConfiguredStream;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;
use yeoul_hub::Stream;

/// The streams by name. Cheap to clone: all clones are the same table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    table: RwLock<Table>,
    /// Told of each change.
    changes: watch::Sender<()>,
}

/// Names and their streams.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Those that a name was given to, in the configuration or by a caller of the API.
    pub(super) by_name: BTreeMap<String, Arc<ConfiguredStream>>,
    /// Those that ffmpeg makes, by names such as `cam@720p`.
    pub(super) renditions: BTreeMap<String, Arc<ConfiguredStream>>,
}

impl Registry {
    /// Whether there is a stream of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The stream of this name.
    pub(super) fn get(&self, name: &str) -> Option<Arc<ConfiguredStream>> {
        self.read().get(name).map(Arc::clone)
    }

    /// The stream of this name, as soon as there is one.
    pub(crate) async fn wait_for(&self, name: &str) -> Arc<Stream> {
        let mut changes = self.0.changes.subscribe();
        loop {
            if let Some(found) = self.get(name) {
                return Arc::clone(&found.stream);
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Table> {
        // Nobody panics while holding it.
        self.0.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For one change, which is then told.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let mut table: RwLockWriteGuard<'_, Table> =
            self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut table);
        drop(table);
        self.0.changes.send_replace(());
        changed
    }
}

impl Table {
    pub(super) fn get(&self, name: &str) -> Option<&Arc<ConfiguredStream>> {
        self.by_name.get(name).or_else(|| self.renditions.get(name))
    }

    /// The name of a stream that has this one among its qualities.
    pub(super) fn user_of(&self, name: &str) -> Option<&str> {
        let stream = &self.by_name.get(name)?.stream;
        // Who is the stream itself, by another name, keeps it.
        let uses = |configured: &ConfiguredStream| {
            !Arc::ptr_eq(&configured.stream, stream)
                && configured.variants.iter().any(|variant| Arc::ptr_eq(&variant.stream, stream))
        };
        self.by_name.iter().find(|(_, configured)| uses(configured)).map(|(other, _)| other.as_str())
    }

    /// Whether this stream is a quality of one that a name leads to.
    pub(super) fn has_variant(&self, stream: &Arc<Stream>) -> bool {
        let mut variants = self.by_name.values().flat_map(|configured| &configured.variants);
        variants.any(|variant| Arc::ptr_eq(&variant.stream, stream))
    }

    /// Whether a name leads to this stream.
    pub(super) fn leads_to(&self, stream: &Arc<Stream>) -> bool {
        self.by_name.values().any(|configured| Arc::ptr_eq(&configured.stream, stream))
    }
}
