//! The segments that are listed, and those that can still be fetched (RFC 8216bis §6.2.2).

use crate::promise::Promise;
use crate::segment::Segment;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The latest segments of one playlist.
#[derive(Debug)]
pub(crate) struct Window {
    listed: VecDeque<Arc<Segment>>,
    /// Removed from the playlist, oldest first; a client may have just read a playlist that had them.
    kept: VecDeque<Arc<Segment>>,
    /// Bytes of both.
    bytes: usize,
    max_bytes: usize,
    /// The Media Sequence Number of the next segment.
    next_msn: u64,
    /// The Discontinuity Sequence Number in front of the first listed segment.
    discontinuity_sequence: u64,
    /// Length of the longest playlist so far.
    longest: Duration,
}

impl Window {
    pub(crate) fn new(first_msn: u64, discontinuity_sequence: u64, max_bytes: usize) -> Self {
        Self {
            listed: VecDeque::new(),
            kept: VecDeque::new(),
            bytes: 0,
            max_bytes,
            next_msn: first_msn,
            discontinuity_sequence,
            longest: Duration::ZERO,
        }
    }

    /// Adds a complete segment and lets go of the oldest: at least `wanted` remains listed, and never less than three target
    /// durations (RFC 8216bis §6.2.2), unless memory forbids it. Before there is a promise, all remains listed.
    pub(crate) fn push(&mut self, segment: Arc<Segment>, wanted: Duration, promise: Option<&Promise>) {
        self.next_msn = segment.msn + 1;
        self.bytes += segment.size_bytes;
        self.listed.push_back(segment);
        let least = promise.map_or(Duration::MAX, |promise| wanted.max(promise.target() * 3));
        let mut duration = self.duration();
        while let Some(first) = self.listed.front() {
            if duration - first.duration < least {
                break;
            }
            duration -= first.duration;
            self.unlist();
        }
        self.longest = self.longest.max(duration);
        self.let_go();
    }

    /// Adds an absent segment in front of all others, whose number was left free for it.
    pub(crate) fn push_leading(&mut self, segment: Arc<Segment>) {
        self.listed.push_front(segment);
    }

    /// The oldest listed segment is removed from the playlist.
    fn unlist(&mut self) {
        if let Some(first) = self.listed.pop_front() {
            self.discontinuity_sequence += u64::from(first.head.discontinuity);
            self.kept.push_back(first);
        }
    }

    /// What was removed can be fetched for as long as the longest playlist, then it goes. Bytes are bounded in any case.
    fn let_go(&mut self) {
        let mut duration: Duration = self.kept.iter().map(|segment| segment.duration).sum();
        while let Some(first) = self.kept.front() {
            if duration - first.duration < self.longest && self.bytes <= self.max_bytes {
                break;
            }
            duration -= first.duration;
            self.bytes -= first.size_bytes;
            self.kept.pop_front();
        }
        while self.bytes > self.max_bytes && self.listed.len() > 1 {
            self.unlist();
            if let Some(first) = self.kept.pop_front() {
                self.bytes -= first.size_bytes;
            }
        }
    }

    /// Length of the listed segments.
    pub(crate) fn duration(&self) -> Duration {
        self.listed.iter().map(|segment| segment.duration).sum()
    }

    pub(crate) fn listed(&self) -> &VecDeque<Arc<Segment>> {
        &self.listed
    }

    /// Everything that can be fetched, oldest first: Media Sequence Numbers without a gap.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.kept.iter().chain(&self.listed)
    }

    pub(crate) fn next_msn(&self) -> u64 {
        self.next_msn
    }

    pub(crate) fn discontinuity_sequence(&self) -> u64 {
        self.discontinuity_sequence
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Head;
    use bytes::Bytes;

    const PROMISE: Promise = Promise { target_duration: 2, part_target: None, part_hold_back: None };

    fn segment(msn: u64, seconds: u64, discontinuity: bool, size_bytes: usize) -> Arc<Segment> {
        Arc::new(Segment {
            msn,
            duration: Duration::from_secs(seconds),
            pieces: vec![Bytes::new()],
            size_bytes,
            parts: Vec::new(),
            head: Head { discontinuity, init: None, date: yeoul_testkit::wall_epoch() },
            gap: false,
        })
    }

    fn msns<'a>(segments: impl IntoIterator<Item = &'a Arc<Segment>>) -> Vec<u64> {
        segments.into_iter().map(|segment| segment.msn).collect()
    }

    #[test]
    fn three_target_durations_remain_and_removed_segments_can_be_fetched_for_another_playlist() {
        let mut window = Window::new(7, 3, usize::MAX);
        for msn in 7..=20 {
            window.push(segment(msn, 2, msn == 8, 1), Duration::from_secs(1), Some(&PROMISE));
        }
        assert_eq!(msns(window.listed()), [18, 19, 20]);
        assert_eq!(msns(window.all()), [15, 16, 17, 18, 19, 20]);
        assert_eq!((window.next_msn(), window.discontinuity_sequence()), (21, 4));
    }

    #[test]
    fn as_much_is_listed_as_was_wanted() {
        let mut window = Window::new(0, 0, usize::MAX);
        for msn in 0..30 {
            window.push(segment(msn, 2, false, 1), Duration::from_secs(11), Some(&PROMISE));
        }
        assert_eq!(window.listed().len(), 6);
    }

    #[test]
    fn memory_is_bounded_before_anything_else() {
        let mut window = Window::new(0, 0, 100);
        for msn in 0..10 {
            window.push(segment(msn, 2, false, 40), Duration::from_secs(60), Some(&PROMISE));
            assert!(window.bytes() <= 100);
        }
        assert_eq!(msns(window.all()), [8, 9]);
        window.push(segment(10, 2, false, 500), Duration::from_secs(60), Some(&PROMISE));
        assert_eq!(msns(window.all()), [10], "a segment is served even where it alone is too large");
    }
}
