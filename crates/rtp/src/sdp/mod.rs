//! Session descriptions (RFC 8866) of RTSP (RFC 2326 appendix C): read from cameras with all their defects, written for
//! players.
//!
//! Leaves out what RTSP does not need: addresses, times, bandwidths, keys, ports. Offers and answers of WebRTC are another
//! matter, and another crate's.

mod encoding;
mod fmtp;
mod media;
mod repair;
#[cfg(test)]
mod tests;
mod write;

use crate::format::MediaFormat;
use crate::limits::{MAX_MEDIAS, MAX_SDP_BYTES};

pub use write::{Description, write};

/// The format of a payload type that `a=rtpmap` and `a=fmtp` describe with these values, both without the payload type; for
/// descriptions of others than RTSP, which are read elsewhere.
///
/// # Errors
/// If it is not supported: what it is, in words.
pub fn media_format(payload_type: u8, rtpmap: &str, fmtp: &str) -> Result<MediaFormat, String> {
    let encoding = encoding::Encoding::parse(rtpmap).ok_or_else(|| format!("a format named {rtpmap:?}"))?;
    let mut parameters = fmtp::Parameters::default();
    parameters.add(fmtp);
    encoding::format(&encoding, payload_type, &parameters)
}

/// What a media is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `m=video`
    Video,
    /// `m=audio`
    Audio,
    /// Anything else: metadata, text.
    Other,
}

/// Who sends, as the description says it: RTSP servers take the client's view (RFC 2326 appendix C.1), ONVIF too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `a=sendrecv`
    SendReceive,
    /// `a=sendonly`: an ONVIF backchannel, which takes sound (ONVIF Streaming Specification §5.3).
    SendOnly,
    /// `a=recvonly`: what a server says of what it sends; also where nothing is said.
    ReceiveOnly,
    /// `a=inactive`
    Inactive,
}

/// A session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `s=`
    pub name: Option<String>,
    /// The session's `a=control` (aggregate control).
    pub control: Option<String>,
    /// The session's `a=range` (`npt=now-` is live).
    pub range: Option<String>,
    /// In the order of the description.
    pub medias: Vec<Media>,
}

/// One media of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Video, audio or other.
    pub kind: MediaKind,
    /// How it is carried: the first of its formats that is supported.
    pub format: Option<MediaFormat>,
    /// Where none is supported, what it is, in words: `vnd.onvif.metadata`, `JPEG (payload type 26)`.
    pub unsupported: Option<String>,
    /// `a=control`, as it stands.
    pub control: Option<String>,
    /// Who sends.
    pub direction: Direction,
}

/// Why a text is no session description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too long.
    #[error("the SDP has {0} bytes, expected at most {MAX_SDP_BYTES}")]
    TooLong(usize),
    /// Without media.
    #[error("the SDP describes no media (no `m=` line in {0} bytes)")]
    NoMedia(usize),
    /// Not SDP even after repair.
    #[error("the SDP cannot be read: {0}")]
    Malformed(String),
}

/// Reads the description of a camera or a publisher. What is not known is `unsupported`, never an error; more than
/// [`MAX_MEDIAS`] media are not looked at.
///
/// # Errors
/// If the text is no description at all.
pub fn parse(text: &[u8]) -> Result<Session, Error> {
    if text.len() > MAX_SDP_BYTES {
        return Err(Error::TooLong(text.len()));
    }
    let repaired = repair::repair(text);
    let session = sdp_types::Session::parse(repaired.as_bytes())
        .map_err(|error| Error::Malformed(error.to_string()))?;
    if session.medias.is_empty() {
        return Err(Error::NoMedia(text.len()));
    }
    let direction = media::direction(&session.attributes).unwrap_or(Direction::ReceiveOnly);
    let value = |name| media::value(&session.attributes, name).map(ToOwned::to_owned);
    Ok(Session {
        control: value("control"),
        range: value("range"),
        medias: session.medias.iter().take(MAX_MEDIAS).map(|of| media::parse(of, direction)).collect(),
        name: Some(session.session_name).filter(|name| !name.is_empty()),
    })
}
