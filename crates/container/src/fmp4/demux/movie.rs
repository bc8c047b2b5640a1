//! The `moov` box (ISO/IEC 14496-12 §8.2): tracks, their descriptions, their place in time.

use super::DemuxError;
use super::boxes::Box;
use super::description::{self, Description};
use super::frame::{self, Picture};
use super::table::{Sample, SampleTable};
use crate::fmp4::limits::MAX_TRACKS;
use bytes::Bytes;
use yeoul_media::{Codec, TrackId};

/// What a `moov` box says.
#[derive(Debug)]
pub(super) struct Movie {
    pub(super) tracks: Vec<Track>,
    /// The sample tables of `tracks` that have samples.
    pub(super) tables: Vec<SampleTable>,
    /// Tracks that cannot be read, and why.
    pub(super) left_out: Vec<String>,
}

/// A track that can be read.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: TrackId,
    /// `track_ID`.
    pub(super) track_id: u32,
    pub(super) timescale: u32,
    /// Ticks that the edit list moves the track by.
    pub(super) shift: i64,
    pub(super) descriptions: Vec<Description>,
    /// `trex`.
    pub(super) defaults: Defaults,
    /// Decoding time of the next fragment, where that does not tell.
    pub(super) next_dts: i64,
    /// The codec in force.
    pub(super) codec: Codec,
    /// `sample_description_index` that it comes from.
    pub(super) description: u32,
    /// The codec that was told last.
    pub(super) announced: Codec,
}

impl Track {
    /// The frame in a sample; `None` if nothing of it can be used.
    pub(super) fn read(&mut self, sample: &Sample, data: Bytes) -> Option<Picture> {
        let index = usize::try_from(sample.description).ok()?.checked_sub(1)?;
        let Description::Known { codec, length_bytes } = self.descriptions.get(index)? else { return None };
        if sample.description != self.description {
            (self.codec, self.description) = (codec.clone(), sample.description);
        }
        let mut picture = frame::read(&self.codec, *length_bytes, data)?;
        if let Some(codec) = picture.codec.take() {
            self.codec = codec;
        }
        if self.codec != self.announced {
            self.announced = self.codec.clone();
            picture.codec = Some(self.codec.clone());
        }
        Some(picture)
    }
}

/// What fragments of a track leave out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) description: u32,
    pub(super) duration: u32,
    pub(super) size: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { description: 1, duration: 0, size: 0 }
    }
}

impl Movie {
    /// Reads a `moov` box.
    ///
    /// # Errors
    /// If it is damaged or none of its tracks can be read.
    pub(super) fn read(moov: &Box) -> Result<Self, DemuxError> {
        let (version, _, mut mvhd) = moov.required(b"mvhd")?.full()?;
        mvhd.take(if version == 1 { 16 } else { 8 }, "creation and modification time")?;
        let movie_timescale = mvhd.u32("timescale")?;
        let mut movie = Self { tracks: Vec::new(), tables: Vec::new(), left_out: Vec::new() };
        for trak in moov.children() {
            let trak = trak?;
            if trak.kind.0 != *b"trak" {
                continue;
            }
            if movie.tracks.len() + movie.left_out.len() == MAX_TRACKS {
                let reason = format!("it has more than {MAX_TRACKS} tracks");
                return Err(DemuxError::malformed(moov.kind, reason));
            }
            movie.read_trak(&trak, movie_timescale)?;
        }
        if let Some(mvex) = moov.child(b"mvex")? {
            movie.read_defaults(&mvex)?;
        }
        if movie.tracks.is_empty() {
            return Err(DemuxError::NoTracks(movie.left_out.join("; ")));
        }
        Ok(movie)
    }

    fn read_trak(&mut self, trak: &Box, movie_timescale: u32) -> Result<(), DemuxError> {
        let (version, _, mut tkhd) = trak.required(b"tkhd")?.full()?;
        tkhd.take(if version == 1 { 16 } else { 8 }, "creation and modification time")?;
        let track_id = tkhd.u32("track_ID")?;
        let mdia = trak.required(b"mdia")?;
        let (_, _, mut hdlr) = mdia.required(b"hdlr")?.full()?;
        hdlr.u32("pre_defined")?;
        let handler = hdlr.take(4, "handler_type")?;
        if !matches!(&handler[..], b"vide" | b"soun") {
            self.left_out
                .push(format!("track {track_id} is no video or audio but `{}`", handler.escape_ascii()));
            return Ok(());
        }
        let (version, _, mut mdhd) = mdia.required(b"mdhd")?.full()?;
        mdhd.take(if version == 1 { 16 } else { 8 }, "creation and modification time")?;
        let timescale = mdhd.u32("timescale")?;
        if timescale == 0 {
            self.left_out.push(format!("track {track_id} has 0 ticks a second"));
            return Ok(());
        }
        let stbl = mdia.required(b"minf")?.required(b"stbl")?;
        let descriptions = description::read(&stbl.required(b"stsd")?)?;
        let known = descriptions.iter().zip(1..).find_map(|(description, index)| match description {
            Description::Known { codec, .. } => Some((codec.clone(), index)),
            Description::Unknown(_) => None,
        });
        let Some((codec, description)) = known else {
            self.left_out.extend(descriptions.into_iter().filter_map(|description| match description {
                Description::Unknown(reason) => Some(format!("track {track_id}: {reason}")),
                Description::Known { .. } => None,
            }));
            return Ok(());
        };
        let index = self.tracks.len();
        self.tables.extend(SampleTable::read(index, &stbl)?);
        self.tracks.push(Track {
            id: TrackId(u16::try_from(index).unwrap_or(u16::MAX)),
            track_id,
            timescale,
            shift: edit_shift(trak, timescale, movie_timescale)?,
            descriptions,
            defaults: Defaults::default(),
            next_dts: 0,
            announced: codec.clone(),
            codec,
            description,
        });
        Ok(())
    }

    fn read_defaults(&mut self, mvex: &Box) -> Result<(), DemuxError> {
        for trex in mvex.children() {
            let trex = trex?;
            if trex.kind.0 != *b"trex" {
                continue;
            }
            let (_, _, mut fields) = trex.full()?;
            let track_id = fields.u32("track_ID")?;
            let defaults = Defaults {
                description: fields.u32("default_sample_description_index")?,
                duration: fields.u32("default_sample_duration")?,
                size: fields.u32("default_sample_size")?,
            };
            if let Some(track) = self.tracks.iter_mut().find(|track| track.track_id == track_id) {
                track.defaults = defaults;
            }
        }
        Ok(())
    }
}

/// By how many ticks the edit list (ISO/IEC 14496-12 §8.6.6) moves a track: a pause before its start, and media before its
/// start, such as the delay of an encoder. What encoders do not write (cuts, repetitions, other speeds) is passed over.
fn edit_shift(trak: &Box, timescale: u32, movie_timescale: u32) -> Result<i64, DemuxError> {
    let Some(edts) = trak.child(b"edts")? else { return Ok(0) };
    let Some(elst) = edts.child(b"elst")? else { return Ok(0) };
    let (version, _, mut fields) = elst.full()?;
    let large = version == 1;
    let mut pause: u64 = 0;
    for _ in 0..fields.u32("entry_count")? {
        let duration = fields.u32_or_u64(large, "segment_duration")?;
        let time = fields.u32_or_u64(large, "media_time")?;
        fields.u32("media_rate")?;
        let empty = if large { u64::MAX } else { u64::from(u32::MAX) };
        if time == empty {
            pause = pause.saturating_add(duration);
            continue;
        }
        // In ticks of the track, rounded to the nearest.
        let movie_timescale = u128::from(movie_timescale.max(1));
        let pause = (u128::from(pause) * u128::from(timescale) + movie_timescale / 2) / movie_timescale;
        let pause = i64::try_from(pause).unwrap_or(i64::MAX);
        return Ok(pause.saturating_sub(i64::try_from(time).unwrap_or(i64::MAX)));
    }
    Ok(0)
}
