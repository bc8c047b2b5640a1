//! What all viewers together got: counters that their tasks add to and the report reads.

use super::clock;
use super::histogram::Histogram;
use crate::limits::{LOAD_REASON_CHARS, LOAD_REASONS, LOAD_STALL};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Counters,
    /// Viewers that get media now.
    playing: AtomicU64,
    failed: AtomicU64,
    /// Frames on their way are timed only while this holds: what a newcomer gets of the past is not late.
    measuring: AtomicBool,
    pub(super) latency: Histogram,
    pub(super) first_media: Histogram,
    pub(super) first_keyframe: Histogram,
    /// Each with how often it came.
    reasons: Mutex<Vec<(String, u64)>>,
}

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    packets: AtomicU64,
    frames: AtomicU64,
    lost: AtomicU64,
    requests: AtomicU64,
    stalls: AtomicU64,
}

/// What was counted up to a moment, or between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Payload and headers of the media's own protocol: RTP or HTTP bodies.
    pub(super) bytes: u64,
    pub(super) packets: u64,
    /// Of video.
    pub(super) frames: u64,
    pub(super) lost: u64,
    /// HTTP requests for media and playlists.
    pub(super) requests: u64,
    pub(super) stalls: u64,
}

impl Counts {
    /// What came since `earlier`. A packet that came late is taken from the lost ones, even from those counted earlier.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            packets: self.packets.saturating_sub(earlier.packets),
            frames: self.frames.saturating_sub(earlier.frames),
            lost: self.lost.saturating_sub(earlier.lost),
            requests: self.requests.saturating_sub(earlier.requests),
            stalls: self.stalls.saturating_sub(earlier.stalls),
        }
    }
}

impl Tally {
    pub(super) fn counts(&self) -> Counts {
        let Counters { bytes, packets, frames, lost, requests, stalls } = &self.counts;
        let [bytes, packets, frames, lost, requests, stalls] =
            [bytes, packets, frames, lost, requests, stalls].map(|counter| counter.load(Relaxed));
        Counts { bytes, packets, frames, lost, requests, stalls }
    }

    pub(super) fn playing(&self) -> u64 {
        self.playing.load(Relaxed)
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    pub(super) fn measure(&self, measuring: bool) {
        self.measuring.store(measuring, Relaxed);
    }

    /// The first few reasons why viewers failed, each with how many gave it.
    pub(super) fn reasons(&self) -> Vec<(String, u64)> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_reason(&self, reason: &str) {
        let reason: String = reason.chars().take(LOAD_REASON_CHARS).collect();
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = reasons.iter_mut().find(|(known, _)| *known == reason) {
            *count += 1;
        } else if reasons.len() < LOAD_REASONS {
            reasons.push((reason, 1));
        }
    }
}

/// One viewer's place: what it tells the [`Tally`].
#[derive(Debug)]
pub(super) struct Seat {
    tally: Arc<Tally>,
    began: Instant,
    /// When media last came; `None` before the first.
    last_media: Option<Instant>,
    has_keyframe: bool,
}

impl Seat {
    /// A viewer that begins now.
    pub(super) fn new(tally: Arc<Tally>, now: Instant) -> Self {
        Self { tally, began: now, last_media: None, has_keyframe: false }
    }

    /// Some media came of a stream that never pauses. Call it once for what was read at once.
    pub(super) fn media(&mut self, now: Instant, counts: Counts) {
        if self.last_media.is_some_and(|last| now.saturating_duration_since(last) > LOAD_STALL) {
            self.stalled();
        }
        self.fetched(now, counts);
    }

    /// Some media came that is asked for piece by piece: whoever asks knows when the picture stands.
    pub(super) fn fetched(&mut self, now: Instant, counts: Counts) {
        if self.last_media.replace(now).is_none() {
            self.tally.first_media.note(now.saturating_duration_since(self.began));
            self.tally.playing.fetch_add(1, Relaxed);
        }
        let to = &self.tally.counts;
        to.bytes.fetch_add(counts.bytes, Relaxed);
        for (counter, count) in
            [(&to.packets, counts.packets), (&to.frames, counts.frames), (&to.requests, counts.requests)]
        {
            if count > 0 {
                counter.fetch_add(count, Relaxed);
            }
        }
    }

    /// The picture stood still.
    pub(super) fn stalled(&self) {
        self.tally.counts.stalls.fetch_add(1, Relaxed);
    }

    /// A request without media: a playlist.
    pub(super) fn requested(&self, bytes: u64) {
        self.tally.counts.requests.fetch_add(1, Relaxed);
        self.tally.counts.bytes.fetch_add(bytes, Relaxed);
    }

    /// So many packets are missing; fewer than none if one of those came late.
    pub(super) fn lost(&self, packets: i64) {
        let lost = &self.tally.counts.lost;
        let change = |lost: u64| lost.checked_add_signed(packets);
        // It never fails but where less than nothing would be lost.
        let _ = lost.fetch_update(Relaxed, Relaxed, change);
    }

    /// A keyframe began.
    pub(super) fn keyframe(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.has_keyframe, true) {
            self.tally.first_keyframe.note(now.saturating_duration_since(self.began));
        }
    }

    /// A frame came that was sent at `sent_ns` of the monotonic clock.
    pub(super) fn clock(&self, sent_ns: u64) {
        if self.tally.measuring.load(Relaxed) {
            self.tally.latency.note(Duration::from_nanos(clock::now_ns().saturating_sub(sent_ns)));
        }
    }

    /// Whether any media came.
    pub(super) fn is_playing(&self) -> bool {
        self.last_media.is_some()
    }

    /// The viewer failed, for a reason that is a sentence.
    pub(super) fn failed(self, reason: &str) {
        self.tally.failed.fetch_add(1, Relaxed);
        self.tally.note_reason(reason);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_playing() {
            self.tally.playing.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Seat, Tally};
    use std::sync::Arc;
    use std::time::Duration;
    use yeoul_testkit::epoch;

    const SOME: Counts = Counts { bytes: 1000, packets: 2, frames: 1, lost: 0, requests: 0, stalls: 0 };

    #[test]
    fn first_media_and_stalls_are_noted() {
        let tally = Arc::new(Tally::default());
        let mut seat = Seat::new(Arc::clone(&tally), epoch());
        let at = |ms| epoch() + Duration::from_millis(ms);
        seat.media(at(120), SOME);
        seat.keyframe(at(130));
        seat.keyframe(at(900));
        seat.media(at(900), SOME);
        seat.media(at(2_500), SOME);
        assert_eq!(tally.counts(), Counts { bytes: 3000, packets: 6, frames: 3, stalls: 1, ..SOME });
        assert_eq!(tally.first_media.most_ms(), Some(120.0));
        assert_eq!((tally.first_keyframe.count(), tally.first_keyframe.most_ms()), (1, Some(130.0)));
        assert_eq!(tally.playing(), 1);
        seat.failed("the server closed the connection");
        assert_eq!((tally.playing(), tally.failed()), (0, 1));
        assert_eq!(tally.reasons(), [("the server closed the connection".to_owned(), 1)]);
    }

    #[test]
    fn a_late_packet_is_not_lost() {
        let tally = Arc::new(Tally::default());
        let seat = Seat::new(Arc::clone(&tally), epoch());
        seat.lost(3);
        seat.lost(-1);
        assert_eq!(tally.counts().lost, 2);
        seat.lost(-5);
        assert_eq!(tally.counts().lost, 2, "never below none");
    }

    #[test]
    fn reasons_are_few() {
        let tally = Arc::new(Tally::default());
        for number in 0..100 {
            Seat::new(Arc::clone(&tally), epoch()).failed(&format!("reason {}", number % 20));
        }
        assert_eq!(tally.reasons().len(), crate::limits::LOAD_REASONS);
        assert_eq!(tally.reasons()[0], ("reason 0".to_owned(), 5));
    }
}
