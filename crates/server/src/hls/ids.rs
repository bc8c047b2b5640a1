//! Which output an id in a query means.

use super::form::Form;
use super::output::Live;
use crate::outputs::{Lease, Outputs};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use yeoul_hub::Stream;

/// Outputs by their id. Those that run no longer are forgotten when the next one comes: there are never more than run.
#[derive(Debug, Default)]
pub(super) struct Ids(Mutex<HashMap<String, (Arc<Stream>, Form)>>);

impl Ids {
    /// From now on, [`Ids::find`] gives this output.
    pub(super) fn remember(&self, outputs: &Outputs<Live>, live: &Lease<Live>) {
        let mut by_id = self.lock();
        if by_id.contains_key(live.id()) {
            return;
        }
        by_id.retain(|id, (stream, form)| outputs.find(stream, form).is_some_and(|live| live.id() == id));
        by_id.insert(live.id().to_owned(), (Arc::clone(live.stream()), live.form().clone()));
    }

    /// The output of this id, if it runs.
    pub(super) fn find(&self, outputs: &Outputs<Live>, id: &str) -> Option<Lease<Live>> {
        let by_id = self.lock();
        let (stream, form) = by_id.get(id)?;
        outputs.find(stream, form).filter(|live| live.id() == id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Arc<Stream>, Form)>> {
        // Nothing panics while it holds the map; were it to, the map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
