//! FLV (Adobe Flash Video File Format 10.1, annex E) with the tags of Enhanced RTMP v1 and v2: H.264, H.265, AV1, VP9, VP8; AAC, Opus,
//! MP3, FLAC, G.711.
//!
//! [`Muxer`] and [`Demuxer`] are for files and HTTP. RTMP has the same tags in other packets: [`TagWriter`] makes them of frames,
//! [`TagReader`] makes frames of them, and [`tag`] is their bodies alone. Leaves out encryption, keyframe indexes, and scripts but
//! for `onMetaData`.

mod coding;
mod demuxer;
mod metadata;
mod muxer;
mod reader;
mod record;
pub mod tag;
#[cfg(test)]
mod tests;
mod writer;

pub use demuxer::{Demuxer, Error};
pub use muxer::Muxer;
pub use reader::TagReader;
pub use writer::{Tag, TagWriter};

use self::tag::{AudioCodec, VideoCodec};
use yeoul_media::Codec;

/// What a tag carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// Sound: 8 in FLV and RTMP.
    Audio,
    /// Pictures: 9.
    Video,
    /// Metadata: 18.
    Script,
}

impl TagKind {
    /// The number of the tag's type, and of the RTMP message's.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Audio => 8,
            Self::Video => 9,
            Self::Script => 18,
        }
    }

    /// The kind of a tag's type; `None` for types that nobody uses.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        match number {
            8 => Some(Self::Audio),
            9 => Some(Self::Video),
            18 => Some(Self::Script),
            _ => None,
        }
    }
}

/// Times are in milliseconds.
const CLOCK_HZ: u32 = 1000;
/// Timestamps have 32 bits: they wrap after 49.7 days.
const CLOCK_BITS: u32 = 32;

/// Whether FLV has a place for `codec`, with the configuration it has.
#[must_use]
pub fn carries(codec: &Codec) -> bool {
    video_codec(codec).is_some() || audio_codec(codec).is_some()
}

fn video_codec(codec: &Codec) -> Option<VideoCodec> {
    match codec {
        Codec::H264(_) => Some(VideoCodec::H264),
        Codec::H265(_) => Some(VideoCodec::H265),
        Codec::Av1(_) => Some(VideoCodec::Av1),
        Codec::Vp9(_) => Some(VideoCodec::Vp9),
        Codec::Vp8(_) => Some(VideoCodec::Vp8),
        Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    }
}

fn audio_codec(codec: &Codec) -> Option<AudioCodec> {
    match codec {
        Codec::Aac(_) => Some(AudioCodec::Aac),
        Codec::Opus { .. } => Some(AudioCodec::Opus),
        Codec::Flac(_) => Some(AudioCodec::Flac),
        Codec::Mp3(_) => Some(AudioCodec::Mp3),
        // The format tells no sample rate: it is 8 kHz.
        Codec::Pcma(layout) if layout.sample_rate == 8000 && layout.channels <= 2 => Some(AudioCodec::Pcma),
        Codec::Pcmu(layout) if layout.sample_rate == 8000 && layout.channels <= 2 => Some(AudioCodec::Pcmu),
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_) => None,
    }
}
