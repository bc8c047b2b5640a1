//! An FLV file, or a stream of one, to frames.

use super::muxer::{FILE_HEADER_BYTES, TAG_HEADER_BYTES};
use super::{TagKind, TagReader, tag};
use crate::Event;
use crate::limits::MAX_FLV_TAG_BYTES;
use bytes::{Buf, Bytes, BytesMut};
use std::time::Instant;

/// Bytes between tags: the size of the one before.
const BETWEEN_BYTES: usize = 4;
/// The tag's body is encrypted.
const FILTER: u8 = 0x20;

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not start as FLV does.
    #[error("this is no FLV: it starts with {0:02x?}, expected \"FLV\" and version 1")]
    NotFlv([u8; 4]),
    /// A tag that no encoder makes.
    #[error("an FLV tag has {0} bytes, expected at most {MAX_FLV_TAG_BYTES}")]
    TooLarge(usize),
    /// Encrypted tags.
    #[error("the FLV is encrypted, which is not supported")]
    Encrypted,
    /// A tag that breaks the format.
    #[error(transparent)]
    Tag(#[from] tag::Error),
}

/// Reads FLV in pieces of any size. Tags have no mark to search for: what breaks the format ends the stream.
#[derive(Debug, Default)]
pub struct Demuxer {
    buffer: BytesMut,
    state: State,
    /// Bytes to pass over.
    skip: usize,
    tags: TagReader,
    failed: Option<Error>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    FileHeader,
    TagHeader,
    Body {
        kind: TagKind,
        timestamp_ms: u32,
        bytes: usize,
    },
}

impl Demuxer {
    /// The next bytes, and when they came. Call [`Demuxer::pull`] until `None` after each push.
    ///
    /// # Errors
    /// If this is no FLV or breaks the format: nothing more will come out.
    pub fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.buffer.extend_from_slice(data);
        loop {
            let now = self.skip.min(self.buffer.len());
            self.buffer.advance(now);
            self.skip -= now;
            match self.step(received_at) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// Nothing more will come: gives what waited for more.
    pub fn finish(&mut self) {
        self.tags.finish();
    }

    /// What has been found, in order.
    pub fn pull(&mut self) -> Option<Event> {
        self.tags.pull()
    }

    /// The reader of the tags, for what it counts.
    #[must_use]
    pub fn tags(&self) -> &TagReader {
        &self.tags
    }

    /// Takes a header or a body; false if it has not come whole.
    fn step(&mut self, received_at: Instant) -> Result<bool, Error> {
        if self.skip > 0 {
            return Ok(false);
        }
        match self.state {
            State::FileHeader => self.file_header(),
            State::TagHeader => self.tag_header(),
            State::Body { bytes, .. } if self.buffer.len() < bytes => Ok(false),
            State::Body { kind, timestamp_ms, bytes } => {
                // Copied, so that a frame keeps its own bytes only.
                let body = Bytes::copy_from_slice(self.buffer.get(..bytes).unwrap_or_default());
                self.buffer.advance(bytes);
                self.state = State::TagHeader;
                self.skip = BETWEEN_BYTES;
                self.tags.push(kind, timestamp_ms, &body, received_at)?;
                Ok(true)
            }
        }
    }

    fn file_header(&mut self) -> Result<bool, Error> {
        let Some(&[f, l, v, version, flags, o3, o2, o1, o0]) = self.buffer.first_chunk::<FILE_HEADER_BYTES>()
        else {
            return Ok(false);
        };
        if [f, l, v, version] != *b"FLV\x01" {
            return Err(Error::NotFlv([f, l, v, version]));
        }
        self.tags.expect(flags & 1 != 0, flags & 4 != 0);
        let offset = usize::try_from(u32::from_be_bytes([o3, o2, o1, o0])).unwrap_or(usize::MAX);
        if offset > MAX_FLV_TAG_BYTES {
            return Err(Error::TooLarge(offset));
        }
        self.skip = offset.max(FILE_HEADER_BYTES) + BETWEEN_BYTES;
        self.state = State::TagHeader;
        Ok(true)
    }

    fn tag_header(&mut self) -> Result<bool, Error> {
        let Some(&[kind, s2, s1, s0, t2, t1, t0, extended, ..]) =
            self.buffer.first_chunk::<TAG_HEADER_BYTES>()
        else {
            return Ok(false);
        };
        let bytes = usize::try_from(u32::from_be_bytes([0, s2, s1, s0])).unwrap_or(usize::MAX);
        if kind & FILTER != 0 {
            return Err(Error::Encrypted);
        }
        if bytes > MAX_FLV_TAG_BYTES {
            return Err(Error::TooLarge(bytes));
        }
        self.buffer.advance(TAG_HEADER_BYTES);
        match TagKind::of(kind & 0x1f) {
            Some(kind) => {
                let timestamp_ms = u32::from_be_bytes([extended, t2, t1, t0]);
                self.state = State::Body { kind, timestamp_ms, bytes };
            }
            None => self.skip = bytes + BETWEEN_BYTES,
        }
        Ok(true)
    }
}
