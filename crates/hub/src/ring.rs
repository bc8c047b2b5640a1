//! The frames of a stream, stored once, read by everybody.

use crate::StreamOptions;
use std::collections::VecDeque;
use std::time::Duration;
use yeoul_media::{Frame, Timestamp, TrackId};

/// The newest frames of a stream in the order of their coming, each with an index that never repeats.
///
/// It keeps everything since the last keyframe of each video track (the GOP buffer), and [`StreamOptions::max_lag`]
/// before it for consumers that are a little behind, within the bounds in bytes, frames and age. Where a bound cuts into
/// a GOP, that GOP is no starting point any more and newcomers wait for the next keyframe.
pub(crate) struct Ring {
    frames: VecDeque<Frame>,
    /// Index of the first frame in `frames`.
    first: u64,
    bytes: usize,
    keyframes: Vec<(TrackId, u64)>,
    /// Decoding time of the last frame of each track there ever was.
    last_dts: Vec<(TrackId, Timestamp)>,
    options: StreamOptions,
}

/// Where a reader goes on, and what it lost on the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Read on here.
    At(u64),
    /// Too far behind: go on at this keyframe, if there is one yet.
    Skip(Option<u64>),
}

impl Ring {
    pub(crate) fn new(options: StreamOptions) -> Self {
        Self {
            frames: VecDeque::new(),
            first: 0,
            bytes: 0,
            keyframes: Vec::new(),
            last_dts: Vec::new(),
            options,
        }
    }

    /// Index that the next frame will get.
    pub(crate) fn head(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    pub(crate) fn get(&self, index: u64) -> Option<&Frame> {
        self.frames.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    /// The last keyframe of `video` that is still here.
    pub(crate) fn keyframe(&self, video: TrackId) -> Option<u64> {
        self.keyframes.iter().find(|(track, _)| *track == video).map(|&(_, index)| index)
    }

    /// Adds a frame; `is_video` tells whether its track is a place to start from.
    pub(crate) fn push(&mut self, frame: Frame, is_video: bool) {
        if is_video && frame.keyframe {
            let index = self.head();
            self.forget_keyframe(frame.track);
            self.keyframes.push((frame.track, index));
        }
        match self.last_dts.iter_mut().find(|(track, _)| *track == frame.track) {
            Some((_, dts)) => *dts = frame.dts,
            None => self.last_dts.push((frame.track, frame.dts)),
        }
        self.bytes += frame.data.len();
        self.frames.push_back(frame);
        self.trim();
    }

    /// No newcomer starts from `track` before its next keyframe: its producer has begun anew.
    pub(crate) fn forget_keyframe(&mut self, track: TrackId) {
        self.keyframes.retain(|(of, _)| *of != track);
    }

    /// Decoding time of the last frame of `track`, the earliest possible time if there was none.
    pub(crate) fn last_dts(&self, track: TrackId) -> Timestamp {
        let last = self.last_dts.iter().find(|(of, _)| *of == track);
        last.map_or(Timestamp::from_nanos(i64::MIN), |&(_, dts)| dts)
    }

    /// Whether there ever was a frame of `track`.
    pub(crate) fn has_had(&self, track: TrackId) -> bool {
        self.last_dts.iter().any(|(of, _)| *of == track)
    }

    /// Where a reader that wants `next` reads on. `video` is the track whose keyframes it can start from.
    pub(crate) fn place(&self, next: u64, video: Option<TrackId>) -> Place {
        let Some(video) = video else {
            return if next < self.first { Place::Skip(Some(self.first)) } else { Place::At(next) };
        };
        let keyframe = self.keyframe(video);
        if next < self.first {
            return Place::Skip(keyframe);
        }
        match keyframe {
            Some(keyframe) if keyframe > next && self.lag(next) > self.options.max_lag => {
                Place::Skip(Some(keyframe))
            }
            _ => Place::At(next),
        }
    }

    /// How long before the newest frame the frame at `index` came in.
    fn lag(&self, index: u64) -> Duration {
        match (self.frames.back(), self.get(index)) {
            (Some(newest), Some(frame)) => newest.received_at.saturating_duration_since(frame.received_at),
            _ => Duration::ZERO,
        }
    }

    fn trim(&mut self) {
        while let Some(oldest) = self.frames.front() {
            let age = self.lag(self.first);
            let over = self.bytes > self.options.max_ring_bytes
                || self.frames.len() > crate::limits::MAX_RING_FRAMES
                || age > self.options.max_ring_age;
            let wanted =
                age <= self.options.max_lag || self.keyframes.iter().any(|&(_, index)| index <= self.first);
            // The newest frame always stays, or a frame larger than the bound would never be seen.
            if self.frames.len() == 1 || (wanted && !over) {
                return;
            }
            self.bytes -= oldest.data.len();
            self.frames.pop_front();
            self.first += 1;
            self.keyframes.retain(|&(_, index)| index >= self.first);
        }
    }

    /// Bytes of the frames of `track` that are kept, without the last one, and the time they take.
    pub(crate) fn amount(&self, track: TrackId) -> (usize, Duration) {
        let frames = || self.frames.iter().filter(|frame| frame.track == track);
        let (Some(first), Some(last)) = (frames().next(), frames().next_back()) else {
            return (0, Duration::ZERO);
        };
        let bytes: usize = frames().map(|frame| frame.data.len()).sum();
        (bytes - last.data.len(), last.dts.saturating_since(first.dts))
    }

    /// Bytes of the frames kept.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
