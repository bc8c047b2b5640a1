//! Targets of `yeoul-container`: files and streams of bytes.

use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::time::Duration;
use yeoul_container::Sample;
use yeoul_container::fmp4::{Demuxer, Event, Index, Muxer, TopBox};
use yeoul_media::bitstream::{aac, h264, nal};
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track, TrackId};
use yeoul_testkit as testkit;

/// MP4, fragmented or not: frames are never empty, never run back in time, and the same whatever the chunks. What can be muxed
/// again comes back as it was.
pub fn fmp4(data: &[u8]) {
    let (tracks, frames) = demux(data, data.len().max(1));
    let (_, in_chunks) = demux(data, 7);
    assert!(
        frames.iter().map(|frame| &frame.data).eq(in_chunks.iter().map(|frame| &frame.data)),
        "chunks do not matter"
    );
    let total: usize = frames.iter().map(|frame| frame.data.len()).sum();
    // Lengths of 1 byte become 4, so an empty unit grows fourfold; nothing is given twice.
    assert!(total <= data.len() * 4);
    let mut last: BTreeMap<TrackId, Timestamp> = BTreeMap::new();
    for frame in &frames {
        assert!(!frame.data.is_empty() && frame.pts >= frame.dts);
        assert!(tracks.iter().any(|track| track.id == frame.track));
        let last = last.entry(frame.track).or_insert(frame.dts);
        assert!(frame.dts >= *last);
        *last = frame.dts;
    }
    if let Ok(mut muxer) = Muxer::new(&tracks) {
        let samples: Vec<Sample> =
            frames.iter().map(|frame| Sample { frame: frame.clone(), duration: Duration::ZERO }).collect();
        let fragment = muxer.fragment(&samples);
        let (again, _) = demux(&[&muxer.init()[..], &fragment].concat(), 4096);
        assert_eq!(again.len(), tracks.len());
    }
}

/// A file by its index, from its beginning and from later on: frames of a track are in order, and the samples come to an end.
pub fn mp4_index(data: &[u8]) {
    for skipped in [Duration::ZERO, Duration::from_millis(30)] {
        let Some(mut index) = index_of(data) else { return };
        index.skip(skipped);
        let mut last: BTreeMap<TrackId, Timestamp> = BTreeMap::new();
        // A table promises as many samples as it has room for, all of them at the same few bytes.
        for _ in 0..10_000 {
            let Ok(Some(place)) = index.next() else { break };
            let bytes = usize::try_from(place.offset).ok().and_then(|at| data.get(at..)?.get(..place.size));
            let Some(frame) = index.take(Bytes::copy_from_slice(bytes.unwrap_or_default()), testkit::epoch())
            else {
                continue;
            };
            assert!(!frame.data.is_empty() && frame.pts >= frame.dts);
            let last = last.entry(frame.track).or_insert(frame.dts);
            assert!(frame.dts >= *last);
            *last = frame.dts;
        }
    }
}

fn index_of(data: &[u8]) -> Option<Index> {
    let mut at = 0;
    loop {
        let head = data.get(usize::try_from(at).ok()?..)?;
        let TopBox { kind, body: (begin, end) } = TopBox::read(at, head).ok()??;
        let end = end?;
        if kind == *b"moov" {
            let body = data.get(usize::try_from(begin).ok()?..usize::try_from(end).ok()?)?;
            return Index::read(Bytes::copy_from_slice(body)).ok()?;
        }
        at = end;
    }
}

/// Seeds of [`mp4_index`]: the plain file of [`fmp4_seeds`].
pub fn mp4_index_seeds() -> Vec<Vec<u8>> {
    vec![plain_file()]
}

/// The tracks told first and the frames up to the first error.
fn demux(data: &[u8], chunk: usize) -> (Vec<Track>, Vec<Frame>) {
    let mut demuxer = Demuxer::new();
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    for chunk in data.chunks(chunk) {
        let pushed = demuxer.push(chunk, testkit::epoch());
        while let Some(event) = demuxer.pull() {
            match event {
                Event::Tracks(found) => tracks = found,
                Event::Frame(frame) => frames.push(frame),
            }
        }
        if pushed.is_err() {
            break;
        }
    }
    (tracks, frames)
}

/// Seeds of [`fmp4`]: a stream of each kind of sample entry, in two fragments, and a plain file.
pub fn fmp4_seeds() -> Vec<Vec<u8>> {
    let (h264, aac) = (h264_codec(), aac_codec());
    let mut seeds = vec![file(&[h264.clone(), aac.clone()]), file(&[Codec::Opus { channels: 2 }])];
    seeds.push(file(&[Codec::Mp3(yeoul_media::PcmLayout { sample_rate: 44_100, channels: 2 })]));
    seeds.push(plain_file());
    seeds
}

fn h264_codec() -> Codec {
    let sets = [testkit::h264::sps(640, 360), testkit::h264::pps()].map(Bytes::from);
    Codec::H264(h264::ParameterSets::from_units(sets).ok())
}

fn aac_codec() -> Codec {
    Codec::Aac(aac::AudioSpecificConfig::parse(testkit::aac::config(48_000, 2).into()).expect("a valid one"))
}

fn file(codecs: &[Codec]) -> Vec<u8> {
    let tracks: Vec<Track> =
        (0..).zip(codecs).map(|(id, codec)| Track { id: TrackId(id), codec: codec.clone() }).collect();
    let mut muxer = Muxer::new(&tracks).expect("MP4 carries them");
    let mut file = muxer.init().to_vec();
    for start in [0, 3] {
        let samples: Vec<Sample> = (start..start + 3)
            .flat_map(|index| tracks.iter().map(move |track| sample(track, index)))
            .collect();
        file.extend_from_slice(&muxer.fragment(&samples));
    }
    file
}

fn sample(track: &Track, index: i64) -> Sample {
    use testkit::h264::{Slice, slice};
    let time = Timestamp::from_nanos(index * 40_000_000);
    let data = match track.kind() {
        Kind::Video => {
            let mut data = BytesMut::new();
            nal::put_length_prefixed(&mut data, &slice(if index == 0 { Slice::Idr } else { Slice::P }, 20));
            data.freeze()
        }
        Kind::Audio => Bytes::from_static(&[0x21, 0x10, 0x05]),
    };
    let frame = Frame {
        track: track.id,
        keyframe: index == 0,
        pts: time + Duration::from_millis(40),
        dts: time,
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch(),
        data,
    };
    Sample { frame, duration: Duration::from_millis(40) }
}

/// The `moov` box of [`file`] with sample tables instead of empty ones: three samples of 3 bytes in one chunk.
fn plain_file() -> Vec<u8> {
    let full = |kind: &[u8; 4], words: &[u32]| {
        let size = u32::try_from(12 + words.len() * 4).expect("a small box");
        let head = [&size.to_be_bytes()[..], kind, &[0; 4]].concat();
        head.into_iter().chain(words.iter().flat_map(|word| word.to_be_bytes())).collect::<Vec<u8>>()
    };
    let mut file = file(&[Codec::Opus { channels: 2 }]);
    file.truncate(file.windows(4).position(|kind| kind == b"moof").expect("a fragment") - 4);
    // The media stands behind the `moov` box, which grows by as much as the tables do.
    let empty: [&[u8; 4]; 4] = [b"stts", b"stsc", b"stsz", b"stco"];
    let at = file.windows(4).position(|kind| kind == empty[0]).expect("a table") - 4;
    let end = file.windows(4).position(|kind| kind == b"stco").expect("a table") + 12;
    let tables = |data_at: u32| {
        [
            full(b"stts", &[1, 3, 960]),
            full(b"stsc", &[1, 1, 3, 1]),
            full(b"stsz", &[0, 3, 3, 3, 3]),
            full(b"stco", &[1, data_at]),
        ]
        .concat()
    };
    let grown = tables(0).len() - (end - at);
    let data_at = u32::try_from(file.len() + grown + 8).expect("a small file");
    // Every box around the tables has to say that it has grown.
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl"] {
        let size_at = file.windows(4).position(|found| found == kind).expect("a box") - 4;
        let size = u32::from_be_bytes(*file[size_at..].first_chunk().expect("a size"));
        let size = size + u32::try_from(grown).expect("a small box");
        file[size_at..size_at + 4].copy_from_slice(&size.to_be_bytes());
    }
    file.splice(at..end, tables(data_at));
    file.extend_from_slice(b"\0\0\0\x11mdat123456789");
    assert_eq!(demux(&file, 100).1.len(), 3, "the seed is what it is meant to be");
    file
}
