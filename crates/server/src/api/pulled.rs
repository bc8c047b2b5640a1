//! Bodies that are made piece by piece, when the connection has room for the next one.

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio_util::sync::ReusableBoxFuture;

/// Gives the pieces of a body.
pub(crate) trait Pull: Send + 'static {
    /// The next piece; `None` at the end. Called when those before have gone out.
    fn pull(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// The body whose pieces `P` gives.
pub(crate) struct Pulled<P> {
    /// One allocation for all pieces.
    next: ReusableBoxFuture<'static, (P, Option<Bytes>)>,
    is_over: bool,
}

impl<P: Pull> Pulled<P> {
    pub(crate) fn new(source: P) -> Self {
        Self { next: ReusableBoxFuture::new(pull(source)), is_over: false }
    }
}

async fn pull<P: Pull>(mut source: P) -> (P, Option<Bytes>) {
    let piece = source.pull().await;
    (source, piece)
}

impl<P: Pull> HttpBody for Pulled<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let (source, piece) = ready!(self.next.poll(cx));
        match piece {
            Some(piece) => {
                self.next.set(pull(source));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None => {
                // Whatever it holds is let go now, not when the connection is.
                drop(source);
                self.is_over = true;
                Poll::Ready(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};

    struct Countdown(u8);

    impl Pull for Countdown {
        async fn pull(&mut self) -> Option<Bytes> {
            tokio::task::yield_now().await;
            self.0 = self.0.checked_sub(1)?;
            Some(Bytes::copy_from_slice(&[self.0]))
        }
    }

    #[tokio::test]
    async fn all_pieces_come_in_order() {
        let body = Body::new(Pulled::new(Countdown(3)));
        assert_eq!(to_bytes(body, 10).await.expect("a body"), [2, 1, 0][..]);
    }
}
