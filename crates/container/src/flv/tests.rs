//! Muxer and demuxer together, bodies by themselves, and files of ffmpeg.

use super::tag::{AudioBody, AudioCodec, AudioTag, VideoBody, VideoCodec, VideoTag};
use super::{Demuxer, Muxer, TagKind, TagReader, TagWriter};
use crate::testing::{
    Demuxed, aac, data, flac, frame, frames_of, h264, h265, interleave, mp3, pcma, pieces, sizes, track,
};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::{Codec, Frame, Kind, PcmLayout, Track};
use yeoul_testkit::epoch;

fn mux(tracks: &[Track], frames: &[Frame]) -> Vec<u8> {
    let (mut muxer, mut out) = (Muxer::new(tracks).unwrap(), BytesMut::new());
    frames.iter().for_each(|frame| muxer.write(frame, &mut out));
    out.to_vec()
}

fn demux(stream: &[u8], seed: u64) -> Demuxed {
    let (mut demuxer, mut demuxed) = (Demuxer::default(), Demuxed::default());
    for piece in pieces(stream, seed) {
        demuxer.push(piece, epoch()).unwrap();
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    demuxed
}

/// What of a frame goes through FLV: milliseconds.
fn outline(frame: &Frame) -> (i64, i64, bool, &[u8]) {
    (frame.pts.to_ticks(1000), frame.dts.to_ticks(1000), frame.keyframe, &frame.data)
}

fn assert_same(tracks: &[Track], sent: &[Frame], got: &Demuxed) {
    assert_eq!(got.told.len(), 1, "{:?}", got.told);
    let received = got.tracks();
    assert_eq!(received.len(), tracks.len(), "{:?}", got.told);
    for track in tracks {
        let (codec, frames) = received.iter().find(|(codec, _)| codec.kind() == track.kind()).unwrap();
        assert_eq!(*codec, &track.codec);
        let sent: Vec<_> = sent.iter().filter(|frame| frame.track == track.id).map(outline).collect();
        let got: Vec<_> = frames.iter().map(outline).collect();
        assert!(sent == got, "{codec}: {} frames sent, {} received, or not the same", sent.len(), got.len());
    }
}

fn video_codecs() -> impl Strategy<Value = Codec> {
    prop::sample::select(vec![h264(640), h265(640)])
}

fn audio_codecs() -> impl Strategy<Value = Codec> {
    prop::sample::select(vec![
        aac(48_000, 2),
        aac(8000, 1),
        Codec::Opus { channels: 1 },
        Codec::Opus { channels: 2 },
        mp3(),
        flac(),
        pcma(1),
        pcma(2),
        Codec::Pcmu(PcmLayout { sample_rate: 8000, channels: 1 }),
    ])
}

fn bytes(most: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn video_tags() -> impl Strategy<Value = VideoTag> {
    use VideoCodec::{Av1, H264, H265, Vp8, Vp9};
    let body = prop_oneof![
        bytes(60).prop_map(VideoBody::Config),
        Just(VideoBody::End),
        (any::<bool>(), -(1 << 23)..(1 << 23), bytes(60)).prop_map(|(keyframe, composition_ms, data)| {
            VideoBody::Frame { keyframe, composition_ms, data }
        }),
    ];
    let codec = prop::sample::select(vec![H264, H265, Av1, Vp9, Vp8]);
    (prop_oneof![Just(0u8), any::<u8>()], prop_oneof![Just(0u32), 0..1_000_000u32], codec, body).prop_map(
        |(track, nanos, codec, mut body)| {
            if let VideoBody::Frame { composition_ms, .. } = &mut body
                && matches!(codec, Av1 | Vp9 | Vp8)
            {
                *composition_ms = 0;
            }
            VideoTag { track, nanos, codec, body }
        },
    )
}

fn audio_tags() -> impl Strategy<Value = AudioTag> {
    use AudioCodec::{Aac, Flac, Mp3, Opus, Pcma, Pcmu};
    let body = prop_oneof![
        bytes(60).prop_map(AudioBody::Config),
        bytes(60).prop_map(AudioBody::Frame),
        Just(data(&mp3(), true, 9)).prop_map(AudioBody::Frame),
        Just(AudioBody::End),
    ];
    let codec = prop::sample::select(vec![Aac, Mp3, Opus, Flac, Pcma, Pcmu]);
    let place = (prop_oneof![Just(0u8), any::<u8>()], prop_oneof![Just(0u32), 0..1_000_000u32]);
    (place, codec, any::<bool>(), body).prop_map(|((track, nanos), codec, stereo, body)| match codec {
        // G.711 has no extended form: frames of the only track.
        Pcma | Pcmu => {
            let body = AudioBody::Frame(match body {
                AudioBody::Config(data) | AudioBody::Frame(data) => data,
                AudioBody::End => Bytes::new(),
            });
            AudioTag { track: 0, nanos: 0, codec, stereo, body }
        }
        Aac | Mp3 | Opus | Flac => AudioTag { track, nanos, codec, stereo: true, body },
    })
}

fn body(head: impl FnOnce(&mut BytesMut), data: &Bytes) -> Bytes {
    let mut out = BytesMut::new();
    head(&mut out);
    assert!(out.len() <= 16, "a head of {} bytes", out.len());
    out.extend_from_slice(data);
    out.freeze()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn frames_come_back_as_they_went_in(video in video_codecs(), audio in audio_codecs(), pictures in sizes(30), sound in sizes(40), gop in 1usize..20, reordered: bool, seed: u64) {
        let tracks = [track(0, video), track(1, audio)];
        let sent = interleave(vec![frames_of(&tracks[0], &pictures, gop, reordered), frames_of(&tracks[1], &sound, 1, false)]);
        assert_same(&tracks, &sent, &demux(&mux(&tracks, &sent), seed));
    }

    #[test]
    fn one_track_alone_is_told_at_once(audio in audio_codecs(), sound in sizes(5)) {
        let tracks = [track(4, audio)];
        let sent = frames_of(&tracks[0], &sound, 1, false);
        let mut demuxer = Demuxer::default();
        demuxer.push(&mux(&tracks, &sent), epoch()).unwrap();
        prop_assert!(matches!(demuxer.pull(), Some(crate::Event::Tracks(tracks)) if tracks.len() == 1));
    }

    #[test]
    fn a_video_body_reads_back(tag in video_tags()) {
        let written = body(|out| tag.write_head(out), &tag.data());
        prop_assert_eq!(VideoTag::parse(&written), Ok(vec![tag]));
    }

    #[test]
    fn an_audio_body_reads_back(tag in audio_tags()) {
        let written = body(|out| tag.write_head(out), &tag.data());
        prop_assert_eq!(AudioTag::parse(&written), Ok(vec![tag]));
    }

    #[test]
    fn no_bytes_panic(pictures in sizes(10), faults in prop::collection::vec((any::<Index>(), any::<u8>()), 0..20), seed: u64) {
        let tracks = [track(0, h265(640)), track(1, aac(48_000, 2))];
        let sent = interleave(vec![frames_of(&tracks[0], &pictures, 4, true), frames_of(&tracks[1], &pictures, 1, false)]);
        let mut stream = mux(&tracks, &sent);
        for (at, byte) in faults {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let mut demuxer = Demuxer::default();
        for piece in pieces(&stream, seed) {
            let _ = demuxer.push(piece, epoch());
            while demuxer.pull().is_some() {}
        }
    }

    #[test]
    fn no_body_panics(data: Vec<u8>) {
        let data = Bytes::from(data);
        let _ = (VideoTag::parse(&data), AudioTag::parse(&data));
        let mut reader = TagReader::default();
        for kind in [TagKind::Video, TagKind::Audio, TagKind::Script] {
            let _ = reader.push(kind, 0, &data, epoch());
        }
    }
}

#[test]
fn old_codecs_have_the_bytes_every_player_knows() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let mut writer = TagWriter::new(&tracks).unwrap();
    let start = writer.start(7);
    let heads: Vec<_> = start.iter().map(|tag| (tag.kind, tag.timestamp_ms, tag.head.to_vec())).collect();
    assert_eq!(
        heads,
        [
            (TagKind::Script, 0, vec![]),
            (TagKind::Video, 7, vec![0x17, 0, 0, 0, 0]),
            (TagKind::Audio, 7, vec![0xaf, 0]),
        ]
    );
    let picture = frame(0, 40, 80, false, data(&tracks[0].codec, false, 30));
    let tags: Vec<_> =
        writer.write(&picture).map(|tag| (tag.timestamp_ms, tag.head.to_vec(), tag.data)).collect();
    assert_eq!(tags, [(40, vec![0x27, 1, 0, 0, 80], picture.data)]);
    let sound = frame(1, 50, 0, true, data(&tracks[1].codec, true, 30));
    let tags: Vec<_> =
        writer.write(&sound).map(|tag| (tag.timestamp_ms, tag.head.to_vec(), tag.data)).collect();
    assert_eq!(tags, [(50, vec![0xaf, 1], sound.data)]);
}

#[test]
fn new_codecs_have_a_four_cc() {
    let head = |codec: Codec, later| {
        let mut writer = TagWriter::new(&[track(0, codec.clone())]).unwrap();
        let frame = frame(0, 0, later, true, data(&codec, true, 30));
        writer.write(&frame).next().unwrap().head.to_vec()
    };
    assert_eq!(head(h265(640), 40), b"\x91hvc1\0\0\x28");
    assert_eq!(head(h265(640), 0), b"\x93hvc1");
    assert_eq!(head(Codec::Opus { channels: 2 }, 0), b"\x91Opus");
    assert_eq!(head(flac(), 0), b"\x91fLaC");
    assert_eq!(head(pcma(1), 0), b"\x72");
    assert_eq!(head(mp3(), 0), b"\x2f");
}

#[test]
fn what_is_not_carried_is_told_in_words() {
    let error = |tracks: &[Track]| Muxer::new(tracks).unwrap_err().to_string();
    assert_eq!(
        error(&[track(0, Codec::G722)]),
        "FLV cannot carry G722 16000 Hz 1 channel: leave the track out or convert it"
    );
    assert_eq!(
        error(&[track(0, h264(640)), track(1, h265(640))]),
        "FLV carries at most 1 video tracks, got 2: leave some out"
    );
    let body = Bytes::from_static(&[0x22, 1, 2, 3]);
    assert_eq!(
        VideoTag::parse(&body).unwrap_err().to_string(),
        "Sorenson H.263 in FLV and RTMP is not supported; send H.264, H.265, AV1, VP9 or VP8, and AAC, Opus, MP3, FLAC or G.711"
    );
    let mut demuxer = Demuxer::default();
    assert_eq!(
        demuxer.push(b"GIF89a: not FLV", epoch()).unwrap_err().to_string(),
        "this is no FLV: it starts with [47, 49, 46, 38], expected \"FLV\" and version 1"
    );
}

#[test]
fn times_above_24_bits_and_the_wrap_at_32_go_through() {
    let tracks = [track(0, h264(640))];
    for start in [(1 << 24) - 100, (1i64 << 32) - 200, 1 << 33] {
        let mut sent = frames_of(&tracks[0], &[50; 10], 5, true);
        for frame in &mut sent {
            let offset = Duration::from_millis(start.cast_unsigned());
            (frame.pts, frame.dts) = (frame.pts + offset, frame.dts + offset);
        }
        let got = demux(&mux(&tracks, &sent), 1);
        let frames = got.tracks()[0].1;
        let distances = |frames: &[Frame]| -> Vec<_> {
            let first = frames[0].dts.to_ticks(1000);
            frames
                .iter()
                .map(|frame| (frame.pts.to_ticks(1000) - first, frame.dts.to_ticks(1000) - first))
                .collect()
        };
        assert_eq!(distances(frames), distances(&sent), "{start}");
    }
}

#[test]
fn a_new_configuration_comes_in_front_of_its_frame() {
    let tracks = [track(0, h264(640))];
    let mut second = frame(0, 40, 0, true, data(&h264(1280), true, 50));
    second.new_codec = Some(Arc::new(h264(1280)));
    let got = demux(&mux(&tracks, &[frame(0, 0, 0, true, data(&h264(640), true, 50)), second]), 2);
    let frames = got.tracks()[0].1;
    assert_eq!(got.told, [[track(0, h264(640))]]);
    assert_eq!(frames[1].new_codec.as_deref(), Some(&h264(1280)));
}

#[test]
fn another_codec_is_another_track() {
    let mut reader = TagReader::default();
    reader.expect(true, false);
    let mut demuxed = Demuxed::default();
    for (ms, codec) in [(0, h264(640)), (40, h265(640))] {
        let mut writer = TagWriter::new(&[track(0, codec.clone())]).unwrap();
        let frame = frame(0, ms, 0, true, data(&codec, true, 50));
        let tags: Vec<_> = writer.start(0).into_iter().skip(1).chain(writer.write(&frame)).collect();
        for tag in tags {
            let body = [&tag.head[..], &tag.data].concat().into();
            reader.push(tag.kind, tag.timestamp_ms, &body, epoch()).unwrap();
        }
    }
    std::iter::from_fn(|| reader.pull()).for_each(|event| demuxed.take(event));
    let names = |tracks: &Vec<Track>| tracks.iter().map(|track| track.codec.name()).collect::<Vec<_>>();
    assert_eq!(demuxed.told.iter().map(names).collect::<Vec<_>>(), [["H264"], ["H265"]]);
    assert_ne!(demuxed.told[0][0].id, demuxed.told[1][0].id);
}

#[test]
fn lengths_of_two_bytes_and_delimiters_are_mended() {
    let mut reader = TagReader::default();
    reader.expect(true, false);
    let Codec::H264(Some(sets)) = h264(640) else { panic!("H.264 with its sets") };
    let sets: Vec<Bytes> = sets.units().cloned().collect();
    let mut config =
        vec![0x17, 0, 0, 0, 0, 1, 0x64, 0, 30, 0xfd, 0xe1, 0, u8::try_from(sets[0].len()).unwrap()];
    config.extend_from_slice(&sets[0]);
    config.extend([1, 0, u8::try_from(sets[1].len()).unwrap()]);
    config.extend_from_slice(&sets[1]);
    let slice = yeoul_testkit::h264::slice(yeoul_testkit::h264::Slice::Idr, 40);
    let mut picture = vec![0x17, 1, 0, 0, 0, 0, 2, 9, 0xf0, 0, 40];
    picture.extend_from_slice(&slice);
    reader.push(TagKind::Video, 0, &config.into(), epoch()).unwrap();
    reader.push(TagKind::Video, 0, &picture.into(), epoch()).unwrap();
    let mut demuxed = Demuxed::default();
    std::iter::from_fn(|| reader.pull()).for_each(|event| demuxed.take(event));
    assert_eq!(demuxed.tracks()[0].1[0].data, crate::testing::access_unit(&[slice]));
}

#[test]
fn metadata_says_which_tracks_to_wait_for() {
    let codec = aac(44_100, 1);
    let mut writer = TagWriter::new(&[track(0, codec.clone())]).unwrap();
    let mut reader = TagReader::default();
    let sound = frame(0, 0, 0, true, data(&codec, true, 50));
    for tag in writer.start(0).into_iter().chain(writer.write(&sound)) {
        let body = [&tag.head[..], &tag.data].concat().into();
        reader.push(tag.kind, tag.timestamp_ms, &body, epoch()).unwrap();
    }
    assert!(matches!(reader.pull(), Some(crate::Event::Tracks(tracks)) if tracks[0].codec == codec));
}

/// Adler-32 (RFC 1950 §8.2), started from 0 as ffmpeg's framecrc does.
fn adler(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((0u32, 0u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    (b << 16) | a
}

/// The packets of a file of ffmpeg, as ffmpeg lists them: in the order of the file within each stream.
fn check_file(name: &str, codecs: &[&str]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/");
    let file = std::fs::read(format!("{folder}{name}.flv")).unwrap();
    let expected = std::fs::read_to_string(format!("{folder}{name}.txt")).unwrap();
    let got = demux(&file, 1);
    let names: Vec<_> = got.tracks().iter().map(|(codec, _)| codec.to_string()).collect();
    assert_eq!(names, codecs);
    for (stream, (codec, frames)) in got.tracks().iter().enumerate() {
        let lines: Vec<String> = frames
            .iter()
            .map(|frame| {
                let (dts, pts) = (frame.dts.to_ticks(1000), frame.pts.to_ticks(1000));
                format!("{stream} {dts} {pts} {} 0x{:08x}", frame.data.len(), adler(&frame.data))
            })
            .collect();
        let expected: Vec<_> =
            expected.lines().filter(|line| line.starts_with(&format!("{stream} "))).collect();
        assert_eq!(lines, expected, "{codec}");
    }
}

#[test]
fn enhanced_files_of_ffmpeg_read_as_ffmpeg_reads_them() {
    check_file("h265_opus", &["H265 Main 64x64", "OPUS 48000 Hz 1 channel"]);
    check_file("av1_flac", &["AV1 Main 64x64", "FLAC 8000 Hz 1 channel"]);
    check_file("vp9_mp3", &["VP9 64x64", "MP3 48000 Hz 1 channel"]);
}

#[test]
fn a_multitrack_file_of_ffmpeg_gives_all_its_tracks() {
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/multitrack.flv")).unwrap();
    let got = demux(&file, 2);
    let mut kinds: Vec<_> = got.tracks().iter().map(|(codec, frames)| (codec.kind(), frames.len())).collect();
    kinds.sort_unstable();
    let sound = kinds.iter().filter(|(kind, _)| *kind == Kind::Audio).count();
    assert_eq!((kinds.len(), sound), (4, 2), "{kinds:?}");
    assert!(kinds[0] == kinds[1] && kinds[2] == kinds[3], "{kinds:?}");
}
