//! Sources by HTTP and by bare TCP: MJPEG, repeated JPEG pictures, transport streams and whatever else [`crate::bytes::Intake`] reads;
//! HLS, where what comes is a playlist.

mod client;
mod dial;
mod hls;
mod reply;
#[cfg(test)]
mod tests;

pub(crate) use client::{Client, Content};
pub(crate) use dial::run;

use crate::connect::Tls;
use crate::limits::HTTP_SOURCE_HEADERS;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use std::fmt;
use url::Url;
use yeoul_hls::client::{BadChoice, Choice};

/// The address of such a source with its parameters.
#[derive(Clone)]
pub(crate) struct Source {
    /// As written.
    text: String,
    /// Without user name, password and parameters; of scheme `http`, `https` or `tcp`.
    url: Url,
    /// How `https` is dialled.
    tls: Tls,
    account: Option<Account>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Of several qualities.
    variant: Choice,
}

/// User name and password, decoded.
#[derive(Clone)]
struct Account {
    username: String,
    password: String,
}

/// Why a text names no such source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("expected an address such as {0}")]
    Url(&'static str),
    #[error("#header={0}: expected a name and a value such as #header=X-Token: abc")]
    Header(String),
    #[error("more than {HTTP_SOURCE_HEADERS} headers")]
    Headers,
    #[error("#variant={0}: {1}")]
    Variant(String, BadChoice),
    #[error("#{0} means nothing to an HTTP source; known are header and variant")]
    Unknown(String),
}

impl Source {
    /// Reads `http://user:password@host/path#header=Name: value#variant=720p`, `tcp://host:port`.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let mut parts = text.split('#');
        let address = parts.next().unwrap_or_default().trim();
        let (scheme, rest) = address.split_once("://").unwrap_or((address, ""));
        let (scheme, tls) = match scheme.to_ascii_lowercase().as_str() {
            "httpx" => ("https".to_owned(), Tls::Unchecked),
            other => (other.to_owned(), Tls::Checked),
        };
        let example =
            if scheme == "tcp" { "tcp://192.168.1.64:9000" } else { "http://192.168.1.64/video.mjpeg" };
        let mut url = Url::parse(&format!("{scheme}://{rest}"))
            .ok()
            .filter(|url| url.has_host() && (scheme != "tcp" || url.port().is_some()))
            .ok_or(SourceError::Url(example))?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let account = (!url.username().is_empty() || url.password().is_some()).then(|| Account {
            username: decoded(url.username()),
            password: decoded(url.password().unwrap_or_default()),
        });
        // Both succeed for a URL that has a host.
        let _ = (url.set_username(""), url.set_password(None));
        let (mut headers, mut variant) = (Vec::new(), Choice::default());
        for part in parts.filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("header", header)) => headers.push(parse_header(header)?),
                Some(("variant", text)) => {
                    variant = text.parse().map_err(|error| SourceError::Variant(text.to_owned(), error))?;
                }
                _ => return Err(SourceError::Unknown(part.split('=').next().unwrap_or_default().to_owned())),
            }
        }
        if headers.len() > HTTP_SOURCE_HEADERS {
            return Err(SourceError::Headers);
        }
        Ok(Self { text: text.to_owned(), url, tls, account, headers, variant })
    }

    /// Its address without user name, password and parameters.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// How it is dialled.
    pub(crate) fn tls(&self) -> Tls {
        if self.url.scheme() == "https" { self.tls } else { Tls::None }
    }

    /// What goes to its own host with a request that is not the [`Client`]'s: the added headers, and the account by Basic (RFC 7617).
    pub(crate) fn own_headers(&self) -> HeaderMap {
        let basic = self.account.as_ref().and_then(|Account { username, password }| {
            let text = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
            let mut value = HeaderValue::from_str(&text).ok()?;
            value.set_sensitive(true);
            Some((AUTHORIZATION, value))
        });
        basic.into_iter().chain(self.headers.iter().cloned()).collect()
    }

    /// Another address, asked with the account and the headers of this one unless it brings its own account along.
    pub(crate) fn lead_to(&self, address: &str) -> Result<Self, SourceError> {
        let mut other = Self::parse(address)?;
        other.account = other.account.or_else(|| self.account.clone());
        other.headers.clone_from(&self.headers);
        Ok(other)
    }

    /// The same on another host; nothing changes if `host` is none.
    pub(crate) fn set_host(&mut self, host: Option<&str>) {
        let _ = self.url.set_host(host);
    }

    /// User name and password, decoded.
    pub(crate) fn account(&self) -> Option<(&str, &str)> {
        self.account.as_ref().map(|account| (account.username.as_str(), account.password.as_str()))
    }

    /// Host and port, for sentences.
    pub(crate) fn peer(&self) -> String {
        client::authority(&self.url)
    }
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), SourceError> {
    // The value may be a secret.
    let name_only = || SourceError::Header(text.split(':').next().unwrap_or_default().to_owned() + ": …");
    let (name, value) = text.split_once(':').ok_or_else(name_only)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| name_only())?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| name_only())?;
    Ok((name, value))
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
        f.debug_struct("Source").field("peer", &self.peer()).finish_non_exhaustive()
    }
}
