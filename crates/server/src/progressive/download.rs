//! Somebody's own file: it begins at time 0 with the last keyframe, and ends after a while if that is wished.

use super::form::Form;
use super::no_start;
use super::pieces::Piece;
use super::writer::Writer;
use crate::api::Pull;
use crate::limits::{OUTPUT_WAIT, PROGRESSIVE_END_WAIT, PROGRESSIVE_FIRST_WAIT};
use crate::outputs::OutputError;
use axum::body::Bytes;
use axum::http::HeaderValue;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use yeoul_hub::{Consumer, Event, Label, Stream};
use yeoul_media::{Frame, Timestamp};

/// A file that is written as it is read.
#[derive(Debug)]
pub(super) struct Download {
    consumer: Consumer,
    /// `None` once the file is at its end.
    writer: Option<Writer>,
    /// The stream's time at which the file begins.
    zero: Option<Timestamp>,
    duration: Option<Duration>,
    /// When it ends at the latest, whatever the camera does.
    until: Option<Instant>,
    ready: VecDeque<Bytes>,
    has_begun: bool,
}

impl Download {
    /// Joins the stream; gives the file's type as well.
    ///
    /// # Errors
    /// If the tracks cannot be had, in words.
    pub(super) async fn begin(
        stream: &Arc<Stream>,
        form: &Form,
        duration: Option<Duration>,
        label: Label,
    ) -> Result<(Self, HeaderValue), OutputError> {
        let mut joining = stream.join(form.wants(), label);
        let consumer = match timeout(OUTPUT_WAIT, joining.ready()).await {
            Ok(joined) => joined?,
            Err(_) => return Err(OutputError::Away(joining.explain())),
        };
        let writer = Writer::new(form.container, consumer.tracks()).map_err(OutputError::Failed)?;
        let content_type = writer.content_type();
        let mut download = Self {
            consumer,
            writer: Some(writer),
            zero: None,
            duration,
            until: None,
            ready: VecDeque::new(),
            has_begun: false,
        };
        // A file that would stay empty is refused in words.
        if timeout(PROGRESSIVE_FIRST_WAIT, download.fill()).await.is_err() {
            return Err(no_start(stream));
        }
        download.until = duration.map(|duration| Instant::now() + duration + PROGRESSIVE_END_WAIT);
        Ok((download, content_type))
    }

    /// Takes frames until there is something to send, or the file is at its end.
    async fn fill(&mut self) {
        while self.ready.is_empty() && self.writer.is_some() {
            match self.consumer.next().await {
                Event::Frame(delivery) => self.take(delivery.frame),
                Event::Skipped { .. } => {}
                Event::TracksChanged | Event::Ended => self.writer = None,
            }
        }
    }

    fn take(&mut self, mut frame: Frame) {
        let zero = *self.zero.get_or_insert(frame.dts);
        if frame.dts < zero {
            return;
        }
        let moved = |time: Timestamp| Timestamp::ZERO + time.saturating_since(zero);
        (frame.dts, frame.pts) = (moved(frame.dts), moved(frame.pts));
        let end = self.duration.map(|duration| Timestamp::ZERO + duration);
        if let Some(end) = end.filter(|end| frame.dts >= *end) {
            self.finish(end);
            return;
        }
        let Some(writer) = &mut self.writer else { return };
        let (ready, has_begun) = (&mut self.ready, &mut self.has_begun);
        let done = |piece: Piece| keep(ready, has_begun, piece);
        if writer.write(frame, done).is_err() {
            self.writer = None;
        }
    }

    fn finish(&mut self, end: Timestamp) {
        let Some(writer) = self.writer.take() else { return };
        let (ready, has_begun) = (&mut self.ready, &mut self.has_begun);
        writer.finish(end, |piece| keep(ready, has_begun, piece));
    }
}

/// What comes before the first piece, and the piece.
fn keep(ready: &mut VecDeque<Bytes>, has_begun: &mut bool, piece: Piece) {
    match piece.start {
        Some(start) if !*has_begun => {
            *has_begun = true;
            ready.extend((!start.is_empty()).then_some(start));
        }
        // Sound before the first keyframe.
        None if !*has_begun => return,
        Some(_) | None => {}
    }
    ready.push_back(piece.bytes);
}

impl Pull for Download {
    async fn pull(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            match self.until {
                None => self.fill().await,
                Some(until) => {
                    if timeout_at(until, self.fill()).await.is_err() {
                        let end = self.duration.unwrap_or_default();
                        self.finish(Timestamp::ZERO + end);
                    }
                }
            }
        }
        self.ready.pop_front()
    }
}
