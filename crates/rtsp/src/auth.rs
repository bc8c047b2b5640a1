//! The client's side of Basic (RFC 7617) and Digest (RFC 7616, RFC 2069) as RTSP uses them (RFC 2326 §D.1): answers to a
//! server's challenges, by `http-auth`. The server's side is in [`crate::server`].

use crate::message::{Headers, header};
use crate::url::Credentials;
use http_auth::digest::{Algorithm, Qop};
use http_auth::{ChallengeRef, ParamValue, PasswordClient, PasswordParams};
use std::cmp::Reverse;

/// Answers challenges with one user's credentials. `Debug` shows no password.
#[derive(Debug, Default)]
pub struct Authenticator {
    credentials: Option<Credentials>,
    client: Option<PasswordClient>,
}

/// What a challenge asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenged {
    /// The scheme chosen, for people: `Digest`, `Basic`.
    pub scheme: &'static str,
    /// The last answer was right but for its nonce, which is too old (RFC 7616 §3.3).
    pub is_stale: bool,
}

/// Why a challenge cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// There is nobody to answer as.
    #[error("no user name and password are given")]
    NoCredentials,
    /// No challenge, or none of a known kind.
    #[error("expected a Basic or Digest challenge, got {0:?}")]
    Unsupported(String),
}

impl Authenticator {
    /// Answers as this user; without credentials every challenge is an error.
    #[must_use]
    pub fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, client: None }
    }

    /// The user name, for error sentences.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.credentials.as_ref().map(|credentials| credentials.user.as_str())
    }

    /// Takes the challenges of a 401: of several, the strongest that is understood.
    ///
    /// # Errors
    /// If there are no credentials, or no challenge is understood.
    pub fn challenge(&mut self, headers: &Headers) -> Result<Challenged, ChallengeError> {
        if self.credentials.is_none() {
            return Err(ChallengeError::NoCredentials);
        }
        let values: Vec<&str> = headers.get_all(header::WWW_AUTHENTICATE).collect();
        // One header that does not parse must not spoil the others.
        let challenges = values.iter().filter_map(|value| http_auth::parse_challenges(value).ok()).flatten();
        let mut offered: Vec<PasswordClient> = challenges.filter_map(understand).collect();
        offered.sort_by_key(|client| Reverse(strength(client)));
        let Some(chosen) = offered.into_iter().next() else {
            return Err(ChallengeError::Unsupported(values.join(", ").chars().take(200).collect()));
        };
        let challenged = if let PasswordClient::Digest(digest) = &chosen {
            Challenged { scheme: "Digest", is_stale: digest.stale() }
        } else {
            Challenged { scheme: "Basic", is_stale: false }
        };
        self.client = Some(chosen);
        Ok(challenged)
    }

    /// The Authorization header for the next request, once there was a challenge. `uri` is the request URI as sent.
    pub fn authorize(&mut self, method: &str, uri: &str, body: &[u8]) -> Option<String> {
        let (client, credentials) = (self.client.as_mut()?, self.credentials.as_ref()?);
        // `auth-int` only where nothing else is offered: proxies and cameras that rewrite bodies break it.
        let wants_body = matches!(client, PasswordClient::Digest(digest) if !(digest.qop() & Qop::Auth));
        let parameters = PasswordParams {
            username: &credentials.user,
            password: &credentials.password,
            uri,
            method,
            body: wants_body.then_some(body),
        };
        let mut value = client.respond(&parameters).ok()?;
        // RFC 7616 §3.4: the algorithm goes back with the answer; without it a server assumes MD5.
        if let PasswordClient::Digest(digest) = client
            && digest.rfc2069_compat()
        {
            value.push_str(match digest.algorithm() {
                Algorithm::Sha256 => ", algorithm=SHA-256",
                Algorithm::Sha512Trunc256 => ", algorithm=SHA-512-256",
                Algorithm::Md5 | _ => "",
            });
        }
        Some(value)
    }
}

fn understand(mut challenge: ChallengeRef<'_>) -> Option<PasswordClient> {
    // Against RFC 7616 cameras write `md5`, which `http-auth` compares with its case.
    const ALGORITHMS: [&str; 3] = ["MD5", "MD5-sess", "SHA-256"];
    for (name, value) in &mut challenge.params {
        if name.eq_ignore_ascii_case("algorithm") {
            let known = ALGORITHMS.iter().find(|known| known.eq_ignore_ascii_case(value.as_escaped()));
            if let Some(known) = known {
                *value = ParamValue::new(0, known);
            }
        }
    }
    PasswordClient::try_from(&challenge).ok()
}

fn strength(client: &PasswordClient) -> u8 {
    let PasswordClient::Digest(digest) = client else { return 1 };
    match digest.algorithm() {
        Algorithm::Sha512Trunc256 => 4,
        Algorithm::Sha256 => 3,
        Algorithm::Md5 | _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenged(values: &[&str]) -> (Authenticator, Result<Challenged, ChallengeError>) {
        let credentials = Credentials { user: "admin".to_owned(), password: "secret".to_owned() };
        let mut authenticator = Authenticator::new(Some(credentials));
        let mut headers = Headers::default();
        values.iter().for_each(|value| headers.push("WWW-Authenticate", *value));
        let result = authenticator.challenge(&headers);
        (authenticator, result)
    }

    fn answer(values: &[&str]) -> String {
        let (mut authenticator, _) = challenged(values);
        authenticator.authorize("DESCRIBE", "rtsp://cam/live", b"").expect("an answer")
    }

    #[test]
    fn basic_is_answered() {
        assert_eq!(answer(&["Basic realm=\"/\""]), "Basic YWRtaW46c2VjcmV0");
    }

    #[test]
    fn digest_without_qop_is_answered_as_in_rfc_2069() {
        // MD5(MD5(admin:Surveillance Server:secret):98481030:MD5(DESCRIBE:rtsp://cam/live)), a Longse camera's challenge.
        let value = answer(&["Digest realm=\"Surveillance Server\", nonce=\"98481030\""]);
        assert!(value.contains("response=\"e450d0786e21afa8fd09408ad88449a3\""), "{value}");
        assert!(!value.contains("nc=") && !value.contains("algorithm"), "{value}");
    }

    #[test]
    fn digest_with_qop_counts_its_answers() {
        let (mut authenticator, _) =
            challenged(&["Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5"]);
        let mut answer = || authenticator.authorize("PLAY", "rtsp://cam/", b"").expect("an answer");
        assert!(answer().contains("nc=00000001"));
        assert!(answer().contains("nc=00000002"));
    }

    #[test]
    fn the_strongest_challenge_is_answered() {
        let all = [
            "Basic realm=\"r\"",
            "Digest realm=\"r\", nonce=\"n\"",
            "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256",
        ];
        let value = answer(&all);
        assert!(value.ends_with(", algorithm=SHA-256"), "{value}");
        assert!(answer(&all[..2]).starts_with("Digest "));
        assert!(
            answer(&["Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\""]).starts_with("Digest "),
            "in one header"
        );
        assert!(answer(&["Digest nonsense", "Basic realm=\"r\""]).starts_with("Basic "));
        assert!(
            answer(&["Digest realm=\"r\", nonce=\"n\", algorithm=FUTURE-1", "Basic realm=\"r\""])
                .starts_with("Basic ")
        );
    }

    #[test]
    fn challenges_of_cameras_are_understood() {
        for value in [
            "Digest realm=\"IP Camera(12345)\", nonce=\"4d4c\", stale=\"FALSE\"", // Hikvision
            "Digest realm=\"Login to 4J0\",nonce=\"9c1\"",                        // Dahua
            "Digest realm=\"LIVE555 Streaming Media\", nonce=\"b\", algorithm=\"MD5\"", // quoted against the RFC
            "digest Realm=\"x\",Nonce=\"y\",Opaque=\"\",algorithm=md5",
            "Digest realm=TP-Link, nonce=abc",
        ] {
            let (_, result) = challenged(&[value]);
            assert_eq!(result, Ok(Challenged { scheme: "Digest", is_stale: false }), "{value}");
        }
        let (_, result) = challenged(&["Digest realm=\"r\", nonce=\"n\", stale=true"]);
        assert_eq!(result, Ok(Challenged { scheme: "Digest", is_stale: true }));
    }

    #[test]
    fn what_cannot_be_answered_is_said() {
        let (_, result) = challenged(&["Bearer realm=\"x\""]);
        assert_eq!(result, Err(ChallengeError::Unsupported("Bearer realm=\"x\"".to_owned())));
        let mut nobody = Authenticator::new(None);
        assert_eq!(nobody.challenge(&Headers::default()), Err(ChallengeError::NoCredentials));
        let (authenticator, _) = challenged(&[]);
        assert!(!format!("{authenticator:?}").contains("secret"));
    }
}
