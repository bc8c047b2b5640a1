//! How far apart frames and keyframes are, as observed, and what can be promised of them.

use crate::limits::{
    CADENCE_FRAMES, CADENCE_TIME, MAX_FRAME_DISTANCE, MAX_KEYFRAME_DISTANCE, MAX_TARGET_DURATION,
};
use crate::promise::Promise;
use std::collections::VecDeque;
use std::time::Duration;
use yeoul_media::Timestamp;

/// Frame distances kept: a second of the usual camera.
const DISTANCES: usize = 25;
/// Distances that say when the next frame will come: an odd one or two do not count, and another frame rate soon does.
const LATEST: usize = 5;
/// Keyframe distances kept: the longest of them counts.
const KEYFRAMES: usize = 8;
/// Until anything is known: 25 pictures a second, and about two frames of AAC.
const ASSUMED: Duration = Duration::from_millis(40);
/// Segments are at least this share of their target: a GOP that is a little short of it still makes a segment.
const SEGMENT_PERCENT: u32 = 90;
/// Most that a part target exceeds the parts that are meant, so that jitter makes them neither too long nor too short:
/// parts may have 85 to 100 % of the target (RFC 8216bis §4.4.4.9).
const SLACK_PERCENT: u32 = 7;

/// Distances of one track's frames, in decoding order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cadence {
    last: Option<Timestamp>,
    distances: VecDeque<Duration>,
    keyframe: Option<Timestamp>,
    keyframe_distances: VecDeque<Duration>,
    /// The median of the latest of `distances`, kept because it is asked for with every frame.
    next: Option<Duration>,
}

impl Cadence {
    /// Takes the next frame.
    pub(crate) fn observe(&mut self, dts: Timestamp, keyframe: bool) {
        let distance = |last: Timestamp, most| {
            Some(dts.saturating_since(last)).filter(|distance| !distance.is_zero() && *distance <= most)
        };
        if let Some(distance) = self.last.replace(dts).and_then(|last| distance(last, MAX_FRAME_DISTANCE)) {
            keep(&mut self.distances, distance, DISTANCES);
            self.next = median(self.distances.iter().rev().take(LATEST));
        }
        if keyframe
            && let Some(distance) =
                self.keyframe.replace(dts).and_then(|last| distance(last, MAX_KEYFRAME_DISTANCE))
        {
            keep(&mut self.keyframe_distances, distance, KEYFRAMES);
        }
    }

    /// Time goes on elsewhere: the distance to the next frame is none.
    pub(crate) fn interrupt(&mut self) {
        self.last = None;
        self.keyframe = None;
    }

    /// Enough is known to make a promise.
    pub(crate) fn is_known(&self) -> bool {
        let is_slow = self.distances.len() > 2 && self.distances.iter().sum::<Duration>() >= CADENCE_TIME;
        is_slow || self.distances.len() >= CADENCE_FRAMES
    }

    /// How long the latest frame will probably last.
    pub(crate) fn next(&self) -> Duration {
        self.next.unwrap_or(ASSUMED)
    }

    /// The usual distance of two frames.
    pub(crate) fn usual(&self) -> Duration {
        median(self.distances.iter()).unwrap_or(ASSUMED)
    }

    /// How far most frames are from where they would be: the 90th percentile.
    fn jitter(&self) -> Duration {
        let usual = self.usual();
        let mut off: Vec<Duration> = self.distances.iter().map(|distance| distance.abs_diff(usual)).collect();
        off.sort_unstable();
        off.get(off.len() * 9 / 10).copied().unwrap_or_default()
    }

    /// The longest of the latest distances of two keyframes.
    pub(crate) fn keyframe_distance(&self) -> Option<Duration> {
        self.keyframe_distances.iter().max().copied()
    }

    /// Frames a second, in thousandths.
    pub(crate) fn frame_rate_millis(&self) -> Option<u64> {
        if self.distances.is_empty() {
            return None;
        }
        // The mean tells 25 fps where time stamps alternate; a frame that was lost is left out.
        let usual = self.usual();
        let (mut sum, mut count) = (Duration::ZERO, 0u32);
        for &distance in self.distances.iter().filter(|&&distance| distance * 2 < usual * 3) {
            sum += distance;
            count += 1;
        }
        let nanos = sum.checked_div(count)?.as_nanos();
        u64::try_from((1_000_000_000_000 + nanos / 2).checked_div(nanos)?).ok()
    }

    /// The `PART-TARGET` for parts of about `wanted`: a whole number of frames, and room for jitter.
    pub(crate) fn part_target(&self, wanted: Duration) -> Duration {
        let distance = self.usual().max(Duration::from_millis(1));
        let frames = ((wanted.as_nanos() + distance.as_nanos() / 2) / distance.as_nanos()).max(1);
        let meant = distance * u32::try_from(frames).unwrap_or(1);
        // Both ends of a part are uncertain.
        let slack = (self.jitter() * 2).min(meant * SLACK_PERCENT / 100);
        let micros = u64::try_from((meant + slack).as_micros()).unwrap_or(u64::MAX);
        // Half a tick of a 90 kHz clock is no jitter: 5 frames of 40 ms are 200 ms, not 201.
        Duration::from_millis(micros.saturating_sub(50).div_ceil(1000).max(1))
    }
}

fn median<'a>(distances: impl Iterator<Item = &'a Duration>) -> Option<Duration> {
    let mut sorted: Vec<Duration> = distances.copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

fn keep(distances: &mut VecDeque<Duration>, distance: Duration, most: usize) {
    if distances.len() == most {
        distances.pop_front();
    }
    distances.push_back(distance);
}

/// Segments are cut at the first keyframe from here on.
pub(crate) fn shortest_segment(target: Duration) -> Duration {
    target * SEGMENT_PERCENT / 100
}

/// The target duration of a playlist whose segments are cut at the first keyframe after `segment_target`, where keyframes are
/// `keyframes` apart.
pub(crate) fn target_duration(segment_target: Duration, keyframes: Duration) -> u32 {
    let shortest = shortest_segment(segment_target);
    let keyframes = keyframes.max(Duration::from_millis(1));
    let count = u32::try_from(shortest.as_nanos().div_ceil(keyframes.as_nanos())).unwrap_or(1).max(1);
    // A quarter of a second may be missing, since durations are rounded: it leaves another quarter for keyframes that are late.
    seconds_above((keyframes * count).saturating_sub(Duration::from_millis(250)))
}

/// Whole seconds, rounded up, within what a target duration may be.
pub(crate) fn seconds_above(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000))
        .unwrap_or(MAX_TARGET_DURATION)
        .clamp(1, MAX_TARGET_DURATION)
}

/// Whether a track of this cadence can keep the promise: parts of one frame or more.
pub(crate) fn fits(promise: &Promise, cadence: &Cadence) -> bool {
    promise.part_target.is_none_or(|target| cadence.usual() <= target + target / 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cadence(distances_ms: &[u64]) -> Cadence {
        let mut cadence = Cadence::default();
        let mut at = Timestamp::ZERO;
        cadence.observe(at, true);
        for &distance in distances_ms {
            at = at + Duration::from_millis(distance);
            cadence.observe(at, false);
        }
        cadence
    }

    /// The part target for 200 ms in milliseconds.
    fn part_target(distances_ms: &[u64]) -> u128 {
        cadence(distances_ms).part_target(Duration::from_millis(200)).as_millis()
    }

    #[test]
    fn a_part_target_is_a_whole_number_of_frames() {
        assert_eq!(part_target(&[40; 20]), 200);
        assert_eq!(part_target(&[50; 20]), 200);
        assert_eq!(part_target(&[100; 20]), 200);
        assert_eq!(part_target(&[80; 20]), 240);
        assert_eq!(part_target(&[125; 20]), 250);
        assert_eq!(part_target(&[1000; 20]), 1000);
        assert_eq!(part_target(&[17, 17, 16, 17, 17, 16, 17, 17, 16]), 206);
    }

    #[test]
    fn jitter_makes_room_but_no_more_than_parts_may_vary() {
        assert_eq!(part_target(&[40, 42, 38, 40, 41, 39, 40, 40, 42, 38]), 204);
        assert_eq!(part_target(&[20, 60, 20, 60, 40, 20, 60, 40, 20, 60]), 214);
    }

    #[test]
    fn a_target_duration_holds_whole_gops() {
        let check = |target_ms: u64, gop_ms: u64| {
            target_duration(Duration::from_millis(target_ms), Duration::from_millis(gop_ms))
        };
        assert_eq!(check(1000, 1000), 1);
        assert_eq!(check(1000, 960), 1);
        assert_eq!(check(1000, 500), 1);
        assert_eq!(check(1000, 600), 1);
        assert_eq!(check(1000, 2000), 2);
        assert_eq!(check(2000, 2040), 2);
        assert_eq!(check(2000, 1500), 3);
        assert_eq!(check(1000, 2300), 3);
        assert_eq!(check(1000, 10_000), 10);
        assert_eq!(check(1000, 60_000), 30);
    }

    #[test]
    fn the_frame_rate_is_told_in_thousandths_and_lost_frames_are_left_out() {
        assert_eq!(cadence(&[40, 40, 40, 120, 40, 40]).frame_rate_millis(), Some(25_000));
        assert_eq!(cadence(&[36, 44, 36, 44]).frame_rate_millis(), Some(25_000));
        assert_eq!(cadence(&[]).frame_rate_millis(), None);
    }
}
