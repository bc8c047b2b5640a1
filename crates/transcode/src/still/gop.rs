//! The frames that a picture may need, and which of them it does.

use super::h264;
use super::h265;
use super::{StillDecoder, StillError};
use crate::limits::{MAX_GOP_BYTES, MAX_GOP_FRAMES};
use crate::picture::Picture;
use std::collections::VecDeque;
use std::time::Instant;
use yeoul_media::{Codec, Frame, Timestamp};

/// Which picture is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// That of the last keyframe: one access unit.
    Keyframe,
    /// The newest one: every access unit up to it that others refer to.
    Newest,
}

/// Why frames are no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GopError {
    /// The keyframe is too far back; the next one is waited for.
    #[error(
        "more than {MAX_GOP_FRAMES} frames or {} MB have come since the last keyframe",
        MAX_GOP_BYTES >> 20
    )]
    TooLong,
}

/// The frames of a video track that have not been decoded, from the last keyframe or from where the decoder stands.
#[derive(Debug)]
pub struct Gop {
    /// For H.265: the highest temporal sub-layer.
    highest_sub_layer: u8,
    coding: Coding,
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Nothing is missing between the last keyframe and the end.
    is_whole: bool,
    /// Keyframes seen: frames taken before the last one are not put back.
    keyframes: u64,
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    H264,
    H265,
    /// Every frame may be referred to, as far as we know.
    Other,
}

impl Gop {
    /// Without a frame yet, for the frames of a track of that codec.
    #[must_use]
    pub fn new(codec: &Codec) -> Self {
        let mut gop = Self {
            highest_sub_layer: 0,
            coding: Coding::Other,
            frames: VecDeque::new(),
            bytes: 0,
            is_whole: false,
            keyframes: 0,
        };
        gop.configure(codec);
        gop
    }

    fn configure(&mut self, codec: &Codec) {
        self.coding = match codec {
            Codec::H264(_) => Coding::H264,
            Codec::H265(sets) => {
                self.highest_sub_layer = sets.as_ref().map_or(0, h265::highest_sub_layer);
                Coding::H265
            }
            Codec::Av1(_)
            | Codec::Vp9(_)
            | Codec::Vp8(_)
            | Codec::Mpeg4Video(_)
            | Codec::Jpeg { .. }
            | Codec::Aac(_)
            | Codec::Opus { .. }
            | Codec::Pcmu(_)
            | Codec::Pcma(_)
            | Codec::G722
            | Codec::L16(_)
            | Codec::Flac(_)
            | Codec::Mp3(_) => Coding::Other,
        };
    }

    /// The next frame of the track. Frames before the first keyframe, or after something is missing, are passed over.
    ///
    /// # Errors
    /// If too much has come since the last keyframe: all of it is forgotten.
    pub fn push(&mut self, frame: Frame) -> Result<(), GopError> {
        if let Some(codec) = &frame.new_codec {
            self.configure(codec);
        }
        if frame.keyframe {
            self.forget();
            self.is_whole = true;
            self.keyframes += 1;
        }
        if !self.is_whole {
            return Ok(());
        }
        self.bytes += frame.data.len();
        self.frames.push_back(frame);
        if self.bytes > MAX_GOP_BYTES || self.frames.len() > MAX_GOP_FRAMES {
            self.forget();
            return Err(GopError::TooLong);
        }
        Ok(())
    }

    /// Frames are missing, or the decoder has failed: nothing can be decoded before the next keyframe.
    pub fn forget(&mut self) {
        self.frames.clear();
        self.bytes = 0;
        self.is_whole = false;
    }

    /// The last keyframe, if it has not been taken.
    #[must_use]
    pub fn keyframe(&self) -> Option<&Frame> {
        self.frames.front().filter(|frame| frame.keyframe)
    }

    /// Frames that wait to be decoded.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.frames.len()
    }

    /// The frame that is shown last of those that wait.
    #[must_use]
    pub fn newest(&self) -> Option<&Frame> {
        self.frames.iter().max_by_key(|frame| frame.pts)
    }

    /// Takes what has to be decoded; `None` if there is nothing new.
    pub fn take(&mut self, goal: Goal) -> Option<Batch> {
        let wanted = match goal {
            Goal::Keyframe => self.keyframe()?.pts,
            Goal::Newest => self.newest()?.pts,
        };
        let mut frames: VecDeque<Frame> = match goal {
            Goal::Keyframe => self.frames.pop_front().into_iter().collect(),
            Goal::Newest => std::mem::take(&mut self.frames),
        };
        self.bytes -= frames.iter().map(|frame| frame.data.len()).sum::<usize>();
        frames.retain(|frame| frame.keyframe || frame.pts == wanted || !self.is_disposable(frame));
        Some(Batch { frames, wanted, keyframes: self.keyframes })
    }

    /// Puts back what of a batch has not been decoded, unless a keyframe that came meanwhile makes it needless.
    pub fn put_back(&mut self, batch: Batch) {
        if batch.keyframes != self.keyframes || !self.is_whole {
            return;
        }
        self.bytes += batch.frames.iter().map(|frame| frame.data.len()).sum::<usize>();
        let newer = std::mem::replace(&mut self.frames, batch.frames);
        self.frames.extend(newer);
    }

    fn is_disposable(&self, frame: &Frame) -> bool {
        match self.coding {
            Coding::H264 => h264::is_disposable(frame),
            Coding::H265 => h265::is_disposable(frame, self.highest_sub_layer),
            Coding::Other => false,
        }
    }
}

/// Frames on their way to a decoder.
#[derive(Debug)]
pub struct Batch {
    frames: VecDeque<Frame>,
    /// When the wanted picture is shown.
    wanted: Timestamp,
    keyframes: u64,
}

/// A picture, and the frame it was decoded of.
#[derive(Debug)]
pub struct Decoded {
    /// The picture.
    pub picture: Picture,
    /// When it is shown, on the stream's timeline.
    pub pts: Timestamp,
    /// When its frame came in.
    pub received_at: Instant,
}

impl Batch {
    /// Frames left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.frames.len()
    }

    /// The frames, for a decoder in another process.
    pub fn into_frames(self) -> impl Iterator<Item = Frame> {
        self.frames.into_iter()
    }

    /// Decodes frames as long as `go_on` says so, one at least. Gives the newest of their pictures that was to be had, and
    /// keeps the frames that are left.
    ///
    /// # Errors
    /// As [`StillDecoder::decode`]; the frames that are left are of no use then.
    pub fn decode(
        &mut self,
        decoder: &mut dyn StillDecoder,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Option<Decoded>, StillError> {
        let mut newest = None;
        while let Some(frame) = self.frames.pop_front() {
            decoder.decode(&frame)?;
            let is_last = self.frames.is_empty() || !go_on();
            if frame.pts == self.wanted || (is_last && newest.is_none()) {
                let (pts, received_at) = (frame.pts, frame.received_at);
                newest = decoder.take_picture().map(|picture| Decoded { picture, pts, received_at });
            }
            if is_last {
                break;
            }
        }
        Ok(newest)
    }
}
