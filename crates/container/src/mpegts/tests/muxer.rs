//! The muxer under the strict reader.

use super::{demux, mux};
use crate::Unsupported;
use crate::mpegts::{Muxer, carries};
use crate::testing::{aac, data, frame, frames_of, h264, h265, interleave, mp3, sizes, track};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use std::sync::Arc;
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, PcmLayout, Timestamp, TrackId};
use yeoul_testkit::ts::{Tables, check};

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

#[test]
fn what_is_carried_is_told_in_words() {
    let pcma = Codec::Pcma(PcmLayout { sample_rate: 8000, channels: 1 });
    assert!(!carries(&pcma));
    assert_eq!(
        Muxer::new(&[track(0, h264(640)), track(1, pcma)]).unwrap_err().to_string(),
        "an MPEG transport stream cannot carry PCMA 8000 Hz 1 channel: leave the track out or convert it"
    );
    assert_eq!(Muxer::new(&[]).unwrap_err().to_string(), "an MPEG transport stream needs at least one track");
    let many: Vec<_> = (0..9).map(|id| track(id, mp3())).collect();
    assert!(matches!(Muxer::new(&many), Err(Unsupported::Tracks { most: 8, got: 9, .. })));
    // AAC-ELD, object type 39: ADTS has two bits for it.
    let low_delay = AudioSpecificConfig::parse(Bytes::from_static(&[0xf8, 0xe8, 0x50, 0x00])).unwrap();
    assert_eq!(low_delay.object_type(), 39);
    assert!(!carries(&Codec::Aac(low_delay)));
}

#[test]
fn keyframes_get_a_delimiter_and_the_parameter_sets_they_lack() {
    let bare =
        crate::testing::access_unit(&[yeoul_testkit::h264::slice(yeoul_testkit::h264::Slice::Idr, 50)]);
    let stream = mux(
        &[track(0, h264(640))],
        &[frame(0, 0, 0, true, bare.clone()), frame(0, 40, 0, true, data(&h264(640), true, 50))],
    );
    let summary = check(&stream, Tables::Endless).unwrap();
    let kinds = |payload: &[u8]| nal::annex_b(payload).map(|unit| unit[0] & 31).collect::<Vec<_>>();
    let pictures: Vec<_> = summary.of(VIDEO).map(|pes| (pes.random_access, kinds(&pes.payload))).collect();
    assert_eq!(pictures, [(true, vec![9, 7, 8, 5]), (true, vec![9, 7, 8, 6, 5])]);
}

#[test]
fn the_delimiter_of_h265_has_the_temporal_layer_of_its_picture() {
    let mut slice = yeoul_testkit::h265::slice(yeoul_testkit::h265::Slice::P, 50);
    slice[1] = 3;
    let frames = [
        frame(0, 0, 0, true, data(&h265(640), true, 50)),
        frame(0, 40, 0, false, crate::testing::access_unit(&[slice])),
    ];
    let summary = check(&mux(&[track(0, h265(640))], &frames), Tables::Endless).unwrap();
    let layers: Vec<_> = summary.of(VIDEO).map(|pes| pes.payload[4..7].to_vec()).collect();
    assert_eq!(layers, [[0x46, 1, 0x50], [0x46, 3, 0x50]]);
}

#[test]
fn segments_start_with_tables_and_counters_go_on() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let frames = interleave(vec![
        frames_of(&tracks[0], &[500; 100], 25, false),
        frames_of(&tracks[1], &[200; 180], 1, false),
    ]);
    let (mut muxer, mut whole, mut segments) = (Muxer::new(&tracks).unwrap(), Vec::new(), 0);
    for gop in frames.chunk_by(|_, next| !(next.track == TrackId(0) && next.keyframe)) {
        let mut segment = BytesMut::new();
        muxer.start_segment(&mut segment);
        gop.iter().for_each(|frame| muxer.write(frame, &mut segment));
        assert_eq!(&segment[1..3], [0x40, 0], "PAT first");
        assert_eq!(&segment[188 + 1..188 + 3], [0x50, 0], "then PMT");
        // A decoder that starts here has a clock with its first picture.
        assert_eq!(segment[2 * 188 + 5] & 0x50, 0x50, "random access and clock");
        whole.extend_from_slice(&segment);
        segments += 1;
    }
    let summary = check(&whole, Tables::Segments).unwrap();
    assert_eq!((segments, summary.tables), (4, 4));
    assert_eq!((summary.of(VIDEO).count(), summary.of(AUDIO).count()), (100, 180));
}

#[test]
fn the_clock_comes_in_time_whatever_the_frame_rate() {
    // Two pictures a second, and sound of 8 kHz, whose frames last 128 ms.
    for codec in [h264(640), aac(8000, 1), aac(48_000, 2)] {
        let frames: Vec<_> = (0..20).map(|n| frame(0, n * 500, 0, true, data(&codec, true, 100))).collect();
        let summary = check(&mux(&[track(0, codec)], &frames), Tables::Endless).unwrap();
        assert!(summary.clocks >= 96, "{}", summary.clocks);
        assert_eq!(summary.discontinuities, 0);
    }
}

#[test]
fn sound_gives_the_clock_while_the_picture_is_away() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let sound = frames_of(&tracks[1], &[100; 500], 1, false);
    let mut picture = frames_of(&tracks[0], &[100; 5], 25, false);
    let mut back = frame(0, 9000, 0, true, data(&tracks[0].codec, true, 90));
    back.received_at = picture[0].received_at;
    picture.push(back);
    let summary = check(&mux(&tracks, &interleave(vec![sound, picture])), Tables::Endless).unwrap();
    assert!(summary.clocks > 90, "{}", summary.clocks);
    assert_eq!(summary.discontinuities, 0);
}

#[test]
fn a_gap_is_announced() {
    let codec = h264(640);
    let frames: Vec<_> =
        [0, 40, 60_000, 60_040].map(|ms| frame(0, ms, 0, true, data(&codec, true, 100))).into();
    let summary = check(&mux(&[track(0, codec)], &frames), Tables::Endless).unwrap();
    assert_eq!((summary.clocks, summary.discontinuities), (4, 1));
}

#[test]
fn new_parameters_are_a_new_version_of_the_map() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let mut second = frame(0, 40, 0, true, data(&h264(1280), true, 100));
    second.new_codec = Some(Arc::new(h264(1280)));
    // Bare: it gets the new sets.
    let third =
        crate::testing::access_unit(&[yeoul_testkit::h264::slice(yeoul_testkit::h264::Slice::Idr, 50)]);
    let frames =
        [frame(0, 0, 0, true, data(&tracks[0].codec, true, 100)), second, frame(0, 80, 0, true, third)];
    let stream = mux(&tracks, &frames);
    let summary = check(&stream, Tables::Endless).unwrap();
    assert_eq!(summary.versions, [0, 1]);
    let received = demux(&stream, 1);
    let (_, frames) = received.tracks()[0];
    assert_eq!(frames[1].new_codec.as_deref(), Some(&h264(1280)));
    assert!(frames[2].new_codec.is_none() && frames[2].data.len() > frames[1].data.len() - 100);
}

#[test]
fn another_codec_changes_the_stream_type_and_one_without_a_place_silences_the_track() {
    let (mut muxer, mut out) =
        (Muxer::new(&[track(0, h264(640)), track(1, mp3())]).unwrap(), BytesMut::new());
    muxer.write(&frame(0, 0, 0, true, data(&h264(640), true, 100)), &mut out);
    muxer.change(TrackId(0), &h265(640)).unwrap();
    muxer.write(&frame(0, 40, 0, true, data(&h265(640), true, 100)), &mut out);
    let summary = check(&out, Tables::Endless).unwrap();
    assert_eq!(summary.streams[&VIDEO], 0x24);
    muxer.change(TrackId(1), &Codec::G722).unwrap_err();
    muxer.write(&frame(1, 40, 0, true, Bytes::from_static(b"G.722")), &mut out);
    muxer.write(&frame(0, 80, 0, true, data(&h265(640), true, 100)), &mut out);
    let summary = check(&out, Tables::Endless).unwrap();
    assert_eq!(summary.streams.len(), 1);
    assert_eq!((summary.of(VIDEO).count(), summary.of(AUDIO).count()), (3, 0));
}

#[test]
fn times_wrap_after_26_hours() {
    let codec = h264(640);
    let start = Timestamp::from_ticks((1 << 33) - 90_000 - 18_000, 90_000);
    let mut frames = frames_of(&track(0, codec.clone()), &[100; 50], 10, true);
    for frame in &mut frames {
        frame.pts = start + frame.pts.saturating_since(Timestamp::ZERO);
        frame.dts = start + frame.dts.saturating_since(Timestamp::ZERO);
    }
    let summary = check(&mux(&[track(0, codec)], &frames), Tables::Endless).unwrap();
    let (first, last) = (&summary.pes[0], &summary.pes[49]);
    assert!(first.dts > (1 << 32) && last.dts < 1 << 20, "{} {}", first.dts, last.dts);
    assert_eq!(summary.discontinuities, 0);
}

#[test]
fn decoding_times_before_the_zero_stay_positive() {
    let codec = h264(640);
    let frames: Vec<_> = (0..5).map(|n| frame(0, n * 40 - 500, 80, true, data(&codec, true, 100))).collect();
    let summary = check(&mux(&[track(0, codec)], &frames), Tables::Endless).unwrap();
    assert!(summary.pes.iter().all(|pes| pes.dts < 1 << 20 && pes.pts == pes.dts + 7200));
}

#[test]
fn sound_of_another_track_and_too_large_sound_are_passed_over() {
    let codec = aac(48_000, 2);
    let frames = [
        frame(7, 0, 0, true, data(&codec, true, 100)),
        frame(0, 0, 0, true, data(&codec, true, 8184)),
        frame(0, 21, 0, true, data(&codec, true, 8185)),
    ];
    let summary = check(&mux(&[track(0, codec)], &frames), Tables::Endless).unwrap();
    assert_eq!(summary.pes.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_stream_keeps_the_rules(
        video in prop::sample::select(vec![h264(640), h265(640)]),
        audio in prop::sample::select(vec![aac(48_000, 2), aac(8000, 1), Codec::Opus { channels: 2 }, mp3()]),
        pictures in sizes(40),
        sound in sizes(60),
        gop in 1usize..20,
        reordered: bool,
    ) {
        let tracks = [track(3, video), track(1, audio)];
        let sound: Vec<_> = sound.into_iter().map(|size| size % 1200 + 1).collect();
        let frames = interleave(vec![
            frames_of(&tracks[0], &pictures, gop, reordered),
            frames_of(&tracks[1], &sound, 1, false),
        ]);
        let summary = check(&mux(&tracks, &frames), Tables::Endless).map_err(TestCaseError::fail)?;
        prop_assert_eq!(summary.of(VIDEO).count(), pictures.len());
        prop_assert_eq!(summary.of(AUDIO).count(), sound.len());
        for (pes, frame) in summary.of(VIDEO).zip(frames.iter().filter(|frame| frame.track == TrackId(3))) {
            // Behind the length: three bytes, and five for each time.
            let head_bytes = if frame.pts == frame.dts { 8 } else { 13 };
            prop_assert_eq!(pes.bounded, pes.payload.len() <= 65_535 - head_bytes);
            prop_assert_eq!(pes.random_access, frame.keyframe);
        }
    }
}
