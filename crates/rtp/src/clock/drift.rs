//! How fast a sender's media clock runs, against ours.

use crate::limits::{DRIFT_POINTS, MIN_DRIFT_TIME};
use std::time::Duration;

/// A measured drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Parts in a million by which the sender's media clock is faster than ours; negative if slower.
    pub ppm: f64,
    /// How long it was measured: one millisecond of network jitter is 100 ppm over 10 s.
    pub over: Duration,
}

/// Fits a line through the packets with the shortest way: the lag of media time behind arrivals, the smallest of each
/// interval. Intervals double when [`DRIFT_POINTS`] are full, so that the whole session is covered.
#[derive(Debug)]
pub(super) struct DriftMeter {
    interval: i64,
    /// Arrival and lag in nanoseconds, one for each interval, the last one still open.
    points: Vec<(i64, i64)>,
}

impl Default for DriftMeter {
    fn default() -> Self {
        Self { interval: 500_000_000, points: Vec::new() }
    }
}

impl DriftMeter {
    /// A packet that came in `passed` after the first with media time `media` after the first, both in nanoseconds.
    pub(super) fn push(&mut self, passed: i64, media: i64) {
        let point = (passed, passed.saturating_sub(media));
        match self.points.last_mut() {
            Some(last) if passed / self.interval == last.0 / self.interval => {
                if point.1 < last.1 {
                    *last = point;
                }
            }
            Some(_) | None => self.points.push(point),
        }
        if self.points.len() > DRIFT_POINTS {
            self.interval = self.interval.saturating_mul(2);
            let mut merged: Vec<(i64, i64)> = Vec::with_capacity(DRIFT_POINTS);
            for point in self.points.drain(..) {
                match merged.last_mut() {
                    Some(last) if point.0 / self.interval == last.0 / self.interval => {
                        if point.1 < last.1 {
                            *last = point;
                        }
                    }
                    Some(_) | None => merged.push(point),
                }
            }
            self.points = merged;
        }
    }

    /// The slope of the line, once there is enough to fit one.
    pub(super) fn measured(&self) -> Option<Drift> {
        // The first interval may hold a burst of old packets, the last one is not full.
        let points = self.points.get(1..self.points.len().saturating_sub(1))?;
        let over = Duration::from_nanos((points.last()?.0 - points.first()?.0).unsigned_abs());
        if over < MIN_DRIFT_TIME {
            return None;
        }
        let seconds = |nanos: i64| {
            let size = Duration::from_nanos(nanos.unsigned_abs()).as_secs_f64();
            if nanos < 0 { -size } else { size }
        };
        let count = points.iter().fold(0.0, |count, _| count + 1.0);
        let (mean_x, mean_y) = points
            .iter()
            .fold((0.0, 0.0), |(x, y), point| (x + seconds(point.0) / count, y + seconds(point.1) / count));
        let (covariance, variance) = points.iter().fold((0.0, 0.0), |(covariance, variance), point| {
            let (x, y) = (seconds(point.0) - mean_x, seconds(point.1) - mean_y);
            (covariance + x * y, variance + x * x)
        });
        (variance > 0.0).then(|| Drift { ppm: -covariance / variance * 1e6, over })
    }
}
