//! Times for frames that come without any: those of their arrival, smoothed.
//!
//! Bytes arrive in bursts, pictures are taken evenly. The clock follows arrivals as a phase-locked loop does: a burst does not move it,
//! a camera that is a little faster or slower than it said does.

use std::time::{Duration, Instant};
use yeoul_media::Timestamp;

/// An arrival that is further from its place than this is no jitter: the sender has paused, or gives a file faster than it plays.
const JUMP: Duration = Duration::from_millis(500);
/// Parts of an error that are made good with each picture: in time, and in the distance of pictures.
const PHASE_SHARE: i64 = 8;
const STEP_SHARE: i64 = 128;
/// Distances of pictures that are believed: 240 a second to one in ten seconds.
const STEPS: std::ops::RangeInclusive<i64> = 4_000_000..=10_000_000_000;

/// The clock of one track.
#[derive(Debug)]
pub(crate) struct Clock {
    /// When the first frame came.
    start: Option<Instant>,
    /// Where the next frame belongs, in nanoseconds after the first.
    next: i64,
    /// Where the last picture was put.
    last: Option<i64>,
    /// The distance of pictures, in nanoseconds.
    step: i64,
}

impl Clock {
    /// A clock for pictures at about this distance.
    pub(crate) fn new(step: Duration) -> Self {
        Self { start: None, next: 0, last: None, step: nanos(step) }
    }

    /// The sender says how far its pictures are apart.
    pub(crate) fn step(&mut self, step: Duration) {
        self.step = nanos(step);
    }

    /// The time of a picture that came at `received_at`.
    pub(crate) fn picture(&mut self, received_at: Instant) -> Timestamp {
        let error = self.error(received_at);
        let place = if error > nanos(JUMP) {
            self.next + error
        } else if error < -nanos(JUMP) {
            self.next
        } else {
            self.step = (self.step + error / STEP_SHARE).clamp(*STEPS.start(), *STEPS.end());
            (self.next + error / PHASE_SHARE).max(self.next - self.step / 2)
        };
        // Never back to where the last one was, also where the sender has just told of another distance.
        let place = self.last.map_or(place, |last| place.max(last + STEPS.start() / 2));
        self.last = Some(place);
        self.next = place + self.step;
        Timestamp::from_nanos(place)
    }

    /// The time of sound that lasts so long: samples are counted, unless the sender has paused.
    pub(crate) fn sound(&mut self, lasts: Duration, received_at: Instant) -> Timestamp {
        let error = self.error(received_at);
        let place = if error > nanos(JUMP) { self.next + error } else { self.next };
        self.next = place + nanos(lasts);
        Timestamp::from_nanos(place)
    }

    /// How much later than its place the frame came.
    fn error(&mut self, received_at: Instant) -> i64 {
        let start = *self.start.get_or_insert(received_at);
        nanos(received_at.saturating_duration_since(start)) - self.next
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn bursts_are_spread() {
        let mut clock = Clock::new(40 * MS);
        // 25 pictures a second that come four at a time.
        let times: Vec<i64> = (0u32..400)
            .map(|index| clock.picture(epoch() + MS * 160 * (index / 4)).as_nanos() / 1_000_000)
            .collect();
        let steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().skip(100).all(|step| (20..=60).contains(step)), "{steps:?}");
        assert!((15_500..=16_200).contains(times.last().unwrap()), "{:?}", times.last());
    }

    #[test]
    fn another_rate_than_was_said_is_found() {
        let mut clock = Clock::new(40 * MS);
        let times: Vec<i64> = (0u32..600)
            .map(|index| clock.picture(epoch() + MS * 66 * index).as_nanos() / 1_000_000)
            .collect();
        let steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().skip(300).all(|step| (60..=72).contains(step)), "{steps:?}");
    }

    #[test]
    fn time_does_not_run_back_when_pictures_become_rarer() {
        let mut clock = Clock::new(4 * MS);
        let mut last = clock.picture(epoch());
        for count in 1..20 {
            clock.step(MS * 8 * count * count);
            let time = clock.picture(epoch());
            assert!(time > last, "{time:?} after {last:?}");
            last = time;
        }
    }

    #[test]
    fn after_a_pause_time_is_that_of_arrival() {
        let mut clock = Clock::new(40 * MS);
        clock.picture(epoch());
        assert_eq!(clock.picture(epoch() + MS * 5000).as_nanos(), 5_000_000_000);
        let mut sound = Clock::new(20 * MS);
        sound.sound(20 * MS, epoch());
        assert_eq!(sound.sound(20 * MS, epoch()).as_nanos(), 20_000_000);
        assert_eq!(sound.sound(20 * MS, epoch() + MS * 3000).as_nanos(), 3_000_000_000);
    }

    #[test]
    fn a_file_given_at_once_keeps_its_rate() {
        let mut clock = Clock::new(40 * MS);
        let times: Vec<_> = (0..100).map(|_| clock.picture(epoch())).collect();
        assert!(times.is_sorted_by(|a, b| a < b));
    }
}
