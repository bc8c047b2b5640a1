//! What is known of each track.

use crate::cadence::Cadence;
use std::time::Duration;
use yeoul_container::Sample;
use yeoul_media::{Frame, Kind, Timestamp, Track, TrackId};

/// The tracks of one stream. One of them leads: segments and parts are cut between its frames.
#[derive(Debug)]
pub(super) struct Tracks {
    list: Vec<State>,
    leading: usize,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) track: Track,
    pub(super) cadence: Cadence,
    /// It has another codec than the muxer knows of.
    pub(super) changed: bool,
    /// Where its last frame in a part ends, as the part says; `None` where time began anew.
    ends: Option<Timestamp>,
}

impl Tracks {
    /// The first video track leads, or the first track where there is none.
    pub(super) fn new(tracks: &[Track]) -> Self {
        let state = |track: &Track| State {
            track: track.clone(),
            cadence: Cadence::default(),
            changed: false,
            ends: None,
        };
        Self {
            leading: tracks.iter().position(|track| track.kind() == Kind::Video).unwrap_or(0),
            list: tracks.iter().map(state).collect(),
        }
    }

    pub(super) fn get_mut(&mut self, id: TrackId) -> Option<&mut State> {
        self.list.iter_mut().find(|state| state.track.id == id)
    }

    /// The track that leads; `None` if there is no track.
    pub(super) fn leading(&self) -> Option<&State> {
        self.list.get(self.leading)
    }

    pub(super) fn list(&self) -> Vec<Track> {
        self.list.iter().map(|state| state.track.clone()).collect()
    }

    pub(super) fn states_mut(&mut self) -> impl Iterator<Item = &mut State> {
        self.list.iter_mut()
    }

    /// Time begins anew for all of them.
    pub(super) fn interrupt(&mut self) {
        for state in &mut self.list {
            state.cadence.interrupt();
            state.ends = None;
        }
    }

    /// A frame as it goes into a part. Where frames were lost just behind a part, whose last frame then was said to end too
    /// early, the frame begins at that end: players see the picture stand still instead of a hole in time. A hole of one
    /// frame or less they do not mind.
    pub(super) fn without_hole(&mut self, frame: &Frame) -> Frame {
        let mut frame = frame.clone();
        let Some(state) = self.get_mut(frame.track) else { return frame };
        if let Some(ends) = state.ends.take()
            && frame.pts == frame.dts
            && frame.dts.saturating_since(ends) > state.cadence.next() * 9 / 10
        {
            frame.dts = ends;
            frame.pts = ends;
        }
        frame
    }

    /// Frames with their durations, in the order they came: to the next one of the track, the last one of the leading track to
    /// `end`, the last one of another as long as usual. `in_parts`: what follows goes into another fragment.
    pub(super) fn samples(&mut self, frames: Vec<Frame>, end: Timestamp, in_parts: bool) -> Vec<Sample> {
        let leading = self.leading().map(|state| state.track.id);
        let mut samples: Vec<Sample> =
            frames.into_iter().map(|frame| Sample { frame, duration: Duration::ZERO }).collect();
        for state in &mut self.list {
            let id = state.track.id;
            let mut next: Option<Timestamp> = None;
            for Sample { frame, duration } in
                samples.iter_mut().rev().filter(|sample| sample.frame.track == id)
            {
                let until = match next.replace(frame.dts) {
                    Some(next) => next,
                    None => {
                        let until = if leading == Some(id) { end } else { frame.dts + state.cadence.next() };
                        state.ends = Some(until).filter(|_| in_parts);
                        until
                    }
                };
                *duration = until.saturating_since(frame.dts);
            }
        }
        samples
    }
}
