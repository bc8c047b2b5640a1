//! What an access unit tells: whether decoding can start at it, and which configuration that needs.

use crate::Codec;
use crate::bitstream::{av1, h264, h265, jpeg, mpeg4, nal, vp8, vp9};
use bytes::Bytes;

impl Codec {
    /// Whether decoding can start at this access unit, in the form of [`crate::Frame::data`]. Always true for pictures that refer to
    /// no other, and for sound.
    #[must_use]
    pub fn is_keyframe(&self, data: &Bytes) -> bool {
        match self {
            Self::H264(_) => h264::is_keyframe(nal::length_prefixed(data)),
            Self::H265(_) => h265::is_keyframe(nal::length_prefixed(data)),
            Self::Av1(_) => av1::is_keyframe(data),
            Self::Vp9(_) => vp9::is_keyframe(data),
            Self::Vp8(_) => vp8::is_keyframe(data),
            Self::Mpeg4Video(_) => mpeg4::is_keyframe(data),
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

    /// Whether this access unit may be shown before one that is decoded earlier, as far as it tells: certain of H.264, of H.265 and
    /// MPEG-4 only that there is such a thing.
    #[must_use]
    pub fn may_be_reordered(&self, data: &Bytes) -> bool {
        if matches!(self, Self::H264(_)) {
            return h264::is_b_picture(nal::length_prefixed(data));
        }
        matches!(self, Self::H265(_) | Self::Mpeg4Video(_))
    }

    /// This codec with the configuration that is in the access unit, if that is another one; `keyframe` is what
    /// [`Codec::is_keyframe`] says of it. What cannot be read changes nothing: the picture may be good nevertheless.
    #[must_use]
    pub fn changed_by(&self, data: &Bytes, keyframe: bool) -> Option<Self> {
        match self {
            Self::H264(sets) => h264::ParameterSets::changed(sets.as_ref(), data)
                .ok()
                .flatten()
                .map(|sets| Self::H264(Some(sets))),
            Self::H265(sets) => h265::ParameterSets::changed(sets.as_ref(), data)
                .ok()
                .flatten()
                .map(|sets| Self::H265(Some(sets))),
            Self::Av1(header) => {
                let new = av1::SequenceHeader::from_temporal_unit(data).ok().filter(|_| keyframe)?;
                (header.as_ref() != Some(&new)).then_some(Self::Av1(Some(new)))
            }
            Self::Vp9(parameters) => {
                let new = vp9::Parameters::from_keyframe(data).filter(|_| keyframe)?;
                (parameters.as_ref() != Some(&new)).then_some(Self::Vp9(Some(new)))
            }
            Self::Vp8(parameters) => {
                let new = vp8::Parameters::from_keyframe(data)?;
                (parameters.as_ref() != Some(&new)).then_some(Self::Vp8(Some(new)))
            }
            Self::Mpeg4Video(configuration) => {
                let new = mpeg4::Configuration::parse(data).filter(|_| keyframe)?;
                (configuration.as_ref() != Some(&new)).then_some(Self::Mpeg4Video(Some(new)))
            }
            Self::Jpeg { dimensions } => {
                let new = jpeg::dimensions(data);
                (new.is_some() && new != *dimensions).then_some(Self::Jpeg { dimensions: new })
            }
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
}
