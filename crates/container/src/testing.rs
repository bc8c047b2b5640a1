//! What the tests of the containers share: tracks, frames, and what comes back of them.

use crate::Event;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::{flac, h264, h265, nal};
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, Track, TrackId};
use yeoul_testkit as testkit;
use yeoul_testkit::Rng;

/// The data of a frame of these NAL units.
pub(crate) fn access_unit(units: &[Vec<u8>]) -> Bytes {
    let mut data = BytesMut::new();
    units.iter().for_each(|unit| nal::put_length_prefixed(&mut data, unit));
    data.freeze()
}

/// H.264 of this width.
pub(crate) fn h264(width: u32) -> Codec {
    let units = [testkit::h264::sps(width, 360), testkit::h264::pps()];
    Codec::H264(Some(h264::ParameterSets::from_units(units.map(Bytes::from)).unwrap()))
}

/// H.265 of this width.
pub(crate) fn h265(width: u32) -> Codec {
    let units = [testkit::h265::vps(), testkit::h265::sps(width, 360), testkit::h265::pps()];
    Codec::H265(Some(h265::ParameterSets::from_units(units.map(Bytes::from)).unwrap()))
}

pub(crate) fn aac(sample_rate: u32, channels: u8) -> Codec {
    Codec::Aac(AudioSpecificConfig::low_complexity(sample_rate, channels).unwrap())
}

/// MPEG audio, layer III, 44.1 kHz.
pub(crate) fn mp3() -> Codec {
    Codec::Mp3(PcmLayout { sample_rate: 44_100, channels: 2 })
}

/// FLAC, 16 bits.
pub(crate) fn flac() -> Codec {
    let mut info = vec![0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0];
    info.extend(((48_000u64 << 44) | (1 << 41) | (15 << 36)).to_be_bytes());
    info.extend([0; 16]);
    Codec::Flac(flac::StreamInfo::parse(&info.into()).unwrap())
}

/// G.711 of 8 kHz.
pub(crate) fn pcma(channels: u8) -> Codec {
    Codec::Pcma(PcmLayout { sample_rate: 8000, channels })
}

pub(crate) fn track(id: u16, codec: Codec) -> Track {
    Track { id: TrackId(id), codec }
}

/// A frame at `ms`, shown `composition_ms` later.
pub(crate) fn frame(track: u16, ms: i64, composition_ms: i64, keyframe: bool, data: Bytes) -> Frame {
    let dts = Timestamp::from_nanos(ms * 1_000_000);
    Frame {
        track: TrackId(track),
        keyframe,
        pts: Timestamp::from_nanos((ms + composition_ms) * 1_000_000),
        dts,
        new_codec: None,
        captured_at: None,
        received_at: testkit::epoch(),
        data,
    }
}

/// The data of one frame of about `size` bytes that looks like its codec's. Keyframes of video have their parameter sets.
pub(crate) fn data(codec: &Codec, keyframe: bool, size: usize) -> Bytes {
    let noise = || Bytes::from(Rng::new(size as u64).bytes(size.max(1)));
    match codec {
        Codec::H264(sets) => {
            let kind = if keyframe { testkit::h264::Slice::Idr } else { testkit::h264::Slice::P };
            let sets = sets.iter().flat_map(|sets| sets.units().map(|unit| unit.to_vec()));
            let mut units: Vec<_> = sets.filter(|_| keyframe).collect();
            units.push(testkit::h264::sei(9));
            units.push(testkit::h264::slice(kind, size));
            access_unit(&units)
        }
        Codec::H265(sets) => {
            let kind = if keyframe { testkit::h265::Slice::Idr } else { testkit::h265::Slice::P };
            let sets = sets.iter().flat_map(|sets| sets.units().map(|unit| unit.to_vec()));
            let mut units: Vec<_> = sets.filter(|_| keyframe).collect();
            units.push(testkit::h265::slice(kind, size));
            access_unit(&units)
        }
        Codec::Mp3(_) => {
            // 128 kbit/s: 417 bytes.
            let mut frame = vec![0xff, 0xfb, 0x90, 0x64];
            frame.extend(Rng::new(size as u64).bytes(413));
            frame.into()
        }
        // CELT, 20 ms.
        Codec::Opus { .. } => [&[0xf8][..], &noise()].concat().into(),
        Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_) => noise(),
    }
}

/// How long a frame of `codec` lasts in the tests.
fn frame_time(codec: &Codec) -> Duration {
    match codec {
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. } => Duration::from_millis(40),
        Codec::Aac(config) => Duration::from_nanos(1_024_000_000_000 / u64::from(config.sample_rate())),
        Codec::Mp3(_) => Duration::from_nanos(1_152_000_000_000 / 44_100),
        Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_) => Duration::from_millis(20),
    }
}

/// Frames of one track: sizes, keyframes every `gop` pictures, two pictures between references where `reordered`.
pub(crate) fn frames_of(track: &Track, sizes: &[usize], gop: usize, reordered: bool) -> Vec<Frame> {
    let is_video = track.kind() == yeoul_media::Kind::Video;
    let step = frame_time(&track.codec);
    let mut frames = Vec::new();
    for (number, &size) in sizes.iter().enumerate() {
        let keyframe = !is_video || number % gop == 0;
        let dts = Timestamp::ZERO + step * u32::try_from(number).unwrap();
        // I P B B: the reference is shown three frames later than decoded, the others at once.
        let later = if is_video && reordered { [1, 3, 0, 0][(number % gop) % 4] } else { 0 };
        let mut frame = frame(track.id.0, 0, 0, keyframe, data(&track.codec, keyframe, size));
        (frame.dts, frame.pts) = (dts, dts + step * later);
        frames.push(frame);
    }
    frames
}

/// All frames in decoding order.
pub(crate) fn interleave(tracks: Vec<Vec<Frame>>) -> Vec<Frame> {
    let mut frames: Vec<Frame> = tracks.into_iter().flatten().collect();
    frames.sort_by_key(|frame| frame.dts);
    frames
}

/// Sizes of frames, from nearly nothing to more than 16 bits.
pub(crate) fn sizes(count: usize) -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![6 => 8usize..400, 2 => 400usize..5000, 1 => 60_000usize..70_000];
    prop::collection::vec(size, 1..count)
}

/// What a demuxer has given: the tracks it told, each time, and the frames by track.
#[derive(Debug, Default)]
pub(crate) struct Demuxed {
    pub(crate) told: Vec<Vec<Track>>,
    pub(crate) frames: BTreeMap<TrackId, Vec<Frame>>,
}

impl Demuxed {
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Tracks(tracks) => self.told.push(tracks),
            Event::Frame(frame) => {
                assert!(
                    self.told.iter().flatten().any(|track| track.id == frame.track),
                    "a frame of a track that was not told"
                );
                self.frames.entry(frame.track).or_default().push(frame);
            }
        }
    }

    /// The tracks that were told last, and the frames of each.
    pub(crate) fn tracks(&self) -> Vec<(&Codec, &[Frame])> {
        let frames = |track: &Track| self.frames.get(&track.id).map_or(&[][..], Vec::as_slice);
        self.told.last().into_iter().flatten().map(|track| (&track.codec, frames(track))).collect()
    }
}

/// Cuts `data` into pieces of lengths that follow from `seed`: from single bytes to some packets.
pub(crate) fn pieces(data: &[u8], seed: u64) -> Vec<&[u8]> {
    let (mut rng, mut rest, mut pieces) = (Rng::new(seed), data, Vec::new());
    while !rest.is_empty() {
        let most = [3, 200, 2000, 100_000][usize::try_from(rng.below(4)).unwrap()];
        let length = usize::try_from(rng.below(most)).unwrap().min(rest.len() - 1) + 1;
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}
