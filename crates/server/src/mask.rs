//! Keeps passwords out of everything that is shown: logs, API answers, error sentences.
//!
//! Two ways, because each misses something: the shape (`scheme://user:password@`, `password=`) catches what no
//! configuration knows, the list of known secrets catches them in any shape.

use crate::config::Secrets;
use crate::limits::SECRETS;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::{Arc, PoisonError, RwLock};

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// Shorter secrets are not searched for: they would mask half of the words of a log. The shapes still catch them.
const SHORTEST_SECRET: usize = 4;

/// Keys whose values are secrets wherever they stand in a query or a path, as cameras' URLs have them.
const SECRET_KEYS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "token",
    "secret",
    "auth",
    "credential",
    "apikey",
    "sig",
    "signature",
];

/// Masks secrets in texts. Cheap to clone: all clones know the same secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masker {
    /// The longest first: a secret may contain another one.
    secrets: Arc<RwLock<Vec<Hidden>>>,
}

/// A secret that does not show itself.
#[derive(Clone)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Masker {
    /// Knows these secrets, as they are and percent-encoded.
    pub(crate) fn new(secrets: &Secrets) -> Self {
        let masker = Self::default();
        masker.learn(&secrets.0);
        masker
    }

    /// Knows these as well.
    pub(crate) fn learn(&self, secrets: &[String]) {
        let mut known = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
            for form in [secret.clone(), utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()] {
                if known.len() < SECRETS && known.iter().all(|Hidden(known)| *known != form) {
                    known.push(Hidden(form));
                }
            }
        }
        known.sort_by_key(|Hidden(secret)| std::cmp::Reverse(secret.len()));
    }

    /// The text without secrets.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut out = mask_shapes(text);
        for Hidden(secret) in self.secrets.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if out.contains(secret.as_str()) {
                out = out.replace(secret.as_str(), MASK);
            }
        }
        out
    }
}

/// Shorter values of `#header=` are secrets only where the header's name says so: `https` and `live` are words.
const SHORTEST_HEADER: usize = 8;

/// What such names have in them.
const SECRET_HEADERS: &[&str] = &["auth", "cookie", "key", "token", "secret", "pass", "sign"];

/// Headers of `#header=` whose values are no secrets. Any other may carry one.
const OPEN_HEADERS: &[&str] = &["accept", "accept-language", "host", "origin", "referer", "user-agent"];

/// Whether an address has something in it that is not to be shown.
pub(crate) fn has_secrets(url: &str) -> bool {
    !url_secrets(url).is_empty() || mask_keys(url) != url
}

/// The password of `scheme://user:password@host`, SRT's of `?passphrase=`, and the values of `#header=Name: value`, as they stand and
/// decoded.
pub(crate) fn url_secrets(url: &str) -> Vec<String> {
    let Some((_, rest)) = url.split_once("://") else { return Vec::new() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let password = authority.rsplit_once('@').and_then(|(userinfo, _)| userinfo.split_once(':'));
    let phrase = rest.split(['?', '&', '#']).find_map(|part| part.strip_prefix("passphrase="));
    let headers = rest.split('#').filter_map(|part| part.strip_prefix("header=")?.split_once(':'));
    let headers = headers.filter(|(name, value)| {
        let name = name.trim().to_ascii_lowercase();
        let says_so = SECRET_HEADERS.iter().any(|part| name.contains(part));
        says_so || value.trim().len() >= SHORTEST_HEADER && !OPEN_HEADERS.contains(&name.as_str())
    });
    // `Bearer abc` is not always shown with its first word.
    let values =
        headers.flat_map(|(_, value)| [value.trim(), value.trim().rsplit(' ').next().unwrap_or_default()]);
    let secrets = password.map(|(_, password)| password).into_iter().chain(phrase).chain(values);
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    secrets.flat_map(|secret| [secret.to_owned(), decoded(secret)]).collect()
}

/// The text without the userinfo of URLs and without the values of keys such as `password`.
fn mask_shapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        // The password may hold an `@` that nobody encoded: userinfo goes up to the last one of the authority.
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(at) => {
                out.push_str(MASK);
                &after[at..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    mask_keys(&out)
}

fn mask_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let key = before[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let key = key.to_ascii_lowercase();
        rest = after;
        // What is masked already is left as it is, for what stands behind it is no value.
        let is_masked = after.strip_prefix(MASK).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if SECRET_KEYS.contains(&key.as_str()) && !is_masked {
            let end = after.find(|c: char| {
                matches!(c, '&' | '/' | '#' | '"' | '\'' | '_' | ',' | ';') || c.is_whitespace()
            });
            let end = end.unwrap_or(after.len());
            if end > 0 {
                out.push_str(MASK);
                rest = &after[end..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{Masker, has_secrets, url_secrets};
    use crate::config::Secrets;

    fn check(text: &str, expected: &str) {
        let masker =
            Masker::new(&Secrets(vec!["hunter2".to_owned(), "p@ss word".to_owned(), "ab".to_owned()]));
        assert_eq!(masker.mask(text), expected);
    }

    #[test]
    fn userinfo_is_masked() {
        check("rtsp://u:p@h/a", "rtsp://***@h/a");
        check(
            "from rtsp://u:p@ss@h:554/a?b#c to http://h/x@y",
            "from rtsp://***@h:554/a?b#c to http://h/x@y",
        );
        check("rtsp://u@h", "rtsp://***@h");
        check("rtsp://h/a", "rtsp://h/a");
    }

    #[test]
    fn values_of_secret_keys_are_masked() {
        check(
            "rtsp://h/user=admin_password=tlJwp_channel=1.sdp",
            "rtsp://h/user=admin_password=***_channel=1.sdp",
        );
        check("http://h/?PWD=a&x=1&token=b", "http://h/?PWD=***&x=1&token=***");
        check("a=b, bypass=1", "a=b, bypass=1");
        check("srt://h?passphrase=***: no answer", "srt://h?passphrase=***: no answer");
        check("srt://h?passphrase=***abc", "srt://h?passphrase=***");
    }

    #[test]
    fn headers_are_secrets_unless_they_are_known_to_be_none() {
        let url = "webrtc:https://h/cam/whep#header=Authorization: Bearer abcdef#header=User-Agent: VLC 3#header=X-Key:qwerty";
        let masker = Masker::new(&Secrets(url_secrets(url)));
        assert_eq!(
            masker.mask(url),
            "webrtc:https://h/cam/whep#header=Authorization: ***#header=User-Agent: VLC 3#header=X-Key:***"
        );
        assert_eq!(masker.mask("the server knows no abcdef"), "the server knows no ***");
        let words = "http://h/a#header=X-Forwarded-Proto: https#header=X-Mode: live#header=X-Id: 0123456789";
        assert_eq!(url_secrets(words)[..1], ["0123456789"]);
    }

    #[test]
    fn an_address_without_a_secret_has_none() {
        for url in ["rtsp://u:p@h/a", "srt://h:9000?passphrase=abc", "http://h/a?token=abc"] {
            assert!(has_secrets(url), "{url}");
        }
        for url in ["rtsp://h/a", "rtsp://u@h/a?channel=1", "srt://h:9000?mode=listener"] {
            assert!(!has_secrets(url), "{url}");
        }
    }

    #[test]
    fn known_secrets_are_masked_in_any_shape() {
        check("the camera said hunter2!", "the camera said ***!");
        check("p@ss word and p%40ss%20word", "*** and ***");
        check("about", "about");
    }
}
