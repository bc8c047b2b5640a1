//! What the tests of the payload formats share.

use crate::limits::MIN_PAYLOAD_BYTES;
use crate::packet::{Header, PacketRef};
use crate::{AccessUnit, Depacketizer, MediaFormat, Packetizer, Packets};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame, Timestamp, TrackId};
use yeoul_testkit::epoch;

/// The data of a frame of these NAL units.
pub(crate) fn access_unit(units: &[Vec<u8>]) -> Bytes {
    let mut data = BytesMut::new();
    for unit in units {
        nal::put_length_prefixed(&mut data, unit);
    }
    data.freeze()
}

/// A frame of video, `number` of 25 a second.
pub(crate) fn frame(number: u32, keyframe: bool, data: Bytes) -> Frame {
    let pts = Timestamp::from_ticks(i64::from(number) * 3600, 90_000);
    Frame {
        track: TrackId(0),
        keyframe,
        pts,
        dts: pts,
        new_codec: None,
        captured_at: None,
        received_at: epoch(),
        data,
    }
}

/// One packet as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

impl Sent {
    /// A packet of video with this payload.
    pub(crate) fn new(rtp_time: u32, marker: bool, payload: impl Into<Vec<u8>>) -> Self {
        let header = Header { payload_type: 96, marker, sequence: 0, rtp_time, ssrc: 1 };
        Self { header, payload: payload.into() }
    }
}

/// The packets of a frame, written out; checks what holds for every format.
pub(crate) fn send(packets: &Packets, max_payload_bytes: usize) -> Vec<Sent> {
    packets
        .payloads
        .iter()
        .map(|payload| {
            let mut bytes = Vec::new();
            payload.write_to(&mut bytes);
            assert_eq!(bytes.len(), payload.len());
            assert!(!bytes.is_empty() && bytes.len() <= max_payload_bytes.max(MIN_PAYLOAD_BYTES));
            Sent::new(packets.rtp_time(payload, 0), payload.marker, bytes)
        })
        .collect()
}

/// Pushes packets of which none is lost; everything that comes out. Errors are part of what is looked at.
pub(crate) fn receive(depacketizer: &mut Depacketizer, packets: &[Sent]) -> (Vec<AccessUnit>, Vec<String>) {
    let (mut units, mut errors) = (Vec::new(), Vec::new());
    for packet in packets {
        let packet = PacketRef { header: packet.header, payload: &packet.payload };
        errors.extend(depacketizer.push(packet, false, epoch()).err().map(|error| error.to_string()));
        units.extend(std::iter::from_fn(|| depacketizer.pull()));
    }
    (units, errors)
}

/// Sends frames through a packetizer and a depacketizer of `codec`, without loss.
pub(crate) fn carry(codec: &Codec, max_payload_bytes: usize, frames: &[Frame]) -> Vec<AccessUnit> {
    let mut packetizer = Packetizer::new(codec, max_payload_bytes);
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(codec.clone(), 96));
    let sent: Vec<Sent> =
        frames.iter().flat_map(|frame| send(&packetizer.packetize(frame), max_payload_bytes)).collect();
    let (units, errors) = receive(&mut depacketizer, &sent);
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(depacketizer.damaged_frames(), 0);
    units
}

/// Sends frames with the packets at `lost` missing. What comes out, by RTP time, and the damaged frames that were counted.
pub(crate) fn carry_with_loss(
    codec: &Codec,
    max_payload_bytes: usize,
    frames: &[Frame],
    lost: impl Fn(usize) -> bool,
) -> (Vec<AccessUnit>, u64) {
    let mut packetizer = Packetizer::new(codec, max_payload_bytes);
    let mut depacketizer = Depacketizer::new(&MediaFormat::new(codec.clone(), 96));
    let sent = frames.iter().flat_map(|frame| send(&packetizer.packetize(frame), max_payload_bytes));
    let (mut units, mut lost_before) = (Vec::new(), false);
    for (index, sent) in sent.enumerate() {
        if lost(index) {
            lost_before = true;
            continue;
        }
        let packet = PacketRef { header: sent.header, payload: &sent.payload };
        // After a loss a format may name what it misses; it must go on all the same.
        let _ = depacketizer.push(packet, lost_before, epoch());
        lost_before = false;
        units.extend(std::iter::from_fn(|| depacketizer.pull()));
    }
    (units, depacketizer.damaged_frames())
}

/// Sizes of NAL units of an access unit, one word each: `67:24 68:4 65:1000`.
pub(crate) fn outline(unit: &AccessUnit) -> String {
    let units = nal::length_prefixed(&unit.data);
    units.map(|unit| format!("{:02x}:{}", unit[0], unit.len())).collect::<Vec<_>>().join(" ")
}

/// The codec that a new one is announced with.
pub(crate) fn announced(unit: &AccessUnit) -> Option<&Codec> {
    unit.new_codec.as_ref().map(Arc::as_ref)
}
