//! The init segment: `ftyp` and `moov` (ISO/IEC 14496-12 §4.3, §8.2).

use super::Unsupported;
use super::sample_entry::sample_entry;
use bytes::Bytes;
use mp4_atom::{
    Codec, Dinf, Dref, DrefEntry, Encode, FixedPoint, Ftyp, Hdlr, Mdhd, Mdia, Minf, Moov, Mvex, Mvhd, Smhd,
    Stbl, Stco, Stsd, Tkhd, Trak, Trex, Url, Vmhd,
};
use yeoul_media::{Kind, Track};

/// Ticks a second of video.
const VIDEO_TIMESCALE: u32 = 90_000;
/// Ticks a second of the movie: nothing that is written counts in them.
const MOVIE_TIMESCALE: u32 = 1_000;

/// Ticks a second of a track.
pub(super) fn timescale(codec: &yeoul_media::Codec) -> u32 {
    codec.sample_rate().filter(|&rate| rate > 0).unwrap_or(VIDEO_TIMESCALE)
}

/// `track_ID` of the track at this place: counted from 1.
pub(super) fn track_id(index: usize) -> u32 {
    u32::try_from(index).map_or(u32::MAX, |index| index.saturating_add(1))
}

/// The init segment of these tracks.
///
/// # Errors
/// Where a track cannot be described, see [`Unsupported`].
pub(super) fn write(tracks: &[Track]) -> Result<Bytes, Unsupported> {
    if tracks.is_empty() {
        return Err(Unsupported::NoTracks);
    }
    // `iso6` has movie fragments with a 64-bit decoding time, addresses from the `moof` box and signed composition
    // offsets (ISO/IEC 14496-12 §E.8). Brands before `iso5` do not allow the second.
    let ftyp = Ftyp {
        major_brand: b"iso6".into(),
        minor_version: 0,
        compatible_brands: vec![b"iso6".into(), b"mp41".into()],
    };
    let mut out = Vec::with_capacity(2048);
    let mut moov = Moov {
        mvhd: Mvhd {
            timescale: MOVIE_TIMESCALE,
            rate: FixedPoint::new(1, 0),
            volume: FixedPoint::new(1, 0),
            next_track_id: track_id(tracks.len()),
            ..Mvhd::default()
        },
        mvex: Some(Mvex::default()),
        ..Moov::default()
    };
    for (index, track) in tracks.iter().enumerate() {
        let entry = sample_entry(track)?;
        // Each track is tried by itself, so that an error names it.
        entry_fits(&entry).map_err(|reason| Unsupported::Configuration {
            track: track.id,
            codec: track.codec.name().to_owned(),
            reason,
        })?;
        moov.trak.push(trak(track, track_id(index), entry));
        let trex = Trex { track_id: track_id(index), default_sample_description_index: 1, ..Trex::default() };
        moov.mvex.get_or_insert_default().trex.push(trex);
    }
    ftyp.encode(&mut out).and_then(|()| moov.encode(&mut out)).map_err(|error| {
        let first = &tracks[0];
        Unsupported::Configuration {
            track: first.id,
            codec: first.codec.name().to_owned(),
            reason: error.to_string(),
        }
    })?;
    Ok(out.into())
}

fn entry_fits(entry: &Codec) -> Result<(), String> {
    let stsd = Stsd { codecs: vec![entry.clone()] };
    stsd.encode(&mut Vec::new()).map_err(|error| error.to_string())
}

fn trak(track: &Track, track_id: u32, entry: Codec) -> Trak {
    let (width, height) = track.codec.dimensions().unwrap_or_default();
    let pixels = |size: u32| FixedPoint::from(u16::try_from(size).unwrap_or(u16::MAX));
    let (video, handler, name, volume) = match track.kind() {
        Kind::Video => (true, b"vide", "Video", 0),
        Kind::Audio => (false, b"soun", "Sound", 1),
    };
    let stbl = Stbl { stsd: Stsd { codecs: vec![entry] }, stco: Some(Stco::default()), ..Stbl::default() };
    // The media is in this very stream.
    let dinf = Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } };
    let minf = Minf {
        vmhd: video.then(Vmhd::default),
        smhd: (!video).then(Smhd::default),
        dinf,
        stbl,
        ..Minf::default()
    };
    Trak {
        tkhd: Tkhd {
            track_id,
            enabled: true,
            in_movie: true,
            volume: FixedPoint::new(volume, 0),
            width: pixels(width),
            height: pixels(height),
            ..Tkhd::default()
        },
        mdia: Mdia {
            mdhd: Mdhd { timescale: timescale(&track.codec), language: "und".to_owned(), ..Mdhd::default() },
            hdlr: Hdlr { handler: handler.into(), name: name.to_owned() },
            minf,
        },
        ..Trak::default()
    }
}
