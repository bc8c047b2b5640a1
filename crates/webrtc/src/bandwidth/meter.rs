//! What a line carries, measured by what the viewer says of each packet's arrival.
//!
//! A packet's way takes the line's own delay and the time it waits in front of the narrowest place. The least way of all
//! is the line's own delay; where even the luckiest packet of a while takes longer, there is a queue that does not get
//! shorter, and what arrives in a second is then all that the line carries. The two clocks need not agree: only
//! differences count. (The idea is that of draft-ietf-rmcat-gcc-02; a camera cannot be told to send less, so that a
//! standing queue is looked for and not its first beginnings.)

use crate::limits::{
    ACKNOWLEDGED_PACKETS, BASE_WINDOW, CLOCK_RESET, MIN_RATE_WINDOW, QUEUE_WINDOW, RATE_WINDOW,
    TRIAL_QUEUE_WINDOW, UNREPORTED_PACKETS,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use yeoul_rtp::rtcp::Arrivals;

/// How the line has been in the last second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Bits a second that arrived. Where there is a queue, this is what the line carries.
    pub delivered: f64,
    /// Share of packets that did not arrive, 0 to 1.
    pub loss: f64,
    /// How long the luckiest packet of [`QUEUE_WINDOW`] waited on its way.
    pub queue: Duration,
    /// The same of [`TRIAL_QUEUE_WINDOW`].
    pub latest_queue: Duration,
    /// Share of packets of [`QUEUE_WINDOW`] that did not arrive.
    pub latest_loss: f64,
}

/// A packet of which nothing has been heard.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Duration,
    bytes: u16,
    reported: bool,
}

/// A packet of which the viewer has told.
#[derive(Clone, Copy, Debug)]
struct Told {
    sent: Duration,
    arrived: Option<Duration>,
    bytes: u16,
    /// From sending to arrival, in nanoseconds, on two clocks that do not agree.
    way: i64,
}

/// Numbers packets, and measures by the answers.
#[derive(Debug)]
pub(crate) struct Meter {
    started: Instant,
    /// Number of the next packet.
    next: u16,
    /// The latest packets, up to `next`.
    sent: VecDeque<Sent>,
    told: VecDeque<Told>,
    base: Base,
}

/// The least way of packets in the last one or two windows: a path that changes may have a longer one.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    since: Option<Duration>,
    least: Option<i64>,
    least_before: Option<i64>,
}

impl Base {
    fn push(&mut self, sent: Duration, way: i64) {
        if self.since.is_none_or(|since| sent.saturating_sub(since) >= BASE_WINDOW) {
            (self.since, self.least_before, self.least) = (Some(sent), self.least, None);
        }
        self.least = Some(self.least.map_or(way, |least| least.min(way)));
    }

    fn least(&self) -> Option<i64> {
        self.least.into_iter().chain(self.least_before).min()
    }
}

impl Meter {
    pub(crate) fn new(now: Instant) -> Self {
        // The first number is arbitrary; from 0 it is easiest to follow.
        Self { started: now, next: 0, sent: VecDeque::new(), told: VecDeque::new(), base: Base::default() }
    }

    /// Number of a packet that is sent now.
    pub(crate) fn number(&mut self, now: Instant, bytes: usize) -> u16 {
        if self.sent.len() >= UNREPORTED_PACKETS {
            self.sent.pop_front();
        }
        let at = now.saturating_duration_since(self.started);
        self.sent.push_back(Sent { at, bytes: u16::try_from(bytes).unwrap_or(u16::MAX), reported: false });
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }

    /// Takes what the viewer tells; gives how the line is, once enough is known.
    pub(crate) fn on_arrivals(&mut self, arrivals: &Arrivals) -> Option<Reading> {
        for (number, arrived) in arrivals.packets() {
            let back = usize::from(self.next.wrapping_sub(number));
            let Some(packet) = self.sent.len().checked_sub(back).and_then(|at| self.sent.get_mut(at)) else {
                continue;
            };
            if std::mem::replace(&mut packet.reported, true) {
                continue;
            }
            let (sent, bytes) = (packet.at, packet.bytes);
            let way = arrived.map_or(0, |arrived| nanos(arrived).saturating_sub(nanos(sent)));
            if let Some(arrived) = arrived {
                if self.has_jumped(arrived) {
                    self.told.clear();
                    self.base = Base::default();
                }
                self.base.push(sent, way);
            }
            self.told.push_back(Told { sent, arrived, bytes, way });
        }
        while self.sent.front().is_some_and(|packet| packet.reported) {
            self.sent.pop_front();
        }
        self.forget();
        self.reading()
    }

    /// Whether the receiver's clock has started anew: its reference time wraps.
    fn has_jumped(&self, arrived: Duration) -> bool {
        let last = self.told.iter().rev().find_map(|told| told.arrived);
        last.is_some_and(|last| arrived.abs_diff(last) > CLOCK_RESET)
    }

    fn forget(&mut self) {
        let Some(newest) = self.told.back().map(|told| told.sent) else { return };
        while self.told.len() > ACKNOWLEDGED_PACKETS
            || self.told.front().is_some_and(|told| newest.saturating_sub(told.sent) > RATE_WINDOW)
        {
            self.told.pop_front();
        }
    }

    fn reading(&self) -> Option<Reading> {
        let newest = self.told.back()?.sent;
        let arrivals = || self.told.iter().filter_map(|told| Some((told.arrived?, told.bytes)));
        let (first, last) = (arrivals().map(|(at, _)| at).min()?, arrivals().map(|(at, _)| at).max()?);
        let span = last.saturating_sub(first);
        if span < MIN_RATE_WINDOW {
            return None;
        }
        // The first packet only marks the beginning.
        let bytes: u64 = arrivals().filter(|(at, _)| *at > first).map(|(_, bytes)| u64::from(bytes)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a second's bytes")]
        let delivered = bytes as f64 * 8.0 / span.as_secs_f64();
        let latest = |window| self.told.iter().filter(move |told| newest.saturating_sub(told.sent) <= window);
        let queue = |window| {
            let luckiest = latest(window).filter(|told| told.arrived.is_some()).map(|told| told.way).min();
            // Where nothing of the latest has come, the loss says it. The least of all is not more than any.
            let waited = luckiest.zip(self.base.least()).map_or(0, |(way, least)| way.saturating_sub(least));
            Duration::from_nanos(waited.unsigned_abs())
        };
        Some(Reading {
            delivered,
            loss: share_lost(self.told.iter()),
            queue: queue(QUEUE_WINDOW),
            latest_queue: queue(TRIAL_QUEUE_WINDOW),
            latest_loss: share_lost(latest(QUEUE_WINDOW)),
        })
    }
}

fn share_lost<'a>(told: impl Iterator<Item = &'a Told>) -> f64 {
    let (mut all, mut lost) = (0_u32, 0_u32);
    for packet in told {
        all += 1;
        lost += u32::from(packet.arrived.is_none());
    }
    f64::from(lost) / f64::from(all.max(1))
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
