//! Segments to frames: a demuxer goes on from one to the next as long as they do.

use crate::bytes::from_demuxer;
use crate::playout::{Lane, Media};
use crate::streams::DialError;
use bytes::Bytes;
use std::time::Instant;
use yeoul_container::sniff::{Demuxer, Error};
use yeoul_hls::client::{Fetch, PackedAudio};

/// Takes segments in their order.
pub(super) struct Segments {
    lane: Lane,
    form: Option<Form>,
    /// That the segment before belongs to.
    timeline: u64,
}

/// How the media is packed.
enum Form {
    /// MPEG-TS, fragmented MP4.
    Container(Box<Demuxer>),
    Packed(PackedAudio),
}

impl Segments {
    pub(super) fn new(lane: Lane) -> Self {
        Self { lane, form: None, timeline: 0 }
    }

    /// Takes a segment with its initialization; gives what is to be played.
    pub(super) fn take(
        &mut self,
        fetch: &Fetch,
        init: Option<&Bytes>,
        segment: &[u8],
    ) -> Result<Vec<Media>, DialError> {
        let mut media = Vec::new();
        if !fetch.continues || self.form.is_none() {
            media = self.finish()?;
            self.lane.begin();
            let mut form = Form::of(init.is_none() && PackedAudio::is(segment));
            if let (Form::Container(demuxer), Some(init)) = (&mut form, init) {
                demuxer.push(init, Instant::now()).map_err(|error| from_demuxer(&error))?;
            }
            self.form = Some(form);
        }
        self.timeline = fetch.timeline;
        match &mut self.form {
            Some(Form::Container(demuxer)) => {
                let pushed = demuxer.push(segment, Instant::now());
                media.extend(self.lane.take(self.timeline, std::iter::from_fn(|| demuxer.pull()))?);
                pushed.map_err(|error| refusal(&error))?;
            }
            Some(Form::Packed(packed)) => {
                media.extend(self.lane.take(self.timeline, packed.read(segment, Instant::now()))?);
            }
            None => {}
        }
        Ok(media)
    }

    /// Nothing follows what has come so far.
    pub(super) fn finish(&mut self) -> Result<Vec<Media>, DialError> {
        let Some(Form::Container(mut demuxer)) = self.form.take() else { return Ok(Vec::new()) };
        let finished = demuxer.finish(Instant::now());
        let media = self.lane.take(self.timeline, std::iter::from_fn(|| demuxer.pull()))?;
        finished.map_err(|error| refusal(&error))?;
        Ok(media)
    }
}

impl Form {
    fn of(is_packed: bool) -> Self {
        if is_packed { Self::Packed(PackedAudio::default()) } else { Self::Container(Box::default()) }
    }
}

fn refusal(error: &Error) -> DialError {
    let error = from_demuxer(error);
    DialError { text: format!("gives a segment that cannot be read: {}", error.text), ..error }
}
