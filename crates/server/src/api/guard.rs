//! Which requests are let in, before anybody looks at their path.
//!
//! 1. The caller: its address, or its account (RFC 7617) where one is configured.
//! 2. Host: a page of an attacker whose name suddenly points at us (DNS rebinding, CWE-350) calls us by that name.
//! 3. Origin (RFC 6454): requests that change something, and WebSockets, come from our own pages or from none.
//!
//! And the headers that every answer gets. What pages of other servers may read is in [`super::cors`].

use super::cors;
use crate::access::Refusal as AddressRefusal;
use crate::app::App;
use crate::config::Origins;
use crate::limits::REFUSAL_LOG_PAUSE;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Instant;
use tracing::warn;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// By TCP.
    Address(SocketAddr),
    /// By the socket in the file system: its permissions have let this program in.
    Unix,
}

impl Peer {
    fn is_local(self) -> bool {
        match self {
            Self::Address(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix => true,
        }
    }
}

/// For logs and the API.
impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => SocketAddr::new(address.ip().to_canonical(), address.port()).fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// Why a request was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Address(#[from] AddressRefusal),
    #[error("a user name and a password are needed")]
    Account,
    #[error(
        "this server is not known by the name {0}. To reach it by this name, add it to api.hosts in the configuration"
    )]
    Host(String),
    #[error("a request must say in one Host header which server it means")]
    NoHost,
    #[error(
        "a page of {0} may not do this. To let pages of another server use this API, add its origin to api.origin in the \
         configuration, or \"*\" for all"
    )]
    Origin(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let text = format!("{self}\n");
        match self {
            Self::Account => {
                let challenge = [(header::WWW_AUTHENTICATE, r#"Basic realm="yeoul", charset="UTF-8""#)];
                (StatusCode::UNAUTHORIZED, challenge, text).into_response()
            }
            Self::NoHost => (StatusCode::BAD_REQUEST, text).into_response(),
            Self::Address(_) | Self::Host(_) | Self::Origin(_) => {
                (StatusCode::FORBIDDEN, text).into_response()
            }
        }
    }
}

/// How a caller was let in.
enum Caller {
    /// It knows the account: no page of an attacker's name does, for browsers keep passwords by name.
    Proved,
    /// By where it is.
    Nearby,
}

/// Whether a request is let in.
pub(super) fn check(app: &App, peer: Peer, request: &Request<Body>) -> Result<(), Refusal> {
    // Browsers ask beforehand without the account (Fetch §3.3.5), and the answer tells nothing.
    if app.config.api.account.is_some() && cors::is_preflight(request) {
        return Ok(());
    }
    let caller = check_caller(app, peer, request);
    if let Err(Refusal::Address(refusal)) = &caller {
        log_refusal(refusal);
    }
    let caller = caller?;
    let host = host(request)?;
    match (caller, peer) {
        (Caller::Nearby, Peer::Address(_)) => check_host(app, host)?,
        (Caller::Proved, _) | (_, Peer::Unix) => {}
    }
    if changes_something(request) { check_origin(app, host, request.headers()) } else { Ok(()) }
}

fn check_caller(app: &App, peer: Peer, request: &Request<Body>) -> Result<Caller, Refusal> {
    match (&app.config.api.account, peer) {
        (Some(account), _) => {
            if credentials(request.headers())
                .is_some_and(|(username, password)| account.is(&username, &password))
            {
                Ok(Caller::Proved)
            } else if peer.is_local() && !app.config.api.local_auth {
                Ok(Caller::Nearby)
            } else {
                Err(Refusal::Account)
            }
        }
        (None, Peer::Unix) => Ok(Caller::Nearby),
        (None, Peer::Address(address)) => {
            app.access.permits(address)?;
            Ok(Caller::Nearby)
        }
    }
}

/// User name and password of `Authorization: Basic` (RFC 7617 §2), or of `Bearer`: publishers by WHIP have a field for a token alone
/// (RFC 9725 §4.7; OBS Studio), into which `user:password` is written.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let text = match scheme.to_ascii_lowercase().as_str() {
        "basic" => String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?,
        "bearer" => token.trim().to_owned(),
        _ => return None,
    };
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

/// The host that the request means, with its port; `None` in HTTP/1.0.
fn host(request: &Request<Body>) -> Result<Option<&str>, Refusal> {
    // RFC 9112 §3.2: with the absolute form, that counts; more than one Host is an error. In HTTP/2 it is `:authority`.
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.as_str()));
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().map(HeaderValue::to_str).transpose().map_err(|_| Refusal::NoHost)?;
    if hosts.next().is_some() || (host.is_none() && request.version() > axum::http::Version::HTTP_10) {
        return Err(Refusal::NoHost);
    }
    Ok(host)
}

/// Names that nobody outside can make point here: addresses, names without a dot, domains that the DNS does not have.
fn check_host(app: &App, host: Option<&str>) -> Result<(), Refusal> {
    // Without a Host there is no browser, and so no page of an attacker.
    let Some(host) = host else { return Ok(()) };
    let name = host_name(host);
    // Most players name an address, or `localhost`.
    if name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_address = name.parse::<IpAddr>().is_ok()
        || name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
    // RFC 6761 §6.3, RFC 6762 §3, RFC 8375, and ICANN's reservation of `internal`.
    let local =
        [".localhost", ".local", ".home.arpa", ".internal"].iter().any(|suffix| name.ends_with(suffix));
    let single = !name.is_empty() && !name.contains(['.', ':', '@']);
    if is_address || local || single || app.config.api.hosts.iter().any(|host| host == name) {
        Ok(())
    } else {
        Err(Refusal::Host(printable(name)))
    }
}

/// Without the port.
fn host_name(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon)
            if host[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(']') =>
        {
            &host[..colon]
        }
        Some(_) | None => host,
    }
}

/// A method that is not safe (RFC 9110 §9.2.1), or the opening of a WebSocket, which no CORS check guards.
fn changes_something(request: &Request<Body>) -> bool {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    !safe || request.headers().contains_key(header::UPGRADE)
}

fn check_origin(app: &App, host: Option<&str>, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        // Browsers that hide the origin still tell that it is another one (Fetch Metadata).
        let cross = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
        let foreign = cross && app.config.api.origins != Origins::Any;
        return if foreign { Err(Refusal::Origin("another server".to_owned())) } else { Ok(()) };
    };
    let origin = origin.to_str().unwrap_or("null");
    let listed = match &app.config.api.origins {
        Origins::Any => true,
        Origins::These(origins) => origins.iter().any(|listed| listed == origin),
    };
    if listed || host.is_some_and(|host| is_same(origin, host)) {
        Ok(())
    } else {
        Err(Refusal::Origin(printable(origin)))
    }
}

/// Whether `origin` is a page of `host`. As in go2rtc the port may be missing in `host`: some proxies drop it.
fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    let host_short = host.strip_suffix(default_port).unwrap_or(host);
    authority.eq_ignore_ascii_case(host_short)
        || (host_name(host) == host && host_name(authority).eq_ignore_ascii_case(host))
}

/// The headers of every answer; what a handler has set stays.
pub(super) fn add_headers(headers: &mut HeaderMap) {
    let mut add = |name, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "same-origin");
}

/// A caller's text for a sentence: short, and without control characters.
fn printable(text: &str) -> String {
    const LONGEST: usize = 100;
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// One line a second at most.
fn log_refusal(refusal: &AddressRefusal) {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let Ok(mut last) = LAST.lock() else { return };
    if last.is_none_or(|last| last.elapsed() >= REFUSAL_LOG_PAUSE) {
        *last = Some(Instant::now());
        warn!(target: "access", "refused: {refusal}");
    }
}
