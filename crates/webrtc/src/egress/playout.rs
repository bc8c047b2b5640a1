//! How long a viewer shall hold pictures back, so that what is sent again comes in time.
//!
//! A receiver that only watches cannot measure the round trip, and its jitter buffer leaves repeated packets out of
//! account: on a line that loses packets every repetition is seen as a stutter. We know the round trip and are told the loss.

use crate::limits::{
    MAX_PLAYOUT_DELAY, PLAYOUT_DELAY_KEPT, PLAYOUT_DELAY_STEP, PLAYOUT_STUTTERS_PER_MINUTE, RESEND_REACTION,
};
use std::time::{Duration, Instant};

/// The delay asked for, adapted to what the viewer reports.
#[derive(Debug)]
pub(super) struct Playout {
    delay: Duration,
    /// When the loss last asked for at least this much.
    needed_at: Instant,
    /// Share of packets lost, smoothed over some reports.
    loss: f64,
}

impl Playout {
    pub(super) const fn new(now: Instant) -> Self {
        Self { delay: Duration::ZERO, needed_at: now, loss: 0.0 }
    }

    /// Takes a report: the share of packets lost since the one before, in 1/256. Gives the delay if it changes.
    pub(super) fn on_report(
        &mut self,
        now: Instant,
        fraction_lost: u8,
        packets_per_second: f64,
        round_trip: Duration,
    ) -> Option<Duration> {
        self.loss = 0.75 * self.loss + 0.25 * (f64::from(fraction_lost) / 256.0);
        let needed = delay(self.loss, packets_per_second, round_trip);
        if needed + PLAYOUT_DELAY_STEP >= self.delay {
            self.needed_at = now;
        }
        let raise = needed > self.delay + PLAYOUT_DELAY_STEP;
        let lower = now.saturating_duration_since(self.needed_at) >= PLAYOUT_DELAY_KEPT;
        if !raise && !lower {
            return None;
        }
        self.delay = needed;
        self.needed_at = now;
        Some(needed)
    }
}

/// As many round trips as it takes until a packet that is still missing stutters less than once in a while.
fn delay(loss: f64, packets_per_second: f64, round_trip: Duration) -> Duration {
    let mut late = loss * packets_per_second * 60.0;
    // A request for a packet can be lost as well as the packet.
    let fails_again = (2.0 * loss).min(0.9);
    let mut delay = Duration::ZERO;
    while late > PLAYOUT_STUTTERS_PER_MINUTE && delay < MAX_PLAYOUT_DELAY {
        delay += round_trip + RESEND_REACTION;
        late *= fails_again;
    }
    delay.min(MAX_PLAYOUT_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn more_loss_and_a_longer_way_need_more_delay() {
        let delay = |loss: f64, round_trip: u32| delay(loss, 250.0, round_trip * MS);
        assert_eq!(delay(0.0, 100), Duration::ZERO);
        assert_eq!(delay(0.00001, 100), Duration::ZERO, "once in seven minutes");
        assert_eq!(delay(0.001, 100), 125 * MS);
        assert_eq!(delay(0.05, 100), 375 * MS);
        assert_eq!(delay(0.05, 2), 81 * MS);
        assert_eq!(delay(0.5, 200), MAX_PLAYOUT_DELAY);
    }

    #[test]
    fn the_delay_is_raised_soon_and_lowered_late() {
        let mut playout = Playout::new(epoch());
        let mut told = Vec::new();
        for second in 0..60 {
            let now = epoch() + Duration::from_secs(second);
            let lost = if (5..20).contains(&second) { 13 } else { 0 };
            if let Some(delay) = playout.on_report(now, lost, 250.0, 100 * MS) {
                told.push((second, delay));
            }
        }
        assert_eq!(told.first().map(|(second, _)| *second), Some(5));
        let most = told.iter().map(|(_, delay)| *delay).max().unwrap();
        assert_eq!(most, 375 * MS);
        let (last, delay) = *told.last().unwrap();
        assert!(last > 35 && delay < 130 * MS, "{told:?}");
        assert!(told.len() <= 8, "{told:?}");
    }
}
