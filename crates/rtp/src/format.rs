//! How a track is carried in RTP: its codec, payload type, clock, and the packing of its frames.

use yeoul_media::Codec;

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
    /// The codec's only way: RFC 6184, 7798, 7587, 3551.
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
            | Codec::Opus { .. }
            | Codec::Pcmu(_)
            | Codec::Pcma(_)
            | Codec::G722
            | Codec::L16(_) => Packing::Plain,
        };
        Self { clock_rate: clock_rate(&codec), codec, payload_type, packing }
    }
}

/// Ticks a second of the RTP time of `codec`, as its RFC says.
#[must_use]
pub(crate) fn clock_rate(codec: &Codec) -> u32 {
    match codec {
        Codec::H264(_) | Codec::H265(_) => 90_000,
        Codec::Aac(config) => config.sample_rate(),
        Codec::Opus { .. } => 48_000,
        Codec::Pcmu(layout) | Codec::Pcma(layout) | Codec::L16(layout) => layout.sample_rate,
        // An error in RFC 1890 that has to be kept (RFC 3551 §4.5.2): the sound has 16 kHz.
        Codec::G722 => 8_000,
    }
}

/// Octets of one RTP tick of `codec`, where a packet is a frame: one sample of every channel. G.722 has two samples in an
/// octet, and counts as if it were one; for Opus, whose packets are never cut, it is an octet.
pub(crate) fn sample_octets(codec: &Codec) -> usize {
    match codec {
        Codec::Pcmu(layout) | Codec::Pcma(layout) => usize::from(layout.channels.max(1)),
        Codec::L16(layout) => 2 * usize::from(layout.channels.max(1)),
        Codec::G722 | Codec::Opus { .. } | Codec::H264(_) | Codec::H265(_) | Codec::Aac(_) => 1,
    }
}
