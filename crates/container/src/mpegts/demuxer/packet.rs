//! What a packet says (ISO/IEC 13818-1 §2.4.3.2 to §2.4.3.5), as far as a demuxer cares.

use crate::mpegts::PACKET_BYTES;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// The payload starts with a PES packet, or with the pointer to a section.
    pub(super) unit_start: bool,
    /// Counts the packets of the PID that have a payload.
    pub(super) continuity: u8,
    /// The counter need not go on from the packet before.
    pub(super) discontinuity: bool,
    /// The receiver of the signal could not correct it, or the payload is scrambled.
    pub(super) unusable: bool,
    /// `None` where the packet has only an adaptation field.
    pub(super) payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// Reads a packet; what stands where the sync byte belongs has been looked at.
    pub(super) fn parse(packet: &'a [u8; PACKET_BYTES]) -> Self {
        let &[_, b1, b2, b3, ref body @ ..] = packet;
        let (has_adaptation, has_payload) = (b3 & 0x20 != 0, b3 & 0x10 != 0);
        let (mut discontinuity, mut payload) = (false, &body[..]);
        if has_adaptation {
            let length = usize::from(body[0]);
            discontinuity = length > 0 && body[1] & 0x80 != 0;
            payload = body.get(1 + length..).unwrap_or_default();
        }
        Self {
            pid: u16::from_be_bytes([b1 & 0x1f, b2]),
            unit_start: b1 & 0x40 != 0,
            continuity: b3 & 0x0f,
            discontinuity,
            unusable: b1 & 0x80 != 0 || b3 & 0xc0 != 0,
            payload: has_payload.then_some(payload),
        }
    }
}

/// Watches a continuity counter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Continuity {
    last: Option<u8>,
    /// The last packet has come twice, which may happen once.
    doubled: bool,
    /// Packets that are missing, those of whole rounds of the counter not counted.
    lost: u64,
}

/// What the counter of a packet with payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is the next one, or the first.
    Next,
    /// It is the last one again: pass it over.
    Again,
    /// Others are missing before it.
    Lost,
}

impl Continuity {
    /// A packet with payload has come.
    pub(super) fn step(&mut self, packet: &Packet<'_>) -> Step {
        let last = self.last.replace(packet.continuity);
        let doubled = std::mem::take(&mut self.doubled);
        match last {
            None => Step::Next,
            Some(_) if packet.discontinuity => Step::Next,
            Some(last) if packet.continuity == (last + 1) & 0x0f => Step::Next,
            Some(last) if packet.continuity == last && !doubled => {
                self.doubled = true;
                Step::Again
            }
            Some(last) => {
                self.lost += u64::from(packet.continuity.wrapping_sub(last).wrapping_sub(1) & 0x0f);
                Step::Lost
            }
        }
    }

    /// Packets that are missing so far, at least.
    pub(super) fn lost(self) -> u64 {
        self.lost
    }
}
