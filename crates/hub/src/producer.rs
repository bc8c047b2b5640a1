//! The giving side of a stream.

use crate::align::slew;
use crate::limits::MAX_TRACKS;
use crate::status::State;
use crate::{Label, Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track, TrackId};

/// Another producer has taken this one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another publisher has taken over the stream")]
pub struct Replaced;

/// The place of a source in its stream, before its tracks are known, or before it tells others.
#[derive(Clone, Debug)]
pub struct Attach {
    stream: Arc<Stream>,
    slot: usize,
}

impl Attach {
    pub(crate) fn new(stream: Arc<Stream>, slot: usize) -> Self {
        Self { stream, slot }
    }

    /// The stream that is attached to.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Which of the stream's configured sources it is.
    #[must_use]
    pub fn source(&self) -> usize {
        self.slot
    }

    /// Tells those who wait how far the attempt has come: a sentence without secrets.
    pub fn progress(&self, sentence: impl Into<String>) {
        self.stream.status.send_modify(|status| status.slots[self.slot].progress = Some(sentence.into()));
    }

    /// The source has these tracks, in this order; at most [`MAX_TRACKS`] are taken. A track that was there before the
    /// source went away goes on under its id, so that consumers need not come again.
    #[must_use]
    pub fn tracks(self, label: Label, codecs: Vec<yeoul_media::Codec>) -> Producer {
        self.produce(label, codecs, Offset::Unknown)
    }

    /// As [`Attach::tracks`], for a source that is made of frames of another stream on the same timeline: its frames keep
    /// their time.
    #[must_use]
    pub fn tracks_on_the_timeline(self, label: Label, codecs: Vec<yeoul_media::Codec>) -> Producer {
        self.produce(label, codecs, Offset::None)
    }

    fn produce(self, label: Label, mut codecs: Vec<yeoul_media::Codec>, offset: Offset) -> Producer {
        codecs.truncate(MAX_TRACKS);
        let (mut session, mut tracks) = (0, Vec::new());
        self.stream.status.send_modify(|status| (session, tracks) = status.attach(self.slot, label, codecs));
        let mut after = Timestamp::from_nanos(i64::MIN);
        {
            let mut ring = self.stream.lock_ring();
            for track in &tracks {
                ring.forget_keyframe(track.id);
                after = after.max(ring.last_dts(track.id));
            }
        }
        self.stream.tracks_changed();
        let tracks = {
            let ring = self.stream.lock_ring();
            let produced = |track: Track| ProducedTrack::new(&track, ring.has_had(track.id));
            tracks.into_iter().map(produced).collect()
        };
        let counters = Arc::new(ProducerCounters::default());
        self.stream
            .status
            .send_modify(|status| status.slots[self.slot].counters = Some(Arc::clone(&counters)));
        Producer { stream: self.stream, slot: self.slot, session, tracks, offset, after, counters }
    }
}

/// Frames and bytes a producer has given.
#[derive(Debug, Default)]
pub(crate) struct ProducerCounters {
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

#[derive(Debug)]
struct ProducedTrack {
    id: TrackId,
    kind: Kind,
    /// Video is let through from its first keyframe on: nothing can be decoded before it.
    begun: bool,
    last_dts: Timestamp,
    /// The configuration that this session began with, until its first frame tells those who know that of the one before.
    untold: Option<Arc<Codec>>,
}

impl ProducedTrack {
    fn new(track: &Track, has_been_there: bool) -> Self {
        Self {
            id: track.id,
            kind: track.kind(),
            begun: track.kind() == Kind::Audio,
            last_dts: Timestamp::from_nanos(i64::MIN),
            untold: has_been_there.then(|| Arc::new(track.codec.clone())),
        }
    }
}

/// From the source's timeline to the stream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offset {
    /// The first frame decides it.
    Unknown,
    /// In nanoseconds.
    Known(i64),
    /// They are the same.
    None,
}

/// A live source: publishes frames into its stream. Dropped when the source is gone.
#[derive(Debug)]
pub struct Producer {
    stream: Arc<Stream>,
    slot: usize,
    session: u64,
    tracks: Vec<ProducedTrack>,
    offset: Offset,
    /// The stream's time that this session must not start before.
    after: Timestamp,
    counters: Arc<ProducerCounters>,
}

impl Producer {
    /// The id of the `index`th track handed to [`Attach::tracks`]: the one to put into its frames.
    #[must_use]
    pub fn track(&self, index: usize) -> Option<TrackId> {
        self.tracks.get(index).map(|track| track.id)
    }

    /// The stream that is published to.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Puts a frame into the stream, its time moved onto the stream's timeline: the first frame of a session is placed at
    /// the time of its arrival (or, among several streams of a camera, where the camera's clock puts it), the others keep
    /// their distance to it. Video before its first keyframe, and frames of
    /// tracks that are not this producer's, are passed over.
    ///
    /// # Errors
    /// If another producer has taken this one's place: end the session.
    pub fn publish(&mut self, mut frame: Frame) -> Result<(), Replaced> {
        if self.stream.status.borrow().slots[self.slot].session != self.session {
            return Err(Replaced);
        }
        let Some(at) = self.tracks.iter().position(|track| track.id == frame.track) else { return Ok(()) };
        if let Some(codec) = &frame.new_codec {
            self.stream.status.send_modify(|status| {
                let slot = &mut status.slots[self.slot];
                if let Some(track) = slot.tracks.iter_mut().find(|track| track.id == frame.track) {
                    track.codec = codec.as_ref().clone();
                }
                slot.settle();
            });
        }
        let track = &mut self.tracks[at];
        // A source that keeps its time may begin with what the session before it has given already.
        let is_new = self.offset != Offset::None || frame.dts > self.after;
        track.begun |= frame.keyframe && is_new;
        if !track.begun || !is_new {
            return Ok(());
        }
        if let Some(codec) = track.untold.take() {
            frame.new_codec.get_or_insert(codec);
        }
        self.rebase(at, &mut frame);
        self.counters.frames.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes.fetch_add(frame.data.len() as u64, Ordering::Relaxed);
        let is_video = self.tracks[at].kind == Kind::Video;
        let head = {
            let mut ring = self.stream.lock_ring();
            ring.push(frame, is_video);
            ring.head()
        };
        self.stream.head.send_replace(head);
        Ok(())
    }

    /// Moves the frame's time onto the stream's timeline. Whatever the source does, time of a track goes on.
    fn rebase(&mut self, at: usize, frame: &mut Frame) {
        /// Put between two frames that would overlap: of one session and the next, or of a source that turns its clock back.
        const GAP: Duration = Duration::from_millis(1);
        let offset = match self.offset {
            Offset::Unknown => self.begin(frame, GAP),
            Offset::Known(offset) => offset,
            Offset::None => 0,
        };
        let track = &mut self.tracks[at];
        let moved = |time: Timestamp| Timestamp::from_nanos(time.as_nanos().saturating_add(offset));
        frame.dts = moved(frame.dts).max(track.last_dts + GAP);
        frame.pts = moved(frame.pts).max(frame.dts);
        let advance = frame.dts.saturating_since(std::mem::replace(&mut track.last_dts, frame.dts));
        if track.kind == Kind::Video
            && self.offset != Offset::None
            && let Some(sibling) = self.stream.sibling.get()
            && let Some(error) = sibling.error(frame, self.stream.time_at(frame.received_at))
        {
            self.offset = Offset::Known(offset.saturating_sub(slew(error, advance)));
        }
    }

    /// Chooses the place of a session's first frame; gives the offset.
    fn begin(&mut self, frame: &Frame, gap: Duration) -> i64 {
        let arrival = self.stream.time_at(frame.received_at);
        // A camera's clock tells when a frame is to be shown.
        let decoded_ahead = frame.pts.saturating_since(frame.dts);
        let placed = self.stream.sibling.get().and_then(|sibling| sibling.place(frame, arrival));
        let start = placed.map_or(arrival, |shown| shown - decoded_ahead);
        let start = start.max(self.after + gap).max(Timestamp::ZERO);
        let offset = start.as_nanos().saturating_sub(frame.dts.as_nanos());
        self.offset = Offset::Known(offset);
        offset
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.stream.status.send_if_modified(|status| {
            let slot = &mut status.slots[self.slot];
            let own = slot.session == self.session && matches!(slot.state, State::Live | State::Connecting);
            if own {
                slot.state = State::Idle;
                slot.label = None;
                slot.counters = None;
            }
            own
        });
    }
}
