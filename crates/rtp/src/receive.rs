//! What comes in on a track, from a camera that is played or from a publisher: packets put in order, put together to
//! frames, counted and reported on. Sessions of every protocol receive by it, so that a frame is made in one way.

use crate::clock::{ClockMapping, ClockTrack};
use crate::reorder::{GapDetector, Reorder};
use crate::rtcp::{self, ReceiverReport, ReceiverStats, SenderReport, SourceDescription};
use crate::{Depacketizer, MediaFormat, Packet, PacketRef};
use bytes::Bytes;
use std::time::{Duration, Instant};
use yeoul_media::{Frame, TrackId};

/// What a track has received so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackStats {
    /// RTP packets.
    pub packets: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that are no RTP, or of a payload type that is not the track's.
    pub foreign: u64,
    /// Frames that were not given because packets of them were lost or wrong.
    pub damaged_frames: u64,
}

/// What a packet was good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing.
    No,
    /// Media.
    Media,
    /// Media that is damaged, told for the first time on this track.
    Damaged(String),
}

/// How the packets of a track arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// In order: what is missing was never sent.
    Ordered,
    /// As datagrams.
    Unordered,
}

/// The receiving end of one track. `L` is where its packets come from, which only the session needs to know.
#[derive(Debug)]
pub struct Receiver<L> {
    /// Where its packets come from.
    pub leg: L,
    /// How the track is described.
    pub format: MediaFormat,
    /// The server has said that nothing more comes.
    pub has_left: bool,
    id: TrackId,
    order: Order,
    depacketizer: Depacketizer,
    clock: ClockTrack,
    reports: ReceiverStats,
    /// Of the last packet.
    ssrc: Option<u32>,
    /// A sender report that came before the first packet, whose SSRC it may name.
    early_report: Option<(Instant, SenderReport)>,
    has_own_payload_type: bool,
    has_told_damage: bool,
    stats: TrackStats,
}

#[derive(Debug)]
enum Order {
    Kept(GapDetector),
    Restored(Box<Reorder>),
}

impl<L> Receiver<L> {
    /// The receiver of track `id`, whose clock is added to that of the session.
    pub fn new(id: TrackId, leg: L, format: MediaFormat, arrival: Arrival, clock: &mut ClockMapping) -> Self {
        let order = match arrival {
            Arrival::Ordered => Order::Kept(GapDetector::default()),
            Arrival::Unordered => Order::Restored(Box::default()),
        };
        Self {
            leg,
            has_left: false,
            id,
            order,
            depacketizer: Depacketizer::new(&format),
            clock: clock.add_track(format.codec.kind(), format.clock_rate),
            reports: ReceiverStats::new(format.clock_rate),
            ssrc: None,
            early_report: None,
            has_own_payload_type: false,
            has_told_damage: false,
            stats: TrackStats::default(),
            format,
        }
    }

    /// Its track in the session's clock.
    pub fn clock_track(&self) -> ClockTrack {
        self.clock
    }

    /// What it has received so far.
    pub fn stats(&self) -> TrackStats {
        TrackStats {
            lost: self.reports.lost(),
            damaged_frames: self.depacketizer.damaged_frames(),
            ..self.stats
        }
    }

    /// Lets packets wait so long for those before them, which may be on their way again; of no effect where the order is kept.
    pub fn set_wait(&mut self, wait: Duration) {
        match &mut self.order {
            Order::Kept(_) => {}
            Order::Restored(reorder) => reorder.set_wait(wait),
        }
    }

    /// Takes an RTP packet.
    pub fn rtp(
        &mut self,
        now: Instant,
        bytes: &[u8],
        clock: &mut ClockMapping,
        frames: &mut Vec<Frame>,
    ) -> Taken {
        let Ok(packet) = PacketRef::parse(bytes) else {
            self.stats.foreign += 1;
            return Taken::No;
        };
        // Cameras describe one payload type and send another; but where the described one comes, others are something
        // else: comfort noise, forward error correction, tones.
        self.has_own_payload_type |= packet.header.payload_type == self.format.payload_type;
        if self.has_own_payload_type && packet.header.payload_type != self.format.payload_type {
            self.stats.foreign += 1;
            return Taken::No;
        }
        self.stats.packets += 1;
        self.stats.bytes += bytes.len() as u64;
        self.reports.on_packet(now, &packet.header);
        if self.ssrc.replace(packet.header.ssrc).is_none()
            && let Some((at, report)) = self.early_report.take()
            && report.ssrc == packet.header.ssrc
        {
            self.sender_report(at, &report, clock);
        }
        match &mut self.order {
            Order::Kept(gaps) => {
                let lost_before = gaps.lost_before(&packet.header);
                self.depacketize(now, packet, lost_before, clock, frames)
            }
            Order::Restored(reorder) => {
                let payload = Bytes::copy_from_slice(packet.payload);
                reorder.push(now, Packet { header: packet.header, payload });
                self.drain(now, clock, frames)
            }
        }
    }

    /// Gives what has waited long enough for the packets before it.
    pub fn drain(&mut self, now: Instant, clock: &mut ClockMapping, frames: &mut Vec<Frame>) -> Taken {
        let mut taken = Taken::Media;
        while let Order::Restored(reorder) = &mut self.order {
            let Some((packet, lost_before)) = reorder.pop(now) else { break };
            let packet = PacketRef { header: packet.header, payload: &packet.payload };
            if let damaged @ Taken::Damaged(_) = self.depacketize(now, packet, lost_before, clock, frames) {
                taken = damaged;
            }
        }
        taken
    }

    /// When [`Receiver::drain`] has something to give although nothing comes in.
    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.order {
            Order::Kept(_) => None,
            Order::Restored(reorder) => reorder.next_timeout(),
        }
    }

    fn depacketize(
        &mut self,
        now: Instant,
        packet: PacketRef<'_>,
        lost_before: bool,
        clock: &mut ClockMapping,
        frames: &mut Vec<Frame>,
    ) -> Taken {
        let pushed = self.depacketizer.push(packet, lost_before, now);
        while let Some(unit) = self.depacketizer.pull() {
            let times = clock.map(self.clock, unit.rtp_time, unit.decode_ahead_ticks, unit.received_at);
            frames.push(unit.into_frame(self.id, times));
        }
        match pushed {
            Err(error) if !self.has_told_damage => {
                self.has_told_damage = true;
                Taken::Damaged(error.to_string())
            }
            Ok(()) | Err(_) => Taken::Media,
        }
    }

    /// Takes an RTCP packet.
    pub fn rtcp(&mut self, now: Instant, bytes: &[u8], clock: &mut ClockMapping) {
        for packet in rtcp::packets(bytes).map_while(Result::ok) {
            match packet {
                rtcp::Packet::SenderReport(report) => match self.ssrc {
                    // Some cameras (Tapo C320WS) report on senders that do not exist.
                    Some(ssrc) if ssrc == report.ssrc => self.sender_report(now, &report, clock),
                    Some(_) => {}
                    None => self.early_report = Some((now, report)),
                },
                rtcp::Packet::Bye(bye) => {
                    self.has_left |= self.ssrc.is_some_and(|ssrc| bye.ssrcs.contains(&ssrc));
                }
                rtcp::Packet::ReceiverReport(_)
                | rtcp::Packet::SourceDescription(_)
                | rtcp::Packet::Nack(_)
                | rtcp::Packet::Arrivals(_)
                | rtcp::Packet::PictureLoss { .. }
                | rtcp::Packet::FullIntraRequest { .. }
                | rtcp::Packet::Other { .. } => {}
            }
        }
    }

    fn sender_report(&mut self, at: Instant, report: &SenderReport, clock: &mut ClockMapping) {
        self.reports.on_sender_report(at, report);
        clock.sender_report(self.clock, report.ntp, report.rtp_time);
    }

    /// The compound packet that reports on this track (RFC 3550 §6.1), once there is something to report.
    pub fn report(&mut self, now: Instant, ssrc: u32) -> Option<Vec<u8>> {
        let block = self.reports.report_block(now)?;
        let mut bytes = Vec::new();
        rtcp::Packet::ReceiverReport(ReceiverReport { ssrc, blocks: vec![block] }).write(&mut bytes);
        let cname = Some(format!("yeoul-{ssrc:08x}"));
        rtcp::Packet::SourceDescription(vec![SourceDescription { ssrc, cname }]).write(&mut bytes);
        Some(bytes)
    }
}
