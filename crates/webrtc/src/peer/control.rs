//! RTCP between us and a peer (RFC 3550 §6, RFC 4585): its reports and requests in, our reports and requests out.

use super::{Event, Peer};
use crate::limits::{MIN_KEYFRAME_INTERVAL, SENDER_REPORT_INTERVAL};
use crate::transport::Transmit;
use std::time::Instant;
use yeoul_media::Kind;
use yeoul_rtp::rtcp::{self, Packet, SourceDescription};

impl Peer {
    /// Takes an SRTCP packet; true if it is authentic.
    pub(super) fn rtcp(&mut self, now: Instant, bytes: &mut [u8]) -> bool {
        let Some(opener) = &mut self.opener else { return false };
        let Ok(compound) = opener.open_rtcp(bytes) else { return false };
        if let Some(ingress) = &mut self.ingress {
            ingress.rtcp(now, compound);
        }
        // What cannot be read ends the compound packet, not the session.
        let packets: Vec<Packet> = rtcp::packets(compound).map_while(Result::ok).collect();
        for packet in packets {
            self.rtcp_packet(now, packet);
        }
        true
    }

    fn rtcp_packet(&mut self, now: Instant, packet: Packet) {
        match packet {
            Packet::ReceiverReport(report) => self.reception(now, &report.blocks),
            Packet::SenderReport(report) => self.reception(now, &report.blocks),
            Packet::Nack(nack) => {
                self.egress.request(now, nack.media_ssrc, &nack.lost, self.connection.round_trip());
            }
            Packet::Arrivals(arrivals) => {
                if let Some(reading) = self.egress.on_arrivals(&arrivals) {
                    self.events.push_back(Event::Line(reading));
                }
            }
            Packet::PictureLoss { media_ssrc, .. } => self.keyframe(now, media_ssrc),
            Packet::FullIntraRequest { requests, .. } => {
                for (ssrc, _) in requests {
                    self.keyframe(now, ssrc);
                }
            }
            // A viewer that receives only sends BYE when one of its own senders stops; the session ends by DTLS.
            Packet::Bye(_) | Packet::SourceDescription(_) | Packet::Other { .. } => {}
        }
    }

    fn reception(&mut self, now: Instant, blocks: &[rtcp::ReportBlock]) {
        let round_trip = self.connection.round_trip();
        for block in blocks {
            if let Some(track) = self.egress.track_by_ssrc(block.ssrc) {
                track.on_report(now, block, round_trip);
            }
        }
    }

    fn keyframe(&mut self, now: Instant, ssrc: u32) {
        let Some(track) = self.egress.track_by_ssrc(ssrc).filter(|track| track.kind() == Kind::Video) else {
            return;
        };
        let id = track.id();
        if self.last_keyframe.is_none_or(|last| now >= last + MIN_KEYFRAME_INTERVAL) {
            self.last_keyframe = Some(now);
            self.events.push_back(Event::KeyframeNeeded(id));
        }
    }

    /// Sends the sender reports that are due: all tracks at one instant, so that the viewer shows them in step.
    pub(super) fn send_reports(&mut self, now: Instant) {
        if !self.is_connected() || self.next_report.is_none_or(|at| now < at) {
            return;
        }
        let Some(anchor) = self.anchor else { return };
        let wall = self.wall.1 + now.saturating_duration_since(self.wall.0);
        let pts = anchor.pts + now.saturating_duration_since(anchor.at);
        let mut compound = Vec::new();
        let mut described = Vec::new();
        for report in self.egress.tracks().iter().filter_map(|track| track.report(wall, pts)) {
            described.push(SourceDescription { ssrc: report.ssrc, cname: Some(self.cname.clone()) });
            Packet::SenderReport(report).write(&mut compound);
        }
        if described.is_empty() {
            return;
        }
        self.next_report = Some(now + SENDER_REPORT_INTERVAL);
        Packet::SourceDescription(described).write(&mut compound);
        self.send_rtcp(compound);
    }

    /// Tells a publisher what it needs to know now.
    pub(super) fn send_feedback(&mut self, now: Instant) {
        if !self.is_connected() {
            return;
        }
        let round_trip = self.connection.round_trip();
        let Some(ingress) = &mut self.ingress else { return };
        for compound in ingress.feedback(now, round_trip) {
            self.send_rtcp(compound);
        }
    }

    pub(super) fn send_bye(&mut self) {
        let ssrcs: Vec<u32> = self.egress.tracks().iter().map(|track| track.ssrc()).collect();
        let Some(&first) = ssrcs.first() else { return };
        let mut compound = Vec::new();
        // A compound packet begins with a report (RFC 3550 §6.1).
        let report = rtcp::ReceiverReport { ssrc: first, blocks: Vec::new() };
        Packet::ReceiverReport(report).write(&mut compound);
        Packet::Bye(rtcp::Bye { ssrcs, reason: None }).write(&mut compound);
        self.send_rtcp(compound);
    }

    fn send_rtcp(&mut self, mut compound: Vec<u8>) {
        if let (Some(sealer), Some(path)) = (&mut self.sealer, self.connection.path())
            && sealer.seal_rtcp(&mut compound).is_ok()
        {
            self.transmits.push_back(Transmit { path, bytes: compound });
        }
    }
}
