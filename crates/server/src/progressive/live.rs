//! The file that all viewers of one stream in one form share.

use super::form::Form;
use super::pieces::Pieces;
use super::writer::{NextFile, Writer};
use crate::limits::PROGRESSIVE_LINGER;
use crate::outputs::{Output, Over};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use yeoul_hub::{Consumer, Event, Want};
use yeoul_media::{Frame, Track, TrackId};

/// An endless file: its latest pieces, and what writes them.
#[derive(Debug)]
pub(crate) struct Live {
    form: Form,
    pieces: Pieces,
    /// Taken by whoever runs.
    writer: Mutex<Option<Writer>>,
}

impl Live {
    /// The latest pieces.
    pub(super) fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    fn take_writer(&self) -> Option<Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put_writer(&self, writer: Writer) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    }

    /// Another file, for those who come from now on.
    fn begin(&self, tracks: &[Track]) -> Result<Writer, String> {
        let writer = Writer::new(self.form.container, tracks)?;
        self.pieces.next_file(writer.content_type());
        Ok(writer)
    }

    async fn feed(&self, writer: &mut Writer, mut consumer: Consumer) -> Over {
        let mut places = Places::new(writer.tracks(), consumer.tracks());
        loop {
            let frame = match consumer.next().await {
                Event::Frame(delivery) => places.put(delivery.frame),
                Event::Skipped { .. } => continue,
                Event::TracksChanged => return Over::TracksChanged,
                Event::Ended => return Over::Ended,
            };
            let tells_more = frame.new_codec.is_some();
            let mut written = writer.write(frame.clone(), |piece| self.pieces.push(piece));
            if written == Err(NextFile) {
                match Writer::new(self.form.container, writer.tracks()) {
                    Ok(next) => {
                        let last = std::mem::replace(writer, next);
                        last.finish(frame.dts, |piece| self.pieces.push(piece));
                        self.pieces.next_file(writer.content_type());
                    }
                    Err(sentence) => return Over::Failed(sentence),
                }
                written = writer.write(Frame { new_codec: None, ..frame }, |piece| self.pieces.push(piece));
            }
            if tells_more && written.is_ok() {
                self.pieces.set_content_type(writer.content_type());
            }
        }
    }
}

impl Output for Live {
    type Form = Form;

    const LINGER: Duration = PROGRESSIVE_LINGER;

    fn protocol(form: &Form) -> &'static str {
        form.container.protocol()
    }

    fn wants(form: &Form) -> Vec<Want> {
        form.wants()
    }

    fn start(form: &Form, consumer: &Consumer) -> Result<Self, String> {
        let writer = Writer::new(form.container, consumer.tracks())?;
        let pieces = Pieces::new(writer.content_type());
        Ok(Self { form: form.clone(), pieces, writer: Mutex::new(Some(writer)) })
    }

    async fn run(self: Arc<Self>, consumer: Consumer) -> Over {
        let kept = self.take_writer().filter(|writer| {
            writer.tracks().iter().map(|track| track.id).eq(consumer.tracks().iter().map(|track| track.id))
                || writer.goes_on_with(consumer.tracks())
        });
        let mut writer = match kept.map_or_else(|| self.begin(consumer.tracks()), Ok) {
            Ok(writer) => writer,
            Err(sentence) => return Over::Failed(sentence),
        };
        let over = self.feed(&mut writer, consumer).await;
        match over {
            Over::TracksChanged => self.put_writer(writer),
            Over::Ended | Over::Failed(_) => self.pieces.close(),
        }
        over
    }
}

/// Puts the tracks of a source that came back with other codecs in the places of those that the file has.
struct Places {
    /// Theirs, ours, and their codec if nobody has been told of it yet.
    tracks: Vec<(Track, TrackId, bool)>,
}

impl Places {
    fn new(ours: &[Track], theirs: &[Track]) -> Self {
        let pairs = ours.iter().zip(theirs);
        Self {
            tracks: pairs
                .map(|(ours, theirs)| (theirs.clone(), ours.id, ours.codec != theirs.codec))
                .collect(),
        }
    }

    fn put(&mut self, mut frame: Frame) -> Frame {
        let Some((track, ours, untold)) = self.tracks.iter_mut().find(|(track, ..)| track.id == frame.track)
        else {
            return frame;
        };
        frame.track = *ours;
        if std::mem::take(untold) && frame.new_codec.is_none() {
            frame.new_codec = Some(Arc::new(track.codec.clone()));
        }
        frame
    }
}
