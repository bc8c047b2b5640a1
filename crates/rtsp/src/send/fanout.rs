//! Frames to packets, once for all who are sent the same tracks.
//!
//! All players of a [`Fanout`] share SSRC, sequence numbers and the start of RTP time, so that the bytes of a frame are
//! the same for each of them. Sequence numbers belong to the index a frame has in its stream: whoever asks first for a
//! new frame numbers it, everybody who comes later (from behind, or starting at an earlier keyframe) gets the same
//! numbers. Design page: `docs/design/03-rtsp-fanout.md`.

use super::block::{Block, BlockWriter};
use crate::limits::{NUMBERED_FRAMES, RECENT_BLOCK_BYTES, RECENT_BLOCKS};
use crate::secrets::Secrets;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};
use yeoul_rtp::format::{FIRST_DYNAMIC_PAYLOAD_TYPE, static_payload_type};
use yeoul_rtp::packet::HEADER_BYTES;
use yeoul_rtp::{Header, MediaFormat, Packetizer, Packets};

/// How `tracks` are carried: the fixed payload types of RFC 3551 where they fit, dynamic ones elsewhere.
#[must_use]
pub fn media_formats(tracks: &[Track]) -> Vec<MediaFormat> {
    let mut dynamic = FIRST_DYNAMIC_PAYLOAD_TYPE..;
    let formats = tracks.iter().map(|track| {
        let payload_type = static_payload_type(&track.codec).or_else(|| dynamic.next());
        MediaFormat::new(track.codec.clone(), payload_type.unwrap_or(u8::MAX) & 0x7f)
    });
    formats.collect()
}

/// Ticks a second of the RTP time of `codec`.
fn clock_rate(codec: &Codec) -> u32 {
    MediaFormat::new(codec.clone(), 0).clock_rate
}

/// Now, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The clock that never jumps.
    pub now: Instant,
    /// The clock of the world.
    pub wall: SystemTime,
}

/// Where a player's packets begin: what PLAY answers in RTP-Info, and what sender reports need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// RTCP's name of the sender, the same for all tracks.
    pub cname: String,
    /// The place on the timeline that the RTP times of all tracks in RTP-Info stand for.
    pub pts: Timestamp,
    /// In the order of the description.
    pub tracks: Vec<TrackStart>,
}

/// Where the packets of one track begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackStart {
    /// The sender.
    pub ssrc: u32,
    /// Sequence number of the next packet.
    pub seq: u16,
    /// RTP time of the timeline's zero.
    pub rtp_offset: u32,
    /// Ticks a second.
    pub clock_rate: u32,
}

impl TrackStart {
    /// The RTP time of a place on the timeline.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "RTP time is the low 32 bits"
    )]
    pub fn rtp_time(&self, pts: Timestamp) -> u32 {
        (pts.to_ticks(self.clock_rate) as u32).wrapping_add(self.rtp_offset)
    }
}

/// The source of a track came back with another RTP clock: what was described is no longer true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the RTP clock of a track has changed from {was} to {is} Hz")]
pub struct ClockChanged {
    was: u32,
    is: u32,
}

#[derive(Debug)]
struct FanoutTrack {
    id: TrackId,
    format: MediaFormat,
    packetizer: Packetizer,
    ssrc: u32,
    rtp_offset: u32,
    /// Sequence number of the next new packet.
    next_seq: u16,
}

/// The numbers that a frame has for ever.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    index: u64,
    seq: u16,
    packets: u32,
}

/// Makes the packets of the frames of a choice of tracks of one stream.
#[derive(Debug)]
pub struct Fanout {
    tracks: Vec<FanoutTrack>,
    cname: String,
    wall: WallClock,
    /// By index, growing.
    numbers: VecDeque<Numbers>,
    /// By index, growing: the newest blocks.
    recent: VecDeque<(u64, Arc<Block>)>,
    recent_bytes: usize,
}

impl Fanout {
    /// A fan-out of `tracks` in packets of at most `max_packet_bytes`, RTP header included. `seed` is random.
    #[must_use]
    pub fn new(tracks: &[Track], max_packet_bytes: usize, seed: [u8; 32]) -> Self {
        let mut secrets = Secrets::new(seed);
        let tracks = tracks.iter().zip(media_formats(tracks)).map(|(track, format)| FanoutTrack {
            id: track.id,
            packetizer: Packetizer::new(&format.codec, max_packet_bytes.saturating_sub(HEADER_BYTES)),
            format,
            ssrc: secrets.next_u32(),
            rtp_offset: secrets.next_u32(),
            next_seq: secrets.next_u16(),
        });
        Self {
            tracks: tracks.collect(),
            cname: format!("{:024x}", secrets.next_u128() >> 32),
            wall: WallClock::default(),
            numbers: VecDeque::new(),
            recent: VecDeque::new(),
            recent_bytes: 0,
        }
    }

    /// Whether these are the tracks that it was made for, in everything that a description tells once for all.
    #[must_use]
    pub fn fits(&self, tracks: &[Track]) -> bool {
        let of_track = |track: &Track| (track.id, clock_rate(&track.codec));
        self.tracks.iter().map(|track| (track.id, track.format.clock_rate)).eq(tracks.iter().map(of_track))
    }

    /// Whether a player can start at the frame of this index: its numbers are known, or nothing can stand between it and
    /// the newest frame that has numbers.
    #[must_use]
    pub fn admits(&self, index: u64) -> bool {
        match self.numbers.back() {
            None => true,
            Some(newest) => index == newest.index + 1 || self.numbers_of(index).is_some(),
        }
    }

    /// The packets of the frame of this index. `None` if there are none: its track is not one of these, or its numbers
    /// are unknown because others went on without it; a player then goes on at the next keyframe that has some.
    ///
    /// # Errors
    /// If the track's RTP clock is another one than was described: end the player's session.
    pub fn block(
        &mut self,
        index: u64,
        frame: &Frame,
        clock: Clock,
    ) -> Result<Option<Arc<Block>>, ClockChanged> {
        if let Ok(at) = self.recent.binary_search_by_key(&index, |(index, _)| *index) {
            return Ok(self.recent.get(at).map(|(_, block)| Arc::clone(block)));
        }
        let Some(at) = self.tracks.iter().position(|track| track.id == frame.track) else { return Ok(None) };
        let known = self.numbers_of(index);
        let is_new = self.numbers.back().is_none_or(|newest| index > newest.index);
        if known.is_none() && !is_new {
            return Ok(None);
        }
        let wall = self.wall.at(frame, clock);
        let Some(track) = self.tracks.get_mut(at) else { return Ok(None) };
        if let Some(codec) = &frame.new_codec {
            let (was, is) = (track.format.clock_rate, clock_rate(codec));
            if was != is {
                return Err(ClockChanged { was, is });
            }
        }
        let packets = track.packetizer.packetize(frame);
        let count = u32::try_from(packets.payloads.len()).unwrap_or(u32::MAX);
        let seq = match known {
            None => track.next_seq,
            Some(numbers) if numbers.packets == count => numbers.seq,
            // Another decoder configuration has come since: these packets would not be the ones that were counted.
            Some(_) => return Ok(None),
        };
        let block = Arc::new(track.write(at, &packets, seq, (frame.pts, wall)));
        if is_new {
            track.next_seq = seq.wrapping_add(low_16(count));
            self.keep(Numbers { index, seq, packets: count }, &block);
        }
        Ok(Some(block))
    }

    /// Where a player begins whose first blocks are `first`; if there are none yet, it is the present: `now` on the
    /// stream's timeline.
    #[must_use]
    pub fn start(&self, first: &[Arc<Block>], now: Timestamp) -> Start {
        let tracks = self.tracks.iter().enumerate().map(|(at, track)| TrackStart {
            ssrc: track.ssrc,
            seq: first.iter().find(|block| block.track == at).map_or(track.next_seq, |block| block.seq),
            rtp_offset: track.rtp_offset,
            clock_rate: track.format.clock_rate,
        });
        Start {
            cname: self.cname.clone(),
            pts: first.iter().map(|block| block.pts).min().unwrap_or(now),
            tracks: tracks.collect(),
        }
    }

    fn numbers_of(&self, index: u64) -> Option<Numbers> {
        let at = self.numbers.binary_search_by_key(&index, |numbers| numbers.index).ok()?;
        self.numbers.get(at).copied()
    }

    fn keep(&mut self, numbers: Numbers, block: &Arc<Block>) {
        if self.numbers.len() >= NUMBERED_FRAMES {
            self.numbers.pop_front();
        }
        self.numbers.push_back(numbers);
        self.recent_bytes += block.size_bytes();
        self.recent.push_back((numbers.index, Arc::clone(block)));
        while self.recent.len() > RECENT_BLOCKS
            || (self.recent_bytes > RECENT_BLOCK_BYTES && self.recent.len() > 1)
        {
            let Some((_, oldest)) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.size_bytes();
        }
    }
}

impl FanoutTrack {
    fn write(&self, at: usize, packets: &Packets, first_seq: u16, time: (Timestamp, SystemTime)) -> Block {
        let payload_bytes = packets.payloads.iter().map(yeoul_rtp::Payload::len).sum();
        let mut writer = BlockWriter::new(at, packets.payloads.len(), payload_bytes);
        let (mut seq, mut count, mut bytes) = (first_seq, 0, 0);
        for payload in &packets.payloads {
            let header = Header {
                payload_type: self.format.payload_type,
                marker: payload.marker,
                sequence: seq,
                rtp_time: packets.rtp_time(payload, self.rtp_offset),
                ssrc: self.ssrc,
            };
            seq = seq.wrapping_add(1);
            if writer.push(&header, payload.len(), |to| payload.write_to(to)) {
                count += 1;
                bytes += payload.len();
            }
        }
        Block::new(at, time, first_seq, count, bytes, writer.finish())
    }
}

/// The wall clock that belongs to a place on the timeline: one mapping for all tracks, so that players show them in step.
///
/// It follows the sender's clock if that is known when the mapping begins, else the time of arrival, and stays with its
/// choice. It stands still: players move their own clock at each report, and arrival jitters.
#[derive(Debug, Default)]
struct WallClock {
    /// Nanoseconds since 1970 of the timeline's zero.
    zero_ns: Option<i128>,
    /// It follows the sender's clock.
    by_sender: bool,
}

impl WallClock {
    /// A difference above this is no jitter: the sender's clock was set. In nanoseconds.
    const STEP_NS: i128 = 1_000_000_000;

    fn at(&mut self, frame: &Frame, clock: Clock) -> SystemTime {
        let ns_since_1970 = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
        };
        let pts = i128::from(frame.pts.as_nanos());
        let arrived = || clock.wall.checked_sub(clock.now.saturating_duration_since(frame.received_at));
        if self.zero_ns.is_none() {
            self.by_sender = frame.captured_at.is_some();
        }
        let wall = if self.by_sender { frame.captured_at } else { arrived() };
        let measured = wall.map(|wall| ns_since_1970(wall) - pts);
        self.zero_ns = match (self.zero_ns, measured) {
            (Some(zero), Some(measured)) if (measured - zero).abs() < Self::STEP_NS => Some(zero),
            (zero, measured) => measured.or(zero),
        };
        let at = self.zero_ns.unwrap_or_default() + pts;
        let since = std::time::Duration::from_nanos(u64::try_from(at).unwrap_or(0));
        SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sequence numbers are counted modulo 2^16")]
fn low_16(count: u32) -> u16 {
    count as u16
}
