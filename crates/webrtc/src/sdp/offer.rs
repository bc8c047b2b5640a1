//! Reading an offer, or the answer to one of ours.

use super::{Credentials, Fingerprint};
use crate::limits::{MAX_FORMATS, MAX_MEDIAS, MAX_OFFER_BYTES, MAX_REMOTE_CANDIDATES};
use std::collections::HashSet;
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
fn cut(line: &str) -> String {
    line.chars().take(60).collect()
}

/// What stands at session level or in one media.
#[derive(Debug, Default)]
struct Section {
    media: Option<(String, String, Vec<String>, bool)>,
    mid: Option<String>,
    direction: Option<Direction>,
    rtpmaps: Vec<(u8, String, u32, u8)>,
    fmtps: Vec<(u8, String)>,
    feedback: Vec<(Option<u8>, String)>,
    extensions: Vec<(u8, String)>,
    ufrag: Option<String>,
    password: Option<String>,
    fingerprints: Vec<Fingerprint>,
    any_fingerprint: bool,
    setup: Option<Setup>,
    candidates: Vec<String>,
    bundle: Option<Vec<String>>,
    ice_lite: bool,
}

#[derive(Debug, Default)]
struct Reader {
    session: Section,
    medias: Vec<Section>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let (kind, value) = line.split_once('=').ok_or("a line of the form `a=…`")?;
        if kind == "m" {
            let mut words = value.split_ascii_whitespace();
            let expected = "`m=<media> <port> <protocol> <formats>`";
            let (Some(name), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
                return Err(expected);
            };
            let off = port == "0";
            let formats: Vec<String> = words.map(str::to_owned).collect();
            if formats.len() > MAX_FORMATS {
                return Err("fewer formats in one media");
            }
            let media = Some((name.to_owned(), protocol.to_owned(), formats, off));
            self.medias.push(Section { media, ..Section::default() });
            return Ok(());
        }
        if kind != "a" {
            return Ok(());
        }
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        self.medias.last_mut().unwrap_or(&mut self.session).attribute(name, value)
    }

    fn finish(self) -> Result<Offer, OfferError> {
        let Self { session, medias } = self;
        match medias.len() {
            0 => return Err(OfferError::NoMedia),
            1..=MAX_MEDIAS => {}
            more => return Err(OfferError::TooManyMedias(more)),
        }
        let bundle = session.bundle.clone();
        // The transport of the BUNDLE group is that of its first media (RFC 9143 §7.3.1).
        let tagged = bundle
            .as_ref()
            .and_then(|mids| mids.first())
            .and_then(|first| medias.iter().find(|media| media.mid.as_ref() == Some(first)))
            .or(medias.first())
            .ok_or(OfferError::NoMedia)?;
        let ufrag = tagged.ufrag.as_deref().or(session.ufrag.as_deref());
        let password = tagged.password.as_deref().or(session.password.as_deref());
        let credentials = ufrag
            .zip(password)
            .and_then(|(ufrag, password)| Credentials::checked(ufrag, password))
            .ok_or(OfferError::Missing(
                "ICE credentials (`a=ice-ufrag` of 4 and `a=ice-pwd` of 22 characters at least)",
            ))?;
        let certified = if tagged.any_fingerprint { tagged } else { &session };
        if certified.fingerprints.is_empty() {
            return Err(if certified.any_fingerprint {
                OfferError::WeakFingerprint
            } else {
                OfferError::Missing("certificate fingerprint (`a=fingerprint`)")
            });
        }
        let fingerprints = certified.fingerprints.clone();
        let setup = tagged.setup.or(session.setup).unwrap_or(Setup::ActPass);
        let candidates =
            medias.iter().flat_map(|media| &media.candidates).take(MAX_REMOTE_CANDIDATES).cloned().collect();
        let ice_lite = session.ice_lite;
        let direction = session.direction;
        let medias: Vec<Media> = medias
            .into_iter()
            .enumerate()
            .map(|(index, media)| media.into_media(index, bundle.as_deref(), direction))
            .collect();
        let mut mids = HashSet::new();
        if let Some(media) = medias.iter().find(|media| !mids.insert(&media.mid)) {
            return Err(OfferError::SameMid(cut(&media.mid)));
        }
        Ok(Offer { medias, credentials, fingerprints, setup, ice_lite, candidates })
    }
}

impl Section {
    fn attribute(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "mid" => self.mid = Some(value.to_owned()),
            "sendrecv" => self.direction = Some(Direction::SendReceive),
            "sendonly" => self.direction = Some(Direction::SendOnly),
            "recvonly" => self.direction = Some(Direction::ReceiveOnly),
            "inactive" => self.direction = Some(Direction::Inactive),
            "ice-ufrag" => self.ufrag = Some(value.to_owned()),
            "ice-pwd" => self.password = Some(value.to_owned()),
            "ice-lite" => self.ice_lite = true,
            "candidate" if self.candidates.len() < MAX_REMOTE_CANDIDATES => {
                self.candidates.push(format!("candidate:{value}"));
            }
            "fingerprint" => {
                self.any_fingerprint = true;
                self.fingerprints.extend(Fingerprint::parse(value).filter(|_| self.fingerprints.len() < 8));
            }
            "setup" => {
                self.setup = Some(match value {
                    "actpass" => Setup::ActPass,
                    "active" => Setup::Active,
                    "passive" => Setup::Passive,
                    _ => return Err("`a=setup:actpass`, `active` or `passive`"),
                });
            }
            "group" => {
                let mut words = value.split_ascii_whitespace();
                if words.next() == Some("BUNDLE") {
                    self.bundle = Some(words.take(MAX_MEDIAS).map(str::to_owned).collect());
                }
            }
            "rtpmap" => self.rtpmap(value)?,
            "fmtp" => {
                let expected = "`a=fmtp:<payload type> <parameters>`";
                let (payload_type, parameters) = value.split_once(' ').ok_or(expected)?;
                let payload_type = payload_type.parse().map_err(|_| expected)?;
                if self.fmtps.len() < MAX_FORMATS {
                    self.fmtps.push((payload_type, parameters.trim().to_owned()));
                }
            }
            "rtcp-fb" => {
                if let Some((payload_type, feedback)) = value.split_once(' ')
                    && self.feedback.len() < 8 * MAX_FORMATS
                {
                    self.feedback.push((payload_type.parse().ok(), feedback.trim().to_owned()));
                }
            }
            "extmap" => {
                // `4 urn:…` or `4/recvonly urn:…`
                if let Some((number, uri)) = value.split_once(' ')
                    && let Ok(number) = number.split('/').next().unwrap_or_default().parse()
                    && self.extensions.len() < MAX_FORMATS
                {
                    self.extensions.push((number, uri.trim().to_owned()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The number of a header extension, if it is offered with one that a one-byte header can carry.
    fn extension(&self, wanted: &str) -> Option<u8> {
        let found = self.extensions.iter().find(|(number, uri)| uri == wanted && (1..=14).contains(number));
        found.map(|(number, _)| *number)
    }

    /// `<payload type> <name>/<clock rate>[/<channels>]`
    fn rtpmap(&mut self, value: &str) -> Result<(), &'static str> {
        let expected = "`a=rtpmap:<payload type> <name>/<clock rate>`";
        let (payload_type, encoding) = value.split_once(' ').ok_or(expected)?;
        let payload_type = payload_type.parse().map_err(|_| expected)?;
        let mut parts = encoding.trim().split('/');
        let name = parts.next().unwrap_or_default().to_ascii_uppercase();
        let clock_rate = parts.next().and_then(|rate| rate.parse().ok()).ok_or(expected)?;
        let channels = parts.next().and_then(|channels| channels.parse().ok()).unwrap_or(1);
        if self.rtpmaps.len() < MAX_FORMATS {
            self.rtpmaps.push((payload_type, name, clock_rate, channels));
        }
        Ok(())
    }

    fn into_media(self, index: usize, bundle: Option<&[String]>, direction: Option<Direction>) -> Media {
        let [mid_extension, playout_extension, transport_wide_extension] =
            [super::MID_URI, super::PLAYOUT_DELAY_URI, super::TRANSPORT_WIDE_URI]
                .map(|uri| self.extension(uri));
        let (name, protocol, formats, off) = self.media.unwrap_or_default();
        let mid = self.mid.unwrap_or_else(|| index.to_string());
        let bundled = bundle.map_or(index == 0, |mids| mids.contains(&mid));
        let kind = match name.as_str() {
            "video" => Some(Kind::Video),
            "audio" => Some(Kind::Audio),
            _ => None,
        };
        let codecs = formats.iter().filter_map(|format| {
            let payload_type: u8 = format.parse().ok().filter(|number| *number < 128)?;
            let mapped = self.rtpmaps.iter().find(|(of, ..)| *of == payload_type);
            let (name, clock_rate, channels) = match mapped {
                Some((_, name, clock_rate, channels)) => (name.clone(), *clock_rate, *channels),
                None => static_format(payload_type)?,
            };
            let fmtp = self.fmtps.iter().find(|(of, _)| *of == payload_type);
            let has = |feedback: &str| {
                self.feedback
                    .iter()
                    .any(|(of, what)| of.is_none_or(|of| of == payload_type) && what == feedback)
            };
            Some(OfferedCodec {
                payload_type,
                name,
                clock_rate,
                channels,
                parameters: fmtp.map(|(_, parameters)| parameters.clone()).unwrap_or_default(),
                nack: has("nack"),
                pli: has("nack pli"),
                fir: has("ccm fir"),
                arrivals: has("transport-cc"),
            })
        });
        Media {
            kind,
            codecs: codecs.collect(),
            // Without a shared transport only one media can be served.
            rejected: !bundled || (off && bundle.is_none()),
            direction: self.direction.or(direction).unwrap_or(Direction::SendReceive),
            mid_extension,
            playout_extension,
            transport_wide_extension,
            mid,
            name,
            protocol,
            formats,
        }
    }
}

/// Payload types that need no `a=rtpmap` (RFC 3551 §6).
fn static_format(payload_type: u8) -> Option<(String, u32, u8)> {
    let (name, clock_rate) = match payload_type {
        0 => ("PCMU", 8_000),
        8 => ("PCMA", 8_000),
        9 => ("G722", 8_000),
        _ => return None,
    };
    Some((name.to_owned(), clock_rate, 1))
}
