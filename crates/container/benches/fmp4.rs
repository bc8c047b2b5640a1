//! What a fragment costs: 200 ms (a part of LL-HLS), 2 s (a segment) and a single picture of a camera at 4 Mbit/s with
//! sound. The floor is one copy of the same bytes into new memory; the ratio to it is told at the end.

use bytes::{BufMut as _, Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::time::{Duration, Instant};
use yeoul_container::Sample;
use yeoul_container::fmp4::Muxer;
use yeoul_media::bitstream::{aac, h264, nal};
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};
use yeoul_testkit as testkit;

const PICTURES: [(&str, i64); 3] = [("1 picture", 1), ("200 ms", 5), ("2 s", 50)];

fn tracks() -> [Track; 2] {
    let sets = [testkit::h264::sps(1920, 1080), testkit::h264::pps()].map(Bytes::from);
    let sets = h264::ParameterSets::from_units(sets).expect("parameter sets that parse");
    let aac = aac::AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual configuration");
    [
        Track { id: TrackId(0), codec: Codec::H264(Some(sets)) },
        Track { id: TrackId(1), codec: Codec::Aac(aac) },
    ]
}

fn sample(track: u16, rate: u32, ticks: i64, step: i64, data: Bytes) -> Sample {
    let time = |ticks| Timestamp::from_ticks(ticks, rate);
    let frame = Frame {
        track: TrackId(track),
        keyframe: ticks == 0,
        pts: time(ticks),
        dts: time(ticks),
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch(),
        data,
    };
    Sample { frame, duration: time(ticks + step).saturating_since(time(ticks)) }
}

/// So many pictures at 25 a second, the first a keyframe with its parameter sets, and the sound beside them.
fn samples(pictures: i64) -> Vec<Sample> {
    use testkit::h264::{Slice, pps, slice, sps};
    let mut samples: Vec<Sample> = (0..pictures)
        .map(|index| {
            let units = match index {
                0 => vec![sps(1920, 1080), pps(), slice(Slice::Idr, 150_000)],
                _ => vec![slice(Slice::P, 17_000)],
            };
            let mut data = BytesMut::new();
            units.iter().for_each(|unit| nal::put_length_prefixed(&mut data, unit));
            sample(0, 90_000, index * 3600, 3600, data.freeze())
        })
        .collect();
    let sound = testkit::aac::frame(340);
    let frames = pictures * 48_000 / 25 / 1024;
    samples.extend(
        (0..frames).map(|index| sample(1, 48_000, index * 1024, 1024, Bytes::copy_from_slice(&sound))),
    );
    samples.sort_by_key(|sample| sample.frame.dts);
    samples
}

/// The floor: the payload once into new memory of the fragment's size, since what an allocation costs jumps with its size.
fn copy(samples: &[Sample], size: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(size);
    samples.iter().for_each(|sample| out.put_slice(&sample.frame.data));
    out.freeze()
}

fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fmp4");
    for (name, pictures) in PICTURES {
        let samples = samples(pictures);
        let mut muxer = Muxer::new(&tracks()).expect("a usual pair of tracks");
        let size = muxer.fragment(&samples).len();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::new("fragment", name), &samples, |bencher, samples| {
            bencher.iter(|| muxer.fragment(black_box(samples)));
        });
        group.bench_with_input(BenchmarkId::new("copy", name), &samples, |bencher, samples| {
            bencher.iter(|| copy(black_box(samples), size));
        });
    }
    group.finish();
}

/// The best of many rounds of both in turn, so that what else the machine does touches them alike.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn tell_ratio(name: &str, pictures: i64) {
    let samples = samples(pictures);
    let mut muxer = Muxer::new(&tracks()).expect("a usual pair of tracks");
    let size = muxer.fragment(&samples).len();
    let (mut fragment, mut floor) = (Duration::MAX, Duration::MAX);
    for _ in 0..2_000 {
        let start = Instant::now();
        black_box(muxer.fragment(black_box(&samples)));
        let middle = Instant::now();
        black_box(copy(black_box(&samples), size));
        floor = floor.min(middle.elapsed());
        fragment = fragment.min(middle - start);
    }
    let ratio = fragment.as_secs_f64() / floor.as_secs_f64();
    eprintln!("fmp4/{name}: fragment {fragment:?}, copy of the payload {floor:?}, ratio {ratio:.2}");
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    measure(&mut criterion);
    criterion.final_summary();
    for (name, pictures) in PICTURES {
        tell_ratio(name, pictures);
    }
}
