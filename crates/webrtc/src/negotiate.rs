//! Which of the offered payload types fits a track.

use crate::sdp::{Media, Offer, OfferError, OfferedCodec};
use yeoul_media::bitstream::h264;
use yeoul_media::{Codec, Kind, Track};

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
        let mut names: Vec<&str> = Vec::new();
        for codec in self.wanted(kind).map(|media| media.codecs.as_slice()).unwrap_or_default() {
            let helper = matches!(
                codec.name.as_str(),
                "RTX" | "RED" | "ULPFEC" | "FLEXFEC-03" | "CN" | "TELEPHONE-EVENT"
            );
            if !helper && !names.contains(&codec.name.as_str()) {
                names.push(&codec.name);
            }
        }
        names.join(", ")
    }

    /// What the stream has and what was offered, where they do not meet.
    #[must_use]
    pub fn no_common_codec(&self, tracks: &[Track]) -> OfferError {
        let there_are: Vec<String> = tracks.iter().map(|track| track.codec.to_string()).collect();
        let offered: Vec<String> = [Kind::Video, Kind::Audio]
            .into_iter()
            .map(|kind| (kind, self.codecs_text(kind)))
            .filter(|(_, codecs)| !codecs.is_empty())
            .map(|(kind, codecs)| format!("{kind} as {codecs}"))
            .collect();
        OfferError::NoCommonCodec {
            there_are: if there_are.is_empty() { "no tracks".to_owned() } else { there_are.join(", ") },
            offered: if offered.is_empty() { "nothing".to_owned() } else { offered.join(" and ") },
        }
    }
}

/// The payload type of `media` that fits `codec` best.
pub(crate) fn choose(media: &Media, codec: &Codec) -> Option<Chosen> {
    let scored = media.codecs.iter().filter_map(|offered| Some((fit(offered, codec)?, offered)));
    // The first among equals: the offer's order is the viewer's preference.
    let (_, offered) = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let resend = media.codecs.iter().find(|resend| {
        resend.name == "RTX" && resend.parameter("apt") == Some(offered.payload_type.to_string().as_str())
    });
    Some(Chosen {
        name: offered.name.clone(),
        payload_type: offered.payload_type,
        resend_payload_type: resend.map(|resend| resend.payload_type),
        clock_rate: offered.clock_rate,
        parameters: parameters(offered, codec),
    })
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
