//! What a [`crate::Segmenter`] is to make.

use crate::dates::WallClock;
use crate::limits::MAX_WINDOW_BYTES;
use crate::names::{Names, PathNames};
use std::sync::Arc;
use std::time::Duration;
use yeoul_container::{fmp4, mpegts};
use yeoul_media::Codec;

/// Where players start. A player needs a part's length and what the network takes; the time that it needs to start, which is
/// longer where the network is slower, comes on top. See docs/design/06-hls.md.
const START_PARTS: u32 = 1;

/// The container of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Fragmented MP4.
    Fmp4,
    /// MPEG transport streams, with the plain playlist that every player reads (version 3).
    Ts,
}

impl Form {
    /// Whether segments of this form are made of a track of `codec`: their container carries it, and some browser plays it there.
    #[must_use]
    pub fn carries(self, codec: &Codec) -> bool {
        match self {
            // No browser takes MP3 or VP8 in fragments of MP4, as Media Source Extensions have them.
            Self::Fmp4 => fmp4::carries(codec) && !matches!(codec, Codec::Mp3(_) | Codec::Vp8(_)),
            // No browser takes Opus or MPEG-4 part 2 in a transport stream, though there are ways to put them there.
            Self::Ts => mpegts::carries(codec) && !matches!(codec, Codec::Opus { .. } | Codec::Mpeg4Video(_)),
        }
    }
}

/// What a [`crate::Segmenter`] is to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// The container. Transport streams have no parts.
    pub form: Form,
    /// Cut parts, so that players can be less than a second behind (LL-HLS).
    pub low_latency: bool,
    /// About how long a part is; it becomes a whole number of frames.
    pub part_target: Duration,
    /// A segment ends at the first keyframe after about this time.
    pub segment_target: Duration,
    /// How much is listed, at least; never less than three target durations.
    pub window: Duration,
    /// Most bytes of the segments that can be fetched.
    pub max_bytes: usize,
    /// The target duration in seconds, where renditions of one multivariant playlist have agreed on one (RFC 8216bis §6.2.4).
    pub target_duration: Option<u32>,
    /// `PART-HOLD-BACK`, where renditions of one multivariant playlist have agreed on one.
    pub part_hold_back: Option<Duration>,
    /// The longest distance of two keyframes, where it is known from before.
    pub keyframe_distance: Option<Duration>,
    /// The Media Sequence Number to begin with. One that is larger than any before, seconds since 1970 for example, lets
    /// players and caches that knew an earlier playlist under the same address go on: segments are not shorter than a second
    /// for long.
    pub first_msn: u64,
    /// The Discontinuity Sequence Number to begin with; grows as `first_msn` does.
    pub first_discontinuity: u64,
    /// `EXT-X-START` at so many part targets from the end, so that players start there and not where they are configured to
    /// stay; none without parts.
    pub start_parts: Option<u32>,
    /// What date an arrival has, for `EXT-X-PROGRAM-DATE-TIME`.
    pub clock: WallClock,
    /// A playlist is rendered for each of these.
    pub names: Vec<Arc<dyn Names>>,
}

impl Options {
    /// LL-HLS: parts of 200 ms, segments of a second or a GOP.
    #[must_use]
    pub fn low_latency(clock: WallClock) -> Self {
        Self {
            low_latency: true,
            part_target: Duration::from_millis(200),
            segment_target: Duration::from_secs(1),
            window: Duration::from_secs(16),
            start_parts: Some(START_PARTS),
            ..Self::classic(Form::Fmp4, clock)
        }
    }

    /// Segments of two seconds or a GOP, without parts.
    #[must_use]
    pub fn classic(form: Form, clock: WallClock) -> Self {
        let names = match form {
            Form::Fmp4 => PathNames::FMP4,
            Form::Ts => PathNames::TS,
        };
        Self {
            form,
            low_latency: false,
            part_target: Duration::from_millis(200),
            segment_target: Duration::from_secs(2),
            window: Duration::from_secs(12),
            max_bytes: MAX_WINDOW_BYTES,
            target_duration: None,
            part_hold_back: None,
            keyframe_distance: None,
            first_msn: 0,
            first_discontinuity: 0,
            start_parts: None,
            clock,
            names: vec![Arc::new(names)],
        }
    }

    /// Parts are cut.
    pub(crate) fn has_parts(&self) -> bool {
        self.low_latency && self.form == Form::Fmp4
    }
}
