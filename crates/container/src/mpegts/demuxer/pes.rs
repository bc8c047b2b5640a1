//! PES packets (ISO/IEC 13818-1 §2.4.3.6).

use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_SCRATCH_BYTES};
use std::time::Instant;

/// Bytes of the start: prefix, stream id, length.
const START_BYTES: usize = 6;
/// Bytes of the header up to the optional fields.
const HEAD_BYTES: usize = 9;

/// A whole PES packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pes<'a> {
    /// PTS and DTS, if it has any: one is both.
    pub(super) times: Option<(i64, i64)>,
    pub(super) payload: &'a [u8],
    /// Its length was told, so that nothing more of it will come.
    pub(super) bounded: bool,
}

impl<'a> Pes<'a> {
    fn parse(packet: &'a [u8], bounded: bool) -> Option<Self> {
        let &[0, 0, 1, _, _, _, marks, flags, header_length] = packet.first_chunk::<HEAD_BYTES>()? else {
            return None;
        };
        // Streams without this header (padding, private stream 2) carry no media.
        if marks & 0xc0 != 0x80 {
            return None;
        }
        let payload = packet.get(HEAD_BYTES + usize::from(header_length)..)?;
        let fields = packet.get(HEAD_BYTES..HEAD_BYTES + usize::from(header_length))?;
        let pts = if flags & 0x80 != 0 { fields.first_chunk::<5>().map(time) } else { None };
        let dts = if flags & 0x40 != 0 {
            fields.get(5..).and_then(<[u8]>::first_chunk::<5>).map(time)
        } else {
            None
        };
        Some(Self { times: pts.map(|pts| (pts, dts.unwrap_or(pts))), payload, bounded })
    }
}

/// 33 bits of time among marker bits.
fn time(&[b0, b1, b2, b3, b4]: &[u8; 5]) -> i64 {
    (i64::from(b0 & 0x0e) << 29)
        | (i64::from(b1) << 22)
        | (i64::from(b2 & 0xfe) << 14)
        | (i64::from(b3) << 7)
        | i64::from(b4 >> 1)
}

/// Puts the PES packets of one PID together.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    buffer: Vec<u8>,
    open: bool,
    /// When the last bytes of the open packet came.
    received_at: Option<Instant>,
}

/// What a packet of the transport stream has brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// A PES packet is whole: take it with [`Assembler::take`].
    Whole,
    /// More has to come.
    Open,
    /// More bytes than any access unit has: it is to be dropped.
    TooLarge,
}

impl Assembler {
    /// Forgets the open packet; true if there was one.
    pub(super) fn drop_open(&mut self) -> bool {
        self.buffer.clear();
        std::mem::take(&mut self.open)
    }

    /// Whether a packet has started and was not taken: one without a length ends where the next one starts.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Gives back memory that only few packets need.
    pub(super) fn shrink(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(MAX_SCRATCH_BYTES);
    }

    /// A new PES packet starts with the next bytes.
    pub(super) fn start(&mut self) {
        self.buffer.clear();
        self.open = true;
    }

    /// The next bytes of the open packet.
    pub(super) fn push(&mut self, data: &[u8], received_at: Instant) -> Progress {
        if !self.open {
            return Progress::Open;
        }
        if self.buffer.len() + data.len() > MAX_ACCESS_UNIT_BYTES {
            return Progress::TooLarge;
        }
        self.buffer.extend_from_slice(data);
        self.received_at = Some(received_at);
        match self.length() {
            Some(length) if self.buffer.len() >= length => Progress::Whole,
            _ => Progress::Open,
        }
    }

    /// Bytes of the whole packet, if it tells.
    fn length(&self) -> Option<usize> {
        let &[_, _, _, _, high, low] = self.buffer.first_chunk::<START_BYTES>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        (length > 0).then_some(START_BYTES + length)
    }

    /// The packet that has come, and when; `None` if it cannot be read, or is shorter than it says.
    pub(super) fn take(&mut self) -> Option<(Pes<'_>, Instant)> {
        self.open = false;
        let length = self.length();
        let packet = match length {
            Some(length) => self.buffer.get(..length)?,
            None => &self.buffer,
        };
        Some((Pes::parse(packet, length.is_some())?, self.received_at?))
    }
}
