//! A one-way datagram link on a virtual clock that does to packets what a network does.

use crate::Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What a link does to datagrams. The default is a perfect link: at once, all of them, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link {
    /// Time that every datagram takes.
    pub delay: Duration,
    /// Random additional time, `0..=jitter`; alone it never changes the order.
    pub jitter: Duration,
    /// Share of datagrams that vanish, 0.0 to 1.0.
    pub loss: f64,
    /// Share of datagrams that arrive twice.
    pub duplicate: f64,
    /// Share of datagrams that are held back by `reorder_by`, so that later ones overtake them.
    pub reorder: f64,
    /// How long a reordered datagram is held back.
    pub reorder_by: Duration,
    /// Bits a second that the narrowest place carries; none is as narrow as this where it is `None`.
    pub bits_per_second: Option<u64>,
    /// How long a datagram waits in front of it at most; those that would have to wait longer vanish.
    pub queue: Duration,
}

/// One direction between two sans-IO sessions: `push` what one sends, `pop` what the other receives.
#[derive(Debug)]
pub struct LossyLink {
    link: Link,
    rng: Rng,
    /// In order of arrival; the number keeps datagrams of one instant apart and in order.
    queue: BTreeMap<(Instant, u64), Vec<u8>>,
    count: u64,
    last_in_order: Option<Instant>,
    /// When the narrowest place has sent all that it has taken.
    free_at: Option<Instant>,
    lost: u64,
}

impl LossyLink {
    /// A link whose chances come from `seed`.
    pub const fn new(link: Link, seed: u64) -> Self {
        Self {
            link,
            rng: Rng::new(seed),
            queue: BTreeMap::new(),
            count: 0,
            last_in_order: None,
            free_at: None,
            lost: 0,
        }
    }

    /// Changes what happens to datagrams sent from now on; those on their way keep theirs.
    pub const fn set(&mut self, link: Link) {
        self.link = link;
    }

    /// Sends a datagram at `now`.
    pub fn push(&mut self, now: Instant, bytes: impl Into<Vec<u8>>) {
        if self.rng.chance(self.link.loss) {
            self.lost += 1;
            return;
        }
        let bytes = bytes.into();
        let Some(now) = self.squeeze(now, bytes.len()) else {
            self.lost += 1;
            return;
        };
        if self.rng.chance(self.link.duplicate) {
            self.enqueue(now, bytes.clone());
        }
        self.enqueue(now, bytes);
    }

    /// The next datagram that has arrived by `now`, if there is one.
    pub fn pop(&mut self, now: Instant) -> Option<Vec<u8>> {
        let entry = self.queue.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// When the next datagram arrives; `None` while nothing is on its way.
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// How many datagrams this link has lost.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// When a datagram is through the narrowest place; `None` if it has no room to wait.
    fn squeeze(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let Some(rate) = self.link.bits_per_second else { return Some(now) };
        let free_at = self.free_at.map_or(now, |at| at.max(now));
        if free_at - now > self.link.queue {
            return None;
        }
        let takes = Duration::from_nanos(bytes as u64 * 8_000_000_000 / rate.max(1));
        self.free_at = Some(free_at + takes);
        self.free_at
    }

    fn enqueue(&mut self, now: Instant, bytes: Vec<u8>) {
        let jitter_us = u64::try_from(self.link.jitter.as_micros()).unwrap_or(u64::MAX - 1);
        let jitter = Duration::from_micros(self.rng.below(jitter_us + 1));
        let mut at = now + self.link.delay + jitter;
        if self.rng.chance(self.link.reorder) {
            at += self.link.reorder_by;
        } else {
            at = self.last_in_order.map_or(at, |last| last.max(at));
            self.last_in_order = Some(at);
        }
        self.queue.insert((at, self.count), bytes);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch;

    const MS: Duration = Duration::from_millis(1);

    /// Sends the datagrams 0, 1, 2, … 1 ms apart and returns the first byte of each that arrives, in order.
    fn carry(link: Link, count: u8) -> Vec<u8> {
        let mut wire = LossyLink::new(link, 3);
        for n in 0..count {
            wire.push(epoch() + MS * u32::from(n), [n]);
        }
        let mut arrived = Vec::new();
        while let Some(at) = wire.next_at() {
            let bytes = wire.pop(at).expect("next_at names a datagram's arrival");
            arrived.push(bytes[0]);
        }
        arrived
    }

    #[test]
    fn perfect_link_keeps_all_in_order() {
        assert_eq!(carry(Link::default(), 5), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn delay_holds_back_until_its_time() {
        let mut wire = LossyLink::new(Link { delay: 20 * MS, ..Link::default() }, 1);
        wire.push(epoch(), *b"x");
        assert_eq!(wire.next_at(), Some(epoch() + 20 * MS));
        assert_eq!(wire.pop(epoch() + 19 * MS), None);
        assert_eq!(wire.pop(epoch() + 20 * MS), Some(b"x".to_vec()));
        assert_eq!(wire.next_at(), None);
    }

    #[test]
    fn jitter_alone_keeps_the_order() {
        let arrived = carry(Link { jitter: 50 * MS, ..Link::default() }, 200);
        assert!(arrived.is_sorted());
        assert_eq!(arrived.len(), 200);
    }

    #[test]
    fn a_narrow_link_delays_and_then_loses() {
        let narrow = Link { bits_per_second: Some(8_000), queue: 5 * MS, ..Link::default() };
        let mut wire = LossyLink::new(narrow, 1);
        for n in 0..10 {
            wire.push(epoch(), [n]);
        }
        let arrivals: Vec<_> = std::iter::from_fn(|| {
            let at = wire.next_at()?;
            wire.pop(at).map(|bytes| (bytes[0], (at - epoch()).as_millis()))
        })
        .collect();
        assert_eq!(arrivals, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]);
        assert_eq!(wire.lost(), 4);
    }

    #[test]
    fn reordered_datagrams_arrive_later() {
        let arrived = carry(Link { reorder: 0.2, reorder_by: 5 * MS, ..Link::default() }, 200);
        assert!(!arrived.is_sorted());
        assert_eq!(arrived.len(), 200);
    }

    #[test]
    fn lost_and_doubled_datagrams_are_as_many_as_asked_for() {
        let arrived = carry(Link { loss: 0.1, ..Link::default() }, 250);
        assert!((210..240).contains(&arrived.len()), "{} of 250 at 10 % loss", arrived.len());
        let arrived = carry(Link { duplicate: 0.1, ..Link::default() }, 250);
        assert!((260..290).contains(&arrived.len()), "{} of 250 at 10 % doubled", arrived.len());
    }
}
