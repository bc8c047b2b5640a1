//! A still picture of a 1080p H.264 stream, step by step, and what ffmpeg takes for the same in one process (its start not
//! counted): figures of one run compare, those of two machines do not.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use yeoul_media::bitstream::{h264, nal};
use yeoul_media::{Codec, Frame, Timestamp, TrackId};
use yeoul_transcode::jpeg::{self, Quality};
use yeoul_transcode::{Goal, Gop, Picture, Size, still_decoder};

/// Pictures of the stream: two seconds.
const FRAMES: u32 = 50;

/// Runs ffmpeg; how long it took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn ffmpeg(arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let output = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).output().expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    began.elapsed()
}

/// 1080p at 4 Mbit/s with noise, as a camera's picture has it at dusk.
fn stream() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-1080p.h264");
    let source = "testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t";
    let (frames, gop) = (FRAMES.to_string(), FRAMES.to_string());
    let mut arguments = vec!["-f", "lavfi", "-i", source, "-frames:v", &frames, "-c:v", "libx264"];
    arguments.extend(["-preset", "veryfast", "-profile:v", "high", "-b:v", "4M", "-maxrate", "4M"]);
    arguments.extend(["-bufsize", "4M", "-g", &gop, "-bf", "0", "-pix_fmt", "yuv420p"]);
    arguments.extend(["-f", "h264", path.to_str().expect("a path of ours")]);
    ffmpeg(&arguments);
    path
}

/// The frames of a stream of one slice a picture.
fn frames(annex_b: &[u8]) -> (Codec, Vec<Frame>) {
    let units: Vec<&[u8]> = nal::annex_b(annex_b).collect();
    let mut frames = Vec::new();
    let mut data = bytes::BytesMut::new();
    for unit in units {
        nal::put_length_prefixed(&mut data, unit);
        if !matches!(h264::NalType::of(unit), Some(h264::NalType::Slice | h264::NalType::Idr)) {
            continue;
        }
        let data = data.split().freeze();
        let time = Timestamp::ZERO + Duration::from_millis(40) * u32::try_from(frames.len()).expect("few");
        frames.push(Frame {
            track: TrackId(1),
            keyframe: h264::is_keyframe(nal::length_prefixed(&data)),
            pts: time,
            dts: time,
            new_codec: None,
            captured_at: None,
            received_at: yeoul_testkit::epoch(),
            data,
        });
    }
    let sets = h264::ParameterSets::from_access_unit(&frames.first().expect("frames").data);
    (Codec::H264(Some(sets.expect("parameter sets"))), frames)
}

fn picture(codec: &Codec, frames: &[Frame], goal: Goal) -> Picture {
    let mut decoder = still_decoder(codec).expect("H.264 High");
    let mut gop = Gop::new(codec);
    frames.iter().for_each(|frame| gop.push(frame.clone()).expect("within bounds"));
    let decoded = gop.take(goal).expect("a keyframe").decode(decoder.as_mut(), || true);
    decoded.expect("it decodes").expect("a picture").picture
}

fn stills(c: &mut Criterion) {
    let path = stream();
    let (codec, frames) = frames(&std::fs::read(&path).expect("the stream"));
    let keyframe = picture(&codec, &frames, Goal::Keyframe);
    let mut group = c.benchmark_group("still");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    group.bench_function("decode a keyframe", |b| b.iter(|| picture(&codec, &frames, Goal::Keyframe)));
    group.bench_function("encode", |b| b.iter(|| jpeg::encode(keyframe.clone(), Quality::default())));
    group.bench_function("scale to 640 and encode", |b| {
        let size = Size::new(640, 360);
        b.iter(|| jpeg::encode(keyframe.scaled(size).expect("within bounds"), Quality::default()));
    });
    group.bench_function("decode a keyframe and encode", |b| {
        b.iter(|| jpeg::encode(picture(&codec, &frames, Goal::Keyframe), Quality::default()));
    });
    group.bench_function("floor: ffmpeg decodes a keyframe and encodes", |b| {
        b.iter_custom(|count| floor(&path, count))
    });
    group.sample_size(10);
    group.bench_function("decode 50 pictures", |b| {
        b.iter(|| black_box(picture(&codec, &frames, Goal::Newest)))
    });
    group.finish();
}

/// What ffmpeg takes for so many keyframes more than one: its start is in both.
fn floor(path: &Path, count: u64) -> Duration {
    let path = path.to_str().expect("a path of ours");
    let run = |pictures: u64| {
        let select = "select=eq(pict_type\\,I)";
        let loops = (pictures - 1).to_string();
        // `discard` leaves out all but keyframes before they are decoded.
        ffmpeg(&[
            "-threads",
            "1",
            "-discard",
            "nokey",
            "-stream_loop",
            &loops,
            "-i",
            path,
            "-vf",
            select,
            "-threads",
            "1",
            "-c:v",
            "mjpeg",
            "-q:v",
            "4",
            "-f",
            "null",
            "-",
        ])
    };
    run(count + 1).saturating_sub(run(1))
}

criterion_group!(benches, stills);
criterion_main!(benches);
