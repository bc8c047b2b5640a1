//! RTSP 1.0 (RFC 2326) as cameras and players speak it, client and server, without sockets, tasks or a clock.
//!
//! * [`Framer`] cuts the bytes of a control connection into [`message::Message`]s.
//! * [`Transport`] is the header that says how a track's packets travel.
//! * [`auth`] answers the challenges of servers.
//! * [`ClientSession`](client::ClientSession) plays what a camera sends.
//! * [`ServerSession`](server::ServerSession) answers players and publishers.

pub mod auth;
pub mod client;
pub mod limits;
pub mod message;
pub mod server;
mod transport;
pub mod url;

pub use message::{Framer, Message};
pub use transport::{Delivery, Lower, Mode, Profile, Transport, TransportError};
