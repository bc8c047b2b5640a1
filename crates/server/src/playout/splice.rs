//! Puts pieces of media, each with a time of its own, one behind the other: the parts of a playlist between discontinuities, the rounds of
//! a file that is played again and again.

use super::limits::{SPLICE_OVERLAP, SPLICE_PAUSE, SPLICE_TIMELINES};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use yeoul_media::{Frame, Timestamp, TrackId};

/// Time of MPEG wraps after 2^33 ticks of 90 kHz: two lanes, or the same one after a pause, may see it on either side.
const WRAP_NANOS: i64 = 95_443_717_688_889;
/// The length of a piece's last frame, where it is the only one.
const USUAL_STEP: Duration = Duration::from_millis(40);

/// Shared by the lanes of one presentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splice(Arc<Mutex<Pieces>>);

#[derive(Debug, Default)]
struct Pieces {
    /// By which each lane's time is moved, in nanoseconds: timeline, lane, offset. The newest is the last.
    offsets: VecDeque<(u64, usize, i64)>,
    /// Where the tracks have come to.
    ends: BTreeMap<(usize, TrackId), End>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    last: Timestamp,
    step: Duration,
}

impl Splice {
    /// Moves frames of `lane` from `timeline` onto the common one. `is_new` if they were read by another demuxer than those before.
    pub(super) fn place(&self, (lane, timeline): (usize, u64), is_new: bool, frames: &mut [Frame]) {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = pieces.offset(lane, timeline, is_new, frames);
        for frame in frames {
            (frame.pts, frame.dts) = (moved(frame.pts, offset), moved(frame.dts, offset));
            let end =
                pieces.ends.entry((lane, frame.track)).or_insert(End { last: frame.dts, step: USUAL_STEP });
            let step = frame.dts.saturating_since(end.last);
            *end = End { last: frame.dts.max(end.last), step: if step.is_zero() { end.step } else { step } };
        }
    }
}

impl Pieces {
    fn offset(&mut self, lane: usize, timeline: u64, is_new: bool, frames: &[Frame]) -> i64 {
        let of_timeline = |&&(known, ..): &&(u64, usize, i64)| known == timeline;
        let own = self.offsets.iter().filter(of_timeline).find(|(_, of, _)| *of == lane);
        if let Some((.., offset)) = own.filter(|_| !is_new) {
            return *offset;
        }
        let firsts = firsts(frames);
        let known = own.into_iter().chain(self.offsets.iter().filter(of_timeline));
        let mut known = known.map(|(.., offset)| self.folded(*offset, frames)).peekable();
        let offset = if known.peek().is_none() {
            self.beginning(lane, &firsts)
        } else {
            // Not each timeline is what its number says: where a playlist does not count the discontinuities that have left it, and
            // where sound that tells no time begins at zero.
            let fitting = known.find(|offset| self.fits(lane, *offset, &firsts));
            fitting.unwrap_or_else(|| self.behind(lane, &firsts))
        };
        self.offsets.retain(|&(known, of, _)| (known, of) != (timeline, lane));
        if self.offsets.len() >= SPLICE_TIMELINES {
            self.offsets.pop_front();
        }
        self.offsets.push_back((timeline, lane, offset));
        offset
    }

    /// An offset of the same timeline, without the wraps that lie between.
    fn folded(&self, offset: i64, frames: &[Frame]) -> i64 {
        let ends = self.ends.values().map(|end| end.last.as_nanos()).max();
        let Some((first, end)) = frames.first().map(|frame| frame.dts.as_nanos()).zip(ends) else {
            return offset;
        };
        let distance = i128::from(first) + i128::from(offset) - i128::from(end);
        let wraps = (distance + i128::from(WRAP_NANOS) / 2).div_euclid(i128::from(WRAP_NANOS));
        i64::try_from(i128::from(offset) - wraps * i128::from(WRAP_NANOS)).unwrap_or(offset)
    }

    /// Whether every track of the lane goes on with this offset.
    fn fits(&self, lane: usize, offset: i64, firsts: &BTreeMap<TrackId, Timestamp>) -> bool {
        firsts.iter().all(|(track, first)| {
            let first = moved(*first, offset);
            let end = self.ends.get(&(lane, *track));
            end.is_none_or(|end| (end.last - SPLICE_OVERLAP..=end.last + SPLICE_PAUSE).contains(&first))
        })
    }

    /// The offset of a timeline that nobody has come to yet: it goes on behind this lane, or behind the others where they have come so much
    /// further that they could not keep in step with it.
    fn beginning(&self, lane: usize, firsts: &BTreeMap<TrackId, Timestamp>) -> i64 {
        let own = self.behind(lane, firsts);
        let overlap = i64::try_from(SPLICE_OVERLAP.as_nanos()).unwrap_or(i64::MAX);
        let others = self.behind_lanes(|other| other != lane, firsts);
        others.filter(|others| others.saturating_sub(own) > overlap).unwrap_or(own)
    }

    /// The offset that puts the first frame of every track behind the last one before it.
    fn behind(&self, lane: usize, firsts: &BTreeMap<TrackId, Timestamp>) -> i64 {
        let known =
            firsts.iter().filter_map(|(track, first)| Some(self.ends.get(&(lane, *track))?.distance(*first)));
        known.max().or_else(|| self.behind_lanes(|_| true, firsts)).unwrap_or(0)
    }

    /// The offset that puts all of them behind all that there is of these lanes.
    fn behind_lanes(&self, of: impl Fn(usize) -> bool, firsts: &BTreeMap<TrackId, Timestamp>) -> Option<i64> {
        let ends = self.ends.iter().filter(|((lane, _), _)| of(*lane)).map(|(_, end)| end);
        let (latest, first) = ends.max_by_key(|end| end.last).zip(firsts.values().min())?;
        Some(latest.distance(*first))
    }
}

impl End {
    /// From a time of a new piece to the one behind this.
    fn distance(self, first: Timestamp) -> i64 {
        (self.last + self.step).as_nanos().saturating_sub(first.as_nanos())
    }
}

/// When each track begins.
fn firsts(frames: &[Frame]) -> BTreeMap<TrackId, Timestamp> {
    let mut firsts = BTreeMap::new();
    for frame in frames {
        firsts.entry(frame.track).or_insert(frame.dts);
    }
    firsts
}

fn moved(time: Timestamp, offset: i64) -> Timestamp {
    Timestamp::from_nanos(time.as_nanos().saturating_add(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use yeoul_testkit::epoch;

    fn frame(track: u16, ms: i64) -> Frame {
        let time = Timestamp::from_nanos(ms * 1_000_000);
        Frame {
            track: TrackId(track),
            keyframe: true,
            pts: time,
            dts: time,
            new_codec: None,
            captured_at: None,
            received_at: epoch(),
            data: Bytes::from_static(b"x"),
        }
    }

    /// Times in milliseconds.
    fn place(splice: &Splice, place: (usize, u64), is_new: bool, frames: &[(u16, i64)]) -> Vec<i64> {
        let mut frames: Vec<Frame> = frames.iter().map(|&(track, ms)| frame(track, ms)).collect();
        splice.place(place, is_new, &mut frames);
        frames.iter().map(|frame| frame.dts.as_nanos() / 1_000_000).collect()
    }

    #[test]
    fn rounds_go_on_without_a_jump_on_any_track() {
        let splice = Splice::default();
        let round = [(0, 0), (1, 0), (0, 40), (1, 20), (1, 40), (0, 80), (1, 60), (1, 80), (1, 100)];
        place(&splice, (0, 0), true, &round);
        // Sound ends at 120, as does the picture.
        assert_eq!(place(&splice, (0, 1), true, &round)[..3], [120, 120, 160]);
        assert_eq!(place(&splice, (0, 2), true, &[(0, 5000), (1, 5000)]), [240, 240]);
    }

    #[test]
    fn lanes_keep_step_over_a_discontinuity() {
        let splice = Splice::default();
        place(&splice, (0, 0), true, &[(0, 1000), (0, 1040)]);
        place(&splice, (1, 0), true, &[(0, 1010), (0, 1030)]);
        assert_eq!(place(&splice, (0, 1), true, &[(0, 90_000)]), [1080]);
        assert_eq!(place(&splice, (1, 1), true, &[(0, 90_010)]), [1090]);
    }

    #[test]
    fn a_lane_that_lags_keeps_in_step_when_a_timeline_begins() {
        let splice = Splice::default();
        place(&splice, (0, 0), true, &[(0, 50_000)]);
        let sound: Vec<(u16, i64)> = (0..=300).map(|n| (0, 50_000 + n * 20)).collect();
        place(&splice, (1, 0), true, &sound);
        // The picture has lost six seconds when the origin counts anew.
        assert_eq!(place(&splice, (0, 1), true, &[(0, 1000)]), [56_020]);
        assert_eq!(place(&splice, (1, 1), true, &[(0, 1000)]), [56_020]);
    }

    #[test]
    fn a_discontinuity_that_has_left_a_playlist_uncounted_moves_nothing_back() {
        let splice = Splice::default();
        for lane in [0, 1] {
            place(&splice, (lane, 0), true, &[(0, 50_000), (0, 50_040)]);
        }
        for lane in [0, 1] {
            assert_eq!(place(&splice, (lane, 1), true, &[(0, 1000), (0, 1040)]), [50_080, 50_120]);
        }
        // The tag is out of the window: the same timeline has the number of the one before.
        assert_eq!(place(&splice, (0, 0), true, &[(0, 1080), (0, 1120)]), [50_160, 50_200]);
        // One frame is missing here: both keep in step.
        assert_eq!(place(&splice, (1, 0), true, &[(0, 1120)]), [50_200]);
        assert_eq!(place(&splice, (0, 0), false, &[(0, 1160)]), [50_240]);
        // A segment was missed.
        assert_eq!(place(&splice, (0, 0), true, &[(0, 3160)]), [52_240]);
    }

    #[test]
    fn sound_that_begins_at_zero_within_a_timeline_goes_on_behind_its_last() {
        let hour = 3_600_000;
        for begin in [50_000, 20 * hour] {
            let splice = Splice::default();
            place(&splice, (0, 0), true, &[(0, begin), (0, begin + 40)]);
            assert_eq!(place(&splice, (1, 0), true, &[(0, begin), (0, begin + 20)]), [begin, begin + 20]);
            assert_eq!(place(&splice, (1, 0), true, &[(0, 0), (0, 20)]), [begin + 40, begin + 60]);
            // The picture stays where it was.
            assert_eq!(place(&splice, (0, 0), false, &[(0, begin + 80)]), [begin + 80]);
            assert_eq!(place(&splice, (0, 0), true, &[(0, begin + 160)]), [begin + 160]);
            assert_eq!(place(&splice, (1, 0), false, &[(0, 40)]), [begin + 80]);
        }
    }

    #[test]
    fn time_that_wraps_between_two_demuxers_is_unwrapped() {
        let wrap = WRAP_NANOS / 1_000_000;
        let splice = Splice::default();
        place(&splice, (0, 0), true, &[(0, wrap - 40)]);
        assert_eq!(place(&splice, (1, 0), true, &[(0, 10)]), [wrap + 10]);
        // The same lane goes on after a segment that was missed.
        assert_eq!(place(&splice, (0, 0), true, &[(0, 80)]), [wrap + 80]);
        assert_eq!(place(&splice, (0, 0), false, &[(0, 120)]), [wrap + 120]);
    }
}
