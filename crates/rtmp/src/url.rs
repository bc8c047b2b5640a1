//! RTMP URLs (`rtmp://user:password@host:1935/app/name?query`), as a configured source or target, and as a client names a stream.

use crate::limits;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::time::Duration;

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `rtmp://`: plain TCP.
    Rtmp,
    /// `rtmps://`: TLS, the certificate is checked.
    Rtmps,
    /// `rtmpx://`: TLS, any certificate is taken.
    Rtmpx,
}

impl Scheme {
    /// The port where none is named.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Rtmp => 1935,
            Self::Rtmps | Self::Rtmpx => 443,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "rtmp" => Some(Self::Rtmp),
            "rtmps" => Some(Self::Rtmps),
            "rtmpx" => Some(Self::Rtmpx),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
            Self::Rtmpx => "rtmpx",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user name with its password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password; may be empty.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An RTMP URL. `Display` and `Debug` show neither user name, password nor query: any of them may hold a secret (a stream key).
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// How to connect.
    pub scheme: Scheme,
    /// What stands before the `@`.
    pub credentials: Option<Credentials>,
    /// Name or address of the server, an IPv6 address without its brackets.
    pub host: String,
    /// The port, if one is named.
    pub port: Option<u16>,
    /// The application: the first part of the path.
    pub app: String,
    /// The stream's name in it: what follows, query included. To those who publish, often a secret.
    pub name: String,
}

/// Why a text is no RTMP URL. The text itself is not in it: it may hold a password in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("expected a URL that begins with rtmp://, rtmps:// or rtmpx://")]
    Scheme,
    /// Nothing where the host should be.
    #[error("the URL names no host; expected rtmp://host:port/app/name")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the URL's port is no number from 1 to 65535")]
    Port,
    /// Longer than a URL can be.
    #[error("the URL is longer than {max} bytes", max = limits::URL_BYTES)]
    TooLong,
    /// The path has no application.
    #[error("the URL names no application; expected rtmp://host:port/app/name")]
    App,
    /// A parameter behind `#`.
    #[error("#{name}={value}: expected {expected}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What is there.
        value: String,
        /// What can be there.
        expected: &'static str,
    },
}

impl Url {
    /// Reads a URL without a fragment.
    ///
    /// # Errors
    /// If it is no RTMP URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.len() > limits::URL_BYTES {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = Scheme::parse(scheme).ok_or(UrlError::Scheme)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo), host_port),
            None => (None, authority),
        };
        let (host, port) = host_and_port(host_port)?;
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let path = path.trim_start_matches('/');
        let (app, name) = path.split_once('/').unwrap_or((path, ""));
        if app.is_empty() {
            return Err(UrlError::App);
        }
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let credentials = userinfo.filter(|userinfo| !userinfo.is_empty()).map(credentials);
        Ok(Self {
            scheme,
            credentials,
            host: host.to_owned(),
            port,
            app: app.to_owned(),
            name: format!("{name}{query}"),
        })
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

    /// The URL of the application, as a `connect` tells it: without credentials and name.
    #[must_use]
    pub fn tc_url(&self) -> String {
        let scheme = if self.scheme == Scheme::Rtmp { "rtmp" } else { "rtmps" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}{port}/{}", bracketed(&self.host), self.app)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if self.credentials.is_some() {
            f.write_str("***@")?;
        }
        f.write_str(&bracketed(&self.host))?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.app)?;
        let (name, query) =
            self.name.split_once('?').map_or((self.name.as_str(), false), |(name, _)| (name, true));
        if !name.is_empty() {
            write!(f, "/{name}")?;
        }
        f.write_str(if query { "?…" } else { "" })
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A configured source or target: its URL, and the parameters behind `#`.
///
/// | parameter | meaning |
/// |---|---|
/// | `#timeout=10` | seconds without an answer, or without media, after which it has failed; 1 to 3600 |
/// | `#media=video`, `#media=audio` | take only these tracks |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What to dial.
    pub url: Url,
    /// How long to wait for an answer, and for media.
    pub timeout: Duration,
    /// Take video.
    pub video: bool,
    /// Take audio.
    pub audio: bool,
    /// Parameters that mean nothing to RTMP, as they stand: for a warning.
    pub unknown: Vec<String>,
}

impl Source {
    /// Reads a source as it stands in the configuration.
    ///
    /// # Errors
    /// If the URL or the value of a known parameter cannot be understood.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (url, fragment) = text.trim().split_once('#').unwrap_or((text, ""));
        let url = Url::parse(url)?;
        let mut source =
            Self { url, timeout: limits::ANSWER_TIMEOUT, video: true, audio: true, unknown: Vec::new() };
        for parameter in fragment.split('#').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "timeout" => source.timeout = parse_timeout(value)?,
                "media" if matches!(value, "video" | "audio") => {
                    (source.video, source.audio) = (value == "video", value == "audio");
                }
                "media" => return Err(refused("media", value, "video or audio")),
                _ => source.unknown.push(parameter.to_owned()),
            }
        }
        Ok(source)
    }
}

fn parse_timeout(value: &str) -> Result<Duration, UrlError> {
    let timeout = value.parse().ok().map(Duration::from_secs);
    timeout
        .filter(|timeout| (Duration::from_secs(1)..=limits::ANSWER_TIMEOUT_MAX).contains(timeout))
        .ok_or_else(|| refused("timeout", value, "1 to 3600 seconds"))
}

fn refused(name: &'static str, value: &str, expected: &'static str) -> UrlError {
    UrlError::Parameter { name, value: value.chars().take(80).collect(), expected }
}

fn host_and_port(text: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlError::Host)?;
        (host, after.strip_prefix(':'))
    } else {
        text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(UrlError::Host);
    }
    let port = port.filter(|port| !port.is_empty());
    let port =
        port.map(|port| port.parse().ok().filter(|port| *port > 0).ok_or(UrlError::Port)).transpose()?;
    Ok((host, port))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn credentials(userinfo: &str) -> Credentials {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    Credentials { user: decode(user), password: decode(password) }
}

/// What a client of ours asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The application, without query and slashes at its ends.
    pub app: String,
    /// The stream's name in it, without query and slashes at its ends; may be empty.
    pub name: String,
    /// Both queries, of the application and of the name.
    pub query: String,
    /// A user name and a password: in the query (`?user=…&pass=…`), or in the URL that the client says it dials.
    pub credentials: Option<Credentials>,
}

impl Request {
    /// Takes apart what `connect` and `play` or `publish` say.
    #[must_use]
    pub fn new(app: &str, tc_url: &str, name: &str) -> Self {
        let cut = |text: &str| {
            let (path, query) = text.split_once('?').unwrap_or((text, ""));
            let path = percent_decode_str(path).decode_utf8_lossy();
            (path.trim_matches('/').to_owned(), query.to_owned())
        };
        let ((app, app_query), (name, name_query)) = (cut(app), cut(name));
        let queries = [name_query, app_query];
        let query = queries.iter().filter(|query| !query.is_empty()).map(String::as_str);
        let query = query.collect::<Vec<_>>().join("&");
        let credentials = query_credentials(&query).or_else(|| {
            let (_, rest) = tc_url.split_once("://")?;
            let authority = rest.split(['/', '?']).next()?;
            let (userinfo, _) = authority.rsplit_once('@')?;
            Some(self::credentials(userinfo))
        });
        Self { app, name, query, credentials }
    }

    /// The names by which the stream may be meant, the likeliest first: the whole path, then its first part (go2rtc's way, whose
    /// clients put anything behind it), then what stands behind that (`live/cam` and a stream `cam`).
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let whole = format!("{}/{}", self.app, self.name).trim_matches('/').to_owned();
        let parts = whole
            .split_once('/')
            .map(|(first, rest)| (first.to_owned(), rest.trim_start_matches('/').to_owned()));
        let mut names = vec![whole];
        if let Some((first, rest)) = parts {
            names.extend([first, rest]);
        }
        names
    }
}

fn query_credentials(query: &str) -> Option<Credentials> {
    let value = |names: [&str; 2]| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| {
            let value = value.replace('+', " ");
            names.contains(&key).then(|| percent_decode_str(&value).decode_utf8_lossy().into_owned())
        })
    };
    Some(Credentials { user: value(["user", "username"])?, password: value(["pass", "password"])? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_are_taken_apart() {
        let url =
            Url::parse("rtmp://10.0.0.5/bcs/channel0_main.bcs?channel=0&user=admin&password=p").unwrap();
        assert_eq!((url.host.as_str(), url.port_or_default(), url.app.as_str()), ("10.0.0.5", 1935, "bcs"));
        assert_eq!(url.name, "channel0_main.bcs?channel=0&user=admin&password=p");
        assert_eq!(url.tc_url(), "rtmp://10.0.0.5/bcs");
        let url = Url::parse("rtmpx://u:p%40@[::1]:8443/live/a/b").unwrap();
        assert_eq!(
            (url.app.as_str(), url.name.as_str(), url.authority().as_str()),
            ("live", "a/b", "[::1]:8443")
        );
        assert_eq!(url.tc_url(), "rtmps://[::1]:8443/live");
        assert_eq!(url.credentials.map(|of| (of.user, of.password)), Some(("u".to_owned(), "p@".to_owned())));
        assert_eq!(Url::parse("rtmps://a.rtmps.example.com:443/live2/key").unwrap().port, Some(443));
    }

    #[test]
    fn secrets_are_not_shown() {
        let url = Url::parse("rtmp://u:secret@h/live/name?pass=secret").unwrap();
        assert_eq!(format!("{url} {url:?}"), "rtmp://***@h/live/name?… rtmp://***@h/live/name?…");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let check = |text: &str, error: UrlError| assert_eq!(Url::parse(text), Err(error), "{text}");
        check("rtsp://h/a", UrlError::Scheme);
        check("rtmp:///a", UrlError::Host);
        check("rtmp://h:0/a", UrlError::Port);
        check("rtmp://h", UrlError::App);
        check(&format!("rtmp://h/{}", "x".repeat(5000)), UrlError::TooLong);
    }

    #[test]
    fn parameters_are_read() {
        let source = Source::parse("rtmp://h/a/b#timeout=3#media=video#x=y").unwrap();
        assert_eq!((source.timeout.as_secs(), source.video, source.audio), (3, true, false));
        assert_eq!((source.url.name.as_str(), source.unknown), ("b", vec!["x=y".to_owned()]));
        let error = Source::parse("rtmp://h/a#timeout=0").unwrap_err().to_string();
        assert_eq!(error, "#timeout=0: expected 1 to 3600 seconds");
    }

    fn check_names(app: &str, name: &str, expected: &[&str]) {
        assert_eq!(Request::new(app, "", name).names(), expected, "{app:?} {name:?}");
    }

    #[test]
    fn a_stream_is_meant_by_its_path_or_a_part_of_it() {
        check_names("live", "cam", &["live/cam", "live", "cam"]);
        check_names("cam", "", &["cam"]);
        check_names("/cam/", "?user=a", &["cam"]);
        check_names("c///d", "", &["c///d", "c", "d"]);
        check_names("a/b", "c", &["a/b/c", "a", "b/c"]);
        check_names("front%20door", "", &["front door"]);
    }

    #[test]
    fn credentials_are_found_where_clients_put_them() {
        let of = |app: &str, tc_url: &str, name: &str| {
            Request::new(app, tc_url, name).credentials.map(|of| (of.user, of.password))
        };
        let expected = Some(("u".to_owned(), "p w".to_owned()));
        assert_eq!(of("live", "rtmp://h/live", "cam?user=u&pass=p%20w"), expected);
        assert_eq!(of("live?user=u&pass=p+w", "rtmp://h/live", "cam"), expected);
        assert_eq!(of("live", "rtmp://u:p%20w@h/live", "cam"), expected);
        assert_eq!(of("live", "rtmp://h/live", "cam?user=u"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(rtmp://|:|@|/|#|\\?|%|\\[|\\]|[a-z0-9]|\\PC){0,30}") {
            let _ = Source::parse(&text);
            let _ = Request::new(&text, &text, &text).names();
        }
    }
}
