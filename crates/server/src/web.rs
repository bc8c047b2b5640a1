//! The web page and its files, embedded in the program: what `npm run build` puts into `web/dist`.

use crate::api::etag_is_named;
use crate::config::Origins;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

/// The page's own files are named by their content: they never change.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Everything else is asked for again, and mostly answered 304.
const ASK_AGAIN: &str = "no-cache";

/// What a page may do: load its own files, talk to its own server, show its own media; nothing inline, nothing foreign.
/// Lit's styles are constructed, not inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'";

/// What stands at `/` when the program was built without the page.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Yeoul</title>\
    <h1>Yeoul is running</h1><p>This program was built without its web page. To have it, build it before the program: \
    <code>npm ci &amp;&amp; npm run build</code> in the folder <code>web</code>, or <code>make run</code>.\
    <p>The API works: <a href=\"api/streams\">api/streams</a>.\n";

/// The element for other people's pages, and the beginning of what it loads when it plays HLS.
const FOR_OTHER_PAGES: [&str; 2] = ["yeoul-player.js", "assets/hls-"];

/// Pages of go2rtc that people and proxies link to; ours does the same at `/`.
const PAGES_OF_GO2RTC: &[&str] = &["/stream.html", "/webrtc.html"];

/// The file at the path of a request.
pub(crate) fn serve(origins: &Origins, request: &Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let path = request.uri().path();
    if PAGES_OF_GO2RTC.contains(&path) {
        // Relative, so that a proxy's path in front stays.
        let location =
            format!("./{}", request.uri().query().map(|query| format!("?{query}")).unwrap_or_default());
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
    }
    let name = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
    match Dist::get(name) {
        Some(file) => answer(origins, name, file, request),
        None if path == "/" => page(origins, Body::from(NOT_BUILT)),
        None => (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response(),
    }
}

fn answer(origins: &Origins, name: &str, file: EmbeddedFile, request: &Request) -> Response {
    let etag = etag(&file);
    let cache = if name.starts_with("assets/") { FOREVER } else { ASK_AGAIN };
    let known = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|tags| etag_is_named(tags, etag.as_bytes()));
    let caching = [(header::ETAG, etag), (header::CACHE_CONTROL, cache.to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let body = match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    };
    let mut response = if name.ends_with(".html") {
        page(origins, Body::from(body))
    } else {
        let kind = mime_guess::from_path(name).first_or_octet_stream();
        let kind = if kind.type_() == mime_guess::mime::TEXT {
            format!("{kind}; charset=utf-8")
        } else {
            kind.to_string()
        };
        ([(header::CONTENT_TYPE, kind)], Body::from(body)).into_response()
    };
    response.headers_mut().extend(
        caching
            .map(|(name, value)| (name, HeaderValue::from_str(&value).ok()))
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    if FOR_OTHER_PAGES.iter().any(|file| name.starts_with(file)) {
        // Program code, the same for everybody; the streams behind it are guarded on their own.
        let anybody = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (
                header::HeaderName::from_static("cross-origin-resource-policy"),
                HeaderValue::from_static("cross-origin"),
            ),
        ];
        response.headers_mut().extend(anybody);
    }
    response
}

/// A page with the policy that holds for it. The pages that may frame it are those that may use the API.
fn page(origins: &Origins, body: Body) -> Response {
    let ancestors = match origins {
        Origins::Any => "*".to_owned(),
        Origins::These(origins) => {
            ["'self'".to_owned()].iter().chain(origins).map(String::as_str).collect::<Vec<_>>().join(" ")
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, format!("{POLICY}; frame-ancestors {ancestors}")),
    ];
    (headers, body).into_response()
}

/// Half of the content's SHA-256 is unique enough.
fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
