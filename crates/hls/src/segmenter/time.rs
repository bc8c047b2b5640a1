//! Time that goes on without frames, and time stamps that break.

use super::absence::Absence;
use super::{Segmenter, State};
use crate::error::Error;
use crate::limits::{BREAKS_TIME, MAX_ABSENCE_TOLD, MAX_BREAKS, MIN_ABSENCE};
use crate::segment::{Head, OpenSegment, Segment};
use std::time::{Duration, Instant};
use yeoul_media::{Frame, Timestamp};

/// What segments without parts are cut to while the camera is away, before there is a promise.
const GAP: Duration = Duration::from_secs(2);

impl Segmenter {
    /// When [`Segmenter::handle_timeout`] has something to do, if no frame comes before.
    #[must_use]
    pub fn timeout(&self) -> Option<Instant> {
        let patience = self.patience();
        match &self.state {
            State::Ended => None,
            State::Open(open) => Some(open.last_received_at + patience),
            State::Gathering(frames) => frames.last().map(|last| last.received_at + patience),
            State::Waiting { absence, .. } => {
                let absence = absence.as_ref()?;
                let next = absence.told + self.gap_length();
                let patient_until = absence.start_of_all() + patience;
                Some(absence.moment(next.max(patient_until)))
            }
        }
    }

    /// Takes the time: while the camera is away, gaps go on in its place.
    ///
    /// # Errors
    /// If the segment in progress cannot be completed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if self.failed.is_some() {
            return Ok(());
        }
        let elapsed = self.elapse(now);
        if let Err(error) = &elapsed {
            self.failed = Some(error.clone());
        }
        elapsed
    }

    /// The source is known to be gone: what is in progress is completed at once, instead of when the camera's silence is
    /// noticed.
    ///
    /// # Errors
    /// If the segment in progress cannot be completed.
    pub fn source_lost(&mut self) -> Result<(), Error> {
        self.finish_gathering()?;
        if matches!(self.state, State::Open(_)) { self.interrupt() } else { Ok(()) }
    }

    /// How long a silence is no absence: slow cameras send a picture every few seconds.
    pub(super) fn patience(&self) -> Duration {
        MIN_ABSENCE.max(self.distance() * 4)
    }

    /// Length of absent parts, or of absent segments where there are no parts.
    fn gap_length(&self) -> Duration {
        self.part_target.filter(|_| self.options.has_parts()).unwrap_or_else(|| self.longest_gap())
    }

    fn longest_gap(&self) -> Duration {
        self.promise.map_or(GAP, |promise| promise.target())
    }

    /// Time has come to `now`.
    pub(super) fn elapse(&mut self, now: Instant) -> Result<(), Error> {
        let patience = self.patience();
        let last = match &self.state {
            State::Open(open) => Some(open.last_received_at),
            State::Gathering(frames) => frames.last().map(|last| last.received_at),
            State::Waiting { .. } | State::Ended => None,
        };
        if last.is_some_and(|last| now.saturating_duration_since(last) >= patience) {
            self.finish_gathering()?;
            self.interrupt()?;
        }
        self.put_gaps(now);
        Ok(())
    }

    /// Completes the segment in progress; the next keyframe starts another.
    pub(super) fn interrupt(&mut self) -> Result<(), Error> {
        let State::Open(open) = &self.state else { return Ok(()) };
        let distance = self.distance();
        let (end, at) = (open.last + distance, open.last_received_at + distance);
        self.close(None, true)?;
        self.tracks.interrupt();
        let absence = Absence::new(end, at, self.gap_head(end));
        self.state = State::Waiting { since: None, absence: Some(absence) };
        Ok(())
    }

    /// Time stamps went back, or far forward while the camera was not away: they begin anew with the next keyframe.
    pub(super) fn break_off(&mut self, frame: &Frame) -> Result<(), Error> {
        let now = frame.received_at;
        self.breaks.retain(|&at| now.saturating_duration_since(at) < BREAKS_TIME);
        self.breaks.push_back(now);
        if self.breaks.len() > MAX_BREAKS {
            return Err(Error::BrokenTime);
        }
        self.interrupt()?;
        self.discontinuity = true;
        self.feed(frame)
    }

    fn gap_head(&self, start: Timestamp) -> Head {
        let date = self.ends.or_else(|| self.dates.expected(start)).unwrap_or(self.options.clock.time);
        Head { discontinuity: false, init: self.init.clone(), date }
    }

    /// Tells the absence up to `now`.
    fn put_gaps(&mut self, now: Instant) {
        let (patience, part, longest) = (self.patience(), self.gap_length(), self.longest_gap());
        let has_parts = self.options.has_parts();
        loop {
            let State::Waiting { absence: Some(absence), .. } = &mut self.state else { return };
            let time = absence.time(now);
            if time.saturating_since(absence.start_of_all()) < patience {
                return;
            }
            if time.saturating_since(absence.told) > MAX_ABSENCE_TOLD {
                // Nobody told the time for long: the last of it has to do.
                let told = absence.told;
                self.cut_gap(told);
                self.discontinuity = true;
                if let State::Waiting { absence: Some(absence), .. } = &mut self.state {
                    absence.skip_to(time - longest);
                }
                continue;
            }
            if has_parts && time.saturating_since(absence.told) >= part {
                absence.put_part(self.next_part, part);
                self.next_part += 1;
                self.publish();
            } else if has_parts || time.saturating_since(absence.start) < longest {
                return;
            }
            let State::Waiting { absence: Some(absence), .. } = &self.state else { return };
            let next = absence.told + part;
            if !has_parts || next.saturating_since(absence.start) > longest {
                let end = if has_parts { absence.told } else { absence.start + longest };
                self.cut_gap(end);
            }
        }
    }

    /// The gap in progress ends at `end` and becomes a segment, unless nothing is told of it.
    pub(super) fn cut_gap(&mut self, end: Timestamp) {
        let next = self.gap_head(end);
        let State::Waiting { absence: Some(absence), .. } = &mut self.state else { return };
        if end <= absence.start {
            return;
        }
        let (duration, OpenSegment { head, parts }) = absence.cut(end, next);
        let msn = self.window.next_msn();
        self.list(Segment { msn, duration, pieces: Vec::new(), size_bytes: 0, parts, head, gap: true });
        let next = self.gap_head(end);
        if let State::Waiting { absence: Some(absence), .. } = &mut self.state {
            absence.listed.head = next;
        }
    }

    /// The camera is back with this keyframe: the gap ends where it begins. False if the keyframe is of a time that was
    /// declared absent: the next one will do.
    pub(super) fn end_absence(&mut self, keyframe: &Frame) -> bool {
        let longest = self.longest_gap();
        let State::Waiting { absence: Some(absence), .. } = &self.state else { return true };
        let is_told = absence.told > absence.start_of_all();
        let mut end = keyframe.dts;
        // The clock of the camera and ours, by which the gap goes on, agree within a fraction of a second.
        let another_time = end.saturating_since(absence.told) > longest + Duration::from_millis(400);
        if self.discontinuity || another_time {
            self.discontinuity = true;
            end = absence.told;
        } else if end < absence.told {
            return false;
        }
        let untold = end.saturating_since(absence.start_of_all());
        if !is_told && untold < MIN_ABSENCE {
            // A moment that nobody has heard of.
            return true;
        }
        self.put_last_gaps(end);
        true
    }

    fn put_last_gaps(&mut self, end: Timestamp) {
        let (part, longest) = (self.gap_length(), self.longest_gap());
        while self.options.has_parts() {
            let State::Waiting { absence: Some(absence), .. } = &mut self.state else { return };
            let length = end.saturating_since(absence.told).min(part);
            if length.is_zero() {
                break;
            }
            let (told, start) = (absence.told, absence.start);
            if (told + length).saturating_since(start) > longest && told > start {
                self.cut_gap(told);
                continue;
            }
            absence.put_part(self.next_part, length);
            self.next_part += 1;
        }
        self.cut_gap(end);
    }
}
