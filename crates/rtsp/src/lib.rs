//! RTSP 1.0 (RFC 2326) as cameras and players speak it, client and server, without sockets, tasks or a clock.
//!
//! * [`Framer`] cuts the bytes of a control connection into [`message::Message`]s.
//! * [`Transport`] is the header that says how a track's packets travel.
//! * [`auth`] answers the challenges of servers.
//! * [`ClientSession`](client::ClientSession) plays what a camera sends, or publishes to a server.
//! * [`ServerSession`](server::ServerSession) answers players and publishers.
//! * [`Fanout`] makes packets of frames, once for all sessions that send the same tracks.

pub mod auth;
pub mod client;
pub mod limits;
pub mod message;
mod secrets;
mod send;
pub mod server;
mod transport;
pub mod url;

pub use message::{Framer, Message};
pub use send::{Block, Clock, ClockChanged, Datagrams, Fanout, Start, TrackStart, media_formats};
pub use transport::{Delivery, Lower, Mode, Profile, Transport, TransportError};
