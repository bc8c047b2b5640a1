//! A session with an RTSP server that we dial (RFC 2326): a camera that we play, or a server that we publish to.
//!
//! [`ClientSession`] is driven like every session here: [`ClientSession::handle_input`] with what happened, then
//! [`ClientSession::poll_output`] until [`Output::Wait`]. It opens nothing itself: the first output is
//! [`Output::Connect`].
//!
//! The way of a session: OPTIONS, DESCRIBE, SETUP of every track that is supported, PLAY, then frames, a keepalive well
//! before the session would time out, and receiver reports. Media travels interleaved on the control connection, or by UDP
//! where that is chosen or the server refuses TCP. What a URL's parameters mean stands at [`Source`].
//!
//! [`ClientSession::publish`] goes another way from OPTIONS on: ANNOUNCE, SETUP of every track, RECORD, then it sends what it
//! gets by [`Input::Media`], interleaved on the control connection, with sender reports.
//!
//! Cameras deviate from the standard in many ways; each deviation that is allowed for has a test that names a device or the
//! captured answer it was found in.
//!
//! Left out: RTSP over HTTP or WebSocket, multicast, encrypted media (SRTP), the backchannel.

mod dialogue;
mod error;
mod exchange;
mod media;
mod options;
mod playback;
mod presentation;
mod publishing;
mod session;
mod setup;
#[cfg(test)]
mod tests;

pub use error::{Error, ErrorKind};
pub use media::Channel;
pub use options::{Options, Source, SourceError, TransportChoice};
pub use session::ClientSession;
pub use yeoul_rtp::receive::TrackStats;

use crate::send::Block;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Instant;
use yeoul_media::{Frame, Track};

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The control connection of the last [`Output::Connect`] stands.
    Connected {
        /// The server's address.
        peer: SocketAddr,
    },
    /// Bytes came in on the control connection.
    Received(&'a [u8]),
    /// The server has closed the control connection.
    Closed,
    /// The sockets of an [`Output::BindUdp`] stand: their ports for RTP and RTCP.
    UdpBound {
        /// The number of the pair.
        socket: usize,
        /// RTP and RTCP, the second one above the first.
        ports: (u16, u16),
    },
    /// A datagram came in on a pair of sockets.
    Datagram {
        /// The number of the pair.
        socket: usize,
        /// Which of the two.
        channel: Channel,
        /// Who sent it.
        from: SocketAddr,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// The time of an [`Output::Wait`] has come.
    Timeout,
    /// PAUSE.
    Pause,
    /// PLAY again after a pause.
    Play,
    /// To a session that publishes, from [`Event::Recording`] on: the packets of the next frame.
    Media(&'a Block),
    /// SET_PARAMETER with these lines (`name: value`).
    SetParameter(&'a str),
    /// TEARDOWN; [`Event::Ended`] follows in [`crate::limits::TEARDOWN_WAIT`] at most.
    Stop,
}

/// What the driver does.
#[derive(Clone, Debug)]
pub enum Output {
    /// Connect, in place of the control connection there is. Answer with [`Input::Connected`].
    Connect {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// Whether and how the connection is encrypted.
        tls: Tls,
    },
    /// Send on the control connection.
    Send(Bytes),
    /// Bind two UDP sockets on neighbouring ports, the lower one even. Answer with [`Input::UdpBound`].
    BindUdp {
        /// The number of the pair, one for each track: what stood under it before is not needed any more, and none of them
        /// after the next [`Output::Connect`].
        socket: usize,
    },
    /// Send a datagram.
    SendDatagram {
        /// The number of the pair of sockets.
        socket: usize,
        /// From which of the two.
        channel: Channel,
        /// Where to.
        to: SocketAddr,
        /// Its payload.
        bytes: Bytes,
    },
    /// Something to know.
    Event(Event),
    /// Nothing to do until then, or until something happens.
    Wait(Instant),
}

/// Protection of the control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Plain TCP.
    None,
    /// TLS with a certificate that is valid for the host.
    Checked,
    /// TLS with any certificate.
    Unchecked,
}

/// Something to know about the session.
#[derive(Clone, Debug)]
pub enum Event {
    /// It is known what comes; frames follow. Once for each session.
    Playing(Playing),
    /// A frame; its track is that of [`Playing::tracks`], its time on a timeline that begins near 0.
    Frame(Frame),
    /// The server takes what is published.
    Recording {
        /// The tracks it does not take, by name.
        passed_over: Vec<String>,
    },
    /// Something that a person may want to read in a log, bounded in number.
    Note(String),
    /// The session has ended in good order. Nothing follows.
    Ended(Ended),
}

/// What a session gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playing {
    /// The tracks; the id of each is its index.
    pub tracks: Vec<Track>,
    /// What else the server offers and is not taken, by name.
    pub passed_over: Vec<String>,
    /// What the server says it is.
    pub server: Option<String>,
    /// `rtsp+tcp`, `rtsp+udp`, `rtsps+tcp` …
    pub protocol: String,
    /// The address of the server.
    pub peer: SocketAddr,
    /// The URL played, after redirects, without its password.
    pub url: String,
}

/// How a session ended in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// We asked for it.
    Stopped,
    /// The server said goodbye: RTCP BYE on every track, TEARDOWN, or it closed the connection.
    ByServer,
    /// The recording has come to its end.
    EndOfRecording,
}
