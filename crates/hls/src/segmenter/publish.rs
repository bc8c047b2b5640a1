//! What is promised, and snapshots of what there is.

use super::{LEADING_GAP_PARTS, LEADING_GAPS, Segmenter, State, first_part};
use crate::cadence::{fits, seconds_above, target_duration};
use crate::limits::MAX_TARGET_DURATION;
use crate::multivariant::{Rates, codecs, resolution};
use crate::options::Form;
use crate::playlist::{RenditionReport, View};
use crate::promise::Promise;
use crate::reload::Position;
use crate::segment::{Head, OpenSegment, Part, Segment};
use crate::snapshot::{Snapshot, Texts};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::{Kind, Timestamp};

/// The least target duration of LL-HLS. hls.js waits for 0.8 target durations at most, and a camera that pauses for a second
/// is none to give up.
const LEAST_WITH_PARTS: u32 = 2;
/// The target duration of LL-HLS while nothing is known of the keyframes: most cameras send one every 1 to 4 s.
const ASSUMED_WITH_PARTS: u32 = 4;
/// What is added to the GOP so far, where all that is known is that it goes on.
const MARGIN: u32 = 2;

impl Segmenter {
    /// Whether there is something that the latest snapshot does not have.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// What is to be served from now on; `None` until there is a part (LL-HLS) or a segment.
    ///
    /// `reports` is where the other renditions of the same multivariant playlist are. Rendered anew only after a change.
    pub fn snapshot(&mut self, reports: &[RenditionReport]) -> Option<Arc<Snapshot>> {
        if !self.changed {
            return self.latest.clone();
        }
        let is_listed = !self.window.listed().is_empty();
        let has_part = self.open_segment().is_some_and(|open| !open.parts.is_empty());
        if !(is_listed || has_part && self.options.has_parts()) {
            return None;
        }
        if self.promise.is_none() {
            self.make_promise();
        }
        let promise = self.promise?;
        self.version += 1;
        self.changed = false;
        // Parts that are no longer listed do not come back, should a segment end earlier than its parts told.
        self.parts_from = self.view(&promise, reports).first_with_parts();
        self.latest = Some(Arc::new(self.render(&promise, reports)));
        self.latest.clone()
    }

    fn open_segment(&self) -> Option<&OpenSegment> {
        match &self.state {
            State::Open(open) => Some(&open.listed),
            State::Waiting { absence: Some(absence), .. } => Some(&absence.listed),
            State::Waiting { absence: None, .. } | State::Gathering(_) | State::Ended => None,
        }
    }

    /// What holds for this playlist from now on, by all that is known.
    fn make_promise(&mut self) {
        let listed = self.window.listed().iter().map(|segment| segment.duration).max();
        let target_duration = self.options.target_duration.unwrap_or_else(|| self.choose_target());
        let target_duration = target_duration
            .max(
                listed.map_or(1, |longest| seconds_above(longest.saturating_sub(Duration::from_millis(499)))),
            )
            .clamp(1, MAX_TARGET_DURATION);
        let part_target = self.part_target.filter(|_| self.options.has_parts());
        let promise = Promise {
            target_duration,
            part_target,
            part_hold_back: part_target.map(|target| self.options.part_hold_back.unwrap_or(target * 3)),
        };
        self.promise = Some(promise);
        self.put_leading_gaps(&promise);
    }

    fn choose_target(&self) -> u32 {
        let Some(leading) = self.tracks.leading() else { return 1 };
        let least = if self.options.has_parts() { LEAST_WITH_PARTS } else { 1 };
        if leading.track.kind() == Kind::Audio {
            return seconds_above(self.options.segment_target).max(least);
        }
        match leading.cadence.keyframe_distance().max(self.options.keyframe_distance) {
            Some(distance) => target_duration(self.options.segment_target, distance).max(least),
            None => {
                let so_far = match &self.state {
                    State::Open(open) => open.last.saturating_since(open.start),
                    State::Waiting { .. } | State::Gathering(_) | State::Ended => Duration::ZERO,
                };
                let beyond = if so_far > Duration::from_secs(2) { seconds_above(so_far) + MARGIN } else { 0 };
                beyond.max(ASSUMED_WITH_PARTS)
            }
        }
    }

    /// See [`LEADING_GAPS`]. Where there is a whole segment, nobody needs them, and players that do not know gaps are better
    /// off.
    fn put_leading_gaps(&mut self, promise: &Promise) {
        let Some(part_target) = promise.part_target.filter(|_| self.window.listed().is_empty()) else {
            return;
        };
        let Some(first) = self.open_segment().map(|open| open.head.clone()) else { return };
        let parts = absent_parts(first_part(&self.options), part_target, promise.target());
        let mut date = first.date;
        // The last one first, since each goes in front of the others.
        for back in 1..=LEADING_GAPS {
            let parts = if back == 1 { parts.clone() } else { Vec::new() };
            let duration =
                if back == 1 { parts.iter().map(|part| part.duration).sum() } else { promise.target() };
            date -= duration;
            self.window.push_leading(Arc::new(Segment {
                msn: self.options.first_msn.saturating_add(LEADING_GAPS - back),
                duration,
                pieces: Vec::new(),
                size_bytes: 0,
                parts,
                head: Head { discontinuity: false, date, ..first.clone() },
                gap: true,
            }));
        }
    }

    /// The segment in progress will last to `end` at least. If that is longer than was promised, another playlist takes the
    /// place of this one: see docs/design/06-hls.md.
    pub(super) fn keep_the_promise(&mut self, end: Timestamp) {
        let State::Open(open) = &self.state else { return };
        let length = end.saturating_since(open.start);
        if self.promise.is_some_and(|promise| length > promise.longest_segment()) {
            let needed =
                seconds_above(length).max(self.promise.map_or(1, |promise| promise.target_duration * 2));
            self.raise_target(needed);
        }
    }

    /// Promises a longer target duration, for renditions of one multivariant playlist that have to agree (RFC 8216bis §6.2.4).
    /// A shorter one changes nothing.
    pub fn raise_target(&mut self, seconds: u32) {
        let seconds = seconds.clamp(1, MAX_TARGET_DURATION);
        self.options.target_duration = self.options.target_duration.max(Some(seconds));
        if let Some(promise) = self.promise.as_mut().filter(|promise| promise.target_duration < seconds) {
            promise.target_duration = seconds;
            self.generation += 1;
            self.publish();
        }
    }

    /// At the start of a segment: parts that no longer fit the frames are promised anew.
    pub(super) fn renew_part_target(&mut self) {
        let Some(leading) = self.tracks.leading() else { return };
        let Some(promise) = self.promise.as_mut().filter(|promise| !fits(promise, &leading.cadence)) else {
            return;
        };
        let target = leading.cadence.part_target(self.options.part_target);
        self.part_target = Some(target);
        // Parts of before are too short now.
        self.parts_from = self.window.next_msn();
        promise.part_target = Some(target);
        promise.part_hold_back = promise.part_hold_back.max(Some(target * 3));
        self.generation += 1;
    }

    fn view<'a>(&'a self, promise: &'a Promise, reports: &'a [RenditionReport]) -> View<'a> {
        View {
            promise,
            plain: self.options.form == Form::Ts,
            start: promise.part_target.zip(self.options.start_parts).map(|(target, parts)| target * parts),
            discontinuity_sequence: self.window.discontinuity_sequence(),
            listed: self.window.listed(),
            open: self.open_segment(),
            next_msn: self.window.next_msn(),
            next_part: self.next_part,
            parts_from: self.parts_from,
            reports,
            ended: matches!(self.state, State::Ended),
        }
    }

    fn render(&self, promise: &Promise, reports: &[RenditionReport]) -> Snapshot {
        let view = self.view(promise, reports);
        let skippable = view.skippable();
        let texts = |names: &Arc<dyn crate::Names>| Texts {
            full: Bytes::from(view.render(names.as_ref(), 0)),
            delta: (skippable > 0).then(|| Bytes::from(view.render(names.as_ref(), skippable))),
        };
        let open_parts = view.open.map(|open| open.parts.clone()).unwrap_or_default();
        let tracks = self.tracks.list();
        Snapshot {
            version: self.version,
            generation: self.generation,
            promise: *promise,
            position: Position {
                open_msn: self.window.next_msn(),
                open_parts: open_parts.len() as u64,
                last_parts: self.window.listed().back().map_or(0, |last| last.parts.len() as u64),
                part_target: promise.part_target,
                can_block: !view.plain,
                ended: view.ended,
            },
            texts: self.options.names.iter().map(texts).collect(),
            segments: self.window.all().cloned().collect(),
            open_parts,
            next_part: self.next_part,
            init: self.init.clone(),
            rates: self.rates(promise.target()),
            codecs: codecs(&tracks),
            resolution: resolution(&tracks),
            frame_rate_millis: self
                .tracks
                .leading()
                .filter(|leading| leading.track.kind() == Kind::Video)
                .and_then(|leading| leading.cadence.frame_rate_millis()),
        }
    }

    fn rates(&self, target: Duration) -> Rates {
        let rates = Rates::of(self.window.all(), target);
        match &self.state {
            State::Open(open) if rates == Rates::default() => {
                Rates::of_parts(open.size_bytes as u64, open.listed.duration())
            }
            State::Open(_) | State::Waiting { .. } | State::Gathering(_) | State::Ended => rates,
        }
    }
}

/// Absent parts, as many as have room in a segment, one at least. The last has the last of the numbers that are left free for
/// them from `first` on.
fn absent_parts(first: u64, duration: Duration, segment: Duration) -> Vec<Arc<Part>> {
    let count = if duration * LEADING_GAP_PARTS <= segment { LEADING_GAP_PARTS } else { 1 };
    let end = first.saturating_add(LEADING_GAP_PARTS.into());
    let absent =
        |number| Arc::new(Part { number, duration, independent: false, gap: true, bytes: Bytes::new() });
    (end - u64::from(count)..end).map(absent).collect()
}
