//! Why a connection's bytes are no RTMP.

use crate::{chunk, handshake};

/// What a peer did that RTMP does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The beginning.
    #[error("{0}")]
    Handshake(#[from] handshake::Error),
    /// A chunk.
    #[error("{0}")]
    Chunk(#[from] chunk::Error),
    /// A command that is none.
    #[error("a command has no name")]
    Command,
    /// One after the other, without end.
    #[error("{} commands in a row mean nothing", crate::limits::IDLE_COMMANDS)]
    IdleCommands,
}

impl Error {
    /// Whether a bound was passed, rather than the protocol broken.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Chunk(error) => match error {
                chunk::Error::Long { .. } | chunk::Error::Streams | chunk::Error::Partial => true,
                chunk::Error::NoHeader(_) | chunk::Error::ChunkSize(_) => false,
            },
            Self::IdleCommands => true,
            Self::Handshake(_) | Self::Command => false,
        }
    }
}
