//! [`Muxer`].

use super::fragment::{self, MuxedTrack};
use super::{Unsupported, init, sample_entry};
use crate::Sample;
use bytes::Bytes;
use yeoul_media::{Codec, Kind, Track, TrackId};

/// `styp` with the brand `msdh`: a media segment (ISO/IEC 23009-1 §6.3.4.2).
const SEGMENT_TYPE: &[u8] = b"\0\0\0\x14stypmsdh\0\0\0\0msdh";

/// Writes one stream as fragmented MP4: the init segment first, then a fragment as often as the caller likes.
#[derive(Debug)]
pub struct Muxer {
    tracks: Vec<MuxedTrack>,
    init: Bytes,
    /// `sequence_number` of the last fragment.
    sequence: u32,
}

impl Muxer {
    /// A muxer for these tracks; their order is that of the tracks in the file.
    ///
    /// # Errors
    /// If there is no track, MP4 does not carry one, or the decoder configuration of one is not known.
    pub fn new(tracks: &[Track]) -> Result<Self, Unsupported> {
        Ok(Self { init: init::write(tracks)?, tracks: muxed(tracks), sequence: 0 })
    }

    /// The init segment in force: `ftyp` and `moov`.
    #[must_use]
    pub fn init(&self) -> &Bytes {
        &self.init
    }

    /// The codecs as RFC 6381 lists them: `avc1.64001F,mp4a.40.2`.
    #[must_use]
    pub fn codecs(&self) -> String {
        let names: Vec<String> =
            self.tracks.iter().map(|track| sample_entry::codec_string(&track.codec)).collect();
        names.join(",")
    }

    /// The media type with the codecs: `video/mp4; codecs="avc1.64001F,mp4a.40.2"`, or `audio/mp4` without video.
    #[must_use]
    pub fn content_type(&self) -> String {
        let video = self.tracks.iter().any(|track| track.codec.kind() == Kind::Video);
        format!("{}/mp4; codecs=\"{}\"", if video { "video" } else { "audio" }, self.codecs())
    }

    /// The `styp` box, for segments that are to start with one.
    #[must_use]
    pub fn segment_type(&self) -> &'static [u8] {
        SEGMENT_TYPE
    }

    /// One `moof` and `mdat` with all of `samples`: those of each track in the order given, which is their decoding order.
    /// Samples of tracks that the muxer was not made for are passed over; empty if none remain.
    ///
    /// A sample lasts until the next one of its track in `samples` decodes, the last one as long as it says.
    ///
    /// # Panics
    /// If the samples together have 2 GiB or more, which no caller's bounds allow.
    pub fn fragment(&mut self, samples: &[Sample]) -> Bytes {
        let sequence = self.sequence.wrapping_add(1);
        let fragment = fragment::write(&mut self.tracks, samples, sequence);
        if !fragment.is_empty() {
            self.sequence = sequence;
        }
        fragment
    }

    /// From now on samples keep all parameter sets that their frames have: for players that have begun and take no other init
    /// segment, when the parameters change.
    pub fn keep_parameter_sets(&mut self) {
        for track in &mut self.tracks {
            track.keeps_sets = true;
        }
    }

    /// Takes another codec for a track, as [`yeoul_media::Frame::new_codec`] tells it, before the fragment with that frame.
    /// True if there is a new init segment, which a player needs before that fragment.
    ///
    /// # Errors
    /// If the muxer has no such track or MP4 does not carry the codec; the muxer is as before then.
    pub fn change(&mut self, track: TrackId, codec: &Codec) -> Result<bool, Unsupported> {
        let mut tracks: Vec<Track> =
            self.tracks.iter().map(|track| Track { id: track.id, codec: track.codec.clone() }).collect();
        let changed =
            tracks.iter_mut().find(|known| known.id == track).ok_or(Unsupported::NoSuchTrack(track))?;
        if changed.codec == *codec {
            return Ok(false);
        }
        changed.codec = codec.clone();
        let init = init::write(&tracks)?;
        let keeps_sets = self.tracks.iter().any(|track| track.keeps_sets);
        self.tracks = muxed(&tracks);
        if keeps_sets {
            self.keep_parameter_sets();
        }
        // Two configurations can be told alike, such as those of an encoder that repeats itself.
        Ok(std::mem::replace(&mut self.init, init.clone()) != init)
    }
}

fn muxed(tracks: &[Track]) -> Vec<MuxedTrack> {
    let muxed = |(index, track): (usize, &Track)| {
        let (track_id, timescale) = (init::track_id(index), init::timescale(&track.codec));
        MuxedTrack::new(track.id, track.codec.clone(), track_id, timescale)
    };
    tracks.iter().enumerate().map(muxed).collect()
}
