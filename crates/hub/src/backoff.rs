//! The waits between attempts at a source.

use crate::limits::RETRY_FIRST;
use std::time::Duration;

/// Capped exponential backoff with jitter. The first wait is [`RETRY_FIRST`]; each next one is twice as long up to the
/// longest asked for; each is spread by ±20 %, so that many cameras lost at once do not come back at once.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    /// A backoff whose jitter is drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { next: RETRY_FIRST, random: seed | 1 }
    }

    /// The wait before the next attempt, at most `longest` plus its jitter.
    pub fn wait(&mut self, longest: Duration) -> Duration {
        const SPREAD_PERCENT: u64 = 20;
        let wait = self.next.min(longest);
        self.next = wait.saturating_mul(2);
        // xorshift64: jitter needs spread, not secrecy.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let percent = 100 - SPREAD_PERCENT + self.random % (2 * SPREAD_PERCENT + 1);
        wait.mul_f64(f64::from(u32::try_from(percent).unwrap_or(100)) / 100.0)
    }

    /// Starts over: the source has worked.
    pub fn reset(&mut self) {
        self.next = RETRY_FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RETRY_LONGEST;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let mut backoff = Backoff::new(7);
        for nominal_ms in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.wait(RETRY_LONGEST);
            let nominal = Duration::from_millis(nominal_ms);
            assert!(
                wait >= nominal.mul_f64(0.8) && wait <= nominal.mul_f64(1.2),
                "{wait:?} is not about {nominal:?}"
            );
        }
        backoff.reset();
        assert!(backoff.wait(RETRY_LONGEST) <= Duration::from_millis(120));
    }
}
