//! Accounts as Adobe's media server (`authmod=adobe`) and Limelight's (`authmod=llnw`) ask for them, and others after them (Wowza,
//! encoders' "server authentication"): what is said stands in the query of the application, and each step needs a connection of its
//! own.
//!
//! No standard has this; it is what Flash Media Live Encoder did, and what librtmp and FFmpeg do. The server refuses `connect` with
//! `code=403 need auth; authmod=…`; told the user's name, with `?reason=needauth` and a challenge; what answers that is let in.

use crate::url::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use std::fmt::Write;

/// How far the server has asked.
#[derive(Debug)]
pub(super) struct Account {
    step: Step,
    /// What stands behind the application, from `?` on.
    query: String,
    /// What makes our answer unlike any other: eight digits.
    nonce: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Unasked,
    Named,
    Answered,
}

impl Account {
    /// `seed` is random.
    pub(super) fn new(seed: u64) -> Self {
        Self { step: Step::Unasked, query: String::new(), nonce: format!("{:08x}", seed >> 32) }
    }

    /// What stands behind the application: nothing as long as nothing was asked.
    pub(super) fn query(&self) -> &str {
        &self.query
    }

    /// Takes what a server says that has refused `connect` to `app`; `true` if it is worth another connection.
    pub(super) fn refused(&mut self, said: &str, credentials: Option<&Credentials>, app: &str) -> bool {
        let Some(Credentials { user, password }) = credentials else { return false };
        let mode = if said.contains("authmod=adobe") {
            "adobe"
        } else if said.contains("authmod=llnw") {
            "llnw"
        } else {
            return false;
        };
        let challenge = said.split_once("?reason=needauth").map(|(_, parameters)| parameters);
        let (step, query) = match (self.step, challenge) {
            (Step::Unasked, None) => (Step::Named, format!("?authmod={mode}&user={user}")),
            (Step::Unasked | Step::Named, Some(challenge)) => {
                let answer = match mode {
                    "adobe" => adobe(challenge, user, password, &self.nonce),
                    _ => llnw(challenge, (user, password), app, &self.nonce),
                };
                (Step::Answered, format!("?authmod={mode}&user={user}{answer}"))
            }
            // A wrong password is sent once.
            (Step::Named, None) | (Step::Answered, _) => return false,
        };
        (self.step, self.query) = (step, query);
        true
    }
}

fn adobe(challenge: &str, user: &str, password: &str, nonce: &str) -> String {
    let salt = parameter(challenge, "salt").unwrap_or_default();
    let opaque = parameter(challenge, "opaque");
    let asked = opaque.or_else(|| parameter(challenge, "challenge")).unwrap_or_default();
    let base64 = |parts: [&str; 3]| STANDARD.encode(Md5::digest(parts.concat()));
    let response = base64([&base64([user, salt, password]), asked, nonce]);
    let opaque = opaque.map(|opaque| format!("&opaque={opaque}")).unwrap_or_default();
    format!("&challenge={nonce}&response={response}{opaque}")
}

/// As HTTP's Digest (RFC 2617 §3.2.2.1), of a realm and a method of its own.
fn llnw(challenge: &str, (user, password): (&str, &str), app: &str, nonce: &str) -> String {
    let server_nonce = parameter(challenge, "nonce").unwrap_or_default();
    let instance = if app.contains('/') { "" } else { "/_definst_" };
    let who = hex(&format!("{user}:live:{password}"));
    let what = hex(&format!("publish:/{app}{instance}"));
    let response = hex(&format!("{who}:{server_nonce}:00000001:{nonce}:auth:{what}"));
    format!("&nonce={server_nonce}&cnonce={nonce}&nc=00000001&response={response}")
}

fn hex(text: &str) -> String {
    Md5::digest(text).iter().fold(String::new(), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A value of `&key=value&…`.
fn parameter<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let values = text.split('&').filter_map(|part| part.split_once('='));
    let found = values.into_iter().find(|(known, _)| *known == key).map(|(_, value)| value);
    found.map(|value| value.split(char::is_whitespace).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u64 = 0x0123_4567_89ab_cdef;

    fn credentials() -> Credentials {
        Credentials { user: "alice".to_owned(), password: "secret".to_owned() }
    }

    /// What is said after each refusal; nothing where it is the last word.
    fn check(app: &str, steps: &[(&str, &str)]) {
        let mut account = Account::new(SEED);
        for (said, expected) in steps {
            let again = account.refused(said, Some(&credentials()), app);
            assert_eq!(if again { account.query() } else { "" }, *expected, "{said}");
        }
    }

    // The responses were made with md5sum and base64.
    #[test]
    fn adobes_challenge_is_answered_once() {
        check(
            "live",
            &[
                (
                    "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ",
                    "?authmod=adobe&user=alice",
                ),
                (
                    "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=alice&salt=xTk=&challenge=aaaa&opaque=bbbb",
                    "?authmod=adobe&user=alice&challenge=01234567&response=S611zseYQKVgSSK4ck3hSw==&opaque=bbbb",
                ),
                ("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=bbbb", ""),
            ],
        );
        check(
            "live",
            &[(
                "[ authmod=adobe ] : ?reason=needauth&user=alice&salt=xTk=&challenge=aaaa",
                "?authmod=adobe&user=alice&challenge=01234567&response=TrqP9eeoE8RnNht3PSE8Pg==",
            )],
        );
    }

    #[test]
    fn limelights_challenge_is_answered_once() {
        check(
            "live",
            &[
                ("[ code=403 need auth; authmod=llnw ] : ", "?authmod=llnw&user=alice"),
                (
                    "[ authmod=llnw ] : ?reason=needauth&nonce=cafe",
                    "?authmod=llnw&user=alice&nonce=cafe&cnonce=01234567&nc=00000001&response=0c27c8c59f278c09b71407613eb99edd",
                ),
                ("[ authmod=llnw ] : ?reason=needauth&nonce=babe", ""),
            ],
        );
    }

    #[test]
    fn other_refusals_and_those_without_an_account_are_the_last_word() {
        check("live", &[("[ AccessManager.Reject ] : [ code=404 ]", "")]);
        check("live", &[("code=403 need auth; authmod=kerberos", "")]);
        let mut account = Account::new(SEED);
        assert!(!account.refused("code=403 need auth; authmod=adobe", None, "live"));
    }
}
