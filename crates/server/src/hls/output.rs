//! What all viewers of one stream in one form share.

use super::caching::{Cached, Caching};
use super::form::{Container, Form};
use super::names::{FolderNames, Piece};
use super::view::View;
use crate::api::media;
use crate::limits::{
    HLS_FIRST_LENGTH, HLS_FIRST_PARTS, HLS_FIRST_SEGMENTS, HLS_HOLD_TARGETS, HLS_LINGER, HLS_READ_BATCH,
};
use crate::outputs::{Lease, Output, Over};
use axum::http::{HeaderMap, HeaderValue};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::timeout_at;
use yeoul_hls::{
    Error, Names, Options, PathNames, QueryNames, RenditionReport, Segmenter, Snapshot, WallClock,
};
use yeoul_hub::{Consumer, Event, Want};
use yeoul_media::TrackId;

/// Index of the names that are paths, in the snapshots.
pub(super) const FOLDER: usize = 0;
/// Index of the names that are queries.
pub(super) const QUERY: usize = 1;

/// Where an output is.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// There is nothing to play yet.
    Filling,
    Playing(Arc<View>),
    Over,
}

/// A playlist with its media, as long as somebody asks for it.
pub(crate) struct Live {
    /// Tells this start from all others.
    id: String,
    form: Form,
    /// The tracks that the segmenter knows.
    tracks: Mutex<Vec<TrackId>>,
    segmenter: Mutex<Segmenter>,
    state: watch::Sender<State>,
    init_headers: HeaderMap,
    media_headers: HeaderMap,
    /// Channels of the sound; 0 without.
    channels: u8,
    /// The playlists that are other renditions of the same: their addresses as this one tells them.
    others: Mutex<Vec<(String, Weak<Live>)>>,
    /// Somebody has asked for the playlist since [`Live::hold`] looked.
    asked: AtomicBool,
    /// [`Live::hold`] holds it.
    held: AtomicBool,
}

impl Live {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    pub(super) fn caching(&self) -> Caching {
        self.form.settings.caching
    }

    /// Changes with everything that is new.
    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The headers that go with a piece of media.
    pub(super) fn headers(&self, piece: Piece) -> &HeaderMap {
        match piece {
            Piece::Init(_) => &self.init_headers,
            Piece::Segment(_) | Piece::Part(_) => &self.media_headers,
        }
    }

    /// Holds the output for players that ask once a target duration, where that is longer than an output is kept anyway.
    pub(super) fn hold(lease: &Lease<Self>, target: Duration) {
        let until = target * HLS_HOLD_TARGETS;
        if until <= HLS_LINGER {
            return;
        }
        lease.asked.store(true, Ordering::Relaxed);
        if lease.held.swap(true, Ordering::Relaxed) {
            return;
        }
        let lease = lease.clone();
        tokio::spawn(async move {
            while lease.asked.swap(false, Ordering::Relaxed) {
                tokio::time::sleep(until).await;
            }
            lease.held.store(false, Ordering::Relaxed);
        });
    }

    fn segmenter(&self) -> MutexGuard<'_, Segmenter> {
        // The task of this output takes it, and who agrees with other renditions; nothing panics while it is held.
        self.segmenter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Feeds what has come; `Some` when it is over with this consumer.
    fn take(&self, consumer: &mut Consumer, event: Event) -> Result<Option<Over>, Error> {
        let mut segmenter = self.segmenter();
        let mut next = Some(event);
        for _ in 0..HLS_READ_BATCH {
            match next {
                Some(Event::Frame(delivery)) => segmenter.push(&delivery.frame)?,
                // The next frame is a keyframe, later by what was skipped.
                Some(Event::Skipped { .. }) => {}
                Some(Event::TracksChanged) => return Ok(Some(Over::TracksChanged)),
                Some(Event::Ended) => return Ok(Some(Over::Ended)),
                None => break,
            }
            next = consumer.try_next();
        }
        Ok(None)
    }

    /// Shows what is new to everybody who waits for it. Under the lock, so that nothing older comes after it.
    fn publish(&self) {
        let mut segmenter = self.segmenter();
        if !segmenter.changed() {
            return;
        }
        let snapshot = segmenter.snapshot(&self.reports());
        if let Some(snapshot) = snapshot.filter(|snapshot| !self.is_too_early(snapshot)) {
            self.state.send_replace(State::Playing(Arc::new(View::new(snapshot))));
        }
    }

    /// How far the other renditions are.
    fn reports(&self) -> Vec<RenditionReport> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let report = |(uri, other): &(String, Weak<Self>)| {
            let state = other.upgrade()?.state.borrow().clone();
            let State::Playing(view) = state else { return None };
            let (last_msn, last_part) = view.snapshot.last();
            Some(RenditionReport { uri: uri.clone(), last_msn, last_part })
        };
        others.iter().filter_map(report).collect()
    }

    /// From now on it tells of these renditions, too.
    pub(super) fn set_others(&self, others: Vec<(String, Weak<Self>)>) {
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// Promises a target duration of so many seconds, if it does not promise a longer one.
    pub(super) fn raise_target(&self, seconds: u32) {
        self.segmenter().raise_target(seconds);
        self.publish();
    }

    /// Channels of its sound.
    pub(super) fn channels(&self) -> u8 {
        self.channels
    }

    /// Whether a player that finds so little would soon stop. With a single part it finds the gap in front of the first segment,
    /// and hls.js looks again only after a second; with a single segment it hears of the next too late, and hlsdemux2 of
    /// GStreamer loses its place for good.
    fn is_too_early(&self, snapshot: &Snapshot) -> bool {
        if !matches!(*self.state.borrow(), State::Filling) {
            return false;
        }
        match snapshot.promise().part_target {
            Some(target) => snapshot.playable() < target * HLS_FIRST_PARTS,
            None => {
                snapshot.playable_segments() < HLS_FIRST_SEGMENTS && snapshot.playable() < HLS_FIRST_LENGTH
            }
        }
    }

    /// Another consumer than the first one has other tracks.
    fn begin(&self, consumer: &Consumer) -> Result<(), Error> {
        let ids: Vec<TrackId> = consumer.tracks().iter().map(|track| track.id).collect();
        let mut tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        if *tracks != ids {
            self.segmenter().change_tracks(consumer.tracks())?;
            *tracks = ids;
        }
        Ok(())
    }

    async fn feed(&self, consumer: &mut Consumer) -> Result<Over, Error> {
        self.begin(consumer)?;
        loop {
            let timeout = self.segmenter().timeout();
            let event = match timeout {
                Some(at) => timeout_at(at.into(), consumer.next()).await.ok(),
                None => Some(consumer.next().await),
            };
            let over = match event {
                Some(event) => self.take(consumer, event)?,
                None => {
                    self.segmenter().handle_timeout(Instant::now())?;
                    None
                }
            };
            self.publish();
            if let Some(over) = over {
                return Ok(over);
            }
        }
    }
}

impl Output for Live {
    type Form = Form;
    const LINGER: Duration = HLS_LINGER;

    fn protocol(form: &Form) -> &'static str {
        match form.container {
            Container::LowLatency => "ll-hls+http",
            Container::Fmp4 => "hls+http",
            Container::Ts => "hls-ts+http",
        }
    }

    fn wants(form: &Form) -> Vec<Want> {
        form.wants()
    }

    fn start(form: &Form, consumer: &Consumer) -> Result<Self, String> {
        let id = random_id();
        let options = options(form, &id);
        let segmenter = Segmenter::new(options, consumer.tracks()).map_err(|error| error.to_string())?;
        let caching = form.settings.caching;
        let (media_type, cached) = match form.container {
            Container::LowLatency | Container::Fmp4 => ("video/iso.segment", Cached::Media),
            Container::Ts => ("video/mp2t", Cached::PlainMedia),
        };
        Ok(Self {
            id,
            form: form.clone(),
            tracks: Mutex::new(consumer.tracks().iter().map(|track| track.id).collect()),
            segmenter: Mutex::new(segmenter),
            state: watch::Sender::new(State::Filling),
            init_headers: media::headers(
                HeaderValue::from_static("video/mp4"),
                caching.header(Cached::Media),
            ),
            media_headers: media::headers(HeaderValue::from_static(media_type), caching.header(cached)),
            channels: consumer.tracks().iter().find_map(|track| track.codec.channels()).unwrap_or(0),
            others: Mutex::default(),
            asked: AtomicBool::new(false),
            held: AtomicBool::new(false),
        })
    }

    async fn run(self: Arc<Self>, mut consumer: Consumer) -> Over {
        if matches!(*self.state.borrow(), State::Filling) {
            // A player starts with more than one segment, or it stops soon.
            consumer.rewind();
        }
        let over = match self.feed(&mut consumer).await {
            Ok(over) => over,
            Err(error) => Over::Failed(error.to_string()),
        };
        match over {
            Over::TracksChanged => {}
            Over::Ended | Over::Failed(_) => {
                self.state.send_replace(State::Over);
            }
        }
        over
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("id", &self.id).field("form", &self.form).finish_non_exhaustive()
    }
}

fn options(form: &Form, id: &str) -> Options {
    let now = SystemTime::now();
    let clock = WallClock { at: Instant::now(), time: now };
    let folder: Arc<dyn Names> = Arc::new(FolderNames(id.to_owned()));
    let (options, names): (_, [Arc<dyn Names>; 2]) = match form.container {
        Container::LowLatency => (Options::low_latency(clock), [folder, Arc::new(QueryNames::fmp4(id))]),
        Container::Fmp4 => {
            (Options::classic(yeoul_hls::Form::Fmp4, clock), [folder, Arc::new(QueryNames::fmp4(id))])
        }
        Container::Ts => (
            Options::classic(yeoul_hls::Form::Ts, clock),
            [Arc::new(PathNames::TS), Arc::new(QueryNames::ts(id))],
        ),
    };
    let settings = &form.settings;
    Options {
        part_target: settings.part,
        segment_target: settings.segment,
        window: settings.window,
        first_msn: first_msn(now),
        first_discontinuity: match form.container {
            Container::LowLatency | Container::Fmp4 => first_discontinuity(form.settings.started),
            // The plain form has no such tag where nothing was discontinuous.
            Container::Ts => 0,
        },
        names: names.to_vec(),
        ..options
    }
}

/// Numbers begin with the clock: larger than those of any start before, so that players and caches that knew the stream
/// under the same address go on. Half seconds, because no segment is shorter; since 2020, because some old players take
/// numbers for 32 bits.
fn first_msn(now: SystemTime) -> u64 {
    const YEAR_2020: Duration = Duration::from_secs(1_577_836_800);
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(YEAR_2020);
    since.as_secs() * 2
}

/// Tells the timeline of this start of the program from that of the one before: a player that goes on over it must not take them
/// for one. The number is small because hls.js has an array of that length, and walks it.
fn first_discontinuity(started: SystemTime) -> u64 {
    started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 1_000
}

/// Eight characters as those of go2rtc: 40 bits, so that two starts of one stream are told apart.
fn random_id() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    crate::random::bytes::<8>().map(letter).into_iter().collect()
}
