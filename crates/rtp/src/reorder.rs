//! Packets of one sender back in the order they were sent (RFC 3550 §A.1).
//!
//! [`Reorder`] is for UDP, [`GapDetector`] for transports that keep the order.

use crate::{Header, Packet};
use std::time::Instant;

/// A bounded buffer that gives packets in the order of their sequence numbers.
#[derive(Debug, Default)]
pub struct Reorder {}

impl Reorder {
    /// Takes a packet that came in at `now`.
    pub fn push(&mut self, now: Instant, packet: Packet) {
        let _ = (now, packet);
        unimplemented!()
    }

    /// The next packet in order, and whether packets before it are missing. Call until `None`.
    pub fn pop(&mut self, now: Instant) -> Option<(Packet, bool)> {
        let _ = now;
        unimplemented!()
    }

    /// When [`Reorder::pop`] has something to give although nothing comes in.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }
}

/// Finds losses where the transport keeps the order (TCP): servers drop packets before they send them, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct GapDetector {}

impl GapDetector {
    /// Whether packets between the last one and this are missing.
    pub fn lost_before(&mut self, header: &Header) -> bool {
        let _ = header;
        unimplemented!()
    }
}
