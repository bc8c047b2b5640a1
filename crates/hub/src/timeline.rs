//! The zero that streams count their time from.

use std::sync::{Arc, OnceLock};
use std::time::Instant;
use yeoul_media::Timestamp;

/// A timeline that streams share: what comes in at one instant has one place on it, whichever stream it belongs to. All
/// streams of a server are on one, so that a viewer can go from one quality of a camera to another.
///
/// Cheap to clone: clones are the same timeline.
#[derive(Clone, Debug, Default)]
pub struct Timeline(Arc<OnceLock<Instant>>);

impl Timeline {
    /// A timeline whose zero is `zero`. [`Timeline::default`] is one that begins when it is first asked.
    #[must_use]
    pub fn starting(zero: Instant) -> Self {
        Self(Arc::new(OnceLock::from(zero)))
    }

    /// The place of what comes in at `at`; zero if that is before the timeline begins.
    #[must_use]
    pub fn at(&self, at: Instant) -> Timestamp {
        let zero = *self.0.get_or_init(|| at);
        Timestamp::ZERO + at.saturating_duration_since(zero)
    }

    /// The instant of its zero, once it has begun.
    #[must_use]
    pub fn zero(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use yeoul_testkit::epoch;

    #[test]
    fn clones_count_from_one_zero() {
        let first = Timeline::default();
        let second = first.clone();
        let later = epoch() + Duration::from_secs(3);
        assert_eq!(second.at(epoch()), Timestamp::ZERO);
        assert_eq!(first.at(later), Timestamp::from_nanos(3_000_000_000));
        assert_eq!((first.zero(), second.zero()), (Some(epoch()), Some(epoch())));
    }

    #[test]
    fn nothing_is_before_zero() {
        let later = epoch() + Duration::from_secs(1);
        assert_eq!(Timeline::starting(later).at(epoch()), Timestamp::ZERO);
    }
}
