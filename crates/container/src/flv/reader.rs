//! Tags to frames, from files and from RTMP.

use super::coding::{Coding, TrackTag};
use super::tag::{AudioTag, Error, VideoTag};
use super::{CLOCK_BITS, CLOCK_HZ, TagKind, metadata};
use crate::Event;
use crate::announce::Announcer;
use crate::limits::MAX_FLV_TRACKS;
use crate::timeline::{Timeline, TrackTime};
use bytes::Bytes;
use std::time::{Duration, Instant};
use yeoul_media::{Frame, Kind, TrackId};

/// Makes frames of tags.
///
/// One track of video and one of sound are waited for before the tracks are told, unless the metadata, or [`TagReader::expect`],
/// says that there is only one of them. Codecs that are not taken are passed over: the other track may be all that is wanted.
#[derive(Debug)]
pub struct TagReader {
    tracks: Vec<Track>,
    timeline: Timeline,
    announcer: Announcer,
    passed_over: Option<Error>,
}

/// One track, as far as it is known.
#[derive(Debug)]
struct Track {
    kind: Kind,
    /// Its number among those of its kind.
    number: u8,
    id: TrackId,
    time: TrackTime,
    /// `None` before its first tag.
    coding: Option<Coding>,
}

impl Default for TagReader {
    fn default() -> Self {
        let mut reader = Self {
            tracks: Vec::new(),
            timeline: Timeline::new(CLOCK_BITS, CLOCK_HZ),
            announcer: Announcer::default(),
            passed_over: None,
        };
        reader.add(Kind::Video, 0);
        reader.add(Kind::Audio, 0);
        reader
    }
}

impl TagReader {
    /// Says which kinds of tracks there are. Nothing is believed that says there are none.
    pub fn expect(&mut self, video: bool, audio: bool) {
        for (kind, there) in [(Kind::Video, video || !audio), (Kind::Audio, audio || !video)] {
            let silent = self.tracks.iter().position(|track| track.kind == kind && track.coding.is_none());
            if let Some(at) = silent.filter(|_| !there) {
                self.announcer.remove(self.tracks.remove(at).id);
            }
        }
    }

    /// The next tag: its kind, its timestamp, its body, and when it came. Call [`TagReader::pull`] until `None` after each push.
    ///
    /// # Errors
    /// If the body breaks the format. What comes next may be read all the same.
    pub fn push(
        &mut self,
        kind: TagKind,
        timestamp_ms: u32,
        body: &Bytes,
        received_at: Instant,
    ) -> Result<(), Error> {
        let result = match kind {
            TagKind::Script => {
                if let Some((video, audio)) = metadata::kinds(body) {
                    self.expect(video, audio);
                }
                Ok(())
            }
            TagKind::Video => VideoTag::parse(body).map(|tags| {
                tags.into_iter().for_each(|tag| self.take(&tag.into(), timestamp_ms, received_at));
            }),
            TagKind::Audio => AudioTag::parse(body).map(|tags| {
                tags.into_iter().for_each(|tag| self.take(&tag.into(), timestamp_ms, received_at));
            }),
        };
        match result {
            Err(error @ Error::Codec(_)) => {
                self.passed_over = Some(error);
                Ok(())
            }
            result => result,
        }
    }

    /// Nothing more will come: gives what waited for more.
    pub fn finish(&mut self) {
        self.announcer.finish();
    }

    /// What has been found, in order.
    pub fn pull(&mut self) -> Option<Event> {
        self.announcer.pull()
    }

    /// The last tag that was passed over because of its codec.
    #[must_use]
    pub fn passed_over(&self) -> Option<&Error> {
        self.passed_over.as_ref()
    }

    /// Pictures that were not given because they, or what they refer to, cannot be used.
    #[must_use]
    pub fn damaged_frames(&self) -> u64 {
        self.tracks.iter().filter_map(|track| track.coding.as_ref()).map(Coding::damaged_frames).sum()
    }

    fn add(&mut self, kind: Kind, number: u8) -> usize {
        let id = self.announcer.add(None);
        self.tracks.push(Track { kind, number, id, time: TrackTime::default(), coding: None });
        self.tracks.len() - 1
    }

    /// The track of a tag; `None` if there are too many. Where its coding has changed it is another track.
    fn track(&mut self, tag: &TrackTag) -> Option<&mut Track> {
        let (kind, number) = (tag.kind(), tag.track());
        let known = self.tracks.iter().position(|track| track.kind == kind && track.number == number);
        let index = match known {
            Some(index) => index,
            None if self.tracks.len() >= MAX_FLV_TRACKS => return None,
            None => self.add(kind, number),
        };
        let track = self.tracks.get_mut(index)?;
        if track.coding.as_ref().is_some_and(|coding| !coding.takes(tag)) {
            let old = std::mem::replace(&mut track.id, self.announcer.add(None));
            (track.coding, track.time) = (None, TrackTime::default());
            self.announcer.remove(old);
        }
        track.coding.get_or_insert_with(|| Coding::new(tag));
        Some(track)
    }

    fn take(&mut self, tag: &TrackTag, timestamp_ms: u32, received_at: Instant) {
        let Some(unit) = self.track(tag).and_then(|track| track.coding.as_mut()?.take(tag)) else { return };
        // A sender of B-frames may start below 0.
        let dts = i64::from(timestamp_ms.cast_signed());
        let of_tag = |track: &&mut Track| track.kind == tag.kind() && track.number == tag.track();
        let Some(track) = self.tracks.iter_mut().find(of_tag) else { return };
        let times = (dts + i64::from(unit.composition_ms), dts);
        let (pts, dts) = self.timeline.place(&mut track.time, times, received_at);
        let nanos = Duration::from_nanos(tag.nanos().into());
        self.announcer.push(Frame {
            track: track.id,
            keyframe: unit.keyframe,
            pts: pts + nanos,
            dts: dts + nanos,
            new_codec: unit.new_codec,
            captured_at: None,
            received_at,
            data: unit.data,
        });
    }
}
