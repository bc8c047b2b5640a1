//! Who may use the server: Basic (RFC 7617) and Digest (RFC 7616, 2069) accounts.
//!
//! Digest is offered without `qop`: half of the players know only the form of RFC 2069, and those that know more accept
//! it. An answer with `qop=auth` is understood all the same. Replay is bounded by the nonce: it is random, belongs to one
//! connection and expires.

use crate::limits::{AUTH_FAILURES, NONCE_LIFETIME};
use crate::message::{Request, header};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_auth::ChallengeRef;
use md5::{Digest, Md5};
use std::fmt;
use std::time::Instant;

/// What the user is asked for.
const REALM: &str = "Yeoul";

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Without the password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What a request's Authorization header is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Granted,
    /// There is none.
    Missing,
    /// It would be right, were the nonce not expired: the player may answer again without asking its user.
    Stale,
    Wrong,
}

/// The account's keeper on one connection.
#[derive(Debug)]
pub(super) struct Guard {
    account: Account,
    nonce: String,
    issued_at: Instant,
    failures: u32,
}

/// The hash of a Digest answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Guard {
    pub(super) fn new(account: Account, nonce: u128, now: Instant) -> Self {
        Self { account, nonce: format!("{nonce:032x}"), issued_at: now, failures: 0 }
    }

    /// Judges a request; wrong answers are counted.
    pub(super) fn check(&mut self, now: Instant, request: &Request) -> Verdict {
        let verdict = match request.headers.get(header::AUTHORIZATION) {
            None => Verdict::Missing,
            Some(value) => self.judge(now, request, value).unwrap_or(Verdict::Wrong),
        };
        match verdict {
            Verdict::Granted => self.failures = 0,
            Verdict::Wrong => self.failures += 1,
            Verdict::Missing | Verdict::Stale => {}
        }
        verdict
    }

    /// Whether this connection has guessed often enough.
    pub(super) fn is_exhausted(&self) -> bool {
        self.failures >= AUTH_FAILURES
    }

    /// The values of the WWW-Authenticate headers of a 401, with a new nonce where the old one has expired.
    ///
    /// MD5 stands behind SHA-256 because FFmpeg and GStreamer take the last Digest header, and know MD5 best; realm and
    /// nonce are the same in both, so that a player that mixes them up is right by chance.
    pub(super) fn challenges(&mut self, now: Instant, fresh_nonce: u128, verdict: Verdict) -> [String; 3] {
        if now.saturating_duration_since(self.issued_at) >= NONCE_LIFETIME {
            self.nonce = format!("{fresh_nonce:032x}");
            self.issued_at = now;
        }
        let stale = if verdict == Verdict::Stale { ", stale=TRUE" } else { "" };
        let nonce = &self.nonce;
        let digest = |algorithm: &str| {
            format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm={algorithm}{stale}")
        };
        [digest("SHA-256"), digest("MD5"), format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")]
    }

    /// `None` if the header makes no sense.
    fn judge(&self, now: Instant, request: &Request, value: &str) -> Option<Verdict> {
        let (scheme, rest) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("Basic") {
            let given = STANDARD.decode(rest.trim()).ok()?;
            let Account { username, password } = &self.account;
            return Some(granted_if(same(&given, format!("{username}:{password}").as_bytes())));
        }
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let parsed = http_auth::parse_challenges(value).ok()?;
        self.judge_digest(now, request, parsed.first()?)
    }

    fn judge_digest(&self, now: Instant, request: &Request, given: &ChallengeRef<'_>) -> Option<Verdict> {
        let find = |wanted: &str| {
            given
                .params
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, v)| v.to_unescaped())
        };
        let algorithm = match find("algorithm") {
            None => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        let (uri, nonce) = (find("uri")?, find("nonce")?);
        // The answer must be made for this resource. Players differ in whether they sign the track's URI, the
        // presentation's, or either of them with or without the query: all of them begin alike.
        if !same_resource(&uri, &request.uri) {
            return None;
        }
        let Account { username, password } = &self.account;
        let ha1 = algorithm.hash(&[username, REALM, password]);
        let ha2 = algorithm.hash(&[<&str>::from(&request.method), &uri]);
        let expected = match find("qop") {
            None => algorithm.hash(&[&ha1, &nonce, &ha2]),
            Some(qop) => algorithm.hash(&[&ha1, &nonce, &find("nc")?, &find("cnonce")?, &qop, &ha2]),
        };
        let right = same(find("response")?.to_ascii_lowercase().as_bytes(), expected.as_bytes())
            & same(find("username")?.as_bytes(), username.as_bytes());
        if !right {
            return Some(Verdict::Wrong);
        }
        let fresh = nonce == self.nonce && now.saturating_duration_since(self.issued_at) < NONCE_LIFETIME;
        Some(if fresh { Verdict::Granted } else { Verdict::Stale })
    }
}

impl Algorithm {
    /// The hash of the parts with colons between them, in hex.
    fn hash(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        match self {
            Self::Md5 => hex::encode(Md5::digest(text)),
            Self::Sha256 => hex::encode(digest(&SHA256, text.as_bytes())),
        }
    }
}

fn granted_if(right: bool) -> Verdict {
    if right { Verdict::Granted } else { Verdict::Wrong }
}

/// Compares in a time that tells nothing of the content; hashed first, so that it tells nothing of the length either.
fn same(given: &[u8], expected: &[u8]) -> bool {
    verify_slices_are_equal(digest(&SHA256, given).as_ref(), digest(&SHA256, expected).as_ref()).is_ok()
}

/// Whether one URI is the other's beginning, without their hosts, which NAT and proxies change.
fn same_resource(signed: &str, requested: &str) -> bool {
    let path = |uri: &str| -> String {
        let rest =
            uri.split_once("://").map_or(uri, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        rest.split('?').next().unwrap_or_default().trim_matches('/').to_owned()
    };
    let (signed, requested) = (path(signed), path(requested));
    let begins = |long: &str, short: &str| {
        long.strip_prefix(short)
            .is_some_and(|rest| rest.is_empty() || short.is_empty() || rest.starts_with('/'))
    };
    begins(&signed, &requested) || begins(&requested, &signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Method;
    use std::time::Duration;
    use yeoul_testkit::epoch;

    const URI: &str = "rtsp://h/cam/trackID=0";
    const NONCE: &str = "000000000000000000000000000000ab";

    fn guard() -> Guard {
        let account = Account { username: "Mufasa".to_owned(), password: "Circle, of \"life\"".to_owned() };
        Guard::new(account, 0xab, epoch())
    }

    fn check(guard: &mut Guard, after: Duration, authorization: &str) -> Verdict {
        let request = Request::new(Method::Setup, URI).with(header::AUTHORIZATION, authorization);
        guard.check(epoch() + after, &request)
    }

    fn digest_of(
        algorithm: &str,
        hash: impl Fn(&str) -> String,
        nonce: &str,
        qop: bool,
        password: &str,
    ) -> String {
        let ha1 = hash(&format!("Mufasa:Yeoul:{password}"));
        let ha2 = hash(&format!("SETUP:{URI}"));
        let (middle, extra) =
            if qop { (":00000001:c:auth", ", qop=auth, nc=00000001, cnonce=\"c\"") } else { ("", "") };
        let response = hash(&format!("{ha1}:{nonce}{middle}:{ha2}"));
        format!(
            "Digest username=\"Mufasa\", realm=\"Yeoul\", nonce=\"{nonce}\", uri=\"{URI}\", response=\"{response}\"{algorithm}{extra}"
        )
    }

    fn md5(text: &str) -> String {
        hex::encode(Md5::digest(text))
    }

    fn sha256(text: &str) -> String {
        hex::encode(digest(&SHA256, text.as_bytes()))
    }

    const RIGHT: &str = "Circle, of \"life\"";

    #[test]
    fn basic_takes_the_password_and_nothing_else() {
        let basic = |text: &str| format!("basic {}", STANDARD.encode(text));
        let mut guard = guard();
        let now = Duration::ZERO;
        assert_eq!(check(&mut guard, now, &basic(&format!("Mufasa:{RIGHT}"))), Verdict::Granted);
        for wrong in ["Mufasa:", "Mufasa:Circle", &format!("mufasa:{RIGHT}"), &format!("Mufasa:{RIGHT}x"), ""]
        {
            assert_eq!(check(&mut guard, now, &basic(wrong)), Verdict::Wrong, "{wrong:?}");
        }
        assert_eq!(check(&mut guard, now, "Basic !"), Verdict::Wrong);
        assert_eq!(guard.check(epoch(), &Request::new(Method::Setup, URI)), Verdict::Missing);
    }

    #[test]
    fn digest_is_understood_in_both_algorithms_with_and_without_qop() {
        let now = Duration::ZERO;
        for qop in [false, true] {
            for (algorithm, hash) in [
                ("", md5 as fn(&str) -> String),
                (", algorithm=MD5", md5),
                (", algorithm=\"SHA-256\"", sha256),
            ] {
                let answer = |password: &str| digest_of(algorithm, hash, NONCE, qop, password);
                assert_eq!(check(&mut guard(), now, &answer(RIGHT)), Verdict::Granted, "{algorithm} {qop}");
                assert_eq!(check(&mut guard(), now, &answer("x")), Verdict::Wrong, "{algorithm} {qop}");
            }
        }
        let unknown = digest_of(", algorithm=SHA-512-256", sha256, NONCE, false, RIGHT);
        assert_eq!(check(&mut guard(), now, &unknown), Verdict::Wrong);
    }

    #[test]
    fn a_digest_for_another_resource_is_wrong() {
        let other = digest_of("", md5, NONCE, false, RIGHT).replace("/cam/", "/cam2/");
        assert_eq!(check(&mut guard(), Duration::ZERO, &other), Verdict::Wrong);
        for same in
            ["rtsp://h/cam", "rtsp://other/cam/trackID=0", "/cam?video", "rtsp://h/cam/trackID=0/", "*"]
        {
            assert_eq!(same_resource(same, URI), same != "*", "{same}");
        }
        assert!(!same_resource("rtsp://h/ca", URI));
    }

    #[test]
    fn an_expired_or_foreign_nonce_is_stale_and_another_is_given() {
        let mut guard = guard();
        let answer = digest_of("", md5, NONCE, false, RIGHT);
        assert_eq!(check(&mut guard, NONCE_LIFETIME - Duration::from_secs(1), &answer), Verdict::Granted);
        assert_eq!(check(&mut guard, NONCE_LIFETIME, &answer), Verdict::Stale);
        let [sha, md, basic] = guard.challenges(epoch() + NONCE_LIFETIME, 0xcd, Verdict::Stale);
        assert_eq!(
            md,
            "Digest realm=\"Yeoul\", nonce=\"000000000000000000000000000000cd\", algorithm=MD5, stale=TRUE"
        );
        assert!(sha.contains("algorithm=SHA-256"));
        assert_eq!(basic, "Basic realm=\"Yeoul\", charset=\"UTF-8\"");
        assert_eq!(check(&mut guard, NONCE_LIFETIME, &answer), Verdict::Stale, "the old nonce stays dead");
        let answer = digest_of("", md5, "000000000000000000000000000000cd", false, RIGHT);
        assert_eq!(check(&mut guard, NONCE_LIFETIME, &answer), Verdict::Granted);
    }

    #[test]
    fn wrong_passwords_are_counted_until_one_is_right() {
        let mut guard = guard();
        for _ in 1..AUTH_FAILURES {
            check(&mut guard, Duration::ZERO, "Basic eDp5");
        }
        assert!(!guard.is_exhausted());
        check(&mut guard, Duration::ZERO, "Digest");
        assert!(guard.is_exhausted());
        check(&mut guard, Duration::ZERO, &digest_of("", md5, NONCE, false, RIGHT));
        assert!(!guard.is_exhausted());
    }

    #[test]
    fn no_password_in_debug_output() {
        assert!(!format!("{:?}", guard()).contains("life"));
    }
}
