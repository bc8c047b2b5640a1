//! What goes into a session and comes out of it.

use super::Account;
use crate::limits::PIPELINED_BYTES;
use crate::message::{FrameError, StatusCode};
use crate::send::{Block, Datagrams, Start};
use bytes::Bytes;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, Track};

/// What all sessions of a server have in common.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The Server header: name and version.
    pub server: String,
    /// The account that callers must give; `None` asks for none.
    pub account: Option<Account>,
    /// Names that begin with this need no account: whoever knows one has been told it by the server, which opens no others
    /// of this kind.
    pub tickets: Option<&'static str>,
    /// The server's UDP ports for RTP and RTCP; `None` offers TCP only.
    pub udp_ports: Option<(u16, u16)>,
}

/// What the session is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes from the control connection.
    Received(&'a [u8]),
    /// A datagram from a UDP port of the client's address to one of ours.
    Datagram {
        /// Which of ours.
        port: Port,
        /// Which of the client's.
        from: u16,
        /// Its content.
        bytes: &'a [u8],
    },
    /// Answers [`Output::Open`] with the tracks that the client can have.
    Opened(Result<Vec<Track>, Refusal>),
    /// Answers [`Output::Announce`] and [`Output::Record`].
    Accepted(Result<(), Refusal>),
    /// Answers [`Output::Play`]. From then on [`Input::Media`] is sent.
    Playing(Result<Start, Refusal>),
    /// The packets of the next frame, made by the [`crate::Fanout`] that gave the [`Start`].
    Media(&'a Block),
    /// The stream or the server ends: the client is told goodbye, a request that waits is answered with this sentence.
    End(String),
    /// It is later than it was.
    Timeout,
}

/// What the session wants done.
#[derive(Debug)]
pub enum Output {
    /// Send on the control connection.
    Send(Bytes),
    /// Send to a UDP port of the client's address.
    Datagrams {
        /// From which of our ports.
        port: Port,
        /// To which of the client's.
        to: u16,
        /// What to send.
        datagrams: Datagrams,
    },
    /// Find the stream of this name and those of its tracks that the query asks for; answer with [`Input::Opened`].
    /// Whatever was opened before is not wanted any more.
    Open {
        /// The stream's name.
        name: String,
        /// The URI's query as it stands.
        query: String,
    },
    /// Start giving frames at a place where a picture begins; answer with [`Input::Playing`].
    Play,
    /// Stop giving frames for now.
    Pause,
    /// Whether the client may publish to the stream of this name; answer with [`Input::Accepted`].
    Announce {
        /// The stream's name.
        name: String,
    },
    /// The client begins to publish tracks of these codecs; answer with [`Input::Accepted`]. The track ids in
    /// [`Output::Frame`] count them.
    Record {
        /// The stream's name.
        name: String,
        /// One for each track.
        codecs: Vec<Codec>,
    },
    /// Something that a person may want to read in a log, bounded in number.
    Note(String),
    /// A published frame. Its track is an index into [`Output::Record`]'s codecs.
    Frame(Frame),
    /// Playing or publishing is over; what was opened is not wanted any more.
    Stop,
    /// Nothing more until something comes in or this moment has come.
    Wait(Instant),
    /// Send what there is to send and close the connection.
    Close,
}

/// One of the two UDP ports of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// For RTP.
    Rtp,
    /// For RTCP.
    Rtcp,
}

/// Why a client does not get what it asks for: a status and a sentence, which goes into the reason phrase, because that
/// is what players show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The sentence, without secrets.
    pub sentence: String,
}

impl Refusal {
    /// A refusal with this sentence.
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }
}

/// Why a connection is ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no RTSP, or too many of it.
    #[error("{0}")]
    Malformed(#[from] FrameError),
    /// Requests come faster than they are answered.
    #[error("more than {PIPELINED_BYTES} bytes came in while a request was being answered")]
    Flooded,
    /// Nothing was heard of the client.
    #[error("nothing was heard of the client for {} s", .0.as_secs())]
    Silent(Duration),
    /// The password was wrong too often.
    #[error("the password was wrong {} times", crate::limits::AUTH_FAILURES)]
    WrongPassword,
}

/// What a player has reported of its reception.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Receiver reports.
    pub reports: u64,
    /// The most packets that it has reported as missed, of one track.
    pub lost: u64,
}
