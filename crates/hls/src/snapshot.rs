//! A playlist and everything it lists at one moment, ready to be sent.

use crate::multivariant::Rates;
use crate::promise::Promise;
use crate::reload::Position;
use crate::segment::{Init, Part, Segment};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// One state of a [`crate::Segmenter`], for all who ask. It never changes; a later one takes its place.
///
/// A request costs no more than looking something up: the texts are rendered once, and bytes are shared.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) version: u64,
    pub(crate) generation: u32,
    pub(crate) promise: Promise,
    pub(crate) position: Position,
    pub(crate) texts: Vec<Texts>,
    /// What can be fetched, in order and without a gap: segments that were removed from the playlist and those listed.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Parts of the segment in progress.
    pub(crate) open_parts: Vec<Arc<Part>>,
    pub(crate) next_part: u64,
    pub(crate) init: Option<Arc<Init>>,
    pub(crate) rates: Rates,
    pub(crate) codecs: String,
    pub(crate) resolution: Option<(u32, u32)>,
    pub(crate) frame_rate_millis: Option<u64>,
}

/// A playlist under one of the [`crate::Names`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) full: Bytes,
    /// `None` where nothing can be skipped.
    pub(crate) delta: Option<Bytes>,
}

/// What there is of something asked for by its number.
#[derive(Clone, Debug)]
pub enum Found<T> {
    /// Here it is.
    Here(T),
    /// It is being made: `EXT-X-PRELOAD-HINT` names it. Hold the request until a later snapshot has it.
    Soon,
    /// It was never there, or is no longer.
    Gone,
}

impl Snapshot {
    /// Grows with each snapshot of a segmenter: an `ETag` of its playlists, together with something that tells segmenters
    /// apart.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How often what the playlist promises had to change. Each such playlist is another one that goes on under the same
    /// numbers.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the playlist promises.
    #[must_use]
    pub fn promise(&self) -> &Promise {
        &self.promise
    }

    /// Where the playlist is, for blocking reloads.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The last Media Sequence Number with a segment or a part, and the index of its last part: what a
    /// [`crate::RenditionReport`] about this playlist tells.
    #[must_use]
    pub fn last(&self) -> (u64, Option<u64>) {
        let Position { open_msn, open_parts, last_parts, part_target, .. } = self.position;
        match (part_target, open_parts.checked_sub(1)) {
            (None, _) => (open_msn.saturating_sub(1), None),
            (Some(_), Some(part)) => (open_msn, Some(part)),
            (Some(_), None) => (open_msn.saturating_sub(1), last_parts.checked_sub(1)),
        }
    }

    /// How much is there to play: what is not a gap, in all segments and parts.
    #[must_use]
    pub fn playable(&self) -> Duration {
        let segments = self.segments.iter().filter(|segment| !segment.gap).map(|segment| segment.duration);
        let parts = self.open_parts.iter().filter(|part| !part.gap).map(|part| part.duration);
        segments.chain(parts).sum()
    }

    /// How many segments there are that can be played.
    #[must_use]
    pub fn playable_segments(&self) -> usize {
        self.segments.iter().filter(|segment| !segment.gap).count()
    }

    /// The playlist under the names with this index in [`crate::Options::names`]: a delta update where one is wanted and
    /// shorter. Empty where there are no such names.
    #[must_use]
    pub fn playlist(&self, names: usize, skip: bool) -> Bytes {
        let Some(texts) = self.texts.get(names) else { return Bytes::new() };
        texts.delta.as_ref().filter(|_| skip).unwrap_or(&texts.full).clone()
    }

    /// The segment with this Media Sequence Number. That of a gap has no bytes.
    #[must_use]
    pub fn segment(&self, msn: u64) -> Found<&Arc<Segment>> {
        let first = self.segments.first().map_or(self.position.open_msn, |first| first.msn);
        let index = msn.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| self.segments.get(index)) {
            Some(segment) => Found::Here(segment),
            None => Found::Gone,
        }
    }

    /// The part with this number. That of a gap has no bytes.
    #[must_use]
    pub fn part(&self, number: u64) -> Found<&Arc<Part>> {
        if number == self.next_part && self.position.part_target.is_some() && !self.position.ended {
            return Found::Soon;
        }
        let parts = match self.open_parts.first() {
            Some(first) if first.number <= number => &self.open_parts,
            Some(_) | None => {
                // Segments without parts stand before all others: they are told before the first part.
                let after = self.segments.partition_point(|segment| {
                    segment.parts.first().is_none_or(|first| first.number <= number)
                });
                match after.checked_sub(1).and_then(|index| self.segments.get(index)) {
                    Some(segment) => &segment.parts,
                    None => return Found::Gone,
                }
            }
        };
        let index = parts.first().and_then(|first| number.checked_sub(first.number));
        match index.and_then(|index| parts.get(usize::try_from(index).ok()?)) {
            Some(part) => Found::Here(part),
            None => Found::Gone,
        }
    }

    /// The init segment with this version: the latest, or one that a segment still needs.
    #[must_use]
    pub fn init(&self, version: u64) -> Option<&Arc<Init>> {
        let of_segments = self.segments.iter().rev().filter_map(|segment| segment.head.init.as_ref());
        self.init.iter().chain(of_segments).find(|init| init.version == version)
    }

    /// The latest init segment, if the container has any.
    #[must_use]
    pub fn latest_init(&self) -> Option<&Arc<Init>> {
        self.init.as_ref()
    }

    /// Measured bit rates.
    #[must_use]
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// `CODECS` (RFC 6381).
    #[must_use]
    pub fn codecs(&self) -> &str {
        &self.codecs
    }

    /// Width and height in pixels, if there is video.
    #[must_use]
    pub fn resolution(&self) -> Option<(u32, u32)> {
        self.resolution
    }

    /// Frames a second in thousandths, as measured, if there is video.
    #[must_use]
    pub fn frame_rate_millis(&self) -> Option<u64> {
        self.frame_rate_millis
    }
}
