//! The address of a WebRTC source: `webrtc:` before that of a WHEP endpoint, or of go2rtc's WebSocket.

use crate::http;
use std::fmt;

/// What `webrtc:` names.
#[derive(Clone)]
pub(crate) struct Source {
    /// As written.
    text: String,
    pub(super) http: http::Source,
    pub(super) signalling: Signalling,
}

/// How offer and answer are exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signalling {
    /// `http://`, `https://`, `httpx://`.
    Whep,
    /// `ws://`, `wss://`: go2rtc's `/api/ws`.
    Go2rtc,
}

/// Why a text names no such source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(
        "expected an address such as webrtc:https://host/cam/whep, or webrtc:ws://host:1984/api/ws?src=cam of a go2rtc"
    )]
    Scheme,
    #[error(
        "#format={0} is not supported; without it the address is one of WHEP, or with ws:// that of a go2rtc"
    )]
    Format(String),
    #[error("{0}")]
    Http(#[from] http::SourceError),
}

impl Source {
    /// Reads `webrtc:https://user:password@host/path#header=Authorization: Bearer …`.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let address = text.split_once(':').map_or("", |(_, address)| address);
        let (scheme, rest) = address.split_once("://").ok_or(SourceError::Scheme)?;
        let (signalling, scheme) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Signalling::Whep, "http"),
            "https" => (Signalling::Whep, "https"),
            "httpx" => (Signalling::Whep, "httpx"),
            "ws" => (Signalling::Go2rtc, "http"),
            "wss" => (Signalling::Go2rtc, "https"),
            _ => return Err(SourceError::Scheme),
        };
        let mut parts = rest.split('#');
        let mut http = format!("{scheme}://{}", parts.next().unwrap_or_default());
        for part in parts {
            match part.split_once('=') {
                // What go2rtc's users write for what is meant anyway.
                Some(("format", "whep" | "go2rtc")) => {}
                Some(("format", format)) => return Err(SourceError::Format(format.to_owned())),
                _ => http.extend(["#", part]),
            }
        }
        Ok(Self { text: text.to_owned(), http: http::Source::parse(&http)?, signalling })
    }
}

/// As written: may hold a password.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Host and port: the rest may hold a password.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("http", &self.http).field("signalling", &self.signalling).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(Signalling, &str), &str>) {
        let got = Source::parse(text).map(|source| (source.signalling, source.http.url().to_string()));
        let expected =
            expected.map(|(signalling, url)| (signalling, url.to_owned())).map_err(ToOwned::to_owned);
        assert_eq!(got.map_err(|error| error.to_string()), expected, "{text}");
    }

    #[test]
    fn both_forms_are_read() {
        check("webrtc:https://u:p@h/cam/whep", Ok((Signalling::Whep, "https://h/cam/whep")));
        check(
            "webrtc:http://h:1984/api/webrtc?src=a#format=whep",
            Ok((Signalling::Whep, "http://h:1984/api/webrtc?src=a")),
        );
        check("webrtc:ws://h:1984/api/ws?src=a", Ok((Signalling::Go2rtc, "http://h:1984/api/ws?src=a")));
        check("webrtc:wss://h/api/ws?src=a#header=X: y", Ok((Signalling::Go2rtc, "https://h/api/ws?src=a")));
    }

    #[test]
    fn others_are_refused_in_words() {
        check(
            "webrtc:http://h/signal#format=wyze",
            Err(
                "#format=wyze is not supported; without it the address is one of WHEP, or with ws:// that of a go2rtc",
            ),
        );
        let scheme = "expected an address such as webrtc:https://host/cam/whep, or webrtc:ws://host:1984/api/ws?src=cam of a go2rtc";
        check("webrtc:rtsp://h/1", Err(scheme));
        check("webrtc:", Err(scheme));
    }
}
