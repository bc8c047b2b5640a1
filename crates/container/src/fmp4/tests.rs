//! The muxer and the demuxer together, and both against readers that nobody here wrote.

use super::*;
use crate::Sample;
use bytes::{BufMut, Bytes, BytesMut};
use mp4_atom::{Any, Decode, DecodeMaybe, Ftyp, Moof, Moov};
use proptest::prelude::*;
use std::time::Duration;
use yeoul_media::bitstream::{aac, av1, flac, h264, h265, nal, vp8, vp9};
use yeoul_media::{Frame, Kind, PcmLayout, Timestamp, Track};
use yeoul_testkit as testkit;
use yeoul_testkit::Rng;

/// A sequence header of libaom: 1280x720, 8 bits.
const AV1_SEQUENCE: &[u8] = &[0x0a, 0x0b, 0x00, 0x00, 0x00, 0x2d, 0x4c, 0xff, 0xb3, 0xcd, 0xaf, 0x90, 0x04];
/// The start of a keyframe of VP9: 1280x720, profile 0.
const VP9_KEYFRAME: &[u8] = &[0x82, 0x49, 0x83, 0x42, 0x40, 0x4f, 0xf0, 0x2c, 0xf0];
const VP8_KEYFRAME: &[u8] = &[0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02];

fn h264_sets(width: u32) -> Vec<Vec<u8>> {
    vec![testkit::h264::sps(width, 720), testkit::h264::pps()]
}

fn h265_sets(width: u32) -> Vec<Vec<u8>> {
    vec![testkit::h265::vps(), testkit::h265::sps(width, 720), testkit::h265::pps()]
}

fn h264_codec(width: u32) -> Codec {
    let sets = h264::ParameterSets::from_units(h264_sets(width).into_iter().map(Bytes::from));
    Codec::H264(Some(sets.unwrap()))
}

fn h265_codec(width: u32) -> Codec {
    let sets = h265::ParameterSets::from_units(h265_sets(width).into_iter().map(Bytes::from));
    Codec::H265(Some(sets.unwrap()))
}

fn video_codecs() -> Vec<Codec> {
    let av1 = av1::SequenceHeader::from_temporal_unit(&Bytes::from_static(AV1_SEQUENCE)).unwrap();
    vec![
        h264_codec(1280),
        h265_codec(1280),
        Codec::Av1(Some(av1)),
        Codec::Vp9(vp9::Parameters::from_keyframe(VP9_KEYFRAME)),
        Codec::Vp8(vp8::Parameters::from_keyframe(VP8_KEYFRAME)),
    ]
}

fn audio_codecs() -> Vec<Codec> {
    let mut flac =
        vec![0x10, 0x00, 0x10, 0x00, 0, 0, 0x0f, 0, 0, 0x0f, 0x0a, 0xc4, 0x42, 0xf0, 0, 0, 0, 1, 7];
    flac.resize(flac::STREAM_INFO_BYTES, 0xaa);
    vec![
        Codec::Aac(aac::AudioSpecificConfig::low_complexity(44_100, 2).unwrap()),
        Codec::Aac(aac::AudioSpecificConfig::low_complexity(96_000, 6).unwrap()),
        Codec::Opus { channels: 2 },
        Codec::Flac(flac::StreamInfo::parse(&flac.into()).unwrap()),
        Codec::Mp3(PcmLayout { sample_rate: 44_100, channels: 2 }),
        Codec::Mp3(PcmLayout { sample_rate: 16_000, channels: 1 }),
    ]
}

fn length_prefixed(units: &[Vec<u8>]) -> Bytes {
    let mut out = BytesMut::new();
    units.iter().for_each(|unit| nal::put_length_prefixed(&mut out, unit));
    out.freeze()
}

/// The data of a frame of this codec, as it would stand in [`Frame::data`].
fn data(codec: &Codec, keyframe: bool, rng: &mut Rng) -> Bytes {
    let size = 1 + usize::try_from(rng.below(600)).unwrap();
    let start = |start: &[u8], rng: &mut Rng| Bytes::from([start, &rng.bytes(size)].concat());
    match codec {
        Codec::H264(_) => {
            use testkit::h264::{Slice, sei, slice};
            let kind = if keyframe { Slice::Idr } else { Slice::P };
            length_prefixed(&[sei(8), slice(kind, size), slice(kind, 20)])
        }
        Codec::H265(_) => {
            use testkit::h265::{Slice, slice};
            let kind = if keyframe { Slice::Idr } else { Slice::P };
            length_prefixed(&[slice(kind, size), slice(kind, 20)])
        }
        Codec::Av1(_) => {
            let sequence = if keyframe { AV1_SEQUENCE } else { &[] };
            let payload = rng.bytes(100);
            // OBU_FRAME with its size; frame_type and show_frame in the first byte.
            let head = [0x32, 101, if keyframe { 0x10 } else { 0x30 }];
            [sequence, &head, &payload].concat().into()
        }
        Codec::Vp9(_) => start(if keyframe { VP9_KEYFRAME } else { &[0x86] }, rng),
        Codec::Vp8(_) => start(if keyframe { VP8_KEYFRAME } else { &[0x31, 2, 0] }, rng),
        Codec::Aac(_) | Codec::Opus { .. } | Codec::Flac(_) | Codec::Mp3(_) => start(&[], rng),
        Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_) => {
            panic!("MP4 does not carry {codec}")
        }
    }
}

fn tracks(codecs: &[Codec]) -> Vec<Track> {
    let track = |(id, codec): (u16, &Codec)| Track { id: TrackId(id), codec: codec.clone() };
    (0..).zip(codecs).map(track).collect()
}

fn ticks_per_second(codec: &Codec) -> u32 {
    codec.sample_rate().unwrap_or(90_000)
}

/// Frames of all tracks by decoding time; those of video are shown in another order if `reordered`.
fn samples(tracks: &[Track], seed: u64, reordered: bool) -> Vec<Sample> {
    let mut rng = Rng::new(seed);
    let mut samples = Vec::new();
    for track in tracks {
        let rate = ticks_per_second(&track.codec);
        let video = track.kind() == Kind::Video;
        let mut dts = i64::try_from(rng.below(u64::from(rate))).unwrap();
        for index in 0..40 {
            let step = 1 + i64::try_from(rng.below(u64::from(rate) / 10)).unwrap();
            let ahead = if video && reordered { i64::try_from(rng.below(9_000)).unwrap() } else { 0 };
            let keyframe = !video || index % 10 == 0;
            let time = |ticks| Timestamp::from_ticks(ticks, rate);
            let frame = Frame {
                track: track.id,
                keyframe,
                pts: time(dts + ahead),
                dts: time(dts),
                new_codec: None,
                captured_at: None,
                received_at: testkit::epoch(),
                data: data(&track.codec, keyframe, &mut rng),
            };
            dts += step;
            samples.push(Sample { duration: time(dts).saturating_since(frame.dts), frame });
        }
    }
    samples.sort_by_key(|sample| sample.frame.dts);
    samples
}

/// Pushes `file` in chunks of random sizes; the tracks and the frames.
fn demux(file: &[u8], seed: u64) -> Result<(Vec<Track>, Vec<Frame>), DemuxError> {
    let mut rng = Rng::new(seed);
    let mut demuxer = Demuxer::new();
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    let mut rest = file;
    while !rest.is_empty() {
        let most = if rng.chance(0.5) { 9 } else { 3000 };
        let count = (1 + usize::try_from(rng.below(most)).unwrap()).min(rest.len());
        let (chunk, after) = rest.split_at(count);
        rest = after;
        demuxer.push(chunk, testkit::epoch())?;
        while let Some(event) = demuxer.pull() {
            match event {
                Event::Tracks(found) => tracks = found,
                Event::Frame(frame) => frames.push(frame),
            }
        }
    }
    assert_eq!(demuxer.damaged(), 0);
    Ok((tracks, frames))
}

/// What a frame of a track has to keep.
fn essence(
    frames: impl IntoIterator<Item = Frame>,
    track: TrackId,
) -> Vec<(bool, Timestamp, Timestamp, Bytes)> {
    let of_track = frames.into_iter().filter(|frame| frame.track == track);
    of_track.map(|frame| (frame.keyframe, frame.pts, frame.dts, frame.data)).collect()
}

/// The whole file in fragments of 1 to `most` samples.
fn mux(muxer: &mut Muxer, samples: &[Sample], most: u64, seed: u64) -> (Vec<Bytes>, Vec<u8>) {
    let mut rng = Rng::new(seed);
    let mut fragments = Vec::new();
    let mut rest = samples;
    while !rest.is_empty() {
        let count = (1 + usize::try_from(rng.below(most)).unwrap()).min(rest.len());
        let (now, after) = rest.split_at(count);
        rest = after;
        fragments.push(muxer.fragment(now));
    }
    let file = [muxer.init(), &Bytes::from(fragments.concat())].map(|bytes| &bytes[..]).concat();
    (fragments, file)
}

fn moof(fragment: &[u8]) -> Moof {
    let mut rest = fragment;
    let moof = Moof::decode(&mut rest).expect("a moof box");
    assert!(matches!(Any::decode(&mut rest), Ok(Any::Mdat(_))), "an mdat box");
    assert!(rest.is_empty(), "nothing after it");
    moof
}

/// Has mp4san read the file. It does not know fragments: the `moof` boxes are called `free` for it, which leaves it the
/// file's structure, the whole `moov` box and the place of the media to check; and it wants the brand `isom`.
fn check_with_mp4san(init: &[u8], fragments: &[Bytes]) {
    let mut rest = init;
    let mut ftyp = Ftyp::decode(&mut rest).unwrap();
    ftyp.compatible_brands.push(b"isom".into());
    let mut file = Vec::new();
    mp4_atom::Encode::encode(&ftyp, &mut file).unwrap();
    file.extend_from_slice(rest);
    for fragment in fragments {
        let mut fragment = fragment.to_vec();
        assert_eq!(&fragment[4..8], b"moof");
        fragment[4..8].copy_from_slice(b"free");
        file.extend_from_slice(&fragment);
    }
    let size = file.len() as u64;
    let sanitized = mp4san::sanitize(std::io::Cursor::new(file)).expect("mp4san takes it");
    assert_eq!(sanitized.metadata, None, "nothing to sanitize");
    assert_eq!(sanitized.data.offset + sanitized.data.len, size, "the media is all there");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_come_back_as_they_went_in(
        video in prop::sample::select(video_codecs()),
        audio in prop::sample::select(audio_codecs()),
        reordered: bool,
        most in 1u64..30,
        seed: u64,
    ) {
        let tracks = tracks(&[video, audio]);
        let samples = samples(&tracks, seed, reordered);
        let mut muxer = Muxer::new(&tracks).unwrap();
        let (fragments, file) = mux(&mut muxer, &samples, most, seed);
        let (found, frames) = demux(&file, seed).unwrap();
        prop_assert_eq!(&found, &tracks);
        prop_assert!(frames.iter().all(|frame| frame.new_codec.is_none()));
        for track in &tracks {
            prop_assert_eq!(
                essence(frames.clone(), track.id),
                essence(samples.iter().map(|sample| sample.frame.clone()), track.id)
            );
        }
        check_with_mp4san(muxer.init(), &fragments);
    }

    #[test]
    fn fragments_join_without_gap_or_overlap(
        video in prop::sample::select(video_codecs()),
        audio in prop::sample::select(audio_codecs()),
        most in 1u64..30,
        seed: u64,
    ) {
        let tracks = tracks(&[video, audio]);
        let samples = samples(&tracks, seed, true);
        let mut muxer = Muxer::new(&tracks).unwrap();
        let (fragments, _) = mux(&mut muxer, &samples, most, seed);
        let mut ends = [None; 2];
        for (number, fragment) in (1u32..).zip(&fragments) {
            let moof = moof(fragment);
            prop_assert_eq!(moof.mfhd.sequence_number, number);
            for traf in &moof.traf {
                let start = traf.tfdt.as_ref().unwrap().base_media_decode_time;
                let end = &mut ends[traf.tfhd.track_id as usize - 1];
                prop_assert!(end.is_none_or(|end| end == start));
                let durations = traf.trun.iter().flat_map(|trun| &trun.samples);
                let durations = durations.map(|entry| u64::from(entry.duration.unwrap()));
                *end = Some(start + durations.sum::<u64>());
            }
        }
    }

    #[test]
    fn no_bytes_panic(data: Vec<u8>, seed: u64) {
        let _ = demux(&data, seed);
        let _ = demux(&[b"\0\0\0\x08ftyp", &data[..]].concat(), seed);
    }
}

#[test]
fn every_init_segment_parses_with_mp4_atom() {
    for codec in video_codecs().into_iter().chain(audio_codecs()) {
        let muxer = Muxer::new(&tracks(std::slice::from_ref(&codec))).unwrap();
        let mut rest = &muxer.init()[..];
        Ftyp::decode(&mut rest).unwrap();
        let moov = Moov::decode(&mut rest).unwrap();
        assert_eq!(moov.trak.len(), 1);
        assert_eq!(moov.trak[0].mdia.mdhd.timescale, ticks_per_second(&codec));
        assert!(moov.trak[0].edts.is_none(), "no edit list");
        assert_eq!(moov.mvex.unwrap().trex[0].track_id, 1);
        assert!(Any::decode_maybe(&mut rest).unwrap().is_none());
    }
}

#[test]
fn codecs_are_told_as_browsers_ask_for_them() {
    let names = |codec: Codec| Muxer::new(&tracks(&[codec])).unwrap().content_type();
    let told: Vec<String> = video_codecs().into_iter().chain(audio_codecs()).map(names).collect();
    assert_eq!(
        told,
        [
            "video/mp4; codecs=\"avc1.64001F\"",
            "video/mp4; codecs=\"hvc1.1.6.L93.90\"",
            "video/mp4; codecs=\"av01.0.05M.08\"",
            "video/mp4; codecs=\"vp09.00.31.08\"",
            "video/mp4; codecs=\"vp08.00.10.08\"",
            "audio/mp4; codecs=\"mp4a.40.2\"",
            "audio/mp4; codecs=\"mp4a.40.2\"",
            "audio/mp4; codecs=\"opus\"",
            "audio/mp4; codecs=\"flac\"",
            "audio/mp4; codecs=\"mp4a.6B\"",
            "audio/mp4; codecs=\"mp4a.69\"",
        ]
    );
    let both = Muxer::new(&tracks(&[h264_codec(1280), Codec::Opus { channels: 1 }])).unwrap();
    assert_eq!(both.content_type(), "video/mp4; codecs=\"avc1.64001F,opus\"");
}

#[test]
fn what_mp4_does_not_carry_is_refused_in_words() {
    let pcma = Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 });
    assert!(!carries(&pcma));
    assert_eq!(
        Muxer::new(&tracks(&[pcma])).unwrap_err().to_string(),
        "MP4 does not carry PCMA 8000 Hz 1 channel (track #0); convert it first, to H264 or AAC for example"
    );
    assert!(carries(&Codec::H264(None)));
    assert_eq!(
        Muxer::new(&tracks(&[Codec::H264(None)])).unwrap_err().to_string(),
        "the H264 of track #0 has no decoder configuration yet; it comes with the first keyframe"
    );
    assert_eq!(Muxer::new(&[]).unwrap_err(), Unsupported::NoTracks);
}

/// A sample of H.264 with these units at a time in ticks of 90 kHz, 3000 ticks long.
fn picture(units: &[Vec<u8>], dts: i64) -> Sample {
    let data = length_prefixed(units);
    let frame = Frame {
        track: TrackId(0),
        keyframe: h264::is_keyframe(nal::length_prefixed(&data)),
        pts: Timestamp::from_ticks(dts, 90_000),
        dts: Timestamp::from_ticks(dts, 90_000),
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch(),
        data,
    };
    Sample { frame, duration: Duration::from_nanos(33_333_333) }
}

fn idr() -> Vec<u8> {
    testkit::h264::slice(testkit::h264::Slice::Idr, 100)
}

#[test]
fn parameter_sets_of_the_init_segment_are_not_repeated_in_samples() {
    let tracks = tracks(&[h264_codec(1280)]);
    let mut muxer = Muxer::new(&tracks).unwrap();
    let sets = h264_sets(1280);
    let with_sets = picture(&[sets[0].clone(), sets[1].clone(), testkit::h264::sei(8), idr()], 0);
    let mut file = muxer.init().to_vec();
    file.extend_from_slice(&muxer.fragment(&[with_sets]));
    let (_, frames) = demux(&file, 1).unwrap();
    assert_eq!(frames[0].data, length_prefixed(&[testkit::h264::sei(8), idr()]));
    assert!(frames[0].new_codec.is_none());
}

#[test]
fn parameter_sets_that_the_init_segment_lacks_stay_in_samples() {
    let tracks = tracks(&[h264_codec(1280)]);
    let mut muxer = Muxer::new(&tracks).unwrap();
    let sample = picture(&[h264_sets(640)[0].clone(), h264_sets(640)[1].clone(), idr()], 0);
    let mut file = muxer.init().to_vec();
    file.extend_from_slice(&muxer.fragment(std::slice::from_ref(&sample)));
    let (_, frames) = demux(&file, 1).unwrap();
    // The PPS is the same for both.
    assert_eq!(frames[0].data, length_prefixed(&[h264_sets(640)[0].clone(), idr()]));
    let new_codec = frames[0].new_codec.as_ref().unwrap();
    assert_eq!(new_codec.dimensions(), Some((640, 720)));
}

#[test]
fn a_sample_of_nothing_but_parameter_sets_is_kept() {
    let mut muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let fragment = muxer.fragment(&[picture(&h264_sets(1280), 0)]);
    assert!(moof(&fragment).traf[0].trun[0].samples.get(0).unwrap().size.unwrap() > 20);
}

#[test]
fn a_new_codec_makes_a_new_init_segment_and_goes_on() {
    let tracks = tracks(&[h264_codec(1280)]);
    let mut muxer = Muxer::new(&tracks).unwrap();
    let mut file = muxer.init().to_vec();
    file.extend_from_slice(&muxer.fragment(&[picture(&[idr()], 0)]));
    assert!(!muxer.change(TrackId(0), &h264_codec(1280)).unwrap());
    assert!(muxer.change(TrackId(0), &h264_codec(640)).unwrap());
    file.extend_from_slice(muxer.init());
    let second = muxer.fragment(&[picture(&[idr()], 3000)]);
    assert_eq!(moof(&second).mfhd.sequence_number, 2);
    file.extend_from_slice(&second);
    let (_, frames) = demux(&file, 3).unwrap();
    assert!(frames[0].new_codec.is_none());
    assert_eq!(frames[1].new_codec.as_deref(), Some(&h264_codec(640)));
    assert_eq!(frames[1].dts, Timestamp::from_ticks(3000, 90_000));
}

#[test]
fn samples_keep_their_parameter_sets_where_they_are_told_to() {
    let codec = h264_codec(1280);
    let Codec::H264(Some(sets)) = &codec else { panic!("H.264 with its sets") };
    let sets: Vec<Vec<u8>> = sets.units().map(|unit| unit.to_vec()).collect();
    let units = [sets.as_slice(), &[idr()]].concat();
    let mut muxer = Muxer::new(&tracks(&[codec])).unwrap();
    let size = |muxer: &mut Muxer| {
        let moof = moof(&muxer.fragment(&[picture(&units, 0)]));
        moof.traf[0].trun[0].samples.get(0).unwrap().size.unwrap()
    };
    let without = size(&mut muxer);
    muxer.keep_parameter_sets();
    let sets_bytes: usize = sets.iter().map(|set| 4 + set.len()).sum();
    let with = without + u32::try_from(sets_bytes).unwrap();
    assert_eq!(size(&mut muxer), with);
    // Whatever the init segment tells from then on.
    muxer.change(TrackId(0), &h264_codec(640)).unwrap();
    assert_eq!(size(&mut muxer), with);
}

#[test]
fn a_change_that_cannot_be_leaves_the_muxer_as_it_was() {
    let mut muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let before = muxer.init().clone();
    assert!(muxer.change(TrackId(0), &Codec::G722).is_err());
    assert_eq!(muxer.change(TrackId(9), &Codec::G722), Err(Unsupported::NoSuchTrack(TrackId(9))));
    assert_eq!((muxer.init(), muxer.codecs().as_str()), (&before, "avc1.64001F"));
}

#[test]
fn times_before_the_zero_become_zero_and_leave_the_rest_in_place() {
    let mut muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let samples = [-6000, -3000, 0, 3000].map(|dts| picture(&[idr()], dts));
    let moof = moof(&muxer.fragment(&samples));
    assert_eq!(moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time, 0);
    let durations: Vec<_> =
        moof.traf[0].trun[0].samples.iter().map(|entry| entry.duration.unwrap()).collect();
    assert_eq!(durations, [0, 0, 3000, 3000]);
}

#[test]
fn twelve_hours_of_sound_at_44100_hz_do_not_drift() {
    let codec = Codec::Aac(aac::AudioSpecificConfig::low_complexity(44_100, 2).unwrap());
    let mut muxer = Muxer::new(&tracks(&[codec])).unwrap();
    let frames = 12 * 3600 * 44_100 / 1024;
    let mut end = 0;
    for first in (0..frames).step_by(43) {
        let samples: Vec<Sample> = (first..first + 43)
            .map(|index| {
                let (dts, next) = (Timestamp::from_ticks(index * 1024, 44_100), (index + 1) * 1024);
                let duration = Timestamp::from_ticks(next, 44_100).saturating_since(dts);
                let frame = Frame { pts: dts, dts, ..picture(&[vec![1]], 0).frame };
                Sample { frame, duration }
            })
            .collect();
        let traf = moof(&muxer.fragment(&samples)).traf.remove(0);
        let start = traf.tfdt.unwrap().base_media_decode_time;
        assert_eq!((start, start), (u64::try_from(first * 1024).unwrap(), end));
        let entries = &traf.trun[0].samples;
        assert!(entries.iter().all(|entry| entry.duration == Some(1024)));
        end = start + 43 * 1024;
    }
}

#[test]
fn samples_of_other_tracks_are_passed_over_and_nothing_makes_nothing() {
    let mut muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let mut foreign = picture(&[idr()], 0);
    foreign.frame.track = TrackId(7);
    assert!(muxer.fragment(&[foreign]).is_empty());
    assert!(muxer.fragment(&[]).is_empty());
    assert_eq!(moof(&muxer.fragment(&[picture(&[idr()], 0)])).mfhd.sequence_number, 1);
}

#[test]
fn flags_tell_keyframes_and_what_depends_on_others() {
    let mut muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let other = testkit::h264::slice(testkit::h264::Slice::P, 50);
    let fragment = muxer.fragment(&[picture(&[idr()], 0), picture(&[other], 3000)]);
    let traf = moof(&fragment).traf.remove(0);
    let flags: Vec<_> = traf.trun[0].samples.iter().map(|entry| entry.flags.unwrap()).collect();
    assert_eq!(flags, [0x0200_0000, 0x0101_0000]);
    // Relative to the moof box, whatever stands before it.
    assert!(traf.tfhd.default_base_is_moof && traf.tfhd.base_data_offset.is_none());
}

#[test]
fn a_segment_can_start_with_its_type() {
    let muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let mut rest = muxer.segment_type();
    assert!(matches!(Any::decode(&mut rest), Ok(Any::Styp(styp)) if styp.major_brand == b"msdh".into()));
    assert!(rest.is_empty());
}

/// A file that starts as MP4 and goes on with these bytes.
fn refused(bytes: &[&[u8]]) -> String {
    let file = [&[&b"\0\0\0\x08ftyp"[..]], bytes].concat().concat();
    demux(&file, 5).unwrap_err().to_string()
}

#[test]
fn bombs_are_refused_in_words() {
    assert_eq!(
        demux(b"<html><head>", 1).unwrap_err().to_string(),
        "this is not MP4: it starts with a box of type `l><h`, expected `ftyp`, `styp`, `moov` or `moof`"
    );
    assert_eq!(
        refused(&[b"\0\0\0\x01mdat", &[0xff; 8]]),
        "the MP4 box `mdat` has 18446744073709551615 bytes, expected at most 1099511627776"
    );
    assert_eq!(
        refused(&[b"\x80\0\0\0moov"]),
        "the MP4 box `moov` has 2147483648 bytes, expected at most 33554432"
    );
    assert_eq!(
        refused(&[b"\0\0\0\x07free"]),
        "the MP4 box `free` is damaged: it says to have 7 bytes, its header alone has 8"
    );
    assert_eq!(
        refused(&[b"\0\0\0\0free"]),
        "the MP4 box `free` is damaged: it goes up to the end of the file, which only media may"
    );
    assert_eq!(
        refused(&[&b"\0\0\0\x08free".repeat(300)]),
        "256 MP4 boxes follow each other without a single frame"
    );
    assert_eq!(
        refused(&[b"\0\0\0\x10mdat12345678"]),
        "the media comes before its `moov` box; write the file anew with ffmpeg -c copy -movflags +faststart"
    );
}

/// A muxed file with one picture, up to its media, and `at` the place of a byte pattern in it.
fn damaged(find: &[u8], change: impl FnOnce(&mut [u8])) -> Result<(Vec<Track>, Vec<Frame>), DemuxError> {
    let mut muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    let mut file = muxer.init().to_vec();
    file.extend_from_slice(&muxer.fragment(&[picture(&[idr()], 0)]));
    let at = file.windows(find.len()).position(|window| window == find).unwrap();
    change(&mut file[at..]);
    demux(&file, 1)
}

#[test]
fn damage_is_told_with_its_place() {
    let error = |find: &[u8], change: fn(&mut [u8])| damaged(find, change).unwrap_err().to_string();
    assert_eq!(
        error(b"trun", |trun| trun[8..12].copy_from_slice(&[0x00, 0x10, 0x00, 0x00])),
        "the MP4 box `trun` is damaged: the fragment has 1048576 samples, expected at most 131072"
    );
    assert_eq!(
        error(b"trun", |trun| trun[8..12].copy_from_slice(&[0, 0, 0, 2])),
        "the MP4 box `trun` is damaged: it ends before sample_duration: 4 bytes expected, 0 left"
    );
    assert_eq!(
        error(b"trun", |trun| trun[20..24].copy_from_slice(&[0x7f, 0, 0, 0])),
        "the MP4 sample has 2130706432 bytes, expected at most 16777216"
    );
    assert_eq!(
        error(b"trun", |trun| trun[12..16].copy_from_slice(&[0, 0, 0, 0])),
        "the MP4 box `mdat` is damaged: a sample is said to start at byte 683, which is past"
    );
    assert_eq!(
        error(b"avc1", |entry| entry[..4].copy_from_slice(b"mp4v")),
        "no track of the MP4 file can be read: track 1: `mp4v` is a coding that is not supported"
    );
}

#[test]
fn lengths_of_1_and_2_bytes_become_4() {
    let muxer = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
    for length_bytes in [1usize, 2, 3] {
        let mut init = muxer.init().to_vec();
        let avcc = init.windows(4).position(|window| window == b"avcC").unwrap();
        init[avcc + 8] = 0xfc | u8::try_from(length_bytes - 1).unwrap();
        let units = [vec![0x09, 0xf0], testkit::h264::sei(8), idr()];
        let mut sample = BytesMut::new();
        for unit in &units {
            let length = u32::try_from(unit.len()).unwrap().to_be_bytes();
            sample.put_slice(&length[4 - length_bytes..]);
            sample.put_slice(unit);
        }
        // The muxer takes what is no NAL units as it is.
        let raw = Frame { data: sample.freeze(), ..picture(&[idr()], 0).frame };
        let mut plain = Muxer::new(&tracks(&[h264_codec(1280)])).unwrap();
        init.extend_from_slice(&plain.fragment(&[Sample { frame: raw, duration: Duration::ZERO }]));
        let (_, frames) = demux(&init, 1).unwrap();
        // And the access unit delimiter goes.
        assert_eq!(frames[0].data, length_prefixed(&units[1..]), "{length_bytes} bytes");
    }
}
