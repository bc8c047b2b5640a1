//! Answers with media that never changes: whole, or a range of it (RFC 9110 §14).

use crate::api::etag_is_named;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The headers of media of one type, made once.
pub(crate) fn headers(content_type: HeaderValue, cache: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers
}

/// The answer to a request for `pieces`, one after another. `etag` is a strong one.
pub(crate) fn answer(
    request: &HeaderMap,
    mut headers: HeaderMap,
    etag: &HeaderValue,
    pieces: &[Bytes],
) -> Response {
    let known =
        request.get_all(header::IF_NONE_MATCH).iter().any(|tags| etag_is_named(tags, etag.as_bytes()));
    let wanted = asked_range(request, etag);
    headers.insert(header::ETAG, etag.clone());
    if known {
        headers.remove(header::CONTENT_TYPE);
        return with(StatusCode::NOT_MODIFIED, headers, Body::empty());
    }
    let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
    // Of nothing, every range is the whole: ffmpeg asks for all from the first byte on, of the empty media of a gap too.
    match wanted.filter(|_| length > 0).map(|wanted| wanted.within(length)) {
        None => with(StatusCode::OK, headers, body(pieces.to_vec())),
        Some(Some(range)) => {
            let text = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            headers.extend(HeaderValue::from_str(&text).ok().map(|value| (header::CONTENT_RANGE, value)));
            with(StatusCode::PARTIAL_CONTENT, headers, body(cut(pieces, range)))
        }
        Some(None) => {
            let length = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, length, "there are no such bytes\n").into_response()
        }
    }
}

fn with(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn body(mut pieces: Vec<Bytes>) -> Body {
    match pieces.len() {
        0 | 1 => Body::from(pieces.pop().unwrap_or_default()),
        _ => Body::new(Pieces::new(pieces)),
    }
}

/// One range of bytes as asked for (RFC 9110 §14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// From the first to the last, which is included.
    Between(u64, u64),
    /// The last so many.
    Last(u64),
}

impl Asked {
    /// The bytes that are there; `None` if there are none.
    fn within(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Between(first, last) => first..last.saturating_add(1).min(length),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

/// The range that a request asks for; `None` for the whole, as with more than one range, which a server need not serve.
fn asked_range(request: &HeaderMap, etag: &HeaderValue) -> Option<Asked> {
    // RFC 9110 §13.1.5: of another version the whole is wanted.
    if request.get(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return None;
    }
    let text = request.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", count) => count.parse().ok().map(Asked::Last),
        (first, "") => first.parse().ok().map(|first| Asked::Between(first, u64::MAX)),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(Asked::Between(first, last))
        }
    }
}

/// The bytes of `range`, without a copy.
fn cut(pieces: &[Bytes], range: Range<u64>) -> Vec<Bytes> {
    let mut start = 0;
    let mut found = Vec::new();
    for piece in pieces {
        let end = start + piece.len() as u64;
        let from = range.start.clamp(start, end) - start;
        let to = range.end.clamp(start, end) - start;
        if let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
            && from < to
        {
            found.push(piece.slice(from..to));
        }
        start = end;
    }
    found
}

/// Several pieces as one body of a known length.
struct Pieces {
    pieces: std::vec::IntoIter<Bytes>,
    left: u64,
}

impl Pieces {
    fn new(pieces: Vec<Bytes>) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { pieces: pieces.into_iter(), left }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.next();
        self.left -= next.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    const ETAG: &str = "\"a\"";

    fn pieces() -> Vec<Bytes> {
        ["012", "345", "", "6789"].map(|piece| Bytes::from_static(piece.as_bytes())).to_vec()
    }

    /// Status, Content-Range and body of the answer to these headers.
    async fn ask(request: &[(header::HeaderName, &str)]) -> (u16, String, String) {
        let request = request.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let response = answer(
            &request,
            headers(HeaderValue::from_static("video/mp4"), HeaderValue::from_static("no-cache")),
            &HeaderValue::from_static(ETAG),
            &pieces(),
        );
        let range = response.headers().get(header::CONTENT_RANGE);
        let range = range.map_or("", |range| range.to_str().unwrap()).to_owned();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 100).await.unwrap();
        (status, range, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn check(range: &str, status: u16, content_range: &str, body: &str) {
        let expected = (status, content_range.to_owned(), body.to_owned());
        assert_eq!(ask(&[(header::RANGE, range)]).await, expected, "{range}");
    }

    #[tokio::test]
    async fn ranges_are_cut_out_of_the_pieces() {
        check("bytes=0-0", 206, "bytes 0-0/10", "0").await;
        check("bytes=2-6", 206, "bytes 2-6/10", "23456").await;
        check("bytes=5-", 206, "bytes 5-9/10", "56789").await;
        check("bytes=-3", 206, "bytes 7-9/10", "789").await;
        check("bytes=-99", 206, "bytes 0-9/10", "0123456789").await;
        check("bytes=8-99999999999999999999", 200, "", "0123456789").await;
        check("bytes=8-18446744073709551615", 206, "bytes 8-9/10", "89").await;
        check("bytes=10-", 416, "bytes */10", "there are no such bytes\n").await;
        check("bytes=-0", 416, "bytes */10", "there are no such bytes\n").await;
    }

    #[test]
    fn nothing_is_sent_whole_whatever_the_range() {
        let request = [(header::RANGE, HeaderValue::from_static("bytes=0-"))].into_iter().collect();
        let response = answer(
            &request,
            headers(HeaderValue::from_static("video/mp4"), HeaderValue::from_static("no-cache")),
            &HeaderValue::from_static(ETAG),
            &[],
        );
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn what_is_no_single_range_gets_the_whole() {
        for range in ["bytes=5-2", "bytes=a-b", "bytes=1-2,4-5", "lines=1-2", "bytes"] {
            check(range, 200, "", "0123456789").await;
        }
        let other = ask(&[(header::RANGE, "bytes=1-2"), (header::IF_RANGE, "\"b\"")]).await;
        assert_eq!(other.0, 200, "of another version the whole is wanted");
        let same = ask(&[(header::RANGE, "bytes=1-2"), (header::IF_RANGE, ETAG)]).await;
        assert_eq!((same.0, same.2.as_str()), (206, "12"));
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "W/\"x\", \"a\"")]).await.0, 304);
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "\"x\"")]).await.0, 200);
    }

    proptest::proptest! {
        #[test]
        fn any_range_gives_bytes_that_are_there(first: u64, last: u64, length in 0u64..100, count: u64) {
            for asked in [Asked::Between(first, last), Asked::Between(first % 100, last % 100), Asked::Last(count)] {
                if let Some(range) = asked.within(length) {
                    proptest::prop_assert!(range.start < range.end && range.end <= length);
                }
            }
        }
    }
}
