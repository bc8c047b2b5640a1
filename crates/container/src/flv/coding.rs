//! What one track's tags bring, tag by tag.

use super::record;
use super::tag::{AudioBody, AudioCodec, AudioTag, VideoBody, VideoCodec, VideoTag};
use crate::pictures::Pictures;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use yeoul_media::bitstream::{h264, h265, mp3, nal};
use yeoul_media::{Codec, Kind, PcmLayout};

/// A tag of either kind.
#[derive(Debug)]
pub(super) enum TrackTag {
    Video(VideoTag),
    Audio(AudioTag),
}

impl From<VideoTag> for TrackTag {
    fn from(tag: VideoTag) -> Self {
        Self::Video(tag)
    }
}

impl From<AudioTag> for TrackTag {
    fn from(tag: AudioTag) -> Self {
        Self::Audio(tag)
    }
}

impl TrackTag {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Video(_) => Kind::Video,
            Self::Audio(_) => Kind::Audio,
        }
    }

    /// The number of its track among those of its kind.
    pub(super) fn track(&self) -> u8 {
        match self {
            Self::Video(tag) => tag.track,
            Self::Audio(tag) => tag.track,
        }
    }

    pub(super) fn nanos(&self) -> u32 {
        match self {
            Self::Video(tag) => tag.nanos,
            Self::Audio(tag) => tag.nanos,
        }
    }
}

/// One frame, without its time.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) keyframe: bool,
    pub(super) composition_ms: i32,
    pub(super) new_codec: Option<Arc<Codec>>,
    pub(super) data: Bytes,
}

/// A track's coding, and what is known of it.
#[derive(Debug)]
pub(super) enum Coding {
    Video(Video),
    Audio(Audio),
}

#[derive(Debug)]
pub(super) struct Video {
    codec: VideoCodec,
    pictures: Pictures,
    /// Of the length in front of each NAL unit.
    length_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Audio {
    codec: AudioCodec,
    /// In force, where tags of their own tell it.
    config: Option<Codec>,
    /// What the last frame was told with.
    told: Option<Codec>,
}

impl Coding {
    /// The coding of a track whose first tag this is.
    pub(super) fn new(tag: &TrackTag) -> Self {
        match tag {
            TrackTag::Video(tag) => {
                let unknown = match tag.codec {
                    VideoCodec::H264 => Codec::H264(None),
                    VideoCodec::H265 => Codec::H265(None),
                    VideoCodec::Av1 => Codec::Av1(None),
                    VideoCodec::Vp9 => Codec::Vp9(None),
                    VideoCodec::Vp8 => Codec::Vp8(None),
                };
                let pictures = Pictures::new(unknown);
                Self::Video(Video { codec: tag.codec, pictures, length_bytes: nal::LENGTH_SIZE_BYTES })
            }
            TrackTag::Audio(tag) => {
                // A sender of Opus that tells no configuration means one stream of one or two channels.
                let config = (tag.codec == AudioCodec::Opus).then_some(Codec::Opus { channels: 2 });
                Self::Audio(Audio { codec: tag.codec, config, told: None })
            }
        }
    }

    /// Whether the tag has this coding.
    pub(super) fn takes(&self, tag: &TrackTag) -> bool {
        match (self, tag) {
            (Self::Video(video), TrackTag::Video(tag)) => video.codec == tag.codec,
            (Self::Audio(audio), TrackTag::Audio(tag)) => audio.codec == tag.codec,
            (Self::Video(_), TrackTag::Audio(_)) | (Self::Audio(_), TrackTag::Video(_)) => false,
        }
    }

    /// The frame that a tag of this coding brings, if it brings one that can be decoded.
    pub(super) fn take(&mut self, tag: &TrackTag) -> Option<Unit> {
        match (self, tag) {
            (Self::Video(video), TrackTag::Video(tag)) => video.take(tag),
            (Self::Audio(audio), TrackTag::Audio(tag)) => audio.take(tag),
            (Self::Video(_), TrackTag::Audio(_)) | (Self::Audio(_), TrackTag::Video(_)) => None,
        }
    }

    /// Pictures that were not given because they, or what they refer to, cannot be used.
    pub(super) fn damaged_frames(&self) -> u64 {
        match self {
            Self::Video(video) => video.pictures.damaged_frames(),
            Self::Audio(_) => 0,
        }
    }
}

impl Video {
    fn take(&mut self, tag: &VideoTag) -> Option<Unit> {
        match &tag.body {
            VideoBody::Config(record) => {
                let (config, length_bytes) = record::parse_video(tag.codec, record)?;
                self.length_bytes = length_bytes;
                // Where it says nothing, the first keyframe does.
                if config.is_described() {
                    self.pictures.configure(config);
                }
                None
            }
            VideoBody::Frame { composition_ms, data, .. } if !data.is_empty() => {
                let Some(data) = sample(tag.codec, self.length_bytes, data.clone()) else {
                    self.pictures.damage(1);
                    return None;
                };
                let picture = self.pictures.picture(data)?;
                Some(Unit {
                    keyframe: picture.keyframe,
                    composition_ms: *composition_ms,
                    new_codec: picture.new_codec,
                    data: picture.data,
                })
            }
            VideoBody::Frame { .. } | VideoBody::End => None,
        }
    }
}

impl Audio {
    fn take(&mut self, tag: &AudioTag) -> Option<Unit> {
        match &tag.body {
            AudioBody::Config(bytes) => {
                if let Some(config) = record::parse_audio(tag.codec, bytes) {
                    self.config = Some(config);
                }
                None
            }
            AudioBody::Frame(data) if !data.is_empty() => {
                // Without a configuration nobody can decode it.
                let codec = match tag.codec {
                    AudioCodec::Mp3 => mp3_codec(data)?,
                    AudioCodec::Pcma | AudioCodec::Pcmu => record::g711(tag.codec, tag.stereo)?,
                    AudioCodec::Aac | AudioCodec::Opus | AudioCodec::Flac => self.config.clone()?,
                };
                let new_codec = (self.told.as_ref() != Some(&codec)).then(|| Arc::new(codec.clone()));
                self.told = Some(codec);
                Some(Unit { keyframe: true, composition_ms: 0, new_codec, data: data.clone() })
            }
            AudioBody::Frame(_) | AudioBody::End => None,
        }
    }
}

fn mp3_codec(frame: &[u8]) -> Option<Codec> {
    let header = mp3::Header::parse(frame)?;
    Some(Codec::Mp3(PcmLayout { sample_rate: header.sample_rate, channels: header.channels }))
}

/// A picture in the form of `Frame::data`; `None` if its lengths do not add up or nothing is in it.
fn sample(codec: VideoCodec, length_bytes: usize, data: Bytes) -> Option<Bytes> {
    let kept: fn(&[u8]) -> bool = match codec {
        VideoCodec::H264 => {
            |unit| !matches!(h264::NalType::of(unit), Some(h264::NalType::Aud | h264::NalType::Filler) | None)
        }
        VideoCodec::H265 => {
            |unit| !matches!(h265::NalType::of(unit), Some(h265::NalType::Aud | h265::NalType::Filler) | None)
        }
        VideoCodec::Av1 | VideoCodec::Vp9 | VideoCodec::Vp8 => return Some(data),
    };
    // The usual form is taken as it is.
    let (mut whole, mut all_kept, mut rest) =
        (BytesMut::new(), length_bytes == nal::LENGTH_SIZE_BYTES, &data[..]);
    let mut units = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_at_checked(length_bytes)?;
        let length = length.iter().fold(0usize, |length, &byte| (length << 8) | usize::from(byte));
        let (unit, after) = after.split_at_checked(length)?;
        all_kept &= kept(unit);
        if kept(unit) {
            units.push(unit);
        }
        rest = after;
    }
    if units.is_empty() {
        return None;
    }
    if all_kept {
        return Some(data);
    }
    units.iter().for_each(|unit| nal::put_length_prefixed(&mut whole, unit));
    Some(whole.freeze())
}
