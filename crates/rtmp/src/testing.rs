//! What the tests share: chunks as librtmp writes them, cameras, and both ends on a wire.

use crate::message::Message;
use bytes::{BufMut, Bytes, BytesMut};
use std::time::Duration;
use yeoul_media::bitstream::{aac, h264, nal};
use yeoul_media::{Codec, Frame, Timestamp, TrackId};
use yeoul_testkit as testkit;

/// Writes chunks as librtmp does, and OBS by it: the first message of a chunk stream has a whole header, the others the distance to
/// the one before.
pub(crate) struct DeltaWriter {
    chunk_bytes: usize,
    last: Vec<(u8, u32)>,
}

impl DeltaWriter {
    pub(crate) fn new(chunk_bytes: usize) -> Self {
        Self { chunk_bytes, last: Vec::new() }
    }

    pub(crate) fn write(&mut self, out: &mut BytesMut, chunk_stream: u8, message: &Message) {
        let known = self.last.iter_mut().find(|(id, _)| *id == chunk_stream);
        let time = match &known {
            Some((_, last)) => message.timestamp.wrapping_sub(*last),
            None => message.timestamp,
        };
        let is_extended = time >= 0x00ff_ffff;
        out.put_u8(if known.is_some() { 0x40 } else { 0 } | chunk_stream);
        out.put_uint(u64::from(time.min(0x00ff_ffff)), 3);
        out.put_uint(message.payload.len() as u64, 3);
        out.put_u8(message.kind);
        if known.is_none() {
            out.put_u32_le(message.stream);
        }
        if is_extended {
            out.put_u32(time);
        }
        for (number, piece) in message.payload.chunks(self.chunk_bytes).enumerate() {
            if number > 0 {
                out.put_u8(0xc0 | chunk_stream);
                if is_extended {
                    out.put_u32(time);
                }
            }
            out.put_slice(piece);
        }
        match known {
            Some((_, last)) => *last = message.timestamp,
            None => self.last.push((chunk_stream, message.timestamp)),
        }
    }
}

pub(crate) fn h264(width: u32) -> Codec {
    let units = [testkit::h264::sps(width, 360), testkit::h264::pps()];
    Codec::H264(Some(h264::ParameterSets::from_units(units.map(Bytes::from)).unwrap()))
}

pub(crate) fn aac() -> Codec {
    Codec::Aac(aac::AudioSpecificConfig::low_complexity(48_000, 2).unwrap())
}

/// A picture of about 60 bytes.
pub(crate) fn picture(track: u16, at: Duration, keyframe: bool, size: usize) -> Frame {
    let kind = if keyframe { testkit::h264::Slice::Idr } else { testkit::h264::Slice::P };
    let mut data = BytesMut::new();
    nal::put_length_prefixed(&mut data, &testkit::h264::slice(kind, size));
    frame(track, at, keyframe, data.freeze())
}

pub(crate) fn sound(track: u16, at: Duration) -> Frame {
    frame(track, at, true, Bytes::from_static(&[0x21, 0x10, 4, 0x60]))
}

fn frame(track: u16, at: Duration, keyframe: bool, data: Bytes) -> Frame {
    let time = Timestamp::ZERO + at;
    Frame {
        track: TrackId(track),
        keyframe,
        pts: time,
        dts: time,
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch() + at,
        data,
    }
}
