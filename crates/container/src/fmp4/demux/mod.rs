//! [`Demuxer`].

mod boxes;
mod description;
mod frame;
mod index;
mod moof;
mod movie;
mod table;
mod timeline;

use super::limits::{
    MAX_IDLE_BOXES, MAX_MDAT_BYTES, MAX_MOOF_BYTES, MAX_MOOV_BYTES, MAX_SAMPLE_BYTES, MAX_SKIPPED_BYTES,
};
use crate::Event;
pub use index::{Index, Place, TopBox};

use boxes::{Box, FourCc, Header};
use bytes::{Buf, BytesMut};
use movie::Movie;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use table::{Sample, SampleTable};
use timeline::Timeline;
use yeoul_media::{Frame, Track};

/// Why a file cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemuxError {
    /// Something else than MP4.
    #[error("this is not MP4: it starts with a box of type {0}, expected `ftyp`, `styp`, `moov` or `moof`")]
    NotMp4(String),
    /// A box or a sample beyond its bound.
    #[error("the MP4 {what} has {size} bytes, expected at most {limit}")]
    TooLarge {
        /// A box with its type, or a sample.
        what: String,
        /// Bytes that it says to have.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// A box whose fields contradict the standard.
    #[error("the MP4 box {kind} is damaged: {reason}")]
    Malformed {
        /// Its type.
        kind: String,
        /// What is wrong.
        reason: String,
    },
    /// Box after box without a frame.
    #[error("{MAX_IDLE_BOXES} MP4 boxes follow each other without a single frame")]
    Idle,
    /// Media before the box that says what it is.
    #[error(
        "the media comes before its `moov` box; write the file anew with ffmpeg -c copy -movflags +faststart"
    )]
    MediaFirst,
    /// No track can be read.
    #[error("no track of the MP4 file can be read: {0}")]
    NoTracks(String),
    /// A second `moov` box with other tracks.
    #[error("the tracks changed from {before} to {after} within the stream")]
    TracksChanged {
        /// The codings before.
        before: String,
        /// And after.
        after: String,
    },
}

impl DemuxError {
    fn malformed(kind: FourCc, reason: String) -> Self {
        Self::Malformed { kind: kind.to_string(), reason }
    }
}

/// Reads fragmented MP4, or plain MP4 whose `moov` box comes first, from bytes in chunks of any size.
///
/// Push bytes, then pull until `None`. Tracks are told once, their ids count from 0 in the order of the file; a later `moov` box
/// has to have the same ones. Memory is bounded by [`MAX_MOOV_BYTES`] and the bytes pushed at once. Samples that no
/// decoder could read (a NAL unit that ends after its sample) are counted and passed over.
#[derive(Debug, Default)]
pub struct Demuxer {
    /// Bytes not used yet.
    buffer: BytesMut,
    /// Place of the first of them in the file.
    at: u64,
    state: State,
    movie: Option<Movie>,
    timelines: Vec<Timeline>,
    /// Samples of the last `moof` box still to come.
    fragment: VecDeque<Sample>,
    events: VecDeque<Event>,
    idle_boxes: u32,
    damaged: u64,
    failed: Option<DemuxError>,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The header of a box.
    #[default]
    Header,
    /// A box that is kept until it is whole.
    Whole { header: Header, end: u64 },
    /// A box nobody reads.
    Skip { end: u64 },
    /// Media; without an end up to the end of the file.
    Media { end: Option<u64> },
}

/// What a step needs to go on.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    MoreBytes,
}

impl Demuxer {
    /// A demuxer at the start of a file or a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, which came in at `received_at`.
    ///
    /// # Errors
    /// If the stream cannot be read on; every further push gives the same error. Events before it can still be pulled.
    pub fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), DemuxError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.buffer.extend_from_slice(data);
        loop {
            match self.step(received_at) {
                Ok(Step::Done) => {}
                Ok(Step::MoreBytes) => return Ok(()),
                Err(error) => {
                    self.failed = Some(error.clone());
                    self.buffer = BytesMut::new();
                    return Err(error);
                }
            }
        }
    }

    /// The next event.
    pub fn pull(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The tracks that are passed over and why, a sentence each.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        self.movie.as_ref().map_or(&[], |movie| &movie.left_out)
    }

    /// Samples that no decoder could read.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    fn step(&mut self, received_at: Instant) -> Result<Step, DemuxError> {
        match self.state {
            State::Header => self.header(),
            State::Whole { header, end } => self.whole(header, end),
            State::Skip { end } => Ok(self.skip_to(end)),
            State::Media { end } => self.media(end, received_at),
        }
    }

    fn header(&mut self) -> Result<Step, DemuxError> {
        let Some(header) = Header::read(&self.buffer)? else { return Ok(Step::MoreBytes) };
        let kind = &header.kind.0;
        if self.at == 0 && !starts_a_file(kind) {
            return Err(DemuxError::NotMp4(header.kind.to_string()));
        }
        self.idle_boxes += 1;
        if self.idle_boxes > MAX_IDLE_BOXES {
            return Err(DemuxError::Idle);
        }
        let limit = match kind {
            b"moov" => MAX_MOOV_BYTES,
            b"moof" => MAX_MOOF_BYTES,
            b"mdat" => MAX_MDAT_BYTES,
            _ => MAX_SKIPPED_BYTES,
        };
        let size = match header.size {
            Some(size) => size,
            // Up to the end of the file: what a writer of media may not know.
            None if kind == b"mdat" => limit,
            None => {
                return Err(DemuxError::malformed(
                    header.kind,
                    "it goes up to the end of the file, which only media may".to_owned(),
                ));
            }
        };
        if size > limit {
            return Err(DemuxError::TooLarge { what: format!("box {}", header.kind), size, limit });
        }
        let end = self.at.saturating_add(size);
        self.state = match kind {
            b"moov" | b"moof" => State::Whole { header, end },
            b"mdat" => {
                self.discard(header.header_bytes);
                State::Media { end: header.size.map(|_| end) }
            }
            _ => State::Skip { end },
        };
        Ok(Step::Done)
    }

    fn whole(&mut self, header: Header, end: u64) -> Result<Step, DemuxError> {
        let size = usize::try_from(end - self.at).unwrap_or(usize::MAX);
        if self.buffer.len() < size {
            return Ok(Step::MoreBytes);
        }
        let box_at = self.at;
        let mut body = self.buffer.split_to(size).freeze();
        self.at = end;
        body.advance(header.header_bytes);
        self.state = State::Header;
        let whole = Box { kind: header.kind, body };
        if header.kind.0 == *b"moov" {
            self.take_movie(Movie::read(&whole)?)?;
        } else {
            let movie = self.movie.as_mut().ok_or(DemuxError::MediaFirst)?;
            self.fragment = moof::read(&whole, box_at, &mut movie.tracks)?;
            for sample in &self.fragment {
                if let Some(timeline) = self.timelines.get_mut(sample.track) {
                    timeline.late_by(i64::from(sample.composition).saturating_neg());
                }
            }
        }
        Ok(Step::Done)
    }

    /// The first `moov` box tells the tracks; a later one, as streams have where the configuration changes, has to have the
    /// same ones.
    fn take_movie(&mut self, mut movie: Movie) -> Result<(), DemuxError> {
        if let Some(before) = &self.movie {
            let same = before.tracks.len() == movie.tracks.len()
                && before.tracks.iter().zip(&movie.tracks).all(|(a, b)| a.codec.same_coding(&b.codec));
            if !same {
                let names = |movie: &Movie| {
                    movie.tracks.iter().map(|track| track.codec.name()).collect::<Vec<_>>().join(", ")
                };
                return Err(DemuxError::TracksChanged { before: names(before), after: names(&movie) });
            }
            // The first frame of each track then says what is new.
            for (track, before) in movie.tracks.iter_mut().zip(&before.tracks) {
                track.announced = before.announced.clone();
            }
        } else {
            let tracks = movie.tracks.iter();
            let tracks = tracks.map(|track| Track { id: track.id, codec: track.codec.clone() }).collect();
            self.events.push_back(Event::Tracks(tracks));
            self.timelines = movie.tracks.iter().map(|_| Timeline::default()).collect();
        }
        for table in &movie.tables {
            if let Some(timeline) = table.peek().and_then(|sample| self.timelines.get_mut(sample.track)) {
                timeline.late_by(table.late_by());
            }
        }
        self.fragment.clear();
        self.movie = Some(movie);
        Ok(())
    }

    fn media(&mut self, end: Option<u64>, received_at: Instant) -> Result<Step, DemuxError> {
        let has_bytes = end.is_none_or(|end| end > self.at);
        let Some(movie) = &self.movie else {
            return if has_bytes {
                Err(DemuxError::MediaFirst)
            } else {
                self.state = State::Header;
                Ok(Step::Done)
            };
        };
        let next = next_sample(&self.fragment, &movie.tables);
        let Some(sample) = next.filter(|sample| end.is_none_or(|end| sample.offset < end)) else {
            // Nothing more of this box is asked for; a box without an end swallows all that comes.
            return Ok(self.skip_to(end.unwrap_or(u64::MAX)));
        };
        let bad = |reason: String| DemuxError::malformed(FourCc(*b"mdat"), reason);
        if sample.size > MAX_SAMPLE_BYTES {
            let (size, limit) = (sample.size.into(), MAX_SAMPLE_BYTES.into());
            return Err(DemuxError::TooLarge { what: "sample".to_owned(), size, limit });
        }
        if sample.offset < self.at {
            return Err(bad(format!("a sample is said to start at byte {}, which is past", sample.offset)));
        }
        if end.is_some_and(|end| sample.end() > end) {
            return Err(bad(format!("a sample is said to end at byte {}, after the box", sample.end())));
        }
        if self.at < sample.offset {
            self.skip_bytes_to(sample.offset);
        }
        let size = sample.size as usize;
        if self.at < sample.offset || self.buffer.len() < size {
            return Ok(Step::MoreBytes);
        }
        let data = self.buffer.split_to(size).freeze();
        self.at = sample.end();
        self.take_sample(sample, data, received_at);
        Ok(Step::Done)
    }

    fn take_sample(&mut self, sample: Sample, data: bytes::Bytes, received_at: Instant) {
        let Some(movie) = &mut self.movie else { return };
        // What gave the sample goes on.
        if self.fragment.front() == Some(&sample) {
            self.fragment.pop_front();
        } else if let Some(table) = movie.tables.iter_mut().find(|table| table.peek() == Some(sample)) {
            table.advance();
        }
        let (Some(track), Some(timeline)) =
            (movie.tracks.get_mut(sample.track), self.timelines.get_mut(sample.track))
        else {
            return;
        };
        match read_frame(track, timeline, &sample, data, received_at) {
            Some(frame) => {
                self.idle_boxes = 0;
                self.events.push_back(Event::Frame(frame));
            }
            None => self.damaged += 1,
        }
    }

    /// Passes over bytes up to `end`; the next box starts there.
    fn skip_to(&mut self, end: u64) -> Step {
        self.skip_bytes_to(end);
        if self.at < end {
            return Step::MoreBytes;
        }
        self.state = State::Header;
        Step::Done
    }

    fn skip_bytes_to(&mut self, end: u64) {
        let count = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        self.discard(count.min(self.buffer.len()));
    }

    fn discard(&mut self, count: usize) {
        self.buffer.advance(count);
        self.at = self.at.saturating_add(count as u64);
    }
}

/// The frame in a sample; `None` if no decoder could read it.
fn read_frame(
    track: &mut movie::Track,
    timeline: &mut Timeline,
    sample: &Sample,
    data: bytes::Bytes,
    received_at: Instant,
) -> Option<Frame> {
    let picture = track.read(sample, data)?;
    let (dts, pts) = timeline.place(track, sample);
    Some(Frame {
        track: track.id,
        keyframe: picture.keyframe,
        pts,
        dts,
        new_codec: picture.codec.map(Arc::new),
        captured_at: None,
        received_at,
        data: picture.data,
    })
}

/// The types of boxes that stand first in files and streams.
fn starts_a_file(kind: &[u8; 4]) -> bool {
    matches!(
        kind,
        b"ftyp"
            | b"styp"
            | b"moov"
            | b"moof"
            | b"free"
            | b"skip"
            | b"wide"
            | b"mdat"
            | b"pdin"
            | b"sidx"
            | b"emsg"
            | b"prft"
            | b"uuid"
    )
}

/// The sample whose bytes come next.
fn next_sample(fragment: &VecDeque<Sample>, tables: &[SampleTable]) -> Option<Sample> {
    let tables = tables.iter().filter_map(SampleTable::peek);
    fragment.front().copied().into_iter().chain(tables).min_by_key(|sample| sample.offset)
}
