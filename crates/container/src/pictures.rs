//! Access units of video to frames: where decoding can start, and which configuration it needs.
//!
//! Nothing is given before the first keyframe whose configuration is known, nor from a loss to the next keyframe.

use bytes::Bytes;
use std::sync::Arc;
use yeoul_media::Codec;

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
        let keyframe = self.codec.is_keyframe(&data);
        let changed = self.codec.changed_by(&data, keyframe);
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
