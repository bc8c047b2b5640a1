//! What is sent to a playing client, or to a server that takes what we publish: packets, sender reports, goodbye.

mod block;
mod fanout;

pub(crate) use block::default_channels;
pub use block::{Block, Datagrams};
pub use fanout::{Clock, ClockChanged, Fanout, Start, TrackStart, media_formats};

use crate::limits::REPORT_INTERVAL;
use crate::message::Data;
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Instant, SystemTime};
use yeoul_media::Timestamp;
use yeoul_rtp::rtcp::{Bye, Packet, SenderStats, SourceDescription};

/// Where the packets of a track go.
pub(crate) trait Way: Copy {
    /// What the session that sends them wants done.
    type Output;

    /// Sends the packets of a frame.
    fn media(self, block: &Block, out: &mut VecDeque<Self::Output>);

    /// Sends a compound packet of RTCP.
    fn report(self, bytes: Vec<u8>, out: &mut VecDeque<Self::Output>);
}

/// Two channels of the control connection (RFC 2326 §10.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interleaved {
    pub(crate) rtp: u8,
    pub(crate) rtcp: u8,
}

impl Interleaved {
    /// The bytes of a frame; none if it has no packets.
    pub(crate) fn media(self, block: &Block) -> Option<Bytes> {
        let is_default = default_channels(block.track).is_some_and(|(default, _)| default == self.rtp);
        let bytes = if is_default { block.interleaved().clone() } else { block.interleaved_on(self.rtp) };
        (!bytes.is_empty()).then_some(bytes)
    }

    /// The bytes of a compound packet of RTCP; none if it is longer than its length field can tell.
    pub(crate) fn report(self, bytes: &[u8]) -> Option<Bytes> {
        let prefix = Data::prefix(self.rtcp, bytes.len())?;
        let mut data = BytesMut::with_capacity(prefix.len() + bytes.len());
        data.put_slice(&prefix);
        data.put_slice(bytes);
        Some(data.freeze())
    }
}

/// The tracks that are sent.
#[derive(Debug)]
pub(crate) struct Sending<W> {
    /// In the order of the description; `None` is not set up.
    tracks: Vec<Option<SentTrack<W>>>,
    cname: String,
    /// A place on the timeline and its wall clock, told alike in the reports of all tracks.
    last: Option<(Timestamp, SystemTime)>,
    next_report: Instant,
}

#[derive(Debug)]
struct SentTrack<W> {
    way: W,
    ssrc: u32,
    stats: SenderStats,
}

impl<W: Way> Sending<W> {
    pub(crate) fn new(now: Instant, start: &Start, ways: &[Option<W>]) -> Self {
        let tracks = ways.iter().zip(&start.tracks).map(|(way, track)| {
            way.map(|way| SentTrack {
                way,
                ssrc: track.ssrc,
                stats: SenderStats::new(track.ssrc, track.clock_rate, track.rtp_offset),
            })
        });
        Self { tracks: tracks.collect(), cname: start.cname.clone(), last: None, next_report: now }
    }

    /// Sends the packets of a frame, if its track is set up.
    pub(crate) fn media(&mut self, now: Instant, block: &Block, out: &mut VecDeque<W::Output>) {
        if self.tracks.get(block.track).is_none_or(Option::is_none) {
            return;
        }
        self.last = Some((block.pts, block.wall));
        // The first report goes in front of the first packet: the other end has both clocks from the beginning.
        if now >= self.next_report {
            self.report(now, out);
        }
        let Some(Some(track)) = self.tracks.get_mut(block.track) else { return };
        track.stats.on_sent(block.packets, block.payload_bytes);
        track.way.media(block, out);
    }

    /// When a report is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.last.map(|_| self.next_report)
    }

    /// Sends sender reports if they are due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<W::Output>) {
        if self.next_timeout().is_some_and(|due| now >= due) {
            self.report(now, out);
        }
    }

    fn report(&mut self, now: Instant, out: &mut VecDeque<W::Output>) {
        let Some((pts, wall)) = self.last else { return };
        self.next_report = now + REPORT_INTERVAL;
        for track in self.tracks.iter().flatten() {
            let packets = [Packet::SenderReport(track.stats.report(wall, pts)), self.description(track)];
            track.way.report(compound(&packets), out);
        }
    }

    /// Says that nothing more comes.
    pub(crate) fn goodbye(&self, out: &mut VecDeque<W::Output>) {
        let Some((pts, wall)) = self.last else { return };
        for track in self.tracks.iter().flatten() {
            let bye = Packet::Bye(Bye { ssrcs: vec![track.ssrc], reason: None });
            let report = Packet::SenderReport(track.stats.report(wall, pts));
            track.way.report(compound(&[report, self.description(track), bye]), out);
        }
    }

    fn description(&self, track: &SentTrack<W>) -> Packet {
        let cname = Some(self.cname.clone());
        Packet::SourceDescription(vec![SourceDescription { ssrc: track.ssrc, cname }])
    }
}

fn compound(packets: &[Packet]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        packet.write(&mut bytes);
    }
    bytes
}
