//! The way to a peer over its TCP connection.

use crate::limits::{WEBRTC_TCP_QUEUE_BYTES, WEBRTC_TCP_QUEUE_WRITES};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Where a worker puts what a connection shall write. Bounded: a viewer that does not read gets no more frames.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    writes: mpsc::Sender<Vec<u8>>,
    queued: Arc<AtomicUsize>,
}

impl Outlet {
    /// An outlet, and what [`write_all`] takes.
    pub(super) fn new() -> (Self, Queue) {
        let (writes, reads) = mpsc::channel(WEBRTC_TCP_QUEUE_WRITES);
        let queued = Arc::new(AtomicUsize::new(0));
        (Self { writes, queued: Arc::clone(&queued) }, Queue { reads, queued })
    }

    /// Whether media may be put: control packets may always.
    pub(super) fn has_room(&self) -> bool {
        self.queued.load(Ordering::Relaxed) < WEBRTC_TCP_QUEUE_BYTES && self.writes.capacity() > 2
    }

    /// Queues framed bytes; false if the connection is gone or does not take them.
    pub(super) fn send(&self, bytes: Vec<u8>) -> bool {
        let length = bytes.len();
        self.queued.fetch_add(length, Ordering::Relaxed);
        let sent = self.writes.try_send(bytes).is_ok();
        if !sent {
            self.queued.fetch_sub(length, Ordering::Relaxed);
        }
        sent
    }

    /// Queues one packet behind its length (RFC 4571).
    pub(super) fn send_packet(&self, packet: &[u8]) -> bool {
        let Ok(length) = u16::try_from(packet.len()) else { return false };
        let mut framed = Vec::with_capacity(2 + packet.len());
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(packet);
        self.send(framed)
    }
}

/// The TCP connections of a session, by their other ends.
#[derive(Debug, Default)]
pub(super) struct Outlets(Vec<(SocketAddr, Outlet)>);

impl Outlets {
    /// The one to `remote`.
    pub(super) fn to(&self, remote: SocketAddr) -> Option<&Outlet> {
        self.0.iter().find(|(of, _)| *of == remote).map(|(_, outlet)| outlet)
    }

    /// A connection was made, in place of an earlier one from there.
    pub(super) fn add(&mut self, remote: SocketAddr, outlet: Outlet) {
        self.remove(remote);
        self.0.push((remote, outlet));
    }

    /// It ended.
    pub(super) fn remove(&mut self, remote: SocketAddr) {
        self.0.retain(|(of, _)| *of != remote);
    }
}

/// The other end of an [`Outlet`].
#[derive(Debug)]
pub(super) struct Queue {
    reads: mpsc::Receiver<Vec<u8>>,
    queued: Arc<AtomicUsize>,
}

/// Writes what the outlet is given, until that is dropped or the connection fails.
pub(super) async fn write_all(mut queue: Queue, mut connection: impl AsyncWrite + Unpin) {
    while let Some(bytes) = queue.reads.recv().await {
        let written = connection.write_all(&bytes).await;
        queue.queued.fetch_sub(bytes.len(), Ordering::Relaxed);
        if written.is_err() {
            return;
        }
    }
}
