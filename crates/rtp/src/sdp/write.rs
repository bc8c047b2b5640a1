//! The description of a live stream for players of RTSP.

use super::fmtp::base64;
use crate::format::{MediaFormat, encoding_name};
use sdp_types::{AddrType, Attribute, Connection, Media, NetType, Origin, Session, Time};
use std::net::IpAddr;
use yeoul_media::bitstream::{av1, h264, h265, mpeg4};
use yeoul_media::{Codec, Kind};

/// What [`write()`] needs to describe a stream to a player.
#[derive(Clone, Debug)]
pub struct Description<'a> {
    /// `s=`: the stream's name.
    pub name: &'a str,
    /// Address of the server, for `o=`.
    pub server: IpAddr,
    /// `o=`: one number for each start of the stream.
    pub session_id: u64,
    /// The tracks with their `a=control` values. AAC is described, and has to be sent, as AAC-hbr.
    pub medias: &'a [(MediaFormat, String)],
}

/// The description of a live stream for a player of RTSP.
#[must_use]
pub fn write(description: &Description<'_>) -> String {
    // Where to send to is agreed on in SETUP (RFC 2326 appendix C.1.7).
    let anywhere =
        if description.server.is_ipv4() { (AddrType::Ip4, "0.0.0.0") } else { (AddrType::Ip6, "::") };
    let session = Session {
        origin: Origin::with_ip_addr(description.session_id, 1, description.server),
        session_name: if description.name.is_empty() { "-" } else { description.name }.to_owned(),
        session_description: None,
        uri: None,
        emails: Vec::new(),
        phones: Vec::new(),
        connection: Some(Connection::new(NetType::In, anywhere.0, anywhere.1)),
        bandwidths: Vec::new(),
        times: vec![Time { start_time: 0, stop_time: 0, repeats: Vec::new() }],
        time_zones: Vec::new(),
        key: None,
        attributes: vec![
            attribute("tool", "yeoul"),
            attribute("range", "npt=now-"),
            attribute("control", "*"),
        ],
        medias: description.medias.iter().map(|(format, control)| media(format, control)).collect(),
    };
    let mut out = Vec::new();
    session.write(&mut out).expect("a Vec takes everything");
    String::from_utf8_lossy(&out).into_owned()
}

fn attribute(name: &str, value: impl Into<String>) -> Attribute {
    Attribute { attribute: name.to_owned(), value: Some(value.into()) }
}

fn media(format: &MediaFormat, control: &str) -> Media {
    let payload_type = format.payload_type;
    let mut attributes = vec![attribute("rtpmap", format!("{payload_type} {}", rtpmap(format)))];
    if let Some(parameters) = parameters(&format.codec) {
        attributes.push(attribute("fmtp", format!("{payload_type} {parameters}")));
    }
    attributes.push(attribute("control", control));
    Media {
        media: match format.codec.kind() {
            Kind::Video => "video".to_owned(),
            Kind::Audio => "audio".to_owned(),
        },
        port: 0,
        num_ports: None,
        proto: "RTP/AVP".to_owned(),
        fmt: payload_type.to_string(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes,
    }
}

/// `<name>/<clock rate>[/<channels>]`; one channel is left out (RFC 8866 §6.6), but Opus always says 2 (RFC 7587 §7).
fn rtpmap(format: &MediaFormat) -> String {
    let (name, rate) = (encoding_name(&format.codec), format.clock_rate);
    match &format.codec {
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Mp3(_)
        | Codec::Flac(_)
        | Codec::G722 => format!("{name}/{rate}"),
        Codec::Aac(config) => format!("{name}/{rate}/{}", config.channels()),
        Codec::Opus { .. } => format!("opus/{rate}/2"),
        Codec::Pcmu(layout) | Codec::Pcma(layout) | Codec::L16(layout) => match layout.channels {
            0 | 1 => format!("{name}/{rate}"),
            channels => format!("{name}/{rate}/{channels}"),
        },
    }
}

/// `a=fmtp` without the payload type.
fn parameters(codec: &Codec) -> Option<String> {
    match codec {
        Codec::H264(sets) => Some(h264_parameters(sets.as_ref())),
        Codec::H265(sets) => sets.as_ref().map(h265_parameters),
        // The level is 1 for everything up to 24 kHz mono (ISO/IEC 14496-3 §1.5.2.4); players look at `config`, and other
        // servers write 1 too.
        Codec::Aac(config) => Some(format!(
            "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config={}",
            hex::encode_upper(config.bytes())
        )),
        Codec::Opus { channels } => Some(format!("sprop-stereo={}", u8::from(*channels > 1))),
        Codec::Av1(header) => header.as_ref().map(av1_parameters),
        // RFC 9628 §6.
        Codec::Vp9(parameters) => parameters.as_ref().map(|vp9| format!("profile-id={}", vp9.profile)),
        Codec::Mpeg4Video(configuration) => configuration.as_ref().map(mpeg4_parameters),
        Codec::Vp8(_)
        | Codec::Jpeg { .. }
        | Codec::Flac(_)
        | Codec::Mp3(_)
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_) => None,
    }
}

fn list<'a>(units: impl IntoIterator<Item = &'a bytes::Bytes>) -> String {
    units.into_iter().map(|unit| base64(unit)).collect::<Vec<_>>().join(",")
}

/// RFC 6184 §8.1.
fn h264_parameters(sets: Option<&h264::ParameterSets>) -> String {
    let mut text = String::from("packetization-mode=1");
    if let Some(sets) = sets {
        let level = hex::encode_upper(sets.profile_level_id());
        text.push_str(&format!(";profile-level-id={level};sprop-parameter-sets={}", list(sets.units())));
    }
    text
}

/// RFC 7798 §7.1.
fn h265_parameters(sets: &h265::ParameterSets) -> String {
    let level = sets.profile_tier_level();
    format!(
        "profile-space={};profile-id={};tier-flag={};level-id={};interop-constraints={};sprop-vps={};sprop-sps={};sprop-pps={}",
        level.profile_space,
        level.profile,
        u8::from(level.high_tier),
        level.level,
        hex::encode_upper(level.constraints),
        list(sets.vps()),
        list(sets.sps()),
        list(sets.pps()),
    )
}

/// RTP Payload Format For AV1 §7.2.1.
fn av1_parameters(header: &av1::SequenceHeader) -> String {
    format!("profile={};level-idx={};tier={}", header.profile(), header.level(), u8::from(header.high_tier()))
}

/// RFC 6416 §7.1.
fn mpeg4_parameters(configuration: &mpeg4::Configuration) -> String {
    let (level, config) = (configuration.profile_level(), hex::encode_upper(configuration.bytes()));
    format!("profile-level-id={level};config={config}")
}
