//! Fragmented MP4 (ISO/IEC 14496-12): [`Muxer`] writes an init segment and fragments, [`Demuxer`] reads those and plain
//! MP4 files whose `moov` box comes first.
//!
//! | codec | sample entry | codec string (RFC 6381) |
//! |---|---|---|
//! | H.264 | `avc1` (ISO/IEC 14496-15 §5) | `avc1.64001F` |
//! | H.265 | `hvc1` (ISO/IEC 14496-15 §8) | `hvc1.1.6.L93.B0` |
//! | AV1 | `av01` (AV1 Codec ISO Media File Format Binding) | `av01.0.08M.08` |
//! | VP9 | `vp09` (VP Codec ISO Media File Format Binding) | `vp09.00.31.08` |
//! | VP8 | `vp08` (VP Codec ISO Media File Format Binding) | `vp08.00.10.08` |
//! | AAC | `mp4a` (ISO/IEC 14496-14) | `mp4a.40.2` |
//! | Opus | `Opus` (Encapsulation of Opus in ISO Base Media File Format) | `opus` |
//! | FLAC | `fLaC` (Encapsulation of FLAC in ISO Base Media File Format) | `flac` |
//! | MP3 | `mp4a` (ISO/IEC 14496-14) | `mp4a.6B`, below 32 kHz `mp4a.69` |
//!
//! # Time
//! Media time in every track counts from the zero of the stream's timeline, so that sound, picture and the renditions of
//! one stream stay in step. A track ticks at 90 kHz (video) or at its sample rate (audio). Each time is rounded to ticks
//! by itself and a duration is the difference of two such times, so that rounding never adds up and a fragment starts at
//! the very tick at which the one before it ends. Times before the zero cannot be told in a fragment: they become zero.
//!
//! # Parameter sets
//! Sample entries `avc1` and `hvc1` promise that decoders find all parameter sets in the init segment (ISO/IEC 14496-15
//! §5.4.2.1, §8.4.3); Apple's players and hls.js go by them and do not play `hev1` or an empty `avcC`. Cameras repeat their
//! sets in front of every keyframe; the muxer leaves out those that stand in the init segment byte by byte, which a decoder
//! has already, and keeps any other.
//!
//! Left out: encryption, tracks other than video and audio, sample groups, segment indexes; in the demuxer, edit lists
//! beyond the delay and the start that encoders write.

mod demux;
mod fragment;
mod init;
pub mod limits;
mod mux;
mod parameter_sets;
mod sample_entry;
#[cfg(test)]
mod tests;

pub use crate::Event;
pub use demux::{DemuxError, Demuxer};
pub use mux::Muxer;

use yeoul_media::{Codec, TrackId};

/// Whether MP4 carries this coding in the way this module writes it, whatever its configuration.
#[must_use]
pub fn carries(codec: &Codec) -> bool {
    match codec {
        Codec::H264(_) | Codec::H265(_) | Codec::Av1(_) | Codec::Vp9(_) | Codec::Vp8(_) => true,
        Codec::Aac(_) | Codec::Opus { .. } | Codec::Flac(_) | Codec::Mp3(_) => true,
        Codec::Mpeg4Video(_) | Codec::Jpeg { .. } => false,
        Codec::Pcmu(_) | Codec::Pcma(_) | Codec::G722 | Codec::L16(_) => false,
    }
}

/// Why a muxer cannot be made for these tracks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// No track at all.
    #[error("an MP4 stream needs at least one track, got none")]
    NoTracks,
    /// A coding that [`carries`] denies.
    #[error("MP4 does not carry {codec} (track {track:?}); convert it first, to H264 or AAC for example")]
    Codec {
        /// The track.
        track: TrackId,
        /// Its codec in words.
        codec: String,
    },
    /// A coding whose decoder configuration the source has not told yet.
    #[error(
        "the {codec} of track {track:?} has no decoder configuration yet; it comes with the first keyframe"
    )]
    NotYetKnown {
        /// The track.
        track: TrackId,
        /// Its codec in words.
        codec: String,
    },
    /// A configuration that cannot be written.
    #[error("the {codec} of track {track:?} cannot be described in MP4: {reason}")]
    Configuration {
        /// The track.
        track: TrackId,
        /// Its codec in words.
        codec: String,
        /// What is wrong with it.
        reason: String,
    },
    /// [`Muxer::change`] for a track that the muxer was not made for.
    #[error("this MP4 stream has no track {0:?}")]
    NoSuchTrack(TrackId),
}
