//! Formats without a payload header, where a packet is a frame: Opus (RFC 7587), G.711, G.722 and L16 (RFC 3551 §4.5).
//!
//! Opus packets are never cut: RFC 7587 §4.2 has no fragments. Sound of a fixed rate is cut into packets of at most
//! [`AUDIO_PACKET_TIME`], each with its own time.

use crate::depacketizer::AccessUnit;
use crate::limits::AUDIO_PACKET_TIME;
use crate::packet::PacketRef;
use crate::packetizer::Payload;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Instant;

/// Sound of a fixed rate: a tick of the RTP time for so many octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// One sample of every channel, or what stands for it: nothing is cut inside.
    octets: usize,
    /// RTP ticks a second.
    clock_rate: u32,
}

impl Rate {
    pub(crate) fn new(octets: usize, clock_rate: u32) -> Self {
        Self { octets: octets.max(1), clock_rate }
    }

    fn octets_of_a_packet(self, max_payload_bytes: usize) -> usize {
        let ticks = u128::from(self.clock_rate) * AUDIO_PACKET_TIME.as_micros() / 1_000_000;
        let ticks = usize::try_from(ticks).unwrap_or(usize::MAX);
        ticks.min(max_payload_bytes / self.octets).max(1) * self.octets
    }
}

/// Cuts sound of a fixed rate. Nothing sets the marker: no pause is suppressed (RFC 3551 §4.1).
pub(crate) fn packetize(frame: &Bytes, rate: Rate, max_payload_bytes: usize) -> Vec<Payload> {
    let piece_bytes = rate.octets_of_a_packet(max_payload_bytes);
    let mut ticks_offset = 0u32;
    (0..frame.len())
        .step_by(piece_bytes)
        .map(|start| {
            let piece = frame.slice(start..frame.len().min(start + piece_bytes));
            let ticks = u32::try_from(piece.len() / rate.octets).unwrap_or(0);
            let mut payload = Payload::new(&[], piece);
            payload.ticks_offset = ticks_offset;
            ticks_offset = ticks_offset.wrapping_add(ticks);
            payload
        })
        .collect()
}

/// Makes a frame of every packet.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    /// A frame has a multiple of these octets.
    octets: usize,
    ready: VecDeque<AccessUnit>,
    damaged_frames: u64,
}

impl Depacketizer {
    pub(crate) fn new(octets: usize) -> Self {
        Self { octets: octets.max(1), ready: VecDeque::new(), damaged_frames: 0 }
    }

    pub(crate) fn push(&mut self, packet: PacketRef<'_>, received_at: Instant) -> Result<(), String> {
        let (payload, whole) = (packet.payload, packet.payload.len() / self.octets * self.octets);
        if whole != payload.len() {
            self.damaged_frames += 1;
            return Err(format!(
                "a packet has {} bytes, expected a multiple of {}",
                payload.len(),
                self.octets
            ));
        }
        if !payload.is_empty() {
            let data = Bytes::copy_from_slice(payload);
            self.ready.push_back(AccessUnit::audio(packet.header.rtp_time, data, received_at));
        }
        Ok(())
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }
}

#[cfg(test)]
mod tests;
