//! Frames to an FLV file without end.

use super::writer::{Tag, TagWriter, timestamp_ms};
use crate::Unsupported;
use bytes::{BufMut, BytesMut};
use yeoul_media::{Codec, Frame, Kind, Track, TrackId};

/// Bytes of the file's header, and of a tag's.
pub(super) const FILE_HEADER_BYTES: usize = 9;
pub(super) const TAG_HEADER_BYTES: usize = 11;
/// Flags of the file's header.
const HAS_AUDIO: u8 = 4;
const HAS_VIDEO: u8 = 1;

/// Writes frames as FLV: the file's header, metadata and configurations in front of the first frame, then a tag for each.
///
/// Times count from the zero of the stream's timeline, whenever the first frame comes: players take the first tag for their start.
#[derive(Debug)]
pub struct Muxer {
    tags: TagWriter,
    started: bool,
}

impl Muxer {
    /// A muxer for these tracks: at most one of video and one of sound.
    ///
    /// # Errors
    /// As [`TagWriter::new`].
    pub fn new(tracks: &[Track]) -> Result<Self, Unsupported> {
        Ok(Self { tags: TagWriter::new(tracks)?, started: false })
    }

    /// As [`TagWriter::change`].
    ///
    /// # Errors
    /// As [`TagWriter::change`].
    pub fn change(&mut self, track: TrackId, codec: &Codec) -> Result<(), Unsupported> {
        self.tags.change(track, codec)
    }

    /// What a viewer needs that joins in front of `frame`: the file's header, metadata, the configurations in force.
    pub fn start(&self, frame: &Frame, out: &mut BytesMut) {
        let flag = |kind, flag| if self.tags.has(kind) { flag } else { 0 };
        out.put_slice(b"FLV\x01");
        out.put_u8(flag(Kind::Audio, HAS_AUDIO) | flag(Kind::Video, HAS_VIDEO));
        out.put_u32(9);
        // The size of the tag before the first.
        out.put_u32(0);
        self.tags.start(timestamp_ms(frame)).iter().for_each(|tag| put(tag, out));
    }

    /// Writes one frame, behind what [`Muxer::start`] writes if it is the first. Frames of other tracks, and of codecs that are not
    /// carried, are passed over.
    pub fn write(&mut self, frame: &Frame, out: &mut BytesMut) {
        if !self.started {
            self.started = true;
            self.start(frame, out);
        }
        self.tags.write(frame).for_each(|tag| put(&tag, out));
    }
}

/// Writes a tag with its header, and its size behind it. A body that 24 bits cannot tell the size of is left out: no frame has 16 MiB.
fn put(tag: &Tag, out: &mut BytesMut) {
    let body_bytes = tag.head.len() + tag.data.len();
    let Some(size) = u32::try_from(body_bytes).ok().filter(|&size| size < 1 << 24) else { return };
    let [extended, time @ ..] = tag.timestamp_ms.to_be_bytes();
    out.reserve(TAG_HEADER_BYTES + body_bytes + 4);
    out.put_u8(tag.kind.number());
    out.put_uint(size.into(), 3);
    out.put_slice(&time);
    out.put_u8(extended);
    out.put_slice(&[0; 3]);
    out.put_slice(&tag.head);
    out.put_slice(&tag.data);
    out.put_u32(size + 11);
}
