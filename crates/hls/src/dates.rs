//! Program dates: which wall-clock time a segment's first frame has (RFC 8216bis §4.4.4.6, §6.2.1).

use crate::limits::{DATE_JUMP, DATE_STEP};
use std::time::{Duration, Instant, SystemTime};
use yeoul_media::{Frame, Timestamp};

/// The wall clock at one moment of the monotonic clock: arrival times become dates by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// The moment.
    pub at: Instant,
    /// The wall clock then.
    pub time: SystemTime,
}

impl WallClock {
    /// The wall clock at another moment.
    pub(crate) fn time_of(&self, moment: Instant) -> SystemTime {
        match moment.checked_duration_since(self.at) {
            Some(later) => self.time + later,
            None => self.time - self.at.duration_since(moment),
        }
    }
}

/// Dates of one playlist. They go on with media time, follow the wall clock in small steps, and never turn back by more than
/// a step, so that every date means one moment of the media.
#[derive(Clone, Debug)]
pub(crate) struct Dates {
    clock: WallClock,
    /// Media time and date of the segment before.
    last: Option<(Timestamp, SystemTime)>,
}

impl Dates {
    pub(crate) fn new(clock: WallClock) -> Self {
        Self { clock, last: None }
    }

    /// The date of `frame`, which starts a segment at media time `start`. Where media time is `continuous` with the segment
    /// before, its date is too; otherwise it is told by the wall clock, but not before `ends`, the end of the segment before.
    pub(crate) fn start(&mut self, frame: &Frame, start: Timestamp, ends: Option<SystemTime>) -> SystemTime {
        let measured = frame.captured_at.unwrap_or_else(|| self.clock.time_of(frame.received_at));
        let date = match (self.last, ends) {
            (_, Some(ends)) => measured.max(ends),
            (Some((at, date)), None) => follow(date, start.saturating_since(at), measured),
            (None, None) => measured,
        };
        self.last = Some((start, date));
        date
    }

    /// The date of media time `start`, without a frame that tells it.
    pub(crate) fn expected(&self, start: Timestamp) -> Option<SystemTime> {
        self.last.map(|(at, date)| date + start.saturating_since(at))
    }
}

/// From `before` and the media time since then towards `measured`.
fn follow(before: SystemTime, elapsed: Duration, measured: SystemTime) -> SystemTime {
    let expected = before + elapsed;
    match measured.duration_since(expected) {
        // Forward, nothing becomes ambiguous.
        Ok(ahead) if ahead >= DATE_JUMP => measured,
        Ok(ahead) => expected + ahead.min(DATE_STEP),
        // A segment may overlap the one before in part only.
        Err(behind) => expected - behind.duration().min(DATE_STEP).min(elapsed / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use yeoul_media::TrackId;
    use yeoul_testkit::{epoch, wall_epoch};

    fn frame(received_ms: u64, captured_ms: Option<u64>) -> Frame {
        Frame {
            track: TrackId(0),
            keyframe: true,
            pts: Timestamp::ZERO,
            dts: Timestamp::ZERO,
            new_codec: None,
            captured_at: captured_ms.map(|ms| wall_epoch() + Duration::from_millis(ms)),
            received_at: epoch() + Duration::from_millis(received_ms),
            data: Bytes::from_static(b"x"),
        }
    }

    fn check(segments: &[(u64, Frame, Option<u64>)]) -> Vec<u128> {
        let mut dates = Dates::new(WallClock { at: epoch(), time: wall_epoch() });
        segments
            .iter()
            .map(|(media_ms, frame, ends_ms)| {
                let start = Timestamp::ZERO + Duration::from_millis(*media_ms);
                let ends = ends_ms.map(|ms| wall_epoch() + Duration::from_millis(ms));
                dates
                    .start(frame, start, ends)
                    .duration_since(wall_epoch())
                    .map_or(0, |date| date.as_millis())
            })
            .collect()
    }

    #[test]
    fn dates_go_on_with_media_time_and_follow_the_wall_clock_in_steps() {
        let segments =
            [(0, frame(500, None), None), (2000, frame(2600, None), None), (4000, frame(4400, None), None)];
        assert_eq!(check(&segments), [500, 2520, 4500]);
    }

    #[test]
    fn the_cameras_own_clock_comes_first() {
        assert_eq!(
            check(&[(0, frame(500, Some(300)), None), (1000, frame(1500, Some(1300)), None)]),
            [300, 1300]
        );
    }

    #[test]
    fn a_clock_that_jumps_forward_is_followed_at_once_and_one_that_jumps_back_in_steps() {
        let segments =
            [(0, frame(0, None), None), (1000, frame(6000, None), None), (2000, frame(2000, None), None)];
        assert_eq!(check(&segments), [0, 6000, 6980]);
    }

    #[test]
    fn after_a_break_the_wall_clock_counts_but_not_before_the_end_of_the_segment_before() {
        let segments = [(0, frame(0, None), None), (90_000, frame(3000, None), Some(1000))];
        assert_eq!(check(&segments), [0, 3000]);
        let segments = [(0, frame(0, None), None), (90_000, frame(500, None), Some(1000))];
        assert_eq!(check(&segments), [0, 1000]);
    }
}
