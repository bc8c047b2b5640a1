//! A strict reader of MPEG transport streams (ISO/IEC 13818-1) that forgives nothing: for what our muxer writes.
//!
//! It shares no code with the muxer or the demuxer.

use std::collections::BTreeMap;
use std::time::Duration;

const PACKET_BYTES: usize = 188;
const WRAP: u64 = 1 << 33;
/// 100 ms of the 90 kHz clock.
const CLOCK_INTERVAL: u64 = 9_000;

/// How the tables come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// In front of every segment only.
    Segments,
    /// An endless stream: in front of every keyframe, and every 100 ms.
    Endless,
}

/// One PES packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pes {
    /// The PID it came on.
    pub pid: u16,
    /// In ticks of 90 kHz, 33 bits.
    pub pts: u64,
    /// As `pts`.
    pub dts: u64,
    /// Its first packet says that decoding can start here.
    pub random_access: bool,
    /// Its length was told.
    pub bounded: bool,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// What a stream has in it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Stream type by PID, of the last program map.
    pub streams: BTreeMap<u16, u8>,
    /// Every PES packet, in the order of their first packets.
    pub pes: Vec<Pes>,
    /// How many clock references there are, and how many of them say that time does not go on.
    pub clocks: usize,
    /// See `clocks`.
    pub discontinuities: usize,
    /// The versions of the program map, each once in a row.
    pub versions: Vec<u8>,
    /// How often the tables came.
    pub tables: usize,
}

impl Summary {
    /// The PES packets of a PID.
    pub fn of(&self, pid: u16) -> impl Iterator<Item = &Pes> {
        self.pes.iter().filter(move |pes| pes.pid == pid)
    }
}

/// Reads a whole stream.
///
/// # Errors
/// The first rule that is broken, and at which packet.
pub fn check(stream: &[u8], tables: Tables) -> Result<Summary, String> {
    let mut state = State { endless: tables == Tables::Endless, ..State::default() };
    if !stream.len().is_multiple_of(PACKET_BYTES) {
        return Err(format!("{} bytes are no whole number of packets", stream.len()));
    }
    for (number, packet) in stream.chunks_exact(PACKET_BYTES).enumerate() {
        state.packet(packet).map_err(|rule| format!("packet {number}: {rule}"))?;
    }
    for pid in state.open.keys().copied().collect::<Vec<_>>() {
        state.end(pid).map_err(|rule| format!("at the end: {rule}"))?;
    }
    Ok(state.summary)
}

#[derive(Debug, Default)]
struct State {
    endless: bool,
    continuity: BTreeMap<u16, u8>,
    map_pid: Option<u16>,
    clock_pid: Option<u16>,
    last_clock: Option<u64>,
    /// The PES packet that is open on a PID: its index in the summary, its stream type, its bytes so far.
    open: BTreeMap<u16, (usize, u8, Vec<u8>)>,
    last_dts: BTreeMap<u16, u64>,
    /// The latest DTS in front of which the tables came; `None` right after them.
    tables_at: Option<u64>,
    last_map: Vec<u8>,
    /// The packet before was the last one of the tables.
    after_tables: bool,
    summary: Summary,
}

fn ensure(holds: bool, rule: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule()) }
}

/// From `a` on to `b`, the short way round the wrap.
fn step(a: u64, b: u64) -> i64 {
    let ahead = (b + WRAP - a) % WRAP;
    let signed = i64::try_from(ahead).expect("33 bits");
    if ahead < WRAP / 2 { signed } else { signed - i64::try_from(WRAP).expect("33 bits") }
}

impl State {
    fn packet(&mut self, packet: &[u8]) -> Result<(), String> {
        let (b1, b2, b3) = (packet[1], packet[2], packet[3]);
        ensure(packet[0] == 0x47, || "no sync byte".to_owned())?;
        ensure(b1 & 0x80 == 0 && b3 & 0xc0 == 0, || "an error or scrambling is indicated".to_owned())?;
        let pid = u16::from_be_bytes([b1 & 0x1f, b2]);
        let (unit_start, counter) = (b1 & 0x40 != 0, b3 & 0x0f);
        let (has_adaptation, has_payload) = (b3 & 0x20 != 0, b3 & 0x10 != 0);
        ensure(has_adaptation || has_payload, || "neither adaptation field nor payload".to_owned())?;
        let mut body = &packet[4..];
        let (mut random_access, mut clock) = (false, None);
        if has_adaptation {
            let length = usize::from(body[0]);
            let most = if has_payload { 182 } else { 183 };
            ensure(if has_payload { length <= most } else { length == most }, || {
                format!("an adaptation field of {length} bytes")
            })?;
            (random_access, clock) = adaptation(&body[1..=length])?;
            body = &body[1 + length..];
        }
        self.count(pid, counter, has_payload)?;
        if let Some(clock) = clock {
            self.clock(pid, clock)?;
        }
        if !has_payload {
            return Ok(());
        }
        if pid == 0 {
            self.association(section(body, unit_start, 0)?)
        } else if Some(pid) == self.map_pid {
            self.map(section(body, unit_start, 2)?)
        } else {
            self.media(pid, unit_start, random_access, body)
        }
    }

    fn count(&mut self, pid: u16, counter: u8, has_payload: bool) -> Result<(), String> {
        let expected =
            self.continuity.get(&pid).map(|last| if has_payload { (last + 1) & 15 } else { *last });
        ensure(expected.is_none_or(|expected| expected == counter), || {
            format!("PID {pid:#x} counts {counter}, expected {expected:?}")
        })?;
        if has_payload {
            self.continuity.insert(pid, counter);
        }
        Ok(())
    }

    fn clock(&mut self, pid: u16, (ticks, discontinuity): (u64, bool)) -> Result<(), String> {
        ensure(Some(pid) == self.clock_pid, || format!("a clock on PID {pid:#x}"))?;
        if let (Some(last), false) = (self.last_clock, discontinuity) {
            let step = step(last, ticks);
            ensure((0..=CLOCK_INTERVAL.cast_signed()).contains(&step), || {
                format!("the clock steps by {step} ticks")
            })?;
        }
        self.last_clock = Some(ticks);
        self.summary.clocks += 1;
        self.summary.discontinuities += usize::from(discontinuity);
        Ok(())
    }

    fn association(&mut self, section: &[u8]) -> Result<(), String> {
        ensure(section.len() == 16, || "not one program".to_owned())?;
        let map_pid = u16::from_be_bytes([section[10] & 0x1f, section[11]]);
        ensure(section[8..10] != [0, 0], || "a network table instead of a program".to_owned())?;
        ensure(self.map_pid.is_none_or(|old| old == map_pid), || "the map moves".to_owned())?;
        self.map_pid = Some(map_pid);
        Ok(())
    }

    fn map(&mut self, section: &[u8]) -> Result<(), String> {
        let version = (section[5] >> 1) & 0x1f;
        let changed = section[..section.len() - 4] != self.last_map;
        ensure(!changed || self.summary.versions.last() != Some(&version), || {
            format!("the map changes within version {version}")
        })?;
        self.last_map = section[..section.len() - 4].to_vec();
        if self.summary.versions.last() != Some(&version) {
            self.summary.versions.push(version);
        }
        self.clock_pid = Some(u16::from_be_bytes([section[8] & 0x1f, section[9]]));
        let program_info = usize::from(u16::from_be_bytes([section[10] & 0x0f, section[11]]));
        let mut rest = &section[12 + program_info..section.len() - 4];
        self.summary.streams.clear();
        while rest.len() >= 5 {
            let pid = u16::from_be_bytes([rest[1] & 0x1f, rest[2]]);
            let info = usize::from(u16::from_be_bytes([rest[3] & 0x0f, rest[4]]));
            ensure(self.summary.streams.insert(pid, rest[0]).is_none(), || format!("PID {pid:#x} twice"))?;
            rest = rest.get(5 + info..).ok_or("a descriptor beyond the section")?;
        }
        ensure(rest.is_empty(), || "bytes behind the last stream".to_owned())?;
        self.summary.tables += 1;
        (self.tables_at, self.after_tables) = (None, true);
        Ok(())
    }

    fn media(&mut self, pid: u16, unit_start: bool, random_access: bool, body: &[u8]) -> Result<(), String> {
        let stream_type = *self.summary.streams.get(&pid).ok_or(format!("PID {pid:#x} is not in the map"))?;
        if !unit_start {
            let (_, _, bytes) = self.open.get_mut(&pid).ok_or("a PES packet goes on that has not started")?;
            bytes.extend_from_slice(body);
            return Ok(());
        }
        self.end(pid)?;
        let (pts, dts) = pes_times(body)?;
        ensure(step(dts, pts) >= 0, || format!("PTS {pts} is before DTS {dts}"))?;
        if let Some(last) = self.last_dts.insert(pid, dts) {
            ensure(step(last, dts) >= 0, || format!("DTS runs back from {last} to {dts}"))?;
        }
        if let Some(clock) = self.last_clock {
            ensure(step(clock, dts) >= 0, || format!("DTS {dts} is before the clock, {clock}"))?;
        }
        let is_video = matches!(stream_type, 0x1b | 0x24);
        if self.endless {
            ensure(!(is_video && random_access) || self.after_tables, || {
                "a keyframe without tables in front".to_owned()
            })?;
            let at = *self.tables_at.get_or_insert(dts);
            ensure(step(at, dts) <= CLOCK_INTERVAL.cast_signed(), || "no tables for 100 ms".to_owned())?;
        }
        self.after_tables = false;
        let index = self.summary.pes.len();
        let bounded = body[4..6] != [0, 0];
        self.summary.pes.push(Pes { pid, pts, dts, random_access, bounded, payload: Vec::new() });
        self.open.insert(pid, (index, stream_type, body.to_vec()));
        Ok(())
    }

    /// The PES packet that is open on a PID is whole.
    fn end(&mut self, pid: u16) -> Result<(), String> {
        let Some((index, stream_type, bytes)) = self.open.remove(&pid) else { return Ok(()) };
        let (id, length) = (bytes[3], usize::from(u16::from_be_bytes([bytes[4], bytes[5]])));
        let expected = match stream_type {
            0x1b | 0x24 => 0xe0,
            0x06 => 0xbd,
            _ => 0xc0,
        };
        ensure(id & 0xf0 == expected & 0xf0, || {
            format!("stream id {id:#x} for stream type {stream_type:#x}")
        })?;
        ensure(length == 0 && id == 0xe0 || length + 6 == bytes.len(), || {
            format!("a PES packet says {length} and has {} bytes behind its length", bytes.len() - 6)
        })?;
        let payload = bytes[9 + usize::from(bytes[8])..].to_vec();
        let delimiter: &[u8] = match stream_type {
            0x1b => &[0, 0, 0, 1, 9],
            0x24 => &[0, 0, 0, 1, 0x46],
            0x0f => &[0xff, 0xf1],
            0x03 | 0x04 => &[0xff],
            0x06 => &[0x7f, 0xe0],
            other => return Err(format!("stream type {other:#x}")),
        };
        ensure(payload.starts_with(delimiter), || {
            format!(
                "a payload of stream type {stream_type:#x} starts with {:02x?}",
                &payload[..payload.len().min(5)]
            )
        })?;
        self.summary.pes[index].payload = payload;
        Ok(())
    }
}

/// What an adaptation field says: random access; clock and whether it is discontinuous.
fn adaptation(field: &[u8]) -> Result<(bool, Option<(u64, bool)>), String> {
    let Some((&flags, mut rest)) = field.split_first() else { return Ok((false, None)) };
    ensure(flags & 0x0f == 0 && flags & 0x20 == 0, || format!("adaptation flags {flags:#x}"))?;
    let mut clock = None;
    if flags & 0x10 != 0 {
        ensure(rest.len() >= 6, || "no room for the clock".to_owned())?;
        let bits = rest[..6].iter().fold(0u64, |bits, &byte| (bits << 8) | u64::from(byte));
        ensure((bits >> 9) & 0x3f == 0x3f, || "reserved bits of the clock are not 1".to_owned())?;
        ensure(bits & 0x1ff < 300, || "a clock extension of 300 or more".to_owned())?;
        clock = Some((bits >> 15, flags & 0x80 != 0));
        rest = &rest[6..];
    }
    ensure(flags & 0x80 == 0 || clock.is_some(), || "a discontinuity without a clock".to_owned())?;
    ensure(rest.iter().all(|&byte| byte == 0xff), || "stuffing that is not 0xff".to_owned())?;
    Ok((flags & 0x40 != 0, clock))
}

/// The section that fills a packet, its CRC right.
fn section(body: &[u8], unit_start: bool, table: u8) -> Result<&[u8], String> {
    ensure(unit_start && body[0] == 0, || "a table that does not start its packet".to_owned())?;
    let body = &body[1..];
    ensure(body[0] == table, || format!("table {} where {table} belongs", body[0]))?;
    ensure(body[1] & 0xf0 == 0xb0, || format!("section flags {:#x}", body[1]))?;
    let length = 3 + usize::from(u16::from_be_bytes([body[1] & 0x0f, body[2]]));
    let section = body.get(..length).ok_or("a section beyond its packet")?;
    ensure(section[5] & 0xc1 == 0xc1 && section[6..8] == [0, 0], || {
        "section numbers or reserved bits".to_owned()
    })?;
    ensure(body[length..].iter().all(|&byte| byte == 0xff), || "stuffing that is not 0xff".to_owned())?;
    let crc = section.iter().fold(u32::MAX, |mut crc, &byte| {
        crc ^= u32::from(byte) << 24;
        for _ in 0..8 {
            crc = (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        }
        crc
    });
    ensure(crc == 0, || "a wrong CRC".to_owned())?;
    Ok(section)
}

/// PTS and DTS of the PES packet that starts with `body`.
fn pes_times(body: &[u8]) -> Result<(u64, u64), String> {
    ensure(body.len() >= 19 && body[..3] == [0, 0, 1], || "no PES start code".to_owned())?;
    ensure(body[6] & 0xf3 == 0x80 && body[7] & 0x3f == 0, || format!("PES flags {:02x?}", &body[6..8]))?;
    let time = |mark: u8, b: &[u8]| {
        let marked = b[0] >> 4 == mark && b[0] & b[2] & b[4] & 1 == 1;
        ensure(marked, || format!("marker bits of a time: {b:02x?}"))?;
        let bits = |byte: u8, mask: u8, shift: u32| u64::from(byte & mask) << shift;
        Ok::<u64, String>(
            bits(b[0], 0x0e, 29)
                | bits(b[1], 0xff, 22)
                | bits(b[2], 0xfe, 14)
                | bits(b[3], 0xff, 7)
                | bits(b[4], 0xfe, 0) >> 1,
        )
    };
    match (body[7] >> 6, body[8]) {
        (2, 5) => time(2, &body[9..14]).map(|pts| (pts, pts)),
        (3, 10) => Ok((time(3, &body[9..14])?, time(1, &body[14..19])?)),
        (flags, length) => Err(format!("PTS and DTS flags {flags} with {length} bytes")),
    }
}

/// The 90 kHz ticks of a duration.
pub fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos() * 9 / 100_000).expect("a test's duration")
}
