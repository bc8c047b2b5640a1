//! How a track is carried in RTP: its codec, payload type, clock, and the packing of its frames.

use yeoul_media::{Codec, Kind};

/// First of the dynamic payload types (RFC 3551 §3).
pub const FIRST_DYNAMIC_PAYLOAD_TYPE: u8 = 96;

/// How a track is carried in RTP. [`crate::sdp`] reads and writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaFormat {
    /// The coding, with the decoder configuration as far as the description tells it.
    pub codec: Codec,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Ticks a second of the RTP time. Differs from the sample rate for G.722 (RFC 3551 §4.5.2), and for cameras that
    /// describe another one than they use.
    pub clock_rate: u32,
    /// How frames are put into packets.
    pub packing: Packing,
}

/// How frames are put into packets, where a codec leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// The codec's only way: RFC 6184, 7798, 7741, 9628, 2435, 2250, 7587, 3551.
    Plain,
    /// H.265 with decoding order numbers in every packet (RFC 7798 §4.4, `sprop-max-don-diff` above 0).
    DecodingOrderNumbers,
    /// AAC behind AU headers (RFC 3640).
    AuHeaders(AuHeaderLayout),
    /// AAC in LATM (RFC 6416).
    Latm {
        /// The configuration stands in the stream (`cpresent=1`).
        in_band_config: bool,
        /// Access units in each element, 1 to 64, unless the stream tells otherwise.
        sub_frames: u8,
    },
}

/// Lengths in bits of the fields of an AU header (RFC 3640 §3.2.1, §4.1). All of them 0: there are no AU headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuHeaderLayout {
    /// `sizelength`
    pub size_bits: u8,
    /// `indexlength`
    pub index_bits: u8,
    /// `indexdeltalength`
    pub index_delta_bits: u8,
    /// `ctsdeltalength`
    pub cts_delta_bits: u8,
    /// `dtsdeltalength`
    pub dts_delta_bits: u8,
    /// `randomaccessindication`
    pub random_access_indication: bool,
    /// `streamstateindication`
    pub stream_state_bits: u8,
    /// `auxiliarydatasizelength`
    pub auxiliary_size_bits: u8,
    /// `constantsize`: bytes of every access unit where `size_bits` is 0; 0 if not given.
    pub constant_size: u16,
}

impl AuHeaderLayout {
    /// AAC-hbr (RFC 3640 §3.3.6): what everybody sends.
    pub const HIGH_BITRATE: Self = Self { size_bits: 13, index_bits: 3, index_delta_bits: 3, ..Self::NONE };
    /// AAC-lbr (RFC 3640 §3.3.5).
    pub const LOW_BITRATE: Self = Self { size_bits: 6, index_bits: 2, index_delta_bits: 2, ..Self::NONE };
    /// No AU headers: a packet is an access unit, or a fragment of one.
    pub const NONE: Self = Self {
        size_bits: 0,
        index_bits: 0,
        index_delta_bits: 0,
        cts_delta_bits: 0,
        dts_delta_bits: 0,
        random_access_indication: false,
        stream_state_bits: 0,
        auxiliary_size_bits: 0,
        constant_size: 0,
    };
}

impl MediaFormat {
    /// How Yeoul itself sends this codec: the clock of the codec's RFC, AAC as AAC-hbr.
    #[must_use]
    pub fn new(codec: Codec, payload_type: u8) -> Self {
        let packing = match codec {
            Codec::Aac(_) => Packing::AuHeaders(AuHeaderLayout::HIGH_BITRATE),
            Codec::H264(_)
            | Codec::H265(_)
            | Codec::Av1(_)
            | Codec::Vp9(_)
            | Codec::Vp8(_)
            | Codec::Mpeg4Video(_)
            | Codec::Jpeg { .. }
            | Codec::Opus { .. }
            | Codec::Pcmu(_)
            | Codec::Pcma(_)
            | Codec::G722
            | Codec::L16(_)
            | Codec::Flac(_)
            | Codec::Mp3(_) => Packing::Plain,
        };
        Self { clock_rate: clock_rate(&codec), codec, payload_type, packing }
    }
}

/// Ticks a second of the RTP time of `codec`, as its RFC says.
#[must_use]
pub(crate) fn clock_rate(codec: &Codec) -> u32 {
    match codec {
        // MPEG audio too: RFC 3551 §4.5.13.
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Mp3(_) => 90_000,
        Codec::Flac(info) => info.sample_rate(),
        Codec::Aac(config) => config.sample_rate(),
        Codec::Opus { .. } => 48_000,
        Codec::Pcmu(layout) | Codec::Pcma(layout) | Codec::L16(layout) => layout.sample_rate,
        // An error in RFC 1890 that has to be kept (RFC 3551 §4.5.2): the sound has 16 kHz.
        Codec::G722 => 8_000,
    }
}

/// The name of the codec in `a=rtpmap`, in capitals: names have any case there.
#[must_use]
pub const fn encoding_name(codec: &Codec) -> &'static str {
    match codec {
        Codec::H264(_) => "H264",
        Codec::H265(_) => "H265",
        Codec::Av1(_) => "AV1",
        Codec::Vp9(_) => "VP9",
        Codec::Vp8(_) => "VP8",
        Codec::Mpeg4Video(_) => "MP4V-ES",
        Codec::Jpeg { .. } => "JPEG",
        Codec::Opus { .. } => "OPUS",
        Codec::Pcmu(_) => "PCMU",
        Codec::Pcma(_) => "PCMA",
        Codec::G722 => "G722",
        Codec::L16(_) => "L16",
        Codec::Aac(_) => "MPEG4-GENERIC",
        Codec::Flac(_) => "FLAC",
        Codec::Mp3(_) => "MPA",
    }
}

/// Whether there is a payload format for the codec here: frames of others are not packetized.
#[must_use]
pub fn carries(codec: &Codec) -> bool {
    match codec {
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Jpeg { .. }
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Mp3(_) => true,
        // FLAC has no payload format of the IETF.
        Codec::Flac(_) => false,
    }
}

/// An encoding with a fixed payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StaticType {
    pub(crate) payload_type: u8,
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) clock_rate: u32,
    /// Of audio; 0 for video.
    pub(crate) channels: u8,
}

const fn audio(payload_type: u8, name: &'static str, clock_rate: u32, channels: u8) -> StaticType {
    StaticType { payload_type, kind: Kind::Audio, name, clock_rate, channels }
}

const fn video(payload_type: u8, name: &'static str) -> StaticType {
    StaticType { payload_type, kind: Kind::Video, name, clock_rate: 90_000, channels: 0 }
}

/// RFC 3551 §6, tables 4 and 5. The registry is closed.
pub(crate) const STATIC_TYPES: [StaticType; 24] = [
    audio(0, "PCMU", 8_000, 1),
    audio(3, "GSM", 8_000, 1),
    audio(4, "G723", 8_000, 1),
    audio(5, "DVI4", 8_000, 1),
    audio(6, "DVI4", 16_000, 1),
    audio(7, "LPC", 8_000, 1),
    audio(8, "PCMA", 8_000, 1),
    audio(9, "G722", 8_000, 1),
    audio(10, "L16", 44_100, 2),
    audio(11, "L16", 44_100, 1),
    audio(12, "QCELP", 8_000, 1),
    audio(13, "CN", 8_000, 1),
    audio(14, "MPA", 90_000, 1),
    audio(15, "G728", 8_000, 1),
    audio(16, "DVI4", 11_025, 1),
    audio(17, "DVI4", 22_050, 1),
    audio(18, "G729", 8_000, 1),
    video(25, "CelB"),
    video(26, "JPEG"),
    video(28, "nv"),
    video(31, "H261"),
    video(32, "MPV"),
    video(33, "MP2T"),
    video(34, "H263"),
];

/// The fixed payload type of `codec`, if it has one (RFC 3551 §6); others take dynamic ones from
/// [`FIRST_DYNAMIC_PAYLOAD_TYPE`] on.
#[must_use]
pub fn static_payload_type(codec: &Codec) -> Option<u8> {
    // A frame of MPEG audio tells its channels: the type is for all of them. Video has none; in the table that is 0.
    let channels = if matches!(codec, Codec::Mp3(_)) { 1 } else { codec.channels().unwrap_or(0) };
    let (name, rate) = (encoding_name(codec), clock_rate(codec));
    STATIC_TYPES
        .iter()
        .find(|of| of.name == name && of.clock_rate == rate && of.channels == channels)
        .map(|of| of.payload_type)
}

/// Octets of one RTP tick of `codec`, where a packet is a frame: one sample of every channel. G.722 has two samples in an
/// octet, and counts as if it were one; for Opus, whose packets are never cut, it is an octet.
pub(crate) fn sample_octets(codec: &Codec) -> usize {
    match codec {
        Codec::Pcmu(layout) | Codec::Pcma(layout) => usize::from(layout.channels.max(1)),
        Codec::L16(layout) => 2 * usize::from(layout.channels.max(1)),
        Codec::G722
        | Codec::Opus { .. }
        | Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_media::PcmLayout;

    #[test]
    fn clock_rates_of_fixed_types_are_possible() {
        // L16 at 441000 Hz is a misprint that well-known clients copied. Sound rates are multiples of 8000 or 11025.
        for of in STATIC_TYPES.iter().filter(|of| of.kind == Kind::Audio && of.name != "MPA") {
            assert!(of.clock_rate % 8000 == 0 || of.clock_rate % 11_025 == 0, "{of:?}");
            assert!(of.clock_rate <= 48_000, "{of:?}");
        }
        assert!(STATIC_TYPES.is_sorted_by(|a, b| a.payload_type < b.payload_type));
    }

    #[test]
    fn fixed_types_are_those_that_ffmpeg_knows() {
        // libavformat/rtp.c, `rtp_payload_types`: type, kind, rate, channels, where it knows them.
        let second_source = [
            (0, 8000, 1),
            (3, 8000, 1),
            (4, 8000, 1),
            (5, 8000, 1),
            (6, 16_000, 1),
            (7, 8000, 1),
            (8, 8000, 1),
            (9, 8000, 1),
            (10, 44_100, 2),
            (11, 44_100, 1),
            (12, 8000, 1),
            (13, 8000, 1),
            (15, 8000, 1),
            (16, 11_025, 1),
            (17, 22_050, 1),
            (18, 8000, 1),
        ];
        for (payload_type, rate, channels) in second_source {
            let of = STATIC_TYPES.iter().find(|of| of.payload_type == payload_type).unwrap();
            assert_eq!((of.clock_rate, of.channels), (rate, channels), "{of:?}");
        }
        let videos = STATIC_TYPES.iter().filter(|of| of.kind == Kind::Video);
        assert_eq!(videos.map(|of| of.payload_type).collect::<Vec<_>>(), [25, 26, 28, 31, 32, 33, 34]);
    }

    #[test]
    fn codecs_with_a_fixed_type_get_it() {
        let layout = |sample_rate, channels| PcmLayout { sample_rate, channels };
        for (codec, expected) in [
            (Codec::Pcmu(layout(8000, 1)), Some(0)),
            (Codec::Pcma(layout(8000, 1)), Some(8)),
            (Codec::Pcma(layout(16_000, 1)), None),
            (Codec::G722, Some(9)),
            (Codec::L16(layout(44_100, 2)), Some(10)),
            (Codec::L16(layout(44_100, 1)), Some(11)),
            (Codec::L16(layout(48_000, 2)), None),
            (Codec::H264(None), None),
            (Codec::Jpeg { dimensions: None }, Some(26)),
            (Codec::Mp3(layout(44_100, 2)), Some(14)),
            (Codec::Mp3(layout(22_050, 1)), Some(14)),
            (Codec::Opus { channels: 2 }, None),
        ] {
            assert_eq!(static_payload_type(&codec), expected, "{codec}");
        }
    }
}
