//! Answers without an end: one picture after the other.
//!
//! A viewer that is slow gets fewer pictures, never older ones: the next one is taken when the one before it has been handed to
//! the socket. One that takes nothing at all is cut off by its connection.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The writing end of an answer.
pub(super) struct Writer(mpsc::Sender<Bytes>);

/// An answer whose body is what is written; it ends when the writer is dropped.
pub(super) fn body() -> (Writer, Body) {
    let (sender, receiver) = mpsc::channel(1);
    (Writer(sender), Body::new(Pieces(receiver)))
}

impl Writer {
    /// Waits until `piece` is on its way; false if the viewer has gone.
    pub(super) async fn write(&self, piece: Bytes) -> bool {
        self.0.send(piece).await.is_ok()
    }

    /// Resolves when the viewer has gone.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

struct Pieces(mpsc::Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
