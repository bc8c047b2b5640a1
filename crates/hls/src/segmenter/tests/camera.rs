//! A camera, and a client that loads everything and objects to what is wrong.

use crate::limits::MAX_SEGMENT_BYTES;
use crate::*;
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_container::{Event, fmp4, mpegts};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::h264::ParameterSets;
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track, TrackId};
use yeoul_testkit::hls::{Checker, Finding};
use yeoul_testkit::{epoch, h264, wall_epoch};

pub(super) const VIDEO: TrackId = TrackId(1);
pub(super) const AUDIO: TrackId = TrackId(2);

pub(super) fn h264(width: u32) -> Codec {
    let units = [h264::sps(width, 720), h264::pps()].map(Bytes::from);
    Codec::H264(Some(ParameterSets::from_units(units).expect("parameter sets of the test kit")))
}

pub(super) fn aac() -> Codec {
    Codec::Aac(AudioSpecificConfig::low_complexity(16_000, 1).expect("a configuration"))
}

pub(super) fn video() -> Track {
    Track { id: VIDEO, codec: h264(1280) }
}

pub(super) fn audio() -> Track {
    Track { id: AUDIO, codec: aac() }
}

pub(super) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn clock() -> WallClock {
    WallClock { at: epoch(), time: wall_epoch() }
}

/// Low latency, as it is by default.
pub(super) fn low_latency() -> Options {
    Options::low_latency(clock())
}

pub(super) fn classic(form: Form) -> Options {
    Options::classic(form, clock())
}

/// Makes frames whose bytes tell them apart.
#[derive(Debug, Default)]
pub(super) struct Camera {
    pub(super) count: u64,
    pub(super) codec: Option<Arc<Codec>>,
}

impl Camera {
    /// A frame at this media time that comes in at the same time since the epoch.
    pub(super) fn frame(&mut self, track: TrackId, at: Duration, keyframe: bool) -> Frame {
        self.count += 1;
        let mut data = BytesMut::new();
        if track == VIDEO {
            let mut slice = h264::slice(if keyframe { h264::Slice::Idr } else { h264::Slice::P }, 100);
            slice.extend(digits(self.count));
            nal::put_length_prefixed(&mut data, &slice);
        } else {
            data.extend([0x21; 100]);
            data.extend(digits(self.count));
        }
        Frame {
            track,
            keyframe,
            pts: Timestamp::ZERO + at,
            dts: Timestamp::ZERO + at,
            new_codec: if track == VIDEO { self.codec.take() } else { None },
            captured_at: None,
            received_at: epoch() + at,
            data: data.freeze(),
        }
    }
}

/// A number in bytes that make no start code.
fn digits(number: u64) -> impl Iterator<Item = u8> {
    (0..8).rev().map(move |digit| 0x40 | u8::try_from((number >> (6 * digit)) & 0x3f).unwrap())
}

/// The number that a frame ends with.
pub(super) fn number_of(frame: &Bytes) -> u64 {
    frame[frame.len() - 8..].iter().fold(0, |number, digit| number << 6 | u64::from(digit & 0x3f))
}

/// A frame as a client finds it in a segment: its track and its number.
pub(super) type Seen = (TrackId, u64);

/// Loads every playlist and everything in it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) segmenter: Segmenter,
    checker: Checker,
    delta: Checker,
    generation: u32,
    /// Frames by the segment they are in.
    segments: BTreeMap<u64, Vec<Seen>>,
    pub(super) latest: Option<Arc<Snapshot>>,
    pub(super) most_bytes: usize,
    pub(super) loads: usize,
}

impl Client {
    pub(super) fn new(options: Options, tracks: &[Track]) -> Self {
        Self {
            segmenter: Segmenter::new(options, tracks).expect("a segmenter"),
            checker: Checker::new(),
            delta: Checker::new(),
            generation: 0,
            segments: BTreeMap::new(),
            latest: None,
            most_bytes: 0,
            loads: 0,
        }
    }

    /// Gives a frame to the segmenter, after the time up to then, and loads what is new.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        self.wait(frame.received_at);
        let pushed = self.segmenter.push(frame);
        self.load();
        pushed
    }

    /// Time passes without frames.
    pub(super) fn wait(&mut self, until: Instant) {
        while let Some(timeout) = self.segmenter.timeout().filter(|&timeout| timeout <= until) {
            self.segmenter.handle_timeout(timeout).expect("time can pass");
            let next = self.segmenter.timeout();
            assert!(next.is_none_or(|next| next > timeout), "time stands still at {timeout:?}");
            self.load();
        }
    }

    pub(super) fn end(&mut self) {
        self.segmenter.end().expect("it can end");
        self.load();
    }

    pub(super) fn text(&self) -> String {
        let snapshot = self.latest.as_ref().expect("a snapshot");
        String::from_utf8(snapshot.playlist(0, false).to_vec()).expect("text")
    }

    /// Frames of complete segments, in the order in which they are played.
    pub(super) fn frames(&self) -> Vec<Seen> {
        self.segments.values().flatten().cloned().collect()
    }

    fn load(&mut self) {
        if !self.segmenter.changed() {
            return;
        }
        let Some(snapshot) = self.segmenter.snapshot(&[]) else { return };
        if snapshot.generation() != self.generation {
            self.generation = snapshot.generation();
            self.checker.starts_anew();
            self.delta.starts_anew();
        }
        self.loads += 1;
        let text = String::from_utf8(snapshot.playlist(0, false).to_vec()).expect("text");
        let delta = String::from_utf8(snapshot.playlist(0, true).to_vec()).expect("text");
        check(&self.checker.load(&text), &text);
        check(&self.delta.load_delta(&delta), &delta);
        let merged =
            self.delta.playlist().map(|playlist| playlist.segments.iter().map(|s| s.uri.clone()).collect());
        let whole =
            self.checker.playlist().map(|playlist| playlist.segments.iter().map(|s| s.uri.clone()).collect());
        assert_eq!(merged, whole as Option<Vec<_>>, "a delta update is the whole playlist once merged");
        m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("m3u8-rs reads it");
        self.fetch(&snapshot);
        self.reload(&snapshot);
        if let Some(before) = &self.latest {
            assert!(before.version() < snapshot.version());
            still_there(before, &snapshot);
        }
        self.latest = Some(snapshot);
    }

    /// Everything that is listed can be fetched, and parts are what their segment is made of.
    fn fetch(&mut self, snapshot: &Snapshot) {
        let playlist = self.checker.playlist().expect("it was loaded");
        for listed in &playlist.segments {
            let Found::Here(segment) = snapshot.segment(listed.msn) else {
                panic!("segment {} is gone", listed.msn)
            };
            assert_eq!(segment.gap, listed.gap);
            assert_eq!(segment.size_bytes, segment.pieces.iter().map(Bytes::len).sum::<usize>());
            assert!(segment.size_bytes <= MAX_SEGMENT_BYTES + 4096);
            if !listed.parts.is_empty() {
                let of_parts: Vec<&Bytes> =
                    segment.parts.iter().map(|part| &part.bytes).filter(|bytes| !bytes.is_empty()).collect();
                assert!(of_parts.into_iter().eq(&segment.pieces), "a segment is its parts");
            }
            self.segments.entry(listed.msn).or_insert_with(|| frames_of(segment));
        }
        for part in playlist.segments.iter().chain(&playlist.open).flat_map(|segment| &segment.parts) {
            let Found::Here(found) = snapshot.part(number(&part.uri)) else { panic!("{} is gone", part.uri) };
            assert_eq!((found.gap, found.bytes.is_empty()), (part.gap, part.gap), "{}", part.uri);
        }
        for hint in &playlist.hints {
            assert!(matches!(snapshot.part(number(&hint.uri)), Found::Soon), "{}", hint.uri);
        }
        if let Some(map) =
            playlist.segments.iter().chain(&playlist.open).find_map(|segment| segment.map.clone())
        {
            assert!(snapshot.init(number(&map)).is_some(), "{map} is gone");
        }
        let mut bytes: usize = snapshot.segments.iter().map(|segment| segment.size_bytes).sum();
        bytes += snapshot.open_parts.iter().map(|part| part.bytes.len()).sum::<usize>();
        self.most_bytes = self.most_bytes.max(bytes);
    }

    /// What is there is answered at once, what comes next is waited for.
    fn reload(&self, snapshot: &Snapshot) {
        let ask = |msn, part| reload(snapshot, &Directives { msn: Some(msn), part, skip: false });
        let (msn, part) = snapshot.last();
        assert_eq!(ask(msn, part), Ok(Reload::Ready));
        let waits = if snapshot.position().ended || !snapshot.position().can_block {
            Reload::Ready
        } else {
            Reload::Wait
        };
        let next = match part {
            Some(part) if msn == snapshot.position().open_msn => ask(msn, Some(part + 1)),
            Some(_) => ask(msn + 1, Some(0)),
            None => ask(msn + 1, None),
        };
        assert_eq!(next, Ok(waits));
    }
}

/// What was listed a moment ago can still be fetched: a client may be about to.
fn still_there(before: &Snapshot, after: &Snapshot) {
    if before.generation() != after.generation() {
        return;
    }
    let listed = before.segments.len().min(3);
    for segment in before.segments.iter().rev().take(listed) {
        assert!(
            matches!(after.segment(segment.msn), Found::Here(_)),
            "segment {} went too early",
            segment.msn
        );
    }
    for part in &before.open_parts {
        assert!(matches!(after.part(part.number), Found::Here(_)), "part {} went too early", part.number);
    }
}

fn check(findings: &[Finding], text: &str) {
    // Where to start is our advice against the standard's: see docs/design/06-hls.md.
    let unexpected: Vec<String> = findings
        .iter()
        .filter(|finding| {
            finding.must || !(finding.text.starts_with("TIME-OFFSET is within") || unsteady(finding))
        })
        .map(ToString::to_string)
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}\n{text}");
}

/// Where frames are suddenly much further apart than a part can be long, or much closer, parts have the length that is
/// allowed, which is not that of their frames.
fn unsteady(finding: &Finding) -> bool {
    finding.text.starts_with("parts and segment differ")
}

/// The number in a name such as `part12.m4s`.
fn number(name: &str) -> u64 {
    let stem = name.split('.').next().unwrap_or_default();
    stem.trim_start_matches(|character: char| !character.is_ascii_digit()).parse().expect("a number")
}

/// The frames of a segment, as another program finds them in it.
fn frames_of(segment: &Segment) -> Vec<Seen> {
    let mut events = Vec::new();
    if let Some(init) = &segment.head.init {
        let mut demuxer = fmp4::Demuxer::new();
        for bytes in std::iter::once(&init.bytes).chain(&segment.pieces) {
            demuxer.push(bytes, epoch()).expect("a segment reads");
        }
        events.extend(std::iter::from_fn(|| demuxer.pull()));
        assert_eq!(demuxer.damaged(), 0);
    } else {
        let mut demuxer = mpegts::Demuxer::default();
        segment.pieces.iter().for_each(|piece| demuxer.push(piece, epoch()).expect("a segment reads"));
        demuxer.finish();
        events.extend(std::iter::from_fn(|| demuxer.pull()));
        assert_eq!(demuxer.damaged_frames(), 0);
    }
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Tracks(told) => tracks = told,
            Event::Frame(frame) => {
                let track =
                    tracks.iter().find(|track: &&Track| track.id == frame.track).expect("it was told");
                frames
                    .push((if track.kind() == Kind::Video { VIDEO } else { AUDIO }, number_of(&frame.data)));
            }
        }
    }
    frames
}
