//! MPEG audio over RTP (RFC 2250 §3.5): layers I to III behind a head of four bytes.
//!
//! A packet has whole frames, or a fragment of one and where that lies in it. The packetizer sends a frame a packet. The
//! description tells neither sample rate nor channels: the first frame does.

#[cfg(test)]
mod tests;

use crate::codec::h264::equal_piece_bytes;
use crate::depacketizer::AccessUnit;
use crate::limits::MAX_READY_ACCESS_UNITS;
use crate::packet::PacketRef;
use crate::packetizer::Payload;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::bitstream::mp3::Header;
use yeoul_media::{Codec, PcmLayout};

/// 16 bits that must be zero, and the offset of a fragment.
const HEAD_BYTES: usize = 4;
/// Ticks a second of the RTP time (RFC 3551 §4.5.13).
const CLOCK_RATE: u32 = 90_000;

/// One frame: a packet, or fragments of equal size, only the last may be shorter. A frame whose offsets 16 bits cannot tell,
/// thirty times the largest that there is, gives nothing.
pub(crate) fn packetize(frame: &Bytes, max_payload_bytes: usize) -> Vec<Payload> {
    if frame.len() > usize::from(u16::MAX) {
        return Vec::new();
    }
    let piece_bytes = equal_piece_bytes(frame.len(), max_payload_bytes - HEAD_BYTES).max(1);
    (0..frame.len())
        .step_by(piece_bytes)
        .map(|at| {
            let [high, low] = u16::try_from(at).unwrap_or(u16::MAX).to_be_bytes();
            Payload::new(&[0, 0, high, low], frame.slice(at..frame.len().min(at + piece_bytes)))
        })
        .collect()
}

/// Cuts packets into frames and puts fragments together.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    layout: PcmLayout,
    /// A frame of which the end is missing still, and when it starts.
    fragments: Option<(u32, Vec<u8>)>,
    ready: VecDeque<AccessUnit>,
    damaged_frames: u64,
}

impl Depacketizer {
    /// A depacketizer of sound that was described with `layout`.
    pub(crate) fn new(layout: PcmLayout) -> Self {
        Self { layout, fragments: None, ready: VecDeque::new(), damaged_frames: 0 }
    }

    pub(crate) fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), String> {
        if lost_before {
            self.drop_fragments();
        }
        let taken = self.take(packet, received_at);
        if taken.is_err() {
            self.fragments = None;
            self.damaged_frames += 1;
        }
        taken
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }

    fn drop_fragments(&mut self) {
        self.damaged_frames += u64::from(self.fragments.take().is_some());
    }

    fn take(&mut self, packet: PacketRef<'_>, received_at: Instant) -> Result<(), String> {
        let Some((&[_, _, high, low], data)) = packet.payload.split_first_chunk::<HEAD_BYTES>() else {
            return Err(format!("a packet has {} bytes, expected more than 4", packet.payload.len()));
        };
        let offset = usize::from(u16::from_be_bytes([high, low]));
        let rtp_time = packet.header.rtp_time;
        if offset == 0 {
            self.drop_fragments();
            return self.frames(rtp_time, data, received_at);
        }
        // The first fragment was lost: that is counted already, or the stream was joined in the middle.
        let Some((started, mut frame)) = self.fragments.take() else { return Ok(()) };
        if offset != frame.len() {
            return Err(format!("a fragment starts at byte {offset} of its frame, expected {}", frame.len()));
        }
        frame.extend_from_slice(data);
        self.frames(started, &frame, received_at)
    }

    /// Whole frames, one after another; what there is of a last one is kept.
    fn frames(&mut self, rtp_time: u32, mut data: &[u8], received_at: Instant) -> Result<(), String> {
        let mut ticks = 0u32;
        for _ in 0..MAX_READY_ACCESS_UNITS {
            if data.is_empty() {
                return Ok(());
            }
            let header = Header::parse(data).ok_or("a frame does not start with a header")?;
            let starts_at = rtp_time.wrapping_add(ticks);
            let Some((frame, rest)) = data.split_at_checked(header.frame_bytes) else {
                self.fragments = Some((starts_at, data.to_vec()));
                return Ok(());
            };
            self.give(&header, starts_at, frame, received_at);
            let samples = u64::from(header.samples) * u64::from(CLOCK_RATE);
            let frame_ticks = samples / u64::from(header.sample_rate.max(1));
            ticks = ticks.wrapping_add(u32::try_from(frame_ticks).unwrap_or(0));
            data = rest;
        }
        Err(format!("a packet has more than {MAX_READY_ACCESS_UNITS} frames"))
    }

    fn give(&mut self, header: &Header, rtp_time: u32, frame: &[u8], received_at: Instant) {
        let layout = PcmLayout { sample_rate: header.sample_rate, channels: header.channels };
        let is_new = std::mem::replace(&mut self.layout, layout) != layout;
        let unit = AccessUnit::audio(rtp_time, Bytes::copy_from_slice(frame), received_at);
        self.ready.push_back(AccessUnit { new_codec: is_new.then(|| Arc::new(Codec::Mp3(layout))), ..unit });
    }
}
