//! Wrapping time of a container to a timeline that never wraps and never runs back.
//!
//! Time that jumps (a file that is played again from its start, an encoder that was restarted) goes on at the time of arrival.
//! Tracks jump one after another: those that have not jumped yet go on as before, those that have join the new time.

use crate::limits::{MAX_COMPOSITION, MAX_STEP_AHEAD, MAX_STEP_BACK, MAX_TRACK_DISTANCE};
use std::time::{Duration, Instant};
use yeoul_media::Timestamp;

/// From the last frame before a jump of time to the first one behind it, where arrivals tell nothing better: one of 25 a second.
const JUMP_STEP: Duration = Duration::from_millis(40);

/// The time of all tracks of one stream.
#[derive(Debug)]
pub(crate) struct Timeline {
    bits: u32,
    rate: u32,
    epoch: u64,
    /// The last time of this epoch, of any track.
    anchor: Option<Place>,
    /// The latest time given.
    latest: Option<i64>,
    /// The first time of this epoch, and when it came.
    start: Option<(i64, Instant)>,
}

/// The time of one track.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TrackTime {
    last: Option<(u64, Place, Instant)>,
    /// The last DTS given: none is earlier.
    dts: Option<i64>,
}

/// A time as it came and as it was given, in ticks.
#[derive(Clone, Copy, Debug)]
struct Place {
    raw: i64,
    ticks: i64,
}

impl Timeline {
    /// Time of `bits`, in ticks of `rate` Hz.
    pub(crate) fn new(bits: u32, rate: u32) -> Self {
        Self { bits, rate, epoch: 0, anchor: None, latest: None, start: None }
    }

    /// PTS and DTS of a frame whose times came as these.
    pub(crate) fn place(
        &mut self,
        track: &mut TrackTime,
        (pts, dts): (i64, i64),
        received_at: Instant,
    ) -> (Timestamp, Timestamp) {
        let ticks = self.unwrap(track, dts, received_at);
        let composition = self.distance(pts, dts);
        let composition = if composition <= self.ticks(MAX_COMPOSITION) { composition } else { 0 };
        let given = track.dts.map_or(ticks, |last| last.max(ticks));
        track.dts = Some(given);
        let pts = ticks.saturating_add(composition).max(given);
        (Timestamp::from_ticks(pts, self.rate), Timestamp::from_ticks(given, self.rate))
    }

    fn unwrap(&mut self, track: &mut TrackTime, raw: i64, received_at: Instant) -> i64 {
        let (epoch, ticks) = self.find(track, raw, received_at);
        let place = Place { raw, ticks };
        track.last = Some((epoch, place, received_at));
        if epoch == self.epoch {
            self.anchor = Some(place);
        }
        self.latest = self.latest.max(Some(ticks));
        ticks
    }

    fn find(&mut self, track: &TrackTime, raw: i64, received_at: Instant) -> (u64, i64) {
        if let Some((epoch, last, at)) = track.last {
            let step = self.distance(raw, last.raw);
            let ahead = MAX_STEP_AHEAD + received_at.saturating_duration_since(at);
            if (-self.ticks(MAX_STEP_BACK)..=self.ticks(ahead)).contains(&step) {
                return (epoch, last.ticks.saturating_add(step));
            }
        }
        let elsewhere = track.last.is_none_or(|(epoch, ..)| epoch != self.epoch);
        if let Some(anchor) = self.anchor.filter(|_| elsewhere) {
            let distance = self.distance(raw, anchor.raw);
            let most = self.ticks(MAX_TRACK_DISTANCE);
            if (-most..=most).contains(&distance) {
                return (self.epoch, anchor.ticks.saturating_add(distance));
            }
        }
        // A new epoch: at the time of arrival, unless what came before has run ahead of its arrival.
        let place = match (self.latest, self.start) {
            (Some(latest), Some((ticks, at))) => {
                let arrival = ticks.saturating_add(self.ticks(received_at.saturating_duration_since(at)));
                self.epoch += 1;
                arrival.max(latest.saturating_add(self.ticks(JUMP_STEP)))
            }
            _ => raw,
        };
        self.start = Some((place, received_at));
        (self.epoch, place)
    }

    /// From `b` to `a`, the short way round.
    fn distance(&self, a: i64, b: i64) -> i64 {
        let unused = 64 - self.bits;
        (a.wrapping_sub(b) << unused) >> unused
    }

    fn ticks(&self, duration: Duration) -> i64 {
        (Timestamp::ZERO + duration).to_ticks(self.rate)
    }
}
