//! Media towards us: the packets of a peer that publishes, from SRTP's plain text to frames, and the feedback that it needs
//! (RFC 4585, RFC 5104, draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! Of each kind there is one track with one payload type, which the answer has chosen: by that a packet finds its track, whatever
//! its SSRC. Left out: simulcast, forward error correction, REMB (peers without transport-wide feedback keep the bitrate that they
//! begin with).

mod arrived;
mod extension;
mod missing;
mod track;

pub(crate) use track::{InTrack, KeyframeRequest, Wanted};

use crate::limits::RECEPTION_REPORT_INTERVAL;
use arrived::Arrived;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use yeoul_media::{Codec, Frame};
use yeoul_rtp::PacketRef;
use yeoul_rtp::clock::ClockMapping;
use yeoul_rtp::rtcp::{Packet, ReceiverReport};

/// The tracks that a peer sends.
#[derive(Debug)]
pub(crate) struct Ingress {
    tracks: Vec<InTrack>,
    clock: ClockMapping,
    /// Our SSRC in what we tell the sender.
    ssrc: u32,
    /// Where the answer asked for it.
    arrived: Option<Arrived>,
    next_report: Instant,
    frames: VecDeque<Frame>,
    notes: VecDeque<String>,
}

impl Ingress {
    /// For tracks in this order: the index is the id of their frames. `transport_wide` is the number of the header extension that
    /// counts the packets of all of them.
    pub(crate) fn new(now: Instant, ssrc: u32, wanted: Vec<Wanted>, transport_wide: Option<u8>) -> Self {
        let mut clock = ClockMapping::default();
        let tracks = (0..).zip(wanted).map(|(id, wanted)| InTrack::new(id, wanted, &mut clock)).collect();
        Self {
            tracks,
            clock,
            ssrc,
            arrived: transport_wide.map(|number| Arrived::new(now, number)),
            next_report: now + RECEPTION_REPORT_INTERVAL,
            frames: VecDeque::new(),
            notes: VecDeque::new(),
        }
    }

    /// The codecs of the tracks, as far as they were described.
    pub(crate) fn codecs(&self) -> Vec<Codec> {
        self.tracks.iter().map(InTrack::codec).collect()
    }

    /// The tracks, for their numbers.
    pub(crate) fn tracks(&self) -> &[InTrack] {
        &self.tracks
    }

    /// The next frame that is complete.
    pub(crate) fn poll_frame(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// The next sentence for the log.
    pub(crate) fn poll_note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }

    /// Takes an RTP packet.
    pub(crate) fn rtp(&mut self, now: Instant, bytes: &[u8], round_trip: Option<Duration>) {
        let Ok(packet) = PacketRef::parse(bytes) else { return };
        if let Some(arrived) = &mut self.arrived {
            arrived.on_packet(now, bytes);
        }
        let payload_type = packet.header.payload_type;
        let Some(track) = self.tracks.iter_mut().find(|track| track.takes(payload_type)) else { return };
        let mut frames = Vec::new();
        let note = track.rtp(now, bytes, packet, round_trip, &mut self.clock, &mut frames);
        self.frames.extend(frames);
        self.notes.extend(note);
    }

    /// Takes an RTCP packet, compound or not.
    pub(crate) fn rtcp(&mut self, now: Instant, bytes: &[u8]) {
        for track in &mut self.tracks {
            track.rtcp(now, bytes, &mut self.clock);
        }
    }

    /// Gives up on what has been waited for long enough.
    pub(crate) fn drain(&mut self, now: Instant) {
        for track in &mut self.tracks {
            let mut frames = Vec::new();
            let note = track.drain(now, &mut self.clock, &mut frames);
            self.frames.extend(frames);
            self.notes.extend(note);
        }
    }

    /// What the sender is to be told now: an RTCP compound packet each.
    pub(crate) fn feedback(&mut self, now: Instant, round_trip: Option<Duration>) -> Vec<Vec<u8>> {
        let mut compounds = Vec::new();
        if now >= self.next_report {
            self.next_report = now + RECEPTION_REPORT_INTERVAL;
            compounds.extend(self.tracks.iter_mut().filter_map(|track| track.report(now, self.ssrc)));
        }
        let mut packets: Vec<Packet> = Vec::new();
        for track in &mut self.tracks {
            packets.extend(track.missing(now, self.ssrc, round_trip));
            packets.extend(track.keyframe(now, self.ssrc));
        }
        if !packets.is_empty() {
            compounds.push(self.compound(&packets));
        }
        let media_ssrc = self.tracks.iter().find_map(InTrack::ssrc).unwrap_or(0);
        let arrived = self.arrived.as_mut().and_then(|arrived| arrived.report(now, self.ssrc, media_ssrc));
        compounds.extend(arrived.map(|arrivals| self.compound(&[Packet::Arrivals(arrivals)])));
        compounds
    }

    fn compound(&self, packets: &[Packet]) -> Vec<u8> {
        let mut compound = Vec::new();
        // It begins with a report (RFC 3550 §6.1).
        let report = ReceiverReport { ssrc: self.ssrc, blocks: Vec::new() };
        Packet::ReceiverReport(report).write(&mut compound);
        packets.iter().for_each(|packet| packet.write(&mut compound));
        compound
    }

    /// When something is due although nothing comes in.
    pub(crate) fn next_timeout(&self) -> Instant {
        let tracks = self.tracks.iter().filter_map(InTrack::next_timeout);
        tracks.chain(self.arrived.as_ref().and_then(Arrived::next_at)).fold(self.next_report, Instant::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yeoul_rtp::{Header, MediaFormat, Packetizer, rtcp};
    use yeoul_testkit::epoch;

    fn wanted(codec: Codec, payload_type: u8, keyframe: Option<KeyframeRequest>) -> Wanted {
        Wanted {
            format: MediaFormat::new(codec, payload_type),
            resend_payload_type: Some(payload_type + 1),
            nack: true,
            keyframe,
            renews: true,
        }
    }

    /// The requests in what the sender is told.
    fn asked(ingress: &mut Ingress, now: Instant) -> Vec<Packet> {
        let compounds = ingress.feedback(now, None);
        let packets = compounds.iter().flat_map(|bytes| rtcp::packets(bytes)).map_while(Result::ok);
        packets.filter(|packet| matches!(packet, Packet::Nack(_) | Packet::PictureLoss { .. })).collect()
    }

    #[test]
    fn a_packet_that_comes_again_as_it_was_completes_its_frame() {
        let mut ingress = Ingress::new(epoch(), 1, vec![wanted(Codec::Vp8(None), 96, None)], None);
        let frame = |index: u8, keyframe: bool| Frame {
            track: yeoul_media::TrackId(0),
            keyframe,
            pts: yeoul_media::Timestamp::from_nanos(i64::from(index) * 40_000_000),
            dts: yeoul_media::Timestamp::from_nanos(i64::from(index) * 40_000_000),
            new_codec: None,
            captured_at: None,
            received_at: epoch(),
            // A frame header of RFC 6386 §9.1: 320x240, and whatever follows.
            data: [&[u8::from(!keyframe), 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0][..], &[index; 3000]]
                .concat()
                .into(),
        };
        let mut packetizer = Packetizer::new(&Codec::Vp8(None), 1_000);
        let mut sequence = 65_534_u16;
        let mut packets = Vec::new();
        for frame in [frame(0, true), frame(1, false)] {
            let packetized = packetizer.packetize(&frame);
            for payload in &packetized.payloads {
                let rtp_time = packetized.rtp_time(payload, 0);
                let header = Header { payload_type: 96, marker: payload.marker, sequence, rtp_time, ssrc: 7 };
                let mut bytes = header.write().to_vec();
                payload.write_to(&mut bytes);
                packets.push(bytes);
                sequence = sequence.wrapping_add(1);
            }
        }
        let lost = packets.remove(2);
        packets.iter().for_each(|packet| ingress.rtp(epoch(), packet, None));
        assert!(ingress.poll_frame().is_none());
        let later = epoch() + Duration::from_millis(15);
        let nack = rtcp::Nack { sender_ssrc: 1, media_ssrc: 7, lost: vec![0] };
        assert_eq!(asked(&mut ingress, later), [Packet::Nack(nack)]);
        ingress.rtp(later, &lost, None);
        assert_eq!(std::iter::from_fn(|| ingress.poll_frame()).count(), 2);
    }

    proptest! {
        #[test]
        fn whatever_a_publisher_sends_is_borne(
            packets in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), 0..60_u64), 0..60)
        ) {
            let tracks = vec![
                wanted(Codec::H264(None), 96, Some(KeyframeRequest::FullIntra(0))),
                wanted(Codec::Opus { channels: 2 }, 111, None),
            ];
            let mut ingress = Ingress::new(epoch(), 1, tracks, Some(3));
            let mut now = epoch();
            for (bytes, wait) in packets {
                // Mostly packets of a track with a header extension, so that something is reached.
                let payload_type = 96 + (bytes.first().copied().unwrap_or(0) & 1);
                let head = [0x90, payload_type, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1];
                let packet = [&head[..], &bytes].concat();
                ingress.rtp(now, if bytes.len().is_multiple_of(3) { &bytes } else { &packet }, None);
                ingress.rtcp(now, &bytes);
                now += Duration::from_millis(wait);
                ingress.drain(now);
                prop_assert!(ingress.feedback(now, None).iter().all(|compound| compound.len() < 1_200));
                while ingress.poll_frame().is_some() || ingress.poll_note().is_some() {}
            }
        }
    }
}
