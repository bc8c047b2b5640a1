//! Bodies of FLV tags, which RTMP messages carry as well (FLV 10.1 annex E.4; Enhanced RTMP v1 and v2).
//!
//! [`VideoTag`] and [`AudioTag`] are one track's part of a body: most bodies have one, those of multitrack several. Leaves out the
//! codecs that Flash alone had, command frames, and the metadata of Enhanced RTMP (colours).

mod audio;
mod fields;
mod video;

pub use audio::{AudioBody, AudioCodec, AudioTag};
pub use video::{VideoBody, VideoCodec, VideoTag};

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It ends too early.
    #[error("the {kind} tag ends before its {field}")]
    Short {
        /// `video` or `audio`.
        kind: &'static str,
        /// What is missing.
        field: &'static str,
    },
    /// A value that has no meaning.
    #[error("the {kind} tag has {field} {value}, which no version of FLV or Enhanced RTMP knows")]
    Unknown {
        /// `video` or `audio`.
        kind: &'static str,
        /// The field.
        field: &'static str,
        /// Its value.
        value: u8,
    },
    /// A codec that is not taken.
    #[error(
        "{0} in FLV and RTMP is not supported; send H.264, H.265, AV1, VP9 or VP8, and AAC, Opus, MP3, FLAC or G.711"
    )]
    Codec(String),
}

/// How several tracks share a body (`AvMultitrackType`).
const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// Packet types of Enhanced RTMP that video and audio share.
const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const MOD_EX: u8 = 7;
/// `TimestampOffsetNano`, the only `ModEx` there is.
const TIMESTAMP_OFFSET_NANO: u8 = 0;
