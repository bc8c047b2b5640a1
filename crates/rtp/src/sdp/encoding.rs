//! Encoding names and parameters (RFC 3551 §6 and the RFC of each payload format) to [`MediaFormat`].

use super::fmtp::Parameters;
use crate::codec::latm::StreamMuxConfig;
use crate::format::{AuHeaderLayout, MediaFormat, Packing, STATIC_TYPES, StaticType};
use bytes::Bytes;
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::{h264, h265, mpeg4};
use yeoul_media::{Codec, PcmLayout};

/// `a=rtpmap`: `<name>/<clock rate>[/<channels>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) name: String,
    /// `None` where it is missing, 0 or no number.
    clock_rate: Option<u32>,
    channels: Option<u8>,
    /// The payload type, where there is no `a=rtpmap`.
    fixed: Option<u8>,
}

impl Encoding {
    /// Reads what stands after the payload type.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('/').map(str::trim);
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let clock_rate = fields.next().and_then(|rate| rate.parse().ok()).filter(|&rate| rate > 0);
        let channels = fields.next().and_then(|count| count.parse().ok()).filter(|&count| count > 0);
        Some(Self { name, clock_rate, channels, fixed: None })
    }

    /// The encoding of a fixed payload type.
    pub(super) fn fixed(payload_type: u8) -> Option<Self> {
        let of: &StaticType = STATIC_TYPES.iter().find(|of| of.payload_type == payload_type)?;
        Some(Self {
            name: of.name.to_owned(),
            clock_rate: Some(of.clock_rate),
            channels: Some(of.channels),
            fixed: Some(payload_type),
        })
    }

    /// What it is, in words.
    fn unsupported(&self) -> String {
        match self.fixed {
            Some(payload_type) => format!("{} (payload type {payload_type})", self.name),
            None => self.name.clone(),
        }
    }
}

/// The format, or in words what is not supported.
///
/// The clock of video, MPEG audio, Opus and G.722 is what their RFC says, whatever the description does.
pub(super) fn format(
    encoding: &Encoding,
    payload_type: u8,
    parameters: &Parameters<'_>,
) -> Result<MediaFormat, String> {
    let layout = || PcmLayout {
        sample_rate: encoding.clock_rate.unwrap_or(8_000),
        channels: encoding.channels.unwrap_or(1),
    };
    let plain = |codec| Ok(MediaFormat::new(codec, payload_type));
    match encoding.name.to_ascii_uppercase().as_str() {
        "H264" => plain(Codec::H264(h264_sets(parameters))),
        "H265" | "HEVC" => {
            let numbers = parameters.number("sprop-max-don-diff").is_some_and(|most: u32| most > 0);
            let packing = if numbers { Packing::DecodingOrderNumbers } else { Packing::Plain };
            Ok(MediaFormat { packing, ..MediaFormat::new(Codec::H265(h265_sets(parameters)), payload_type) })
        }
        "MPEG4-GENERIC" | "AAC" => aac(encoding, payload_type, parameters),
        "MP4A-LATM" => latm(encoding, payload_type, parameters),
        "OPUS" => {
            // The rtpmap always says 2 (RFC 7587 §7); what the sender means to send is said here.
            let stereo = parameters.number("sprop-stereo") == Some(1u8);
            plain(Codec::Opus { channels: if stereo { 2 } else { 1 } })
        }
        "PCMU" | "G711U" | "PCM_MULAW" => plain(Codec::Pcmu(layout())),
        "PCMA" | "G711A" | "PCM_ALAW" => plain(Codec::Pcma(layout())),
        "G722" => plain(Codec::G722),
        // AV1X is what it was called before it was registered.
        "AV1" | "AV1X" => plain(Codec::Av1(None)),
        "VP9" => plain(Codec::Vp9(None)),
        "VP8" => plain(Codec::Vp8(None)),
        "MP4V-ES" => {
            let described = parameters.hex("config").and_then(|bytes| mpeg4::Configuration::parse(&bytes));
            plain(Codec::Mpeg4Video(described))
        }
        // Rate and channels stand in every frame; most have these.
        "MPA" | "MP3" => plain(Codec::Mp3(PcmLayout { sample_rate: 44_100, channels: 2 })),
        "JPEG" => plain(Codec::Jpeg { dimensions: None }),
        "L16" => plain(Codec::L16(PcmLayout {
            sample_rate: encoding.clock_rate.unwrap_or(44_100),
            channels: encoding.channels.unwrap_or(1),
        })),
        _ => Err(encoding.unsupported()),
    }
}

/// Parameter sets that cannot be read are left out: the stream brings them.
fn h264_sets(parameters: &Parameters<'_>) -> Option<h264::ParameterSets> {
    let described = parameters.nal_units("sprop-parameter-sets");
    h264::ParameterSets::from_units(described)
        .or_else(|_| h264::ParameterSets::from_units(parameters.config_units()))
        .ok()
}

fn h265_sets(parameters: &Parameters<'_>) -> Option<h265::ParameterSets> {
    let described = ["sprop-vps", "sprop-sps", "sprop-pps"].map(|name| parameters.nal_units(name));
    h265::ParameterSets::from_units(described.into_iter().flatten())
        .or_else(|_| h265::ParameterSets::from_units(parameters.config_units()))
        .ok()
}

/// MPEG4-GENERIC (RFC 3640 §4.1).
fn aac(encoding: &Encoding, payload_type: u8, parameters: &Parameters<'_>) -> Result<MediaFormat, String> {
    let mode = parameters.get("mode").unwrap_or("AAC-hbr").to_ascii_lowercase();
    if mode.starts_with("celp") {
        return Err(format!("MPEG4-GENERIC in mode {mode}"));
    }
    let described =
        parameters.hex("config").and_then(|bytes| AudioSpecificConfig::parse(Bytes::from(bytes)).ok());
    let config = described.map_or_else(|| guessed(encoding), Ok)?;
    let bits = |name| parameters.number(name).filter(|&bits: &u8| bits <= 32);
    let usual = match mode.as_str() {
        "aac-lbr" => AuHeaderLayout::LOW_BITRATE,
        "generic" => AuHeaderLayout::NONE,
        // Whoever names no mode means this one.
        _ => AuHeaderLayout::HIGH_BITRATE,
    };
    let layout = AuHeaderLayout {
        size_bits: bits("sizelength").unwrap_or(usual.size_bits),
        index_bits: bits("indexlength").unwrap_or(usual.index_bits),
        index_delta_bits: bits("indexdeltalength").unwrap_or(usual.index_delta_bits),
        cts_delta_bits: bits("ctsdeltalength").unwrap_or(0),
        dts_delta_bits: bits("dtsdeltalength").unwrap_or(0),
        random_access_indication: parameters.get("randomaccessindication") == Some("1"),
        stream_state_bits: bits("streamstateindication").unwrap_or(0),
        auxiliary_size_bits: bits("auxiliarydatasizelength").unwrap_or(0),
        constant_size: parameters.number("constantsize").unwrap_or(0),
    };
    Ok(MediaFormat {
        payload_type,
        clock_rate: encoding.clock_rate.unwrap_or_else(|| config.sample_rate()),
        codec: Codec::Aac(config),
        packing: Packing::AuHeaders(layout),
    })
}

/// MP4A-LATM (RFC 6416 §7.3). A configuration that cannot be read comes in the stream, or is guessed.
fn latm(encoding: &Encoding, payload_type: u8, parameters: &Parameters<'_>) -> Result<MediaFormat, String> {
    let in_band_config = parameters.get("cpresent") != Some("0");
    let mux = match parameters.hex("config").map(|bytes| StreamMuxConfig::parse(&bytes)) {
        Some(Ok(mux)) => mux,
        Some(Err(reason)) if !in_band_config => return Err(reason),
        Some(Err(_)) | None => StreamMuxConfig { config: guessed(encoding)?, sub_frames: 1 },
    };
    Ok(MediaFormat {
        payload_type,
        clock_rate: encoding.clock_rate.unwrap_or_else(|| mux.config.sample_rate()),
        codec: Codec::Aac(mux.config),
        packing: Packing::Latm { in_band_config, sub_frames: mux.sub_frames },
    })
}

/// Where the configuration is missing: AAC-LC as the rtpmap says.
fn guessed(encoding: &Encoding) -> Result<AudioSpecificConfig, String> {
    let rate = encoding.clock_rate.ok_or_else(|| format!("{} without a clock rate", encoding.name))?;
    AudioSpecificConfig::low_complexity(rate, encoding.channels.unwrap_or(1))
        .map_err(|error| error.to_string())
}
