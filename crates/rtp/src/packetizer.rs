//! Frames to RTP payloads. What does not depend on the receiver is done here, once per frame; a sender puts a header of
//! its own in front of each [`Payload`].

use crate::codec::{aac, av1, h264, h265, jpeg, mp3, mpeg4, sample, vp8, vp9};
use crate::format;
use crate::limits::{MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES};
use bytes::Bytes;
use yeoul_media::{Codec, Frame};

/// Most bytes that a payload format puts in front of a slice of the frame: an AU header with its length.
const MAX_HEAD_BYTES: usize = 4;

/// One RTP payload: a few bytes of the payload format, then a slice of the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The RTP marker of its packet.
    pub marker: bool,
    /// Ticks to add to [`Packets::rtp_ticks`]: not 0 only for audio that was cut.
    pub ticks_offset: u32,
    head: [u8; MAX_HEAD_BYTES],
    head_len: u8,
    body: Bytes,
}

impl Payload {
    /// A payload of `head`, at most [`MAX_HEAD_BYTES`], and `body`.
    pub(crate) fn new(head: &[u8], body: Bytes) -> Self {
        debug_assert!(head.len() <= MAX_HEAD_BYTES);
        let mut inline = [0; MAX_HEAD_BYTES];
        let mut head_len = 0;
        for (place, byte) in inline.iter_mut().zip(head) {
            *place = *byte;
            head_len += 1;
        }
        Self { marker: false, ticks_offset: 0, head: inline, head_len, body }
    }

    /// Bytes of the payload.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head().len() + self.body.len()
    }

    /// Never true: no packetizer makes an empty payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the payload format, 0 to 4.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.head.get(..usize::from(self.head_len)).unwrap_or(&self.head)
    }

    /// The bytes after the head.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Appends the payload to `out`.
    pub fn write_to(&self, out: &mut impl bytes::BufMut) {
        out.put_slice(self.head());
        out.put_slice(&self.body);
    }
}

/// The payloads of one frame, in the order to send. Shared by all receivers of the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packets {
    /// At least one, unless the frame cannot be carried (named in the payload format's file).
    pub payloads: Vec<Payload>,
    /// Ticks a second of the RTP time.
    pub clock_rate: u32,
    /// The frame's PTS in ticks: the RTP time is a random offset plus this, cut to 32 bits.
    pub rtp_ticks: i64,
}

impl Packets {
    /// The RTP time of `payload` for a sender whose RTP clock starts at `offset`.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "RTP time is the low 32 bits"
    )]
    pub fn rtp_time(&self, payload: &Payload, offset: u32) -> u32 {
        (self.rtp_ticks as u32).wrapping_add(payload.ticks_offset).wrapping_add(offset)
    }
}

/// Cuts the frames of one track into payloads of a bounded size.
#[derive(Debug)]
pub struct Packetizer {
    clock_rate: u32,
    max_payload_bytes: usize,
    format: Format,
}

/// The payload formats.
#[derive(Debug)]
enum Format {
    H264(h264::Packetizer),
    H265(h265::Packetizer),
    Aac,
    Opus,
    Jpeg,
    Av1,
    Vp9(vp9::Packetizer),
    Vp8(vp8::Packetizer),
    Mpeg4(mpeg4::Packetizer),
    Mp3,
    Sample(sample::Rate),
    /// There is none here: [`format::carries`].
    None,
}

impl Packetizer {
    /// A packetizer for frames of `codec`; no payload is longer than `max_payload_bytes` (the MTU less the headers of
    /// IP, UDP, RTP and what a cipher adds), which is taken as between [`MIN_PAYLOAD_BYTES`] and [`MAX_PAYLOAD_BYTES`].
    /// Only Opus packets can be longer: they cannot be cut (RFC 7587 §4.2).
    #[must_use]
    pub fn new(codec: &Codec, max_payload_bytes: usize) -> Self {
        let max_payload_bytes = max_payload_bytes.clamp(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES);
        let clock_rate = format::clock_rate(codec);
        let format = match codec {
            Codec::H264(sets) => Format::H264(h264::Packetizer::new(sets.clone(), max_payload_bytes)),
            Codec::H265(sets) => Format::H265(h265::Packetizer::new(sets.clone(), max_payload_bytes)),
            Codec::Aac(_) => Format::Aac,
            Codec::Opus { .. } => Format::Opus,
            Codec::Pcmu(_) | Codec::Pcma(_) | Codec::G722 | Codec::L16(_) => {
                Format::Sample(sample::Rate::new(format::sample_octets(codec), clock_rate))
            }
            Codec::Jpeg { .. } => Format::Jpeg,
            Codec::Av1(_) => Format::Av1,
            Codec::Vp9(_) => Format::Vp9(vp9::Packetizer::default()),
            Codec::Vp8(_) => Format::Vp8(vp8::Packetizer::default()),
            Codec::Mpeg4Video(configuration) => Format::Mpeg4(mpeg4::Packetizer::new(configuration.clone())),
            Codec::Mp3(_) => Format::Mp3,
            Codec::Flac(_) => Format::None,
        };
        Self { clock_rate, max_payload_bytes, format }
    }

    /// Cuts `frame`. The pieces of a NAL unit have equal size, only the last may be shorter, so that UDP segmentation
    /// offload can send them as one. A keyframe that lacks its parameter sets gets those of the codec in front; those
    /// change with [`Frame::new_codec`].
    #[must_use]
    pub fn packetize(&mut self, frame: &Frame) -> Packets {
        let payloads = match &mut self.format {
            Format::H264(format) => format.packetize(frame),
            Format::H265(format) => format.packetize(frame),
            Format::Aac => aac::packetize(&frame.data, self.max_payload_bytes),
            Format::Jpeg => jpeg::packetize(&frame.data, self.max_payload_bytes),
            Format::Av1 => av1::packetize(frame, self.max_payload_bytes),
            Format::Vp9(format) => format.packetize(frame, self.max_payload_bytes),
            Format::Vp8(format) => format.packetize(&frame.data, self.max_payload_bytes),
            Format::Mpeg4(format) => format.packetize(frame, self.max_payload_bytes),
            Format::Mp3 => mp3::packetize(&frame.data, self.max_payload_bytes),
            Format::Opus => vec![Payload::new(&[], frame.data.clone())],
            Format::Sample(rate) => sample::packetize(&frame.data, *rate, self.max_payload_bytes),
            Format::None => Vec::new(),
        };
        Packets { payloads, clock_rate: self.clock_rate, rtp_ticks: frame.pts.to_ticks(self.clock_rate) }
    }
}
