//! H.265 payloads to access units.

use super::{AP, FU, FU_END, FU_START, PACI, type_of, with_type};
use crate::codec::video::{Assembler, Coding, UnitKind};
use crate::depacketizer::AccessUnit;
use crate::packet::PacketRef;
use bytes::Bytes;
use std::time::Instant;
use yeoul_media::Codec;
use yeoul_media::bitstream::h265::{self, NAL_HEADER_BYTES, NalType, ParameterSets};
use yeoul_media::bitstream::nal;

/// Bytes of a decoding order number, and of the difference to the one before in an AP (RFC 7798 §4.4).
const DONL_BYTES: usize = 2;
const DOND_BYTES: usize = 1;

/// Puts access units together; see [`crate::codec::video`] for what it puts up with.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    assembler: Assembler<H265>,
    decoding_order_numbers: bool,
}

impl Depacketizer {
    pub(crate) fn new(sets: Option<ParameterSets>, decoding_order_numbers: bool) -> Self {
        Self { assembler: Assembler::new(sets), decoding_order_numbers }
    }

    pub(crate) fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), String> {
        let place = (packet.header.rtp_time, packet.header.marker, lost_before);
        let numbers = self.decoding_order_numbers;
        self.assembler.packet(place, received_at, |assembler| take(assembler, numbers, packet.payload))
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.assembler.pull()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.assembler.damaged_frames()
    }
}

/// One payload (RFC 7798 §4.4).
fn take(assembler: &mut Assembler<H265>, numbers: bool, payload: &[u8]) -> Result<(), String> {
    // Empty packets are useless but harmless.
    if payload.is_empty() {
        return Ok(());
    }
    // A NAL unit cannot start so: its temporal id plus 1 would be 0.
    if payload.starts_with(&[0, 0, 1]) || payload.starts_with(&[0, 0, 0, 1]) {
        return assembler.annex_b(payload);
    }
    let Some((&header, rest)) = payload.split_first_chunk::<NAL_HEADER_BYTES>() else {
        return Err("a packet of 1 byte, expected at least the 2 of a NAL unit header".to_owned());
    };
    if header[0] & 0x80 != 0 {
        return Err(format!("the forbidden bit is set in the NAL unit header 0x{:02x}", header[0]));
    }
    match type_of(header[0]) {
        AP => aggregate(assembler, numbers, rest),
        FU => fragment(assembler, numbers, header, rest),
        PACI => Err("PACI packets (RFC 7798 §4.4.4) are not supported".to_owned()),
        kind if kind > PACI => Err(format!("packet type {kind} is reserved")),
        _ => assembler.unit(&header, skip(rest, if numbers { DONL_BYTES } else { 0 })?),
    }
}

fn skip(bytes: &[u8], count: usize) -> Result<&[u8], String> {
    bytes.get(count..).ok_or_else(|| "a packet ends inside its decoding order number".to_owned())
}

/// AP (RFC 7798 §4.4.2).
fn aggregate(assembler: &mut Assembler<H265>, numbers: bool, mut rest: &[u8]) -> Result<(), String> {
    let mut number_bytes = DONL_BYTES;
    while rest.len() > DONL_BYTES {
        if numbers {
            rest = skip(rest, number_bytes)?;
            number_bytes = DOND_BYTES;
        }
        let Some((&length, after)) = rest.split_first_chunk::<2>() else {
            return Err("an AP ends inside the length of a unit".to_owned());
        };
        let length = usize::from(u16::from_be_bytes(length));
        let Some((unit, after)) = after.split_at_checked(length) else {
            return Err(format!("an AP unit has {length} bytes, but {} are left", after.len()));
        };
        assembler.unit(unit, &[])?;
        rest = after;
    }
    Ok(())
}

/// FU (RFC 7798 §4.4.3), taken as [`crate::codec::h264`] takes FU-A.
fn fragment(
    assembler: &mut Assembler<H265>,
    numbers: bool,
    header: [u8; NAL_HEADER_BYTES],
    rest: &[u8],
) -> Result<(), String> {
    let Some((&fu, mut data)) = rest.split_first() else {
        return Err("a FU packet of 2 bytes, expected at least 3".to_owned());
    };
    if fu & FU_START != 0 {
        data = skip(data, if numbers { DONL_BYTES } else { 0 })?;
        assembler.fragment_start(&with_type(header, fu & 0x3f))?;
    } else if !assembler.fragment_goes_on()? {
        return Ok(());
    }
    assembler.fragment_data(data)?;
    if fu & FU_END != 0 { assembler.fragment_end() } else { Ok(()) }
}

#[derive(Debug)]
struct H265;

impl Coding for H265 {
    type ParameterSets = ParameterSets;

    fn kind(unit: &[u8]) -> UnitKind {
        const SUFFIX_SEI: u8 = 40;
        let kind = type_of(unit.first().copied().unwrap_or(0));
        match NalType::of(unit) {
            // `first_slice_segment_in_pic_flag` (H.265 §7.3.6.1).
            Some(NalType::Slice | NalType::Irap) => {
                UnitKind::Slice { first: unit.get(NAL_HEADER_BYTES).is_some_and(|byte| byte & 0x80 != 0) }
            }
            Some(NalType::Vps | NalType::Sps | NalType::Pps) => UnitKind::ParameterSet,
            Some(NalType::Sei) if kind != SUFFIX_SEI => UnitKind::Prefix,
            Some(NalType::Aud | NalType::Filler) | None => UnitKind::Dropped,
            // Reserved types in front of slices (H.265 §7.4.2.4.4).
            Some(NalType::Other(41..=44)) => UnitKind::Prefix,
            Some(NalType::Sei | NalType::Other(_)) => UnitKind::Other,
        }
    }

    fn is_keyframe(access_unit: &[u8]) -> bool {
        h265::is_keyframe(nal::length_prefixed(access_unit))
    }

    fn changed(
        current: Option<&ParameterSets>,
        access_unit: &Bytes,
    ) -> Result<Option<ParameterSets>, String> {
        ParameterSets::changed(current, access_unit).map_err(|error| error.to_string())
    }

    fn reorder_frames(sets: &ParameterSets) -> Option<u32> {
        sets.reorder_frames()
    }

    fn codec(sets: ParameterSets) -> Codec {
        Codec::H265(Some(sets))
    }
}
