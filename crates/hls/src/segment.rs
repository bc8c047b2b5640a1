//! What a playlist lists: segments and the parts of which they are made.

use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An init segment (`EXT-X-MAP`), shared by the segments that need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// Counts them, from the start of the [`crate::Segmenter`].
    pub version: u64,
    /// `ftyp` and `moov`.
    pub bytes: Bytes,
}

/// A Media Segment that is complete.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its Media Sequence Number.
    pub msn: u64,
    /// `EXTINF`.
    pub duration: Duration,
    /// Its bytes in pieces, in order; empty for a gap. Parts and segment share them.
    pub pieces: Vec<Bytes>,
    /// Length of `pieces` together.
    pub size_bytes: usize,
    /// Its parts, if it was made of parts.
    pub parts: Vec<Arc<Part>>,
    /// What stands in front of it.
    pub head: Head,
    /// `EXT-X-GAP`: the camera was away.
    pub gap: bool,
}

/// What the playlist tells in front of a segment.
#[derive(Clone, Debug)]
pub struct Head {
    /// `EXT-X-DISCONTINUITY`.
    pub discontinuity: bool,
    /// The init segment that its frames need; `None` in transport streams.
    pub init: Option<Arc<Init>>,
    /// `EXT-X-PROGRAM-DATE-TIME`: when its first frame was captured, or came in.
    pub date: SystemTime,
}

/// A Partial Segment that is complete.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its number, going on from segment to segment.
    pub number: u64,
    /// `DURATION`.
    pub duration: Duration,
    /// `INDEPENDENT=YES`: it starts with a keyframe.
    pub independent: bool,
    /// `GAP=YES`: the camera was away.
    pub gap: bool,
    /// One fragment; empty for a gap.
    pub bytes: Bytes,
}

/// The segment in progress, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct OpenSegment {
    pub(crate) head: Head,
    pub(crate) parts: Vec<Arc<Part>>,
}

impl OpenSegment {
    /// Length of the parts so far.
    pub(crate) fn duration(&self) -> Duration {
        self.parts.iter().map(|part| part.duration).sum()
    }
}
