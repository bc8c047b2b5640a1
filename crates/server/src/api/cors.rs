//! What pages of other servers may read and ask (Fetch §3.3).
//!
//! | pages of | may |
//! |---|---|
//! | this server | everything; no header needed |
//! | `api.origin` | use the whole API and read its answers |
//! | `api.media_origin` | read pictures, sound and playlists |
//! | anybody else | show pictures (`<img>`, `<video>`), as everywhere on the web, but read nothing |
//!
//! go2rtc lets every page read its HLS. Here that has to be said: where callers are let in by their address, any page that
//! somebody at home opens could otherwise watch the cameras.

use crate::config::{Api, Origins};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Endings of paths that give pictures, sound and playlists.
const MEDIA: &[&str] = &[
    ".m3u8", ".m4s", ".mp4", ".ts", ".aac", ".flv", ".mjpeg", ".jpeg", ".jpg", ".ascii", ".vtt", ".m4a",
    ".m4v",
];

/// What a player reads of an answer's header: its clock, what to ask for next time, how long it is.
const EXPOSED: &str =
    "Accept-Ranges, Age, Content-Length, Content-Range, Date, ETag, Link, Location, Retry-After";

/// Seconds for which a browser remembers the answer to a preflight; Chromium takes no more.
const MAX_AGE: &str = "7200";

/// What a page that is no other's own may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grant {
    Everything,
    Media,
}

/// A browser's question before a request across origins (Fetch §3.3.2).
pub(super) fn is_preflight(request: &Request<Body>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight: which methods and headers the page may use, if any.
pub(super) fn preflight(api: &Api, request: &Request<Body>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let Some(origin) = request.headers().get(header::ORIGIN) else { return response };
    let is_media = is_media(api, request.uri().path());
    let (methods, asked) = match grant(api, is_media, origin) {
        Some(Grant::Everything) => (
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            "Authorization, Content-Type, If-Match, If-None-Match, Range",
        ),
        Some(Grant::Media) => ("GET, HEAD, OPTIONS", "Authorization, If-None-Match, Range"),
        None => return response,
    };
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, asked),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Adds to an answer what lets the page behind `origin` read it. What a handler has set stays.
pub(super) fn add(api: &Api, is_media: bool, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    let allowed = if is_any(&api.origins) || (is_media && is_any(&api.media_origins)) {
        HeaderValue::from_static("*")
    } else {
        if is_some(&api.origins) || (is_media && is_some(&api.media_origins)) {
            // A cache must not hand the answer for one page to another.
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        match origin.filter(|origin| grant(api, is_media, origin).is_some()) {
            Some(origin) => origin.clone(),
            None => return,
        }
    };
    headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(allowed);
    headers.entry(header::ACCESS_CONTROL_EXPOSE_HEADERS).or_insert(HeaderValue::from_static(EXPOSED));
}

/// Whether a path gives pictures, sound or a playlist; always `false` where no page may more with those.
pub(super) fn is_media(api: &Api, path: &str) -> bool {
    (is_any(&api.media_origins) || is_some(&api.media_origins))
        && MEDIA.iter().any(|ending| path.ends_with(ending))
}

fn grant(api: &Api, is_media: bool, origin: &HeaderValue) -> Option<Grant> {
    if contains(&api.origins, origin) {
        Some(Grant::Everything)
    } else if is_media && contains(&api.media_origins, origin) {
        Some(Grant::Media)
    } else {
        None
    }
}

fn contains(origins: &Origins, origin: &HeaderValue) -> bool {
    match origins {
        Origins::Any => true,
        Origins::These(list) => list.iter().any(|listed| listed.as_bytes() == origin.as_bytes()),
    }
}

fn is_any(origins: &Origins) -> bool {
    match origins {
        Origins::Any => true,
        Origins::These(_) => false,
    }
}

/// Whether some pages are named.
fn is_some(origins: &Origins) -> bool {
    match origins {
        Origins::Any => false,
        Origins::These(list) => !list.is_empty(),
    }
}
