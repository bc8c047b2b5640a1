//! Why a session failed.

use crate::message::StatusCode;
use std::fmt;

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Try again: the network or the camera failed.
    Retry,
    /// User name or password must change first.
    Unauthorized,
    /// The path must change first.
    NotFound,
    /// The camera works, but offers nothing that can be taken.
    Unsupported,
    /// The camera broke the protocol.
    PeerViolation,
    /// The camera exceeded a bound.
    LimitExceeded,
}

/// Why a session failed: its `Display` is a sentence for people that names the peer and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    /// What the caller does next.
    pub kind: ErrorKind,
    /// The sentence.
    pub text: String,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, peer: &str, text: impl fmt::Display) -> Self {
        Self { kind, text: format!("{peer} {text}") }
    }
}

/// What a status code other than success means for the session that asked.
pub(super) fn kind_of(status: StatusCode) -> ErrorKind {
    match u16::from(status) {
        401 | 403 | 407 => ErrorKind::Unauthorized,
        404 | 410 => ErrorKind::NotFound,
        406 | 415 | 461 | 501 | 505 | 551 => ErrorKind::Unsupported,
        _ => ErrorKind::Retry,
    }
}
