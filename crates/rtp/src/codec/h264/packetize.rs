//! H.264 access units to payloads (RFC 6184 §5.6 to §5.8).

use super::{FU_A, FU_END, FU_START, REFERENCE_BITS, STAP_A};
use crate::packetizer::Payload;
use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::bitstream::h264::{NalType, ParameterSets};
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame};

/// Bytes of FU indicator and FU header.
const FU_HEAD_BYTES: usize = 2;
/// Bytes of the length in front of each unit of a STAP-A.
const STAP_LENGTH_BYTES: usize = 2;

/// Cuts access units: units that fit together go into one STAP-A, large ones are cut into FU-A.
#[derive(Debug)]
pub(crate) struct Packetizer {
    sets: Option<ParameterSets>,
    max_payload_bytes: usize,
}

impl Packetizer {
    pub(crate) fn new(sets: Option<ParameterSets>, max_payload_bytes: usize) -> Self {
        Self { sets, max_payload_bytes }
    }

    pub(crate) fn packetize(&mut self, frame: &Frame) -> Vec<Payload> {
        if let Some(Codec::H264(Some(sets))) = frame.new_codec.as_deref() {
            self.sets = Some(sets.clone());
        }
        let mut payloads =
            Vec::with_capacity(2 + frame.data.len() / (self.max_payload_bytes - FU_HEAD_BYTES));
        let (mut together, mut together_bytes) = (Vec::new(), 1);
        let missing = if frame.keyframe { self.missing_sets(&frame.data) } else { Vec::new() };
        let units = nal::length_prefixed_shared(&frame.data).filter(|unit| !unit.is_empty());
        for unit in missing.into_iter().chain(units) {
            let aggregated_bytes = STAP_LENGTH_BYTES + unit.len();
            if together_bytes + aggregated_bytes > self.max_payload_bytes {
                aggregate(&mut together, &mut payloads);
                together_bytes = 1;
            }
            if unit.len() > self.max_payload_bytes {
                fragment(&unit, self.max_payload_bytes, &mut payloads);
            } else {
                together.push(unit);
                together_bytes += aggregated_bytes;
            }
        }
        aggregate(&mut together, &mut payloads);
        if let Some(last) = payloads.last_mut() {
            last.marker = true;
        }
        payloads
    }

    /// The parameter sets of the kinds that the access unit does not bring itself.
    fn missing_sets(&self, access_unit: &[u8]) -> Vec<Bytes> {
        let has = |kind| nal::length_prefixed(access_unit).any(|unit| NalType::of(unit) == Some(kind));
        let sps = self.sets.iter().filter(|_| !has(NalType::Sps)).flat_map(ParameterSets::sps);
        let pps = self.sets.iter().filter(|_| !has(NalType::Pps)).flat_map(ParameterSets::pps);
        sps.chain(pps).cloned().collect()
    }
}

/// One payload for `units`, which is empty afterwards: the unit itself, or a STAP-A (RFC 6184 §5.7.1).
fn aggregate(units: &mut Vec<Bytes>, payloads: &mut Vec<Payload>) {
    if units.len() < 2 {
        payloads.extend(units.pop().map(|unit| Payload::new(&[], unit)));
        return;
    }
    let mut body = BytesMut::with_capacity(units.iter().map(|unit| STAP_LENGTH_BYTES + unit.len()).sum());
    let mut reference = 0;
    for unit in units.drain(..) {
        reference = reference.max(unit.first().copied().unwrap_or(0) & REFERENCE_BITS);
        // Bounded by the payload size, which 16 bits can tell: the packetizer's limit is below 64 KiB.
        body.put_u16(u16::try_from(unit.len()).unwrap_or(u16::MAX));
        body.put_slice(&unit);
    }
    payloads.push(Payload::new(&[reference | STAP_A], body.freeze()));
}

/// FU-A of equal size, only the last may be shorter (RFC 6184 §5.8).
fn fragment(unit: &Bytes, max_payload_bytes: usize, payloads: &mut Vec<Payload>) {
    let Some(&header) = unit.first() else { return };
    let indicator = (header & REFERENCE_BITS) | FU_A;
    let (mut start, mut rest) = (FU_START, unit.slice(1..));
    let piece_bytes = equal_piece_bytes(rest.len(), max_payload_bytes - FU_HEAD_BYTES);
    while !rest.is_empty() {
        let piece = rest.split_to(piece_bytes.min(rest.len()));
        let end = if rest.is_empty() { FU_END } else { 0 };
        payloads.push(Payload::new(&[indicator, start | end | (header & 0x1f)], piece));
        start = 0;
    }
}

/// The size of the pieces when `len` bytes are cut into as few pieces of at most `max` bytes as possible.
pub(crate) fn equal_piece_bytes(len: usize, max: usize) -> usize {
    len.div_ceil(len.div_ceil(max).max(1))
}
