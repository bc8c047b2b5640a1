//! Messages in chunks (RTMP 1.0 §5.3): a header of one of four types, and a part of a message.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Error, Reader};
pub use writer::{Header, write};

/// What stands in the 24 bits of a timestamp that does not fit into them; the 32 bits of it follow (§5.3.1.3).
const EXTENDED: u32 = 0x00ff_ffff;
/// The size of chunks before a peer says otherwise.
pub(crate) const DEFAULT_CHUNK_BYTES: usize = 128;
/// `Set Chunk Size`, which says it …
pub(crate) const SET_CHUNK_SIZE: u8 = 1;
/// … and `Abort`, which ends a message that has begun.
pub(crate) const ABORT: u8 = 2;
