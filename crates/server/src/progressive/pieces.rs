//! The latest pieces of an endless file, in order, each stored once whoever reads it.
//!
//! It keeps what has come since the last piece that a newcomer can start from, and [`PROGRESSIVE_LAG`] before that for those
//! who are a little behind, within [`PROGRESSIVE_BYTES`]. A place in it is all that a viewer has.

use crate::limits::{PROGRESSIVE_BYTES, PROGRESSIVE_LAG};
use axum::body::Bytes;
use axum::http::HeaderValue;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// A piece as a writer makes it.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// What a player needs before this piece, if it is one that a player can start from: empty where it needs nothing.
    pub(super) start: Option<Bytes>,
    /// When its last frame came in.
    pub(super) received_at: Instant,
}

/// The latest pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    latest: Mutex<Latest>,
    /// Changes when there is something new to read.
    news: watch::Sender<u64>,
}

#[derive(Debug)]
struct Latest {
    pieces: VecDeque<(u32, Piece)>,
    /// Index of the first of them.
    first: u64,
    bytes: usize,
    /// Index of the last one that a player can start from.
    start: Option<u64>,
    /// Which file they belong to: a player that has begun one cannot go on with the next.
    file: u32,
    content_type: HeaderValue,
    over: bool,
}

/// A viewer's place: the piece that it reads next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    next: u64,
    file: u32,
    /// It goes on at a piece to start from, and needs what comes before that if it has read nothing yet.
    needs_start: bool,
    has_begun: bool,
}

/// What a viewer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// These bytes, one after the other; the first may be empty.
    Bytes(Bytes, Bytes),
    /// Nothing yet.
    Wait,
    /// The file has ended.
    End,
}

impl Pieces {
    /// None yet; whoever reads gets this type.
    pub(super) fn new(content_type: HeaderValue) -> Self {
        let latest = Latest {
            pieces: VecDeque::new(),
            first: 0,
            bytes: 0,
            start: None,
            file: 0,
            content_type,
            over: false,
        };
        Self { latest: Mutex::new(latest), news: watch::Sender::new(0) }
    }

    /// Whoever reads the present file comes to its end; newcomers get another one.
    pub(super) fn next_file(&self, content_type: HeaderValue) {
        let mut latest = self.lock();
        latest.file = latest.file.wrapping_add(1);
        latest.start = None;
        latest.content_type = content_type;
        drop(latest);
        self.news.send_modify(|_| {});
    }

    /// Newcomers are told this type from now on.
    pub(super) fn set_content_type(&self, content_type: HeaderValue) {
        self.lock().content_type = content_type;
    }

    /// Adds a piece.
    pub(super) fn push(&self, piece: Piece) {
        let head = {
            let mut latest = self.lock();
            latest.bytes += piece.bytes.len();
            if piece.start.is_some() {
                latest.start = Some(latest.head());
            }
            let file = latest.file;
            latest.pieces.push_back((file, piece));
            latest.trim();
            latest.head()
        };
        self.news.send_replace(head);
    }

    /// There will be no more.
    pub(super) fn close(&self) {
        self.lock().over = true;
        self.news.send_modify(|_| {});
    }

    /// Changes when there is something new to read.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Whether a newcomer has something to read at once.
    pub(super) fn has_start(&self) -> bool {
        self.lock().start.is_some()
    }

    /// Where a newcomer starts, and what it will read.
    pub(super) fn enter(&self) -> (Place, HeaderValue) {
        let latest = self.lock();
        let next = latest.start.unwrap_or(latest.head());
        let place = Place { next, file: latest.file, needs_start: true, has_begun: false };
        (place, latest.content_type.clone())
    }

    /// The next bytes at `place`, which moves on.
    pub(super) fn read(&self, place: &mut Place) -> Read {
        let latest = self.lock();
        if latest.is_behind(place.next) {
            place.next = latest.start.unwrap_or(latest.head());
            place.needs_start = true;
        }
        while let Some((file, piece)) = latest.get(place.next) {
            if *file != place.file {
                return Read::End;
            }
            place.next += 1;
            match &piece.start {
                Some(start) => {
                    let before = if place.has_begun { Bytes::new() } else { start.clone() };
                    (place.needs_start, place.has_begun) = (false, true);
                    return Read::Bytes(before, piece.bytes.clone());
                }
                None if place.needs_start => {}
                None => return Read::Bytes(Bytes::new(), piece.bytes.clone()),
            }
        }
        if latest.over || latest.file != place.file { Read::End } else { Read::Wait }
    }

    fn lock(&self) -> MutexGuard<'_, Latest> {
        // Nothing panics while it holds them; were it to, the pieces are still whole.
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Latest {
    fn head(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    fn get(&self, index: u64) -> Option<&(u32, Piece)> {
        self.pieces.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    /// Whether a reader there has lost what comes next, or is so late that it had better go on at the last start.
    fn is_behind(&self, next: u64) -> bool {
        let late = || {
            let times = self.pieces.back().zip(self.get(next));
            times.is_some_and(|((_, newest), (_, at))| {
                newest.received_at.saturating_duration_since(at.received_at) > PROGRESSIVE_LAG
            })
        };
        next < self.first || (self.start.is_some_and(|start| start > next) && late())
    }

    fn trim(&mut self) {
        while let (Some((_, oldest)), Some((_, newest))) = (self.pieces.front(), self.pieces.back()) {
            let age = newest.received_at.saturating_duration_since(oldest.received_at);
            let wanted = age <= PROGRESSIVE_LAG || self.start.is_some_and(|start| start <= self.first);
            // The newest always stays, or one that is larger than the bound would never be seen.
            if self.pieces.len() == 1 || (wanted && self.bytes <= PROGRESSIVE_BYTES) {
                return;
            }
            self.bytes -= oldest.bytes.len();
            self.pieces.pop_front();
            self.first += 1;
            self.start = self.start.filter(|&start| start >= self.first);
        }
    }
}
