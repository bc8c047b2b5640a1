//! Access units of video to frames: where decoding can start, and which configuration it needs.
//!
//! Nothing is given before the first keyframe whose configuration is known, nor from a loss to the next keyframe.

use bytes::Bytes;
use std::sync::Arc;
use yeoul_media::Codec;
use yeoul_media::bitstream::{av1, h264, h265, jpeg, mpeg4, nal, vp8, vp9};

/// One track of video, as it comes out of a container.
#[derive(Debug)]
pub(crate) struct Pictures {
    codec: Codec,
    waiting: bool,
    given: bool,
    /// The container has told a configuration that the next picture has to tell.
    untold: bool,
    damaged_frames: u64,
}

/// What a frame says beside its times.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) keyframe: bool,
    pub(crate) new_codec: Option<Arc<Codec>>,
    pub(crate) data: Bytes,
}

impl Pictures {
    /// A track of `codec`, whose configuration may not be known yet.
    pub(crate) fn new(codec: Codec) -> Self {
        Self { codec, waiting: true, given: false, untold: false, damaged_frames: 0 }
    }

    /// The codec in force.
    pub(crate) fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Access units not given because of losses.
    pub(crate) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }

    /// Something is missing, and `frames` with it: nobody can use what refers to it.
    pub(crate) fn damage(&mut self, frames: u64) {
        self.waiting = true;
        if self.given {
            self.damaged_frames += frames;
        }
    }

    /// The container tells a configuration.
    pub(crate) fn configure(&mut self, codec: Codec) {
        if self.codec != codec {
            // What follows may not go on from what came before.
            (self.waiting, self.untold) = (true, true);
            self.codec = codec;
        }
    }

    /// An access unit in the form of `Frame::data`, not empty; `None` if it cannot be decoded.
    pub(crate) fn picture(&mut self, data: Bytes) -> Option<Picture> {
        let keyframe = is_keyframe(&self.codec, &data);
        let changed = changed(&self.codec, &data, keyframe);
        if self.waiting && !(keyframe && changed.as_ref().unwrap_or(&self.codec).is_described()) {
            self.damaged_frames += u64::from(self.given);
            return None;
        }
        (self.waiting, self.given) = (false, true);
        let untold = std::mem::take(&mut self.untold) || changed.is_some();
        if let Some(codec) = changed {
            self.codec = codec;
        }
        let new_codec = untold.then(|| Arc::new(self.codec.clone()));
        Some(Picture { keyframe, new_codec, data })
    }
}

fn is_keyframe(codec: &Codec, data: &Bytes) -> bool {
    match codec {
        Codec::H264(_) => h264::is_keyframe(nal::length_prefixed(data)),
        Codec::H265(_) => h265::is_keyframe(nal::length_prefixed(data)),
        Codec::Av1(_) => av1::is_keyframe(data),
        Codec::Vp9(_) => vp9::is_keyframe(data),
        Codec::Vp8(_) => vp8::is_keyframe(data),
        Codec::Mpeg4Video(_) => mpeg4::is_keyframe(data),
        Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => true,
    }
}

/// The codec with the configuration that is in `data`, if that is another one. What cannot be read changes nothing: the picture
/// may be good nevertheless.
fn changed(codec: &Codec, data: &Bytes, keyframe: bool) -> Option<Codec> {
    match codec {
        Codec::H264(sets) => h264::ParameterSets::changed(sets.as_ref(), data)
            .ok()
            .flatten()
            .map(|sets| Codec::H264(Some(sets))),
        Codec::H265(sets) => h265::ParameterSets::changed(sets.as_ref(), data)
            .ok()
            .flatten()
            .map(|sets| Codec::H265(Some(sets))),
        Codec::Av1(header) => {
            let new = av1::SequenceHeader::from_temporal_unit(data).ok().filter(|_| keyframe)?;
            (header.as_ref() != Some(&new)).then_some(Codec::Av1(Some(new)))
        }
        Codec::Vp9(parameters) => {
            let new = vp9::Parameters::from_keyframe(data).filter(|_| keyframe)?;
            (parameters.as_ref() != Some(&new)).then_some(Codec::Vp9(Some(new)))
        }
        Codec::Vp8(parameters) => {
            let new = vp8::Parameters::from_keyframe(data)?;
            (parameters.as_ref() != Some(&new)).then_some(Codec::Vp8(Some(new)))
        }
        Codec::Mpeg4Video(configuration) => {
            let new = mpeg4::Configuration::parse(data).filter(|_| keyframe)?;
            (configuration.as_ref() != Some(&new)).then_some(Codec::Mpeg4Video(Some(new)))
        }
        Codec::Jpeg { dimensions } => {
            let new = jpeg::dimensions(data);
            (new.is_some() && new != *dimensions).then_some(Codec::Jpeg { dimensions: new })
        }
        Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    }
}
