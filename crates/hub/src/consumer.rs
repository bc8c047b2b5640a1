//! The taking side of a stream.

use crate::join::Demands;
use crate::limits::READ_BATCH;
use crate::ring::Place;
use crate::{Label, Stream};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;
use yeoul_media::{Frame, Kind, Track, TrackId};

/// A frame as a consumer gets it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The frame's place in the stream: the same for every consumer, growing, never repeated.
    pub index: u64,
    /// It was there before the consumer joined: the GOP buffer.
    pub backlog: bool,
    /// The frame.
    pub frame: Frame,
}

/// What happens to a consumer.
#[derive(Clone, Debug)]
pub enum Event {
    /// The next frame of one of its tracks.
    Frame(Delivery),
    /// It was too slow: this many frames of the stream were passed over, and it goes on at a keyframe.
    Skipped {
        /// Frames of all tracks passed over.
        frames: u64,
    },
    /// A track of its choice is gone for good, because the source came back with another coding: join again.
    TracksChanged,
    /// The stream was removed.
    Ended,
}

/// Frames and bytes a consumer has taken, frames it has missed.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) label: Label,
    pub(crate) tracks: Vec<Track>,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) skipped: AtomicU64,
}

/// A viewer's place in a stream. It starts at the last keyframe of its video track and reads at its own pace.
#[derive(Debug)]
pub struct Consumer {
    stream: Arc<Stream>,
    id: u64,
    tracks: Vec<Track>,
    /// The track whose keyframes are places to start from.
    video: Option<TrackId>,
    next: u64,
    /// Frames before this one were there when it joined.
    joined_at: u64,
    /// Up to this frame it is behind because it wanted to.
    rewound: u64,
    /// Video is passed over up to the next keyframe.
    needs_keyframe: bool,
    /// Tracks of which it has passed frames over, and perhaps a change of codec with them, since it last got one.
    untold: Vec<TrackId>,
    revision: u64,
    ready: VecDeque<Event>,
    head: watch::Receiver<u64>,
    counters: Arc<Counters>,
    _demands: Demands,
}

impl Consumer {
    pub(crate) fn new(stream: Arc<Stream>, tracks: Vec<Track>, demands: Demands, label: Label) -> Self {
        let video = tracks.iter().find(|track| track.kind() == Kind::Video).map(|track| track.id);
        let head = stream.head.subscribe();
        let revision = stream.revision.load(Ordering::Acquire);
        let counters = Arc::new(Counters {
            label,
            tracks: tracks.clone(),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        });
        let id = stream.next_consumer_id();
        stream.lock_consumers().insert(id, Arc::clone(&counters));
        let mut consumer = Self {
            stream,
            id,
            tracks,
            video,
            next: 0,
            joined_at: 0,
            rewound: 0,
            needs_keyframe: false,
            untold: Vec::new(),
            revision,
            ready: VecDeque::new(),
            head,
            counters,
            _demands: demands,
        };
        consumer.go_to_keyframe();
        consumer
    }

    /// The tracks it gets, with their decoder configuration as it was when it joined.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The stream it reads.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Frames passed over so far because it was too slow.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.counters.skipped.load(Ordering::Relaxed)
    }

    /// Goes back to the last keyframe (or waits for the next one), as a newcomer: for a viewer whose decoder has lost track.
    pub fn restart(&mut self) {
        self.untold = self.tracks.iter().map(|track| track.id).collect();
        self.go_to_keyframe();
    }

    fn go_to_keyframe(&mut self) {
        self.ready.clear();
        let ring = self.stream.lock_ring();
        self.joined_at = ring.head();
        let keyframe = self.video.and_then(|video| ring.keyframe(video));
        self.next = keyframe.unwrap_or(self.joined_at);
        self.needs_keyframe = self.video.is_some();
    }

    /// Goes back as far as there are frames to start from, up to [`crate::StreamOptions::history`]: for a newcomer who wants
    /// what was before the last keyframe, too.
    pub fn rewind(&mut self) {
        self.ready.clear();
        let ring = self.stream.lock_ring();
        if let Some(keyframe) = self.video.and_then(|video| ring.first_keyframe(video)) {
            self.next = keyframe;
            self.rewound = ring.head();
            self.needs_keyframe = true;
        }
    }

    /// Takes no more frames of that kind: for a viewer who gets them from another stream.
    pub fn leave(&mut self, kind: Kind) {
        self.tracks.retain(|track| track.kind() != kind);
        if kind == Kind::Video {
            (self.video, self.needs_keyframe) = (None, false);
        }
        let tracks = &self.tracks;
        self.ready.retain(|event| match event {
            Event::Frame(delivery) => tracks.iter().any(|track| track.id == delivery.frame.track),
            Event::Skipped { .. } | Event::TracksChanged | Event::Ended => true,
        });
    }

    /// The next event. Cancel safe.
    pub async fn next(&mut self) -> Event {
        loop {
            self.head.mark_unchanged();
            if let Some(event) = self.try_next() {
                return event;
            }
            if self.head.changed().await.is_err() {
                return Event::Ended;
            }
        }
    }

    /// The next event, if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        if self.ready.is_empty() {
            if let Some(event) = self.control_event() {
                return Some(event);
            }
            self.read();
        }
        let event = self.ready.pop_front()?;
        if let Event::Frame(delivery) = &event {
            self.counters.frames.fetch_add(1, Ordering::Relaxed);
            self.counters.bytes.fetch_add(delivery.frame.data.len() as u64, Ordering::Relaxed);
        }
        Some(event)
    }

    /// What the control plane has to say since the last look.
    fn control_event(&mut self) -> Option<Event> {
        let revision = self.stream.revision.load(Ordering::Acquire);
        if revision == self.revision {
            return None;
        }
        if self.stream.closed.get().is_some() {
            return Some(Event::Ended);
        }
        let status = self.stream.status.borrow();
        // While a source is away its tracks stay listed: only a new session without them means that they are gone.
        if self.tracks.iter().any(|track| status.track(track.id).is_none()) {
            return Some(Event::TracksChanged);
        }
        drop(status);
        self.revision = revision;
        None
    }

    /// Takes the next frames of its tracks out of the ring.
    fn read(&mut self) {
        let ring = self.stream.lock_ring();
        match ring.place(self.next, self.video, self.next < self.rewound) {
            Place::At(index) => self.next = index,
            Place::Skip(to) => {
                let to = to.unwrap_or_else(|| ring.head());
                let frames = to.saturating_sub(self.next);
                self.next = to;
                self.needs_keyframe = self.video.is_some();
                self.untold = self.tracks.iter().map(|track| track.id).collect();
                self.counters.skipped.fetch_add(frames, Ordering::Relaxed);
                self.ready.push_back(Event::Skipped { frames });
            }
        }
        while self.ready.len() < READ_BATCH
            && let Some(frame) = ring.get(self.next)
        {
            let index = self.next;
            self.next += 1;
            if !self.tracks.iter().any(|track| track.id == frame.track) {
                continue;
            }
            if Some(frame.track) == self.video && self.needs_keyframe {
                if !frame.keyframe {
                    continue;
                }
                self.needs_keyframe = false;
            }
            let mut frame = frame.clone();
            if let Some(place) = self.untold.iter().position(|track| *track == frame.track) {
                self.untold.swap_remove(place);
                frame.new_codec = ring.codec_at(index, frame.track);
            }
            self.ready.push_back(Event::Frame(Delivery { index, backlog: index < self.joined_at, frame }));
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stream.lock_consumers().remove(&self.id);
    }
}
