//! A session with an RTMP server that we dial: it plays a stream, or publishes one.
//!
//! [`ClientSession`] is driven like every session here: [`ClientSession::handle_input`] with what happened, then
//! [`ClientSession::poll_output`] until [`Output::Wait`] or [`Output::Close`]. The connection stands when it is made.
//!
//! The way of a session: handshake, `connect`, `createStream`, then `play` or `publish`, as ffmpeg and OBS go it. A server that asks
//! for an account at `connect` (`authmod`) is told it, with [`Output::Reconnect`] before each step.

mod auth;
mod session;
#[cfg(test)]
mod tests;

pub use session::ClientSession;

use bytes::Bytes;
use std::time::Instant;
use yeoul_media::{Codec, Frame};

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Bytes came in.
    Received(&'a [u8]),
    /// The server has closed the connection.
    Closed,
    /// To be published: bytes of a [`crate::Fanout`], in order.
    Media(&'a Bytes),
    /// The time of an [`Output::Wait`] has come.
    Timeout,
    /// The session shall end: [`Output::Close`] follows.
    Stop,
}

/// What the driver does.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send.
    Send(Bytes),
    /// Connect to the same server again, in place of the connection there is: the server asks for an account in steps.
    Reconnect,
    /// The server takes what is published from now on, into this message stream.
    Publishing {
        /// For [`crate::Fanout::new`].
        message_stream: u32,
    },
    /// It is known what comes; frames follow. Again when a track has come, gone, or goes on in another coding.
    Tracks(Vec<Codec>),
    /// A frame; its track counts the codecs.
    Frame(Frame),
    /// Something that a person may want to read in a log, bounded in number.
    Note(String),
    /// Nothing to do until then, or until something happens.
    Wait(Instant),
    /// The session has ended in good order: close the connection. Nothing follows.
    Close,
}

/// What the caller of a session that has failed does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Try again.
    Retry,
    /// User name, password or key must change first.
    Unauthorized,
    /// The path must change first.
    NotFound,
    /// The server broke the protocol.
    PeerViolation,
    /// The server exceeded a bound.
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
