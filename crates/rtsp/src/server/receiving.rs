//! What a publishing client gives: packets in, frames and receiver reports out.

use super::{Output, Path, Port};
use crate::limits::REPORT_INTERVAL;
use std::collections::VecDeque;
use std::time::Instant;
use yeoul_media::{Codec, TrackId};
use yeoul_rtp::clock::{ClockMapping, ClockTrack};
use yeoul_rtp::packet::PacketRef;
use yeoul_rtp::reorder::{GapDetector, Reorder};
use yeoul_rtp::rtcp::{self, ReceiverReport, ReceiverStats};
use yeoul_rtp::{Depacketizer, MediaFormat, Packet};

/// What went wrong in the packets of a publisher, in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Packets that were no RTP or RTCP, or that a depacketizer refused.
    pub bad_packets: u64,
    /// Packets of a payload type that was not announced.
    pub foreign_packets: u64,
    /// The first thing that was wrong.
    pub first_error: Option<String>,
}

/// The tracks that a client publishes.
#[derive(Debug)]
pub(super) struct Receiving {
    tracks: Vec<ReceivedTrack>,
    clock: ClockMapping,
    damage: Damage,
    /// Our SSRC in receiver reports.
    ssrc: u32,
    next_report: Instant,
}

#[derive(Debug)]
struct ReceivedTrack {
    path: Path,
    format: MediaFormat,
    clock: ClockTrack,
    depacketizer: Depacketizer,
    order: Order,
    stats: ReceiverStats,
}

/// How packets come into order.
#[derive(Debug)]
enum Order {
    /// TCP keeps it; what is missing was never sent.
    Kept(GapDetector),
    Reordered(Reorder),
}

impl Receiving {
    /// For tracks of these formats, in this order: the index is the id of their frames.
    pub(super) fn new(now: Instant, tracks: Vec<(MediaFormat, Path)>, ssrc: u32) -> Self {
        let mut clock = ClockMapping::default();
        let tracks = tracks.into_iter().map(|(format, path)| ReceivedTrack {
            clock: clock.add_track(format.clock_rate),
            depacketizer: Depacketizer::new(&format),
            order: match path {
                Path::Interleaved { .. } => Order::Kept(GapDetector::default()),
                Path::Udp { .. } => Order::Reordered(Reorder::default()),
            },
            stats: ReceiverStats::new(format.clock_rate),
            path,
            format,
        });
        Self {
            tracks: tracks.collect(),
            clock,
            damage: Damage::default(),
            ssrc,
            next_report: now + REPORT_INTERVAL,
        }
    }

    pub(super) fn codecs(&self) -> Vec<Codec> {
        self.tracks.iter().map(|track| track.format.codec.clone()).collect()
    }

    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Takes a packet of an interleaved channel; `false` if the channel is nobody's.
    pub(super) fn data(
        &mut self,
        now: Instant,
        channel: u8,
        bytes: &[u8],
        out: &mut VecDeque<Output>,
    ) -> bool {
        let found = self.tracks.iter().enumerate().find_map(|(at, track)| match track.path {
            Path::Interleaved { rtp, .. } if rtp == channel => Some((at, Port::Rtp)),
            Path::Interleaved { rtcp, .. } if rtcp == channel => Some((at, Port::Rtcp)),
            Path::Interleaved { .. } | Path::Udp { .. } => None,
        });
        self.packet(now, found, bytes, out)
    }

    /// Takes a datagram from the client's port `from`; `false` if that port is nobody's.
    pub(super) fn datagram(
        &mut self,
        now: Instant,
        (port, from): (Port, u16),
        bytes: &[u8],
        out: &mut VecDeque<Output>,
    ) -> bool {
        let at = self.tracks.iter().position(|track| match track.path {
            Path::Udp { rtp, rtcp } => match port {
                Port::Rtp => rtp == from,
                Port::Rtcp => rtcp == from,
            },
            Path::Interleaved { .. } => false,
        });
        self.packet(now, at.map(|at| (at, port)), bytes, out)
    }

    fn packet(
        &mut self,
        now: Instant,
        found: Option<(usize, Port)>,
        bytes: &[u8],
        out: &mut VecDeque<Output>,
    ) -> bool {
        match found {
            Some((at, Port::Rtp)) => self.rtp(now, at, bytes, out),
            Some((at, Port::Rtcp)) => self.rtcp(now, at, bytes),
            None => return false,
        }
        true
    }

    fn rtp(&mut self, now: Instant, at: usize, bytes: &[u8], out: &mut VecDeque<Output>) {
        let Some(track) = self.tracks.get_mut(at) else { return };
        let packet = match PacketRef::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => return self.damage.note(error),
        };
        if packet.header.payload_type != track.format.payload_type {
            self.damage.foreign_packets += 1;
            return;
        }
        track.stats.on_packet(now, &packet.header);
        match &mut track.order {
            Order::Kept(gaps) => {
                let lost_before = gaps.lost_before(&packet.header);
                self.depacketize(now, at, packet, lost_before, out);
            }
            Order::Reordered(reorder) => {
                reorder.push(now, packet.to_owned());
                self.drain_reorder(now, at, out);
            }
        }
    }

    /// Gives what is in order, or has waited long enough, to the depacketizer.
    fn drain_reorder(&mut self, now: Instant, at: usize, out: &mut VecDeque<Output>) {
        while let Some((packet, lost_before)) = self.next_in_order(now, at) {
            self.depacketize(now, at, packet.as_ref(), lost_before, out);
        }
    }

    fn next_in_order(&mut self, now: Instant, at: usize) -> Option<(Packet, bool)> {
        match &mut self.tracks.get_mut(at)?.order {
            Order::Kept(_) => None,
            Order::Reordered(reorder) => reorder.pop(now),
        }
    }

    fn depacketize(
        &mut self,
        now: Instant,
        at: usize,
        packet: PacketRef<'_>,
        lost_before: bool,
        out: &mut VecDeque<Output>,
    ) {
        let Some(track) = self.tracks.get_mut(at) else { return };
        if let Err(error) = track.depacketizer.push(packet, lost_before, now) {
            self.damage.note(error);
        }
        let id = TrackId(u16::try_from(at).unwrap_or(u16::MAX));
        while let Some(unit) = track.depacketizer.pull() {
            let times = self.clock.map(track.clock, unit.rtp_time, unit.decode_ahead_ticks, unit.received_at);
            out.push_back(Output::Frame(unit.into_frame(id, times)));
        }
    }

    fn rtcp(&mut self, now: Instant, at: usize, bytes: &[u8]) {
        let Some(track) = self.tracks.get_mut(at) else { return };
        for packet in rtcp::packets(bytes) {
            match packet {
                Ok(rtcp::Packet::SenderReport(report)) => {
                    track.stats.on_sender_report(now, &report);
                    self.clock.sender_report(track.clock, report.ntp, report.rtp_time);
                }
                // A publisher that leaves says so by TEARDOWN as well.
                Ok(
                    rtcp::Packet::ReceiverReport(_)
                    | rtcp::Packet::SourceDescription(_)
                    | rtcp::Packet::Bye(_)
                    | rtcp::Packet::Nack(_)
                    | rtcp::Packet::PictureLoss { .. }
                    | rtcp::Packet::FullIntraRequest { .. }
                    | rtcp::Packet::Other { .. },
                ) => {}
                Err(error) => self.damage.note(error),
            }
        }
    }

    /// When something is due although nothing comes in.
    pub(super) fn next_timeout(&self) -> Instant {
        let waits = self.tracks.iter().filter_map(|track| match &track.order {
            Order::Kept(_) => None,
            Order::Reordered(reorder) => reorder.next_timeout(),
        });
        waits.fold(self.next_report, Instant::min)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        for at in 0..self.tracks.len() {
            self.drain_reorder(now, at, out);
        }
        if now < self.next_report {
            return;
        }
        self.next_report = now + REPORT_INTERVAL;
        for track in &mut self.tracks {
            let blocks = track.stats.report_block(now).into_iter().collect();
            let report = rtcp::Packet::ReceiverReport(ReceiverReport { ssrc: self.ssrc, blocks });
            track.path.send_rtcp(&[report], out);
        }
    }
}

impl Damage {
    fn note(&mut self, error: impl std::fmt::Display) {
        self.bad_packets += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }
}
