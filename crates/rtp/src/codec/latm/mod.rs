//! AAC in LATM over RTP (RFC 6416, RFC 3016): `AudioMuxElement` of ISO/IEC 14496-3 §1.7.3, with the configuration in the
//! description (`cpresent=0`) or in the stream.
//!
//! Leaves out several programs, layers and streams, frame lengths other than explicit ones, and audio object types
//! without `GASpecificConfig`: refused by name.

use crate::bits::BitReader;
use crate::codec::aac::frame_ticks;
use crate::depacketizer::AccessUnit;
use crate::limits::MAX_AUDIO_FRAME_BYTES;
use crate::packet::PacketRef;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::Codec;
use yeoul_media::bitstream::aac::AudioSpecificConfig;

/// `StreamMuxConfig`, as far as it is supported (ISO/IEC 14496-3 §1.7.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamMuxConfig {
    pub(crate) config: AudioSpecificConfig,
    /// Access units in each `AudioMuxElement`, 1 to 64.
    pub(crate) sub_frames: u8,
}

impl StreamMuxConfig {
    /// Reads the `config` of a description.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        Self::read(&mut BitReader::new(bytes))
    }

    fn read(bits: &mut BitReader<'_>) -> Result<Self, String> {
        let cut = || "the StreamMuxConfig ends too early".to_owned();
        let version_1 = bits.flag().ok_or_else(cut)?;
        if version_1 {
            if bits.flag().ok_or_else(cut)? {
                return Err("StreamMuxConfig version 1A is reserved".to_owned());
            }
            latm_value(bits).ok_or_else(cut)?; // taraBufferFullness
        }
        if !bits.flag().ok_or_else(cut)? {
            return Err("LATM streams without the same time framing are not supported".to_owned());
        }
        let sub_frames = bits.read(6).ok_or_else(cut)? + 1;
        let (programs, layers) = (bits.read(4).ok_or_else(cut)? + 1, bits.read(3).ok_or_else(cut)? + 1);
        if (programs, layers) != (1, 1) {
            return Err(format!(
                "LATM with {programs} programs of {layers} layers is not supported, only 1 of 1"
            ));
        }
        let length = if version_1 {
            latm_value(bits).and_then(|length| usize::try_from(length).ok()).ok_or_else(cut)?
        } else {
            config_bits(*bits)?
        };
        let config = read_config(bits, length)?;
        bits.skip(length).ok_or_else(cut)?;
        let length_type = bits.read(3).ok_or_else(cut)?;
        if length_type != 0 {
            return Err(format!("LATM frame length type {length_type} is not supported, only 0"));
        }
        bits.skip(8).ok_or_else(cut)?; // latmBufferFullness
        if bits.flag().ok_or_else(cut)? {
            if version_1 {
                latm_value(bits).ok_or_else(cut)?;
            } else {
                while bits.flag().ok_or_else(cut)? {
                    bits.skip(8).ok_or_else(cut)?;
                }
                bits.skip(8).ok_or_else(cut)?;
            }
        }
        if bits.flag().ok_or_else(cut)? {
            bits.skip(8).ok_or_else(cut)?; // crcCheckSum
        }
        Ok(Self { config, sub_frames: u8::try_from(sub_frames).unwrap_or(1) })
    }
}

/// `LatmGetValue` (§1.7.3.1).
fn latm_value(bits: &mut BitReader<'_>) -> Option<u32> {
    let bytes = bits.read(2)? + 1;
    bits.read(u8::try_from(8 * bytes).ok()?)
}

/// The next `length` bits as bytes, without moving `bits`.
fn read_config(bits: &BitReader<'_>, length: usize) -> Result<AudioSpecificConfig, String> {
    let (mut bits, mut bytes) = (*bits, Vec::new());
    let cut = "the AudioSpecificConfig in LATM ends too early";
    bits.read_bytes(length / 8, &mut bytes).ok_or(cut)?;
    let rest = u8::try_from(length % 8).unwrap_or(0);
    if rest > 0 {
        let last = bits.read(rest).ok_or(cut)? << (8 - rest);
        bytes.push(u8::try_from(last).unwrap_or(0));
    }
    AudioSpecificConfig::parse(Bytes::from(bytes)).map_err(|error| error.to_string())
}

/// Bits of the `AudioSpecificConfig` that starts here (§1.6.2.1): version 0 of LATM does not tell them.
fn config_bits(mut bits: BitReader<'_>) -> Result<usize, String> {
    const SBR: u32 = 5;
    const PARAMETRIC_STEREO: u32 = 29;
    let start = bits.position();
    let cut = || "the AudioSpecificConfig in LATM ends too early".to_owned();
    let object_type = |bits: &mut BitReader<'_>| match bits.read(5)? {
        31 => Some(32 + bits.read(6)?),
        object_type => Some(object_type),
    };
    let sample_rate = |bits: &mut BitReader<'_>| match bits.read(4)? {
        15 => bits.skip(24),
        _ => Some(()),
    };
    let mut kind = object_type(&mut bits).ok_or_else(cut)?;
    sample_rate(&mut bits).ok_or_else(cut)?;
    let channels = bits.read(4).ok_or_else(cut)?;
    if kind == SBR || kind == PARAMETRIC_STEREO {
        sample_rate(&mut bits).ok_or_else(cut)?;
        kind = object_type(&mut bits).ok_or_else(cut)?;
    }
    if !matches!(kind, 1..=4 | 6 | 7 | 17 | 19..=23) || channels == 0 {
        return Err(format!("LATM with audio object type {kind} and {channels} channels is not supported"));
    }
    // GASpecificConfig (§4.4.1).
    bits.skip(1).ok_or_else(cut)?; // frameLengthFlag
    if bits.flag().ok_or_else(cut)? {
        bits.skip(14).ok_or_else(cut)?; // coreCoderDelay
    }
    let extension = bits.flag().ok_or_else(cut)?;
    if kind == 6 || kind == 20 {
        bits.skip(3).ok_or_else(cut)?; // layerNr
    }
    if extension {
        let more = match kind {
            22 => 16,
            17 | 19 | 20 | 23 => 3,
            _ => 0,
        };
        bits.skip(more + 1).ok_or_else(cut)?;
    }
    Ok(bits.position() - start)
}

/// Puts `AudioMuxElement`s together and cuts them into access units.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    clock_rate: u32,
    in_band_config: bool,
    /// What is in force; `sub_frames` and `config` as the description told, until the stream tells otherwise.
    mux: StreamMuxConfig,
    new_codec: Option<Arc<Codec>>,
    /// The element so far; none while the rest of a damaged one is passed over.
    element: Option<Vec<u8>>,
    element_time: Option<u32>,
    /// The start of the element may be lost: it is taken only if its lengths say that it is whole.
    doubtful: bool,
    ready: VecDeque<AccessUnit>,
    damaged_frames: u64,
}

impl Depacketizer {
    pub(crate) fn new(mux: StreamMuxConfig, clock_rate: u32, in_band_config: bool) -> Self {
        Self {
            clock_rate,
            in_band_config,
            mux,
            new_codec: None,
            element: Some(Vec::new()),
            element_time: None,
            doubtful: false,
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
        let rtp_time = packet.header.rtp_time;
        let new_time = self.element_time.is_some_and(|time| time != rtp_time);
        if new_time || (lost_before && self.element_time.is_some()) {
            // The marker ends an element (RFC 6416 §6.1): its last packet is missing.
            self.damaged_frames += 1;
            self.element = if new_time { Some(Vec::new()) } else { None };
        }
        self.doubtful |= lost_before;
        self.element_time = Some(rtp_time);
        let mut result = Ok(());
        if let Some(element) = &mut self.element {
            if element.len() + packet.payload.len() > MAX_AUDIO_FRAME_BYTES {
                result = Err(format!("the LATM element exceeds {MAX_AUDIO_FRAME_BYTES} bytes"));
                self.element = None;
                self.damaged_frames += 1;
            } else {
                element.extend_from_slice(packet.payload);
            }
        }
        if packet.header.marker {
            self.element_time = None;
            if let Some(element) = self.element.replace(Vec::new()).filter(|element| !element.is_empty()) {
                result = self.take_element(&element, rtp_time, received_at);
                self.damaged_frames += u64::from(result.is_err());
            }
            self.doubtful = false;
        }
        result
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }

    /// `AudioMuxElement` (§1.7.3.1).
    fn take_element(&mut self, element: &[u8], rtp_time: u32, received_at: Instant) -> Result<(), String> {
        let cut = || "the LATM element ends too early".to_owned();
        let mut bits = BitReader::new(element);
        if self.in_band_config && !bits.flag().ok_or_else(cut)? {
            let mux = StreamMuxConfig::read(&mut bits)?;
            if mux.config != self.mux.config {
                self.new_codec = Some(Arc::new(Codec::Aac(mux.config.clone())));
            }
            self.mux = mux;
        }
        let units = self.read_units(&mut bits)?;
        if self.doubtful && bits.remaining() >= 8 {
            return Err("the start of a LATM element is lost".to_owned());
        }
        let ticks = frame_ticks(&self.mux.config, self.clock_rate);
        for (index, data) in (0..).zip(units) {
            let rtp_time = rtp_time.wrapping_add(ticks.wrapping_mul(index));
            let mut unit = AccessUnit::audio(rtp_time, data, received_at);
            unit.new_codec = self.new_codec.take();
            self.ready.push_back(unit);
        }
        Ok(())
    }

    /// The access units of an element, at most 64; empty ones are left out.
    fn read_units(&self, bits: &mut BitReader<'_>) -> Result<Vec<Bytes>, String> {
        let cut = || "the LATM element ends too early".to_owned();
        let mut units = Vec::new();
        for _ in 0..self.mux.sub_frames {
            // PayloadLengthInfo: a run of 255 and a last byte.
            let mut size = 0;
            loop {
                let byte = bits.read(8).ok_or_else(cut)?;
                size += usize::try_from(byte).unwrap_or(0);
                if byte != 255 {
                    break;
                }
            }
            let mut data = Vec::new();
            bits.read_bytes(size, &mut data).ok_or_else(cut)?;
            if !data.is_empty() {
                units.push(Bytes::from(data));
            }
        }
        Ok(units)
    }
}

#[cfg(test)]
mod tests;
