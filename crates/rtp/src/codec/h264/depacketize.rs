//! H.264 payloads to access units.

use super::{FU_A, FU_END, FU_START, STAP_A};
use crate::codec::video::{Assembler, Coding, UnitKind};
use crate::depacketizer::AccessUnit;
use crate::packet::PacketRef;
use bytes::Bytes;
use std::time::Instant;
use yeoul_media::Codec;
use yeoul_media::bitstream::h264::{self, NalType, ParameterSets};
use yeoul_media::bitstream::nal;

/// Puts access units together; see [`crate::codec::video`] for what it puts up with.
#[derive(Debug)]
pub(crate) struct Depacketizer(Assembler<H264>);

impl Depacketizer {
    pub(crate) fn new(sets: Option<ParameterSets>) -> Self {
        Self(Assembler::new(sets))
    }

    pub(crate) fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), String> {
        let place = (packet.header.rtp_time, packet.header.marker, lost_before);
        self.0.packet(place, received_at, |assembler| take(assembler, packet.payload))
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.0.pull()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.0.damaged_frames()
    }
}

/// One payload (RFC 6184 §5.2).
fn take(assembler: &mut Assembler<H264>, payload: &[u8]) -> Result<(), String> {
    // Empty packets are useless but harmless.
    let Some((&header, rest)) = payload.split_first() else { return Ok(()) };
    if payload.starts_with(&[0, 0, 1]) || payload.starts_with(&[0, 0, 0, 1]) {
        return assembler.annex_b(payload);
    }
    if header & 0x80 != 0 {
        return Err(format!("the forbidden bit is set in the NAL unit header 0x{header:02x}"));
    }
    match header & 0x1f {
        1..=23 => assembler.unit(payload, &[]),
        STAP_A => aggregate(assembler, rest),
        FU_A => fragment(assembler, header, rest),
        25 => Err(not_supported("STAP-B")),
        26 => Err(not_supported("MTAP16")),
        27 => Err(not_supported("MTAP24")),
        29 => Err(not_supported("FU-B")),
        other => Err(format!("packet type {other} is reserved")),
    }
}

fn not_supported(name: &str) -> String {
    format!("{name} packets (interleaved mode, packetization-mode=2) are not supported")
}

/// STAP-A (RFC 6184 §5.7.1).
fn aggregate(assembler: &mut Assembler<H264>, mut rest: &[u8]) -> Result<(), String> {
    while let Some((&length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(length));
        let Some((unit, after)) = after.split_at_checked(length) else {
            return Err(format!("a STAP-A unit has {length} bytes, but {} are left", after.len()));
        };
        assembler.unit(unit, &[])?;
        rest = after;
    }
    Ok(())
}

/// FU-A (RFC 6184 §5.8). The type of the first fragment counts: Tiandy cameras change it in the others. A single fragment
/// with start and end bit, which the RFC forbids, is a whole unit.
fn fragment(assembler: &mut Assembler<H264>, indicator: u8, rest: &[u8]) -> Result<(), String> {
    let Some((&fu, data)) = rest.split_first() else {
        return Err("a FU-A packet of 1 byte, expected at least 2".to_owned());
    };
    if fu & FU_START != 0 {
        assembler.fragment_start(&[(indicator & 0xe0) | (fu & 0x1f)])?;
    } else if !assembler.fragment_goes_on()? {
        return Ok(());
    }
    assembler.fragment_data(data)?;
    if fu & FU_END != 0 { assembler.fragment_end() } else { Ok(()) }
}

#[derive(Debug)]
struct H264;

impl Coding for H264 {
    type ParameterSets = ParameterSets;

    fn kind(unit: &[u8]) -> UnitKind {
        // `first_mb_in_slice` is ue(v): a first bit of 1 is 0 (H.264 §7.3.3). Data partitions B and C (types 3 and 4)
        // follow their partition A.
        let first = unit.get(1).is_some_and(|byte| byte & 0x80 != 0);
        match NalType::of(unit) {
            Some(NalType::Slice | NalType::Idr) => UnitKind::Slice { first },
            Some(NalType::Sps | NalType::Pps) => UnitKind::ParameterSet,
            Some(NalType::Sei) => UnitKind::Prefix,
            Some(NalType::Aud | NalType::Filler) | None => UnitKind::Dropped,
            // SPS extension, prefix NAL unit, subset SPS, and reserved: in front of slices (H.264 §7.4.1.2.3).
            Some(NalType::Other(13..=18)) => UnitKind::Prefix,
            Some(NalType::Other(_)) => UnitKind::Other,
        }
    }

    fn is_keyframe(access_unit: &[u8]) -> bool {
        h264::is_keyframe(nal::length_prefixed(access_unit))
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
        Codec::H264(Some(sets))
    }
}
