//! A stream at one moment, for the API.

use crate::consumer::Counters;
use crate::producer::ProducerCounters;
use crate::status::SlotStatus;
use crate::{Label, State, Stream};
use std::sync::atomic::{AtomicU64, Ordering};
use yeoul_media::Track;

/// A stream at one moment.
#[derive(Clone, Debug)]
pub struct StreamSnapshot {
    /// What the stream as a whole is doing.
    pub state: State,
    /// What went wrong last, while nothing is live: also while the next attempt runs.
    pub reason: Option<String>,
    /// The configured sources in their order, then the external publisher if there is one.
    pub sources: Vec<SourceSnapshot>,
    /// The consumers, oldest first.
    pub consumers: Vec<ConsumerSnapshot>,
    /// Bytes of frames kept.
    pub ring_bytes: usize,
}

/// A source at one moment.
#[derive(Clone, Debug)]
pub struct SourceSnapshot {
    /// What it is doing.
    pub state: State,
    /// What went wrong last, while it is not live.
    pub reason: Option<String>,
    /// How far the present attempt has come, while it is being connected.
    pub progress: Option<String>,
    /// Its tracks, or those it had while it is away.
    pub tracks: Vec<Track>,
    /// The live connection.
    pub label: Option<Label>,
    /// Frames the live connection has given.
    pub frames: u64,
    /// Bytes of those frames.
    pub bytes: u64,
}

/// A consumer at one moment.
#[derive(Clone, Debug)]
pub struct ConsumerSnapshot {
    /// Unique within the stream.
    pub id: u64,
    /// Who it is.
    pub label: Label,
    /// The tracks it gets.
    pub tracks: Vec<Track>,
    /// Frames it has taken.
    pub frames: u64,
    /// Bytes of those frames.
    pub bytes: u64,
    /// Frames it has missed by being slow.
    pub skipped: u64,
}

impl Stream {
    /// The stream at this moment.
    #[must_use]
    pub fn snapshot(&self) -> StreamSnapshot {
        let (state, reason, mut sources) = {
            let status = self.status.borrow();
            let sources: Vec<_> = status.slots.iter().map(SourceSnapshot::of).collect();
            (status.state(), status.reason(), sources)
        };
        // The external slot is told of only while somebody publishes.
        if sources.last().is_some_and(|external| external.label.is_none()) {
            sources.pop();
        }
        let consumers =
            self.lock_consumers().iter().map(|(&id, counters)| ConsumerSnapshot::of(id, counters)).collect();
        StreamSnapshot { state, reason, sources, consumers, ring_bytes: self.lock_ring().bytes() }
    }
}

impl SourceSnapshot {
    fn of(slot: &SlotStatus) -> Self {
        let count = |of: fn(&ProducerCounters) -> &AtomicU64| {
            slot.counters.as_deref().map_or(0, |counters| of(counters).load(Ordering::Relaxed))
        };
        Self {
            state: slot.state.clone(),
            reason: slot.last_failure.clone(),
            progress: slot.progress.clone(),
            tracks: slot.tracks.clone(),
            label: slot.label.clone(),
            frames: count(|counters| &counters.frames),
            bytes: count(|counters| &counters.bytes),
        }
    }
}

impl ConsumerSnapshot {
    fn of(id: u64, counters: &Counters) -> Self {
        Self {
            id,
            label: counters.label.clone(),
            tracks: counters.tracks.clone(),
            frames: counters.frames.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            skipped: counters.skipped.load(Ordering::Relaxed),
        }
    }
}
