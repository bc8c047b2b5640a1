//! Fields of a tag's body, one after another; and what the extended headers of video and audio share.

use super::{Error, MANY_TRACKS, MANY_TRACKS_MANY_CODECS, MOD_EX, ONE_TRACK, TIMESTAMP_OFFSET_NANO};
use bytes::{Buf, BufMut, Bytes};

/// Reads fields; says which one is missing.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) kind: &'static str,
    pub(super) rest: Bytes,
}

impl Fields {
    fn need(&self, bytes: usize, field: &'static str) -> Result<(), Error> {
        if self.rest.len() < bytes { Err(Error::Short { kind: self.kind, field }) } else { Ok(()) }
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, Error> {
        self.need(1, field)?;
        Ok(self.rest.get_u8())
    }

    pub(super) fn u24(&mut self, field: &'static str) -> Result<u32, Error> {
        self.need(3, field)?;
        Ok((u32::from(self.rest.get_u8()) << 16) | u32::from(self.rest.get_u16()))
    }

    pub(super) fn four_cc(&mut self) -> Result<[u8; 4], Error> {
        self.need(4, "FourCC")?;
        Ok(self.rest.get_u32().to_be_bytes())
    }

    pub(super) fn take(&mut self, bytes: usize, field: &'static str) -> Result<Bytes, Error> {
        self.need(bytes, field)?;
        Ok(self.rest.split_to(bytes))
    }

    pub(super) fn unknown(&self, field: &'static str, value: u8) -> Error {
        Error::Unknown { kind: self.kind, field, value }
    }
}

/// One track's part of an extended body.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) track: u8,
    pub(super) four_cc: [u8; 4],
    pub(super) packet_type: u8,
    pub(super) nanos: u32,
    pub(super) body: Fields,
}

/// Reads the extended header behind its first byte, whose low four bits are `packet_type`, and hands over the parts. `multitrack`
/// is the packet type that announces several tracks.
pub(super) fn parts(
    mut fields: Fields,
    mut packet_type: u8,
    multitrack: u8,
    mut part: impl FnMut(Part) -> Result<(), Error>,
) -> Result<(), Error> {
    let nanos = mod_ex(&mut fields, &mut packet_type)?;
    if packet_type != multitrack {
        let four_cc = fields.four_cc()?;
        return part(Part { track: 0, four_cc, packet_type, nanos, body: fields });
    }
    let types = fields.u8("multitrack type")?;
    let (multitrack_type, packet_type) = (types >> 4, types & 0x0f);
    let shared = match multitrack_type {
        ONE_TRACK | MANY_TRACKS => Some(fields.four_cc()?),
        MANY_TRACKS_MANY_CODECS => None,
        other => return Err(fields.unknown("multitrack type", other)),
    };
    loop {
        let four_cc = match shared {
            Some(four_cc) => four_cc,
            None => fields.four_cc()?,
        };
        let track = fields.u8("track id")?;
        let rest = if multitrack_type == ONE_TRACK {
            std::mem::take(&mut fields.rest)
        } else {
            let size = fields.u24("size of a track")?;
            fields.take(usize::try_from(size).unwrap_or(usize::MAX), "a track")?
        };
        part(Part { track, four_cc, packet_type, nanos, body: Fields { kind: fields.kind, rest } })?;
        if fields.rest.is_empty() {
            return Ok(());
        }
    }
}

/// Passes over the modifiers in front of the packet type; the nanoseconds that one of them may tell.
fn mod_ex(fields: &mut Fields, packet_type: &mut u8) -> Result<u32, Error> {
    let mut nanos = 0;
    while *packet_type == MOD_EX {
        let mut size = usize::from(fields.u8("size of a modifier")?) + 1;
        if size == 256 {
            fields.need(2, "size of a modifier")?;
            size = usize::from(fields.rest.get_u16()) + 1;
        }
        let data = fields.take(size, "modifier")?;
        let types = fields.u8("type of a modifier")?;
        *packet_type = types & 0x0f;
        if let (TIMESTAMP_OFFSET_NANO, Some(&[a, b, c])) = (types >> 4, data.first_chunk::<3>()) {
            nanos = u32::from_be_bytes([0, a, b, c]);
        }
    }
    Ok(nanos)
}

/// Writes the extended header from its first byte on, whose high four bits are `first`.
pub(super) fn put_extended(
    first: u8,
    packet_type: u8,
    multitrack: u8,
    (track, four_cc, nanos): (u8, [u8; 4], u32),
    out: &mut impl BufMut,
) {
    let announced = if track == 0 { packet_type } else { multitrack };
    if nanos == 0 {
        out.put_u8((first << 4) | announced);
    } else {
        out.put_u8((first << 4) | MOD_EX);
        out.put_u8(2);
        out.put_uint(u64::from(nanos & 0x00ff_ffff), 3);
        out.put_u8((TIMESTAMP_OFFSET_NANO << 4) | announced);
    }
    if track == 0 {
        out.put_slice(&four_cc);
    } else {
        out.put_u8((ONE_TRACK << 4) | packet_type);
        out.put_slice(&four_cc);
        out.put_u8(track);
    }
}
