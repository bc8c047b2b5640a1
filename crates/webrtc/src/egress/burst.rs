//! A buffer of sealed packets that go out with one call.

use crate::limits::{MAX_BURST_BYTES, MAX_BURST_PACKETS};
use crate::transport::Transport;

/// Sealed packets for one path: over UDP all of one length, only the last may be shorter, as segmentation offload wants
/// them; over TCP each behind its length (RFC 4571). One burst is made once and used again for every viewer.
#[derive(Debug)]
pub struct Burst {
    bytes: Vec<u8>,
    transport: Transport,
    /// Length of the first packet.
    segment: usize,
    packets: usize,
    /// A shorter packet has ended it.
    ended: bool,
}

impl Default for Burst {
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(MAX_BURST_BYTES),
            transport: Transport::Udp,
            segment: 0,
            packets: 0,
            ended: false,
        }
    }
}

impl Burst {
    /// The bytes to send: packets end to end.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of each packet but the last.
    #[must_use]
    pub const fn segment_bytes(&self) -> usize {
        self.segment
    }

    /// How many packets.
    #[must_use]
    pub const fn packets(&self) -> usize {
        self.packets
    }

    /// Nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// The packets one by one, without framing; for UDP.
    pub fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.segment.max(1))
    }

    pub(super) fn start(&mut self, transport: Transport) {
        self.bytes.clear();
        self.transport = transport;
        self.segment = 0;
        self.packets = 0;
        self.ended = false;
    }

    /// Whether a packet of that length can go with those that are there.
    pub(super) const fn fits(&self, length: usize) -> bool {
        let room = self.packets < MAX_BURST_PACKETS && self.bytes.len() + length + 2 <= MAX_BURST_BYTES;
        match self.transport {
            Transport::Udp => room && (self.packets == 0 || (!self.ended && length <= self.segment)),
            Transport::Tcp => room,
        }
    }

    /// Adds a packet: `write` appends its plain bytes, `seal` protects it in place, with room for a tag behind it.
    pub(super) fn packet<E>(
        &mut self,
        tag_bytes: usize,
        write: impl FnOnce(&mut Vec<u8>),
        seal: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let start = self.bytes.len();
        let framing = match self.transport {
            Transport::Udp => 0,
            Transport::Tcp => 2,
        };
        self.bytes.extend_from_slice([0; 2].get(..framing).unwrap_or_default());
        write(&mut self.bytes);
        self.bytes.resize(self.bytes.len() + tag_bytes, 0);
        let length = self.bytes.len() - start - framing;
        let sealed = seal(self.bytes.get_mut(start + framing..).unwrap_or_default());
        if let Err(error) = sealed {
            // A packet that could not be sealed must never leave.
            self.start(self.transport);
            return Err(error);
        }
        // A packet is shorter than 2^16: its payload has at most `MAX_PAYLOAD_BYTES`.
        let prefix = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        if let Some(place) = self.bytes.get_mut(start..start + framing) {
            place.copy_from_slice(prefix.get(..framing).unwrap_or_default());
        }
        if self.packets == 0 {
            self.segment = length;
        }
        self.ended = length < self.segment;
        self.packets += 1;
        Ok(length)
    }
}
