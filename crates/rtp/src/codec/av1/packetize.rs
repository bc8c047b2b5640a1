//! Temporal units to packets.

use super::{COUNT_SHIFT, GOES_ON, NEW_SEQUENCE, UNFINISHED};
use crate::packetizer::Payload;
use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::Frame;
use yeoul_media::bitstream::av1::{self, Obu};

/// Bytes of the aggregation header.
const HEAD_BYTES: usize = 1;
/// Least bytes of a fragment that share a packet with other elements: below that the next packet begins with it.
const MIN_FRAGMENT_BYTES: usize = 16;

/// An element: a unit's header without a size field, and its payload.
struct Element {
    header: [u8; 2],
    header_bytes: usize,
    payload: Bytes,
    /// Bytes of both that have been sent.
    sent: usize,
}

impl Element {
    fn new(unit: &Obu) -> Self {
        let (header, header_bytes) = unit.header_without_size();
        Self { header, header_bytes, payload: unit.payload.clone(), sent: 0 }
    }

    fn rest(&self) -> usize {
        self.header_bytes + self.payload.len() - self.sent
    }

    /// The next `bytes` of it: of the header, and of the payload.
    fn take(&mut self, bytes: usize) -> (&[u8], Bytes) {
        let (from, to) = (self.sent, self.sent + bytes);
        self.sent = to;
        let place = |at: usize| at.saturating_sub(self.header_bytes).min(self.payload.len());
        let header = self.header.get(from.min(self.header_bytes)..to.min(self.header_bytes));
        (header.unwrap_or_default(), self.payload.slice(place(from)..place(to)))
    }
}

/// The packets of a temporal unit: all but the last as long as they may be, so that UDP segmentation offload can send them as
/// one.
pub(crate) fn packetize(frame: &Frame, max_payload_bytes: usize) -> Vec<Payload> {
    let is_sent = |unit: &Obu| !matches!(unit.kind, av1::OBU_TEMPORAL_DELIMITER | av1::OBU_TILE_LIST);
    let units: Vec<Obu> = av1::obus(&frame.data).filter(is_sent).collect();
    let mut packets = Packets {
        payloads: Vec::with_capacity(1 + frame.data.len() / max_payload_bytes),
        max_payload_bytes,
        next: if frame.keyframe { NEW_SEQUENCE } else { 0 },
        shared: BytesMut::new(),
    };
    for (number, unit) in units.iter().enumerate() {
        packets.put(Element::new(unit), number + 1 == units.len());
    }
    packets.close_shared(0);
    if let Some(last) = packets.payloads.last_mut() {
        last.marker = true;
    }
    packets.payloads
}

struct Packets {
    payloads: Vec<Payload>,
    max_payload_bytes: usize,
    /// `Z` and `N` of the next packet.
    next: u8,
    /// Elements of the open packet, each behind its length.
    shared: BytesMut,
}

impl Packets {
    fn put(&mut self, mut element: Element, is_last: bool) {
        while element.rest() > 0 {
            let room = self.max_payload_bytes - HEAD_BYTES - self.shared.len();
            if self.shared.is_empty() && (is_last || element.rest() > room) {
                self.alone(&mut element, room);
                continue;
            }
            // The length in front takes at most as many bytes as that of the room.
            let fits = room.saturating_sub(leb128_bytes(room));
            if element.rest() > fits && fits < MIN_FRAGMENT_BYTES {
                self.close_shared(0);
                continue;
            }
            let bytes = element.rest().min(fits);
            av1::put_leb128(bytes, &mut self.shared);
            let (header, payload) = element.take(bytes);
            self.shared.put_slice(header);
            self.shared.put_slice(&payload);
            if element.rest() > 0 {
                self.close_shared(UNFINISHED);
            }
        }
    }

    /// A packet of one element, which has no length: its payload is not copied.
    fn alone(&mut self, element: &mut Element, room: usize) {
        let bytes = element.rest().min(room);
        let unfinished = if bytes < element.rest() { UNFINISHED } else { 0 };
        let aggregation = self.aggregation(unfinished, 1);
        let (header, payload) = element.take(bytes);
        let mut head = [aggregation, 0, 0];
        let header_bytes = header.len();
        for (place, byte) in head.iter_mut().skip(HEAD_BYTES).zip(header) {
            *place = *byte;
        }
        let head = head.get(..HEAD_BYTES + header_bytes).unwrap_or(&head);
        self.payloads.push(Payload::new(head, payload));
    }

    fn close_shared(&mut self, unfinished: u8) {
        if !self.shared.is_empty() {
            let aggregation = self.aggregation(unfinished, 0);
            self.payloads.push(Payload::new(&[aggregation], self.shared.split().freeze()));
        }
    }

    fn aggregation(&mut self, unfinished: u8, count: u8) -> u8 {
        let aggregation = self.next | unfinished | (count << COUNT_SHIFT);
        self.next = if unfinished == 0 { 0 } else { GOES_ON };
        aggregation
    }
}

fn leb128_bytes(value: usize) -> usize {
    if value < 1 << 7 {
        1
    } else if value < 1 << 14 {
        2
    } else {
        3
    }
}
