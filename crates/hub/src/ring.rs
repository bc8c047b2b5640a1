//! The frames of a stream, stored once, read by everybody.

use crate::StreamOptions;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::{Codec, Frame, Timestamp, TrackId};

/// The newest frames of a stream in the order of their coming, each with an index that never repeats.
///
/// It keeps everything since the last keyframe of each video track (the GOP buffer), [`StreamOptions::max_lag`] for
/// consumers that are a little behind, and [`StreamOptions::history`] for those who begin earlier, within the bounds in
/// bytes, frames and age. Where a bound cuts into a GOP, that GOP is no starting point any more and newcomers wait for the
/// next keyframe.
pub(crate) struct Ring {
    frames: VecDeque<Frame>,
    /// Index of the first frame in `frames`.
    first: u64,
    bytes: usize,
    /// The last keyframe of each video track.
    keyframes: Vec<(TrackId, u64)>,
    /// Index of the first frame since the producer of each track has begun anew.
    began: Vec<(TrackId, u64)>,
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
            began: Vec::new(),
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
        of(&self.keyframes, video).copied()
    }

    /// The first keyframe of `video` within [`StreamOptions::history`], since its producer has begun anew.
    pub(crate) fn first_keyframe(&self, video: TrackId) -> Option<u64> {
        let latest = self.keyframe(video)?;
        let is_keyframe =
            |index: &u64| self.get(*index).is_some_and(|frame| frame.track == video && frame.keyframe);
        let mut from = of(&self.began, video).map_or(self.first, |began| self.first.max(*began))..latest;
        from.find(|index| is_keyframe(index) && self.lag(*index) <= self.options.history).or(Some(latest))
    }

    /// Adds a frame; `is_video` tells whether its track is a place to start from.
    pub(crate) fn push(&mut self, frame: Frame, is_video: bool) {
        if is_video && frame.keyframe {
            let index = self.head();
            put(&mut self.keyframes, frame.track, index);
        }
        put(&mut self.last_dts, frame.track, frame.dts);
        self.bytes += frame.data.len();
        self.frames.push_back(frame);
        self.trim();
    }

    /// No newcomer starts from `track` before its next keyframe: its producer has begun anew.
    pub(crate) fn forget_keyframe(&mut self, track: TrackId) {
        self.keyframes.retain(|(of, _)| *of != track);
        let head = self.head();
        put(&mut self.began, track, head);
    }

    /// Decoding time of the last frame of `track`, the earliest possible time if there was none.
    pub(crate) fn last_dts(&self, track: TrackId) -> Timestamp {
        of(&self.last_dts, track).copied().unwrap_or(Timestamp::from_nanos(i64::MIN))
    }

    /// Whether there ever was a frame of `track`.
    pub(crate) fn has_had(&self, track: TrackId) -> bool {
        of(&self.last_dts, track).is_some()
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
        latest.or_else(|| of(&self.told, track).cloned())
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
                put(&mut self.told, oldest.track, codec);
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

/// What is known of a track.
fn of<T>(list: &[(TrackId, T)], track: TrackId) -> Option<&T> {
    list.iter().find(|(of, _)| *of == track).map(|(_, value)| value)
}

/// Puts in what is known of a track now: a list has as many entries as there ever were tracks.
fn put<T>(list: &mut Vec<(TrackId, T)>, track: TrackId, value: T) {
    match list.iter_mut().find(|(of, _)| *of == track) {
        Some((_, known)) => *known = value,
        None => list.push((track, value)),
    }
}
