//! Where parts and segments end, and what becomes of them then.

use super::{Segmenter, State};
use crate::cadence::shortest_segment;
use crate::error::Error;
use crate::limits::CHUNK_BYTES;
use crate::segment::Segment;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::{Frame, Kind, Timestamp};

/// So many segments of a playlist without parts are short to begin with: a player starts sooner with two segments of a second than
/// with one of two, and does not stop before it hears of the next one.
const SHORT_SEGMENTS: usize = 3;
/// They are as short as the target divided by this, where keyframes allow it: a GOP of a second is a segment.
const SHORT_SEGMENT_DIVISOR: u32 = 4;

impl Segmenter {
    /// Whether the next segment starts with this frame.
    pub(super) fn is_cut_at(&mut self, frame: &Frame) -> bool {
        let changed = self.tracks.states_mut().any(|state| state.changed);
        let is_video = self.tracks.leading().is_some_and(|leading| leading.track.kind() == Kind::Video);
        let has_parts = self.options.has_parts();
        let State::Open(open) = &self.state else { return false };
        if !frame.keyframe {
            return false;
        }
        let is_beginning = !has_parts && self.window.listed().len() < SHORT_SEGMENTS;
        let target = self.options.segment_target / if is_beginning { SHORT_SEGMENT_DIVISOR } else { 1 };
        let is_long_enough = frame.dts.saturating_since(open.start) >= shortest_segment(target);
        // Sound can be cut anywhere: between two parts.
        let fits = is_video || !has_parts || !open.waits_for(frame.track);
        changed || self.discontinuity || (is_long_enough && fits)
    }

    /// Adds a frame of the leading track to the segment in progress, and cuts the part that ends with it.
    pub(super) fn add(&mut self, frame: &Frame) -> Result<(), Error> {
        let distance = self.distance();
        let part_target = self.part_target.filter(|_| self.options.has_parts());
        let stored = self.tracks.without_hole(frame);
        let State::Open(open) = &mut self.state else { return Ok(()) };
        open.last = frame.dts;
        open.last_received_at = frame.received_at;
        open.add(stored);
        let end = frame.dts + distance;
        if let Some(told) = part_target.and_then(|target| open.part_ends(end, distance, target)) {
            self.cut_part(end, told)?;
        }
        self.refuse_too_much()
    }

    /// Muxes what waits as a part: its frames end at `end`, the playlist tells `told`.
    fn cut_part(&mut self, end: Timestamp, told: Timestamp) -> Result<(), Error> {
        let Some(leading) = self.tracks.leading().map(|leading| leading.track.id) else { return Ok(()) };
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let (frames, independent) = open.take_pending(leading);
        let starts_segment = open.pieces.is_empty();
        let samples = self.tracks.samples(frames, end, true);
        let Some(mux) = &mut self.mux else { return Ok(()) };
        let bytes = mux.write(&samples, starts_segment);
        open.put_part(self.next_part, told, independent, bytes);
        self.next_part += 1;
        self.publish();
        Ok(())
    }

    /// In a segment without parts: muxes what waits, up to a frame at `end`, if it is much.
    pub(super) fn mux_chunk(&mut self, end: Timestamp) -> Result<(), Error> {
        let is_due = matches!(&self.state, State::Open(open) if open.pending_bytes >= CHUNK_BYTES);
        if is_due && !self.options.has_parts() { self.mux_pending(end) } else { Ok(()) }
    }

    fn mux_pending(&mut self, end: Timestamp) -> Result<(), Error> {
        let Some(leading) = self.tracks.leading().map(|leading| leading.track.id) else { return Ok(()) };
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let (frames, _) = open.take_pending(leading);
        let samples = self.tracks.samples(frames, end, false);
        if let Some(mux) = &mut self.mux {
            open.put(mux.write(&samples, open.pieces.is_empty()));
        }
        Ok(())
    }

    /// Completes the segment in progress. It ends where the next one begins; where there is none, its last frame lasts as
    /// long as usual. `for_good`: nothing of it goes into the next segment.
    pub(super) fn close(&mut self, next: Option<Timestamp>, for_good: bool) -> Result<(), Error> {
        let distance = self.distance();
        let leading = self.tracks.leading().map(|leading| leading.track.id);
        let changed = self.tracks.states_mut().any(|state| state.changed);
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let end = next.unwrap_or(open.last + distance).max(open.start + Duration::from_millis(1));
        self.keep_the_promise(end);
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let has_leading = leading.is_some_and(|leading| open.waits_for(leading));
        if !self.options.has_parts() {
            self.mux_pending(end)?;
        } else if has_leading || (!open.pending.is_empty() && (for_good || changed)) {
            let told = end.min(open.told + self.part_target.unwrap_or_default());
            self.cut_part(end, told)?;
        }
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let duration = end.saturating_since(open.start);
        let segment = Segment {
            msn: self.window.next_msn(),
            duration,
            pieces: std::mem::take(&mut open.pieces),
            size_bytes: open.size_bytes,
            parts: std::mem::take(&mut open.listed.parts),
            head: open.listed.head.clone(),
            gap: false,
        };
        self.list(segment);
        Ok(())
    }

    /// Puts a complete segment into the playlist.
    pub(super) fn list(&mut self, segment: Segment) {
        self.ends = Some(segment.head.date + segment.duration);
        self.window.push(Arc::new(segment), self.options.window, self.promise.as_ref());
        self.publish();
    }
}
