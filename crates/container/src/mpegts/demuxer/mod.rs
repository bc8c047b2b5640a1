//! A transport stream to frames.

mod elementary;
mod packet;
mod pes;
mod sound;
mod sync;
mod tables;
mod video;

use self::elementary::Elementary;
use self::packet::{Continuity, Packet, Step};
use self::sync::{Found, Sync};
use self::tables::Sections;
use super::psi::{MapEntry, PAT_PID};
use super::{CLOCK_BITS, CLOCK_HZ};
use crate::Event;
use crate::announce::Announcer;
use crate::limits::MAX_TS_SEARCH_BYTES;
use crate::timeline::Timeline;
use std::time::Instant;

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are no packets in it.
    #[error(
        "this is no MPEG transport stream: in {MAX_TS_SEARCH_BYTES} bytes there are no three packets, each starting with 0x47 \
         and 188, 192 or 204 bytes after the one before"
    )]
    NoPackets,
}

/// Reads the first program of a transport stream, in pieces of any size.
///
/// Damage is put up with: lost bytes are searched through for the next packet, a picture of which packets are missing is not
/// given, nor are those up to the next keyframe. Times are those of the stream, unwrapped; where they jump they go on at the
/// time of arrival. Streams of other kinds (subtitles, AC-3 …) are passed over.
#[derive(Debug)]
pub struct Demuxer {
    sync: Sync,
    program: Program,
    failed: bool,
}

#[derive(Debug)]
struct Program {
    association: (Sections, Continuity),
    map: (Sections, Continuity),
    /// Its number and the PID of its map.
    place: Option<(u16, u16)>,
    entries: Vec<MapEntry>,
    streams: Vec<Elementary>,
    timeline: Timeline,
    announcer: Announcer,
    /// Frames and packets lost in streams that are gone.
    damaged_frames: u64,
    lost_packets: u64,
}

impl Default for Demuxer {
    fn default() -> Self {
        let program = Program {
            association: Default::default(),
            map: Default::default(),
            place: None,
            entries: Vec::new(),
            streams: Vec::new(),
            timeline: Timeline::new(CLOCK_BITS, CLOCK_HZ),
            announcer: Announcer::default(),
            damaged_frames: 0,
            lost_packets: 0,
        };
        Self { sync: Sync::default(), program, failed: false }
    }
}

impl Demuxer {
    /// The next bytes, and when they came. Call [`Demuxer::pull`] until `None` after each push.
    ///
    /// # Errors
    /// If no packets are found: this is something else, and nothing more will come out.
    pub fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        if !self.failed {
            let program = &mut self.program;
            self.sync.push(data, |found| match found {
                Found::Packet(packet) => program.packet(&Packet::parse(packet), received_at),
                Found::Lost => program.damage(),
            });
            self.failed = self.sync.searched() >= MAX_TS_SEARCH_BYTES;
        }
        if self.failed { Err(Error::NoPackets) } else { Ok(()) }
    }

    /// Nothing more will come: gives what waited for more.
    pub fn finish(&mut self) {
        let Program { streams, timeline, announcer, .. } = &mut self.program;
        for stream in streams {
            stream.finish(timeline, &mut |frame| announcer.push(frame));
        }
        announcer.finish();
    }

    /// What has been found, in order.
    pub fn pull(&mut self) -> Option<Event> {
        self.program.announcer.pull()
    }

    /// Frames that were not given because something of them, or of what they refer to, is missing.
    #[must_use]
    pub fn damaged_frames(&self) -> u64 {
        let now: u64 = self.program.streams.iter().map(Elementary::damaged_frames).sum();
        self.program.damaged_frames + now
    }

    /// Packets of sound and picture that are missing, by their counters: at least so many.
    #[must_use]
    pub fn lost_packets(&self) -> u64 {
        self.program.lost_packets + self.program.streams.iter().map(Elementary::lost_packets).sum::<u64>()
    }
}

impl Program {
    fn packet(&mut self, packet: &Packet<'_>, received_at: Instant) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.entry.pid == packet.pid) {
            let announcer = &mut self.announcer;
            stream.packet(packet, received_at, &mut self.timeline, &mut |frame| announcer.push(frame));
        } else if packet.pid == PAT_PID {
            let mut place = None;
            section(&mut self.association, packet, |section| {
                place = place.or_else(|| tables::parse_association(section));
            });
            if place.is_some() && place != self.place {
                self.place = place;
                self.map = Default::default();
            }
        } else if let Some((number, pid)) = self.place
            && pid == packet.pid
        {
            let mut entries = None;
            section(&mut self.map, packet, |section| {
                entries = tables::parse_map(section, number).or(entries.take());
            });
            if let Some(entries) = entries.filter(|entries| *entries != self.entries) {
                self.change(entries);
            }
        }
    }

    /// The program has other elementary streams. Those that stay as they are go on.
    fn change(&mut self, entries: Vec<MapEntry>) {
        let (announcer, damaged_frames) = (&mut self.announcer, &mut self.damaged_frames);
        let lost_packets = &mut self.lost_packets;
        let timeline = &mut self.timeline;
        self.streams.retain_mut(|stream| {
            let stays = entries.contains(&stream.entry);
            if !stays {
                stream.finish(timeline, &mut |frame| announcer.push(frame));
                announcer.remove(stream.track);
                *damaged_frames += stream.damaged_frames();
                *lost_packets += stream.lost_packets();
            }
            stays
        });
        for entry in &entries {
            if !self.streams.iter().any(|stream| stream.entry.pid == entry.pid) {
                let track = |codec| announcer.add(codec);
                self.streams.extend(Elementary::new(entry.clone(), track));
            }
        }
        self.entries = entries;
    }

    /// Bytes are missing somewhere.
    fn damage(&mut self) {
        self.association.0.reset();
        self.map.0.reset();
        self.streams.iter_mut().for_each(Elementary::damage);
    }
}

/// A packet of a table.
fn section(
    (sections, continuity): &mut (Sections, Continuity),
    packet: &Packet<'_>,
    each: impl FnMut(&[u8]),
) {
    let Some(payload) = packet.payload.filter(|_| !packet.unusable) else { return };
    match continuity.step(packet) {
        Step::Next => {}
        Step::Again => return,
        Step::Lost => sections.reset(),
    }
    sections.push(payload, packet.unit_start, each);
}
