//! The URI of a request to this server: `rtsp://host:port/stream/name?query/trackID=1`.
//!
//! Where a player appends the control value of a track depends on the player: behind the path, or behind the query
//! (RFC 2326 §C.1.1 says how to resolve it, few do). Both are understood.

use crate::limits;

/// What stands before the number in the control value of a track.
const TRACK: &str = "trackID=";

/// A request URI taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestUri {
    /// Scheme, host and path as the client wrote them, without user name, query, track and final slash: what track
    /// control values are relative to.
    pub(super) base: String,
    /// The stream's name: the path, decoded, without slashes at its ends.
    pub(super) name: String,
    /// What stands behind the question mark, as it is.
    pub(super) query: String,
    /// The track, by its control value.
    pub(super) track: Option<usize>,
}

/// Why a URI names nothing on this server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UriError {
    /// Above [`limits::URL_BYTES`].
    #[error("the URI has {0} bytes, expected at most {max}", max = limits::URL_BYTES)]
    TooLong(usize),
    /// Not `rtsp://host/path`.
    #[error("expected a URI such as rtsp://host/stream")]
    NoUrl,
    /// `%` without two hex digits, or what it stands for is no UTF-8.
    #[error("the path of the URI is not UTF-8 behind its percent signs")]
    Encoding,
}

/// The control value of a track in our descriptions.
pub(super) fn control(track: usize) -> String {
    format!("{TRACK}{track}")
}

impl RequestUri {
    pub(super) fn parse(uri: &str) -> Result<Self, UriError> {
        if uri.len() > limits::URL_BYTES {
            return Err(UriError::TooLong(uri.len()));
        }
        let (scheme, rest) = uri.split_once("://").ok_or(UriError::NoUrl)?;
        if !["rtsp", "rtsps", "rtspx", "rtspu"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(UriError::NoUrl);
        }
        let (rest, track) = cut_track(rest);
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
        // A password in a request URI goes nowhere from here.
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.is_empty() {
            return Err(UriError::NoUrl);
        }
        let path = path.trim_matches('/');
        Ok(Self {
            base: format!("{scheme}://{host}/{path}"),
            name: decode(path).ok_or(UriError::Encoding)?,
            query: query.trim_end_matches('/').to_owned(),
            track,
        })
    }

    /// The URI of a track as our descriptions mean it.
    pub(super) fn of_track(&self, track: usize) -> String {
        format!("{}/{}", self.base, control(track))
    }
}

/// Cuts `/trackID=n` off the end.
fn cut_track(rest: &str) -> (&str, Option<usize>) {
    let cut = || {
        let (before, last) = rest.trim_end_matches('/').rsplit_once('/')?;
        let number = last.strip_prefix(TRACK)?;
        Some((before, number.parse().ok()?))
    };
    match cut() {
        Some((before, track)) => (before, Some(track)),
        None => (rest, None),
    }
}

/// The text behind the percent signs.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(*hex::decode(digits).ok()?.first()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(uri: &str, base: &str, name: &str, query: &str, track: Option<usize>) {
        let expected =
            RequestUri { base: base.to_owned(), name: name.to_owned(), query: query.to_owned(), track };
        assert_eq!(RequestUri::parse(uri), Ok(expected), "{uri:?}");
    }

    #[test]
    fn a_track_is_found_behind_the_path_and_behind_the_query() {
        check("rtsp://h:8554/cam/trackID=1", "rtsp://h:8554/cam", "cam", "", Some(1));
        check("rtsp://h/cam/trackID=1?video", "rtsp://h/cam/trackID=1", "cam/trackID=1", "video", None);
        check("rtsp://h/cam?video&audio/trackID=0", "rtsp://h/cam", "cam", "video&audio", Some(0));
        check("rtsp://h/cam?video/", "rtsp://h/cam", "cam", "video", None);
        check("rtsp://h/cam/trackID=x", "rtsp://h/cam/trackID=x", "cam/trackID=x", "", None);
    }

    #[test]
    fn names_are_decoded_and_passwords_left_out() {
        check("rtsp://u:p%40@h/front%20door/", "rtsp://h/front%20door", "front door", "", None);
        check("RTSP://[::1]:8554/%EB%AC%B8/a", "RTSP://[::1]:8554/%EB%AC%B8/a", "문/a", "", None);
        check("rtsp://h", "rtsp://h/", "", "", None);
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for uri in ["*", "", "http://h/cam", "rtsp://", "rtsp:///cam", "cam", "rtsp://u@/cam"] {
            assert_eq!(RequestUri::parse(uri), Err(UriError::NoUrl), "{uri:?}");
        }
        for uri in ["rtsp://h/%", "rtsp://h/%4", "rtsp://h/%zz", "rtsp://h/%ff"] {
            assert_eq!(RequestUri::parse(uri), Err(UriError::Encoding), "{uri:?}");
        }
        assert_eq!(RequestUri::parse(&"r".repeat(5000)), Err(UriError::TooLong(5000)));
    }

    proptest! {
        #[test]
        fn no_uri_panics(uri in "(rtsp://|/|\\?|%|@|trackID=|[0-9a-f]|\\PC){0,30}") {
            let _ = RequestUri::parse(&uri);
        }
    }
}
