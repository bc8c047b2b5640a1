//! What a playing client gets: packets, sender reports, goodbye.

use super::block::{Block, Datagrams, default_channels};
use super::fanout::Start;
use super::{Output, Path, Port};
use crate::limits::REPORT_INTERVAL;
use crate::message::Data;
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Instant, SystemTime};
use yeoul_media::Timestamp;
use yeoul_rtp::rtcp::{Bye, Packet, SenderStats, SourceDescription};

/// The tracks that a client plays.
#[derive(Debug)]
pub(super) struct Sending {
    /// In the order of the description; `None` is not set up.
    tracks: Vec<Option<SentTrack>>,
    cname: String,
    /// A place on the timeline and its wall clock, told alike in the reports of all tracks.
    last: Option<(Timestamp, SystemTime)>,
    next_report: Instant,
}

#[derive(Debug)]
struct SentTrack {
    path: Path,
    ssrc: u32,
    stats: SenderStats,
}

impl Sending {
    pub(super) fn new(now: Instant, start: &Start, paths: &[Option<Path>]) -> Self {
        let tracks = paths.iter().zip(&start.tracks).map(|(path, track)| {
            path.map(|path| SentTrack {
                path,
                ssrc: track.ssrc,
                stats: SenderStats::new(track.ssrc, track.clock_rate, track.rtp_offset),
            })
        });
        Self { tracks: tracks.collect(), cname: start.cname.clone(), last: None, next_report: now }
    }

    /// Sends the packets of a frame, if its track is set up.
    pub(super) fn media(&mut self, now: Instant, block: &Block, out: &mut VecDeque<Output>) {
        if self.tracks.get(block.track).is_none_or(Option::is_none) {
            return;
        }
        self.last = Some((block.pts, block.wall));
        // The first report goes in front of the first packet: the player has both clocks from the beginning.
        if now >= self.next_report {
            self.report(now, out);
        }
        let Some(Some(track)) = self.tracks.get_mut(block.track) else { return };
        track.stats.on_sent(block.packets, block.payload_bytes);
        match track.path {
            Path::Interleaved { rtp, .. } => {
                let is_default = default_channels(block.track).is_some_and(|(default, _)| default == rtp);
                let bytes = if is_default { block.interleaved().clone() } else { block.interleaved_on(rtp) };
                if !bytes.is_empty() {
                    out.push_back(Output::Send(bytes));
                }
            }
            Path::Udp { rtp, .. } => out.extend(block.datagrams().iter().map(|datagrams| {
                Output::Datagrams { port: Port::Rtp, to: rtp, datagrams: datagrams.clone() }
            })),
        }
    }

    /// When a report is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.last.map(|_| self.next_report)
    }

    /// Sends sender reports if they are due.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        if self.next_timeout().is_some_and(|due| now >= due) {
            self.report(now, out);
        }
    }

    fn report(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        let Some((pts, wall)) = self.last else { return };
        self.next_report = now + REPORT_INTERVAL;
        for track in self.tracks.iter().flatten() {
            let packets = [Packet::SenderReport(track.stats.report(wall, pts)), self.description(track)];
            track.path.send_rtcp(compound(&packets), out);
        }
    }

    /// Says that nothing more comes.
    pub(super) fn goodbye(&self, out: &mut VecDeque<Output>) {
        let Some((pts, wall)) = self.last else { return };
        for track in self.tracks.iter().flatten() {
            let bye = Packet::Bye(Bye { ssrcs: vec![track.ssrc], reason: None });
            let report = Packet::SenderReport(track.stats.report(wall, pts));
            track.path.send_rtcp(compound(&[report, self.description(track), bye]), out);
        }
    }

    fn description(&self, track: &SentTrack) -> Packet {
        let cname = Some(self.cname.clone());
        Packet::SourceDescription(vec![SourceDescription { ssrc: track.ssrc, cname }])
    }
}

impl Path {
    /// Sends a compound packet on the RTCP half of the path.
    pub(super) fn send_rtcp(self, bytes: Vec<u8>, out: &mut VecDeque<Output>) {
        match self {
            Self::Interleaved { rtcp, .. } => {
                let Some(prefix) = Data::prefix(rtcp, bytes.len()) else { return };
                let mut data = BytesMut::with_capacity(prefix.len() + bytes.len());
                data.put_slice(&prefix);
                data.put_slice(&bytes);
                out.push_back(Output::Send(data.freeze()));
            }
            Self::Udp { rtcp, .. } => out.push_back(Output::Datagrams {
                port: Port::Rtcp,
                to: rtcp,
                datagrams: Datagrams::one(Bytes::from(bytes)),
            }),
        }
    }
}

fn compound(packets: &[Packet]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        packet.write(&mut bytes);
    }
    bytes
}
