//! What was sent, to be sent again.

use crate::limits::{HISTORY_AGE, HISTORY_FRAMES, PADDING_FRAMES};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_rtp::Packets;

#[derive(Debug)]
struct Entry {
    /// Index of the frame's first packet in the track's sequence.
    first: u64,
    at: Instant,
    packets: Arc<Packets>,
    /// When each of its packets was last sent again; empty as long as none was.
    repeated: Vec<Option<Instant>>,
}

/// The last frames of a track by the indexes of their packets. The packets are shared with all viewers; only where they
/// stand in this viewer's sequence is kept here.
#[derive(Debug, Default)]
pub(super) struct History {
    frames: VecDeque<Entry>,
}

impl History {
    pub(super) fn push(&mut self, now: Instant, first: u64, packets: &Arc<Packets>) {
        while self.frames.len() >= HISTORY_FRAMES
            || self.frames.front().is_some_and(|oldest| oldest.at + HISTORY_AGE < now)
        {
            self.frames.pop_front();
        }
        self.frames.push_back(Entry { first, at: now, packets: Arc::clone(packets), repeated: Vec::new() });
    }

    /// One of the last packets, another one for each `turn`: the index of its frame's first packet, and where it stands
    /// behind that.
    pub(super) fn any(&self, turn: u64) -> Option<(u64, Arc<Packets>, usize)> {
        let latest = || self.frames.iter().rev().take(PADDING_FRAMES);
        let payloads: u64 = latest().map(|entry| entry.packets.payloads.len() as u64).sum();
        let mut at = usize::try_from(turn % payloads.max(1)).ok()?;
        for entry in latest() {
            let count = entry.packets.payloads.len();
            if at < count {
                return Some((entry.first, Arc::clone(&entry.packets), at));
            }
            at -= count;
        }
        None
    }

    /// Forgets everything: what was sent cannot be sent again.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
    }

    /// The frame of packet `index`, which is to be sent again, and which of its payloads it was. `None` if it is too old, or if
    /// it was sent again less than `way` ago: it may be on its way still, and a viewer asks for it all the while.
    pub(super) fn repeat(
        &mut self,
        now: Instant,
        index: u64,
        way: Duration,
    ) -> Option<(Arc<Packets>, usize)> {
        let after = self.frames.partition_point(|entry| entry.first <= index);
        let entry = self.frames.get_mut(after.checked_sub(1)?)?;
        let payload = usize::try_from(index - entry.first).ok()?;
        entry.repeated.resize(entry.packets.payloads.len(), None);
        let repeated = entry.repeated.get_mut(payload)?;
        if entry.at + HISTORY_AGE < now || repeated.is_some_and(|at| now < at + way) {
            return None;
        }
        *repeated = Some(now);
        Some((Arc::clone(&entry.packets), payload))
    }
}
