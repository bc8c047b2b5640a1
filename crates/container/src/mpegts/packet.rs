//! Packets of 188 bytes: header, adaptation field, payload (ISO/IEC 13818-1 §2.4.3.2 to §2.4.3.5).

use super::{CLOCK_MASK, PACKET_BYTES, SYNC_BYTE};
use bytes::{BufMut, BytesMut};

/// Bytes of a packet's header.
pub(super) const HEADER_BYTES: usize = 4;
/// Bytes of a packet behind its header.
pub(super) const BODY_BYTES: usize = PACKET_BYTES - HEADER_BYTES;

const UNIT_START: u8 = 0x40;
const HAS_ADAPTATION: u8 = 0x20;
const HAS_PAYLOAD: u8 = 0x10;
const DISCONTINUITY: u8 = 0x80;
const RANDOM_ACCESS: u8 = 0x40;
const HAS_CLOCK: u8 = 0x10;
/// What fills packets up.
const STUFFING: [u8; BODY_BYTES] = [0xff; BODY_BYTES];
/// Bytes of a clock reference.
const CLOCK_BYTES: usize = 6;

/// A program clock reference: when, in 90 kHz ticks of any width, the byte that follows enters an ideal receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) ticks: i64,
    /// It does not go on from the one before.
    pub(super) discontinuity: bool,
}

/// What the adaptation field of a unit's first packet says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Adaptation {
    pub(super) random_access: bool,
    pub(super) clock: Option<Clock>,
}

impl Adaptation {
    /// Bytes of the field behind its length: 0 if there is nothing to say.
    fn content_bytes(self) -> usize {
        match (self.clock, self.random_access) {
            (Some(_), _) => 1 + CLOCK_BYTES,
            (None, true) => 1,
            (None, false) => 0,
        }
    }

    /// Writes the field so that it takes `field_bytes` with its length, stuffing included.
    fn write(self, field_bytes: usize, out: &mut BytesMut) {
        let Some(length) = field_bytes.checked_sub(1) else { return };
        out.put_u8(u8::try_from(length).unwrap_or(u8::MAX));
        if length == 0 {
            return;
        }
        let mut flags = if self.random_access { RANDOM_ACCESS } else { 0 };
        let mut written = 1;
        if let Some(clock) = self.clock {
            flags |= HAS_CLOCK | if clock.discontinuity { DISCONTINUITY } else { 0 };
            out.put_u8(flags);
            // 33 bits of base, 6 reserved ones, 9 bits of extension, which a clock of 90 kHz leaves 0.
            let bits = ((clock.ticks & CLOCK_MASK).cast_unsigned() << 15) | (0x3f << 9);
            out.put_uint(bits, CLOCK_BYTES);
            written += CLOCK_BYTES;
        } else {
            out.put_u8(flags);
        }
        out.put_slice(STUFFING.get(..length.saturating_sub(written)).unwrap_or_default());
    }
}

/// One elementary stream, or the packets of a table: its PID and the continuity counter of its next packet with payload.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) pid: u16,
    pub(super) continuity: u8,
}

impl Channel {
    pub(super) fn new(pid: u16) -> Self {
        Self { pid, continuity: 0 }
    }

    fn header(&mut self, flags: u8, control: u8, out: &mut BytesMut) {
        let [high, low] = self.pid.to_be_bytes();
        out.put_slice(&[SYNC_BYTE, flags | (high & 0x1f), low, control | self.continuity]);
        if control & HAS_PAYLOAD != 0 {
            self.continuity = (self.continuity + 1) & 0x0f;
        }
    }

    /// A packet without payload that tells the time. It does not count: its continuity counter is that of the packet before
    /// (ISO/IEC 13818-1 §2.4.3.3).
    pub(super) fn clock(&mut self, clock: Clock, out: &mut BytesMut) {
        let [high, low] = self.pid.to_be_bytes();
        let last = self.continuity.wrapping_sub(1) & 0x0f;
        out.put_slice(&[SYNC_BYTE, high & 0x1f, low, HAS_ADAPTATION | last]);
        Adaptation { random_access: false, clock: Some(clock) }.write(BODY_BYTES, out);
    }
}

/// Writes a unit (a PES packet, a table) of `left` bytes into as many packets as it needs.
pub(super) struct Unit<'a> {
    channel: &'a mut Channel,
    out: &'a mut BytesMut,
    /// Bytes of the unit that are still to come.
    left: usize,
    /// Bytes that still fit the current packet.
    room: usize,
    flags: u8,
    adaptation: Adaptation,
}

impl<'a> Unit<'a> {
    /// A unit of exactly `bytes`.
    pub(super) fn new(
        channel: &'a mut Channel,
        adaptation: Adaptation,
        bytes: usize,
        out: &'a mut BytesMut,
    ) -> Self {
        // The adaptation field of the first packet and the stuffing of the last one.
        let packets = bytes.div_ceil(BODY_BYTES) + 1;
        out.reserve(packets * PACKET_BYTES);
        Self { channel, out, left: bytes, room: 0, flags: UNIT_START, adaptation }
    }

    /// The next bytes of the unit.
    pub(super) fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.room == 0 {
                self.start_packet();
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.room));
            self.out.put_slice(now);
            self.room -= now.len();
            self.left = self.left.saturating_sub(now.len());
            bytes = later;
        }
    }

    fn start_packet(&mut self) {
        let adaptation = std::mem::take(&mut self.adaptation);
        let content = adaptation.content_bytes();
        let wanted = if content == 0 { 0 } else { 1 + content };
        let field_bytes = wanted.max(BODY_BYTES.saturating_sub(self.left));
        let control = if field_bytes == 0 { HAS_PAYLOAD } else { HAS_PAYLOAD | HAS_ADAPTATION };
        self.channel.header(std::mem::take(&mut self.flags), control, self.out);
        adaptation.write(field_bytes, self.out);
        self.room = BODY_BYTES - field_bytes;
    }
}
