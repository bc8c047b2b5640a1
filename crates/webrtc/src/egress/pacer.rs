//! How fast: a token bucket.

use std::time::{Duration, Instant};

/// Something that may be spent at a rate, and up to a bound at once. The last thing bought may exceed what is there: the
/// debt is waited for.
#[derive(Debug)]
pub(super) struct Pacer {
    per_second: u64,
    most: i64,
    there: i64,
    filled: Instant,
}

impl Pacer {
    pub(super) fn new(now: Instant, per_second: u64, most: u64) -> Self {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Self { per_second, most, there: most, filled: now }
    }

    pub(super) const fn rate(&self) -> u64 {
        self.per_second
    }

    /// Another rate from now on; what was earned stays.
    pub(super) fn set_rate(&mut self, now: Instant, per_second: u64) {
        self.refill(now);
        self.per_second = per_second;
    }

    pub(super) fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).min(Duration::from_secs(10));
        let earned = elapsed.as_nanos() * u128::from(self.per_second) / 1_000_000_000;
        if earned > 0 {
            let earned = i64::try_from(earned).unwrap_or(i64::MAX);
            self.there = self.there.saturating_add(earned).min(self.most);
            self.filled = now;
        }
    }

    pub(super) fn allows(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.allows_now()
    }

    pub(super) const fn allows_now(&self) -> bool {
        self.there > 0
    }

    pub(super) fn spend(&mut self, amount: u64) {
        self.there = self.there.saturating_sub(i64::try_from(amount).unwrap_or(i64::MAX));
    }

    /// When a third of what may be spent at once is there again: then a call is worth its cost.
    pub(super) fn ready_at(&self, now: Instant) -> Instant {
        let wanted = (self.most / 3).max(1);
        let missing = u64::try_from(wanted.saturating_sub(self.there)).unwrap_or(0);
        if missing == 0 || self.per_second == 0 {
            return now;
        }
        self.filled + Duration::from_nanos(missing.saturating_mul(1_000_000_000) / self.per_second + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    #[test]
    fn the_rate_holds_over_time() {
        let mut now = epoch();
        let mut pacer = Pacer::new(now, 1_000_000, 10_000);
        let mut spent = 0u64;
        while now < epoch() + Duration::from_secs(1) {
            while pacer.allows(now) {
                pacer.spend(1200);
                spent += 1200;
            }
            now = pacer.ready_at(now).max(now + Duration::from_micros(1));
        }
        assert!((990_000..1_020_000).contains(&spent), "{spent}");
    }

    #[test]
    fn a_pause_earns_no_more_than_the_bound() {
        let mut pacer = Pacer::new(epoch(), 1000, 10);
        pacer.spend(10);
        assert!(!pacer.allows(epoch()));
        let later = epoch() + Duration::from_secs(60);
        assert!(pacer.allows(later));
        pacer.spend(11);
        assert!(!pacer.allows(later));
    }
}
