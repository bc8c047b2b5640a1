//! What a publishing client gives: packets in, frames and receiver reports out.

use super::{Output, Path, Port};
use crate::limits::REPORT_INTERVAL;
use crate::send::Way;
use std::collections::VecDeque;
use std::time::Instant;
use yeoul_media::{Codec, Frame, TrackId};
use yeoul_rtp::MediaFormat;
use yeoul_rtp::clock::ClockMapping;
use yeoul_rtp::receive::{Arrival, Receiver, Taken, TrackStats};

/// The tracks that a client publishes.
#[derive(Debug)]
pub(super) struct Receiving {
    tracks: Vec<Receiver<Path>>,
    clock: ClockMapping,
    /// Our SSRC in receiver reports.
    ssrc: u32,
    next_report: Instant,
}

impl Receiving {
    /// For tracks of these formats, in this order: the index is the id of their frames.
    pub(super) fn new(now: Instant, tracks: Vec<(MediaFormat, Path)>, ssrc: u32) -> Self {
        let mut clock = ClockMapping::default();
        let tracks = (0..).zip(tracks).map(|(id, (format, path))| {
            let arrival = match path {
                Path::Interleaved { .. } => Arrival::Ordered,
                Path::Udp { .. } => Arrival::Unordered,
            };
            Receiver::new(TrackId(id), path, format, arrival, &mut clock)
        });
        Self { tracks: tracks.collect(), clock, ssrc, next_report: now + REPORT_INTERVAL }
    }

    pub(super) fn codecs(&self) -> Vec<Codec> {
        self.tracks.iter().map(|track| track.format.codec.clone()).collect()
    }

    pub(super) fn stats(&self) -> impl Iterator<Item = TrackStats> {
        self.tracks.iter().map(Receiver::stats)
    }

    /// Takes a packet of an interleaved channel; `false` if the channel is nobody's.
    pub(super) fn data(
        &mut self,
        now: Instant,
        channel: u8,
        bytes: &[u8],
        out: &mut VecDeque<Output>,
    ) -> bool {
        let found = self.tracks.iter().enumerate().find_map(|(at, track)| match track.leg {
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
        let at = self.tracks.iter().position(|track| match track.leg {
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
        let Some((at, port)) = found else { return false };
        let Some(track) = self.tracks.get_mut(at) else { return false };
        match port {
            Port::Rtp => {
                let mut frames = Vec::new();
                let taken = track.rtp(now, bytes, &mut self.clock, &mut frames);
                give(taken, frames, out);
            }
            // A publisher that leaves says so by TEARDOWN as well.
            Port::Rtcp => track.rtcp(now, bytes, &mut self.clock),
        }
        true
    }

    /// When something is due although nothing comes in.
    pub(super) fn next_timeout(&self) -> Instant {
        self.tracks.iter().filter_map(Receiver::next_timeout).fold(self.next_report, Instant::min)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        for track in &mut self.tracks {
            let mut frames = Vec::new();
            let taken = track.drain(now, &mut self.clock, &mut frames);
            give(taken, frames, out);
        }
        if now < self.next_report {
            return;
        }
        self.next_report = now + REPORT_INTERVAL;
        for track in &mut self.tracks {
            if let Some(report) = track.report(now, self.ssrc) {
                track.leg.report(report, out);
            }
        }
    }
}

fn give(taken: Taken, frames: Vec<Frame>, out: &mut VecDeque<Output>) {
    if let Taken::Damaged(reason) = taken {
        out.push_back(Output::Note(format!("damaged media: {reason}")));
    }
    out.extend(frames.into_iter().map(Output::Frame));
}
