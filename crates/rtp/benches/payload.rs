//! What a frame of a 4 Mbit/s camera costs between frames and packets: `packetize` for all receivers together, `depacketize`
//! for the camera. The floor of both is one copy of the frame.

use bytes::{BufMut as _, Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use yeoul_media::bitstream::{h264, nal};
use yeoul_media::{Codec, Frame, Timestamp, TrackId};
use yeoul_rtp::packet::HEADER_BYTES;
use yeoul_rtp::{Depacketizer, Header, MediaFormat, PacketRef, Packetizer};
use yeoul_testkit as testkit;
use yeoul_testkit::h264::Slice;

/// A picture and a keyframe.
const FRAMES: [(&str, Slice, usize); 2] = [("picture", Slice::P, 17_000), ("keyframe", Slice::Idr, 150_000)];
/// What fits into an Ethernet frame behind IP, UDP and RTP.
const PAYLOAD_BYTES: usize = 1400;

fn codec() -> Codec {
    let sets = [testkit::h264::sps(1920, 1080), testkit::h264::pps()].map(Bytes::from);
    Codec::H264(Some(h264::ParameterSets::from_units(sets).expect("parameter sets that parse")))
}

fn frame(kind: Slice, size: usize) -> Frame {
    let mut data = BytesMut::new();
    nal::put_length_prefixed(&mut data, &testkit::h264::slice(kind, size));
    Frame {
        track: TrackId(0),
        keyframe: kind == Slice::Idr,
        pts: Timestamp::from_ticks(3600, 90_000),
        dts: Timestamp::from_ticks(3600, 90_000),
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch(),
        data: data.freeze(),
    }
}

/// The packets of a frame as they come from a socket.
fn packets(frame: &Frame) -> Vec<Vec<u8>> {
    let packets = Packetizer::new(&codec(), PAYLOAD_BYTES).packetize(frame);
    let of_payload = |(sequence, payload): (u16, &yeoul_rtp::Payload)| {
        let rtp_time = packets.rtp_time(payload, 0);
        let header = Header { payload_type: 96, marker: payload.marker, sequence, rtp_time, ssrc: 1 };
        let mut packet = Vec::with_capacity(HEADER_BYTES + payload.len());
        packet.put_slice(&header.write());
        payload.write_to(&mut packet);
        packet
    };
    (0..).zip(&packets.payloads).map(of_payload).collect()
}

fn depacketize(depacketizer: &mut Depacketizer, packets: &[Vec<u8>]) -> usize {
    for packet in packets {
        let packet = PacketRef::parse(packet).expect("a packet");
        depacketizer.push(packet, false, testkit::epoch()).expect("a payload");
    }
    std::iter::from_fn(|| depacketizer.pull()).count()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("rtp");
    for (name, kind, size) in FRAMES {
        let frame = frame(kind, size);
        let packets = packets(&frame);
        group.throughput(Throughput::Bytes(frame.data.len() as u64));
        let mut packetizer = Packetizer::new(&codec(), PAYLOAD_BYTES);
        group.bench_function(BenchmarkId::new("packetize", name), |bencher| {
            bencher.iter(|| packetizer.packetize(black_box(&frame)));
        });
        let mut depacketizer = Depacketizer::new(&MediaFormat::new(codec(), 96));
        group.bench_function(BenchmarkId::new("depacketize", name), |bencher| {
            bencher.iter(|| depacketize(&mut depacketizer, black_box(&packets)));
        });
        group.bench_function(BenchmarkId::new("copy", name), |bencher| {
            bencher.iter(|| Bytes::copy_from_slice(black_box(&frame.data)));
        });
    }
    group.finish();
    criterion.final_summary();
}
