//! RTMP (Adobe's RTMP 1.0) as encoders, servers and players speak it, client and server, without sockets, tasks or a clock.
//!
//! * [`handshake`] is how a connection begins, [`chunk`] how messages are cut into chunks, [`amf`] what commands are written in.
//! * [`ClientSession`](client::ClientSession) plays from a server, or publishes to one.
//! * [`ServerSession`](server::ServerSession) answers players and publishers.
//! * [`Fanout`] makes the bytes of a frame's message, once for all who get it.
//!
//! What audio and video messages carry is FLV's, Enhanced RTMP included: `yeoul_container::flv` reads and writes it. Left out: RTMPE,
//! RTMPT, shared objects, the digest of Flash's handshake (no peer of today needs it), values of AMF3.

pub mod amf;
pub mod chunk;
pub mod client;
mod enhanced;
mod error;
mod fanout;
pub mod handshake;
pub mod limits;
mod link;
mod message;
mod receive;
pub mod server;
#[cfg(test)]
mod testing;
pub mod url;

pub use error::Error;
pub use fanout::{Block, Fanout, Purpose};
pub use message::Message;
