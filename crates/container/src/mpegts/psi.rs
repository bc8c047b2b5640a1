//! Program association and program map (ISO/IEC 13818-1 §2.4.4).

use super::crc::crc;
use super::packet::BODY_BYTES;
use bytes::BufMut;

/// PID of the program association table.
pub(super) const PAT_PID: u16 = 0;
pub(super) const PAT_TABLE: u8 = 0;
pub(super) const PMT_TABLE: u8 = 2;
/// `registration_descriptor`: four letters that tell whose private data this is.
pub(super) const REGISTRATION: u8 = 5;
/// The extension descriptor of DVB, and the extension that tells the channels of Opus, as ffmpeg and others write it.
pub(super) const EXTENSION: u8 = 0x7f;
pub(super) const OPUS_EXTENSION: u8 = 0x80;

/// One elementary stream of the program map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MapEntry {
    pub(super) stream_type: u8,
    pub(super) pid: u16,
    pub(super) descriptors: Vec<u8>,
}

/// The payload of the packet with the association of one program.
pub(super) fn association(program: u16, map_pid: u16) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_u16(program);
    body.put_u16(0xe000 | map_pid);
    section(PAT_TABLE, 1, 0, &body)
}

/// The payload of the packet with the program's map.
pub(super) fn map(program: u16, version: u8, clock_pid: u16, entries: &[MapEntry]) -> Vec<u8> {
    let mut body = Vec::new();
    body.put_u16(0xe000 | clock_pid);
    body.put_u16(0xf000);
    for entry in entries {
        body.put_u8(entry.stream_type);
        body.put_u16(0xe000 | entry.pid);
        body.put_u16(0xf000 | u16::try_from(entry.descriptors.len()).unwrap_or(0));
        body.put_slice(&entry.descriptors);
    }
    section(PMT_TABLE, program, version, &body)
}

/// A section behind its pointer, filled up to a packet's payload.
fn section(table: u8, id: u16, version: u8, body: &[u8]) -> Vec<u8> {
    const HEAD_BYTES: usize = 5;
    const CRC_BYTES: usize = 4;
    let mut payload = Vec::with_capacity(BODY_BYTES);
    payload.put_u8(0);
    payload.put_u8(table);
    payload.put_u16(0xb000 | u16::try_from(HEAD_BYTES + body.len() + CRC_BYTES).unwrap_or(0));
    payload.put_u16(id);
    payload.put_slice(&[0xc1 | (version << 1), 0, 0]);
    payload.put_slice(body);
    let crc = crc(payload.get(1..).unwrap_or_default());
    payload.put_u32(crc);
    payload.resize(payload.len().max(BODY_BYTES), 0xff);
    payload
}
