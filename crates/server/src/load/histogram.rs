//! How times are spread: counted without a lock, in bounded memory, percentiles to 2 % of a time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Steps within a doubling: the error of a percentile is at most one of them.
const STEPS: u64 = 64;
/// Times below this have a step each.
const EXACT: u64 = 2 * STEPS;
/// Doublings that are told apart: up to 2^38 µs, three days.
const DOUBLINGS: u64 = 32;

/// Counts of times in microseconds.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: Vec<AtomicU64>,
    most_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let counts = (0..EXACT + STEPS * DOUBLINGS).map(|_| AtomicU64::new(0)).collect();
        Self { counts, most_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(super) fn note(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(slot(us)).or(self.counts.last()) {
            count.fetch_add(1, Relaxed);
        }
        self.most_us.fetch_max(us, Relaxed);
    }

    /// How many times were noted.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// The time that `percent` of all are not above; `None` if there are none.
    pub(super) fn percentile_ms(&self, percent: u64) -> Option<f64> {
        let all = self.count();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count.load(Relaxed);
            seen >= rank
        });
        let most = self.most_us.load(Relaxed);
        (all > 0).then(|| ms(found.map_or(most, highest_of).min(most)))
    }

    pub(super) fn most_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| ms(self.most_us.load(Relaxed)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^53")]
fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

/// Up to `EXACT` one slot for each microsecond, then `STEPS` slots for each doubling.
fn slot(us: u64) -> usize {
    let doubling = u64::from((us.max(1) / STEPS).max(1).ilog2());
    usize::try_from(doubling * STEPS + (us >> doubling)).unwrap_or(usize::MAX)
}

/// The longest time of a slot.
fn highest_of(slot: usize) -> u64 {
    let slot = u64::try_from(slot).unwrap_or(u64::MAX);
    let doubling = (slot / STEPS).saturating_sub(1);
    ((slot - doubling * STEPS + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::{Histogram, highest_of, slot};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn percentiles_are_those_of_the_times() {
        let times = Histogram::default();
        assert_eq!(times.percentile_ms(50), None);
        (1..=1000).for_each(|ms| times.note(Duration::from_millis(ms)));
        for (percent, expected) in [(50, 500.0), (95, 950.0), (99, 990.0)] {
            let got = times.percentile_ms(percent).unwrap();
            assert!((got / expected - 1.0).abs() < 0.02, "{percent}: {got}");
        }
        assert_eq!((times.count(), times.most_ms()), (1000, Some(1000.0)));
    }

    #[test]
    fn one_time_is_every_percentile() {
        let times = Histogram::default();
        times.note(Duration::from_micros(12_345));
        assert_eq!([50, 99, 100].map(|percent| times.percentile_ms(percent)), [Some(12.345); 3]);
    }

    proptest! {
        #[test]
        fn a_slot_holds_times_that_differ_by_two_percent(us in 0u64..1 << 37) {
            let highest = highest_of(slot(us));
            prop_assert!(us <= highest && highest - us <= us / 50, "{us} to {highest}");
            prop_assert_eq!(slot(highest), slot(us));
            prop_assert_eq!(slot(highest + 1), slot(us) + 1);
        }
    }
}
