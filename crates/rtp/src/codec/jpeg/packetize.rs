//! Pictures to packets.

use super::headers::Headers;
use super::{
    MAIN_HEADER_BYTES, MAX_SIDE, Q_OF_CHANGING_TABLES, RESTART_HEADER_BYTES, TABLE_HEADER_BYTES,
    TABLES_BYTES, TYPE_WITH_RESTARTS,
};
use crate::packetizer::Payload;
use bytes::{BufMut, Bytes, BytesMut};

/// Most bytes of a scan: the fragment offset has 24 bits.
const MAX_SCAN_BYTES: usize = 1 << 24;
/// `F`, `L` and a count of all ones: the whole picture is needed (RFC 2435 §3.1.7).
const WHOLE_PICTURE: u16 = 0xffff;

/// The packets of a picture; none if RTP cannot tell it. The heads are up to 144 bytes long, so that each packet is written
/// out: once for all receivers.
pub(crate) fn packetize(picture: &Bytes, max_payload_bytes: usize) -> Vec<Payload> {
    let Some((headers, scan)) = Headers::read(picture).and_then(|(headers, at)| {
        let scan = picture.get(at..)?;
        Some((headers, scan.strip_suffix(&[0xff, 0xd9]).unwrap_or(scan)))
    }) else {
        return Vec::new();
    };
    let fits = |side: u16| u32::from(side) <= MAX_SIDE;
    if !fits(headers.width) || !fits(headers.height) || scan.is_empty() || scan.len() >= MAX_SCAN_BYTES {
        return Vec::new();
    }
    let mut payloads = Vec::new();
    let mut at = 0;
    while at < scan.len() {
        let mut out = BytesMut::with_capacity(max_payload_bytes);
        put_heads(&headers, at, &mut out);
        // The tables alone are larger than the smallest payload that may be asked for.
        let room = max_payload_bytes.saturating_sub(out.len()).max(1);
        let piece = scan.get(at..scan.len().min(at + room)).unwrap_or_default();
        out.put_slice(piece);
        at += piece.len();
        payloads.push(Payload::new(&[], out.freeze()));
    }
    if let Some(last) = payloads.last_mut() {
        last.marker = true;
    }
    payloads
}

fn put_heads(headers: &Headers, at: usize, out: &mut BytesMut) {
    let in_eights = |side: u16| u8::try_from(side.div_ceil(8)).unwrap_or(u8::MAX);
    let restarts = headers.restart_interval > 0;
    let start = out.len();
    // The type-specific byte, 0 for progressively scanned pictures, and 24 bits of offset.
    out.put_u32(u32::try_from(at).unwrap_or(u32::MAX));
    out.put_u8(headers.sampling.to_type() | if restarts { TYPE_WITH_RESTARTS } else { 0 });
    out.put_u8(Q_OF_CHANGING_TABLES);
    out.put_u8(in_eights(headers.width));
    out.put_u8(in_eights(headers.height));
    debug_assert_eq!(out.len() - start, MAIN_HEADER_BYTES);
    if restarts {
        out.put_u16(headers.restart_interval);
        out.put_u16(WHOLE_PICTURE);
        debug_assert_eq!(out.len() - start, MAIN_HEADER_BYTES + RESTART_HEADER_BYTES);
    }
    if at == 0 {
        // Reserved, 8 bits of precision, length.
        out.put_u16(0);
        out.put_u16(u16::try_from(TABLES_BYTES).unwrap_or(u16::MAX));
        debug_assert_eq!(TABLE_HEADER_BYTES, 4);
        out.put_slice(&headers.tables);
    }
}
