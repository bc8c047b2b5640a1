//! The segment in progress: frames that wait to become a part, and the parts made of them.

use crate::promise::shortest_part;
use crate::segment::{Head, OpenSegment, Part};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::{Frame, Timestamp, TrackId};

/// A segment being made.
#[derive(Debug)]
pub(super) struct Open {
    /// What the playlist will say, and the parts so far.
    pub(super) listed: OpenSegment,
    /// Decoding time of its first frame of the leading track.
    pub(super) start: Timestamp,
    /// Decoding time of the latest frame of the leading track.
    pub(super) last: Timestamp,
    /// When that came in.
    pub(super) last_received_at: Instant,
    /// Where the last part ends, as the playlist tells it. It stays within half a frame of where that part's frames end,
    /// but for pauses that are longer than a part.
    pub(super) told: Timestamp,
    /// Frames of the part in progress, as they came.
    pub(super) pending: Vec<Frame>,
    pub(super) pending_bytes: usize,
    /// What is muxed so far.
    pub(super) pieces: Vec<Bytes>,
    pub(super) size_bytes: usize,
    /// How many frames it has.
    pub(super) frames: usize,
}

impl Open {
    /// A segment that begins with `frame`, which is yet to be added.
    pub(super) fn new(head: Head, frame: &Frame) -> Self {
        Self {
            listed: OpenSegment { head, parts: Vec::new() },
            start: frame.dts,
            last: frame.dts,
            last_received_at: frame.received_at,
            told: frame.dts,
            pending: Vec::new(),
            pending_bytes: 0,
            pieces: Vec::new(),
            size_bytes: 0,
            frames: 0,
        }
    }

    pub(super) fn add(&mut self, frame: Frame) {
        self.pending_bytes += frame.data.len();
        self.frames += 1;
        self.pending.push(frame);
    }

    /// Whether the frames that wait have one of this track.
    pub(super) fn waits_for(&self, track: TrackId) -> bool {
        self.pending.iter().any(|frame| frame.track == track)
    }

    /// The frames that wait, and whether a keyframe of the leading track comes first of its frames.
    pub(super) fn take_pending(&mut self, leading: TrackId) -> (Vec<Frame>, bool) {
        let independent =
            self.pending.iter().find(|frame| frame.track == leading).is_some_and(|frame| frame.keyframe);
        self.pending_bytes = 0;
        (std::mem::take(&mut self.pending), independent)
    }

    /// Puts muxed bytes into the segment.
    pub(super) fn put(&mut self, bytes: Bytes) {
        self.size_bytes += bytes.len();
        if !bytes.is_empty() {
            self.pieces.push(bytes);
        }
    }

    /// Puts a part into the segment, which ends at `end` as the playlist tells it.
    pub(super) fn put_part(&mut self, number: u64, end: Timestamp, independent: bool, bytes: Bytes) {
        // A part that lasts no time at all can only come of time stamps that stand still.
        let duration = end.saturating_since(self.told).max(Duration::from_millis(1));
        self.told = self.told + duration;
        self.put(bytes.clone());
        self.listed.parts.push(Arc::new(Part { number, duration, independent, gap: false, bytes }));
    }

    /// Whether the part in progress is over with a frame that ends at `end`, where frames are `distance` apart: where it then
    /// ends, as the playlist tells it (RFC 8216bis §4.4.4.9).
    ///
    /// A part ends with the last frame that it has room for, without waiting for the next. Where frames do not fit, because they
    /// come less regularly than they used to, the playlist tells the nearest length that is allowed, and the next part
    /// makes up for it.
    pub(super) fn part_ends(
        &self,
        end: Timestamp,
        distance: Duration,
        target: Duration,
    ) -> Option<Timestamp> {
        let length = end.saturating_since(self.told);
        let shortest = shortest_part(target);
        if length >= target {
            return Some(self.told + target);
        }
        let with_next = length + distance;
        if with_next <= target {
            None
        } else if length >= shortest {
            Some(end)
        } else if shortest - length <= with_next - target {
            Some(self.told + shortest)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::{epoch, wall_epoch};

    const TARGET: Duration = Duration::from_millis(200);

    fn frame(millis: u64) -> Frame {
        let at = Timestamp::ZERO + Duration::from_millis(millis);
        Frame {
            track: TrackId(0),
            keyframe: millis == 0,
            pts: at,
            dts: at,
            new_codec: None,
            captured_at: None,
            received_at: epoch(),
            data: Bytes::from_static(b"x"),
        }
    }

    /// Cuts frames at these times, each as long as to the next one, into parts: their durations in milliseconds.
    fn cut(times_ms: &[u64], distance_ms: u64) -> Vec<u128> {
        let head = Head { discontinuity: false, init: None, date: wall_epoch() };
        let mut open = Open::new(head, &frame(0));
        for &time in times_ms {
            open.add(frame(time));
            let end = Timestamp::ZERO + Duration::from_millis(time + distance_ms);
            if let Some(end) = open.part_ends(end, Duration::from_millis(distance_ms), TARGET) {
                open.take_pending(TrackId(0));
                open.put_part(0, end, false, Bytes::new());
            }
        }
        open.listed.parts.iter().map(|part| part.duration.as_millis()).collect()
    }

    #[test]
    fn regular_frames_make_parts_of_the_target() {
        let times: Vec<u64> = (0..20).map(|index| index * 40).collect();
        assert_eq!(cut(&times, 40), [200; 4]);
    }

    #[test]
    fn parts_keep_within_what_is_allowed_and_in_step_with_the_frames() {
        // 80 ms fit 200 ms badly: 170 to 200 ms are allowed, 160 and 240 are there.
        let times: Vec<u64> = (0..100).map(|index| index * 80).collect();
        let parts = cut(&times, 80);
        assert!(parts.iter().all(|&part| (170..=200).contains(&part)), "{parts:?}");
        assert!(parts.iter().sum::<u128>().abs_diff(8000) <= 200);
    }

    #[test]
    fn a_pause_is_made_up_for_by_the_parts_behind_it() {
        let mut times: Vec<u64> = (0..10).map(|index| index * 40).collect();
        times.extend((0..40).map(|index| 1000 + index * 40));
        let parts = cut(&times, 40);
        assert!(parts.iter().all(|&part| (170..=200).contains(&part)), "{parts:?}");
        assert_eq!(parts.iter().sum::<u128>(), 2600);
    }
}
