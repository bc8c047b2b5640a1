//! A clip that a camera of a load serves: an Annex B file of H.264 or H.265, cut into access units once.

use super::clock;
use crate::limits::LOAD_CLIP_BYTES;
use anyhow::{Context as _, ensure};
use bytes::{Bytes, BytesMut};
use std::path::Path;
use yeoul_media::Codec;
use yeoul_media::bitstream::{h264, h265, nal};

/// The clip.
#[derive(Debug)]
pub(super) struct Clip {
    pub(super) codec: Codec,
    frames: Vec<AccessUnit>,
    /// Header of an SEI NAL unit.
    sei_header: &'static [u8],
}

/// NAL units, each behind its length, with a place for a clock between them.
#[derive(Debug)]
struct AccessUnit {
    keyframe: bool,
    before_picture: Bytes,
    picture: Bytes,
}

/// How the NAL units of a codec are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    H264,
    H265,
}

/// What a NAL unit does to the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A slice; with it a picture begins, or goes on.
    Slice { first: bool, key: bool },
    /// It belongs to the picture that follows.
    Before,
    /// It is left out: delimiters and filling.
    Nothing,
}

impl Clip {
    /// Reads a file; its name ends with `.h265` or `.hevc` if it is H.265.
    ///
    /// # Errors
    /// If it cannot be read, or is no such bitstream.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
        ensure!(size <= LOAD_CLIP_BYTES, "{} has more than {LOAD_CLIP_BYTES} bytes", path.display());
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let syntax = match ending.as_deref() {
            Some("h265" | "hevc" | "265") => Syntax::H265,
            _ => Syntax::H264,
        };
        Self::cut(&bytes, syntax).with_context(|| format!("{} is no clip in Annex B form", path.display()))
    }

    fn cut(bytes: &[u8], syntax: Syntax) -> anyhow::Result<Self> {
        let mut frames = Vec::new();
        let (mut before, mut picture, mut keyframe) = (BytesMut::new(), BytesMut::new(), false);
        let mut sets = Vec::new();
        for unit in nal::annex_b(bytes) {
            let role = syntax.role(unit);
            let begins =
                matches!(role, Role::Before | Role::Slice { first: true, .. }) && !picture.is_empty();
            if begins {
                let (before_picture, picture) = (before.split().freeze(), picture.split().freeze());
                frames.push(AccessUnit { keyframe, before_picture, picture });
            }
            match role {
                Role::Slice { key, .. } => {
                    keyframe = key;
                    nal::put_length_prefixed(&mut picture, unit);
                }
                Role::Before => {
                    if frames.is_empty() {
                        sets.push(Bytes::copy_from_slice(unit));
                    }
                    nal::put_length_prefixed(&mut before, unit);
                }
                Role::Nothing => {}
            }
        }
        if !picture.is_empty() {
            frames.push(AccessUnit { keyframe, before_picture: before.freeze(), picture: picture.freeze() });
        }
        ensure!(frames.first().is_some_and(|first| first.keyframe), "it does not begin with a keyframe");
        let (codec, sei_header): (_, &[u8]) = match syntax {
            Syntax::H264 => (Codec::H264(Some(h264::ParameterSets::from_units(sets)?)), &[6]),
            Syntax::H265 => (Codec::H265(Some(h265::ParameterSets::from_units(sets)?)), &[39 << 1, 1]),
        };
        Ok(Self { codec, frames, sei_header })
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// The frame of this number, again from the first one behind the last, with `now_ns` in it; and whether it is a keyframe.
    pub(super) fn frame(&self, number: usize, now_ns: u64) -> (Bytes, bool) {
        let Some(unit) = self.frames.get(number % self.frames.len().max(1)) else {
            return (Bytes::new(), false);
        };
        let sei = clock::sei(self.sei_header, now_ns);
        let size = unit.before_picture.len() + nal::LENGTH_SIZE_BYTES + sei.len() + unit.picture.len();
        let mut data = BytesMut::with_capacity(size);
        data.extend_from_slice(&unit.before_picture);
        nal::put_length_prefixed(&mut data, &sei);
        data.extend_from_slice(&unit.picture);
        (data.freeze(), unit.keyframe)
    }
}

impl Syntax {
    /// H.264 §7.4.1.2.4 and H.265 §7.4.2.4.4, as far as encoders without slices out of order go.
    fn role(self, unit: &[u8]) -> Role {
        let Some(first) = unit.first() else { return Role::Nothing };
        // `first_mb_in_slice` 0 is one bit that is set, as `first_slice_segment_in_pic_flag` is.
        let begins = |at: usize| unit.get(at).is_some_and(|byte| byte & 0x80 != 0);
        match self {
            Self::H264 => match first & 0x1f {
                1..=5 => Role::Slice { first: begins(1), key: first & 0x1f == 5 },
                9..=12 => Role::Nothing,
                _ => Role::Before,
            },
            Self::H265 => match first >> 1 & 0x3f {
                kind @ 0..=31 => Role::Slice { first: begins(2), key: (16..=21).contains(&kind) },
                35..=38 => Role::Nothing,
                _ => Role::Before,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clip, Syntax};
    use crate::load::clock;
    use yeoul_media::bitstream::nal;

    /// A clip of two pictures, the first of two slices.
    fn clip() -> Clip {
        let mut bytes = Vec::new();
        let sps = yeoul_testkit::h264::Sps::default().write();
        let pps = yeoul_testkit::h264::pps();
        let units: [&[u8]; 6] =
            [&[9, 0x10], &sps, &pps, &[0x65, 0x88, 1], &[0x65, 0x40, 2], &[0x41, 0x9a, 3]];
        for unit in units {
            bytes.extend([0, 0, 0, 1]);
            bytes.extend(unit);
        }
        Clip::cut(&bytes, Syntax::H264).expect("it is cut")
    }

    #[test]
    fn pictures_are_told_apart() {
        let clip = clip();
        assert_eq!(clip.len(), 2);
        let kinds = |number| {
            let (data, keyframe) = clip.frame(number, 1);
            (nal::length_prefixed(&data).map(|unit| unit[0] & 0x1f).collect::<Vec<_>>(), keyframe)
        };
        assert_eq!(kinds(0), (vec![7, 8, 6, 5, 5], true));
        assert_eq!(kinds(1), (vec![6, 1], false));
        assert_eq!(kinds(2), kinds(0), "without end");
    }

    #[test]
    fn every_picture_has_its_clock() {
        let (data, _) = clip().frame(1, 0xabc);
        assert_eq!(clock::every(&data).collect::<Vec<_>>(), [0xabc]);
    }

    #[test]
    fn what_is_no_clip_is_refused() {
        assert!(Clip::cut(b"no picture at all", Syntax::H264).is_err());
        assert!(Clip::cut(&[0, 0, 1, 0x41, 0x9a, 1], Syntax::H264).is_err(), "no keyframe first");
    }
}
