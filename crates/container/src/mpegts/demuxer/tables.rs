//! Sections of PAT and PMT (ISO/IEC 13818-1 §2.4.4).

use crate::limits::{MAX_TS_SECTION_BYTES, MAX_TS_STREAMS};
use crate::mpegts::crc::crc;
use crate::mpegts::psi::{MapEntry, PAT_TABLE, PMT_TABLE};

/// Bytes of a section in front of what its length counts.
const UNCOUNTED_BYTES: usize = 3;
/// Bytes of a section's head: table, length, id, version, numbers.
const HEAD_BYTES: usize = 8;
const CRC_BYTES: usize = 4;

/// Puts the sections of one PID together.
#[derive(Debug, Default)]
pub(super) struct Sections {
    buffer: Vec<u8>,
    /// A section has started.
    open: bool,
}

impl Sections {
    /// Packets are missing: the open section is worthless.
    pub(super) fn reset(&mut self) {
        self.buffer.clear();
        self.open = false;
    }

    /// The payload of the next packet. Hands over every whole section whose CRC is right.
    pub(super) fn push(&mut self, payload: &[u8], unit_start: bool, mut section: impl FnMut(&[u8])) {
        let mut payload = payload;
        if unit_start {
            let Some((&pointer, rest)) = payload.split_first() else { return };
            let Some((end, start)) = rest.split_at_checked(usize::from(pointer)) else {
                self.reset();
                return;
            };
            self.take(end, &mut section);
            self.reset();
            self.open = true;
            payload = start;
        }
        self.take(payload, &mut section);
    }

    fn take(&mut self, data: &[u8], section: &mut impl FnMut(&[u8])) {
        if !self.open {
            return;
        }
        self.buffer.extend_from_slice(data);
        let mut done = 0;
        while let Some(rest) = self.buffer.get(done..) {
            // Stuffing follows the last section.
            let Some(&[table, high, low]) = rest.first_chunk::<UNCOUNTED_BYTES>() else { break };
            let length = UNCOUNTED_BYTES + usize::from(u16::from_be_bytes([high & 0x0f, low]));
            if table == 0xff || length > MAX_TS_SECTION_BYTES {
                self.reset();
                return;
            }
            let Some(whole) = rest.get(..length) else { break };
            if length >= HEAD_BYTES + CRC_BYTES && crc(whole) == 0 {
                section(whole);
            }
            done += length;
        }
        self.buffer.drain(..done);
    }
}

/// The first program of an association: its number and the PID of its map. `None` if the section is another, or not in force
/// yet.
pub(super) fn parse_association(section: &[u8]) -> Option<(u16, u16)> {
    let (_, body) = head(section, PAT_TABLE)?;
    body.chunks_exact(4).find_map(|entry| {
        let &[n1, n0, p1, p0] = entry else { return None };
        let number = u16::from_be_bytes([n1, n0]);
        // Number 0 is the network's own table.
        (number != 0).then_some((number, u16::from_be_bytes([p1 & 0x1f, p0])))
    })
}

/// The elementary streams of the map of program `number`.
pub(super) fn parse_map(section: &[u8], number: u16) -> Option<Vec<MapEntry>> {
    let (id, body) = head(section, PMT_TABLE)?;
    if id != number {
        return None;
    }
    let &[_, _, high, low] = body.first_chunk::<4>()?;
    let mut rest = body.get(4 + usize::from(u16::from_be_bytes([high & 0x0f, low]))..)?;
    let mut entries = Vec::new();
    while let Some((&[stream_type, p1, p0, high, low], after)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([high & 0x0f, low]));
        let (descriptors, after) = after.split_at_checked(length)?;
        if entries.len() < MAX_TS_STREAMS {
            let pid = u16::from_be_bytes([p1 & 0x1f, p0]);
            entries.push(MapEntry { stream_type, pid, descriptors: descriptors.to_vec() });
        }
        rest = after;
    }
    Some(entries)
}

/// The id and the body of a section that is in force.
fn head(section: &[u8], table: u8) -> Option<(u16, &[u8])> {
    let &[id, _, _, i1, i0, version, ..] = section.first_chunk::<HEAD_BYTES>()?;
    let body = section.get(HEAD_BYTES..section.len().checked_sub(CRC_BYTES)?)?;
    (id == table && version & 1 == 1).then_some((u16::from_be_bytes([i1, i0]), body))
}

/// The descriptors of a stream: tag and content.
pub(super) fn descriptors(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[tag, length], rest) = data.split_first_chunk::<2>()?;
        let (content, rest) = rest.split_at_checked(usize::from(length))?;
        data = rest;
        Some((tag, content))
    })
}
