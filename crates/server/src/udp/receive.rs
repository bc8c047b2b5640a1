//! Datagrams to the packets of a transport stream: whose they are, and what is around them.

use super::limits::{UDP_FOREIGN_DATAGRAMS, UDP_SENDER_SILENCE};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;
use yeoul_container::mpegts::SYNC_BYTE;
use yeoul_rtp::packet::PacketRef;
use yeoul_rtp::reorder::Reorder;

/// MPEG-TS in RTP (RFC 3551 §6).
const PAYLOAD_TYPE: u8 = 33;
/// Bytes of what cannot be read that are quoted.
const QUOTED_BYTES: usize = 32;

/// Takes the datagrams of one sender.
#[derive(Debug)]
pub(super) struct Datagrams {
    /// Who alone may send.
    from: Option<IpAddr>,
    /// Who does, and when it did last.
    sender: Option<(SocketAddr, Instant)>,
    /// Packets by RTP may come out of order.
    reorder: Option<Reorder>,
    ready: VecDeque<Bytes>,
    /// Datagrams in a row that are nothing of this kind.
    foreign: u32,
}

/// What comes is something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Its first bytes.
    Foreign(Vec<u8>),
    /// RTP of another payload type.
    PayloadType(u8),
}

impl Datagrams {
    pub(super) fn new(from: Option<IpAddr>) -> Self {
        Self { from, sender: None, reorder: None, ready: VecDeque::new(), foreign: 0 }
    }

    /// Who sends.
    pub(super) fn sender(&self) -> Option<SocketAddr> {
        self.sender.map(|(sender, _)| sender)
    }

    /// Whether it comes in RTP.
    pub(super) fn is_rtp(&self) -> bool {
        self.reorder.is_some()
    }

    /// A datagram has come; whether it is the sender's, and holds packets.
    pub(super) fn push(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> Result<bool, Unreadable> {
        if !self.admits(now, from) {
            return Ok(false);
        }
        match (data.first(), PacketRef::parse(data)) {
            (Some(&SYNC_BYTE), _) => {
                self.reorder = None;
                self.ready.push_back(Bytes::copy_from_slice(data));
            }
            (_, Ok(packet))
                if packet.header.payload_type == PAYLOAD_TYPE
                    || packet.payload.first() == Some(&SYNC_BYTE) =>
            {
                self.reorder.get_or_insert_default().push(now, packet.to_owned());
            }
            (_, parsed) => {
                self.foreign += 1;
                if self.foreign < UDP_FOREIGN_DATAGRAMS {
                    return Ok(false);
                }
                return Err(match parsed {
                    Ok(packet) => Unreadable::PayloadType(packet.header.payload_type),
                    Err(_) => Unreadable::Foreign(data[..data.len().min(QUOTED_BYTES)].to_vec()),
                });
            }
        }
        self.foreign = 0;
        self.sender = Some((from, now));
        Ok(true)
    }

    /// Packets whose turn has come. Call until `None`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Bytes> {
        let by_rtp = |reorder: &mut Reorder| reorder.pop(now).map(|(packet, _)| packet.payload);
        self.ready.pop_front().or_else(|| self.reorder.as_mut().and_then(by_rtp))
    }

    /// When [`Datagrams::pop`] has something although nothing comes.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.reorder.as_ref().and_then(Reorder::next_timeout)
    }

    /// Two senders at once would be a mixture of both; one that has fallen silent makes room for another.
    fn admits(&self, now: Instant, from: SocketAddr) -> bool {
        let is_the_one = self.from.is_none_or(|one| one.to_canonical() == from.ip().to_canonical());
        let is_free = self.sender.is_none_or(|(sender, at)| {
            sender == from || now.saturating_duration_since(at) > UDP_SENDER_SILENCE
        });
        is_the_one && is_free
    }
}
