//! Holds frames back until all tracks of a stream have told what they are.
//!
//! Most containers tell at the start which streams there are, but what a decoder needs to know only with the first keyframe or
//! the first frame of sound. Where a track stays silent, the others go on without it after a bounded time; it is told later.

use crate::Event;
use crate::limits::{MAX_HELD_BYTES, MAX_HELD_FRAMES, MAX_HELD_TIME};
use std::collections::VecDeque;
use yeoul_media::{Codec, Frame, Track, TrackId};

#[derive(Debug, Default)]
pub(crate) struct Announcer {
    slots: Vec<Slot>,
    /// The tracks have been told, and none has come or gone since.
    told: bool,
    /// Held back until the tracks are told.
    held: Vec<Frame>,
    held_bytes: usize,
    ready: VecDeque<Event>,
    next_id: u16,
}

#[derive(Debug)]
struct Slot {
    id: TrackId,
    /// As far as it is known: `None` for sound whose first frame has not come.
    codec: Option<Codec>,
}

impl Announcer {
    /// There is one more track, of which `codec` is known already.
    pub(crate) fn add(&mut self, codec: Option<Codec>) -> TrackId {
        let id = TrackId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.slots.push(Slot { id, codec });
        self.wait();
        id
    }

    /// A track has gone.
    pub(crate) fn remove(&mut self, id: TrackId) {
        self.slots.retain(|slot| slot.id != id);
        self.held.retain(|frame| frame.track != id);
        self.wait();
    }

    fn wait(&mut self) {
        self.told = false;
    }

    /// A frame, whose `new_codec` tells its track's codec where that has not been known.
    pub(crate) fn push(&mut self, mut frame: Frame) {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == frame.track) else { return };
        if let Some(codec) = &frame.new_codec {
            let was_described = slot.codec.as_ref().is_some_and(Codec::is_described);
            // A track that was left out when the others were told.
            let new = slot.codec.is_none();
            slot.codec = Some(codec.as_ref().clone());
            self.told &= !new;
            if !self.told && !was_described {
                frame.new_codec = None;
            }
        }
        // Nobody has been told of this track, and nobody could decode it.
        if slot.codec.is_none() {
            return;
        }
        if self.told {
            self.ready.push_back(Event::Frame(frame));
            return;
        }
        self.held_bytes += frame.data.len();
        self.held.push(frame);
        if self.slots.iter().all(|slot| slot.codec.as_ref().is_some_and(Codec::is_described))
            || self.is_full()
        {
            self.tell();
        }
    }

    fn is_full(&self) -> bool {
        let (Some(first), Some(last)) = (self.held.first(), self.held.last()) else { return false };
        last.dts.saturating_since(first.dts) >= MAX_HELD_TIME
            || self.held.len() >= MAX_HELD_FRAMES
            || self.held_bytes >= MAX_HELD_BYTES
    }

    /// Nothing more will come: whoever has not told what it is never will.
    pub(crate) fn finish(&mut self) {
        if !self.held.is_empty() {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.told = true;
        let track = |slot: &Slot| Some(Track { id: slot.id, codec: slot.codec.clone()? });
        self.ready.push_back(Event::Tracks(self.slots.iter().filter_map(track).collect()));
        self.ready.extend(self.held.drain(..).map(Event::Frame));
        self.held_bytes = 0;
    }

    pub(crate) fn pull(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }
}
