//! A plain MP4 file in which one can go anywhere: samples come in the order of their time, wherever they stand in the file, and the
//! `moov` box may stand at its end.

use super::boxes::{Box, FourCc, Header};
use super::movie::Movie;
use super::table::{Sample, SampleTable};
use super::timeline::Timeline;
use super::{DemuxError, read_frame};
use crate::fmp4::limits::{MAX_INDEX_SAMPLES, MAX_MOOV_BYTES, MAX_SAMPLE_BYTES};
use bytes::Bytes;
use std::time::{Duration, Instant};
use yeoul_media::{Frame, Kind, Timestamp, Track};

/// A box at the top of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopBox {
    /// Its type.
    pub kind: [u8; 4],
    /// Where what it holds begins, and ends: bytes from the start of the file. `None` is the file's end.
    pub body: (u64, Option<u64>),
}

impl TopBox {
    /// Bytes that are enough to read one.
    pub const HEAD_BYTES: usize = super::boxes::LARGE_HEADER_BYTES;

    /// The box that begins at byte `at` with `head`; `None` if that is too short.
    ///
    /// # Errors
    /// If its size is nonsense, or a `moov` box is larger than its bound.
    pub fn read(at: u64, head: &[u8]) -> Result<Option<Self>, DemuxError> {
        let Some(header) = Header::read(head)? else { return Ok(None) };
        if header.kind.0 == *b"moov"
            && let Some(size) = header.size.filter(|&size| size > MAX_MOOV_BYTES)
        {
            let what = format!("box {}", header.kind);
            return Err(DemuxError::TooLarge { what, size, limit: MAX_MOOV_BYTES });
        }
        let end = header.size.map(|size| at.saturating_add(size));
        Ok(Some(Self { kind: header.kind.0, body: (at.saturating_add(header.header_bytes as u64), end) }))
    }
}

/// Where the bytes of the next sample are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the start of the file.
    pub offset: u64,
    /// At least 1.
    pub size: usize,
}

/// The samples of a file.
#[derive(Debug)]
pub struct Index {
    movie: Movie,
    timelines: Vec<Timeline>,
}

impl Index {
    /// Reads what a `moov` box holds; `None` if there are no samples in it, as in fragmented files.
    ///
    /// # Errors
    /// If it is damaged, none of its tracks can be read, or one promises more samples than its bound.
    pub fn read(moov: Bytes) -> Result<Option<Self>, DemuxError> {
        let movie = Movie::read(&Box { kind: FourCc(*b"moov"), body: moov })?;
        let mut timelines: Vec<Timeline> = movie.tracks.iter().map(|_| Timeline::default()).collect();
        for table in &movie.tables {
            if table.count() > MAX_INDEX_SAMPLES {
                let reason =
                    format!("it promises {} samples, expected at most {MAX_INDEX_SAMPLES}", table.count());
                return Err(DemuxError::malformed(FourCc(*b"stsz"), reason));
            }
            if let Some(timeline) = table.peek().and_then(|sample| timelines.get_mut(sample.track)) {
                timeline.late_by(table.late_by());
            }
        }
        Ok((!movie.tables.is_empty()).then_some(Self { movie, timelines }))
    }

    /// Its tracks.
    #[must_use]
    pub fn tracks(&self) -> Vec<Track> {
        self.movie.tracks.iter().map(|track| Track { id: track.id, codec: track.codec.clone() }).collect()
    }

    /// Where the next sample is; `None` after the last one.
    ///
    /// # Errors
    /// If it is larger than a picture can be.
    pub fn next(&self) -> Result<Option<Place>, DemuxError> {
        let Some(sample) = self.earliest().and_then(|at| self.movie.tables.get(at)?.peek()) else {
            return Ok(None);
        };
        if sample.size > MAX_SAMPLE_BYTES {
            let (size, limit) = (sample.size.into(), MAX_SAMPLE_BYTES.into());
            return Err(DemuxError::TooLarge { what: "sample".to_owned(), size, limit });
        }
        Ok(Some(Place { offset: sample.offset, size: sample.size as usize }))
    }

    /// Takes the bytes of the next sample and goes on to the one behind it; `None` if no decoder could read them.
    pub fn take(&mut self, data: Bytes, received_at: Instant) -> Option<Frame> {
        let at = self.earliest()?;
        let table = self.movie.tables.get_mut(at)?;
        let sample = table.peek()?;
        table.advance();
        let (track, timeline) =
            (self.movie.tracks.get_mut(sample.track)?, self.timelines.get_mut(sample.track)?);
        read_frame(track, timeline, &sample, data, received_at)
    }

    /// Goes on to the last keyframe that is no later than so long after the first one; to the first sample behind it where there is no
    /// picture, or no more of it.
    pub fn skip(&mut self, time: Duration) {
        let video = self.movie.tables.iter().find(|table| {
            let track = table.peek().and_then(|sample| self.movie.tracks.get(sample.track));
            track.is_some_and(|track| track.codec.kind() == Kind::Video)
        });
        let Some(first) = self.earliest().and_then(|at| self.time(&self.movie.tables.get(at)?.peek()?))
        else {
            return;
        };
        let mut until = first + time;
        if let Some(mut table) = video.cloned() {
            let track = table.peek().map(|sample| sample.track);
            let mut keyframe = first;
            while let Some(time) =
                table.peek().and_then(|sample| self.time(&sample)).filter(|time| *time <= until)
            {
                if table.is_sync() {
                    keyframe = time;
                }
                table.advance();
            }
            // The last one is shown until it ends.
            let end = track.and_then(|track| self.moment(track, table.end()));
            if table.peek().is_some() || end.is_some_and(|end| end > until) {
                until = keyframe;
            }
        }
        let mut tables = std::mem::take(&mut self.movie.tables);
        for table in &mut tables {
            while table.peek().and_then(|sample| self.time(&sample)).is_some_and(|time| time < until) {
                table.advance();
            }
        }
        self.movie.tables = tables;
    }

    /// The table whose sample decodes first.
    fn earliest(&self) -> Option<usize> {
        let times = self.movie.tables.iter().map(SampleTable::peek).enumerate();
        times.filter_map(|(at, sample)| Some((self.time(&sample?)?, at))).min().map(|(_, at)| at)
    }

    fn time(&self, sample: &Sample) -> Option<Timestamp> {
        self.moment(sample.track, sample.dts)
    }

    /// The time of these ticks of a track.
    fn moment(&self, track: usize, ticks: i64) -> Option<Timestamp> {
        let track = self.movie.tracks.get(track)?;
        Some(Timestamp::from_ticks(ticks.saturating_add(track.shift), track.timescale))
    }
}
