//! Transport streams.

use crate::harness::{
    AAC, Demuxed, H264, H265, MP3, OPUS, assert_packets, decoded, folder, packets, run, shifted, source, text,
};
use bytes::BytesMut;
use std::path::Path;
use std::time::Duration;
use yeoul_container::adts;
use yeoul_container::mpegts::{Demuxer, Muxer};
use yeoul_media::Frame;
use yeoul_testkit::epoch;
use yeoul_testkit::ts::{Tables, check};

/// Where our muxer places the timeline's zero: ffmpeg's files start at 1.4 s.
const ZERO_TICKS: i64 = 90_000;

fn demux(file: &Path) -> Demuxed {
    let stream = std::fs::read(file).expect("ffmpeg has written it");
    let (mut demuxer, mut demuxed) = (Demuxer::default(), Demuxed::default());
    for chunk in stream.chunks(4999) {
        demuxer.push(chunk, epoch()).expect("a transport stream");
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    assert_eq!(demuxer.damaged_frames(), 0);
    demuxed
}

fn mux(demuxed: &Demuxed, frames: &[Frame], file: &Path) {
    let (mut muxer, mut out) =
        (Muxer::new(&demuxed.tracks).expect("codecs that it carries"), BytesMut::new());
    frames.iter().for_each(|frame| muxer.write(frame, &mut out));
    check(&out, Tables::Endless).unwrap_or_else(|rule| panic!("{}: {rule}", file.display()));
    std::fs::write(file, out).expect("the file is written");
}

/// There and back: every packet has its times, everything decodes to the same.
fn round_trip(name: &str, video: &str, audio: &str) {
    let folder = folder(name);
    let (theirs, ours) = (folder.join("theirs.ts"), folder.join("ours.ts"));
    source(&theirs, video, audio, "-f mpegts");
    let demuxed = demux(&theirs);
    let expected = packets(&theirs);
    assert_packets(&demuxed.packets(90_000), &expected, "what we read");
    assert!(expected.iter().any(|&(_, pts, dts, _)| pts > dts), "{name}: there are B-frames");
    mux(&demuxed, &demuxed.in_order(Duration::ZERO), &ours);
    assert_packets(&packets(&ours), &shifted(&expected, ZERO_TICKS), "what ffprobe reads of ours");
    let pictures = decoded(&theirs);
    assert!(pictures.len() > 150, "{name}: {} pictures and blocks", pictures.len());
    assert_eq!(decoded(&ours), pictures, "{name}: what ffmpeg decodes of ours");
    no_discontinuity(&ours);
}

/// Of counters that do not go on ffmpeg speaks at the debug level only.
fn no_discontinuity(file: &Path) {
    let output = std::process::Command::new("ffprobe")
        .args(["-v", "debug", "-show_packets", text(file)])
        .output()
        .expect("ffprobe has to be installed");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("Format mpegts probed"), "the debug level says something: {words}");
    for complaint in ["Continuity", "packet size mismatch", "changing packet size", "corrupt"] {
        assert!(!words.contains(complaint), "{}: {words}", file.display());
    }
}

#[test]
fn h264_with_b_frames_and_aac_go_there_and_back() {
    round_trip("ts_h264_aac", H264, AAC);
}

#[test]
fn h265_and_opus_go_there_and_back() {
    round_trip("ts_h265_opus", H265, OPUS);
}

#[test]
fn h264_and_mp3_go_there_and_back() {
    round_trip("ts_h264_mp3", H264, MP3);
}

#[test]
fn packets_of_192_bytes_of_ffmpeg_are_read() {
    let folder = folder("ts_m2ts");
    let file = folder.join("theirs.m2ts");
    // In this form ffmpeg does not say what AAC is.
    source(&file, H264, "", "-map 0 -f mpegts -mpegts_m2ts_mode 1");
    assert_packets(&demux(&file).packets(90_000), &packets(&file), "what we read");
}

#[test]
fn segments_of_ours_read_one_after_another_and_each_alone() {
    let folder = folder("ts_segments");
    let theirs = folder.join("theirs.ts");
    source(&theirs, H264, AAC, "-f mpegts");
    let demuxed = demux(&theirs);
    let mut muxer = Muxer::new(&demuxed.tracks).expect("codecs that it carries");
    let (frames, video) = (demuxed.in_order(Duration::ZERO), demuxed.tracks[0].id);
    let (mut whole, mut pictures) = (Vec::new(), 0);
    for (number, gop) in frames.chunk_by(|_, next| !(next.track == video && next.keyframe)).enumerate() {
        let mut segment = BytesMut::new();
        muxer.start_segment(&mut segment);
        gop.iter().for_each(|frame| muxer.write(frame, &mut segment));
        let file = folder.join(format!("segment{number}.ts"));
        std::fs::write(&file, &segment).expect("the segment is written");
        pictures += decoded(&file).iter().filter(|(stream, _)| stream == "0").count();
        whole.extend_from_slice(&segment);
    }
    assert_eq!(pictures, 75);
    let ours = folder.join("ours.ts");
    check(&whole, Tables::Segments).unwrap_or_else(|rule| panic!("{rule}"));
    std::fs::write(&ours, whole).expect("the file is written");
    assert_eq!(decoded(&ours), decoded(&theirs));
    no_discontinuity(&ours);
}

/// 33 bits of 90 kHz last 95443.7 s.
#[test]
fn the_wrap_of_the_clock_is_seen_by_neither_side() {
    let folder = folder("ts_wrap");
    let (theirs, ours) = (folder.join("theirs.ts"), folder.join("ours.ts"));
    // Theirs wraps in the middle of the file, 1.4 s of mux delay included.
    source(&theirs, H264, AAC, "-output_ts_offset 95440.8 -f mpegts");
    let demuxed = demux(&theirs);
    let theirs_unwrapped = demuxed.packets(90_000);
    assert!(theirs_unwrapped.iter().any(|packet| packet.2 < 1 << 33));
    assert!(theirs_unwrapped.iter().any(|packet| packet.2 > 1 << 33));
    assert_eq!(theirs_unwrapped.len(), packets(&theirs).len());
    let mut steps: Vec<i64> = theirs_unwrapped.windows(2).map(|two| two[1].2 - two[0].2).collect();
    steps.retain(|step| *step != 3600 && !(2089..=2091).contains(step));
    assert_eq!(steps.len(), 1, "only between the tracks: {steps:?}");
    // Ours wraps a second later, as its zero is a second later in the stream.
    mux(&demuxed, &demuxed.in_order(Duration::ZERO), &ours);
    assert_eq!(decoded(&ours), decoded(&theirs));
    no_discontinuity(&ours);
    let back = demux(&ours);
    assert_eq!(back.packets(90_000), shifted(&theirs_unwrapped, ZERO_TICKS));
}

#[test]
fn gstreamer_reads_ours() {
    let folder = folder("ts_gstreamer");
    let (theirs, ours) = (folder.join("theirs.ts"), folder.join("ours.ts"));
    source(&theirs, H264, AAC, "-f mpegts");
    let demuxed = demux(&theirs);
    mux(&demuxed, &demuxed.in_order(Duration::ZERO), &ours);
    let (video, audio) = (folder.join("video.h264"), folder.join("audio.aac"));
    let line = format!(
        "-q filesrc location={} ! tsdemux name=d d. ! queue ! h264parse ! video/x-h264,stream-format=byte-stream \
         ! filesink location={} d. ! queue ! aacparse ! audio/mpeg,stream-format=adts ! filesink location={}",
        text(&ours),
        text(&video),
        text(&audio)
    );
    run("gst-launch-1.0", &line.split_whitespace().collect::<Vec<_>>());
    let pictures =
        |file: &Path| -> Vec<_> { decoded(file).into_iter().filter(|(stream, _)| stream == "0").collect() };
    assert_eq!(pictures(&video), pictures(&theirs));
    let mut reader = adts::Reader::default();
    reader.push(&std::fs::read(&audio).expect("GStreamer has written it"));
    let sound: Vec<_> = std::iter::from_fn(|| reader.pull()).map(|unit| unit.data).collect();
    let of_audio = |frame: &&Frame| frame.track != demuxed.tracks[0].id;
    let sent: Vec<_> = demuxed.frames.iter().filter(of_audio).map(|frame| frame.data.clone()).collect();
    // It leaves out the sound in front of the first picture: one frame.
    assert_eq!(sound, sent[1..]);
}
