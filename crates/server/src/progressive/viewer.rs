//! One who watches a shared file.

use super::live::Live;
use super::no_start;
use super::pieces::{Place, Read};
use crate::api::Pull;
use crate::limits::PROGRESSIVE_FIRST_WAIT;
use crate::outputs::{Lease, OutputError};
use axum::body::Bytes;
use axum::http::HeaderValue;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use yeoul_hub::State;

/// A place in a file that is held for as long as somebody watches.
#[derive(Debug)]
pub(super) struct Viewer {
    live: Lease<Live>,
    place: Place,
    news: watch::Receiver<u64>,
    /// Read together with what came before it.
    next: Option<Bytes>,
}

impl Viewer {
    /// Enters when there is something to start with and the camera is there; gives the file's type as well.
    ///
    /// # Errors
    /// If that does not come in time, in words.
    pub(super) async fn enter(live: Lease<Live>) -> Result<(Self, HeaderValue), OutputError> {
        let until = Instant::now() + PROGRESSIVE_FIRST_WAIT;
        let mut news = live.pieces().news();
        // What is kept of a camera that is away is no picture of now.
        while !(live.pieces().has_start() && live.stream().state() == State::Live) {
            let waited = tokio::select! {
                waited = timeout_at(until, news.changed()) => waited.is_ok(),
                over = live.over() => return Err(over),
            };
            if !waited {
                return Err(no_start(live.stream()));
            }
        }
        let (place, content_type) = live.pieces().enter();
        Ok((Self { live, place, news, next: None }, content_type))
    }
}

impl Pull for Viewer {
    async fn pull(&mut self) -> Option<Bytes> {
        if let Some(next) = self.next.take() {
            return Some(next);
        }
        loop {
            self.news.mark_unchanged();
            match self.live.pieces().read(&mut self.place) {
                Read::Bytes(before, piece) if before.is_empty() => return Some(piece),
                Read::Bytes(before, piece) => {
                    self.next = Some(piece);
                    return Some(before);
                }
                Read::End => return None,
                Read::Wait => {}
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                _ = self.live.over() => return None,
            }
        }
    }
}
