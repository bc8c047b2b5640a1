//! Reading an offer line by line.

use super::offer::{Direction, Media, Offer, OfferError, OfferedCodec, Setup, cut};
use super::{Credentials, Fingerprint};
use crate::limits::{MAX_FORMATS, MAX_MEDIAS, MAX_REMOTE_CANDIDATES};
use std::collections::HashSet;
use yeoul_media::Kind;

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

/// Takes the lines of an offer one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    session: Section,
    medias: Vec<Section>,
}

impl Reader {
    /// Takes the next line; what was expected in its place if it cannot be read.
    pub(super) fn line(&mut self, line: &str) -> Result<(), &'static str> {
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

    /// All lines are there.
    ///
    /// # Errors
    /// If something is missing that WebRTC requires, or is there too often.
    pub(super) fn finish(self) -> Result<Offer, OfferError> {
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
