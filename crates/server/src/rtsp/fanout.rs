//! The fan-outs that players share: one for each choice of tracks of a stream.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use yeoul_hub::Consumer;
use yeoul_media::TrackId;
use yeoul_rtsp::Fanout;

/// A fan-out as its players hold it; it ends with the last of them.
pub(super) type Shared = Arc<Mutex<Fanout>>;

/// The fan-outs in use.
#[derive(Debug)]
pub(super) struct Fanouts {
    by_choice: Mutex<HashMap<Choice, Weak<Mutex<Fanout>>>>,
    max_packet_bytes: usize,
}

/// A stream, and tracks of it. The stream is told by its address: a fan-out's players hold it, so that no other can be there. Its name
/// may be another stream's by now.
type Choice = (usize, Vec<TrackId>);

impl Fanouts {
    pub(super) fn new(max_packet_bytes: usize) -> Self {
        Self { by_choice: Mutex::default(), max_packet_bytes }
    }

    /// The fan-out for this consumer, whose first frame is the one of index `first` (`None` if there is no frame yet).
    ///
    /// A player that starts where the newest fan-out of its tracks has no numbers gets a new one: those that are there
    /// keep theirs.
    pub(super) fn get(&self, consumer: &Consumer, first: Option<u64>) -> Shared {
        let ids = consumer.tracks().iter().map(|track| track.id).collect();
        let choice = (Arc::as_ptr(consumer.stream()).addr(), ids);
        let mut by_choice = self.by_choice.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = by_choice.get(&choice).and_then(Weak::upgrade)
            && lock(&found).fits(consumer.tracks())
            && first.is_none_or(|first| lock(&found).admits(first))
        {
            return found;
        }
        let fanout = Fanout::new(consumer.tracks(), self.max_packet_bytes, crate::random::bytes());
        let fanout = Arc::new(Mutex::new(fanout));
        by_choice.retain(|_, fanout| fanout.strong_count() > 0);
        by_choice.insert(choice, Arc::downgrade(&fanout));
        fanout
    }
}

/// No code panics while it holds the lock; were it to, what is in it is still whole.
pub(super) fn lock(fanout: &Mutex<Fanout>) -> MutexGuard<'_, Fanout> {
    fanout.lock().unwrap_or_else(PoisonError::into_inner)
}
