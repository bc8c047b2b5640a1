//! The frames of a stream, stored once, read by everybody.

use crate::StreamOptions;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::{Codec, Frame, Timestamp, TrackId};

/// The newest frames of a stream in the order of their coming, each with an index that never repeats.
///
/// It keeps everything since the last keyframe of each video track (the GOP buffer), and [`StreamOptions::max_lag`] for
/// consumers that are a little behind, or [`StreamOptions::history`] for those who want more, within the bounds in bytes, frames and age. Where a bound cuts into
/// a GOP, that GOP is no starting point any more and newcomers wait for the next keyframe.
pub(crate) struct Ring {
    frames: VecDeque<Frame>,
    /// Index of the first frame in `frames`.
    first: u64,
    bytes: usize,
    /// The last keyframe of each video track.
    keyframes: Vec<(TrackId, u64)>,
    /// Index of the first frame since a producer has begun anew.
    began: u64,
    /// Decoding time of the last frame of each track there ever was.
    last_dts: Vec<(TrackId, Timestamp)>,
    /// What the frames that are gone said last of each track's codec.
    told: Vec<(TrackId, Arc<Codec>)>,
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
            began: 0,
            last_dts: Vec::new(),
            told: Vec::new(),
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

    /// The first keyframe of `video` within [`StreamOptions::history`], since a producer has begun anew.
    pub(crate) fn first_keyframe(&self, video: TrackId) -> Option<u64> {
        let latest = self.keyframe(video)?;
        let is_keyframe =
            |index: &u64| self.get(*index).is_some_and(|frame| frame.track == video && frame.keyframe);
        let mut from = self.first.max(self.began)..latest;
        from.find(|index| is_keyframe(index) && self.lag(*index) <= self.options.history).or(Some(latest))
    }

    /// Adds a frame; `is_video` tells whether its track is a place to start from.
    pub(crate) fn push(&mut self, frame: Frame, is_video: bool) {
        if is_video && frame.keyframe {
            let index = self.head();
            self.keyframes.retain(|(of, _)| *of != frame.track);
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
        self.began = self.head();
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

    /// Where a reader that wants `next` reads on. `video` is the track whose keyframes it can start from; `late` is meant to be
    /// behind.
    pub(crate) fn place(&self, next: u64, video: Option<TrackId>, late: bool) -> Place {
        let Some(video) = video else {
            return if next < self.first { Place::Skip(Some(self.first)) } else { Place::At(next) };
        };
        let keyframe = self.keyframe(video);
        if next < self.first {
            return Place::Skip(keyframe);
        }
        match keyframe {
            Some(keyframe) if !late && keyframe > next && self.lag(next) > self.options.max_lag => {
                Place::Skip(Some(keyframe))
            }
            _ => Place::At(next),
        }
    }

    /// What was told of the codec of `track` up to `index`, that frame included; `None` if it never changed.
    pub(crate) fn codec_at(&self, index: u64, track: TrackId) -> Option<Arc<Codec>> {
        let count = usize::try_from(index.checked_sub(self.first)?).ok()?.saturating_add(1);
        let listed = self.frames.iter().take(count).rev();
        let latest = listed.filter(|frame| frame.track == track).find_map(|frame| frame.new_codec.clone());
        latest.or_else(|| self.told.iter().find(|(of, _)| *of == track).map(|(_, codec)| Arc::clone(codec)))
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
            let wanted = age <= self.options.max_lag.max(self.options.history)
                || self.keyframes.iter().any(|&(_, index)| index <= self.first);
            // The newest frame always stays, or a frame larger than the bound would never be seen.
            if self.frames.len() == 1 || (wanted && !over) {
                return;
            }
            self.bytes -= oldest.data.len();
            if let Some(codec) = oldest.new_codec.clone() {
                tell(&mut self.told, oldest.track, codec);
            }
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

/// Keeps the latest codec of each track: as many as there ever were tracks.
fn tell(told: &mut Vec<(TrackId, Arc<Codec>)>, track: TrackId, codec: Arc<Codec>) {
    match told.iter_mut().find(|(of, _)| *of == track) {
        Some((_, known)) => *known = codec,
        None => told.push((track, codec)),
    }
}
