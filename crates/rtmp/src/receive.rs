//! Tags that come in to frames, for publishers and for what we play alike.

use crate::limits::NOTES;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Instant;
use yeoul_container::Event;
use yeoul_container::flv::{TagKind, TagReader};
use yeoul_media::{Codec, Frame, TrackId};

/// What has come of a tag.
#[derive(Clone, Debug)]
pub(crate) enum Media {
    /// There are these tracks from now on; the track of a frame counts them.
    Tracks(Vec<Codec>),
    Frame(Frame),
    /// For a log.
    Note(String),
}

#[derive(Debug, Default)]
pub(crate) struct Receiving {
    reader: TagReader,
    ids: Vec<TrackId>,
    /// Enough is known that frames can follow.
    told: bool,
    notes: u32,
    passed_over: Option<String>,
}

impl Receiving {
    /// Whether tracks have been told.
    pub(crate) fn has_begun(&self) -> bool {
        self.told
    }

    pub(crate) fn take(
        &mut self,
        now: Instant,
        kind: TagKind,
        timestamp_ms: u32,
        body: &Bytes,
        out: &mut VecDeque<Media>,
    ) {
        if let Err(error) = self.reader.push(kind, timestamp_ms, body, now) {
            self.note(error.to_string(), out);
        }
        let passed_over = self.reader.passed_over().map(ToString::to_string);
        if passed_over != self.passed_over
            && let Some(text) = &passed_over
        {
            self.note(text.clone(), out);
        }
        self.passed_over = passed_over;
        self.pull(out);
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, out: &mut VecDeque<Media>) {
        self.reader.finish();
        self.pull(out);
    }

    fn pull(&mut self, out: &mut VecDeque<Media>) {
        while let Some(event) = self.reader.pull() {
            match event {
                Event::Tracks(tracks) => {
                    self.ids = tracks.iter().map(|track| track.id).collect();
                    self.told = true;
                    out.push_back(Media::Tracks(tracks.into_iter().map(|track| track.codec).collect()));
                }
                Event::Frame(mut frame) => {
                    let place = self.ids.iter().position(|id| *id == frame.track);
                    if let Some(place) = place.and_then(|place| u16::try_from(place).ok()) {
                        frame.track = TrackId(place);
                        out.push_back(Media::Frame(frame));
                    }
                }
            }
        }
    }

    fn note(&mut self, text: String, out: &mut VecDeque<Media>) {
        if self.notes < NOTES {
            self.notes += 1;
            out.push_back(Media::Note(text));
        }
    }
}
