//! An answer: its head, and its body as it comes.

use super::client::authority;
use crate::limits::{HTTP_ANSWER_WAIT, HTTP_REASON_CHARS, HTTP_TEXT_BYTES};
use crate::streams::{DialError, ErrorKind};
use axum::http::{HeaderMap, StatusCode};
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::ops::Range;
use tokio::time::timeout;
use url::Url;

/// An answer whose body is still to come. The connection is the client's, and goes on with it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Address and port of who answers.
    pub(crate) peer: String,
    /// Of the body, looked at already.
    pub(super) ahead: Bytes,
    pub(super) body: Incoming,
}

impl Reply {
    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// If the connection broke off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        if !self.ahead.is_empty() {
            return Ok(Some(std::mem::take(&mut self.ahead)));
        }
        next(&mut self.body).await
    }

    /// Whether the body begins with `text`; it is still to come then.
    ///
    /// # Errors
    /// If the connection broke off.
    pub(crate) async fn begins_with(&mut self, text: &[u8]) -> Result<bool, hyper::Error> {
        let mut ahead = BytesMut::from(std::mem::take(&mut self.ahead));
        while ahead.len() < text.len() && text.starts_with(&ahead) {
            let Some(piece) = next(&mut self.body).await? else { break };
            ahead.extend_from_slice(&piece);
        }
        self.ahead = ahead.freeze();
        Ok(self.ahead.starts_with(text))
    }

    /// The whole body, which is text.
    ///
    /// # Errors
    /// If there is more than a text has, or the connection broke off.
    pub(crate) async fn text(self) -> Result<String, DialError> {
        let bytes = self.bytes(None, HTTP_TEXT_BYTES).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The whole body, or the bytes of it that were asked for: some servers send all of them nevertheless.
    ///
    /// # Errors
    /// If there are more than `most`, or fewer than were asked for, or the connection broke off.
    pub(crate) async fn bytes(mut self, range: Option<&Range<u64>>, most: usize) -> Result<Bytes, DialError> {
        let failed =
            |url: &Url, kind, text: String| DialError::new(kind, format!("{} {text}", authority(url)));
        let too_many =
            |url: &Url| failed(url, ErrorKind::LimitExceeded, format!("sends more than {most} bytes"));
        let length = range.map(|range| range.end.saturating_sub(range.start));
        if length.is_some_and(|length| length > most as u64) {
            return Err(too_many(&self.url));
        }
        let mut before =
            range.filter(|_| self.status != StatusCode::PARTIAL_CONTENT).map_or(0, |range| range.start);
        let mut all = BytesMut::new();
        while length.is_none_or(|length| (all.len() as u64) < length) {
            let piece = self.next().await;
            let piece = piece.map_err(|error| {
                failed(&self.url, ErrorKind::Retry, format!("can no longer be read: {error}"))
            })?;
            let Some(mut piece) = piece else { break };
            let passed_over = usize::try_from(before).unwrap_or(usize::MAX).min(piece.len());
            piece.advance(passed_over);
            before -= passed_over as u64;
            if length.is_none() && all.len() + piece.len() > most {
                return Err(too_many(&self.url));
            }
            all.extend_from_slice(&piece);
        }
        if let Some(length) = length {
            if (all.len() as u64) < length {
                let text = format!("sends {} bytes, where a playlist says {length}", all.len());
                return Err(failed(&self.url, ErrorKind::Retry, text));
            }
            all.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Ok(all.freeze())
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, hyper::Error> {
    loop {
        let Some(frame) = body.frame().await.transpose()? else { return Ok(None) };
        // Trailers say nothing here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// The first line of what a server says to a refusal. A page of HTML says no more than the status.
pub(super) async fn reason(reply: Reply) -> String {
    let said = timeout(HTTP_ANSWER_WAIT, reply.text()).await;
    let said = said.ok().and_then(Result::ok).unwrap_or_default();
    let line = said.lines().next().unwrap_or_default().trim();
    let line: String = line.chars().filter(|char| !char.is_control()).take(HTTP_REASON_CHARS).collect();
    if line.is_empty() || line.starts_with(['<', '{']) { String::new() } else { format!(": {line}") }
}
