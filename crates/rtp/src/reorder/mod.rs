//! Packets of one sender back in the order they were sent (RFC 3550 §A.1).
//!
//! [`Reorder`] is for UDP, [`GapDetector`] for transports that keep the order.

use crate::limits::{MAX_DROPOUT, MAX_MISORDER, REORDER_PACKETS, REORDER_WAIT};
use crate::packet::{Header, Packet};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// A bounded buffer that gives packets in the order of their sequence numbers.
///
/// A packet waits for earlier ones at most [`REORDER_WAIT`], or what [`Reorder::set_wait`] says, and at most [`REORDER_PACKETS`] wait. A repeated packet, or one
/// that comes after its place was given up, is dropped and counted. A packet of another SSRC, or whose sequence number is
/// far off, is kept aside: if the next one of its kind follows it directly, the sender has started again, and they are
/// given as after a loss (RFC 3550 §A.1 calls it probation); a single stray one is dropped.
#[derive(Debug)]
pub struct Reorder {
    wait: Duration,
    /// The sender, and the sequence number that is given next, with its wraps counted.
    next: Option<(u32, u64)>,
    /// When each packet came in, by sequence number.
    waiting: BTreeMap<u64, (Instant, Packet)>,
    /// Packets whose turn has come, and whether packets before them are missing.
    ready: VecDeque<(Packet, bool)>,
    /// The next packet given is the first after a restart.
    restarted: bool,
    stray: Option<Packet>,
    dropped: u64,
    restarts: u64,
}

impl Default for Reorder {
    fn default() -> Self {
        Self {
            wait: REORDER_WAIT,
            next: None,
            waiting: BTreeMap::new(),
            ready: VecDeque::new(),
            restarted: false,
            stray: None,
            dropped: 0,
            restarts: 0,
        }
    }
}

impl Reorder {
    /// How long packets wait from now on: longer than [`REORDER_WAIT`] where those that are lost are sent again.
    pub fn set_wait(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// Takes a packet that came in at `now`.
    pub fn push(&mut self, now: Instant, packet: Packet) {
        let header = packet.header;
        let Some((ssrc, next)) = self.next else {
            self.start(&header);
            return self.insert(now, header.sequence.into(), packet);
        };
        match place(next, header.sequence).filter(|_| header.ssrc == ssrc) {
            Some(sequence) => {
                self.dropped += u64::from(self.stray.take().is_some());
                if sequence < next || self.waiting.contains_key(&sequence) {
                    self.dropped += 1;
                } else {
                    self.insert(now, sequence, packet);
                }
            }
            None => self.far_off(now, packet),
        }
    }

    /// The next packet in order, and whether packets before it are missing. Call until `None`.
    pub fn pop(&mut self, now: Instant) -> Option<(Packet, bool)> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let (ssrc, next) = self.next?;
        let (&sequence, &(arrived, _)) = self.waiting.first_key_value()?;
        let gives_up =
            || self.waiting.len() > REORDER_PACKETS || now >= self.oldest_arrival(arrived) + self.wait;
        if sequence != next && !gives_up() {
            return None;
        }
        let (_, (_, packet)) = self.waiting.pop_first()?;
        self.next = Some((ssrc, sequence + 1));
        Some((packet, std::mem::take(&mut self.restarted) || sequence != next))
    }

    /// When [`Reorder::pop`] has something to give although nothing comes in.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let (_, &(arrived, _)) = self.waiting.first_key_value()?;
        Some(self.oldest_arrival(arrived) + self.wait)
    }

    /// Packets dropped so far: repeated, too late, or stray.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How often the sender has started again with another SSRC or other sequence numbers.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// All that wait do so for the packet before the first of them: the one that came in first decides.
    fn oldest_arrival(&self, of_first: Instant) -> Instant {
        self.waiting.values().map(|(arrived, _)| *arrived).fold(of_first, Instant::min)
    }

    fn start(&mut self, header: &Header) {
        // One wrap up, so that an early packet of the start does not fall below 0.
        self.next = Some((header.ssrc, WRAP + u64::from(header.sequence)));
    }

    fn insert(&mut self, now: Instant, sequence: u64, packet: Packet) {
        let sequence = if sequence < WRAP { WRAP + sequence } else { sequence };
        self.waiting.insert(sequence, (now, packet));
    }

    /// A packet that does not fit those before it.
    fn far_off(&mut self, now: Instant, packet: Packet) {
        let follows = self.stray.as_ref().is_some_and(|stray| {
            stray.header.ssrc == packet.header.ssrc
                && stray.header.sequence.wrapping_add(1) == packet.header.sequence
        });
        let Some(stray) = self.stray.replace(packet) else { return };
        if !follows {
            self.dropped += 1;
            return;
        }
        // What waits has its turn now, with its gaps.
        while let Some((&sequence, _)) = self.waiting.first_key_value() {
            let Some((ssrc, next)) = self.next else { break };
            let Some((_, (_, packet))) = self.waiting.pop_first() else { break };
            self.ready.push_back((packet, std::mem::take(&mut self.restarted) || sequence != next));
            self.next = Some((ssrc, sequence + 1));
        }
        self.restarts += 1;
        self.restarted = true;
        self.start(&stray.header);
        let first = u64::from(stray.header.sequence);
        self.insert(now, first, stray);
        if let Some(second) = self.stray.take() {
            self.insert(now, WRAP + first + 1, second);
        }
    }
}

/// One round of the sequence numbers.
const WRAP: u64 = 1 << 16;

/// The sequence number nearest to `next` with these low 16 bits; `None` if it is too far off to be late or after a loss.
fn place(next: u64, sequence: u16) -> Option<u64> {
    let low = u16::try_from(next % WRAP).unwrap_or(0);
    let ahead = sequence.wrapping_sub(low);
    if ahead < MAX_DROPOUT {
        Some(next + u64::from(ahead))
    } else if ahead.wrapping_neg() <= MAX_MISORDER {
        next.checked_sub(ahead.wrapping_neg().into())
    } else {
        None
    }
}

/// Finds losses where the transport keeps the order (TCP): servers drop packets before they send them, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct GapDetector {
    last: Option<(u32, u16)>,
}

impl GapDetector {
    /// Whether packets between the last one and this are missing. A sender that repeats a number or counts backwards is
    /// taken as one that does not count.
    pub fn lost_before(&mut self, header: &Header) -> bool {
        let last = self.last.replace((header.ssrc, header.sequence));
        last.is_some_and(|(ssrc, sequence)| {
            let step = header.sequence.wrapping_sub(sequence);
            ssrc != header.ssrc || (2..1 << 15).contains(&step)
        })
    }
}

#[cfg(test)]
mod tests;
