//! What a part costs, whoever watches: five pictures of a camera at 4 Mbit/s muxed, and the playlist rendered in both
//! forms; and what a request costs then. The floor is one copy of the playlist's text.

#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use bytes::{Bytes, BytesMut};
use criterion::Criterion;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use yeoul_hls::{Directives, Options, Segmenter, Snapshot, WallClock, reload};
use yeoul_media::bitstream::{h264, nal};
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};
use yeoul_testkit as testkit;

const TRACK: TrackId = TrackId(0);
const PICTURES_OF_A_PART: u32 = 5;

fn track() -> Track {
    let sets = [testkit::h264::sps(1920, 1080), testkit::h264::pps()].map(Bytes::from);
    let sets = h264::ParameterSets::from_units(sets).expect("parameter sets that parse");
    Track { id: TRACK, codec: Codec::H264(Some(sets)) }
}

/// The picture with this index: 25 a second, a keyframe each second.
fn picture(index: u32, keyframe: &Bytes, other: &Bytes) -> Frame {
    let at = Duration::from_millis(40) * index;
    let is_keyframe = index.is_multiple_of(25);
    Frame {
        track: TRACK,
        keyframe: is_keyframe,
        pts: Timestamp::ZERO + at,
        dts: Timestamp::ZERO + at,
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch() + at,
        data: if is_keyframe { keyframe.clone() } else { other.clone() },
    }
}

fn data(kind: testkit::h264::Slice, size: usize) -> Bytes {
    let mut data = BytesMut::new();
    nal::put_length_prefixed(&mut data, &testkit::h264::slice(kind, size));
    data.freeze()
}

/// A camera that is never off, and its segmenter with a window that is full.
struct Live {
    segmenter: Segmenter,
    index: u32,
    keyframe: Bytes,
    other: Bytes,
}

impl Live {
    fn new() -> Self {
        let clock = WallClock { at: testkit::epoch(), time: testkit::wall_epoch() };
        let segmenter = Segmenter::new(Options::low_latency(clock), &[track()]).expect("a segmenter");
        let (keyframe, other) =
            (data(testkit::h264::Slice::Idr, 150_000), data(testkit::h264::Slice::P, 17_000));
        let mut live = Self { segmenter, index: 0, keyframe, other };
        (0..5 * 60).for_each(|_| drop(live.part()));
        live
    }

    fn part(&mut self) -> Option<Arc<Snapshot>> {
        for _ in 0..PICTURES_OF_A_PART {
            let frame = picture(self.index, &self.keyframe, &self.other);
            self.segmenter.push(&frame).expect("it goes on");
            self.index += 1;
        }
        self.segmenter.snapshot(&[])
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(50);
    let mut live = Live::new();
    let snapshot = live.part().expect("a playlist");
    let text = snapshot.playlist(0, false);
    println!("the playlist has {} bytes, its delta update {}", text.len(), snapshot.playlist(0, true).len());
    criterion.bench_function("floor: a copy of the playlist", |bencher| {
        bencher.iter(|| Bytes::copy_from_slice(black_box(&text)));
    });
    criterion
        .bench_function("a part: five pictures and both playlists", |bencher| bencher.iter(|| live.part()));
    let (msn, part) = snapshot.last();
    let query = format!("_HLS_msn={msn}&_HLS_part={}&_HLS_skip=YES", part.unwrap_or(0));
    criterion.bench_function("a request: query, decision, text", |bencher| {
        bencher.iter(|| {
            let directives = Directives::parse(black_box(&query)).expect("it reads");
            let ready = reload(&snapshot, &directives);
            (ready, snapshot.playlist(0, directives.skip))
        });
    });
    criterion.bench_function("a request: a part by its number", |bencher| {
        bencher.iter(|| matches!(snapshot.part(black_box(1490)), yeoul_hls::Found::Here(_)));
    });
    criterion.final_summary();
}
