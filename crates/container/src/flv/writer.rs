//! Frames to tags, for files and for RTMP.

use super::tag::{AudioBody, AudioTag, VideoBody, VideoTag};
use super::{CLOCK_HZ, TagKind, audio_codec, metadata, record, video_codec};
use crate::Unsupported;
use bytes::{Bytes, BytesMut};
use yeoul_media::{Codec, Frame, Kind, Track, TrackId};

const NAME: &str = "FLV";

/// One tag, or the RTMP message with the same body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What it carries.
    pub kind: TagKind,
    /// Its decoding time in milliseconds; wraps.
    pub timestamp_ms: u32,
    /// The body's first bytes.
    pub head: Bytes,
    /// The body's other bytes, shared with the frame.
    pub data: Bytes,
}

/// Makes tags of the frames of at most one video and one audio track.
///
/// A receiver that joins gets [`TagWriter::start`] first, then the tags of frames from a keyframe on.
#[derive(Debug)]
pub struct TagWriter {
    tracks: Vec<Track>,
}

impl TagWriter {
    /// A writer for these tracks.
    ///
    /// # Errors
    /// If a codec is not carried (see [`super::carries`]), or there is more than one track of a kind, or none at all.
    pub fn new(tracks: &[Track]) -> Result<Self, Unsupported> {
        if tracks.is_empty() {
            return Err(Unsupported::Nothing { container: NAME });
        }
        for (kind, name) in [(Kind::Video, "video"), (Kind::Audio, "audio")] {
            let got = tracks.iter().filter(|track| track.kind() == kind).count();
            if got > 1 {
                return Err(Unsupported::Tracks { container: NAME, kind: name, most: 1, got });
            }
        }
        if let Some(track) = tracks.iter().find(|track| !super::carries(&track.codec)) {
            return Err(Unsupported::codec(NAME, &track.codec));
        }
        Ok(Self { tracks: tracks.to_vec() })
    }

    /// Whether there is a track of this kind.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.tracks.iter().any(|track| track.kind() == kind)
    }

    /// What a receiver needs before the first frame, which decodes at `timestamp_ms`: metadata (at 0, where ffmpeg looks for it) and the
    /// configurations in force.
    #[must_use]
    pub fn start(&self, timestamp_ms: u32) -> Vec<Tag> {
        let data = metadata::write(&self.tracks);
        let script = Tag { kind: TagKind::Script, timestamp_ms: 0, head: Bytes::new(), data };
        let configs = self.tracks.iter().filter_map(|track| config(&track.codec, timestamp_ms));
        std::iter::once(script).chain(configs).collect()
    }

    /// The track goes on with `codec`, as [`Frame::new_codec`] says; [`TagWriter::write`] calls it where the caller has not.
    ///
    /// # Errors
    /// If the codec is not carried. The track's frames are passed over from then on.
    pub fn change(&mut self, track: TrackId, codec: &Codec) -> Result<(), Unsupported> {
        if let Some(track) = self.tracks.iter_mut().find(|known| known.id == track) {
            track.codec = codec.clone();
        }
        if super::carries(codec) { Ok(()) } else { Err(Unsupported::codec(NAME, codec)) }
    }

    /// The tags of a frame: its own, and in front of it the configuration where that has changed. None for frames of other tracks
    /// and of codecs that are not carried.
    pub fn write(&mut self, frame: &Frame) -> impl Iterator<Item = Tag> + use<> {
        let timestamp_ms = timestamp_ms(frame);
        let mut new_config = None;
        if let Some(codec) = frame.new_codec.as_ref().filter(|_| self.codec(frame.track).is_some()) {
            // A codec without a place gives no tag below.
            let _ = self.change(frame.track, codec);
            new_config = config(codec, timestamp_ms);
        }
        let tag = self.codec(frame.track).and_then(|codec| frame_tag(codec, frame, timestamp_ms));
        new_config.into_iter().chain(tag)
    }

    fn codec(&self, track: TrackId) -> Option<&Codec> {
        self.tracks.iter().find(|known| known.id == track).map(|track| &track.codec)
    }
}

/// The decoding time of a frame: 32 bits of milliseconds. Times before the timeline's zero are 0.
pub(super) fn timestamp_ms(frame: &Frame) -> u32 {
    let ms = frame.dts.to_ticks(CLOCK_HZ).max(0);
    u32::try_from(ms & i64::from(u32::MAX)).unwrap_or(0)
}

fn video_tag(timestamp_ms: u32, tag: &VideoTag) -> Tag {
    let mut head = BytesMut::new();
    tag.write_head(&mut head);
    Tag { kind: TagKind::Video, timestamp_ms, head: head.freeze(), data: tag.data() }
}

fn audio_tag(timestamp_ms: u32, tag: &AudioTag) -> Tag {
    let mut head = BytesMut::new();
    tag.write_head(&mut head);
    Tag { kind: TagKind::Audio, timestamp_ms, head: head.freeze(), data: tag.data() }
}

/// The tag that tells a codec's configuration; `None` if it has none.
fn config(codec: &Codec, timestamp_ms: u32) -> Option<Tag> {
    let record = record::write(codec)?;
    if let Some(codec) = video_codec(codec) {
        let body = VideoBody::Config(record);
        return Some(video_tag(timestamp_ms, &VideoTag { track: 0, nanos: 0, codec, body }));
    }
    let (codec, body) = (audio_codec(codec)?, AudioBody::Config(record));
    Some(audio_tag(timestamp_ms, &AudioTag { track: 0, nanos: 0, codec, stereo: true, body }))
}

fn frame_tag(codec: &Codec, frame: &Frame, timestamp_ms: u32) -> Option<Tag> {
    let data = frame.data.clone();
    if let Some(video) = video_codec(codec) {
        // Both are rounded by themselves, so that neither time is off by more than half a millisecond.
        let later = frame.pts.to_ticks(CLOCK_HZ) - frame.dts.to_ticks(CLOCK_HZ).max(0);
        let composition_ms = i32::try_from(later.clamp(0, MAX_COMPOSITION_MS)).unwrap_or(0);
        let body = VideoBody::Frame { keyframe: frame.keyframe, composition_ms, data };
        return Some(video_tag(timestamp_ms, &VideoTag { track: 0, nanos: 0, codec: video, body }));
    }
    let tells_channels = matches!(codec, Codec::Pcma(_) | Codec::Pcmu(_));
    let stereo = !tells_channels || codec.channels() == Some(2);
    let body = AudioBody::Frame(data);
    Some(audio_tag(timestamp_ms, &AudioTag { track: 0, nanos: 0, codec: audio_codec(codec)?, stereo, body }))
}

/// 24 bits with a sign.
const MAX_COMPOSITION_MS: i64 = (1 << 23) - 1;
