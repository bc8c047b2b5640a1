//! Frames to the bytes of messages, once for all who get them.
//!
//! A message's header is of type 0 and its time that of the fan-out, so its bytes depend on nobody. What a newcomer needs first, the
//! metadata and the configurations, is [`Fanout::start`]. Design page: `docs/design/10-rtmp.md`.

use crate::chunk::{Header, write};
use crate::limits::{CHUNK_BYTES, LEAD_IN, RECENT_BLOCK_BYTES, RECENT_BLOCKS};
use crate::message::{AUDIO_CHUNKS, DATA_CHUNKS, VIDEO_CHUNKS};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use yeoul_container::Unsupported;
use yeoul_container::flv::{Tag, TagKind, TagWriter};
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};

/// What precedes the metadata that a publisher sends (§7.1.5, as Flash Media Server reads it).
const SET_DATA_FRAME: &[u8] = b"\x02\0\x0d@setDataFrame";

/// For whom messages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A player.
    Play,
    /// A server that we publish to.
    Publish,
}

/// The message of one frame, in chunks, with a change of configuration in front of it.
#[derive(Debug)]
pub struct Block {
    /// What is to be sent.
    pub bytes: Bytes,
    /// The configuration is in it.
    pub has_config: bool,
}

/// Makes the messages of the frames of some tracks of one stream.
#[derive(Debug)]
pub struct Fanout {
    writer: TagWriter,
    tracks: Vec<TrackId>,
    message_stream: u32,
    /// What time 0 stands for; the first frame decides it.
    zero: Option<Timestamp>,
    /// By index, growing.
    recent: VecDeque<(u64, Arc<Block>)>,
    recent_bytes: usize,
}

impl Fanout {
    /// A fan-out of these tracks into that message stream.
    ///
    /// # Errors
    /// If FLV cannot carry one of them, or they are more than one of a kind.
    pub fn new(tracks: &[Track], message_stream: u32) -> Result<Self, Unsupported> {
        Ok(Self {
            writer: TagWriter::new(tracks)?,
            tracks: tracks.iter().map(|track| track.id).collect(),
            message_stream,
            zero: None,
            recent: VecDeque::new(),
            recent_bytes: 0,
        })
    }

    /// What a newcomer gets before its first frame: metadata and the configurations of its tracks.
    ///
    /// # Errors
    /// As [`Fanout::new`].
    pub fn start(&mut self, tracks: &[Track], first: &Frame, purpose: Purpose) -> Result<Bytes, Unsupported> {
        let at = self.placed(first).dts.to_ticks(1000).max(0) & i64::from(u32::MAX);
        let mut out = BytesMut::new();
        for tag in TagWriter::new(tracks)?.start(u32::try_from(at).unwrap_or(0)) {
            let prefix = match (purpose, tag.kind) {
                (Purpose::Publish, TagKind::Script) => SET_DATA_FRAME,
                (Purpose::Play, _) | (Purpose::Publish, TagKind::Audio | TagKind::Video) => b"",
            };
            self.put(&mut out, &tag, prefix);
        }
        Ok(out.freeze())
    }

    /// The message that tells a track's configuration in front of `frame`; empty if the codec has none.
    #[must_use]
    pub fn config(&mut self, codec: &Codec, frame: &Frame) -> Bytes {
        let track = Track { id: frame.track, codec: codec.clone() };
        let at = self.placed(frame).dts.to_ticks(1000).max(0) & i64::from(u32::MAX);
        let mut out = BytesMut::new();
        if let Ok(writer) = TagWriter::new(std::slice::from_ref(&track)) {
            for tag in writer.start(u32::try_from(at).unwrap_or(0)) {
                if tag.kind != TagKind::Script {
                    self.put(&mut out, &tag, b"");
                }
            }
        }
        out.freeze()
    }

    /// The message of the frame of this index; `None` if its track is not one of these, or has gone on in a coding that FLV does not
    /// carry.
    pub fn block(&mut self, index: u64, frame: &Frame) -> Option<Arc<Block>> {
        if let Ok(at) = self.recent.binary_search_by_key(&index, |(index, _)| *index) {
            return self.recent.get(at).map(|(_, block)| Arc::clone(block));
        }
        if !self.tracks.contains(&frame.track) {
            return None;
        }
        let tags: Vec<Tag> = {
            let placed = self.placed(frame);
            self.writer.write(&placed).collect()
        };
        if tags.is_empty() {
            return None;
        }
        let mut out = BytesMut::new();
        tags.iter().for_each(|tag| self.put(&mut out, tag, b""));
        let block = Arc::new(Block { bytes: out.freeze(), has_config: tags.len() > 1 });
        if self.recent.back().is_none_or(|(newest, _)| *newest < index) {
            self.keep(index, &block);
        }
        Some(block)
    }

    /// The frame on the time of this fan-out.
    fn placed(&mut self, frame: &Frame) -> Frame {
        let zero = *self.zero.get_or_insert(frame.dts - LEAD_IN);
        let moved = |time: Timestamp| {
            let nanos = time.as_nanos().saturating_sub(zero.as_nanos());
            Timestamp::ZERO + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
        };
        Frame { pts: moved(frame.pts), dts: moved(frame.dts), ..frame.clone() }
    }

    fn put(&self, out: &mut BytesMut, tag: &Tag, prefix: &[u8]) {
        let chunk_stream = match tag.kind {
            TagKind::Audio => AUDIO_CHUNKS,
            TagKind::Video => VIDEO_CHUNKS,
            TagKind::Script => DATA_CHUNKS,
        };
        let header = Header {
            chunk_stream,
            kind: tag.kind.number(),
            timestamp: tag.timestamp_ms,
            stream: self.message_stream,
        };
        write(out, CHUNK_BYTES, &header, &[prefix, &tag.head, &tag.data]);
    }

    fn keep(&mut self, index: u64, block: &Arc<Block>) {
        self.recent_bytes += block.bytes.len();
        self.recent.push_back((index, Arc::clone(block)));
        while self.recent.len() > RECENT_BLOCKS
            || (self.recent_bytes > RECENT_BLOCK_BYTES && self.recent.len() > 1)
        {
            let Some((_, old)) = self.recent.pop_front() else { return };
            self.recent_bytes -= old.bytes.len();
        }
    }
}
