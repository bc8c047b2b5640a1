//! The codings a track can have.

use crate::bitstream::{aac, av1, flac, h264, h265, mpeg4, vp8, vp9};
use std::fmt;

/// Video or audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Video => "video",
            Self::Audio => "audio",
        })
    }
}

/// Sample rate and channels of sound whose frames carry no header of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PcmLayout {
    /// Samples a second and channel.
    pub sample_rate: u32,
    /// Channels, interleaved.
    pub channels: u8,
}

/// A coding with its decoder configuration inside.
///
/// The configuration of video is `None` while the sender has not told it: it comes with the first keyframe, which then carries
/// [`crate::Frame::new_codec`].
#[derive(Clone, PartialEq, Eq)]
pub enum Codec {
    /// ITU-T H.264, AVC.
    H264(Option<h264::ParameterSets>),
    /// ITU-T H.265, HEVC.
    H265(Option<h265::ParameterSets>),
    /// AV1.
    Av1(Option<av1::SequenceHeader>),
    /// VP9.
    Vp9(Option<vp9::Parameters>),
    /// VP8 (RFC 6386).
    Vp8(Option<vp8::Parameters>),
    /// MPEG-4 part 2 video (ISO/IEC 14496-2).
    Mpeg4Video(Option<mpeg4::Configuration>),
    /// JPEG pictures (ITU-T T.81), one after another.
    Jpeg {
        /// Width and height in pixels, once known.
        dimensions: Option<(u32, u32)>,
    },
    /// MPEG-4 audio, raw access units (ISO/IEC 14496-3).
    Aac(aac::AudioSpecificConfig),
    /// Opus (RFC 6716), always 48 kHz on the wire.
    Opus {
        /// Channels the sender means to send: 1 or 2.
        channels: u8,
    },
    /// G.711 µ-law.
    Pcmu(PcmLayout),
    /// G.711 A-law.
    Pcma(PcmLayout),
    /// G.722: 16 kHz sound, 64 kbit/s.
    G722,
    /// Linear PCM, 16 bits, big-endian.
    L16(PcmLayout),
    /// FLAC (RFC 9639).
    Flac(flac::StreamInfo),
    /// MPEG audio, layers I to III; called after its most common one.
    Mp3(PcmLayout),
}

impl Codec {
    /// Video or audio.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::H264(_)
            | Self::H265(_)
            | Self::Av1(_)
            | Self::Vp9(_)
            | Self::Vp8(_)
            | Self::Mpeg4Video(_)
            | Self::Jpeg { .. } => Kind::Video,
            Self::Aac(_)
            | Self::Opus { .. }
            | Self::Pcmu(_)
            | Self::Pcma(_)
            | Self::G722
            | Self::L16(_)
            | Self::Flac(_)
            | Self::Mp3(_) => Kind::Audio,
        }
    }

    /// The name people know, as SDP spells it (`H264`, `MPEG4-GENERIC` is `AAC`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::H264(_) => "H264",
            Self::H265(_) => "H265",
            Self::Av1(_) => "AV1",
            Self::Vp9(_) => "VP9",
            Self::Vp8(_) => "VP8",
            Self::Mpeg4Video(_) => "MP4V-ES",
            Self::Jpeg { .. } => "JPEG",
            Self::Aac(_) => "AAC",
            Self::Opus { .. } => "OPUS",
            Self::Pcmu(_) => "PCMU",
            Self::Pcma(_) => "PCMA",
            Self::G722 => "G722",
            Self::L16(_) => "L16",
            Self::Flac(_) => "FLAC",
            Self::Mp3(_) => "MP3",
        }
    }

    /// Samples a second of audio; `None` for video.
    #[must_use]
    pub fn sample_rate(&self) -> Option<u32> {
        match self {
            Self::H264(_)
            | Self::H265(_)
            | Self::Av1(_)
            | Self::Vp9(_)
            | Self::Vp8(_)
            | Self::Mpeg4Video(_)
            | Self::Jpeg { .. } => None,
            Self::Aac(config) => Some(config.sample_rate()),
            Self::Opus { .. } => Some(48_000),
            Self::Pcmu(layout) | Self::Pcma(layout) | Self::L16(layout) | Self::Mp3(layout) => {
                Some(layout.sample_rate)
            }
            Self::G722 => Some(16_000),
            Self::Flac(info) => Some(info.sample_rate()),
        }
    }

    /// Channels of audio; `None` for video.
    #[must_use]
    pub fn channels(&self) -> Option<u8> {
        match self {
            Self::H264(_)
            | Self::H265(_)
            | Self::Av1(_)
            | Self::Vp9(_)
            | Self::Vp8(_)
            | Self::Mpeg4Video(_)
            | Self::Jpeg { .. } => None,
            Self::Aac(config) => Some(config.channels()),
            Self::Opus { channels } => Some(*channels),
            Self::Pcmu(layout) | Self::Pcma(layout) | Self::L16(layout) | Self::Mp3(layout) => {
                Some(layout.channels)
            }
            Self::G722 => Some(1),
            Self::Flac(info) => Some(info.channels()),
        }
    }

    /// Width and height of the picture in pixels, if it is video whose parameter sets are known.
    #[must_use]
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        match self {
            Self::H264(sets) => sets.as_ref().map(|sets| (sets.width(), sets.height())),
            Self::H265(sets) => sets.as_ref().map(|sets| (sets.width(), sets.height())),
            Self::Av1(header) => header.as_ref().map(|header| (header.width(), header.height())),
            Self::Vp9(parameters) => {
                parameters.as_ref().map(|parameters| (parameters.width, parameters.height))
            }
            Self::Vp8(parameters) => {
                parameters.as_ref().map(|parameters| (parameters.width, parameters.height))
            }
            Self::Mpeg4Video(configuration) => {
                configuration.as_ref().map(|configuration| (configuration.width(), configuration.height()))
            }
            Self::Jpeg { dimensions } => *dimensions,
            Self::Aac(_)
            | Self::Opus { .. }
            | Self::Pcmu(_)
            | Self::Pcma(_)
            | Self::G722
            | Self::L16(_)
            | Self::Flac(_)
            | Self::Mp3(_) => None,
        }
    }

    /// The profile in words, where the configuration tells one: `High`, `Main 10`.
    #[must_use]
    pub fn profile_name(&self) -> Option<&'static str> {
        match self {
            Self::H264(sets) => sets.as_ref().map(h264::ParameterSets::profile_name),
            Self::H265(sets) => sets.as_ref().map(h265::ParameterSets::profile_name),
            Self::Av1(header) => header.as_ref().map(av1::SequenceHeader::profile_name),
            Self::Vp9(_)
            | Self::Vp8(_)
            | Self::Mpeg4Video(_)
            | Self::Jpeg { .. }
            | Self::Aac(_)
            | Self::Opus { .. }
            | Self::Pcmu(_)
            | Self::Pcma(_)
            | Self::G722
            | Self::L16(_)
            | Self::Flac(_)
            | Self::Mp3(_) => None,
        }
    }

    /// The `codecs` string of RFC 6381 (`avc1.640028`), for codecs that have one and whose configuration is known.
    #[must_use]
    pub fn rfc6381(&self) -> Option<String> {
        match self {
            Self::H264(sets) => sets.as_ref().map(h264::ParameterSets::rfc6381),
            Self::H265(sets) => sets.as_ref().map(h265::ParameterSets::rfc6381),
            Self::Av1(header) => header.as_ref().map(av1::SequenceHeader::rfc6381),
            Self::Vp9(parameters) => parameters.as_ref().map(vp9::Parameters::rfc6381),
            Self::Vp8(parameters) => parameters.as_ref().map(vp8::Parameters::rfc6381),
            Self::Mpeg4Video(configuration) => configuration.as_ref().map(mpeg4::Configuration::rfc6381),
            Self::Aac(config) => Some(config.rfc6381()),
            Self::Opus { .. } => Some("opus".to_owned()),
            Self::Flac(_) => Some("flac".to_owned()),
            Self::Mp3(_) => Some("mp4a.6B".to_owned()),
            Self::Jpeg { .. } | Self::Pcmu(_) | Self::Pcma(_) | Self::G722 | Self::L16(_) => None,
        }
    }

    /// Whether enough is known for a decoder to be set up: video needs its configuration first.
    #[must_use]
    pub fn is_described(&self) -> bool {
        match self {
            Self::H264(sets) => sets.is_some(),
            Self::H265(sets) => sets.is_some(),
            Self::Av1(header) => header.is_some(),
            Self::Vp9(parameters) => parameters.is_some(),
            Self::Vp8(parameters) => parameters.is_some(),
            Self::Mpeg4Video(configuration) => configuration.is_some(),
            Self::Jpeg { .. }
            | Self::Aac(_)
            | Self::Opus { .. }
            | Self::Pcmu(_)
            | Self::Pcma(_)
            | Self::G722
            | Self::L16(_)
            | Self::Flac(_)
            | Self::Mp3(_) => true,
        }
    }

    /// The same coding, whatever its configuration: a consumer of one can go on with the other.
    #[must_use]
    pub fn same_coding(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A word or two for logs and error sentences: `H264 High 1920x1080`, `AAC 48000 Hz 2 channels`.
impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Some(profile) = self.profile_name() {
            write!(f, " {profile}")?;
        }
        if let Some((width, height)) = self.dimensions() {
            write!(f, " {width}x{height}")?;
        }
        if let (Some(rate), Some(channels)) = (self.sample_rate(), self.channels()) {
            write!(f, " {rate} Hz {channels} channel{}", if channels == 1 { "" } else { "s" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_is_told_in_words() {
        let pcma = Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 });
        assert_eq!(pcma.to_string(), "PCMA 8000 Hz 1 channel");
        assert_eq!(Codec::Opus { channels: 2 }.to_string(), "OPUS 48000 Hz 2 channels");
        assert_eq!(Codec::H264(None).to_string(), "H264");
    }

    #[test]
    fn the_coding_is_the_same_whatever_its_configuration() {
        assert!(Codec::Opus { channels: 1 }.same_coding(&Codec::Opus { channels: 2 }));
        assert!(!Codec::H264(None).same_coding(&Codec::H265(None)));
    }
}
