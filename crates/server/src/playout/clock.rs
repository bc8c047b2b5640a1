//! Media time to the clock of this machine.

use super::limits::{PLAYOUT_GAP, PLAYOUT_LATE};
use std::time::{Duration, Instant};
use yeoul_media::Timestamp;

/// From the last frame before a jump to the first one behind it: one of 25 a second.
const JUMP_STEP: Duration = Duration::from_millis(40);

/// When what is played.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// A time of the media, and when that is.
    anchor: Option<(Timestamp, Instant)>,
    /// By how much times are moved on their way, in nanoseconds, so that they go on as this machine's clock does.
    moved: i64,
}

impl Clock {
    /// When the earliest frame there is, of this time, is due. A jump ahead in time is not waited for.
    pub(super) fn due(&mut self, time: Timestamp, now: Instant) -> Instant {
        let (zero, at) = *self.anchor.get_or_insert((time, now));
        let due = at + time.saturating_since(zero);
        if due.saturating_duration_since(now) <= PLAYOUT_GAP {
            return due;
        }
        let soon = now + JUMP_STEP;
        self.anchor = Some((time, soon));
        self.moved = self.moved.saturating_sub(nanos(due.saturating_duration_since(soon)));
        soon
    }

    /// The time that a frame goes out with now. Where it is late, those behind it wait as long.
    pub(super) fn place(&mut self, time: Timestamp, now: Instant) -> Timestamp {
        let due = self.due(time, now);
        let late = now.saturating_duration_since(due);
        if late > PLAYOUT_LATE
            && let Some((_, at)) = &mut self.anchor
        {
            *at += late;
            self.moved = self.moved.saturating_add(nanos(late));
        }
        Timestamp::from_nanos(time.as_nanos().saturating_add(self.moved))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    const MS: Duration = Duration::from_millis(1);

    fn time(ms: i64) -> Timestamp {
        Timestamp::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn media_plays_as_fast_as_time_goes() {
        let mut clock = Clock::default();
        assert_eq!(clock.due(time(500), epoch()), epoch());
        assert_eq!(clock.due(time(540), epoch()), epoch() + MS * 40);
        assert_eq!(clock.place(time(540), epoch() + MS * 41), time(540));
    }

    #[test]
    fn what_comes_late_moves_what_is_behind_it() {
        let mut clock = Clock::default();
        clock.place(time(0), epoch());
        // 3 s were lost to the network.
        assert_eq!(clock.place(time(40), epoch() + MS * 3040), time(3040));
        assert_eq!(clock.due(time(80), epoch() + MS * 3040), epoch() + MS * 3080);
        assert_eq!(clock.place(time(80), epoch() + MS * 3080), time(3080));
    }

    #[test]
    fn a_jump_ahead_is_not_waited_for() {
        let mut clock = Clock::default();
        clock.place(time(0), epoch());
        let day = 86_400_000;
        assert_eq!(clock.due(time(day), epoch()), epoch() + MS * 40);
        assert_eq!(clock.place(time(day), epoch() + MS * 40), time(40));
        assert_eq!(clock.place(time(day + 40), epoch() + MS * 80), time(80));
    }
}
