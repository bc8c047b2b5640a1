//! One track that a peer sends: losses asked for again, keyframes asked for, packets made frames.

use super::missing::Missing;
use crate::limits::{
    INGRESS_KEYFRAME_FIRST, INGRESS_KEYFRAME_INTERVAL, INGRESS_KEYFRAME_RETRY, MAX_REPAIR_WAIT,
    MIN_REPAIR_WAIT, REPAIR_ROUND_TRIPS,
};
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame, Kind, TrackId};
use yeoul_rtp::clock::ClockMapping;
use yeoul_rtp::receive::{Arrival, Receiver, Taken, TrackStats};
use yeoul_rtp::rtcp::{Nack, Packet};
use yeoul_rtp::{Header, MediaFormat, PacketRef};

/// What was agreed for a track.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) format: MediaFormat,
    /// RTX (RFC 4588) of its payload type.
    pub(crate) resend_payload_type: Option<u8>,
    /// The sender takes NACK.
    pub(crate) nack: bool,
    /// How it is asked for a keyframe.
    pub(crate) keyframe: Option<KeyframeRequest>,
    /// It is asked for one when the last is old, not only when the picture is lost: a publisher's encoder sends none of itself. A
    /// server that we watch has its camera's, and would play the past again.
    pub(crate) renews: bool,
}

/// How a sender is asked for a keyframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyframeRequest {
    /// PLI (RFC 4585 §6.3.1).
    PictureLoss,
    /// FIR (RFC 5104 §4.3.1), with the number of the last one.
    FullIntra(u8),
}

/// One track that a peer sends.
#[derive(Debug)]
pub(crate) struct InTrack {
    resend_payload_type: Option<u8>,
    keyframe: Option<KeyframeRequest>,
    renews: bool,
    receiver: Receiver<()>,
    missing: Option<Missing>,
    /// Its SSRC, and when its first packet came.
    sender: Option<(u32, Instant)>,
    /// Frames that had been damaged when the last keyframe came; `None` before the first one.
    damaged_at_keyframe: Option<u64>,
    /// When the last keyframe came.
    last_keyframe: Option<Instant>,
    last_asked: Option<Instant>,
}

impl InTrack {
    pub(super) fn new(id: u16, wanted: Wanted, clock: &mut ClockMapping) -> Self {
        let Wanted { format, resend_payload_type, nack, keyframe, renews } = wanted;
        Self {
            resend_payload_type,
            keyframe,
            renews,
            receiver: Receiver::new(TrackId(id), (), format, Arrival::Unordered, clock),
            missing: nack.then(Missing::default),
            sender: None,
            damaged_at_keyframe: None,
            last_keyframe: None,
            last_asked: None,
        }
    }

    pub(super) fn codec(&self) -> Codec {
        self.receiver.format.codec.clone()
    }

    pub(super) fn ssrc(&self) -> Option<u32> {
        self.sender.map(|(ssrc, _)| ssrc)
    }

    pub(crate) fn stats(&self) -> TrackStats {
        self.receiver.stats()
    }

    pub(super) fn takes(&self, payload_type: u8) -> bool {
        payload_type == self.receiver.format.payload_type || Some(payload_type) == self.resend_payload_type
    }

    /// Takes a packet of one of its payload types; `bytes` are those of `packet`.
    pub(super) fn rtp(
        &mut self,
        now: Instant,
        bytes: &[u8],
        packet: PacketRef<'_>,
        round_trip: Option<Duration>,
        clock: &mut ClockMapping,
        frames: &mut Vec<Frame>,
    ) -> Option<String> {
        let mut repaired = None;
        if packet.header.payload_type == self.receiver.format.payload_type {
            let since = self.sender.map_or(now, |(_, since)| since);
            self.sender = Some((packet.header.ssrc, since));
            if let Some(missing) = &mut self.missing {
                missing.on_packet(now, &packet.header);
                self.receiver.set_wait(repair_wait(round_trip));
            }
        } else {
            repaired = Some(self.repaired(packet)?);
        }
        let taken = self.receiver.rtp(now, repaired.as_deref().unwrap_or(bytes), clock, frames);
        self.after(now, taken, frames)
    }

    /// The packet that a repetition carries (RFC 4588 §4); `None` for padding, which probes the line.
    fn repaired(&mut self, packet: PacketRef<'_>) -> Option<Vec<u8>> {
        let (&[high, low], payload) = packet.payload.split_first_chunk::<2>()?;
        let header = Header {
            payload_type: self.receiver.format.payload_type,
            sequence: u16::from_be_bytes([high, low]),
            ssrc: self.ssrc()?,
            ..packet.header
        };
        self.missing.as_mut()?.found(header.sequence);
        Some([&header.write()[..], payload].concat())
    }

    pub(super) fn rtcp(&mut self, now: Instant, bytes: &[u8], clock: &mut ClockMapping) {
        self.receiver.rtcp(now, bytes, clock);
    }

    pub(super) fn drain(
        &mut self,
        now: Instant,
        clock: &mut ClockMapping,
        frames: &mut Vec<Frame>,
    ) -> Option<String> {
        let taken = self.receiver.drain(now, clock, frames);
        self.after(now, taken, frames)
    }

    fn after(&mut self, now: Instant, taken: Taken, frames: &[Frame]) -> Option<String> {
        if frames.iter().any(|frame| frame.keyframe) {
            self.last_keyframe = Some(now);
            self.damaged_at_keyframe = Some(self.stats().damaged_frames);
        }
        match taken {
            Taken::Damaged(reason) => Some(format!("damaged media: {reason}")),
            Taken::Media | Taken::No => None,
        }
    }

    pub(super) fn report(&mut self, now: Instant, ssrc: u32) -> Option<Vec<u8>> {
        self.receiver.report(now, ssrc)
    }

    /// Asks for the packets that are missing.
    pub(super) fn missing(
        &mut self,
        now: Instant,
        sender_ssrc: u32,
        round_trip: Option<Duration>,
    ) -> Option<Packet> {
        let media_ssrc = self.ssrc()?;
        let lost = self.missing.as_mut()?.due(now, round_trip, repair_wait(round_trip));
        if lost.is_empty() { None } else { Some(Packet::Nack(Nack { sender_ssrc, media_ssrc, lost })) }
    }

    /// Asks for a keyframe where one is needed.
    pub(super) fn keyframe(&mut self, now: Instant, sender_ssrc: u32) -> Option<Packet> {
        let media_ssrc = self.ssrc()?;
        if now < self.keyframe_at()? {
            return None;
        }
        self.last_asked = Some(now);
        Some(match self.keyframe.as_mut()? {
            KeyframeRequest::PictureLoss => Packet::PictureLoss { sender_ssrc, media_ssrc },
            KeyframeRequest::FullIntra(number) => {
                *number = number.wrapping_add(1);
                Packet::FullIntraRequest { sender_ssrc, requests: vec![(media_ssrc, *number)] }
            }
        })
    }

    /// When a keyframe is to be asked for: soon where the picture is lost or has never been there; else when the last one
    /// is old, if it [`Wanted::renews`].
    fn keyframe_at(&self) -> Option<Instant> {
        self.keyframe.filter(|_| self.receiver.format.codec.kind() == Kind::Video)?;
        let (_, since) = self.sender?;
        let is_whole = self.damaged_at_keyframe == Some(self.stats().damaged_frames);
        if !is_whole {
            return Some(
                self.last_asked
                    .map_or(since + INGRESS_KEYFRAME_FIRST, |asked| asked + INGRESS_KEYFRAME_RETRY),
            );
        }
        let last = self.last_asked.max(self.last_keyframe).filter(|_| self.renews)?;
        Some(last + INGRESS_KEYFRAME_INTERVAL)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let missing = self.missing.as_ref().and_then(Missing::next_at);
        [self.receiver.next_timeout(), missing, self.keyframe_at()].into_iter().flatten().min()
    }
}

/// How long a packet waits for one before it that was lost: for so many attempts to get it again.
fn repair_wait(round_trip: Option<Duration>) -> Duration {
    (round_trip.unwrap_or_default() * REPAIR_ROUND_TRIPS + MIN_REPAIR_WAIT).min(MAX_REPAIR_WAIT)
}
