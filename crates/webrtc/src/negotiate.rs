//! Which of the offered payload types fits a track.

use crate::sdp::{Media, Offer, OfferError, OfferedCodec};
use yeoul_media::bitstream::h264;
use yeoul_media::{Codec, Kind, Track};
use yeoul_rtp::format::{FIRST_DYNAMIC_PAYLOAD_TYPE, carries};
use yeoul_rtp::{MediaFormat, sdp};

/// `profile-level-id` of High at level 3.1.
const H264_HIGH: [u8; 3] = [0x64, 0x00, 0x1f];

/// A payload type chosen for a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// As in `a=rtpmap`, in capitals.
    pub(crate) name: String,
    pub(crate) payload_type: u8,
    /// RTX (RFC 4588) of that payload type.
    pub(crate) resend_payload_type: Option<u8>,
    /// Ticks a second of the RTP time.
    pub(crate) clock_rate: u32,
    /// `a=fmtp` of the answer.
    pub(crate) parameters: String,
}

impl Offer {
    /// Whether the viewer takes this codec.
    #[must_use]
    pub fn accepts(&self, codec: &Codec) -> bool {
        self.wanted(codec.kind()).is_some_and(|media| choose(media, codec).is_some())
    }

    /// The codecs offered for that kind, in words for error sentences: `VP8, H264, AV1`; empty if none is wanted.
    #[must_use]
    pub fn codecs_text(&self, kind: Kind) -> String {
        names_text(self.wanted(kind))
    }

    /// What the stream has and what was offered, where they do not meet.
    #[must_use]
    pub fn no_common_codec(&self, tracks: &[Track]) -> OfferError {
        let there_are: Vec<String> = tracks.iter().map(|track| track.codec.to_string()).collect();
        OfferError::NoCommonCodec {
            there_are: if there_are.is_empty() { "no tracks".to_owned() } else { there_are.join(", ") },
            offered: in_words(|kind| self.codecs_text(kind)),
        }
    }

    /// What the publisher has and what would be taken, where they do not meet.
    pub(crate) fn nothing_taken(&self) -> OfferError {
        let taken = |kind| {
            let of_kind = ours(kind).into_iter().map(|codec| codec.name);
            let mut names: Vec<String> = of_kind.filter(|name| name != "RTX").collect();
            names.dedup();
            names.join(", ")
        };
        OfferError::NothingTaken {
            offered: in_words(|kind| names_text(self.given(kind))),
            taken: in_words(taken),
        }
    }
}

fn names_text(media: Option<&Media>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for codec in media.map(|media| media.codecs.as_slice()).unwrap_or_default() {
        let helper =
            matches!(codec.name.as_str(), "RTX" | "RED" | "ULPFEC" | "FLEXFEC-03" | "CN" | "TELEPHONE-EVENT");
        if !helper && !names.contains(&codec.name.as_str()) {
            names.push(&codec.name);
        }
    }
    names.join(", ")
}

/// `video as VP8, H264 and audio as OPUS`
fn in_words(codecs: impl Fn(Kind) -> String) -> String {
    let kinds = [Kind::Video, Kind::Audio].into_iter().map(|kind| (kind, codecs(kind)));
    let words: Vec<String> = kinds
        .filter(|(_, codecs)| !codecs.is_empty())
        .map(|(kind, codecs)| format!("{kind} as {codecs}"))
        .collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" and ") }
}

/// The payload type of `media` in which a publisher is to send: H.264 where it is offered, because everything plays it; else the one
/// that the publisher likes best, of those that are taken here.
pub(crate) fn choose_given(media: &Media) -> Option<(Chosen, MediaFormat)> {
    let taken = media.codecs.iter().filter_map(|offered| Some((offered, format(offered, media.kind?)?)));
    let rank = |offered: &OfferedCodec| match offered.name.as_str() {
        "H264" if offered.parameter("packetization-mode") == Some("1") => 0,
        "H264" => 1,
        _ => 2,
    };
    let (offered, format) = taken.min_by_key(|(offered, _)| rank(offered))?;
    Some((chosen(media, offered, offered.parameters.clone()), format))
}

/// How packets of an offered payload type are read; `None` if they cannot be.
fn format(offered: &OfferedCodec, kind: Kind) -> Option<MediaFormat> {
    let OfferedCodec { payload_type, name, clock_rate, channels, parameters, .. } = offered;
    let rtpmap = format!("{name}/{clock_rate}/{channels}");
    let format = sdp::media_format(*payload_type, &rtpmap, parameters).ok()?;
    (format.codec.kind() == kind && carries(&format.codec)).then_some(format)
}

/// What we offer to take of that kind, the best first: every codec of browsers that can be read here.
pub(crate) fn ours(kind: Kind) -> Vec<OfferedCodec> {
    /// Profiles that browsers and servers tell apart: Constrained Baseline, Main, High, each up to level 5.2.
    const H264: [&str; 3] = [
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d0034",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640034",
    ];
    let video = |name: &'static str, parameters: &'static str| (name, 90_000, 1, parameters);
    let all = match kind {
        Kind::Video => vec![
            video("H264", H264[0]),
            video("H264", H264[1]),
            video("H264", H264[2]),
            video("H265", "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST"),
            video("VP8", ""),
            video("VP9", "profile-id=0"),
            video("AV1", "level-idx=5;profile=0;tier=0"),
        ],
        Kind::Audio => vec![
            ("OPUS", 48_000, 2, "minptime=10;stereo=1;useinbandfec=1"),
            ("G722", 8_000, 1, ""),
            ("PCMU", 8_000, 1, ""),
            ("PCMA", 8_000, 1, ""),
        ],
    };
    let mut codecs = Vec::new();
    let mut next = match kind {
        Kind::Video => FIRST_DYNAMIC_PAYLOAD_TYPE,
        Kind::Audio => FIRST_DYNAMIC_PAYLOAD_TYPE + 24,
    };
    for (name, clock_rate, channels, parameters) in all {
        let fixed = match name {
            "PCMU" => Some(0),
            "PCMA" => Some(8),
            "G722" => Some(9),
            _ => None,
        };
        let codec = offered(fixed.unwrap_or(next), name, clock_rate, channels, parameters);
        if format(&codec, kind).is_none() {
            continue;
        }
        codecs.push(codec);
        if fixed.is_none() {
            next += 1;
        }
        if kind == Kind::Video {
            codecs.push(offered(next, "RTX", clock_rate, 1, &format!("apt={}", next - 1)));
            next += 1;
        }
    }
    codecs
}

/// What we offer to send of a track: its codec, of H.264 besides in the profile that everybody takes.
pub(crate) fn ours_for(codec: &Codec) -> Vec<OfferedCodec> {
    let mut all = ours(codec.kind());
    all.retain(|offered| fit(offered, codec).is_some() || offered.name == "RTX");
    if let Codec::H264(Some(sets)) = codec {
        let [profile, constraints, level] = sets.profile_level_id();
        let exact = format!(
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile:02x}{constraints:02x}{level:02x}"
        );
        if let [first, _, second, ..] = all.as_mut_slice() {
            second.parameters = std::mem::replace(&mut first.parameters, exact);
        }
        all.truncate(2 * 2);
    }
    // What is sent, not what is liked to be received (RFC 7587 §6.1).
    if let (Codec::Opus { channels: 2 }, Some(first)) = (codec, all.first_mut()) {
        first.parameters = "minptime=10;sprop-stereo=1;useinbandfec=1".to_owned();
    }
    let kept: Vec<String> = all.iter().map(|offered| offered.payload_type.to_string()).collect();
    all.retain(|offered| {
        offered.name != "RTX" || offered.parameter("apt").is_some_and(|apt| kept.iter().any(|of| of == apt))
    });
    all
}

fn offered(payload_type: u8, name: &str, clock_rate: u32, channels: u8, parameters: &str) -> OfferedCodec {
    let is_video = clock_rate == 90_000 && name != "RTX";
    OfferedCodec {
        payload_type,
        name: name.to_owned(),
        clock_rate,
        channels,
        parameters: parameters.to_owned(),
        nack: is_video,
        pli: is_video,
        fir: is_video,
        arrivals: name != "RTX",
    }
}

/// All payload types of a media of ours.
pub(crate) fn all_chosen(media: &Media) -> Vec<Chosen> {
    let main = media.codecs.iter().filter(|codec| codec.name != "RTX");
    main.map(|codec| chosen(media, codec, codec.parameters.clone())).collect()
}

fn chosen(media: &Media, offered: &OfferedCodec, parameters: String) -> Chosen {
    let resend = media.codecs.iter().find(|resend| {
        resend.name == "RTX" && resend.parameter("apt") == Some(offered.payload_type.to_string().as_str())
    });
    Chosen {
        name: offered.name.clone(),
        payload_type: offered.payload_type,
        resend_payload_type: resend.map(|resend| resend.payload_type),
        clock_rate: offered.clock_rate,
        parameters,
    }
}

/// The payload type of `media` that fits `codec` best.
pub(crate) fn choose(media: &Media, codec: &Codec) -> Option<Chosen> {
    let scored = media.codecs.iter().filter_map(|offered| Some((fit(offered, codec)?, offered)));
    // The first among equals: the offer's order is the viewer's preference.
    let (_, offered) = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    Some(chosen(media, offered, parameters(offered, codec)))
}

/// How well an offered payload type fits: `None` not at all, more is better.
fn fit(offered: &OfferedCodec, codec: &Codec) -> Option<u32> {
    let name = offered.name.as_str();
    match codec {
        Codec::H264(sets) => {
            if name != "H264" || offered.parameter("packetization-mode") != Some("1") {
                return None;
            }
            // Of a camera that has told nothing yet, the usual is expected.
            let camera = sets.as_ref().map_or(H264_HIGH, h264::ParameterSets::profile_level_id);
            Some(h264_fit(h264_profile(offered), camera))
        }
        Codec::H265(sets) => {
            if name != "H265" {
                return None;
            }
            // RFC 7798 §7.1: absent means Main. A decoder of one profile cannot be expected to take another.
            let profile = offered.parameter("profile-id").unwrap_or("1");
            let fits =
                sets.as_ref().is_none_or(|sets| profile == sets.profile_tier_level().profile.to_string());
            fits.then_some(1)
        }
        Codec::Opus { .. } => (name == "OPUS" && offered.clock_rate == 48_000).then_some(1),
        Codec::Pcmu(layout) => (name == "PCMU"
            && offered.clock_rate == layout.sample_rate
            && offered.channels == layout.channels)
            .then_some(1),
        Codec::Pcma(layout) => (name == "PCMA"
            && offered.clock_rate == layout.sample_rate
            && offered.channels == layout.channels)
            .then_some(1),
        // RFC 3551 §4.5.2: the clock is named 8000 although the sound has 16 kHz.
        Codec::G722 => (name == "G722" && offered.clock_rate == 8_000).then_some(1),
        Codec::L16(layout) => {
            (name == "L16" && offered.clock_rate == layout.sample_rate && offered.channels == layout.channels)
                .then_some(1)
        }
        Codec::Vp8(_) => (name == "VP8").then_some(1),
        // Absent means 0 (RFC 9628 §6; RTP Payload Format For AV1 §7.2.3): no decoder of one profile has to take another.
        Codec::Vp9(parameters) => {
            let fits = parameters.as_ref().is_none_or(|vp9| profile(offered, "profile-id") == vp9.profile);
            (name == "VP9" && fits).then_some(1)
        }
        Codec::Av1(header) => {
            // A decoder of High takes Main, and one of Professional both (AV1 specification §A.2).
            let fits = header.as_ref().is_none_or(|header| profile(offered, "profile") >= header.profile());
            (name == "AV1" && fits).then_some(1)
        }
        // No browser takes them.
        Codec::Mpeg4Video(_) | Codec::Jpeg { .. } | Codec::Aac(_) | Codec::Flac(_) | Codec::Mp3(_) => None,
    }
}

/// The number of a profile in an offer, 0 if it is not told.
fn profile(offered: &OfferedCodec, name: &str) -> u8 {
    offered.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// `profile-level-id` of the offer; absent means Baseline 1.0 (RFC 6184 §8.1).
fn h264_profile(offered: &OfferedCodec) -> [u8; 3] {
    let text = offered.parameter("profile-level-id").unwrap_or("42000a");
    let value = u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 6).unwrap_or(0x0042_000a);
    let [_, profile, constraints, level] = value.to_be_bytes();
    [profile, constraints, level]
}

/// The profiles browsers tell apart, each able to decode those before it in practice: browsers decode High whatever they
/// offered, so that no profile is refused, but the nearest is taken.
fn h264_rank(profile: [u8; 3]) -> u32 {
    let [profile_idc, constraints, _] = profile;
    match (profile_idc, constraints & 0x40 != 0) {
        (66, true) => 0,  // Constrained Baseline
        (66, false) => 1, // Baseline
        (77 | 88, _) => 2,
        (100, _) => 3,
        _ => 4, // High 10 and above
    }
}

/// The same profile is best, then a higher one (which includes it), then the nearest lower one.
fn h264_fit(offered: [u8; 3], camera: [u8; 3]) -> u32 {
    let (offered, camera) = (h264_rank(offered), h264_rank(camera));
    if offered >= camera { 100 - (offered - camera) } else { 50 - (camera - offered) }
}

/// `a=fmtp` of the answer: what was offered, with the camera's own values where they may differ.
fn parameters(offered: &OfferedCodec, codec: &Codec) -> String {
    match codec {
        Codec::H264(sets) => {
            let [profile, constraints, mut level] = h264_profile(offered);
            // The profile of a payload type is the same in offer and answer (RFC 6184 §8.2.2), the level need not be.
            let asymmetric = offered.parameter("level-asymmetry-allowed") == Some("1");
            if let Some(sets) = sets
                && asymmetric
            {
                [_, _, level] = sets.profile_level_id();
            }
            let asymmetry = if asymmetric { "level-asymmetry-allowed=1;" } else { "" };
            format!(
                "{asymmetry}packetization-mode=1;profile-level-id={profile:02x}{constraints:02x}{level:02x}"
            )
        }
        Codec::H265(_) | Codec::Av1(_) | Codec::Vp9(_) | Codec::Vp8(_) | Codec::Opus { .. } => {
            offered.parameters.clone()
        }
        Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Aac(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_h264_profile_is_taken() {
        let (baseline, constrained, main) = ([0x42, 0, 0x1f], [0x42, 0xe0, 0x1f], [0x4d, 0, 0x1f]);
        let (high, high444) = ([0x64, 0, 0x1f], [0xf4, 0, 0x1f]);
        let best = |offers: &[[u8; 3]], camera| {
            *offers.iter().max_by_key(|offer| h264_fit(**offer, camera)).unwrap()
        };
        let all = [baseline, constrained, main, high, high444];
        for profile in all {
            assert_eq!(best(&all, profile), profile);
        }
        assert_eq!(best(&[constrained, main], high), main);
        assert_eq!(best(&[baseline, constrained], high), baseline);
        assert_eq!(best(&[constrained, high], main), high);
        assert_eq!(best(&[constrained, main, high444], high), high444, "what Chromium on Linux offers");
    }
}
