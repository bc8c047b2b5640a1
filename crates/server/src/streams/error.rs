//! Why a source could not be had.

use std::time::Duration;
use yeoul_hub::limits::{RETRY_LONGEST, RETRY_LONGEST_REFUSED};

/// What to do about a failed source; the sentence is for people, the kind for the one owner of retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The network or the camera failed: it may be back any moment.
    Retry,
    /// The camera refused the user name or password.
    Unauthorized,
    /// The camera has no such path.
    NotFound,
    /// The camera works, but offers nothing that Yeoul can take.
    Unsupported,
    /// The camera broke the protocol.
    PeerViolation,
    /// The camera exceeded a named limit.
    LimitExceeded,
    /// A recording has been played to its end: it is not played again before a new consumer comes.
    Ended,
}

impl ErrorKind {
    /// The longest wait before the next attempt.
    pub(crate) fn longest_wait(self) -> Duration {
        match self {
            Self::Retry | Self::PeerViolation | Self::LimitExceeded | Self::Ended => RETRY_LONGEST,
            Self::Unauthorized | Self::NotFound | Self::Unsupported => RETRY_LONGEST_REFUSED,
        }
    }
}

/// Why dialling, or the session after it, ended: a sentence without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct DialError {
    pub(crate) kind: ErrorKind,
    pub(crate) text: String,
}

impl DialError {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}
