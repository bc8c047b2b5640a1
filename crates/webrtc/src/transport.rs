//! How packets travel between us and a peer.

use std::net::SocketAddr;

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A packet is a datagram.
    Udp,
    /// Packets behind a length of two bytes (RFC 4571) on a connection that the peer made (RFC 6544, passive).
    Tcp,
}

/// The way to a peer that ICE has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// What carries the packets.
    pub transport: Transport,
    /// Our address on that way.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
}

/// A packet to send as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// From where to where.
    pub path: Path,
    /// The packet, without RFC 4571 framing.
    pub bytes: Vec<u8>,
}
