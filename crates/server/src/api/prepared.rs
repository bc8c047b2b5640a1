//! Texts that many ask for, such as playlists: the bytes, the gzip and the tag of each are made once.

use aws_lc_rs::digest::{Context, SHA256};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::OnceLock;

/// A text with everything that its answers need.
pub(crate) struct Prepared {
    content_type: HeaderValue,
    cache_control: HeaderValue,
    plain: Coded,
    /// Made when the first asks for it; `None` inside if it would be no shorter.
    gzip: OnceLock<Option<Coded>>,
}

/// One coding of the text. Each has a tag of its own (RFC 9110 §8.8.3.3).
struct Coded {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Coded {
    fn new(bytes: Bytes) -> Self {
        Self { etag: etag(std::slice::from_ref(&bytes)), bytes }
    }
}

/// A strong tag of what has these bytes, one piece after the other: 64 bits of their digest tell apart what one address has
/// ever had.
pub(crate) fn etag(pieces: &[Bytes]) -> HeaderValue {
    let mut context = Context::new(&SHA256);
    pieces.iter().for_each(|piece| context.update(piece));
    let digest = context.finish();
    let mut tag = Vec::with_capacity(18);
    tag.push(b'"');
    for byte in digest.as_ref().iter().take(8) {
        tag.extend([byte >> 4, byte & 15].map(|nibble| b"0123456789abcdef"[usize::from(nibble)]));
    }
    tag.push(b'"');
    HeaderValue::from_maybe_shared(Bytes::from(tag)).unwrap_or(HeaderValue::from_static("\"\""))
}

impl Prepared {
    /// A text of this type. `cache_control` says how long it may be kept.
    pub(crate) fn new(
        content_type: &'static str,
        cache_control: HeaderValue,
        text: impl Into<Bytes>,
    ) -> Self {
        Self {
            content_type: HeaderValue::from_static(content_type),
            cache_control,
            plain: Coded::new(text.into()),
            gzip: OnceLock::new(),
        }
    }

    /// The answer to a GET or HEAD with these headers: gzip for those who take it, 304 for those who have it.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let gzip = if takes_gzip(request) { self.gzip() } else { None };
        let coded = gzip.unwrap_or(&self.plain);
        let known = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|tags| etag_is_named(tags, coded.etag.as_bytes()));
        let body = if known { Body::empty() } else { Body::from(coded.bytes.clone()) };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.reserve(8);
        headers.insert(header::ETAG, coded.etag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        if gzip.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    fn gzip(&self) -> Option<&Coded> {
        let made = self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&self.plain.bytes).ok()?;
            let bytes = encoder.finish().ok()?;
            (bytes.len() < self.plain.bytes.len()).then(|| Coded::new(bytes.into()))
        });
        made.as_ref()
    }
}

/// `Accept-Encoding` (RFC 9110 §12.5.3): `gzip` or `*`, unless its weight is 0.
fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut named, mut any) = (None, None);
    for item in values.flat_map(|value| value.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
        let wanted = weight.is_none_or(|q| q > 0.0);
        match coding.trim() {
            coding if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => {
                named = Some(wanted);
            }
            "*" => any = Some(wanted),
            _ => {}
        }
    }
    named.or(any).unwrap_or(false)
}

/// `If-None-Match` (RFC 9110 §13.1.2): a list of tags, weakly compared, or `*`.
pub(crate) fn etag_is_named(tags: &HeaderValue, etag: &[u8]) -> bool {
    let tags = tags.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    tags.into_iter().any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use std::io::Read;

    fn playlist() -> Prepared {
        let text = "#EXTM3U\n".to_owned() + &"#EXTINF:2.00000,\nsegment.m4s\n".repeat(20);
        Prepared::new("application/vnd.apple.mpegurl", HeaderValue::from_static("no-cache"), text)
    }

    async fn ask(
        prepared: &Prepared,
        headers: &[(header::HeaderName, &str)],
    ) -> (StatusCode, HeaderMap, Bytes) {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().expect("a value")));
        let (parts, body) = prepared.answer(&headers.collect()).into_parts();
        (parts.status, parts.headers, to_bytes(body, 1 << 20).await.expect("a body"))
    }

    #[tokio::test]
    async fn those_who_take_gzip_get_it_and_others_the_text() {
        let prepared = playlist();
        for (accepted, gzip) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("*", true),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("br", false),
        ] {
            let (status, headers, body) = ask(&prepared, &[(header::ACCEPT_ENCODING, accepted)]).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers.get(header::CONTENT_ENCODING).is_some(), gzip, "{accepted}");
            assert_eq!(headers[header::VARY], "Accept-Encoding");
            let mut text = Vec::new();
            if gzip {
                flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).expect("gzip");
            } else {
                text.extend_from_slice(&body);
            }
            assert_eq!(text, prepared.plain.bytes[..], "{accepted}");
        }
    }

    #[tokio::test]
    async fn each_coding_has_its_tag_and_whoever_has_it_is_told() {
        let prepared = playlist();
        let (_, plain, _) = ask(&prepared, &[]).await;
        let (_, gzip, _) = ask(&prepared, &[(header::ACCEPT_ENCODING, "gzip")]).await;
        let (plain, gzip) = (&plain[header::ETAG], &gzip[header::ETAG]);
        assert_ne!(plain, gzip);
        let tag = plain.to_str().expect("text");
        for (tags, known) in [
            (tag.to_owned(), true),
            (format!("\"a\", W/{tag}"), true),
            ("*".into(), true),
            ("\"a\"".into(), false),
        ] {
            let (status, headers, body) = ask(&prepared, &[(header::IF_NONE_MATCH, &tags)]).await;
            assert_eq!(status == StatusCode::NOT_MODIFIED, known, "{tags}");
            assert_eq!((body.is_empty(), &headers[header::ETAG]), (known, plain));
        }
        let of_gzip = [(header::IF_NONE_MATCH, tag), (header::ACCEPT_ENCODING, "gzip")];
        assert_eq!(ask(&prepared, &of_gzip).await.0, StatusCode::OK, "the tag of another coding");
    }

    #[tokio::test]
    async fn what_gzip_does_not_shorten_stays_as_it_is() {
        let prepared = Prepared::new("text/plain", HeaderValue::from_static("no-cache"), "x");
        let (_, headers, body) = ask(&prepared, &[(header::ACCEPT_ENCODING, "gzip")]).await;
        assert_eq!((headers.get(header::CONTENT_ENCODING), &body[..]), (None, &b"x"[..]));
    }
}
