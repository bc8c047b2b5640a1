//! The Session header (RFC 2326 §12.37).

use crate::limits;
use std::fmt;
use std::time::Duration;

/// A session's id and how long the server keeps it without hearing of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHeader {
    /// The id, as the server chose it.
    pub id: String,
    /// The timeout, if the server names one; else it is 60 s.
    pub timeout: Option<Duration>,
}

impl SessionHeader {
    /// The timeout where none is named (RFC 2326 §12.37).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

    /// Reads `id;timeout=seconds`; `None` if there is no id or one that is too long. A timeout that is no positive number
    /// counts as not named.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let id = parts.next().filter(|id| !id.is_empty() && id.len() <= limits::SESSION_ID_BYTES)?;
        let timeout = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))
            .and_then(|(_, seconds)| seconds.trim().parse().ok())
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds).min(limits::SESSION_TIMEOUT_MAX));
        Some(Self { id: id.to_owned(), timeout })
    }
}

impl fmt::Display for SessionHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        match self.timeout {
            Some(timeout) => write!(f, ";timeout={}", timeout.as_secs()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<(&str, Option<u64>)>) {
        let parsed = SessionHeader::parse(value);
        let parsed = parsed.as_ref().map(|h| (h.id.as_str(), h.timeout.map(|timeout| timeout.as_secs())));
        assert_eq!(parsed, expected, "{value:?}");
    }

    #[test]
    fn session_headers_of_cameras_are_read() {
        check("634214675641;timeout=60", Some(("634214675641", Some(60))));
        check("9a90de54; timeout=60", Some(("9a90de54", Some(60)))); // GW Security
        check("       708345999;timeout=60", Some(("708345999", Some(60)))); // Hikvision
        check("F8F8E425", Some(("F8F8E425", None))); // Reolink
        check("x;timeout=0", Some(("x", None)));
        check("x;timeout=99999999999", Some(("x", Some(86_400))));
        check("x;Timeout = 30 ;more", Some(("x", Some(30))));
        check(";timeout=60", None);
        check(&"a".repeat(300), None);
    }

    #[test]
    fn a_session_header_is_written_as_it_is_read() {
        let header = SessionHeader { id: "abc".to_owned(), timeout: Some(Duration::from_secs(60)) };
        assert_eq!(header.to_string(), "abc;timeout=60");
        assert_eq!(SessionHeader::parse(&header.to_string()), Some(header));
    }
}
