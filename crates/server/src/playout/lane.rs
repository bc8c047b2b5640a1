//! What demuxers give, one after another, as the frames of a few tracks that stay.

use super::Splice;
use crate::streams::{DialError, ErrorKind};
use std::sync::Arc;
use tracing::info;
use yeoul_container::Event;
use yeoul_media::{Codec, Frame, Kind, Track, TrackId};

/// What goes through a queue: the tracks, once, then frames, whose tracks are places among them.
#[derive(Debug)]
pub(crate) enum Media {
    Tracks(Vec<Codec>),
    Frames(Vec<Frame>),
}

/// The reading end of one input.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Which of the inputs it is.
    place: usize,
    /// The kind of tracks that is passed over, because another lane has them.
    without: Option<Kind>,
    splice: Splice,
    tracks: Option<Vec<Slot>>,
    /// Nothing has come of the demuxer at hand.
    is_new: bool,
}

/// One track.
#[derive(Debug)]
struct Slot {
    /// As the demuxer at hand calls it; `None` if it does not have it.
    id: Option<TrackId>,
    codec: Codec,
    /// What the next frame has to tell.
    untold: Option<Codec>,
}

impl Lane {
    /// The lane of the input at this place among those that share `splice`.
    pub(crate) fn new(place: usize, splice: Splice) -> Self {
        Self { place, without: None, splice, tracks: None, is_new: true }
    }

    /// Passes tracks of this kind over, unless there are no others.
    pub(crate) fn without(mut self, kind: Kind) -> Self {
        self.without = Some(kind);
        self
    }

    /// What comes from here on is another demuxer's.
    pub(crate) fn begin(&mut self) {
        self.is_new = true;
    }

    /// Takes what a demuxer has given, which belongs to `timeline`; gives what is to be sent.
    ///
    /// # Errors
    /// If none of the tracks there were are left.
    pub(crate) fn take(
        &mut self,
        timeline: u64,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Vec<Media>, DialError> {
        let (mut media, mut frames) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Tracks(tracks) => media.extend(self.tracks(tracks)?),
                Event::Frame(frame) => frames.extend(self.frame(frame)),
            }
        }
        if !frames.is_empty() {
            self.splice.place((self.place, timeline), std::mem::take(&mut self.is_new), &mut frames);
            media.push(Media::Frames(frames));
        }
        Ok(media)
    }

    fn tracks(&mut self, mut tracks: Vec<Track>) -> Result<Option<Media>, DialError> {
        if tracks.iter().any(|track| Some(track.kind()) != self.without) {
            tracks.retain(|track| Some(track.kind()) != self.without);
        }
        let Some(slots) = &mut self.tracks else {
            let codecs = tracks.iter().map(|track| track.codec.clone()).collect();
            let slot = |Track { id, codec }| Slot { id: Some(id), codec, untold: None };
            self.tracks = Some(tracks.into_iter().map(slot).collect());
            return Ok(Some(Media::Tracks(codecs)));
        };
        slots.iter_mut().for_each(|slot| slot.id = None);
        for Track { id, codec } in tracks {
            match slots.iter_mut().find(|slot| slot.id.is_none() && slot.codec.same_coding(&codec)) {
                Some(slot) => {
                    if codec.is_described() && slot.codec != codec {
                        (slot.codec, slot.untold) = (codec.clone(), Some(codec));
                    }
                    slot.id = Some(id);
                }
                None => {
                    info!(target: "streams", "{codec} has come later than the others, and is passed over")
                }
            }
        }
        if slots.iter().all(|slot| slot.id.is_none()) {
            return Err(DialError::new(ErrorKind::Retry, "the tracks are other ones now"));
        }
        Ok(None)
    }

    fn frame(&mut self, mut frame: Frame) -> Option<Frame> {
        let slots = self.tracks.as_mut()?.iter_mut().zip(0..);
        let (slot, place) = slots.into_iter().find(|(slot, _)| slot.id == Some(frame.track))?;
        match (&frame.new_codec, slot.untold.take()) {
            (Some(codec), _) => slot.codec = codec.as_ref().clone(),
            (None, untold) => frame.new_codec = untold.map(Arc::new),
        }
        frame.track = TrackId(place);
        Some(frame)
    }
}
