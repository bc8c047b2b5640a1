//! What an offer says, or the answer to one of ours.

use super::reader::Reader;
use super::{Credentials, Fingerprint};
use crate::limits::{MAX_MEDIAS, MAX_OFFER_BYTES};
use std::net::IpAddr;
use yeoul_media::Kind;

/// Why an offer cannot be answered, or an answer not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Too long.
    #[error("the SDP has {0} bytes, expected at most {MAX_OFFER_BYTES}")]
    TooLong(usize),
    /// No session description.
    #[error("this is no SDP: expected a first line `v=0`, got {0:?}")]
    NotSdp(String),
    /// Without media.
    #[error("the SDP has no media: expected an `m=video` or `m=audio` line")]
    NoMedia,
    /// With too many media.
    #[error("the SDP has {0} media, expected at most {MAX_MEDIAS}")]
    TooManyMedias(usize),
    /// Media that cannot be told apart (RFC 5888 §4).
    #[error("two media of the SDP have the name {0:?}: expected an `a=mid` of its own for each")]
    SameMid(String),
    /// A line that cannot be read.
    #[error("the SDP's line {line} cannot be read: expected {expected}, got {got:?}")]
    Malformed {
        /// Number of the line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
        /// The line, cut.
        got: String,
    },
    /// Something that WebRTC requires is not there.
    #[error("the SDP has no {0}")]
    Missing(&'static str),
    /// Fingerprints, but none with a hash that is safe.
    #[error("the SDP has no certificate fingerprint with SHA-256, SHA-384 or SHA-512")]
    WeakFingerprint,
    /// No media that could take what a camera sends.
    #[error("the offer asks for nothing: no video or audio media receives (`a=recvonly` or `a=sendrecv`)")]
    NothingWanted,
    /// No media that a publisher would send.
    #[error("the offer brings nothing: no video or audio media sends (`a=sendonly` or `a=sendrecv`)")]
    NothingGiven,
    /// None of the publisher's codecs is one of ours.
    #[error("no codec in common: the publisher has {offered}, this server takes {taken}")]
    NothingTaken {
        /// What was offered, in words.
        offered: String,
        /// What would be taken, in words.
        taken: String,
    },
    /// Nothing of a stream can be offered.
    #[error("WebRTC carries none of the stream's codecs: {0}")]
    NothingCarried(String),
    /// Codecs do not meet.
    #[error("no codec in common: the stream has {there_are}, the viewer takes {offered}")]
    NoCommonCodec {
        /// The tracks of the stream in words.
        there_are: String,
        /// What was offered, in words.
        offered: String,
    },
}

/// Who sends, from the offering side's view (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    SendReceive,
    SendOnly,
    ReceiveOnly,
    Inactive,
}

impl Direction {
    pub(crate) const fn receives(self) -> bool {
        matches!(self, Self::SendReceive | Self::ReceiveOnly)
    }

    pub(crate) const fn sends(self) -> bool {
        matches!(self, Self::SendReceive | Self::SendOnly)
    }
}

/// Who begins DTLS (RFC 5763 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// The answerer chooses.
    ActPass,
    /// The offerer is the DTLS client.
    Active,
    /// The offerer is the DTLS server.
    Passive,
}

/// One payload type of a media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfferedCodec {
    pub(crate) payload_type: u8,
    /// As in `a=rtpmap`, in capitals.
    pub(crate) name: String,
    pub(crate) clock_rate: u32,
    pub(crate) channels: u8,
    /// `a=fmtp`, as it stands.
    pub(crate) parameters: String,
    /// `a=rtcp-fb:… nack`
    pub(crate) nack: bool,
    /// `a=rtcp-fb:… nack pli`
    pub(crate) pli: bool,
    /// `a=rtcp-fb:… ccm fir`
    pub(crate) fir: bool,
    /// `a=rtcp-fb:… transport-cc`
    pub(crate) arrivals: bool,
}

impl OfferedCodec {
    /// The value of a parameter of `a=fmtp`.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .split(';')
            .filter_map(|parameter| parameter.split_once('='))
            .find_map(|(key, value)| key.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
    }
}

/// One `m=` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// `None` for data channels and anything else.
    pub(crate) kind: Option<Kind>,
    /// The first word of the `m=` line.
    pub(crate) name: String,
    /// `UDP/TLS/RTP/SAVPF` mostly.
    pub(crate) protocol: String,
    pub(crate) formats: Vec<String>,
    pub(crate) mid: String,
    /// Port 0 and not in the BUNDLE group: the media is off.
    pub(crate) rejected: bool,
    pub(crate) direction: Direction,
    pub(crate) codecs: Vec<OfferedCodec>,
    /// Number of the header extension that carries `mid` (RFC 9143 §15), 1 to 14.
    pub(crate) mid_extension: Option<u8>,
    /// Number of the header extension that carries a playout delay (webrtc.org), 1 to 14.
    pub(crate) playout_extension: Option<u8>,
    /// Number of the header extension that numbers packets for feedback about their arrival, 1 to 14.
    pub(crate) transport_wide_extension: Option<u8>,
}

/// An offer, or the answer to one of ours, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub(crate) medias: Vec<Media>,
    pub(crate) credentials: Credentials,
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) setup: Setup,
    pub(crate) ice_lite: bool,
    /// `candidate:…`, as they stand.
    pub(crate) candidates: Vec<String>,
}

impl Offer {
    /// Reads a viewer's offer.
    ///
    /// # Errors
    /// If it is no SDP, lacks what WebRTC requires, or asks for nothing.
    pub fn parse(text: &str) -> Result<Self, OfferError> {
        let offer = Self::parse_any(text)?;
        if offer.wants(Kind::Video) || offer.wants(Kind::Audio) {
            Ok(offer)
        } else {
            Err(OfferError::NothingWanted)
        }
    }

    /// Reads a publisher's offer.
    ///
    /// # Errors
    /// If it is no SDP, lacks what WebRTC requires, or brings nothing.
    pub fn parse_published(text: &str) -> Result<Self, OfferError> {
        let offer = Self::parse_any(text)?;
        let brings = |kind| offer.given(kind).is_some();
        if brings(Kind::Video) || brings(Kind::Audio) { Ok(offer) } else { Err(OfferError::NothingGiven) }
    }

    /// Reads the answer to an offer of ours.
    ///
    /// # Errors
    /// If it is no SDP, or lacks what WebRTC requires.
    pub fn parse_answer(text: &str) -> Result<Self, OfferError> {
        Self::parse_any(text)
    }

    /// Keeps only the candidates whose addresses `admit` lets through; names are not resolved, and not kept.
    pub fn retain_candidates(&mut self, admit: impl Fn(IpAddr) -> bool) {
        self.candidates.retain(|candidate| candidate_ip(candidate).is_some_and(&admit));
    }

    fn parse_any(text: &str) -> Result<Self, OfferError> {
        if text.len() > MAX_OFFER_BYTES {
            return Err(OfferError::TooLong(text.len()));
        }
        let mut lines = text.lines().map(str::trim_end).enumerate().filter(|(_, line)| !line.is_empty());
        match lines.next() {
            Some((_, "v=0")) => {}
            other => return Err(OfferError::NotSdp(cut(other.map_or("", |(_, line)| line)))),
        }
        let mut reader = Reader::default();
        for (number, line) in lines {
            reader.line(line).map_err(|expected| OfferError::Malformed {
                line: number + 1,
                expected,
                got: cut(line),
            })?;
        }
        reader.finish()
    }

    /// The media of that kind that asks for something; further ones are not served.
    pub(crate) fn wanted(&self, kind: Kind) -> Option<&Media> {
        self.medias
            .iter()
            .find(|media| media.kind == Some(kind) && !media.rejected && media.direction.receives())
    }

    /// The media of that kind that brings something; further ones are not taken.
    pub(crate) fn given(&self, kind: Kind) -> Option<&Media> {
        self.medias
            .iter()
            .find(|media| media.kind == Some(kind) && !media.rejected && media.direction.sends())
    }

    /// Whether the viewer asks for media of that kind.
    #[must_use]
    pub fn wants(&self, kind: Kind) -> bool {
        self.wanted(kind).is_some()
    }
}

/// The address of `candidate:…` (RFC 8839 §5.1); `None` if it is a name.
pub(super) fn candidate_ip(candidate: &str) -> Option<IpAddr> {
    candidate.split_ascii_whitespace().nth(4)?.parse().ok()
}

/// The start of a line, for error sentences.
pub(super) fn cut(line: &str) -> String {
    line.chars().take(60).collect()
}
