//! RFC 3640 payloads to access units.

use crate::bits::BitReader;
use crate::depacketizer::AccessUnit;
use crate::format::AuHeaderLayout;
use crate::limits::{MAX_AUDIO_FRAME_BYTES, MAX_READY_ACCESS_UNITS};
use crate::packet::PacketRef;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Instant;
use yeoul_media::bitstream::aac::AudioSpecificConfig;

/// Cuts packets into access units and puts fragments together.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    layout: AuHeaderLayout,
    /// RTP ticks of one access unit.
    ticks: u32,
    fragments: Option<Fragments>,
    /// RTP time of an access unit of which a fragment is lost: the others are passed over.
    lost: Option<u32>,
    ready: VecDeque<AccessUnit>,
    damaged_frames: u64,
}

/// An access unit of which parts are missing.
#[derive(Debug)]
struct Fragments {
    rtp_time: u32,
    /// The size of the whole; `None` without AU headers, where the marker ends it.
    size: Option<usize>,
    data: Vec<u8>,
}

/// What stands in front of the access units of a packet: their sizes, and the places they take in time.
struct AuHeader {
    size: Option<usize>,
    index: u32,
}

impl Depacketizer {
    pub(crate) fn new(config: &AudioSpecificConfig, clock_rate: u32, layout: AuHeaderLayout) -> Self {
        Self {
            layout,
            ticks: frame_ticks(config, clock_rate),
            fragments: None,
            lost: None,
            ready: VecDeque::new(),
            damaged_frames: 0,
        }
    }

    pub(crate) fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), String> {
        if let Some(fragments) = self.fragments.take_if(|_| lost_before) {
            self.lost = Some(fragments.rtp_time);
            self.damaged_frames += 1;
        }
        let taken = self.take(packet, received_at);
        if taken.is_err() {
            self.damaged_frames += 1;
            self.fragments = None;
        }
        taken
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }

    fn take(&mut self, packet: PacketRef<'_>, received_at: Instant) -> Result<(), String> {
        if packet.payload.is_empty() {
            return Ok(());
        }
        let (headers, mut data) = read_headers(&self.layout, packet.payload)?;
        if let [header] = headers.as_slice() {
            let whole = header.size.map_or(packet.header.marker, |size| size <= data.len());
            if self.fragments.is_some() || !whole {
                return self.take_fragment(header.size, data, packet, received_at);
            }
        } else if self.fragments.take().is_some() {
            self.damaged_frames += 1;
        }
        let first_index = headers.first().map_or(0, |header| header.index);
        for header in headers {
            let size = header.size.unwrap_or(data.len());
            let Some((unit, rest)) = data.split_at_checked(size) else {
                return Err(format!("an access unit has {size} bytes, but {} are left", data.len()));
            };
            let ticks = self.ticks.wrapping_mul(header.index.wrapping_sub(first_index));
            self.give(packet.header.rtp_time.wrapping_add(ticks), unit, received_at);
            data = rest;
        }
        Ok(())
    }

    /// A piece of an access unit (RFC 3640 §3.2.3.1).
    fn take_fragment(
        &mut self,
        size: Option<usize>,
        data: &[u8],
        packet: PacketRef<'_>,
        received_at: Instant,
    ) -> Result<(), String> {
        let rtp_time = packet.header.rtp_time;
        if self.lost == Some(rtp_time) {
            return Ok(());
        }
        if self.fragments.as_ref().is_some_and(|open| open.rtp_time != rtp_time || open.size != size) {
            // The end of another one is missing.
            self.fragments = None;
            self.damaged_frames += 1;
        }
        let fragments = self.fragments.get_or_insert_with(|| Fragments { rtp_time, size, data: Vec::new() });
        // What follows a whole access unit is nothing.
        let data = data.get(..size.unwrap_or(usize::MAX).min(data.len())).unwrap_or_default();
        let bytes = fragments.data.len() + data.len();
        if bytes > size.unwrap_or(MAX_AUDIO_FRAME_BYTES).min(MAX_AUDIO_FRAME_BYTES) {
            return Err(format!(
                "the fragments of an access unit of {} bytes have {bytes}",
                size.unwrap_or(MAX_AUDIO_FRAME_BYTES)
            ));
        }
        fragments.data.extend_from_slice(data);
        if size.map_or(packet.header.marker, |size| size == bytes)
            && let Some(whole) = self.fragments.take()
        {
            self.give(rtp_time, &whole.data, received_at);
        }
        Ok(())
    }

    fn give(&mut self, rtp_time: u32, unit: &[u8], received_at: Instant) {
        let unit = without_adts(unit);
        if unit.is_empty() || self.ready.len() == MAX_READY_ACCESS_UNITS {
            return;
        }
        self.ready.push_back(AccessUnit::audio(rtp_time, Bytes::copy_from_slice(unit), received_at));
    }
}

/// RTP ticks of one access unit. The clock can be that of spectral band replication rather than of the core coder.
pub(crate) fn frame_ticks(config: &AudioSpecificConfig, clock_rate: u32) -> u32 {
    let ticks =
        u64::from(config.frame_samples()) * u64::from(clock_rate) / u64::from(config.sample_rate().max(1));
    u32::try_from(ticks).unwrap_or(config.frame_samples())
}

/// The AU header section and the auxiliary section (RFC 3640 §3.2.1, §3.2.2), and the data after them.
fn read_headers<'a>(layout: &AuHeaderLayout, payload: &'a [u8]) -> Result<(Vec<AuHeader>, &'a [u8]), String> {
    if *layout == AuHeaderLayout::NONE {
        return Ok((vec![AuHeader { size: None, index: 0 }], payload));
    }
    let has_headers =
        *layout != AuHeaderLayout { constant_size: layout.constant_size, ..AuHeaderLayout::NONE };
    let (mut headers, mut data) = (Vec::new(), payload);
    if has_headers {
        let Some((&length, after)) = payload.split_first_chunk::<2>() else {
            return Err("a packet of 1 byte, expected at least the 2 of AU-headers-length".to_owned());
        };
        let length_bits = usize::from(u16::from_be_bytes(length));
        let Some((section, after)) = after.split_at_checked(length_bits.div_ceil(8)) else {
            return Err(format!(
                "AU-headers-length is {length_bits} bits, but {} bytes are left",
                after.len()
            ));
        };
        let mut bits = BitReader::new(section);
        while bits.position() < length_bits {
            if headers.len() == MAX_READY_ACCESS_UNITS {
                return Err(format!("a packet has more than {MAX_READY_ACCESS_UNITS} access units"));
            }
            let header = read_header(layout, &mut bits, headers.last());
            headers.push(header.ok_or("the last AU header ends too early")?);
        }
        data = after;
    }
    if layout.auxiliary_size_bits > 0 {
        let mut bits = BitReader::new(data);
        let cut = "the auxiliary section ends too early";
        let size = bits.read(layout.auxiliary_size_bits).ok_or(cut)?;
        bits.skip(usize::try_from(size).unwrap_or(usize::MAX)).ok_or(cut)?;
        data = data.get(bits.position().div_ceil(8)..).unwrap_or_default();
    }
    if headers.is_empty() && layout.constant_size > 0 {
        let size = usize::from(layout.constant_size);
        let count = (data.len() / size).clamp(1, MAX_READY_ACCESS_UNITS);
        headers = (0..).take(count).map(|index| AuHeader { size: Some(size), index }).collect();
    }
    Ok((headers, data))
}

/// One AU header (RFC 3640 §3.2.1.1).
fn read_header(
    layout: &AuHeaderLayout,
    bits: &mut BitReader<'_>,
    before: Option<&AuHeader>,
) -> Option<AuHeader> {
    let size = bits.read(layout.size_bits)?;
    let index = match before {
        None => bits.read(layout.index_bits)?,
        // AU-Index-delta is 0 for the next one.
        Some(before) => before.index.wrapping_add(1).wrapping_add(bits.read(layout.index_delta_bits)?),
    };
    if layout.cts_delta_bits > 0 && bits.flag()? {
        bits.skip(layout.cts_delta_bits.into())?;
    }
    if layout.dts_delta_bits > 0 && bits.flag()? {
        bits.skip(layout.dts_delta_bits.into())?;
    }
    bits.skip(layout.random_access_indication.into())?;
    bits.skip(layout.stream_state_bits.into())?;
    let size = match (layout.size_bits, layout.constant_size) {
        (0, 0) => None,
        (0, constant) => Some(constant.into()),
        (_, _) => usize::try_from(size).ok(),
    };
    Some(AuHeader { size, index })
}

/// Some senders leave the ADTS header (ISO/IEC 14496-3 §1.A.2.2) in front of the access unit.
pub(crate) fn without_adts(unit: &[u8]) -> &[u8] {
    let Some(&[sync, flags, _, b3, b4, b5, _]) = unit.first_chunk::<7>() else { return unit };
    let frame_bytes = (usize::from(b3 & 3) << 11) | (usize::from(b4) << 3) | (usize::from(b5) >> 5);
    if sync != 0xff || flags & 0xf6 != 0xf0 || frame_bytes != unit.len() {
        return unit;
    }
    let header_bytes = if flags & 1 == 1 { 7 } else { 9 };
    unit.get(header_bytes..).unwrap_or_default()
}
