//! One publisher at its worker: the session, and the stream that its frames go to.

use super::session::{Exit, Session};
use crate::limits::SOURCE_SILENCE;
use std::sync::Arc;
use std::time::Instant;
use tracing::{debug, info};
use yeoul_hub::{Attach, Label, Producer, Stream};
use yeoul_media::Frame;
use yeoul_webrtc::{Event, Output};

/// A publisher.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) session: Session,
    place: Place,
    label: Label,
    /// Once it is connected: a publisher that never is takes nobody's place.
    producer: Option<Producer>,
    /// When the last frame came, or it was connected.
    last_frame: Instant,
}

/// Where the frames of a publisher go.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Who calls us publishes to a stream, in place of whoever did before.
    Stream(Arc<Stream>),
    /// Whom we call is a source.
    Source(Attach),
}

impl Place {
    pub(super) fn stream(&self) -> &Arc<Stream> {
        match self {
            Self::Stream(stream) => stream,
            Self::Source(attach) => attach.stream(),
        }
    }
}

impl Publisher {
    pub(super) fn new(session: Session, place: Place, label: Label) -> Self {
        let last_frame = session.deadline;
        Self { session, place, label, producer: None, last_frame }
    }

    /// Does everything that can be done now. False if the publisher is gone.
    pub(super) fn drive(&mut self, now: Instant, exit: &Exit<'_>) -> bool {
        if self.silent_at().is_some_and(|at| at <= now) {
            self.session.end(now, &format!("no media have come for {} s", SOURCE_SILENCE.as_secs()));
        }
        self.session.deadline = loop {
            match self.session.peer.poll_output(now) {
                Output::Transmit(transmit) => self.session.transmit(&transmit, exit),
                Output::Event(event) => {
                    let begins = matches!(event, Event::Connected { .. });
                    self.session.event(event, exit);
                    if begins {
                        self.begin(now);
                    }
                }
                Output::Frame(frame) => self.publish(now, frame),
                Output::Note(note) => debug!(target: "webrtc", "{}: {note}", self.session.name),
                Output::Wait(at) => break at,
            }
        };
        if let Some(at) = self.silent_at() {
            self.session.deadline = self.session.deadline.min(at);
        }
        if let Some(why) = &self.session.closed {
            let received = self.session.peer.stats().received;
            let (packets, lost, damaged) =
                received.iter().fold((0, 0, 0), |(packets, lost, damaged), track| {
                    (packets + track.packets, lost + track.lost, damaged + track.damaged_frames)
                });
            self.session.over(why, &format!("{packets} packets, {lost} lost, {damaged} frames damaged"));
        }
        self.session.closed.is_none()
    }

    /// When a source that gives nothing has failed, as with every protocol; who publishes may pause.
    fn silent_at(&self) -> Option<Instant> {
        match self.place {
            Place::Stream(_) => None,
            Place::Source(_) => self.producer.as_ref().map(|_| self.last_frame + SOURCE_SILENCE),
        }
    }

    fn begin(&mut self, now: Instant) {
        self.last_frame = now;
        let codecs = self.session.peer.codecs();
        let names: Vec<&str> = codecs.iter().map(|codec| codec.name()).collect();
        info!(target: "webrtc", "{}: published by {}: {}", self.session.name, self.session.remote, names.join(", "));
        let label = self.label.clone();
        self.producer = Some(match self.place.clone() {
            Place::Stream(stream) => stream.publish(label, codecs),
            Place::Source(attach) => attach.tracks(label, codecs),
        });
    }

    fn publish(&mut self, now: Instant, mut frame: Frame) {
        self.last_frame = now;
        let Some(producer) = &mut self.producer else { return };
        // Its tracks are numbered, the stream has ids of its own; tracks it has no room for have none.
        let Some(track) = producer.track(usize::from(frame.track.0)) else { return };
        frame.track = track;
        if let Err(replaced) = producer.publish(frame) {
            self.producer = None;
            self.session.end(now, &replaced.to_string());
        }
    }
}
