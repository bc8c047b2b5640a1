//! Patience with slow readers has an end: a connection whose peer takes nothing for [`API_WRITE_WAIT`] fails.

use crate::limits::API_WRITE_WAIT;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A socket whose writes fail when nothing of them has been taken for too long.
pub(super) struct Patient<T> {
    socket: T,
    /// Runs while a write waits; made only then, for that is rare.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<T> Patient<T> {
    pub(super) fn new(socket: T) -> Self {
        Self { socket, patience: None }
    }

    /// The result of an attempt to write, or the end of the patience.
    fn judge<R>(&mut self, cx: &mut Context<'_>, attempt: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if attempt.is_ready() {
            self.patience = None;
            return attempt;
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(API_WRITE_WAIT)));
        ready!(patience.as_mut().poll(cx));
        let text = format!("it took nothing of its answer for {} s", API_WRITE_WAIT.as_secs());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.judge(cx, attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.judge(cx, attempt)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(1000);
        let began = Instant::now();
        let error = Patient::new(ours).write_all(&[0; 1001]).await.expect_err("nobody reads");
        assert_eq!(error.to_string(), "it took nothing of its answer for 10 s");
        let took = began.elapsed();
        assert!((API_WRITE_WAIT..API_WRITE_WAIT + Duration::from_millis(10)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_slow_is_waited_for() {
        let (ours, mut theirs) = duplex(1000);
        let reading = async {
            let mut taken = [0; 1000];
            for _ in 0..10 {
                tokio::time::sleep(API_WRITE_WAIT * 9 / 10).await;
                theirs.read_exact(&mut taken).await.expect("read");
            }
        };
        let mut ours = Patient::new(ours);
        let ((), written) = tokio::join!(reading, ours.write_all(&[0; 10_000]));
        written.expect("all of it");
    }
}
