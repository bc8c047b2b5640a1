//! RTSP URLs (RFC 2326 §3.2) as people write them and as cameras answer with them.
//!
//! Generic URL parsers do not serve: passwords hold `@`, `/`, `#` and `%` unescaped, a rewritten path breaks Digest, and
//! control URLs are joined in a way of their own ([`Url::join_control`]).

use crate::limits;
use std::fmt;

/// What to connect to and with which protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `rtsp://`: plain TCP.
    Rtsp,
    /// `rtsps://`: TLS, the certificate is checked.
    Rtsps,
    /// `rtspx://`: TLS, any certificate is taken; cameras have self-signed ones.
    Rtspx,
}

impl Scheme {
    /// The port where none is named.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Rtsp => 554,
            Self::Rtsps | Self::Rtspx => 322,
        }
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        match self {
            Self::Rtsp => false,
            Self::Rtsps | Self::Rtspx => true,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            // `rtspu` and `rtspt` are what some players call their choice of transport.
            "rtsp" | "rtspu" | "rtspt" => Some(Self::Rtsp),
            "rtsps" => Some(Self::Rtsps),
            "rtspx" => Some(Self::Rtspx),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Rtsp => "rtsp",
            Self::Rtsps => "rtsps",
            Self::Rtspx => "rtspx",
        }
    }
}

/// A user name with its password. `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name, unescaped.
    pub user: String,
    /// The password, unescaped; may be empty.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:***", self.user)
    }
}

/// An RTSP URL. `Display` and `Debug` mask the password; [`Url::request_uri`] has no credentials at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// How to connect.
    pub scheme: Scheme,
    /// What stands before the `@`.
    pub credentials: Option<Credentials>,
    /// Name or address of the peer, an IPv6 address without its brackets.
    pub host: String,
    /// The port, if one is named.
    pub port: Option<u16>,
    /// Path and query as they go on the wire: empty, or beginning with `/` or `?`.
    pub path: String,
}

/// Why a text is no RTSP URL. The text itself is not in it: it may hold a password in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("expected a URL that begins with rtsp://, rtsps:// or rtspx://")]
    Scheme,
    /// Nothing where the host should be.
    #[error("the URL names no host; expected rtsp://user:password@host:port/path")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the URL's port is no number from 1 to 65535")]
    Port,
    /// Longer than a URL can be.
    #[error("the URL is longer than {max} bytes", max = limits::URL_BYTES)]
    TooLong,
}

impl Url {
    /// Reads a URL without a fragment. User name and password may hold any character; percent escapes in them are decoded
    /// where they are valid and taken as they stand where they are not.
    ///
    /// # Errors
    /// If it is no RTSP URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.len() > limits::URL_BYTES {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = Scheme::parse(scheme).ok_or(UrlError::Scheme)?;
        let (authority, path) = split_authority(rest);
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo), host_port),
            None => (None, authority),
        };
        let (host, port) = parse_host_port(host_port)?;
        let credentials = userinfo.filter(|userinfo| !userinfo.is_empty()).map(|userinfo| {
            let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
            Credentials { user: percent_decode(user), password: percent_decode(password) }
        });
        Ok(Self { scheme, credentials, host: host.to_owned(), port, path: sanitize(path) })
    }

    /// Splits a configured source at the `#` that begins its parameters: not one inside the password.
    #[must_use]
    pub fn split_fragment(text: &str) -> (&str, &str) {
        let authority_at = text.find("://").map_or(0, |at| at + 3);
        let rest = text.get(authority_at..).unwrap_or_default();
        let (_, path) = split_authority(rest);
        match path.split_once('#') {
            Some((_, fragment)) => {
                let before = text.len() - fragment.len() - 1;
                (text.get(..before).unwrap_or(text), fragment)
            }
            None => (text, ""),
        }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// `host:port`, for error sentences and labels.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port_or_default())
    }

    /// The URL as it stands in requests: without credentials, `rtsps` for both encrypted schemes.
    #[must_use]
    pub fn request_uri(&self) -> String {
        let scheme = if self.scheme.is_encrypted() { "rtsps" } else { "rtsp" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}{port}{}", bracketed(&self.host), self.path)
    }

    /// The base that control URLs are relative to (RFC 2326 §C.1.1), from the Content-Base or Content-Location that came
    /// with the description. A base without a scheme (Anjvision: `192.168.1.10:554/stream0/`) is completed, one that is
    /// only a path as well.
    #[must_use]
    pub fn base(&self, content_base: Option<&str>) -> String {
        let base =
            content_base.map(str::trim).filter(|base| !base.is_empty() && base.len() <= limits::URL_BYTES);
        match base {
            None => self.request_uri(),
            Some(base) if base.contains("://") => without_userinfo(base),
            Some(base) if base.starts_with('/') => {
                let root = Self { path: String::new(), ..self.clone() };
                format!("{}{}", root.request_uri(), sanitize(base))
            }
            Some(base) => {
                let scheme = if self.scheme.is_encrypted() { "rtsps" } else { "rtsp" };
                without_userinfo(&format!("{scheme}://{base}"))
            }
        }
    }

    /// Joins the value of an `a=control` attribute to its base the way cameras expect it, which is not RFC 3986: a relative
    /// one is put behind the base, query and all (GW Security: `…/H264?channel=1&subtype=0` and `video`).
    #[must_use]
    pub fn join_control(base: &str, control: Option<&str>) -> String {
        let control = control.map(str::trim).unwrap_or_default();
        if control.is_empty() || control == "*" {
            return base.to_owned();
        }
        if control.contains("://") && !control.starts_with('/') {
            return without_userinfo(control);
        }
        let control = sanitize(control);
        if control.starts_with('/') {
            let root_bytes = base.find("://").map_or(0, |at| at + 3);
            let root_bytes = base
                .get(root_bytes..)
                .and_then(|rest| rest.find('/'))
                .map_or(base.len(), |at| root_bytes + at);
            let (root, path) = base.split_at(root_bytes);
            // A path from the root names the presentation again; one that does not is a relative one with a slash too many.
            let directory = path.split('?').next().unwrap_or_default().trim_end_matches('/');
            if !directory.is_empty() && control.starts_with(directory) {
                return format!("{root}{control}");
            }
        }
        format!("{}/{}", base.strip_suffix('/').unwrap_or(base), control.trim_start_matches('/'))
    }

    /// The URL of a redirect (RFC 2326 §11.3). Our credentials go along to the same host only, and never from an encrypted
    /// to a plain connection.
    ///
    /// # Errors
    /// If the location is no RTSP URL.
    pub fn redirect(&self, location: &str) -> Result<Self, UrlError> {
        let mut to = Self::parse(location)?;
        // Whoever redirects knows one encrypted scheme; whether certificates are checked is our choice.
        if self.scheme == Scheme::Rtspx && to.scheme == Scheme::Rtsps {
            to.scheme = Scheme::Rtspx;
        }
        let same_host = to.host.eq_ignore_ascii_case(&self.host);
        let as_safe = to.scheme.is_encrypted() || !self.scheme.is_encrypted();
        to.credentials = if same_host && as_safe { self.credentials.clone() } else { None };
        Ok(to)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some(credentials) = &self.credentials {
            let masked = if credentials.password.is_empty() { "" } else { ":***" };
            write!(f, "{}{masked}@", sanitize(&credentials.user))?;
        }
        f.write_str(&bracketed(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The authority ends at the first `/`, `?` or `#`, unless what stands before it is no host with a port: then that
/// character is in the password, and the authority goes on to the host behind the next `@`.
fn split_authority(rest: &str) -> (&str, &str) {
    let end_from = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.find(['/', '?', '#']).map_or(rest.len(), |at| from + at)
    };
    let mut end = end_from(0);
    while !rest.get(..end).unwrap_or_default().contains('@')
        && parse_host_port(rest.get(..end).unwrap_or_default()).is_err()
    {
        match rest.get(end..).and_then(|tail| tail.find('@')) {
            Some(at) => end = end_from(end + at),
            None => return rest.split_at(end_from(0)),
        }
    }
    rest.split_at(end)
}

fn parse_host_port(text: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlError::Host)?;
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or(UrlError::Port)?) };
        (host, port)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(UrlError::Host);
    }
    match port.filter(|port| !port.is_empty()) {
        None => Ok((host, None)),
        Some(port) => {
            let port: u16 = port.parse().map_err(|_| UrlError::Port)?;
            if port == 0 { Err(UrlError::Port) } else { Ok((host, Some(port))) }
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// What cannot stand in a request line is escaped; everything else stays as it is, so that Digest hashes what was sent.
fn sanitize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'"' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An absolute URL of the peer for use in requests; a user name that it repeats from ours has no business there.
fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return sanitize(url) };
    let (authority, path) = split_authority(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    sanitize(&format!("{scheme}://{host}{path}"))
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()
        });
        out.push(escaped.unwrap_or(*first));
        rest = after.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an RTSP URL")
    }

    fn check_credentials(text: &str, user: &str, password: &str, rest: &str) {
        let url = url(text);
        let credentials = url.credentials.clone().expect("credentials");
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), (user, password), "{text}");
        assert_eq!(url.request_uri(), rest, "{text}");
        assert!(
            password.is_empty() || !format!("{url} {url:?}").contains(password),
            "{text} shows its password"
        );
    }

    #[test]
    fn odd_characters_in_passwords_are_theirs() {
        check_credentials("rtsp://admin:secret@cam/live", "admin", "secret", "rtsp://cam/live");
        check_credentials("rtsp://admin:p@ss@cam:8554/live?x=1", "admin", "p@ss", "rtsp://cam:8554/live?x=1");
        check_credentials("rtsp://admin:p:w@10.0.0.1/", "admin", "p:w", "rtsp://10.0.0.1/");
        check_credentials("rtsp://admin:pa/ss@cam/a@b", "admin", "pa/ss", "rtsp://cam/a@b");
        check_credentials("rtsp://admin:pa#s?s@cam", "admin", "pa#s?s", "rtsp://cam");
        check_credentials("rtsp://admin:50%25%zz%4@cam", "admin", "50%%zz%4", "rtsp://cam");
        check_credentials("rtsp://a%40b:@[fe80::1]:554/x", "a@b", "", "rtsp://[fe80::1]:554/x");
        check_credentials("rtspx://admin:한 글@cam/", "admin", "한 글", "rtsps://cam/");
    }

    #[test]
    fn urls_without_credentials_keep_path_and_query_as_they_are() {
        for text in [
            "rtsp://cam",
            "rtsp://cam/",
            "rtsp://cam/a@b",
            "rtsp://cam?x=a@b:c/d",
            "rtsp://h:554/cam/realmonitor?channel=1&subtype=0",
            "rtsp://h/mp4:Big%2Fx|y",
        ] {
            let url = url(text);
            assert_eq!((url.credentials.as_ref(), url.request_uri().as_str()), (None, text));
        }
        assert_eq!(url("RTSP://cam/a b").request_uri(), "rtsp://cam/a%20b");
        assert_eq!(url("rtsps://cam").authority(), "cam:322");
        assert_eq!(url("rtsp://[::1]/x").authority(), "[::1]:554");
    }

    #[test]
    fn what_is_no_rtsp_url_is_refused() {
        assert_eq!(Url::parse("http://cam/"), Err(UrlError::Scheme));
        assert_eq!(Url::parse("cam/live"), Err(UrlError::Scheme));
        assert_eq!(Url::parse("rtsp:///live"), Err(UrlError::Host));
        assert_eq!(Url::parse("rtsp://user@/live"), Err(UrlError::Host));
        assert_eq!(Url::parse("rtsp://cam:0/live"), Err(UrlError::Port));
        assert_eq!(Url::parse("rtsp://cam:99999/live"), Err(UrlError::Port));
        assert_eq!(Url::parse(&format!("rtsp://cam/{}", "x".repeat(5_000))), Err(UrlError::TooLong));
    }

    #[test]
    fn passwords_are_masked() {
        assert_eq!(url("rtsp://admin:secret@cam:554/live?x").to_string(), "rtsp://admin:***@cam:554/live?x");
        assert_eq!(format!("{:?}", url("rtsp://admin:secret@cam")), "rtsp://admin:***@cam");
        assert_eq!(format!("{:?}", url("rtsp://admin:secret@cam").credentials), "Some(admin:***)");
    }

    #[test]
    fn the_fragment_begins_behind_the_password() {
        assert_eq!(
            Url::split_fragment("rtsp://cam/x#transport=udp#timeout=5"),
            ("rtsp://cam/x", "transport=udp#timeout=5")
        );
        assert_eq!(
            Url::split_fragment("rtsp://a:b#c@cam/x#media=video"),
            ("rtsp://a:b#c@cam/x", "media=video")
        );
        assert_eq!(Url::split_fragment("rtsp://cam/x"), ("rtsp://cam/x", ""));
        assert_eq!(Url::split_fragment("rtsp://cam#backchannel=0"), ("rtsp://cam", "backchannel=0"));
    }

    fn check_control(content_base: Option<&str>, control: &str, expected: &str) {
        let base = url("rtsp://admin:secret@cam:8554/live?channel=1").base(content_base);
        assert_eq!(Url::join_control(&base, Some(control)), expected, "{content_base:?} {control:?}");
    }

    #[test]
    fn control_urls_are_joined_as_cameras_expect() {
        check_control(
            Some("rtsp://192.168.5.206/h264Preview_01_main/"),
            "trackID=1",
            "rtsp://192.168.5.206/h264Preview_01_main/trackID=1",
        );
        check_control(
            Some("rtsp://h:5050/H264?channel=1&subtype=0"),
            "video",
            "rtsp://h:5050/H264?channel=1&subtype=0/video",
        );
        check_control(
            Some("192.168.1.10:554/stream0/"),
            "trackID=1",
            "rtsp://192.168.1.10:554/stream0/trackID=1",
        );
        check_control(Some("/stream0/"), "trackID=1", "rtsp://cam:8554/stream0/trackID=1");
        check_control(Some(""), "trackID=1", "rtsp://cam:8554/live?channel=1/trackID=1");
        check_control(None, "*", "rtsp://cam:8554/live?channel=1");
        check_control(None, "", "rtsp://cam:8554/live?channel=1");
        check_control(None, "rtsp://10.0.0.1:554/x/trackID=1?a=b", "rtsp://10.0.0.1:554/x/trackID=1?a=b");
        check_control(None, "rtsp://admin:secret@10.0.0.1/x", "rtsp://10.0.0.1/x");
        check_control(Some("rtsp://cam/live/"), "/live/trackID=1", "rtsp://cam/live/trackID=1");
        check_control(Some("rtsp://cam/live/"), "/trackID=1", "rtsp://cam/live/trackID=1");
        check_control(None, "track 1", "rtsp://cam:8554/live?channel=1/track%201");
    }

    #[test]
    fn a_redirect_takes_credentials_to_the_same_host_only() {
        let from = url("rtsps://admin:secret@cam/live");
        let has = |location: &str| from.redirect(location).expect("a URL").credentials.is_some();
        assert!(has("rtsps://CAM:8322/other"));
        assert!(!has("rtsps://elsewhere/live"));
        assert!(!has("rtsps://admin:other@elsewhere/live"));
        assert!(!has("rtsp://cam/live"), "not onto a plain connection");
        let unchecked = url("rtspx://cam/a").redirect("rtsps://cam/b").expect("a URL");
        assert_eq!(unchecked.to_string(), "rtspx://cam/b");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(rtsp://|:|@|/|#|\\?|%|\\[|\\]|[a-z0-9]|\\PC){0,30}") {
            let (before, _) = Url::split_fragment(&text);
            if let Ok(url) = Url::parse(before) {
                let _ = (url.to_string(), url.redirect(&text), Url::join_control(&url.base(Some(&text)), Some(&text)));
            }
        }

        #[test]
        fn request_uris_parse_to_themselves(host in "[a-z][a-z0-9.-]{0,20}", port in prop::option::of(1u16..), path in "(/[!-~&&[^#\"]]{0,20})?") {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let text = format!("rtsp://{host}{port}{path}");
            prop_assert_eq!(url(&text).request_uri(), text);
        }
    }
}
