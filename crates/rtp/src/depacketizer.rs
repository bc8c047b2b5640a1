//! RTP packets to access units.

use crate::clock::Times;
use crate::codec::{aac, av1, h264, h265, jpeg, latm, mp3, mpeg4, sample, vp8, vp9};
use crate::format::{self, AuHeaderLayout, MediaFormat, Packing};
use crate::packet::PacketRef;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::{Codec, Frame, TrackId};

/// What a depacketizer gives: a [`Frame`] that lacks its place in time and its track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// RTP time of its presentation; [`crate::clock::ClockMapping::map`] makes a timestamp of it.
    pub rtp_time: u32,
    /// How many ticks earlier it has to be decoded than shown; 0 in streams without B-frames.
    pub decode_ahead_ticks: u32,
    /// Decoding can start here. Every audio frame is a keyframe.
    pub keyframe: bool,
    /// Set on the first access unit that needs another decoder configuration than the one before, or than the
    /// description told.
    pub new_codec: Option<Arc<Codec>>,
    /// When its last packet came in.
    pub received_at: Instant,
    /// The coded data in the form of [`Frame::data`]. Never empty.
    pub data: Bytes,
}

impl AccessUnit {
    /// A frame of audio: a keyframe, shown when decoded.
    pub(crate) fn audio(rtp_time: u32, data: Bytes, received_at: Instant) -> Self {
        Self { rtp_time, decode_ahead_ticks: 0, keyframe: true, new_codec: None, received_at, data }
    }

    /// The frame of `track` at `times`, which [`crate::clock::ClockMapping::map`] gave for this access unit.
    #[must_use]
    pub fn into_frame(self, track: TrackId, times: Times) -> Frame {
        Frame {
            track,
            keyframe: self.keyframe,
            pts: times.pts,
            dts: times.dts,
            new_codec: self.new_codec,
            captured_at: times.captured_at,
            received_at: self.received_at,
            data: self.data,
        }
    }
}

/// Why a packet was not taken. The depacketizer has recovered already: it goes on with the next packet, video from the
/// next keyframe. A session counts these errors and tells the first; they do not end it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec} over RTP: {reason}")]
pub struct DepacketizeError {
    /// The codec's name.
    pub codec: &'static str,
    /// What was wrong, expected, got.
    pub reason: String,
}

/// Puts the access units of one track together again.
///
/// Push every packet in order, then pull until `None`. Memory is bounded by [`crate::limits::MAX_ACCESS_UNIT_BYTES`].
#[derive(Debug)]
pub struct Depacketizer {
    codec: &'static str,
    format: Format,
}

/// The payload formats.
#[derive(Debug)]
enum Format {
    H264(h264::Depacketizer),
    H265(h265::Depacketizer),
    Aac(aac::Depacketizer),
    Latm(latm::Depacketizer),
    Jpeg(jpeg::Depacketizer),
    Av1(av1::Depacketizer),
    Vp9(vp9::Depacketizer),
    Vp8(vp8::Depacketizer),
    Mpeg4(mpeg4::Depacketizer),
    Mp3(mp3::Depacketizer),
    Sample(sample::Depacketizer),
    /// There is none here: [`format::carries`].
    None,
}

impl Depacketizer {
    /// A depacketizer for packets of `format`.
    #[must_use]
    pub fn new(format: &MediaFormat) -> Self {
        let codec = format.codec.name();
        let format = match &format.codec {
            Codec::H264(sets) => Format::H264(h264::Depacketizer::new(sets.clone())),
            Codec::H265(sets) => {
                let numbers = format.packing == Packing::DecodingOrderNumbers;
                Format::H265(h265::Depacketizer::new(sets.clone(), numbers))
            }
            Codec::Aac(config) => match format.packing {
                Packing::Latm { in_band_config, sub_frames } => {
                    let mux = latm::StreamMuxConfig { config: config.clone(), sub_frames };
                    Format::Latm(latm::Depacketizer::new(mux, format.clock_rate, in_band_config))
                }
                Packing::AuHeaders(layout) => {
                    Format::Aac(aac::Depacketizer::new(config, format.clock_rate, layout))
                }
                Packing::Plain | Packing::DecodingOrderNumbers => {
                    let layout = AuHeaderLayout::HIGH_BITRATE;
                    Format::Aac(aac::Depacketizer::new(config, format.clock_rate, layout))
                }
            },
            codec @ (Codec::Opus { .. } | Codec::Pcmu(_) | Codec::Pcma(_) | Codec::G722 | Codec::L16(_)) => {
                Format::Sample(sample::Depacketizer::new(format::sample_octets(codec)))
            }
            Codec::Jpeg { dimensions } => Format::Jpeg(jpeg::Depacketizer::new(*dimensions)),
            codec @ Codec::Av1(_) => Format::Av1(av1::depacketizer(codec)),
            codec @ Codec::Vp9(_) => Format::Vp9(vp9::depacketizer(codec)),
            codec @ Codec::Vp8(_) => Format::Vp8(vp8::depacketizer(codec)),
            codec @ Codec::Mpeg4Video(_) => Format::Mpeg4(mpeg4::depacketizer(codec)),
            Codec::Mp3(layout) => Format::Mp3(mp3::Depacketizer::new(*layout)),
            Codec::Flac(_) => Format::None,
        };
        Self { codec, format }
    }

    /// Takes the next packet. `lost_before` says that packets between the last one and this are missing.
    ///
    /// # Errors
    /// If the payload is malformed or uses what is not supported. Go on with the next packet, and pull as always.
    pub fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), DepacketizeError> {
        let result = match &mut self.format {
            Format::H264(format) => format.push(packet, lost_before, received_at),
            Format::H265(format) => format.push(packet, lost_before, received_at),
            Format::Aac(format) => format.push(packet, lost_before, received_at),
            Format::Latm(format) => format.push(packet, lost_before, received_at),
            Format::Jpeg(format) => format.push(packet, lost_before, received_at),
            Format::Av1(format) => format.push(packet, lost_before, received_at),
            Format::Vp9(format) => format.push(packet, lost_before, received_at),
            Format::Vp8(format) => format.push(packet, lost_before, received_at),
            Format::Mpeg4(format) => format.push(packet, lost_before, received_at),
            Format::Mp3(format) => format.push(packet, lost_before, received_at),
            Format::Sample(format) => format.push(packet, received_at),
            Format::None => Err("there is no payload format for it".to_owned()),
        };
        result.map_err(|reason| DepacketizeError { codec: self.codec, reason })
    }

    /// The next access unit that is complete.
    pub fn pull(&mut self) -> Option<AccessUnit> {
        match &mut self.format {
            Format::H264(format) => format.pull(),
            Format::H265(format) => format.pull(),
            Format::Aac(format) => format.pull(),
            Format::Latm(format) => format.pull(),
            Format::Jpeg(format) => format.pull(),
            Format::Av1(format) => format.pull(),
            Format::Vp9(format) => format.pull(),
            Format::Vp8(format) => format.pull(),
            Format::Mpeg4(format) => format.pull(),
            Format::Mp3(format) => format.pull(),
            Format::Sample(format) => format.pull(),
            Format::None => None,
        }
    }

    /// Access units that were not given because packets of them were lost or wrong, or because an access unit was that
    /// they may refer to, up to the next keyframe. Those that were lost without a trace are not in it.
    #[must_use]
    pub fn damaged_frames(&self) -> u64 {
        match &self.format {
            Format::H264(format) => format.damaged_frames(),
            Format::H265(format) => format.damaged_frames(),
            Format::Aac(format) => format.damaged_frames(),
            Format::Latm(format) => format.damaged_frames(),
            Format::Jpeg(format) => format.damaged_frames(),
            Format::Av1(format) => format.damaged_frames(),
            Format::Vp9(format) => format.damaged_frames(),
            Format::Vp8(format) => format.damaged_frames(),
            Format::Mpeg4(format) => format.damaged_frames(),
            Format::Mp3(format) => format.damaged_frames(),
            Format::Sample(format) => format.damaged_frames(),
            Format::None => 0,
        }
    }
}
