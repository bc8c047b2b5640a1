//! The fan-outs that players share: one for each choice of tracks of a stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use yeoul_container::Unsupported;
use yeoul_hub::Consumer;
use yeoul_media::TrackId;
use yeoul_rtmp::Fanout;
use yeoul_rtmp::server::MESSAGE_STREAM;

/// A fan-out as its players hold it; it ends with the last of them.
pub(super) type Shared = Arc<Mutex<Fanout>>;

/// The fan-outs in use.
#[derive(Debug, Default)]
pub(super) struct Fanouts(Mutex<HashMap<Choice, Weak<Mutex<Fanout>>>>);

/// A stream, and tracks of it. The stream is told by its address: a fan-out's players hold it, so that no other can be there. Its name
/// may be another stream's by now.
type Choice = (usize, Vec<TrackId>);

impl Fanouts {
    /// The fan-out of this consumer's tracks.
    pub(super) fn get(&self, consumer: &Consumer) -> Result<Shared, Unsupported> {
        let ids = consumer.tracks().iter().map(|track| track.id).collect();
        let choice = (Arc::as_ptr(consumer.stream()).addr(), ids);
        let mut by_choice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_choice.get(&choice).and_then(Weak::upgrade) {
            return Ok(found);
        }
        let fanout = Arc::new(Mutex::new(Fanout::new(consumer.tracks(), MESSAGE_STREAM)?));
        by_choice.retain(|_, fanout| fanout.strong_count() > 0);
        by_choice.insert(choice, Arc::downgrade(&fanout));
        Ok(fanout)
    }
}

/// No code panics while it holds the lock; were it to, what is in it is still whole.
pub(super) fn lock(fanout: &Mutex<Fanout>) -> MutexGuard<'_, Fanout> {
    fanout.lock().unwrap_or_else(PoisonError::into_inner)
}
