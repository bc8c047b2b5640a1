//! What waits to be sent to one client: bytes for its connection, datagrams for its UDP ports.

use super::udp::{UdpPair, Way};
use crate::limits::{RTSP_UDP_BURST_BYTES, RTSP_UDP_BURST_PAUSE, RTSP_WRITE_BYTES, RTSP_WRITE_WAIT};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::Interest;
use tokio::net::TcpStream;
use yeoul_rtsp::Datagrams;
use yeoul_rtsp::server::Port;

/// Bytes for the control connection, in shared pieces.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pieces: VecDeque<Bytes>,
    size_bytes: usize,
    /// Since when the client takes nothing although something waits.
    stalled_since: Option<Instant>,
}

impl Stream {
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.size_bytes += piece.len();
        self.pieces.push_back(piece);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether more may be put: answers to requests, frames.
    pub(crate) fn has_room(&self) -> bool {
        self.size_bytes < RTSP_WRITE_BYTES
    }

    /// What the socket is to be watched for.
    pub(crate) fn interest(&self) -> Interest {
        match (self.has_room(), self.is_empty()) {
            (true, true) => Interest::READABLE,
            (true, false) => Interest::READABLE | Interest::WRITABLE,
            // Who does not read our answers need not ask more.
            (false, _) => Interest::WRITABLE,
        }
    }

    /// When the client has taken nothing for too long.
    pub(crate) fn gives_up_at(&self) -> Option<Instant> {
        self.stalled_since.map(|since| since + RTSP_WRITE_WAIT)
    }

    /// Writes what the socket takes, all pieces with one call.
    pub(crate) fn write(&mut self, now: Instant, socket: &TcpStream) -> io::Result<()> {
        /// Pieces in one call; a frame is one piece.
        const PIECES: usize = 32;
        while let Some(first) = self.pieces.front() {
            let wrote = if self.pieces.len() == 1 {
                // The usual case, a frame: cheaper for the kernel than a list of one.
                socket.try_write(first)
            } else {
                let mut slices: [IoSlice<'_>; PIECES] = std::array::from_fn(|_| IoSlice::new(&[]));
                for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                    *slice = IoSlice::new(piece);
                }
                let count = self.pieces.len().min(PIECES);
                socket.try_write_vectored(slices.get(..count).unwrap_or_default())
            };
            match wrote {
                Ok(written) => {
                    self.advance(written);
                    self.stalled_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalled_since.get_or_insert(now);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn advance(&mut self, mut written: usize) {
        self.size_bytes -= written.min(self.size_bytes);
        while let Some(first) = self.pieces.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.pieces.pop_front();
        }
    }
}

/// Datagrams for the client's UDP ports, sent in bursts that its receive buffer can hold.
#[derive(Debug)]
pub(super) struct Paced {
    pair: Arc<UdpPair>,
    local: IpAddr,
    client: IpAddr,
    queue: VecDeque<(Port, u16, Datagrams)>,
    /// Bytes that may still be sent before `refill_at`.
    budget_bytes: usize,
    refill_at: Instant,
}

impl Paced {
    pub(super) fn new(now: Instant, pair: Arc<UdpPair>, local: IpAddr, client: IpAddr) -> Self {
        Self {
            pair,
            local,
            client,
            queue: VecDeque::new(),
            budget_bytes: RTSP_UDP_BURST_BYTES,
            refill_at: now,
        }
    }

    pub(super) fn push(&mut self, port: Port, to: u16, datagrams: Datagrams) {
        self.queue.push_back((port, to, datagrams));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// When to go on sending.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        (!self.queue.is_empty()).then_some(self.refill_at)
    }

    /// Sends what may be sent now.
    pub(super) fn send(&mut self, now: Instant) {
        if now >= self.refill_at {
            self.budget_bytes = RTSP_UDP_BURST_BYTES;
            self.refill_at = now + RTSP_UDP_BURST_PAUSE;
        }
        while let Some((port, to, datagrams)) = self.queue.front_mut() {
            if self.budget_bytes == 0 {
                return;
            }
            // At least one datagram goes, or one above the budget would wait for ever.
            let segment = datagrams.segment_bytes.max(1);
            let share = (self.budget_bytes / segment).max(1) * segment;
            let part = datagrams.bytes.slice(..share.min(datagrams.bytes.len()));
            let part = Datagrams { bytes: part, segment_bytes: segment };
            let way = Way { local: self.local, to: SocketAddr::new(self.client, *to) };
            match self.pair.send(*port, way, &part) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.budget_bytes = 0;
                    return;
                }
                // What could not be sent is lost, as in any network.
                Ok(()) | Err(_) => {}
            }
            self.budget_bytes = self.budget_bytes.saturating_sub(part.bytes.len());
            datagrams.bytes.advance(part.bytes.len());
            if datagrams.bytes.is_empty() {
                self.queue.pop_front();
            }
        }
    }
}
