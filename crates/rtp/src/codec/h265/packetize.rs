//! H.265 access units to payloads (RFC 7798 §4.4).

use super::{AP, FU, FU_END, FU_START, type_of, with_type};
use crate::codec::h264::equal_piece_bytes;
use crate::packetizer::Payload;
use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::bitstream::h265::{NAL_HEADER_BYTES, NalType, ParameterSets};
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame};

/// Bytes of payload header and FU header.
const FU_HEAD_BYTES: usize = 3;
/// Bytes of the length in front of each unit of an AP.
const AP_LENGTH_BYTES: usize = 2;

/// Cuts access units: units that fit together go into one AP, large ones are cut into FU.
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
        if let Some(Codec::H265(Some(sets))) = frame.new_codec.as_deref() {
            self.sets = Some(sets.clone());
        }
        let mut payloads =
            Vec::with_capacity(2 + frame.data.len() / (self.max_payload_bytes - FU_HEAD_BYTES));
        let (mut together, mut together_bytes) = (Vec::new(), NAL_HEADER_BYTES);
        let missing = if frame.keyframe { self.missing_sets(&frame.data) } else { Vec::new() };
        let units = nal::length_prefixed_shared(&frame.data).filter(|unit| unit.len() >= NAL_HEADER_BYTES);
        for unit in missing.into_iter().chain(units) {
            let aggregated_bytes = AP_LENGTH_BYTES + unit.len();
            if together_bytes + aggregated_bytes > self.max_payload_bytes {
                aggregate(&mut together, &mut payloads);
                together_bytes = NAL_HEADER_BYTES;
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
        let vps = self.sets.iter().filter(|_| !has(NalType::Vps)).flat_map(ParameterSets::vps);
        let sps = self.sets.iter().filter(|_| !has(NalType::Sps)).flat_map(ParameterSets::sps);
        let pps = self.sets.iter().filter(|_| !has(NalType::Pps)).flat_map(ParameterSets::pps);
        vps.chain(sps).chain(pps).cloned().collect()
    }
}

/// One payload for `units`, which is empty afterwards: the unit itself, or an AP (RFC 7798 §4.4.2), whose header has the
/// lowest layer and temporal id of its units.
fn aggregate(units: &mut Vec<Bytes>, payloads: &mut Vec<Payload>) {
    if units.len() < 2 {
        payloads.extend(units.pop().map(|unit| Payload::new(&[], unit)));
        return;
    }
    let mut body = BytesMut::with_capacity(units.iter().map(|unit| AP_LENGTH_BYTES + unit.len()).sum());
    let mut lowest = (u8::MAX, u8::MAX);
    for unit in units.drain(..) {
        if let Some(&[first, second]) = unit.first_chunk::<NAL_HEADER_BYTES>() {
            let layer = ((first & 1) << 5) | (second >> 3);
            lowest = (lowest.0.min(layer), lowest.1.min(second & 7));
        }
        // Bounded by the payload size, which 16 bits can tell: the packetizer's limit is below 64 KiB.
        body.put_u16(u16::try_from(unit.len()).unwrap_or(u16::MAX));
        body.put_slice(&unit);
    }
    let (layer, temporal) = lowest;
    let header = [(AP << 1) | (layer >> 5), ((layer & 0x1f) << 3) | temporal];
    payloads.push(Payload::new(&header, body.freeze()));
}

/// FU of equal size, only the last may be shorter (RFC 7798 §4.4.3).
fn fragment(unit: &Bytes, max_payload_bytes: usize, payloads: &mut Vec<Payload>) {
    let Some(&header) = unit.first_chunk::<NAL_HEADER_BYTES>() else { return };
    let ([first, second], kind) = (with_type(header, FU), type_of(header[0]));
    let (mut start, mut rest) = (FU_START, unit.slice(NAL_HEADER_BYTES..));
    let piece_bytes = equal_piece_bytes(rest.len(), max_payload_bytes - FU_HEAD_BYTES);
    while !rest.is_empty() {
        let piece = rest.split_to(piece_bytes.min(rest.len()));
        let end = if rest.is_empty() { FU_END } else { 0 };
        payloads.push(Payload::new(&[first, second, start | end | kind], piece));
        start = 0;
    }
}
