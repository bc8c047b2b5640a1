//! One state of a playlist, with the answers that are made of it.

use super::caching::Cached;
use super::output::Live;
use crate::api::Prepared;
use std::sync::{Arc, OnceLock};
use yeoul_hls::{Directives, Snapshot};

/// A snapshot, and its texts with their headers: each made when the first one asks for it, and shared by all.
pub(super) struct View {
    pub(super) snapshot: Arc<Snapshot>,
    /// By names, then full and delta update, then whether it was waited for, which is kept for longer.
    texts: [[[OnceLock<Prepared>; 2]; 2]; 2],
}

impl View {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, texts: Default::default() }
    }

    /// The playlist under the names with this index.
    pub(super) fn playlist(&self, live: &Live, names: usize, directives: &Directives) -> &Prepared {
        let waited = directives.msn.is_some();
        let texts = &self.texts[names.min(1)][usize::from(directives.skip)][usize::from(waited)];
        texts.get_or_init(|| {
            let promise = self.snapshot.promise();
            let cached = Cached::Playlist {
                target_duration: promise.target_duration,
                low_latency: promise.part_target.is_some(),
                waited,
            };
            let text = self.snapshot.playlist(names, directives.skip);
            Prepared::new(super::PLAYLIST, live.caching().header(cached), text)
        })
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("version", &self.snapshot.version()).finish_non_exhaustive()
    }
}
