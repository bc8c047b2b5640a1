//! Goes through a Media Playlist: where to begin, what to fetch next, when to ask for the playlist again, when to give up
//! (RFC 8216 §6.3).
//!
//! The caller loops over [`Reader::poll_output`], does what it says, and tells how it went by one of the `handle_*` functions.

use super::media::{Map, Media, Segment, Start};
use crate::limits::{
    LEAST_RELOAD, LIVE_EDGE_TARGETS, MISSED_IN_A_ROW, PLAYLIST_ATTEMPTS, SEGMENT_ATTEMPTS,
    SEGMENT_RETRY_PAUSE, STALE_LEAST, STALE_TARGETS,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask for the playlist, then call [`Reader::handle_playlist`] or [`Reader::handle_no_playlist`].
    Playlist,
    /// Fetch this segment, then call [`Reader::handle_segment`] or [`Reader::handle_no_segment`].
    Segment(Box<Fetch>),
    /// Nothing until then.
    Wait(Instant),
    /// Everything has been fetched, and nothing more will come.
    End,
}

/// A segment to fetch.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// It is whole.
    pub segment: Segment,
    /// Segments with the same number have one timeline, in all renditions of a presentation.
    pub timeline: u64,
    /// It goes on where the segment fetched before ended, in the same form.
    pub continues: bool,
}

/// Why it does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The server lists nothing new.
    #[error("the playlist has had nothing new for {} s", .0.as_secs())]
    Stale(Duration),
    /// The server lists what it does not have.
    #[error("{MISSED_IN_A_ROW} segments in a row could not be had")]
    Missing,
    /// The playlist is not to be had any more.
    #[error("the playlist could not be had {PLAYLIST_ATTEMPTS} times in a row")]
    NoPlaylist,
}

/// The place of a player in a Media Playlist.
#[derive(Debug, Default)]
pub struct Reader {
    target: Duration,
    has_ended: bool,
    /// Segments that are listed and have not been fetched.
    waiting: VecDeque<Segment>,
    /// The number after the last segment listed.
    next: Option<u64>,
    /// The first number of the playlist before.
    first: u64,
    /// Segments are missing in front of the first one that waits.
    has_gap: bool,
    /// When the playlist is asked for again, and the segment.
    reload_at: Option<Instant>,
    retry_at: Option<Instant>,
    /// How often the server has begun to count anew.
    restarts: u64,
    /// Playlists in a row that were older than those before.
    older: u32,
    /// When there was something new.
    fresh_at: Option<Instant>,
    playlists_failed: u32,
    attempts: u32,
    missed_in_a_row: u32,
    missed: u64,
    /// Of the segment that was fetched last: its timeline, and where its initialization is.
    last: Option<(u64, Option<Arc<Map>>)>,
}

impl Reader {
    /// What to do now.
    #[must_use]
    pub fn poll_output(&self, now: Instant) -> Output {
        if let Some(segment) = self.waiting.front() {
            if let Some(at) = self.retry_at.filter(|&at| at > now) {
                return Output::Wait(at);
            }
            let timeline = self.timeline(segment);
            let same = self.last.as_ref().is_some_and(|last| *last == (timeline, segment.map.clone()));
            let continues = !self.has_gap && same;
            return Output::Segment(Box::new(Fetch { segment: segment.clone(), timeline, continues }));
        }
        if self.has_ended {
            return Output::End;
        }
        match self.reload_at {
            Some(at) if at > now => Output::Wait(at),
            Some(_) | None => Output::Playlist,
        }
    }

    /// Segments that could not be had so far, or were gone before they were asked for.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The playlist has come. It was asked for at `asked_at`.
    ///
    /// # Errors
    /// If there has been nothing new for too long.
    pub fn handle_playlist(
        &mut self,
        media: Media,
        asked_at: Instant,
        now: Instant,
    ) -> Result<(), ReaderError> {
        self.playlists_failed = 0;
        self.target = media.target;
        let is_new = self.take(media);
        if is_new || self.fresh_at.is_none() {
            self.fresh_at = Some(now);
        }
        // After something new a target duration from the begin of the request, else half of it (RFC 8216 §6.3.4).
        let pause = if is_new { self.target } else { self.target / 2 };
        self.reload_at = Some(asked_at + pause.max(LEAST_RELOAD));
        let patience = STALE_LEAST.max(self.target * STALE_TARGETS);
        let silence = self.fresh_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if silence > patience && !self.has_ended { Err(ReaderError::Stale(silence)) } else { Ok(()) }
    }

    /// The playlist could not be had.
    ///
    /// # Errors
    /// If that was once too often; the first one has to come at once.
    pub fn handle_no_playlist(&mut self, now: Instant) -> Result<(), ReaderError> {
        self.playlists_failed += 1;
        if self.next.is_none() || self.playlists_failed >= PLAYLIST_ATTEMPTS {
            return Err(ReaderError::NoPlaylist);
        }
        self.reload_at = Some(now + (self.target / 2).max(LEAST_RELOAD));
        Ok(())
    }

    /// The segment has come.
    pub fn handle_segment(&mut self) {
        (self.attempts, self.missed_in_a_row, self.has_gap) = (0, 0, false);
        self.last = self.waiting.pop_front().map(|segment| (self.timeline(&segment), segment.map));
        self.pass_gaps();
    }

    /// The segment could not be had; `is_gone` if it never will be.
    ///
    /// # Errors
    /// If that was one too many.
    pub fn handle_no_segment(&mut self, is_gone: bool, now: Instant) -> Result<(), ReaderError> {
        self.attempts += 1;
        if !is_gone && self.attempts < SEGMENT_ATTEMPTS {
            self.retry_at = Some(now + SEGMENT_RETRY_PAUSE);
            return Ok(());
        }
        self.attempts = 0;
        self.missed_in_a_row += 1;
        if self.missed_in_a_row >= MISSED_IN_A_ROW {
            return Err(ReaderError::Missing);
        }
        self.miss(1);
        self.waiting.pop_front();
        self.pass_gaps();
        Ok(())
    }

    fn timeline(&self, segment: &Segment) -> u64 {
        self.restarts << 48 | segment.discontinuity.min((1 << 48) - 1)
    }

    /// Takes what is new; whether anything is.
    fn take(&mut self, media: Media) -> bool {
        let first = media.segments.first().map_or(0, |segment| segment.number);
        let last = media.segments.iter().rfind(|segment| segment.whole.is_some());
        let end = last.map(|segment| segment.number.saturating_add(1));
        let mut from = match (self.next, end) {
            (None, _) => None,
            // Numbers never run back (RFC 8216 §6.2.1). An old copy out of a cache does, once; a server that counts anew stays there.
            (Some(next), Some(end)) if first < self.first && end < next => {
                self.older += 1;
                if self.older < 2 {
                    return false;
                }
                self.restarts += 1;
                self.waiting.clear();
                self.next = None;
                None
            }
            (next, _) => next,
        };
        self.older = 0;
        // A playlist that has had nothing yet has no place either.
        if end.is_none() && !media.has_ended {
            return false;
        }
        let ends_now = media.has_ended && !self.has_ended;
        (self.first, self.has_ended) = (first, media.has_ended);
        let start = *from.get_or_insert_with(|| beginning(&media));
        let mut is_new = false;
        for segment in media.segments.into_iter().filter(|segment| segment.whole.is_some()) {
            if segment.number < start {
                continue;
            }
            let missing = self.next.filter(|_| !is_new).map_or(0, |next| segment.number.saturating_sub(next));
            if missing > 0 {
                self.miss(missing);
            }
            is_new = true;
            self.waiting.push_back(segment);
        }
        self.next = Some(end.unwrap_or(start).max(start));
        self.pass_gaps();
        is_new || ends_now
    }

    fn miss(&mut self, count: u64) {
        self.has_gap = true;
        self.missed = self.missed.saturating_add(count);
    }

    /// What has no media in it is not asked for (RFC 8216bis §4.4.4.7).
    fn pass_gaps(&mut self) {
        self.retry_at = None;
        while self.waiting.front().is_some_and(|segment| segment.is_gap) {
            self.waiting.pop_front();
            self.has_gap = true;
        }
    }
}

/// The number of the segment to begin with (RFC 8216 §6.3.3): the first one of what has an end, else some target durations before the
/// newest; or where the playlist says (§4.3.5.2).
fn beginning(media: &Media) -> u64 {
    let whole =
        || media.segments.iter().filter_map(|segment| Some((segment.number, segment.whole.as_ref()?.length)));
    let before_end = match media.start {
        Some(Start::AfterBeginning(offset)) => media.length().saturating_sub(offset),
        Some(Start::BeforeEnd(offset)) => offset,
        None if media.has_ended => Duration::MAX,
        None => media.target.saturating_mul(LIVE_EDGE_TARGETS),
    };
    let mut left = media.length();
    let mut begin = whole().next().map_or(0, |(number, _)| number);
    for (number, length) in whole() {
        if left < before_end {
            break;
        }
        begin = number;
        left = left.saturating_sub(length);
    }
    begin
}

#[cfg(test)]
mod tests;
