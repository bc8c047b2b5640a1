//! The time in which the camera is away: gaps go on in its place (RFC 8216bis §4.4.4.7, §6.2.1).

use crate::segment::{Head, OpenSegment, Part};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::Timestamp;

/// From the end of the last frame until the camera is back.
#[derive(Debug)]
pub(super) struct Absence {
    /// Where the gap in progress begins.
    pub(super) start: Timestamp,
    /// Where the last absent part ends; `start` without parts.
    pub(super) told: Timestamp,
    /// What the playlist says of the gap in progress.
    pub(super) listed: OpenSegment,
    /// Which time it was when the last frame ended.
    since: (Timestamp, Instant),
}

impl Absence {
    /// Nothing since media time `start`, which was at `at`.
    pub(super) fn new(start: Timestamp, at: Instant, head: Head) -> Self {
        Self { start, told: start, listed: open(head), since: (start, at) }
    }

    /// Where the last frame ended.
    pub(super) fn start_of_all(&self) -> Timestamp {
        self.since.0
    }

    /// The media time at `now`.
    pub(super) fn time(&self, now: Instant) -> Timestamp {
        self.since.0 + now.saturating_duration_since(self.since.1)
    }

    /// When the media time will be `time`.
    pub(super) fn moment(&self, time: Timestamp) -> Instant {
        self.since.1 + time.saturating_since(self.since.0)
    }

    /// An absent part of this length.
    pub(super) fn put_part(&mut self, number: u64, duration: Duration) {
        self.told = self.told + duration;
        self.listed.parts.push(Arc::new(Part {
            number,
            duration,
            independent: false,
            gap: true,
            bytes: Bytes::new(),
        }));
    }

    /// Time up to `time` is not told.
    pub(super) fn skip_to(&mut self, time: Timestamp) {
        self.start = time;
        self.told = time;
    }

    /// The gap in progress is over at `end`; the next one begins there. Its length and what was listed of it.
    pub(super) fn cut(&mut self, end: Timestamp, next: Head) -> (Duration, OpenSegment) {
        let length = end.saturating_since(self.start);
        self.start = end;
        self.told = end;
        (length, std::mem::replace(&mut self.listed, open(next)))
    }
}

fn open(head: Head) -> OpenSegment {
    OpenSegment { head, parts: Vec::new() }
}
