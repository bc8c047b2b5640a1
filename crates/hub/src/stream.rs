//! A named set of tracks.

use crate::consumer::Counters;
use crate::join::Joining;
use crate::producer::{Attach, Producer};
use crate::ring::Ring;
use crate::status::{SlotStatus, State, Status};
use crate::{Label, Sibling, Timeline, Want, limits};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use yeoul_media::{Codec, Kind, Timestamp, Track, TrackId};

/// How much a stream keeps, and how patient it is with slow consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// Bytes of frames kept; see [`limits::MAX_RING_BYTES`].
    pub max_ring_bytes: usize,
    /// Age of the oldest frame kept; see [`limits::MAX_RING_AGE`].
    pub max_ring_age: Duration,
    /// How far behind a consumer may be; see [`limits::MAX_LAG`].
    pub max_lag: Duration,
    /// How old the frames are that a consumer can go back to; see [`limits::HISTORY`].
    pub history: Duration,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            max_ring_bytes: limits::MAX_RING_BYTES,
            max_ring_age: limits::MAX_RING_AGE,
            max_lag: limits::MAX_LAG,
            history: limits::HISTORY,
        }
    }
}

/// A named set of tracks: its sources on one side, its consumers on the other, the ring of frames between them.
pub struct Stream {
    name: String,
    pub(crate) status: watch::Sender<Status>,
    /// Consumers that want each source, the last slot (external publishers) never dialled.
    pub(crate) demands: Vec<watch::Sender<usize>>,
    pub(crate) ring: Mutex<Ring>,
    /// Index of the next frame; a change wakes the consumers.
    pub(crate) head: watch::Sender<u64>,
    /// Counts changes of tracks, so that consumers look at the status only when there is something to see.
    pub(crate) revision: AtomicU64,
    pub(crate) closed: OnceLock<()>,
    pub(crate) timeline: Timeline,
    /// Among the streams of one camera, if there are others.
    pub(crate) sibling: OnceLock<Sibling>,
    consumers: Mutex<BTreeMap<u64, Arc<Counters>>>,
    next_consumer: AtomicU64,
}

impl Stream {
    /// A stream of `sources` configured sources (none for one that is only published to), on a timeline of its own, which
    /// begins with its first frame.
    #[must_use]
    pub fn new(name: &str, sources: usize, options: StreamOptions) -> Arc<Self> {
        Self::on(&Timeline::default(), name, sources, options)
    }

    /// As [`Stream::new`], on a timeline that others share.
    #[must_use]
    pub fn on(timeline: &Timeline, name: &str, sources: usize, options: StreamOptions) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            status: watch::Sender::new(Status::new(sources + 1)),
            demands: (0..sources).map(|_| watch::Sender::new(0)).collect(),
            ring: Mutex::new(Ring::new(options)),
            head: watch::Sender::new(0),
            revision: AtomicU64::new(0),
            closed: OnceLock::new(),
            timeline: timeline.clone(),
            sibling: OnceLock::new(),
            consumers: Mutex::new(BTreeMap::new()),
            next_consumer: AtomicU64::new(1),
        })
    }

    /// The name it was configured with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the stream as a whole is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.status.borrow().state()
    }

    /// The driver's handles on the configured sources, in their order.
    #[must_use]
    pub fn sources(self: &Arc<Self>) -> Vec<SourceSlot> {
        (0..self.demands.len()).map(|index| SourceSlot { stream: Arc::clone(self), index }).collect()
    }

    /// Asks for tracks: one for each of `wants` that the stream can meet. Raises the demand on sources as needed.
    #[must_use]
    pub fn join(self: &Arc<Self>, wants: Vec<Want>, label: Label) -> Joining {
        Joining::new(Arc::clone(self), wants, label)
    }

    /// An external publisher's tracks (ANNOUNCE, WHIP). A newer publisher replaces the older one, so that an encoder that
    /// comes back is not locked out by its own dead session.
    #[must_use]
    pub fn publish(self: &Arc<Self>, label: Label, codecs: Vec<Codec>) -> Producer {
        Attach::new(Arc::clone(self), self.demands.len()).tracks(label, codecs)
    }

    /// The place on the stream's timeline of what comes in at `at`.
    #[must_use]
    pub fn time_at(&self, at: Instant) -> Timestamp {
        self.timeline.at(at)
    }

    /// The timeline it is on.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Says that this stream is one of several of a camera, before its first frame: from then on they are kept in step by
    /// the camera's own clock. The first call counts.
    pub fn align(&self, sibling: Sibling) {
        let _ = self.sibling.set(sibling);
    }

    /// Bits a second of its picture, as the frames that are kept tell; `None` if they span less than a second.
    #[must_use]
    pub fn picture_bitrate(&self) -> Option<f64> {
        let is_video = |track: &Track| track.kind() == Kind::Video;
        let video: Vec<TrackId> = {
            let status = self.status.borrow();
            let tracks = status.slots.iter().flat_map(|slot| &slot.tracks);
            tracks.filter(|track| is_video(track)).map(|track| track.id).collect()
        };
        let video = *video.first()?;
        let (bytes, span) = self.lock_ring().amount(video);
        // Bytes that are kept are far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let bits = bytes as f64 * 8.0;
        (span >= Duration::from_secs(1)).then(|| bits / span.as_secs_f64())
    }

    /// Ends the stream: its consumers get [`crate::Event::Ended`], its sources lose their demand.
    pub fn close(&self) {
        if self.closed.set(()).is_ok() {
            for demand in &self.demands {
                demand.send_replace(0);
            }
            self.tracks_changed();
            self.status.send_modify(|_| {});
        }
    }

    /// Changes whenever its consumers may have an event to take: for a driver that reads many consumers of one stream by
    /// [`crate::Consumer::try_next`] and waits for all of them at once.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Resolves when the stream is closed.
    pub async fn closed(&self) {
        let mut status = self.status.subscribe();
        // The sender lives as long as `self`: the wait ends only by the condition.
        let _ = status.wait_for(|_| self.closed.get().is_some()).await;
    }

    pub(crate) fn tracks_changed(&self) {
        self.revision.fetch_add(1, Ordering::Release);
        self.head.send_modify(|_| {});
    }

    pub(crate) fn lock_ring(&self) -> MutexGuard<'_, Ring> {
        // No code panics while it holds the ring; were it to, the frames in it are still whole.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_consumers(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Counters>>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_consumer_id(&self) -> u64 {
        self.next_consumer.fetch_add(1, Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// A configured source as its driver sees it: is it wanted, and what became of it.
#[derive(Debug)]
pub struct SourceSlot {
    stream: Arc<Stream>,
    index: usize,
}

impl SourceSlot {
    /// The number of consumers that want this source; watch it to dial and to hang up.
    #[must_use]
    pub fn demand(&self) -> watch::Receiver<usize> {
        self.stream.demands[self.index].subscribe()
    }

    /// The stream it belongs to.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// The attempt to dial begins.
    pub fn connecting(&self) {
        self.update(|slot| (slot.state, slot.progress) = (State::Connecting, None));
    }

    /// The attempt, or the session, failed for `reason` (a sentence without secrets); the next one begins at `retry_at`.
    pub fn failed(&self, reason: String, retry_at: Instant) {
        self.update(|slot| {
            slot.last_failure = Some(reason.clone());
            slot.progress = None;
            slot.state = State::Failed { reason, retry_at };
        });
    }

    /// Nobody wants it any more.
    pub fn idle(&self) {
        self.update(|slot| {
            slot.state = State::Idle;
            (slot.last_failure, slot.progress) = (None, None);
        });
    }

    /// Resolves when the source gives frames that can be described.
    pub async fn live(&self) {
        let mut status = self.stream.status.subscribe();
        // The sender lives as long as `self`: the wait ends only by the condition.
        let _ = status.wait_for(|status| status.slots[self.index].state == State::Live).await;
    }

    /// What the dialler hands its tracks to.
    #[must_use]
    pub fn attach(&self) -> Attach {
        Attach::new(Arc::clone(&self.stream), self.index)
    }

    fn update(&self, change: impl FnOnce(&mut SlotStatus)) {
        self.stream.status.send_modify(|status| change(&mut status.slots[self.index]));
    }
}
