//! One media: its formats, control and direction.

use super::encoding::{self, Encoding};
use super::fmtp::Parameters;
use super::{Direction, Media, MediaKind};
use crate::format::{FIRST_DYNAMIC_PAYLOAD_TYPE, MediaFormat};
use sdp_types::Attribute;
use yeoul_media::Kind;

/// Reads a media; `session` is the direction that the session names.
pub(super) fn parse(media: &sdp_types::Media, session: Direction) -> Media {
    let kind = match media.media.to_ascii_lowercase().as_str() {
        "video" => MediaKind::Video,
        "audio" => MediaKind::Audio,
        _ => MediaKind::Other,
    };
    let (format, unsupported) = match format(media, kind) {
        Ok(format) => (Some(format), None),
        Err(what) => (None, Some(what)),
    };
    Media {
        kind,
        format,
        unsupported,
        control: value(&media.attributes, "control").map(ToOwned::to_owned),
        direction: direction(&media.attributes).unwrap_or(session),
    }
}

/// The value of the first attribute `name`.
pub(super) fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let mut of_name = attributes.iter().filter(|attribute| attribute.attribute.eq_ignore_ascii_case(name));
    of_name.find_map(|attribute| attribute.value.as_deref()).map(str::trim)
}

pub(super) fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| match attribute.attribute.to_ascii_lowercase().as_str() {
        "sendrecv" => Some(Direction::SendReceive),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::ReceiveOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    })
}

/// The first format that is supported, or what the first one is.
fn format(media: &sdp_types::Media, kind: MediaKind) -> Result<MediaFormat, String> {
    let protocol = media.proto.to_ascii_uppercase();
    if !protocol.split('/').any(|part| part == "RTP") {
        return Err(format!("{} over {}", media.media, media.proto));
    }
    if protocol.contains("SAVP") {
        return Err(format!("encrypted {} ({})", media.media, media.proto));
    }
    let payload_types: Vec<&str> = media.fmt.split_ascii_whitespace().collect();
    let mut first_reason = None;
    for &payload_type in &payload_types {
        let Some(number) = payload_type.parse::<u8>().ok().filter(|number| *number < 128) else {
            first_reason.get_or_insert(format!("{} of format {payload_type}", media.media));
            continue;
        };
        // Some cameras number the format in `a=rtpmap` and `a=fmtp` differently: with one format there is no doubt.
        let alone = payload_types.len() == 1;
        match format_of(media, kind, number, alone) {
            Ok(format) => return Ok(format),
            Err(reason) => first_reason.get_or_insert(reason),
        };
    }
    Err(first_reason.unwrap_or_else(|| format!("{} without a format", media.media)))
}

fn format_of(
    media: &sdp_types::Media,
    kind: MediaKind,
    payload_type: u8,
    alone: bool,
) -> Result<MediaFormat, String> {
    let mut rtpmaps = lines(media, "rtpmap", payload_type);
    if rtpmaps.is_empty() && alone && payload_type >= FIRST_DYNAMIC_PAYLOAD_TYPE {
        rtpmaps = all_lines(media, "rtpmap").map(|(_, rest)| rest).collect();
    }
    let mut fmtps = lines(media, "fmtp", payload_type);
    if fmtps.is_empty() && alone {
        fmtps = all_lines(media, "fmtp").map(|(_, rest)| rest).collect();
    }
    let mut parameters = Parameters::default();
    fmtps.iter().for_each(|text| parameters.add(text));
    let described = rtpmaps.iter().find_map(|text| Encoding::parse(text));
    let encoding = described.or_else(|| Encoding::fixed(payload_type));
    let encoding = encoding.ok_or_else(|| format!("payload type {payload_type} without a=rtpmap"))?;
    let format = encoding::format(&encoding, payload_type, &parameters)?;
    match (kind, format.codec.kind()) {
        (MediaKind::Video, Kind::Video) | (MediaKind::Audio, Kind::Audio) => Ok(format),
        (MediaKind::Video | MediaKind::Audio | MediaKind::Other, Kind::Video | Kind::Audio) => {
            Err(format!("{} in m={}", encoding.name, media.media))
        }
    }
}

/// What stands after the payload type in all attributes `name` of that payload type.
fn lines<'a>(media: &'a sdp_types::Media, name: &'a str, payload_type: u8) -> Vec<&'a str> {
    let of_type = all_lines(media, name).filter(|(number, _)| number.parse() == Ok(payload_type));
    of_type.map(|(_, rest)| rest).collect()
}

/// All attributes `name`, cut after the payload type. Ubiquiti cameras send `a=fmtp:96` with nothing after it.
fn all_lines<'a>(media: &'a sdp_types::Media, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_name = media.attributes.iter().filter(move |of| of.attribute.eq_ignore_ascii_case(name));
    of_name.filter_map(|attribute| attribute.value.as_deref()).map(|value| {
        let value = value.trim();
        let (number, rest) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
        (number, rest.trim())
    })
}
