//! Attribute lists and numbers in tags (RFC 8216 §4.2).

use super::PlaylistError;
use crate::limits::MAX_READ_LENGTH;
use std::ops::Range;
use std::time::Duration;

/// The list behind a tag's colon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a str);

impl<'a> Attributes<'a> {
    /// The value of an attribute, without its quotes.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        let mut rest = self.0;
        while let Some((key, behind)) = rest.split_once('=') {
            let (value, after) = match behind.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => behind.split_once(',').unwrap_or((behind, "")),
            };
            if key.trim_start_matches([',', ' ']) == name {
                return Some(value.trim());
            }
            rest = after;
        }
        None
    }

    /// An attribute that has to be there.
    pub(super) fn required(self, tag: &'static str, name: &'static str) -> Result<&'a str, PlaylistError> {
        self.get(name).ok_or(PlaylistError::Missing { tag, attribute: name })
    }
}

/// A length in seconds.
pub(super) fn seconds(tag: &'static str, text: &str) -> Result<Duration, PlaylistError> {
    let parsed = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let parsed = parsed.filter(|length| *length <= MAX_READ_LENGTH);
    parsed.ok_or_else(|| PlaylistError::number(tag, text))
}

/// A whole number.
pub(super) fn whole(tag: &'static str, text: &str) -> Result<u64, PlaylistError> {
    text.trim().parse().map_err(|_| PlaylistError::number(tag, text))
}

/// `length@offset` (RFC 8216 §4.3.2.2); without an offset from `next` on.
pub(super) fn range(tag: &'static str, text: &str, next: u64) -> Result<Range<u64>, PlaylistError> {
    let (length, offset) = text.split_once('@').map_or((text, None), |(length, at)| (length, Some(at)));
    let start = offset.map_or(Ok(next), |offset| whole(tag, offset))?;
    let end = start.checked_add(whole(tag, length)?).ok_or_else(|| PlaylistError::number(tag, text))?;
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_may_hold_commas() {
        let list = Attributes(r#"BANDWIDTH=1,CODECS="avc1,mp4a",URI="a=b,c.m3u8",LAST=YES"#);
        assert_eq!(
            ["BANDWIDTH", "CODECS", "URI", "LAST", "NO"].map(|name| list.get(name)),
            [Some("1"), Some("avc1,mp4a"), Some("a=b,c.m3u8"), Some("YES"), None]
        );
    }

    #[test]
    fn ranges_go_on_behind_each_other() {
        assert_eq!(range("X", "10@5", 99), Ok(5..15));
        assert_eq!(range("X", "10", 99), Ok(99..109));
        assert!(range("X", &format!("{}@1", u64::MAX), 0).is_err());
    }
}
