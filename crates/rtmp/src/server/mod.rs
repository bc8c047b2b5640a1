//! The server's side of one RTMP connection: it takes what is published, and plays.
//!
//! [`ServerSession`] has no socket and no clock: put what came in into [`ServerSession::handle_input`], then take
//! [`ServerSession::poll_output`] until [`Output::Wait`] or [`Output::Close`]. [`Output::Play`] and [`Output::Publish`] are questions:
//! the answer comes back as an input.
//!
//! One connection plays or publishes one stream at a time. Left out: seeking, recording, several message streams.

mod session;
#[cfg(test)]
mod tests;

pub use crate::url::Request;
pub use session::ServerSession;

use bytes::Bytes;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame};

/// The message stream that every client gets, so that all players of a stream get the same bytes.
pub const MESSAGE_STREAM: u32 = 1;

/// What the session is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes from the client.
    Received(&'a [u8]),
    /// Answers [`Output::Play`], with what [`crate::Fanout::start`] gives. Media may follow.
    Playing(Result<Bytes, Refusal>),
    /// Answers [`Output::Publish`].
    Accepted(Result<(), Refusal>),
    /// To be played: bytes of a [`crate::Fanout`], in order.
    Media(&'a Bytes),
    /// The stream or the server ends: the client is told this sentence.
    End(String),
    /// It is later than it was.
    Timeout,
}

/// What the session wants done.
#[derive(Debug)]
pub enum Output {
    /// Send.
    Send(Bytes),
    /// Find the stream and start at a place where a picture begins; answer with [`Input::Playing`].
    Play(Request),
    /// Stop giving media for now, or go on from where a picture begins.
    Pause(bool),
    /// Whether the client may publish; answer with [`Input::Accepted`].
    Publish(Request),
    /// What is published has these tracks from now on; the track of a frame counts them.
    Tracks(Vec<Codec>),
    /// A published frame.
    Frame(Frame),
    /// Something that a person may want to read in a log, bounded in number.
    Note(String),
    /// Playing or publishing is over.
    Stop,
    /// Nothing more until something comes in or this moment has come.
    Wait(Instant),
    /// Send what there is to send and close the connection.
    Close,
}

/// Why a client does not get what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of answer it is.
    pub kind: RefusalKind,
    /// The sentence, without secrets: players and encoders show it.
    pub sentence: String,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such stream.
    NotFound,
    /// User name and password are missing or wrong.
    Unauthorized,
    /// It exists, and cannot be had now.
    Unavailable,
}

/// Why a connection is ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no RTMP, or too many of it.
    #[error("{0}")]
    Malformed(#[from] crate::Error),
    /// The client says nothing.
    #[error("nothing was heard of the client for {} s", .0.as_secs())]
    Silent(Duration),
    /// The client may not use the server at all.
    #[error("{0}")]
    Refused(String),
}
