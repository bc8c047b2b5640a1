//! Chunks to messages.

use super::{ABORT, DEFAULT_CHUNK_BYTES, EXTENDED, SET_CHUNK_SIZE};
use crate::limits::{
    CHUNK_STREAMS, CONTROL_MESSAGE_BYTES, MEDIA_MESSAGE_BYTES, MESSAGE_ROOM_BYTES, PARTIAL_BYTES,
};
use crate::message::{self, Message};
use bytes::{Buf, BytesMut};

/// Why bytes are no chunks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header that refers to one before it, and there is none.
    #[error("chunk stream {0} begins with a header that refers to an earlier one")]
    NoHeader(u32),
    /// Above the bounds.
    #[error("a message of type {kind} has {bytes} bytes, expected at most {most}")]
    Long {
        /// The type of the message.
        kind: u8,
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// Above [`CHUNK_STREAMS`].
    #[error("more than {CHUNK_STREAMS} chunk streams are used")]
    Streams,
    /// Above [`PARTIAL_BYTES`].
    #[error("messages of more than {PARTIAL_BYTES} bytes have begun and do not end")]
    Partial,
    /// A size of chunks that cannot be.
    #[error("chunks of {0} bytes are announced, expected 1 to 2147483647")]
    ChunkSize(u32),
}

/// Puts chunks together: [`Reader::push`] what came in, then [`Reader::pull`] until `None`.
#[derive(Debug)]
pub struct Reader {
    buffer: BytesMut,
    chunk_bytes: usize,
    streams: Vec<ChunkStream>,
    partial_bytes: usize,
    /// The chunk whose header is read.
    chunk: Option<Chunk>,
}

/// The rest of a chunk.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Index into the streams.
    stream: usize,
    left: usize,
}

/// What the last header of a chunk stream said, and the message that has begun.
#[derive(Debug)]
struct ChunkStream {
    id: u32,
    timestamp: u32,
    /// The value of the last timestamp field: a time, or the distance to the one before.
    field: u32,
    is_extended: bool,
    kind: u8,
    length: usize,
    message_stream: u32,
    partial: BytesMut,
    has_begun: bool,
}

/// The first part of a header (§5.3.1.1).
struct BasicHeader {
    bytes: usize,
    format: u8,
    id: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            chunk_bytes: DEFAULT_CHUNK_BYTES,
            streams: Vec::new(),
            partial_bytes: 0,
            chunk: None,
        }
    }
}

impl Reader {
    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message that is whole. What the chunks themselves are about (their size, messages that are given up) is done and not
    /// given.
    ///
    /// # Errors
    /// If the peer breaks the protocol. What follows cannot be read.
    pub fn pull(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if self.chunk.is_none() && !self.header()? {
                return Ok(None);
            }
            let Some(chunk) = self.chunk else { return Ok(None) };
            let Some(stream) = self.streams.get_mut(chunk.stream) else { return Ok(None) };
            let count = chunk.left.min(self.buffer.len());
            stream.partial.extend_from_slice(self.buffer.get(..count).unwrap_or_default());
            self.buffer.advance(count);
            self.partial_bytes += count;
            if self.partial_bytes > PARTIAL_BYTES {
                return Err(Error::Partial);
            }
            if count < chunk.left {
                self.chunk = Some(Chunk { left: chunk.left - count, ..chunk });
                return Ok(None);
            }
            self.chunk = None;
            if stream.partial.len() < stream.length {
                continue;
            }
            let payload = std::mem::take(&mut stream.partial).freeze();
            self.partial_bytes -= payload.len();
            stream.has_begun = false;
            let message = Message {
                kind: stream.kind,
                timestamp: stream.timestamp,
                stream: stream.message_stream,
                payload,
            };
            if !self.control(&message)? {
                return Ok(Some(message));
            }
        }
    }

    /// Does what a message about chunks says; `false` if it is about something else.
    fn control(&mut self, message: &Message) -> Result<bool, Error> {
        let Some(value) = message.payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
            return Ok(matches!(message.kind, SET_CHUNK_SIZE | ABORT));
        };
        match message.kind {
            SET_CHUNK_SIZE => {
                self.chunk_bytes = usize::try_from(value)
                    .ok()
                    .filter(|_| value > 0 && value <= u32::MAX >> 1)
                    .ok_or(Error::ChunkSize(value))?;
                Ok(true)
            }
            ABORT => {
                if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == value) {
                    self.partial_bytes -= stream.partial.len();
                    stream.give_up();
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Reads the header of the next chunk; `false` if it is not whole.
    fn header(&mut self) -> Result<bool, Error> {
        let Some(basic) = basic_header(&self.buffer) else { return Ok(false) };
        let known = self.streams.iter().position(|stream| stream.id == basic.id);
        let index = match (known, basic.format) {
            (Some(index), _) => index,
            // librtmp answers a ping on a fresh chunk stream with type 1, as if there were a message at 0 before it.
            (None, 0 | 1) => self.streams.len(),
            (None, _) => return Err(Error::NoHeader(basic.id)),
        };
        if known.is_none() {
            if self.streams.len() >= CHUNK_STREAMS {
                return Err(Error::Streams);
            }
            self.streams.push(ChunkStream::new(basic.id));
        }
        let Some(stream) = self.streams.get_mut(index) else { return Ok(false) };
        let given_up = stream.partial.len();
        let Some(bytes) = stream.read(basic.format, self.buffer.get(basic.bytes..).unwrap_or_default())
        else {
            return Ok(false);
        };
        if stream.partial.is_empty() {
            self.partial_bytes -= given_up;
            let most = match stream.kind {
                message::AUDIO | message::VIDEO | message::AGGREGATE => MEDIA_MESSAGE_BYTES,
                _ => CONTROL_MESSAGE_BYTES,
            };
            if stream.length > most {
                return Err(Error::Long { kind: stream.kind, bytes: stream.length, most });
            }
            stream.partial.reserve(stream.length.min(MESSAGE_ROOM_BYTES));
        }
        let left = (stream.length - stream.partial.len()).min(self.chunk_bytes);
        self.buffer.advance(basic.bytes + bytes);
        self.chunk = Some(Chunk { stream: index, left });
        Ok(true)
    }
}

/// One to three bytes.
fn basic_header(buffer: &[u8]) -> Option<BasicHeader> {
    let first = *buffer.first()?;
    let format = first >> 6;
    let (bytes, id) = match first & 0x3f {
        0 => (2, 64 + u32::from(*buffer.get(1)?)),
        1 => (3, 64 + u32::from(*buffer.get(1)?) + (u32::from(*buffer.get(2)?) << 8)),
        id => (1, u32::from(id)),
    };
    Some(BasicHeader { bytes, format, id })
}

impl ChunkStream {
    fn new(id: u32) -> Self {
        Self {
            id,
            timestamp: 0,
            field: 0,
            is_extended: false,
            kind: 0,
            length: 0,
            message_stream: 0,
            partial: BytesMut::new(),
            has_begun: false,
        }
    }

    fn give_up(&mut self) {
        self.partial = BytesMut::new();
        self.has_begun = false;
    }

    /// Reads the message header and the extended timestamp (§5.3.1.2, §5.3.1.3); gives their size, `None` if they are not whole.
    fn read(&mut self, format: u8, bytes: &[u8]) -> Option<usize> {
        let header_bytes = match format {
            0 => 11,
            1 => 7,
            2 => 3,
            _ => return self.go_on(bytes),
        };
        let header = bytes.get(..header_bytes)?;
        let mut field = u24(header);
        let is_extended = field == EXTENDED;
        let mut used = header_bytes;
        if is_extended {
            field = u32::from_be_bytes(*bytes.get(header_bytes..)?.first_chunk()?);
            used += 4;
        }
        // A message that had begun and is not ended is given up: who begins another one will not go on with it.
        self.give_up();
        (self.field, self.is_extended) = (field, is_extended);
        if format <= 1 {
            self.length = usize::try_from(u24(header.get(3..)?)).ok()?;
            self.kind = *header.get(6)?;
        }
        if format == 0 {
            self.message_stream = u32::from_le_bytes(*header.get(7..)?.first_chunk()?);
            self.timestamp = field;
        } else {
            self.timestamp = self.timestamp.wrapping_add(field);
        }
        self.has_begun = true;
        Some(used)
    }

    /// A header of type 3: the message goes on, or another one like it begins. The extended timestamp is repeated in it (§5.3.1.3),
    /// but senders that read the older text of the standard leave it out where a message goes on. There it is taken as one only if it
    /// has the value that it must have.
    fn go_on(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.has_begun {
            if !self.is_extended {
                return Some(0);
            }
            let expected = self.field.to_be_bytes();
            let seen = bytes.get(..4.min(bytes.len()))?;
            if !expected.starts_with(seen) {
                return Some(0);
            }
            return (seen.len() == 4).then_some(4);
        }
        let mut used = 0;
        if self.is_extended {
            self.field = u32::from_be_bytes(*bytes.first_chunk()?);
            used = 4;
        }
        // Behind a header of type 0 the distance is the time it had (§5.3.1.2.4).
        self.timestamp = self.timestamp.wrapping_add(self.field);
        self.has_begun = true;
        Some(used)
    }
}

/// The first 24 bits.
fn u24(bytes: &[u8]) -> u32 {
    bytes.first_chunk::<3>().map_or(0, |&[a, b, c]| u32::from_be_bytes([0, a, b, c]))
}
