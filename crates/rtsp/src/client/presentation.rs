//! What DESCRIBE told: where requests go, and which tracks there are to set up.

use super::error::{Error, ErrorKind};
use super::options::Options;
use crate::limits;
use crate::message::{Response, header};
use crate::url::Url;
use yeoul_media::Kind;
use yeoul_rtp::MediaFormat;
use yeoul_rtp::sdp::{self, Direction, Media, MediaKind};

/// What can be taken, for error sentences.
const SUPPORTED: &str = "H264, H265, JPEG, AAC, OPUS, PCMU, PCMA, G722 and L16";

/// What a server offers under a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Presentation {
    /// What control URLs are relative to.
    pub(super) base: String,
    /// Where PLAY, PAUSE and TEARDOWN of the whole go (RFC 2326 §C.1.1).
    pub(super) aggregate: String,
    /// The tracks to set up.
    pub(super) candidates: Vec<Candidate>,
    /// The tracks left aside, by name.
    pub(super) passed_over: Vec<String>,
}

/// A track that can be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) control: String,
    pub(super) format: MediaFormat,
}

impl Presentation {
    /// Reads the answer to DESCRIBE of `url`.
    ///
    /// # Errors
    /// If it holds no SDP, or no track that can be taken.
    pub(super) fn read(url: &Url, peer: &str, response: &Response, options: &Options) -> Result<Self, Error> {
        // Some servers name no type, so only another one is wrong (libavformat leaves it out).
        if let Some(other) = response.headers.get(header::CONTENT_TYPE)
            && !other.to_ascii_lowercase().contains("sdp")
        {
            let text = format!("answered DESCRIBE with {other:?}, expected application/sdp");
            return Err(Error::new(ErrorKind::Unsupported, peer, text));
        }
        let session = sdp::parse(&response.body).map_err(|error| {
            let kind = match error {
                sdp::Error::TooLong(_) => ErrorKind::LimitExceeded,
                sdp::Error::NoMedia(_) | sdp::Error::Malformed(_) => ErrorKind::PeerViolation,
            };
            Error::new(
                kind,
                peer,
                format!("answered DESCRIBE with a description that cannot be used: {error}"),
            )
        })?;
        let content_base = [header::CONTENT_BASE, header::CONTENT_LOCATION]
            .into_iter()
            .find_map(|name| response.headers.get(name).filter(|value| !value.trim().is_empty()));
        let base = url.base(content_base);
        let aggregate = Url::join_control(&base, session.control.as_deref());
        let mut found = Self { base, aggregate, candidates: Vec::new(), passed_over: Vec::new() };
        for media in session.medias.iter().take(limits::TRACKS) {
            found.sort_in(media, options);
        }
        if found.candidates.is_empty() {
            let offered = found.passed_over.join(", ");
            let text = format!("offers no track that can be taken: {offered}; supported are {SUPPORTED}");
            return Err(Error::new(ErrorKind::Unsupported, peer, text));
        }
        Ok(found)
    }

    fn sort_in(&mut self, media: &Media, options: &Options) {
        let name = || match &media.format {
            Some(format) => format.codec.to_string(),
            None => media.unsupported.clone().unwrap_or_else(|| "unnamed media".to_owned()),
        };
        // Sound that the camera wants from us is no track of the source. Video cannot be meant so: some cameras say
        // `sendonly` from their own point of view.
        let is_backchannel = media.direction == Direction::SendOnly && media.kind == MediaKind::Audio;
        match &media.format {
            Some(_) if is_backchannel => self.passed_over.push(format!("{} (backchannel)", name())),
            Some(_) if media.direction == Direction::Inactive => {
                self.passed_over.push(format!("{} (inactive)", name()));
            }
            Some(format) if wanted(format.codec.kind(), options) => self.candidates.push(Candidate {
                control: Url::join_control(&self.base, media.control.as_deref()),
                format: format.clone(),
            }),
            Some(_) => self.passed_over.push(format!("{} (not asked for)", name())),
            None => self.passed_over.push(name()),
        }
    }
}

fn wanted(kind: Kind, options: &Options) -> bool {
    match kind {
        Kind::Video => options.video,
        Kind::Audio => options.audio,
    }
}
