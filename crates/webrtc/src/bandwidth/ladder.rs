//! Which quality a viewer's line carries: down soon, up late and only after a try.
//!
//! More than is sent cannot be seen to arrive. Before the next better quality is taken, as much is sent for a while as it
//! would need, with packets that the viewer has already; if they arrive without waiting, it fits. Each try that fails makes
//! the time to the next one longer.

use super::Reading;
use crate::limits::{
    CONGESTED_LOSS, CONGESTED_QUEUE, CONGESTED_TIME, CONGESTION_BEARABLE, HEADROOM, RELAPSE_TIME,
    SETTLE_TIME, TRIAL_BEARABLE, TRIAL_FIRST, TRIAL_LONGEST, TRIAL_LOSS, TRIAL_QUEUE, TRIAL_TIME,
    UNKNOWN_FACTOR,
};
use std::time::{Duration, Instant};

/// What is to be done about a viewer's quality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Go to this quality, which needs less: the line does not carry the present one.
    Down(usize),
    /// Go to this quality, which needs more: the line carries it.
    Up(usize),
    /// Send as many bits a second as this, media included.
    Try(f64),
    /// Send media only again.
    EndTry,
}

/// The qualities of a stream for one viewer, the best is number 0.
#[derive(Debug)]
pub struct Ladder {
    rungs: usize,
    current: usize,
    /// Since when the line has had a standing queue, or lost much.
    congested_since: Option<Instant>,
    /// When the present quality was taken.
    switched_at: Instant,
    /// A better quality was taken then, and has not proved good yet.
    climbed_at: Option<Instant>,
    trial: Option<Trial>,
    /// How long the line has to be good before the next trial.
    patience: Duration,
    good_since: Instant,
}

/// A try whether more arrives.
#[derive(Clone, Copy, Debug)]
struct Trial {
    began: Instant,
    /// Since when the line has not borne it.
    bad_since: Option<Instant>,
}

impl Ladder {
    /// `rungs` qualities, of which number `current` is sent.
    #[must_use]
    pub fn new(now: Instant, rungs: usize, current: usize) -> Self {
        Self {
            rungs,
            current,
            congested_since: None,
            switched_at: now,
            climbed_at: None,
            trial: None,
            patience: TRIAL_FIRST,
            good_since: now,
        }
    }

    /// The quality that is sent.
    #[must_use]
    pub const fn current(&self) -> usize {
        self.current
    }

    /// Takes a reading. `rates` gives the bits a second of each quality, as far as they are known.
    pub fn on_reading(
        &mut self,
        now: Instant,
        reading: &Reading,
        rates: impl Fn(usize) -> Option<f64>,
    ) -> Option<Step> {
        let congested = reading.queue >= CONGESTED_QUEUE || reading.loss >= CONGESTED_LOSS;
        if congested {
            self.congested_since.get_or_insert(now);
            self.good_since = now;
        } else {
            self.congested_since = None;
        }
        if let Some(trial) = self.trial {
            return self.judge(now, reading, trial);
        }
        if self.climbed_at.is_some_and(|at| now >= at + RELAPSE_TIME) {
            self.climbed_at = None;
            self.patience = TRIAL_FIRST;
        }
        if let Some(since) = self.congested_since {
            return self.descend(now, now.saturating_duration_since(since), reading, rates);
        }
        let better = self.current.checked_sub(1)?;
        let patient = now >= self.good_since + self.patience && now >= self.switched_at + SETTLE_TIME;
        if !patient {
            return None;
        }
        let wanted = rates(better)
            .or_else(|| Some(rates(self.current)? * UNKNOWN_FACTOR))
            .unwrap_or(reading.delivered * UNKNOWN_FACTOR);
        self.trial = Some(Trial { began: now, bad_since: None });
        Some(Step::Try(wanted * HEADROOM))
    }

    /// The quality `to` is sent from now on.
    pub fn switched(&mut self, now: Instant, to: usize) {
        if to < self.current {
            self.climbed_at = Some(now);
        }
        self.current = to;
        self.switched_at = now;
        self.congested_since = None;
        self.good_since = now;
        self.trial = None;
    }

    /// The quality that was asked for cannot be had: not now again.
    pub fn unavailable(&mut self, now: Instant) {
        self.trial = None;
        self.good_since = now;
        self.congested_since = None;
        self.switched_at = now;
        self.grow_patience();
    }

    fn grow_patience(&mut self) {
        self.patience = (self.patience * 2).min(TRIAL_LONGEST);
    }

    /// Whether a trial goes on, or how it ended.
    fn judge(&mut self, now: Instant, reading: &Reading, mut trial: Trial) -> Option<Step> {
        if reading.latest_queue >= TRIAL_QUEUE || reading.latest_loss >= TRIAL_LOSS {
            let since = *trial.bad_since.get_or_insert(now);
            if now >= since + TRIAL_BEARABLE {
                self.trial = None;
                self.good_since = now;
                // The queue is of our own making.
                self.congested_since = None;
                self.switched_at = now;
                self.grow_patience();
                return Some(Step::EndTry);
            }
        } else {
            trial.bad_since = None;
        }
        self.trial = Some(trial);
        if now < trial.began + TRIAL_TIME || trial.bad_since.is_some() {
            return None;
        }
        self.trial = None;
        self.good_since = now;
        let better = self.current.checked_sub(1)?;
        Some(Step::Up(better))
    }

    /// A quality that the line carries, if it is time for it.
    fn descend(
        &mut self,
        now: Instant,
        congested: Duration,
        reading: &Reading,
        rates: impl Fn(usize) -> Option<f64>,
    ) -> Option<Step> {
        let settled = now >= self.switched_at + SETTLE_TIME;
        if congested < CONGESTED_TIME || !settled || self.current + 1 >= self.rungs {
            return None;
        }
        // A large keyframe, or the GOP so far, makes a queue that goes away: the line carries more than is sent on average.
        let fits = |rung| rates(rung).is_some_and(|rate| rate * HEADROOM <= reading.delivered);
        if fits(self.current) && congested < CONGESTION_BEARABLE {
            return None;
        }
        let lower = self.current + 1..self.rungs;
        let to = lower.clone().find(|&rung| fits(rung)).unwrap_or_else(|| {
            // Of those of which nothing is known, the next may do; of those that are known, none does: the last.
            lower.clone().find(|&rung| rates(rung).is_none()).unwrap_or(self.rungs - 1)
        });
        if self.climbed_at.take().is_some() {
            self.grow_patience();
        }
        Some(Step::Down(to))
    }
}
