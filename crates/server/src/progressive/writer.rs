//! Frames to the pieces of an endless file.
//!
//! A piece ends with a picture, or with [`PROGRESSIVE_SOUND`] of sound where none comes, and before a keyframe: that one
//! starts a piece, so that a player can start there. In MP4 a picture is written when the next one has come, because only
//! then it is known how long it lasts.
//!
//! # New parameters in the middle
//! An MP4 file has its decoder configurations in front, and players pass over further ones (ffmpeg 7 says "Found duplicated
//! MOOV Atom. Skipped it"). But ffmpeg, GStreamer and Chromium take parameter sets within the video, so they are put in
//! front of keyframes from then on and the file goes on; newcomers get a file with the new ones in front. Where sound changes,
//! the file ends. Transport streams, FLV and ADTS tell their configurations again, and go on.

use super::form::Container;
use super::pieces::Piece;
use crate::limits::PROGRESSIVE_SOUND;
use axum::body::Bytes;
use axum::http::HeaderValue;
use bytes::BytesMut;
use std::time::Duration;
use yeoul_container::{Sample, adts, flv, fmp4, mpegts};
use yeoul_media::bitstream::{h264, h265, nal};
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track, TrackId};
use yeoul_transcode::flac;

/// Writes the frames of some tracks into one file.
#[derive(Debug)]
pub(super) struct Writer {
    /// As the stream has them.
    tracks: Vec<Track>,
    /// Those that stand in the file as FLAC.
    encoders: Vec<(TrackId, flac::Encoder)>,
    muxer: Muxer,
    /// What the piece at hand has so far.
    pending: Pending,
    has_video: bool,
}

#[derive(Debug)]
enum Muxer {
    Mp4(Box<Mp4>),
    Ts(Box<mpegts::Muxer>),
    Flv(Box<flv::Muxer>),
    Aac(adts::Header),
}

#[derive(Debug)]
struct Mp4 {
    muxer: fmp4::Muxer,
    content_type: HeaderValue,
    /// What newcomers need first: other than the muxer's once parameters have changed.
    init: Bytes,
    /// The last frame of each track, which waits for the next one to tell how long it lasts.
    held: Vec<Frame>,
    /// Tracks whose parameters have changed since the file began: their keyframes tell them.
    changed: Vec<TrackId>,
}

#[derive(Debug, Default)]
struct Pending {
    samples: Vec<Sample>,
    bytes: BytesMut,
    start: Option<Bytes>,
    /// Decoding time of the first sound in it.
    sound_at: Option<Timestamp>,
    received_at: Option<std::time::Instant>,
}

/// The file cannot go on with a frame: another one has to be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextFile;

impl Writer {
    /// A file of these tracks.
    ///
    /// # Errors
    /// If it cannot have them: a sentence.
    pub(super) fn new(container: Container, tracks: &[Track]) -> Result<Self, String> {
        let encoder = |track: &Track| Some((track.id, flac::Encoder::new(&track.codec)?));
        let encoders: Vec<_> = match container {
            Container::Mp4 => tracks.iter().filter_map(encoder).collect(),
            Container::Ts | Container::Flv | Container::Aac => Vec::new(),
        };
        let muxer = match container {
            Container::Mp4 => {
                let muxer =
                    fmp4::Muxer::new(&as_written(tracks, &encoders)).map_err(|error| error.to_string())?;
                Muxer::Mp4(Box::new(Mp4 {
                    content_type: mp4_type(&muxer),
                    init: muxer.init().clone(),
                    muxer,
                    held: Vec::new(),
                    changed: Vec::new(),
                }))
            }
            Container::Ts => {
                Muxer::Ts(Box::new(mpegts::Muxer::new(tracks).map_err(|error| error.to_string())?))
            }
            Container::Flv => {
                Muxer::Flv(Box::new(flv::Muxer::new(tracks).map_err(|error| error.to_string())?))
            }
            Container::Aac => {
                let header = tracks.first().and_then(|track| aac_header(&track.codec));
                Muxer::Aac(header.ok_or("ADTS has no header for this configuration of AAC")?)
            }
        };
        let has_video = tracks.iter().any(|track| track.kind() == Kind::Video);
        Ok(Self { tracks: tracks.to_vec(), encoders, muxer, pending: Pending::default(), has_video })
    }

    /// The tracks as the stream has them, with their present codecs.
    pub(super) fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Whether it can go on with other tracks in place of its own, one for one.
    pub(super) fn goes_on_with(&self, tracks: &[Track]) -> bool {
        let same_kinds = self.tracks.iter().map(Track::kind).eq(tracks.iter().map(Track::kind));
        match self.muxer {
            Muxer::Ts(_) | Muxer::Flv(_) | Muxer::Aac(_) => same_kinds,
            Muxer::Mp4(_) => false,
        }
    }

    /// The media type of the file.
    pub(super) fn content_type(&self) -> HeaderValue {
        match &self.muxer {
            Muxer::Mp4(mp4) => mp4.content_type.clone(),
            Muxer::Ts(_) => HeaderValue::from_static("video/mp2t"),
            Muxer::Flv(_) => HeaderValue::from_static("video/x-flv"),
            Muxer::Aac(_) => HeaderValue::from_static("audio/aac"),
        }
    }

    /// Writes a frame of one of the tracks; `done` gets the pieces that are complete.
    ///
    /// # Errors
    /// If the file ends before this frame: another one has to be begun with it.
    pub(super) fn write(&mut self, frame: Frame, mut done: impl FnMut(Piece)) -> Result<(), NextFile> {
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == frame.track) else { return Ok(()) };
        if let Some(codec) = &frame.new_codec {
            track.codec = codec.as_ref().clone();
            self.change(&frame)?;
        }
        let Some(frame) = self.convert(frame) else { return Ok(()) };
        let frame = match &mut self.muxer {
            Muxer::Mp4(mp4) => match mp4.hold(frame) {
                Some(sample) => sample,
                None => return Ok(()),
            },
            Muxer::Ts(_) | Muxer::Flv(_) | Muxer::Aac(_) => Sample { frame, duration: Duration::ZERO },
        };
        self.add(frame, &mut done);
        Ok(())
    }

    /// The rest of the file, which ends at `end`.
    pub(super) fn finish(mut self, end: Timestamp, mut done: impl FnMut(Piece)) {
        if let Muxer::Mp4(mp4) = &mut self.muxer {
            for frame in std::mem::take(&mut mp4.held) {
                let duration = end.saturating_since(frame.dts);
                self.add(Sample { frame, duration }, &mut done);
            }
        }
        self.cut().into_iter().for_each(done);
    }

    fn add(&mut self, sample: Sample, done: &mut impl FnMut(Piece)) {
        let Sample { frame, .. } = &sample;
        let is_video = self.tracks.iter().any(|track| track.id == frame.track && track.kind() == Kind::Video);
        if is_video && frame.keyframe {
            self.cut().into_iter().for_each(&mut *done);
        }
        let starts =
            if self.has_video { is_video && frame.keyframe } else { self.pending.sound_at.is_none() };
        if starts {
            self.pending.start = Some(self.muxer.start(frame));
        }
        self.pending.received_at = Some(frame.received_at);
        let is_due = is_video || {
            let first = *self.pending.sound_at.get_or_insert(frame.dts);
            frame.dts.saturating_since(first) >= PROGRESSIVE_SOUND
        };
        match &mut self.muxer {
            Muxer::Mp4(_) => self.pending.samples.push(sample),
            Muxer::Ts(muxer) => muxer.write(frame, &mut self.pending.bytes),
            Muxer::Flv(muxer) => {
                write_flv(muxer, frame, self.pending.start.as_deref(), &mut self.pending.bytes)
            }
            Muxer::Aac(header) => {
                if let Some(header) = header.write(frame.data.len()) {
                    self.pending.bytes.extend_from_slice(&header);
                    self.pending.bytes.extend_from_slice(&frame.data);
                }
            }
        }
        if is_due {
            self.cut().into_iter().for_each(done);
        }
    }

    /// The piece at hand, if there is anything in it.
    fn cut(&mut self) -> Option<Piece> {
        let Pending { samples, bytes, start, received_at, .. } = std::mem::take(&mut self.pending);
        let bytes = match &mut self.muxer {
            Muxer::Mp4(mp4) => mp4.muxer.fragment(&samples),
            Muxer::Ts(_) | Muxer::Flv(_) | Muxer::Aac(_) => bytes.freeze(),
        };
        (!bytes.is_empty()).then_some(Piece { bytes, start, received_at: received_at? })
    }

    /// The frame as it stands in the file; `None` if it has nothing that could.
    fn convert(&mut self, mut frame: Frame) -> Option<Frame> {
        if let Some((_, encoder)) = self.encoders.iter_mut().find(|(track, _)| *track == frame.track) {
            frame.data = encoder.encode(&frame.data)?;
        }
        if let Muxer::Mp4(mp4) = &self.muxer
            && frame.keyframe
            && mp4.changed.contains(&frame.track)
            && let Some(track) = self.tracks.iter().find(|track| track.id == frame.track)
        {
            frame.data = with_parameter_sets(&track.codec, frame.data);
        }
        Some(frame)
    }

    /// A track goes on with another configuration from this frame on.
    fn change(&mut self, frame: &Frame) -> Result<(), NextFile> {
        match &mut self.muxer {
            Muxer::Mp4(mp4) => {
                let is_converted = self.encoders.iter().any(|(track, _)| *track == frame.track);
                if is_converted {
                    return Err(NextFile);
                }
                let Ok(new) = fmp4::Muxer::new(&as_written(&self.tracks, &self.encoders)) else {
                    return Err(NextFile);
                };
                if *new.init() == mp4.init {
                    return Ok(());
                }
                if frame.new_codec.as_ref().is_some_and(|codec| codec.kind() == Kind::Audio) {
                    return Err(NextFile);
                }
                mp4.muxer.keep_parameter_sets();
                (mp4.init, mp4.content_type) = (new.init().clone(), mp4_type(&new));
                if !mp4.changed.contains(&frame.track) {
                    mp4.changed.push(frame.track);
                }
                Ok(())
            }
            // These change by `write`.
            Muxer::Ts(_) | Muxer::Flv(_) => Ok(()),
            Muxer::Aac(header) => {
                *header = frame.new_codec.as_deref().and_then(aac_header).ok_or(NextFile)?;
                Ok(())
            }
        }
    }
}

fn mp4_type(muxer: &fmp4::Muxer) -> HeaderValue {
    HeaderValue::try_from(muxer.content_type()).unwrap_or(HeaderValue::from_static("video/mp4"))
}

/// The tracks as they stand in the file.
fn as_written(tracks: &[Track], encoders: &[(TrackId, flac::Encoder)]) -> Vec<Track> {
    let as_written = |track: &Track| match encoders.iter().find(|(id, _)| *id == track.id) {
        Some((id, encoder)) => Track { id: *id, codec: encoder.codec() },
        None => track.clone(),
    };
    tracks.iter().map(as_written).collect()
}

impl Muxer {
    /// What a player needs in front of the piece that starts with this frame.
    fn start(&mut self, frame: &Frame) -> Bytes {
        match self {
            Self::Mp4(mp4) => mp4.init.clone(),
            Self::Flv(muxer) => {
                if let Some(codec) = &frame.new_codec {
                    // A codec without a place has no frames in the file either.
                    let _ = muxer.change(frame.track, codec);
                }
                let mut out = BytesMut::new();
                muxer.start(frame, &mut out);
                out.freeze()
            }
            // A transport stream has its tables in front of every keyframe.
            Self::Ts(_) | Self::Aac(_) => Bytes::new(),
        }
    }
}

impl Mp4 {
    /// Takes a frame and gives the one before it, whose end is known now.
    fn hold(&mut self, frame: Frame) -> Option<Sample> {
        let Some(held) = self.held.iter_mut().find(|held| held.track == frame.track) else {
            self.held.push(frame);
            return None;
        };
        let duration = frame.dts.saturating_since(held.dts);
        Some(Sample { frame: std::mem::replace(held, frame), duration })
    }
}

/// Writes a frame without what [`flv::Muxer::write`] puts in front of the very first: viewers get that by themselves.
fn write_flv(muxer: &mut flv::Muxer, frame: &Frame, start: Option<&[u8]>, out: &mut BytesMut) {
    let mut written = BytesMut::new();
    muxer.write(frame, &mut written);
    match start {
        Some(start) if written.starts_with(start) => out.extend_from_slice(&written[start.len()..]),
        Some(_) | None => out.extend_from_slice(&written),
    }
}

/// The data of a keyframe with the parameter sets in front, if it does not have them. AV1 and VP9 tell everything in every
/// keyframe.
fn with_parameter_sets(codec: &Codec, data: Bytes) -> Bytes {
    let put = |sets: &mut dyn Iterator<Item = &Bytes>| {
        let mut out = BytesMut::with_capacity(data.len() + 256);
        sets.for_each(|set| nal::put_length_prefixed(&mut out, set));
        out.extend_from_slice(&data);
        out.freeze()
    };
    match codec {
        Codec::H264(Some(sets)) => {
            let is_sps = |unit| h264::NalType::of(unit) == Some(h264::NalType::Sps);
            if nal::length_prefixed(&data).any(is_sps) { data } else { put(&mut sets.units()) }
        }
        Codec::H265(Some(sets)) => {
            let is_sps = |unit| h265::NalType::of(unit) == Some(h265::NalType::Sps);
            if nal::length_prefixed(&data).any(is_sps) { data } else { put(&mut sets.units()) }
        }
        Codec::H264(None)
        | Codec::H265(None)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => data,
    }
}

fn aac_header(codec: &Codec) -> Option<adts::Header> {
    match codec {
        Codec::Aac(config) => adts::Header::of(config),
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    }
}
