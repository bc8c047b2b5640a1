//! Video bodies.

use super::fields::{Fields, Part, parts, put_extended};
use super::{CODED_FRAMES, Error, SEQUENCE_END, SEQUENCE_START};
use bytes::{BufMut, Bytes, BytesMut};

/// The first bit says that a FourCC follows instead of a codec id.
const EXTENDED: u8 = 0x80;
/// `VideoFrameType`.
const KEYFRAME: u8 = 1;
const INTER_FRAME: u8 = 2;
const COMMAND: u8 = 5;
/// `VideoCodecId`; 12 is what Chinese encoders and ffmpeg's forks send H.265 with, in the form of AVC.
const AVC: u8 = 7;
const HEVC: u8 = 12;
/// `VideoPacketType` of Enhanced RTMP.
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MPEG2_TS_SEQUENCE_START: u8 = 5;
const MULTITRACK: u8 = 6;

/// Video codecs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264, in the form of old FLV.
    H264,
    /// H.265, `hvc1`.
    H265,
    /// AV1, `av01`.
    Av1,
    /// VP9, `vp09`.
    Vp9,
    /// VP8, `vp08`.
    Vp8,
}

impl VideoCodec {
    /// The FourCC of Enhanced RTMP.
    #[must_use]
    pub fn four_cc(self) -> [u8; 4] {
        *match self {
            Self::H264 => b"avc1",
            Self::H265 => b"hvc1",
            Self::Av1 => b"av01",
            Self::Vp9 => b"vp09",
            Self::Vp8 => b"vp08",
        }
    }

    fn from_four_cc(four_cc: [u8; 4]) -> Result<Self, Error> {
        match &four_cc {
            b"avc1" => Ok(Self::H264),
            b"hvc1" => Ok(Self::H265),
            b"av01" => Ok(Self::Av1),
            b"vp09" => Ok(Self::Vp9),
            b"vp08" => Ok(Self::Vp8),
            other => Err(Error::Codec(format!("the video codec {}", other.escape_ascii()))),
        }
    }

    /// Whether coded frames tell how much later they are shown.
    fn has_composition_time(self) -> bool {
        match self {
            Self::H264 | Self::H265 => true,
            Self::Av1 | Self::Vp9 | Self::Vp8 => false,
        }
    }
}

/// One track's part of a video body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoTag {
    /// Of multitrack; 0 otherwise.
    pub track: u8,
    /// What is added to the tag's timestamp, 0 to 999 999.
    pub nanos: u32,
    /// The coding.
    pub codec: VideoCodec,
    /// What it brings.
    pub body: VideoBody,
}

/// What a video tag brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoBody {
    /// The decoder configuration record of ISO/IEC 14496-15, of AV1's or of VP9's binding to MP4.
    Config(Bytes),
    /// A coded picture, in the form of a sample in MP4.
    Frame {
        /// The sender says that decoding can start here.
        keyframe: bool,
        /// How much later it is shown than decoded, 24 bits.
        composition_ms: i32,
        /// NAL units behind lengths, open bitstream units, or a frame of VP9.
        data: Bytes,
    },
    /// No more pictures come.
    End,
}

impl VideoTag {
    /// The tags of a body; none if it brings nothing to decode (metadata, commands).
    ///
    /// # Errors
    /// If it ends too early or has a codec that is not taken.
    pub fn parse(body: &Bytes) -> Result<Vec<Self>, Error> {
        let mut fields = Fields { kind: "video", rest: body.clone() };
        let first = fields.u8("first byte")?;
        if first & EXTENDED == 0 {
            return Ok(Self::parse_old(first >> 4, first & 0x0f, fields)?.into_iter().collect());
        }
        let (frame_type, packet_type) = ((first >> 4) & 7, first & 0x0f);
        // Commands are a single byte; of metadata the frame type does not count.
        if frame_type == COMMAND || packet_type == METADATA {
            return Ok(Vec::new());
        }
        let mut tags = Vec::new();
        parts(fields, packet_type, MULTITRACK, |part| {
            tags.extend(Self::parse_part(frame_type, part)?);
            Ok(())
        })?;
        Ok(tags)
    }

    fn parse_old(frame_type: u8, codec_id: u8, mut fields: Fields) -> Result<Option<Self>, Error> {
        let codec = match codec_id {
            _ if frame_type == COMMAND => return Ok(None),
            AVC => VideoCodec::H264,
            HEVC => VideoCodec::H265,
            2 => return Err(Error::Codec("Sorenson H.263".to_owned())),
            4 | 5 => return Err(Error::Codec("VP6".to_owned())),
            other => return Err(Error::Codec(format!("the video codec {other}"))),
        };
        let packet_type = fields.u8("packet type")?;
        let composition_ms = signed(fields.u24("composition time")?);
        let body = match packet_type {
            SEQUENCE_START => VideoBody::Config(fields.rest),
            CODED_FRAMES => {
                VideoBody::Frame { keyframe: frame_type == KEYFRAME, composition_ms, data: fields.rest }
            }
            SEQUENCE_END => VideoBody::End,
            other => return Err(fields.unknown("packet type", other)),
        };
        Ok(Some(Self { track: 0, nanos: 0, codec, body }))
    }

    fn parse_part(frame_type: u8, part: Part) -> Result<Option<Self>, Error> {
        let Part { track, four_cc, packet_type, nanos, mut body } = part;
        let codec = VideoCodec::from_four_cc(four_cc)?;
        let keyframe = frame_type == KEYFRAME;
        let body = match packet_type {
            SEQUENCE_START => VideoBody::Config(body.rest),
            CODED_FRAMES => {
                let composition_ms =
                    if codec.has_composition_time() { signed(body.u24("composition time")?) } else { 0 };
                VideoBody::Frame { keyframe, composition_ms, data: body.rest }
            }
            CODED_FRAMES_X => VideoBody::Frame { keyframe, composition_ms: 0, data: body.rest },
            SEQUENCE_END => VideoBody::End,
            // A descriptor of transport streams says nothing that the first keyframe does not.
            METADATA | MPEG2_TS_SEQUENCE_START => return Ok(None),
            other => return Err(body.unknown("packet type", other)),
        };
        Ok(Some(Self { track, nanos, codec, body }))
    }

    /// Writes what stands in front of [`VideoTag::data`]: at most 16 bytes. H.264 has the old form, as every receiver knows it, unless
    /// track or nanoseconds need the new one.
    pub fn write_head(&self, out: &mut BytesMut) {
        let frame_type = match self.body {
            VideoBody::Config(_) | VideoBody::End | VideoBody::Frame { keyframe: true, .. } => KEYFRAME,
            VideoBody::Frame { keyframe: false, .. } => INTER_FRAME,
        };
        let composition = match self.body {
            VideoBody::Frame { composition_ms, .. } => composition_ms.cast_unsigned() & 0x00ff_ffff,
            VideoBody::Config(_) | VideoBody::End => 0,
        };
        let packet_type = match self.body {
            VideoBody::Config(_) => SEQUENCE_START,
            VideoBody::Frame { .. } => CODED_FRAMES,
            VideoBody::End => SEQUENCE_END,
        };
        if self.codec == VideoCodec::H264 && self.track == 0 && self.nanos == 0 {
            out.put_slice(&[(frame_type << 4) | AVC, packet_type]);
            out.put_uint(u64::from(composition), 3);
            return;
        }
        let with_composition = packet_type == CODED_FRAMES && self.codec.has_composition_time();
        let packet_type = if with_composition && composition == 0 { CODED_FRAMES_X } else { packet_type };
        let place = (self.track, self.codec.four_cc(), self.nanos);
        put_extended((EXTENDED >> 4) | frame_type, packet_type, MULTITRACK, place, out);
        if packet_type == CODED_FRAMES && with_composition {
            out.put_uint(u64::from(composition), 3);
        }
    }

    /// What stands behind the head.
    #[must_use]
    pub fn data(&self) -> Bytes {
        match &self.body {
            VideoBody::Config(data) | VideoBody::Frame { data, .. } => data.clone(),
            VideoBody::End => Bytes::new(),
        }
    }
}

/// 24 bits with a sign.
fn signed(value: u32) -> i32 {
    (value << 8).cast_signed() >> 8
}
