//! What segments, parts and init segments are called in playlists.

use std::fmt::{Debug, Write as _};

/// Writes the URIs of one kind of playlist, relative to the playlist. The same segments can be told under several names: a
/// [`crate::Segmenter`] renders a playlist for each of its [`crate::Options::names`].
///
/// Parts have numbers of their own that go on from segment to segment: which segment the next part will belong to is
/// not known before it is there, and `EXT-X-PRELOAD-HINT` has to name it (RFC 8216bis §4.4.5.3).
pub trait Names: Debug + Send + Sync {
    /// The init segment: `version` counts them.
    fn init(&self, version: u64, out: &mut String);
    /// The segment with this Media Sequence Number.
    fn segment(&self, msn: u64, out: &mut String);
    /// The part with this number.
    fn part(&self, number: u64, out: &mut String);
}

/// Names that are paths: `init0.mp4`, `segment12.m4s`, `part99.m4s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathNames {
    /// What segments end in: `m4s` or `ts`.
    ending: &'static str,
}

impl PathNames {
    /// For fragmented MP4.
    pub const FMP4: Self = Self { ending: "m4s" };
    /// For MPEG transport streams: `segment12.ts`.
    pub const TS: Self = Self { ending: "ts" };
}

impl Names for PathNames {
    fn init(&self, version: u64, out: &mut String) {
        put(out, format_args!("init{version}.mp4"));
    }

    fn segment(&self, msn: u64, out: &mut String) {
        put(out, format_args!("segment{msn}.{}", self.ending));
    }

    fn part(&self, number: u64, out: &mut String) {
        put(out, format_args!("part{number}.{}", self.ending));
    }
}

/// Names that are always the same file with a query, for proxies that let only certain files through:
/// `init.mp4?id=ab&v=0`, `segment.m4s?id=ab&n=12`, `segment.m4s?id=ab&part=99`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryNames {
    /// The value of `id`, as it stands in the query.
    id: String,
    ending: &'static str,
}

impl QueryNames {
    /// For fragmented MP4. `id` has to be percent-encoded, where it needs to be.
    pub fn fmp4(id: impl Into<String>) -> Self {
        Self { id: id.into(), ending: "m4s" }
    }

    /// For MPEG transport streams.
    pub fn ts(id: impl Into<String>) -> Self {
        Self { id: id.into(), ending: "ts" }
    }
}

impl Names for QueryNames {
    fn init(&self, version: u64, out: &mut String) {
        put(out, format_args!("init.mp4?id={}&v={version}", self.id));
    }

    fn segment(&self, msn: u64, out: &mut String) {
        put(out, format_args!("segment.{}?id={}&n={msn}", self.ending, self.id));
    }

    fn part(&self, number: u64, out: &mut String) {
        put(out, format_args!("segment.{}?id={}&part={number}", self.ending, self.id));
    }
}

/// Text behind text: a `String` takes everything.
pub(crate) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
