//! The UsernameToken of WS-Security with a digest (UsernameToken Profile 1.0 §3.1, ONVIF Core §5.9.4): proof of the password without
//! the password, good for the moment that it names by the clock of the device.

use crate::xml::escape;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use std::fmt;

/// A user name with its password. `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password; may be empty.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.username)
    }
}

/// One proof, for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsernameToken {
    username: String,
    digest: String,
    nonce: String,
    created: String,
}

impl UsernameToken {
    /// Proves to know `credentials` at the time `created` of the device, to the second: what Reolink and others read. `nonce` is random.
    #[must_use]
    pub fn new(credentials: &Credentials, nonce: [u8; 16], created: Timestamp) -> Self {
        let created = Timestamp::from_second(created.as_second()).unwrap_or(created).to_string();
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        for part in [&nonce[..], created.as_bytes(), credentials.password.as_bytes()] {
            context.update(part);
        }
        Self {
            username: credentials.username.clone(),
            digest: STANDARD.encode(context.finish()),
            nonce: STANDARD.encode(nonce),
            created,
        }
    }

    /// The header of the envelope. It need not be understood: cameras that know HTTP Digest alone refuse what they must.
    pub(crate) fn header(&self) -> String {
        const OASIS: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";
        let Self { username, digest, nonce, created } = self;
        let username = escape(username);
        format!(
            "<s:Header><wsse:Security xmlns:wsse=\"{OASIS}-wssecurity-secext-1.0.xsd\" \
             xmlns:wsu=\"{OASIS}-wssecurity-utility-1.0.xsd\"><wsse:UsernameToken>\
             <wsse:Username>{username}</wsse:Username>\
             <wsse:Password Type=\"{OASIS}-username-token-profile-1.0#PasswordDigest\">{digest}</wsse:Password>\
             <wsse:Nonce EncodingType=\"{OASIS}-soap-message-security-1.0#Base64Binary\">{nonce}</wsse:Nonce>\
             <wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security></s:Header>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_onvifs_own_example() {
        // ONVIF Application Programmer's Guide §6.1.1.3.
        let nonce = STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").expect("base64");
        let nonce = nonce.try_into().expect("16 bytes");
        let credentials = Credentials { username: "user".to_owned(), password: "userpassword".to_owned() };
        let created = "2010-09-16T07:50:45Z".parse().expect("a time");
        let token = UsernameToken::new(&credentials, nonce, created);
        assert_eq!(
            (token.digest.as_str(), token.created.as_str()),
            ("tuOSpGlFlIXsozq4HFNeeGeFLEI=", "2010-09-16T07:50:45Z")
        );
        assert!(token.header().contains("<wsse:Username>user<"));
        assert!(!format!("{credentials:?} {token:?} {}", token.header()).contains("userpassword"));
    }
}
