//! What a transport stream costs: two seconds of a camera at 4 Mbit/s with sound, written and read. The floor is one copy of the same
//! bytes into new memory; the ratio to it is told at the end.

use bytes::{BufMut as _, Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::time::{Duration, Instant};
use yeoul_container::mpegts::{Demuxer, Muxer};
use yeoul_media::bitstream::{aac, h264, nal};
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};
use yeoul_testkit as testkit;

fn tracks() -> [Track; 2] {
    let sets = [testkit::h264::sps(1920, 1080), testkit::h264::pps()].map(Bytes::from);
    let sets = h264::ParameterSets::from_units(sets).expect("parameter sets that parse");
    let aac = aac::AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual configuration");
    [
        Track { id: TrackId(0), codec: Codec::H264(Some(sets)) },
        Track { id: TrackId(1), codec: Codec::Aac(aac) },
    ]
}

fn frame(track: u16, rate: u32, ticks: i64, data: Bytes) -> Frame {
    let dts = Timestamp::from_ticks(ticks, rate);
    Frame {
        track: TrackId(track),
        keyframe: ticks == 0,
        pts: dts,
        dts,
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch(),
        data,
    }
}

/// A GOP of 50 pictures at 25 a second, the first a keyframe with its parameter sets, and the sound beside them.
fn frames() -> Vec<Frame> {
    use testkit::h264::{Slice, pps, slice, sps};
    let mut frames: Vec<Frame> = (0..50)
        .map(|index| {
            let units = match index {
                0 => vec![sps(1920, 1080), pps(), slice(Slice::Idr, 150_000)],
                _ => vec![slice(Slice::P, 17_000)],
            };
            let mut data = BytesMut::new();
            units.iter().for_each(|unit| nal::put_length_prefixed(&mut data, unit));
            frame(0, 90_000, index * 3600, data.freeze())
        })
        .collect();
    let sound = testkit::aac::frame(340);
    frames.extend((0..93).map(|index| frame(1, 48_000, index * 1024, Bytes::copy_from_slice(&sound))));
    frames.sort_by_key(|frame| frame.dts);
    frames
}

fn mux(muxer: &mut Muxer, frames: &[Frame]) -> BytesMut {
    // As a segment is made: into memory that grows with it.
    let mut out = BytesMut::new();
    muxer.start_segment(&mut out);
    frames.iter().for_each(|frame| muxer.write(frame, &mut out));
    out
}

/// The floor: the payload once into memory of its size.
fn copy(frames: &[Frame]) -> Bytes {
    let mut out = BytesMut::with_capacity(frames.iter().map(|frame| frame.data.len()).sum());
    frames.iter().for_each(|frame| out.put_slice(&frame.data));
    out.freeze()
}

/// The stream in pieces as they come from a socket.
fn demux(stream: &[u8]) -> usize {
    let mut demuxer = Demuxer::default();
    let mut events = 0;
    for piece in stream.chunks(16 << 10) {
        demuxer.push(piece, testkit::epoch()).expect("what was muxed");
        events += std::iter::from_fn(|| demuxer.pull()).count();
    }
    events
}

fn measure(criterion: &mut Criterion) {
    let (mut muxer, frames) = (Muxer::new(&tracks()).expect("a usual pair of tracks"), frames());
    let stream = mux(&mut muxer, &frames);
    let mut group = criterion.benchmark_group("mpegts");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("mux 2 s", |bencher| bencher.iter(|| mux(&mut muxer, black_box(&frames))));
    group.bench_function("demux 2 s", |bencher| bencher.iter(|| demux(black_box(&stream))));
    group.bench_function("copy 2 s", |bencher| bencher.iter(|| copy(black_box(&frames))));
    group.finish();
}

/// The best of many rounds of each in turn, so that what else the machine does touches them alike.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn tell_ratio() {
    let (mut muxer, frames) = (Muxer::new(&tracks()).expect("a usual pair of tracks"), frames());
    let stream = mux(&mut muxer, &frames);
    let mut best = [Duration::MAX; 3];
    let mut round = |index: usize, work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        best[index] = best[index].min(start.elapsed());
    };
    for _ in 0..1_000 {
        round(0, &mut || drop(black_box(mux(&mut muxer, black_box(&frames)))));
        round(1, &mut || {
            black_box(demux(black_box(&stream)));
        });
        round(2, &mut || drop(black_box(copy(black_box(&frames)))));
    }
    let [muxed, demuxed, floor] = best;
    let ratio = |time: Duration| time.as_secs_f64() / floor.as_secs_f64();
    eprintln!(
        "mpegts/2 s: mux {muxed:?}, demux {demuxed:?}, copy of the payload {floor:?}, ratios {:.2} and {:.2}",
        ratio(muxed),
        ratio(demuxed)
    );
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    measure(&mut criterion);
    criterion.final_summary();
    tell_ratio();
}
