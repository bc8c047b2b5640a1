//! What HTTP/2 needs beside hyper: the kernel tells nothing of a caller that closes the window of one request and reads on
//! otherwise (RFC 9113 §5.2), so each answer's own progress is watched.

use crate::limits::{API_WRITE_WAIT, HTTP2_IDLE_WAIT, HTTP2_PIECE_BYTES};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// The requests of one connection.
pub(super) struct Streams {
    began: Instant,
    /// At most a few more than `HTTP2_STREAMS`: those that are over are forgotten at the next one.
    open: Mutex<Vec<Weak<Open>>>,
    /// When a request was last begun or seen to be open.
    last: Mutex<Instant>,
}

/// What a look at a connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Requests are served, or were not long ago.
    Alive,
    /// Nothing has been asked for a while.
    Idle,
    /// The caller does not take what it has asked for.
    Stalled,
}

/// One request that is being served.
pub(super) struct Open {
    began: Instant,
    /// Since when a piece of the answer waits to be taken, in milliseconds of the connection and one more; 0 if none does.
    given: AtomicU64,
}

impl Streams {
    pub(super) fn new() -> Self {
        let began = Instant::now();
        Self { began, open: Mutex::default(), last: Mutex::new(began) }
    }

    /// A request has come in.
    pub(super) fn open(&self) -> Arc<Open> {
        let open = Arc::new(Open { began: self.began, given: AtomicU64::new(0) });
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|open| open.strong_count() > 0);
        all.push(Arc::downgrade(&open));
        open
    }

    /// How the connection is doing.
    pub(super) fn look(&self) -> Verdict {
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has begun and ended between two looks counts too.
        let seen = !all.is_empty();
        all.retain(|open| open.strong_count() > 0);
        if seen {
            *last = Instant::now();
        }
        if all.iter().filter_map(Weak::upgrade).any(|open| open.waits() > API_WRITE_WAIT) {
            Verdict::Stalled
        } else if last.elapsed() > HTTP2_IDLE_WAIT {
            Verdict::Idle
        } else {
            Verdict::Alive
        }
    }
}

impl Open {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// For how long a piece has waited to be taken.
    fn waits(&self) -> Duration {
        match self.given.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            given => Duration::from_millis(self.now().saturating_sub(given)),
        }
    }
}

/// An answer's body in pieces, each of which is noted when it is given out.
pub(super) struct Watched {
    body: Body,
    rest: Bytes,
    open: Arc<Open>,
}

impl Watched {
    pub(super) fn new(body: Body, open: Arc<Open>) -> Self {
        Self { body, rest: Bytes::new(), open }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            // What was given out has been taken, or it would not be asked for more.
            self.open.given.store(0, Ordering::Relaxed);
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(HTTP2_PIECE_BYTES);
        let piece = self.rest.split_to(length);
        self.open.given.store(self.open.now(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::sleep;

    async fn piece(body: &mut Watched) -> Option<usize> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(frame.expect("no error").into_data().expect("data").len())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_ends_the_connection() {
        let streams = Streams::new();
        let mut body = Watched::new(Body::from(vec![0; HTTP2_PIECE_BYTES + 1]), streams.open());
        assert_eq!(body.size_hint().exact(), Some(HTTP2_PIECE_BYTES as u64 + 1));
        sleep(2 * API_WRITE_WAIT).await;
        assert_eq!(streams.look(), Verdict::Alive, "nothing has been given out yet");
        assert_eq!(piece(&mut body).await, Some(HTTP2_PIECE_BYTES));
        sleep(API_WRITE_WAIT).await;
        assert_eq!(streams.look(), Verdict::Alive);
        assert_eq!(piece(&mut body).await, Some(1), "a sign of life");
        assert!(body.is_end_stream());
        sleep(API_WRITE_WAIT + Duration::from_millis(10)).await;
        assert_eq!(streams.look(), Verdict::Stalled);
        drop(body);
        assert_eq!(streams.look(), Verdict::Alive);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle_after_a_while() {
        let streams = Streams::new();
        let open = streams.open();
        sleep(2 * HTTP2_IDLE_WAIT).await;
        assert_eq!(streams.look(), Verdict::Alive, "a request is open");
        drop(open);
        assert_eq!(streams.look(), Verdict::Alive);
        sleep(HTTP2_IDLE_WAIT + Duration::from_millis(10)).await;
        assert_eq!(streams.look(), Verdict::Idle);
    }
}
