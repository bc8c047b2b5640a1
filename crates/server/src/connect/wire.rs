//! A connection to a server, with what waits to be sent on it.

use super::{Connection, Tls, connect};
use crate::limits::{DIAL_CONNECT_WAIT, DIAL_FAREWELL_WAIT, DIAL_READ_BYTES, DIAL_WRITE_WAIT};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout};

/// A connection that reads and writes at once.
pub(crate) struct Wire {
    peer_name: String,
    peer: SocketAddr,
    reader: ReadHalf<Connection>,
    writer: WriteHalf<Connection>,
    buffer: Vec<u8>,
    received: usize,
    queue: VecDeque<Bytes>,
    /// TLS keeps what it has sealed until it is told to send it.
    unflushed: bool,
    /// When the server has taken nothing for too long.
    gives_up_at: Option<Instant>,
}

/// What a transfer came to.
pub(crate) enum Happened {
    /// [`Wire::received`] has bytes.
    Received,
    /// Something was sent.
    Sent,
    Closed,
    /// The sentence goes on after the name of the server.
    Failed(String),
}

impl Wire {
    /// Connects to `host`; `peer_name` is what sentences call it.
    pub(crate) async fn open(
        peer_name: String,
        (host, port): (&str, u16),
        tls: Tls,
        route: &mut Route,
    ) -> Result<Self, DialError> {
        let error = |kind, text: String| DialError::new(kind, format!("{peer_name} {text}"));
        let connecting = connect(host, port, tls, route);
        let Ok(connected) = timeout(DIAL_CONNECT_WAIT, connecting).await else {
            let text = format!("does not answer: no connection within {} s", DIAL_CONNECT_WAIT.as_secs());
            return Err(error(ErrorKind::Retry, text));
        };
        let connection = connected.map_err(|(kind, text)| error(kind, text))?;
        let peer = connection.peer();
        let (reader, writer) = tokio::io::split(connection);
        Ok(Self {
            peer_name,
            peer,
            reader,
            writer,
            buffer: vec![0; DIAL_READ_BYTES],
            received: 0,
            queue: VecDeque::new(),
            unflushed: false,
            gives_up_at: None,
        })
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        if self.queue.is_empty() {
            self.gives_up_at = Some(Instant::now() + DIAL_WRITE_WAIT);
        }
        self.queue.push_back(bytes);
    }

    /// Whether everything has been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn received(&self) -> &[u8] {
        self.buffer.get(..self.received).unwrap_or_default()
    }

    /// Reads or writes, whatever can be done first. Can be dropped at any time.
    pub(crate) async fn transfer(&mut self) -> Happened {
        let gives_up_at = self.gives_up_at.filter(|_| !self.queue.is_empty() || self.unflushed);
        tokio::select! {
            read = self.reader.read(&mut self.buffer) => match read {
                Ok(0) => Happened::Closed,
                Ok(count) => {
                    self.received = count;
                    Happened::Received
                }
                Err(error) if is_end(&error) => Happened::Closed,
                Err(error) => Happened::Failed(format!("can no longer be read: {error}")),
            },
            written = write_some(&mut self.writer, self.queue.front().map(|bytes| &bytes[..]), self.unflushed) => {
                match written {
                    Ok(count) => {
                        self.advance(count);
                        Happened::Sent
                    }
                    Err(error) if is_end(&error) => Happened::Closed,
                    Err(error) => Happened::Failed(format!("can no longer be written to: {error}")),
                }
            }
            () = expired(gives_up_at) => Happened::Failed("takes no bytes any more".to_owned()),
        }
    }

    fn advance(&mut self, count: usize) {
        self.gives_up_at = Some(Instant::now() + DIAL_WRITE_WAIT);
        let Some(first) = self.queue.front_mut() else {
            self.unflushed = false;
            return;
        };
        self.unflushed = true;
        first.advance(count.min(first.len()));
        if first.is_empty() {
            self.queue.pop_front();
        }
    }

    /// Sends what is left, if that can be done at once.
    pub(crate) async fn finish(&mut self) {
        let farewell = async {
            while let Some(bytes) = self.queue.pop_front() {
                self.writer.write_all(&bytes).await?;
            }
            self.writer.shutdown().await
        };
        let _ = timeout(DIAL_FAREWELL_WAIT, farewell).await;
    }

    pub(crate) fn error(&self, kind: ErrorKind, text: impl std::fmt::Display) -> DialError {
        DialError::new(kind, format!("{} {text}", self.peer_name))
    }
}

/// Writes some of `bytes`; where there are none, sends what was kept.
async fn write_some(
    writer: &mut WriteHalf<Connection>,
    bytes: Option<&[u8]>,
    unflushed: bool,
) -> io::Result<usize> {
    match bytes {
        Some(bytes) => writer.write(bytes).await,
        None if unflushed => writer.flush().await.map(|()| 0),
        None => pending().await,
    }
}

async fn expired(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// The peer is gone, which is no failure of ours.
pub(crate) fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}
