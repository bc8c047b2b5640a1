//! Messages to chunks.

use super::EXTENDED;
use bytes::{BufMut, BytesMut};

/// Where a message belongs, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 2 to 63.
    pub chunk_stream: u8,
    /// The type.
    pub kind: u8,
    /// In milliseconds.
    pub timestamp: u32,
    /// The message stream.
    pub stream: u32,
}

/// Writes a message whose payload is `parts`, one behind the other, in chunks of `chunk_bytes`.
///
/// Its header is of type 0 always: so a message has the same bytes whatever went before, and can be shared.
pub fn write(out: &mut BytesMut, chunk_bytes: usize, header: &Header, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let extended = (header.timestamp >= EXTENDED).then_some(header.timestamp);
    out.reserve(length + 16 + 5 * (length / chunk_bytes));
    out.put_u8(header.chunk_stream & 0x3f);
    out.put_uint(u64::from(header.timestamp.min(EXTENDED)), 3);
    out.put_uint(u64::try_from(length).unwrap_or(0), 3);
    out.put_u8(header.kind);
    out.put_u32_le(header.stream);
    if let Some(timestamp) = extended {
        out.put_u32(timestamp);
    }
    let mut room = chunk_bytes;
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            if room == 0 {
                out.put_u8(0xc0 | (header.chunk_stream & 0x3f));
                if let Some(timestamp) = extended {
                    out.put_u32(timestamp);
                }
                room = chunk_bytes;
            }
            let (now, after) = rest.split_at(room.min(rest.len()));
            out.put_slice(now);
            room -= now.len();
            rest = after;
        }
    }
}
