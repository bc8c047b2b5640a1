//! How fresh the pictures of a stream have to be: as the most demanding of those who ask for them wants.

use crate::limits::{PICTURE_FOLLOW, PICTURE_FOLLOW_INTERVAL};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The wishes of all who ask for pictures of one stream.
#[derive(Debug, Default)]
pub(super) struct Appetite {
    wishes: Mutex<Wishes>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Wishes {
    next: u64,
    /// Ages that are wanted now.
    open: BTreeMap<u64, Duration>,
    /// The age that was wanted lately, and until when that counts.
    recent: Option<(Duration, Instant)>,
}

/// What becomes of a wish when whoever had it has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// Somebody who asks once often asks again: pictures are kept fresh for [`PICTURE_FOLLOW`].
    Follow,
    /// A viewer has gone.
    Forget,
}

/// Somebody wants pictures that are no older than this, for as long as it lives.
#[derive(Debug)]
pub(super) struct Wish {
    appetite: Arc<Appetite>,
    id: u64,
    afterwards: Afterwards,
}

impl Appetite {
    /// Wants pictures no older than `max_age`.
    pub(super) fn wish(self: &Arc<Self>, max_age: Duration, afterwards: Afterwards) -> Wish {
        let mut wishes = self.lock();
        let id = wishes.next;
        wishes.next += 1;
        wishes.open.insert(id, max_age);
        drop(wishes);
        self.changed.notify_one();
        Wish { appetite: Arc::clone(self), id, afterwards }
    }

    /// The age that no picture should exceed; `None` while nobody asks.
    pub(super) fn max_age(&self, now: Instant) -> Option<Duration> {
        let mut wishes = self.lock();
        if wishes.recent.is_some_and(|(_, until)| until <= now) {
            wishes.recent = None;
        }
        let open = wishes.open.values().min().copied();
        open.into_iter().chain(wishes.recent.map(|(max_age, _)| max_age)).min()
    }

    /// Resolves when somebody has a new wish. Cancel safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Wishes> {
        // Nothing panics while it holds the wishes; were it to, each of them is still whole.
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        let mut wishes = self.appetite.lock();
        let Some(max_age) = wishes.open.remove(&self.id) else { return };
        if self.afterwards == Afterwards::Follow {
            let now = Instant::now();
            // Whoever wanted the very last picture gets the next ones a little older, or every frame would be decoded.
            let max_age = max_age.max(PICTURE_FOLLOW_INTERVAL);
            let least =
                wishes.recent.filter(|&(_, until)| now < until).map_or(max_age, |(age, _)| age.min(max_age));
            wishes.recent = Some((least, now + PICTURE_FOLLOW));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_most_demanding_wish_counts_while_it_is_there() {
        let (appetite, now) = (Arc::new(Appetite::default()), Instant::now());
        assert_eq!(appetite.max_age(now), None);
        let patient = appetite.wish(3 * SECOND, Afterwards::Forget);
        let demanding = appetite.wish(SECOND, Afterwards::Forget);
        assert_eq!(appetite.max_age(now), Some(SECOND));
        drop(demanding);
        assert_eq!(appetite.max_age(now), Some(3 * SECOND));
        drop(patient);
        assert_eq!(appetite.max_age(now), None);
    }

    #[test]
    fn a_single_question_is_followed_for_a_while() {
        let appetite = Arc::new(Appetite::default());
        drop(appetite.wish(Duration::ZERO, Afterwards::Follow));
        let now = Instant::now();
        assert_eq!(appetite.max_age(now), Some(PICTURE_FOLLOW_INTERVAL));
        assert_eq!(appetite.max_age(now + PICTURE_FOLLOW), None);
    }
}
