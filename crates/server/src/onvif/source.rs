//! The address of a camera: `onvif://user:password@host:port/path?subtype=1&snapshot#transport=udp`, as go2rtc writes it.

use crate::http;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use url::Url;
use url::form_urlencoded;
use yeoul_onvif::Credentials;
use yeoul_onvif::device::DEVICE_PATH;
use yeoul_onvif::media::Profile;
use yeoul_rtsp::client;

/// What is escaped in a token (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// A camera and what is wanted of it.
#[derive(Clone)]
pub(crate) struct Source {
    /// As written.
    text: String,
    /// Its device service, asked by HTTP; the query is ours and not there.
    device: http::Source,
    pub(super) subtype: Subtype,
    pub(super) wanted: Wanted,
}

/// Which profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subtype {
    /// By its place in the device's list, from 0.
    Index(usize),
    /// By its token.
    Token(String),
}

/// What is taken of it.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// The stream by RTSP, with the parameters of such a source.
    Stream(Box<client::Options>),
    /// Pictures by HTTP, again and again.
    Snapshot,
}

/// Why a text names no such source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("expected an address such as onvif://user:password@192.168.1.64?subtype=0")]
    Address,
    #[error(transparent)]
    Http(#[from] http::SourceError),
    #[error(transparent)]
    Rtsp(#[from] client::SourceError),
}

impl Source {
    /// Reads it. What stands behind `#` is for the stream, or for the pictures.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let (_, rest) = text.split_once("://").ok_or(SourceError::Address)?;
        let (address, parameters) = rest.split_once('#').unwrap_or((rest, ""));
        let url = Url::parse(&format!("http://{address}")).map_err(|_| SourceError::Address)?;
        let query = |name: &str| {
            let mut pairs = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let subtype = query("subtype").unwrap_or_default();
        let subtype = match subtype.parse() {
            Ok(index) => Subtype::Index(index),
            Err(_) if subtype.is_empty() => Subtype::Index(0),
            Err(_) => Subtype::Token(subtype),
        };
        let (wanted, headers) = if query("snapshot").is_some() {
            (Wanted::Snapshot, parameters)
        } else {
            let stream = client::Source::parse(&format!("rtsp://camera/#{parameters}"))?;
            (Wanted::Stream(Box::new(stream.options)), "")
        };
        let mut device = url.clone();
        device.set_query(None);
        if device.path() == "/" {
            device.set_path(DEVICE_PATH);
        }
        let device = http::Source::parse(&format!("{device}#{headers}"))?;
        Ok(Self { text: text.to_owned(), device, subtype, wanted })
    }

    /// The device service.
    pub(super) fn device(&self) -> &http::Source {
        &self.device
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        let (username, password) = self.device.account()?;
        Some(Credentials { username: username.to_owned(), password: password.to_owned() })
    }

    /// The text of a source for another profile of the same camera. A token that is a number would be taken for a place.
    pub(super) fn text_of(&self, index: usize, profile: &Profile, is_snapshot: bool) -> String {
        let (address, parameters) = match self.text.split_once('#') {
            Some((address, parameters)) if !is_snapshot => (address, format!("#{parameters}")),
            Some((address, _)) => (address, String::new()),
            None => (self.text.as_str(), String::new()),
        };
        let address = address.split('?').next().unwrap_or_default();
        let subtype = match profile.token.parse::<usize>() {
            Ok(_) => index.to_string(),
            Err(_) => utf8_percent_encode(&profile.token, ESCAPED).to_string(),
        };
        let snapshot = if is_snapshot { "&snapshot" } else { "" };
        format!("{address}?subtype={subtype}{snapshot}{parameters}")
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
        f.debug_struct("Source").field("peer", &self.device.peer()).finish_non_exhaustive()
    }
}
