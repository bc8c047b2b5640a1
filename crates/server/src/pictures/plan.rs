//! Which frames are decoded, and when: as few as will do.

use std::time::{Duration, Instant};
use yeoul_transcode::Goal;

/// What is known of a stream's frames and pictures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) now: Instant,
    /// How old the newest picture may be; `None` while nobody asks.
    pub(super) max_age: Option<Duration>,
    /// When the frame of the newest picture came in.
    pub(super) picture: Option<Instant>,
    /// When the last keyframe came in, if it has not been decoded.
    pub(super) keyframe: Option<Instant>,
    /// Frames wait that are newer than the picture.
    pub(super) has_news: bool,
    /// The way to the newest picture was interrupted.
    pub(super) is_under_way: bool,
    /// Frames are decoded much faster than they come.
    pub(super) keeps_up: bool,
}

/// What to decode now; `None` to wait for the next frame or wish.
///
/// A keyframe is one access unit; every other picture needs all those since the keyframe. So the keyframe is taken if it is
/// young enough, and what follows it only when the picture would become too old. Then it is decoded up to the newest one: to stop
/// as soon as the picture is just young enough would give an old picture to all who ask, and another one each time. A decoder
/// that cannot keep up with the frames (4K of H.265 on a small machine) takes keyframes only.
pub(super) fn goal(situation: &Situation) -> Option<Goal> {
    let Situation { now, max_age, picture, keyframe, has_news, is_under_way, keeps_up } = *situation;
    let max_age = max_age?;
    let Some(picture) = picture else {
        // However old: whoever waits for a stream of pictures has one at once, and the others lose nothing by it.
        return keyframe.map(|_| Goal::Keyframe);
    };
    // A little before it is too old: decoding takes its time, and the next frame comes in 40 ms.
    let due = max_age - max_age / 10;
    let is_young = |at: Instant| now.saturating_duration_since(at) < due;
    if !has_news || (is_young(picture) && !is_under_way) {
        return None;
    }
    match keyframe {
        Some(keyframe) if is_young(keyframe) || !keeps_up => Some(Goal::Keyframe),
        Some(_) | None if keeps_up => Some(Goal::Newest),
        Some(_) | None => None,
    }
}

/// What decoding costs, as measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// CPU time of a frame that is no keyframe.
    frame: Option<Duration>,
}

/// How many times cheaper a frame is than a keyframe, until one has been measured: 4 to 5 for H.264 of cameras.
const KEYFRAME_TIMES: u32 = 4;

impl Cost {
    /// A job has taken so long for so many frames.
    pub(super) fn note(&mut self, goal: Goal, frames: usize, took: Duration) {
        let frames = u32::try_from(frames).unwrap_or(u32::MAX).max(1);
        match goal {
            Goal::Keyframe => self.frame = self.frame.or(Some(took / KEYFRAME_TIMES)),
            Goal::Newest => {
                let mean = took / frames;
                self.frame = Some(self.frame.map_or(mean, |before| (before * 3 + mean) / 4));
            }
        }
    }

    /// Whether frames that come each `interval` are decoded twice as fast: it catches up, and leaves time for others.
    pub(super) fn keeps_up(&self, interval: Duration) -> bool {
        self.frame.is_none_or(|frame| frame * 2 <= interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Ages in ms: allowed, of the picture, of the keyframe that waits.
    fn check(max_age: u32, picture: Option<u32>, keyframe: Option<u32>, keeps_up: bool) -> Option<Goal> {
        let now = yeoul_testkit::epoch() + 100_000 * MS;
        goal(&Situation {
            now,
            max_age: Some(MS * max_age),
            picture: picture.map(|age| now - MS * age),
            keyframe: keyframe.map(|age| now - MS * age),
            has_news: true,
            is_under_way: false,
            keeps_up,
        })
    }

    #[test]
    fn the_first_picture_is_the_keyframe_however_old() {
        assert_eq!(check(200, None, Some(9_000), true), Some(Goal::Keyframe));
        assert_eq!(check(200, None, None, true), None);
    }

    #[test]
    fn a_picture_that_is_young_enough_is_kept() {
        assert_eq!(check(2_500, Some(2_000), Some(10), true), None);
        assert_eq!(check(0, Some(1), None, true), Some(Goal::Newest));
    }

    #[test]
    fn a_young_keyframe_is_all_that_is_decoded() {
        assert_eq!(check(2_500, Some(2_400), Some(400), true), Some(Goal::Keyframe));
        assert_eq!(check(2_500, Some(9_000), Some(8_000), true), Some(Goal::Newest));
    }

    #[test]
    fn what_has_begun_goes_on_to_the_newest_picture() {
        let now = yeoul_testkit::epoch() + 100_000 * MS;
        let situation = Situation {
            now,
            max_age: Some(MS * 2_500),
            picture: Some(now - MS * 2_000),
            keyframe: None,
            has_news: true,
            is_under_way: true,
            keeps_up: true,
        };
        assert_eq!(goal(&situation), Some(Goal::Newest));
        assert_eq!(goal(&Situation { is_under_way: false, ..situation }), None);
        assert_eq!(goal(&Situation { has_news: false, ..situation }), None);
        assert_eq!(goal(&Situation { keeps_up: false, ..situation }), None);
    }

    #[test]
    fn a_slow_decoder_takes_keyframes_only() {
        assert_eq!(check(200, Some(9_000), Some(8_000), false), Some(Goal::Keyframe));
        assert_eq!(check(200, Some(8_000), None, false), None);
    }

    #[test]
    fn nothing_is_decoded_for_nobody() {
        let now = yeoul_testkit::epoch();
        let nobody = Situation {
            now,
            max_age: None,
            picture: None,
            keyframe: Some(now),
            has_news: true,
            is_under_way: true,
            keeps_up: true,
        };
        assert_eq!(goal(&nobody), None);
    }

    #[test]
    fn twice_as_fast_as_they_come_is_keeping_up() {
        let mut cost = Cost::default();
        assert!(cost.keeps_up(40 * MS));
        cost.note(Goal::Keyframe, 1, 60 * MS);
        assert!(cost.keeps_up(40 * MS));
        cost.note(Goal::Newest, 10, 1_000 * MS);
        assert!(!cost.keeps_up(40 * MS), "{cost:?}");
        assert!(cost.keeps_up(200 * MS));
    }
}
