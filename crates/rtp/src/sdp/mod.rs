//! Session descriptions (RFC 8866) of RTSP (RFC 2326 appendix C): read from cameras with all their defects, written for
//! players.

use crate::MediaFormat;
use std::net::IpAddr;

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

/// Who sends, from the describing side's view (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `a=sendrecv`
    SendReceive,
    /// `a=sendonly`: an ONVIF backchannel, which takes sound (ONVIF streaming §5.3).
    SendOnly,
    /// `a=recvonly`: what RTSP servers say for what they send to a client; also where nothing is said.
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
    /// How it is carried: the first format that is supported.
    pub format: Option<MediaFormat>,
    /// Where none is supported, what it is: `vnd.onvif.metadata`, `payload type 26 (JPEG)`.
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
    #[error("the SDP has {0} bytes, expected at most {max}", max = crate::limits::MAX_SDP_BYTES)]
    TooLong(usize),
    /// Without media.
    #[error("the SDP describes no media (no `m=` line in {0} bytes)")]
    NoMedia(usize),
    /// Not SDP even after repair.
    #[error("the SDP cannot be read: {0}")]
    Malformed(String),
}

/// Reads the description of a camera or a publisher. What is not known is `unsupported`, never an error.
///
/// # Errors
/// If the text is no description at all.
pub fn parse(text: &[u8]) -> Result<Session, Error> {
    let _ = text;
    unimplemented!()
}

/// What [`write`] needs to describe a stream to a player.
#[derive(Clone, Debug)]
pub struct Description<'a> {
    /// `s=`: the stream's name.
    pub name: &'a str,
    /// Address of the server, for `o=`.
    pub server: IpAddr,
    /// `o=`: one number for each start of the stream.
    pub session_id: u64,
    /// The tracks with their `a=control` values.
    pub medias: &'a [(MediaFormat, String)],
}

/// The description of a live stream for a player of RTSP.
#[must_use]
pub fn write(description: &Description<'_>) -> String {
    let _ = description;
    unimplemented!()
}
