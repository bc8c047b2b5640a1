//! Frames to a transport stream.

use super::form::Form;
use super::packet::{Adaptation, Channel, Clock, Unit};
use super::psi::{self, MapEntry};
use super::{CLOCK_HZ, CLOCK_MASK, LEAD_TICKS, ticks};
use crate::Unsupported;
use crate::limits::{MAX_TS_TRACKS, TS_CLOCK_DUE, TS_CLOCK_SILENCE, TS_GAP, TS_REPEAT};
use bytes::BytesMut;
use std::time::Duration;
use yeoul_media::{Codec, Frame, Kind, Track, TrackId};

/// The container's name in sentences.
const NAME: &str = "an MPEG transport stream";
/// The only program, and where its map is.
const PROGRAM: u16 = 1;
const MAP_PID: u16 = 0x1000;
/// PID of the first track; the others follow.
const FIRST_PID: u16 = 0x100;
/// Bytes of a PES packet's header with PTS, and of DTS.
const PES_HEADER_BYTES: usize = 14;
const DTS_BYTES: usize = 5;
/// Bytes of a PES packet's header that its length does not count.
const PES_UNCOUNTED_BYTES: usize = 6;

/// Whether a transport stream has a place for `codec`, with the configuration it has.
#[must_use]
pub fn carries(codec: &Codec) -> bool {
    Form::of(codec).is_some()
}

/// Writes frames as a transport stream of one program, in whole packets.
///
/// For segments, call [`Muxer::start_segment`] before the first frame of each: it writes PAT and PMT, and continuity counters go
/// on. Without that call the stream is an endless one: tables come in front of every keyframe and at least every 100 ms.
///
/// Pictures get an access unit delimiter in front, and keyframes the parameter sets in force where they lack them. A frame is
/// one PES packet.
#[derive(Debug)]
pub struct Muxer {
    tracks: Vec<Elementary>,
    association: Table,
    map: Table,
    /// Of the program map, 5 bits.
    version: u8,
    /// Index of the track whose packets tell the clock.
    clock_track: usize,
    /// The caller cuts segments, and tables are written there only.
    cuts: bool,
    /// DTS in front of which the tables were written last; `None` if they have to come before the next frame.
    tables_at: Option<i64>,
    /// DTS for which the clock was told last; `None` if it has to be told with the next frame.
    clock_at: Option<i64>,
    /// The last DTS of the track that tells the clock.
    clock_track_at: Option<i64>,
}

#[derive(Debug)]
struct Elementary {
    id: TrackId,
    /// `None` once its codec has changed to one that is not carried.
    form: Option<Form>,
    codec: Codec,
    channel: Channel,
}

/// A table that fits one packet.
#[derive(Debug)]
struct Table {
    channel: Channel,
    payload: Vec<u8>,
}

impl Table {
    fn write(&mut self, out: &mut BytesMut) {
        Unit::new(&mut self.channel, Adaptation::default(), self.payload.len(), out).put(&self.payload);
    }
}

impl Muxer {
    /// A muxer for these tracks. The clock is the first video track's, or the first one's where there is none.
    ///
    /// # Errors
    /// If a codec is not carried (see [`carries`]), there are more than [`MAX_TS_TRACKS`], or none.
    pub fn new(tracks: &[Track]) -> Result<Self, Unsupported> {
        if tracks.is_empty() {
            return Err(Unsupported::Nothing { container: NAME });
        }
        if tracks.len() > MAX_TS_TRACKS {
            let got = tracks.len();
            return Err(Unsupported::Tracks {
                container: NAME,
                kind: "video and audio",
                most: MAX_TS_TRACKS,
                got,
            });
        }
        let elementary = |(pid, track): (u16, &Track)| {
            let form = Form::of(&track.codec).ok_or_else(|| Unsupported::codec(NAME, &track.codec))?;
            Ok(Elementary {
                id: track.id,
                form: Some(form),
                codec: track.codec.clone(),
                channel: Channel::new(pid),
            })
        };
        let mut muxer = Self {
            clock_track: tracks.iter().position(|track| track.kind() == Kind::Video).unwrap_or(0),
            tracks: (FIRST_PID..).zip(tracks).map(elementary).collect::<Result<_, _>>()?,
            association: Table {
                channel: Channel::new(psi::PAT_PID),
                payload: psi::association(PROGRAM, MAP_PID),
            },
            map: Table { channel: Channel::new(MAP_PID), payload: Vec::new() },
            version: 0,
            cuts: false,
            tables_at: None,
            clock_at: None,
            clock_track_at: None,
        };
        muxer.describe();
        Ok(muxer)
    }

    /// A segment starts: writes PAT and PMT. From the first call on, tables are written here only.
    pub fn start_segment(&mut self, out: &mut BytesMut) {
        self.cuts = true;
        self.clock_at = None;
        self.write_tables(self.tables_at.unwrap_or(0), out);
    }

    /// The track goes on with `codec`, as [`Frame::new_codec`] says: the program map gets the next version. [`Muxer::write`] calls
    /// it where the caller has not; call it before [`Muxer::start_segment`], so that the segment starts with the new map.
    ///
    /// # Errors
    /// If the codec is not carried. The track's frames are passed over from then on.
    pub fn change(&mut self, track: TrackId, codec: &Codec) -> Result<(), Unsupported> {
        let Some(elementary) = self.tracks.iter_mut().find(|elementary| elementary.id == track) else {
            return Ok(());
        };
        if elementary.codec == *codec {
            return Ok(());
        }
        elementary.codec = codec.clone();
        elementary.form = Form::of(codec);
        let carried = elementary.form.is_some();
        self.version = (self.version + 1) & 0x1f;
        self.tables_at = None;
        self.describe();
        if carried { Ok(()) } else { Err(Unsupported::codec(NAME, codec)) }
    }

    /// Writes one frame. Frames of other tracks, of a codec that is not carried, and sound too large for a PES packet are passed
    /// over.
    pub fn write(&mut self, frame: &Frame, out: &mut BytesMut) {
        if let Some(codec) = &frame.new_codec {
            // A codec without a place leaves the track without a form: its frames are passed over below.
            let _ = self.change(frame.track, codec);
        }
        let Some(index) = self.tracks.iter().position(|track| track.id == frame.track) else { return };
        let Some(Elementary { form: Some(form), codec, .. }) = self.tracks.get(index) else { return };
        let mut bytes = 0;
        form.pieces(frame, |piece| bytes += piece.len());
        let is_video = codec.kind() == Kind::Video;
        if bytes == 0 || (!is_video && bytes + PES_HEADER_BYTES > usize::from(u16::MAX)) {
            return;
        }
        let dts = ticks(frame.dts);
        self.write_tables_if_due(dts, is_video && frame.keyframe, out);
        let clock = self.tell_clock(index, dts, out);
        let random_access = frame.keyframe && (is_video || index == self.clock_track);
        let adaptation = Adaptation { random_access, clock };
        let Some(Elementary { form: Some(form), channel, .. }) = self.tracks.get_mut(index) else { return };
        let (header, header_bytes) = pes_header(form.stream_id(), ticks(frame.pts), dts, bytes);
        let mut unit = Unit::new(channel, adaptation, header_bytes + bytes, out);
        unit.put(header.get(..header_bytes).unwrap_or_default());
        form.pieces(frame, |piece| unit.put(piece));
    }

    /// Makes the program map.
    fn describe(&mut self) {
        let entries: Vec<MapEntry> = self
            .tracks
            .iter()
            .filter_map(|track| {
                let form = track.form.as_ref()?;
                let (stream_type, descriptors) = (form.stream_type(), form.descriptors());
                Some(MapEntry { stream_type, pid: track.channel.pid, descriptors })
            })
            .collect();
        let clock_pid = self.tracks.get(self.clock_track).map_or(FIRST_PID, |track| track.channel.pid);
        self.map.payload = psi::map(PROGRAM, self.version, clock_pid, &entries);
    }

    fn write_tables(&mut self, dts: i64, out: &mut BytesMut) {
        self.tables_at = Some(dts);
        self.association.write(out);
        self.map.write(out);
    }

    fn write_tables_if_due(&mut self, dts: i64, keyframe: bool, out: &mut BytesMut) {
        let due = self
            .tables_at
            .is_none_or(|at| !self.cuts && (keyframe || !(0..in_ticks(TS_REPEAT)).contains(&(dts - at))));
        if due {
            self.write_tables(dts, out);
        }
    }

    /// The clock for the packet of a frame of track `index`, if that is where it belongs. Packets that only tell the time are
    /// written where the clock would otherwise not come often enough.
    fn tell_clock(&mut self, index: usize, dts: i64, out: &mut BytesMut) -> Option<Clock> {
        let own = index == self.clock_track;
        if own {
            self.clock_track_at = Some(dts);
        } else if self.clock_track_at.is_some_and(|at| dts - at < in_ticks(TS_CLOCK_SILENCE)) {
            return None;
        }
        let (mut discontinuity, is_video) = (false, self.tracks.get(index)?.codec.kind() == Kind::Video);
        if let Some(at) = self.clock_at {
            let step = dts - at;
            discontinuity = step > in_ticks(TS_GAP) || step < -LEAD_TICKS;
            let due = if own && is_video { 0 } else { in_ticks(TS_CLOCK_DUE) };
            if !discontinuity && step <= due {
                return None;
            }
            if !discontinuity {
                self.fill_clock(at, dts, out);
            }
        }
        self.clock_at = Some(dts);
        let clock = Clock { ticks: dts - LEAD_TICKS, discontinuity };
        if own {
            return Some(clock);
        }
        self.tracks.get_mut(self.clock_track)?.channel.clock(clock, out);
        None
    }

    /// Tells the clock between two frames that are too far apart.
    fn fill_clock(&mut self, from: i64, to: i64, out: &mut BytesMut) {
        let Some(track) = self.tracks.get_mut(self.clock_track) else { return };
        let mut at = from + in_ticks(TS_REPEAT);
        while at < to {
            track.channel.clock(Clock { ticks: at - LEAD_TICKS, discontinuity: false }, out);
            at += in_ticks(TS_REPEAT);
        }
    }
}

/// The header of a PES packet (ISO/IEC 13818-1 §2.4.3.6) in front of `bytes`, and how many of its bytes count. The length is 0,
/// which means unknown, where 16 bits cannot tell it; only video may be that long.
fn pes_header(
    stream_id: u8,
    pts: i64,
    dts: i64,
    bytes: usize,
) -> ([u8; PES_HEADER_BYTES + DTS_BYTES], usize) {
    const PTS_ONLY: u8 = 2;
    const PTS_AND_DTS: u8 = 3;
    const PTS_ALONE_BYTES: u8 = 5;
    let mut header = [0; PES_HEADER_BYTES + DTS_BYTES];
    let both = pts != dts;
    let header_bytes = PES_HEADER_BYTES + if both { DTS_BYTES } else { 0 };
    let length = u16::try_from(header_bytes - PES_UNCOUNTED_BYTES + bytes).unwrap_or(0).to_be_bytes();
    let (marks, time_bytes) =
        if both { (PTS_AND_DTS, 2 * PTS_ALONE_BYTES) } else { (PTS_ONLY, PTS_ALONE_BYTES) };
    // Aligned: the payload starts with an access unit.
    let start = [0, 0, 1, stream_id, length[0], length[1], 0x84, marks << 6, time_bytes];
    let [p0, p1, p2, p3, p4] = time(marks, pts);
    let [d0, d1, d2, d3, d4] = time(1, dts);
    let times = [p0, p1, p2, p3, p4, d0, d1, d2, d3, d4];
    for (place, byte) in header.iter_mut().zip(start.into_iter().chain(times)) {
        *place = byte;
    }
    (header, header_bytes)
}

/// 33 bits of time behind 4 bits that tell which one, cut into 3, 15 and 15 with a marker bit behind each.
fn time(mark: u8, ticks: i64) -> [u8; 5] {
    let bits = (ticks & CLOCK_MASK).cast_unsigned();
    let spread = (u64::from(mark) << 36)
        | ((bits >> 30) << 33)
        | (((bits >> 15) & 0x7fff) << 17)
        | ((bits & 0x7fff) << 1)
        | (1 << 32 | 1 << 16 | 1);
    let [_, _, _, b0, b1, b2, b3, b4] = spread.to_be_bytes();
    [b0, b1, b2, b3, b4]
}

/// A bound in ticks of the 90 kHz clock.
fn in_ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).saturating_mul(i64::from(CLOCK_HZ)) / 1_000_000
}
