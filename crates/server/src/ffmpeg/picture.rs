//! Pictures on their way through ffmpeg: each comes out with the time it went in with.
//!
//! ffmpeg keeps times to the tick of 90 kHz (`-copyts`), but a container cuts them to 33 bits, and a stream's time is finer.
//! So what went in is remembered, and found again by its ticks.

use crate::limits::{RENDITION_PICTURES, RENDITION_SOUND};
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};
use yeoul_container::mpegts::{CLOCK_HZ, ZERO_TICKS};
use yeoul_media::{Frame, Timestamp};

/// The first picture's time on ffmpeg's clock: those that are shown after it but decoded before it, and rounding, stay above
/// zero.
const BEGIN: Duration = Duration::from_secs(10);
/// Times have 33 bits in a transport stream.
const MASK: i64 = (1 << 33) - 1;

/// From the stream's time to ffmpeg's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The stream's time at zero of what the muxer is given.
    zero: Timestamp,
}

impl Clock {
    /// A clock on which `first` is [`BEGIN`].
    pub(super) fn starting(first: Timestamp) -> Self {
        Self { zero: first - BEGIN }
    }

    /// The frame as the muxer is given it.
    pub(super) fn to_muxer(self, frame: &Frame) -> Frame {
        let moved =
            |time: Timestamp| Timestamp::from_nanos(time.as_nanos().saturating_sub(self.zero.as_nanos()));
        Frame { pts: moved(frame.pts), dts: moved(frame.dts), ..frame.clone() }
    }

    /// What ffmpeg takes the time of that frame for.
    pub(super) fn in_ffmpeg(self, time: Timestamp) -> Duration {
        time.saturating_since(self.zero)
            + Timestamp::from_ticks(ZERO_TICKS, CLOCK_HZ).saturating_since(Timestamp::ZERO)
    }

    /// The ticks in the stream, 33 bits.
    fn ticks(self, time: Timestamp) -> i64 {
        let moved = Timestamp::from_nanos(time.as_nanos().saturating_sub(self.zero.as_nanos()));
        (moved.to_ticks(CLOCK_HZ) + ZERO_TICKS) & MASK
    }
}

/// A picture that ffmpeg has.
#[derive(Clone, Copy, Debug)]
struct Put {
    ticks: i64,
    pts: Timestamp,
    captured_at: Option<SystemTime>,
}

/// What has gone into ffmpeg and is to come out, and the sound that waits for it.
#[derive(Debug)]
pub(super) struct Passing {
    clock: Clock,
    pictures: VecDeque<Put>,
    sound: VecDeque<Frame>,
}

impl Passing {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, pictures: VecDeque::new(), sound: VecDeque::new() }
    }

    /// A picture goes in.
    pub(super) fn put(&mut self, pts: Timestamp, captured_at: Option<SystemTime>) {
        if self.pictures.len() >= RENDITION_PICTURES {
            self.pictures.pop_front();
        }
        self.pictures.push_back(Put { ticks: self.clock.ticks(pts), pts, captured_at });
    }

    /// Sound that belongs to the pictures; where there is too much of it, the oldest is given, whatever the pictures do.
    pub(super) fn put_sound(&mut self, frame: Frame) -> Option<Frame> {
        self.sound.push_back(frame);
        (self.sound.len() > RENDITION_SOUND).then(|| self.sound.pop_front()).flatten()
    }

    /// Gives a picture that came out its own time; `None` if no such picture went in.
    pub(super) fn take(&mut self, mut frame: Frame) -> Option<Frame> {
        let ticks = frame.pts.to_ticks(CLOCK_HZ) & MASK;
        let put = *self.pictures.iter().find(|put| put.ticks == ticks)?;
        // They come in the order of showing; what is before this one was not wanted.
        self.pictures.retain(|other| other.pts > put.pts);
        (frame.pts, frame.dts, frame.captured_at) = (put.pts, put.pts, put.captured_at);
        Some(frame)
    }

    /// The next sound that is not later than `pts`.
    pub(super) fn take_sound(&mut self, pts: Timestamp) -> Option<Frame> {
        self.sound.pop_front_if(|frame| frame.pts <= pts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use yeoul_media::TrackId;
    use yeoul_testkit::epoch;

    fn frame(pts: Timestamp) -> Frame {
        Frame {
            track: TrackId(1),
            keyframe: true,
            pts,
            dts: pts,
            new_codec: None,
            captured_at: None,
            received_at: epoch(),
            data: Bytes::from_static(b"x"),
        }
    }

    /// A frame as a demuxer gives it: its ticks as they are.
    fn out(clock: Clock, pts: Timestamp) -> Frame {
        frame(Timestamp::from_ticks(clock.ticks(pts), CLOCK_HZ))
    }

    #[test]
    fn sound_waits_for_its_picture() {
        let mut passing = Passing::new(Clock::starting(Timestamp::ZERO));
        for ms in [0, 20, 40, 60] {
            assert!(passing.put_sound(frame(Timestamp::from_nanos(ms * 1_000_000))).is_none());
        }
        let upto = Timestamp::from_nanos(40_000_000);
        let given = std::iter::from_fn(|| passing.take_sound(upto)).count();
        assert_eq!(given, 3);
    }

    #[test]
    fn sound_without_pictures_goes_on() {
        let mut passing = Passing::new(Clock::starting(Timestamp::ZERO));
        let given =
            (0..RENDITION_SOUND + 5).filter_map(|_| passing.put_sound(frame(Timestamp::ZERO))).count();
        assert_eq!(given, 5);
    }

    #[test]
    fn what_never_went_in_does_not_come_out() {
        let clock = Clock::starting(Timestamp::ZERO);
        let mut passing = Passing::new(clock);
        passing.put(Timestamp::from_nanos(40_000_000), None);
        assert!(passing.take(out(clock, Timestamp::from_nanos(41_000_000))).is_none());
        assert!(passing.take(out(clock, Timestamp::from_nanos(40_000_000))).is_some());
    }

    proptest! {
        /// Over days, hence over the wraps of 33 bits, to the nanosecond.
        #[test]
        fn every_picture_comes_out_with_its_own_time(
            begin in 0_i64..1_000_000_000_000_000,
            steps in prop::collection::vec((20_000_000_i64..20_000_000_000_000, any::<bool>()), 1..60),
        ) {
            let clock = Clock::starting(Timestamp::from_nanos(begin));
            let mut passing = Passing::new(clock);
            let mut now = begin;
            for (step, comes_out) in steps {
                let pts = Timestamp::from_nanos(now);
                passing.put(pts, None);
                if comes_out {
                    let taken = passing.take(out(clock, pts)).map(|frame| (frame.pts, frame.dts));
                    prop_assert_eq!(taken, Some((pts, pts)));
                }
                now += step;
            }
        }
    }
}
