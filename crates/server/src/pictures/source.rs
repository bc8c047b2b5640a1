//! What all who ask for pictures of one stream share: the newest picture, and the decoder that makes it.

use super::appetite::{Afterwards, Appetite, Wish};
use super::child::Child;
use super::jobs::Jobs;
use super::plan::{Cost, Situation, goal};
use super::shot::Shot;
use crate::ffmpeg::Ffmpeg;
use crate::limits::{
    PICTURE_CATCH_UP_WAIT, PICTURE_DECODE_SLICE, PICTURE_FAILED_KEYFRAMES, PICTURE_FOLLOW, PICTURE_WAIT,
};
use crate::outputs::{Lease, Output, OutputError, Over};
use rustix::time::{ClockId, clock_gettime};
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout_at;
use tracing::{debug, warn};
use yeoul_hub::{Consumer, Event, State, Want};
use yeoul_media::{Codec, Frame, Kind, Timestamp};
use yeoul_transcode::{Batch, Decoded, Goal, Gop, StillDecoder, StillError, still_decoder};

/// What pictures are made with: the same for all streams, so that there is one form of each.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(super) jobs: Arc<Jobs>,
    pub(super) ffmpeg: Arc<Ffmpeg>,
}

impl PartialEq for Means {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.jobs, &other.jobs)
    }
}

impl Eq for Means {}

impl Hash for Means {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// The newest picture of one stream, kept as fresh as those who ask want it.
#[derive(Debug)]
pub(crate) struct Source {
    means: Means,
    appetite: Arc<Appetite>,
    newest: watch::Sender<Option<Arc<Shot>>>,
    /// Why there is no newer picture, if that is known.
    trouble: Mutex<Option<String>>,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPicture {
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The camera is away, or its keyframes are.
    #[error("{0}")]
    Late(String),
}

impl Output for Source {
    type Form = Means;

    const LINGER: Duration = PICTURE_FOLLOW;

    fn protocol(_: &Means) -> &'static str {
        "pictures+http"
    }

    fn wants(_: &Means) -> Vec<Want> {
        vec![Want { text: "pictures".to_owned(), ..Want::any(Kind::Video) }]
    }

    fn start(form: &Means, _: &Consumer) -> Result<Self, String> {
        Ok(Self {
            means: form.clone(),
            appetite: Arc::default(),
            newest: watch::Sender::new(None),
            trouble: Mutex::default(),
        })
    }

    async fn run(self: Arc<Self>, consumer: Consumer) -> Over {
        let Some(track) = consumer.tracks().first().cloned() else { return Over::TracksChanged };
        Work::new(self, consumer, track.codec).run().await
    }
}

impl Source {
    /// Wants pictures no older than `max_age` for as long as the wish lives.
    pub(super) fn wish(&self, max_age: Duration, afterwards: Afterwards) -> Wish {
        self.appetite.wish(max_age, afterwards)
    }

    /// The newest pictures as they come.
    pub(super) fn newest(&self) -> watch::Receiver<Option<Arc<Shot>>> {
        self.newest.subscribe()
    }

    fn set_trouble(&self, sentence: Option<String>) {
        // A text is whole whatever happens.
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = sentence;
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A picture no older than `max_age`. Where the stream is live and that cannot be had within [`PICTURE_CATCH_UP_WAIT`], the
/// newest one there is.
pub(super) async fn fresh(lease: &Lease<Source>, max_age: Duration) -> Result<Arc<Shot>, NoPicture> {
    let asked = Instant::now();
    let _wish = lease.wish(max_age, Afterwards::Follow);
    let mut newest = lease.newest();
    loop {
        let shot = newest.borrow_and_update().clone();
        let wait = match &shot {
            Some(shot) if asked.saturating_duration_since(shot.received_at) <= max_age => {
                return Ok(Arc::clone(shot));
            }
            Some(_) if is_live(lease) => PICTURE_CATCH_UP_WAIT,
            Some(_) | None => PICTURE_WAIT,
        };
        tokio::select! {
            error = lease.over() => return Err(error.into()),
            // The source outlives the lease.
            changed = timeout_at((asked + wait).into(), newest.changed()) => match (changed, shot) {
                (Ok(_), _) => {}
                (Err(_), Some(shot)) if is_live(lease) => return Ok(shot),
                (Err(_), _) => return Err(NoPicture::Late(why_late(lease))),
            }
        }
    }
}

/// The first picture for a viewer of many, however old.
pub(super) async fn first(lease: &Lease<Source>) -> Result<Arc<Shot>, NoPicture> {
    fresh(lease, Duration::MAX).await
}

fn is_live(lease: &Lease<Source>) -> bool {
    lease.stream().state() == State::Live
}

fn why_late(lease: &Lease<Source>) -> String {
    let (name, snapshot) = (lease.stream().name(), lease.stream().snapshot());
    match (snapshot.reason, lease.trouble()) {
        (Some(reason), _) => format!("stream {name} is not live: {reason}"),
        (None, Some(trouble)) => format!("stream {name} has no picture: {trouble}"),
        (None, None) => {
            format!("stream {name} has no picture: no keyframe has come within {} s", PICTURE_WAIT.as_secs())
        }
    }
}

/// What a job gives back.
struct Done {
    decoder: Box<dyn StillDecoder>,
    batch: Batch,
    result: Result<Option<Decoded>, StillError>,
    goal: Goal,
    frames: usize,
    took: Duration,
}

type Job = Pin<Box<dyn Future<Output = Option<Done>> + Send>>;

/// What makes pictures of frames.
enum Eye {
    /// Nothing yet, or not any more.
    None,
    /// This process, idle.
    Decoder(Box<dyn StillDecoder>),
    /// This process, at work.
    Job(Job),
    /// ffmpeg.
    Child(Box<Child>),
    /// The camera makes JPEG images itself.
    Camera,
}

/// The task behind a source.
struct Work {
    source: Arc<Source>,
    consumer: Consumer,
    codec: Codec,
    gop: Gop,
    eye: Eye,
    /// The last job had to stop before it came to the newest picture.
    is_under_way: bool,
    cost: Cost,
    /// Keyframes in a row that could not be decoded.
    failed: u32,
    pace: Pace,
}

/// What happens next.
enum Next {
    Event(Event),
    Done(Option<Done>),
    Picture(Result<(yeoul_transcode::Picture, Instant), String>),
    Wish,
}

impl Work {
    fn new(source: Arc<Source>, consumer: Consumer, codec: Codec) -> Self {
        let eye = if matches!(codec, Codec::Jpeg { .. }) { Eye::Camera } else { Eye::None };
        let gop = Gop::new(&codec);
        Self {
            source,
            consumer,
            codec,
            gop,
            eye,
            is_under_way: false,
            cost: Cost::default(),
            failed: 0,
            pace: Pace::default(),
        }
    }

    async fn run(mut self) -> Over {
        loop {
            let over = match self.next().await {
                Next::Event(Event::Frame(delivery)) => self.take(delivery.frame),
                Next::Event(Event::Skipped { .. }) => {
                    self.gop.forget();
                    Ok(())
                }
                Next::Event(Event::TracksChanged) => Err(Over::TracksChanged),
                Next::Event(Event::Ended) => Err(Over::Ended),
                Next::Done(done) => self.finish(done),
                Next::Picture(Ok((picture, received_at))) => {
                    self.show_from_child(picture, received_at);
                    Ok(())
                }
                Next::Picture(Err(sentence)) => Err(Over::Failed(sentence)),
                Next::Wish => Ok(()),
            };
            if let Err(over) = over.and_then(|()| self.decide()) {
                return over;
            }
        }
    }

    async fn next(&mut self) -> Next {
        let Self { consumer, eye, source, .. } = self;
        let made = async {
            match eye {
                Eye::Job(job) => Next::Done(job.await),
                Eye::Child(child) => Next::Picture(child.picture().await),
                Eye::None | Eye::Decoder(_) | Eye::Camera => std::future::pending().await,
            }
        };
        tokio::select! {
            event = consumer.next() => Next::Event(event),
            next = made => next,
            () = source.appetite.changed() => Next::Wish,
        }
    }

    /// A frame of the camera.
    fn take(&mut self, frame: Frame) -> Result<(), Over> {
        if let Some(codec) = &frame.new_codec {
            self.codec = codec.as_ref().clone();
        }
        match &mut self.eye {
            Eye::Camera => self.show(Shot::jpeg(frame.data, frame.received_at)),
            Eye::Child(child) => child.write(&frame),
            Eye::None | Eye::Decoder(_) | Eye::Job(_) => {
                self.pace.note(&frame);
                if let Err(error) = self.gop.push(frame) {
                    self.source.set_trouble(Some(error.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Starts what has to be done now.
    fn decide(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        let situation = Situation {
            now,
            max_age: self.source.appetite.max_age(now),
            picture: self.source.newest.borrow().as_ref().map(|shot| shot.received_at),
            keyframe: self.gop.keyframe().map(|frame| frame.received_at),
            has_news: self.gop.waiting() > 0,
            is_under_way: self.is_under_way,
            keeps_up: self.cost.keeps_up(self.pace.interval()),
        };
        let Some(goal) = goal(&situation) else { return Ok(()) };
        let decoder = match std::mem::replace(&mut self.eye, Eye::None) {
            Eye::Decoder(decoder) => decoder,
            Eye::None => match still_decoder(&self.codec) {
                Ok(decoder) => decoder,
                Err(error) => return self.call_ffmpeg(&error),
            },
            busy @ (Eye::Job(_) | Eye::Child(_) | Eye::Camera) => {
                self.eye = busy;
                return Ok(());
            }
        };
        self.eye = match self.gop.take(goal) {
            Some(batch) => Eye::Job(self.job(decoder, batch, goal)),
            None => Eye::Decoder(decoder),
        };
        Ok(())
    }

    fn job(&self, mut decoder: Box<dyn StillDecoder>, mut batch: Batch, goal: Goal) -> Job {
        let jobs = Arc::clone(&self.source.means.jobs);
        Box::pin(async move {
            let work = move || {
                let (until, began, before) =
                    (Instant::now() + PICTURE_DECODE_SLICE, cpu_time(), batch.left());
                let result = batch.decode(decoder.as_mut(), || Instant::now() < until);
                let took = cpu_time().saturating_sub(began);
                let frames = before - batch.left();
                Done { decoder, batch, result, goal, frames, took }
            };
            jobs.work(work).await.ok()
        })
    }

    /// A job has ended; without a result if the decoder has panicked.
    fn finish(&mut self, done: Option<Done>) -> Result<(), Over> {
        self.eye = Eye::None;
        self.is_under_way = false;
        let Some(Done { decoder, batch, result, goal, frames, took }) = done else {
            warn!(target: "pictures", "the decoder of stream {} has failed inside", self.consumer.stream().name());
            let error =
                StillError::Unsupported(format!("a stream on which the {} decoder fails", self.codec.name()));
            return self.call_ffmpeg(&error);
        };
        match result {
            Ok(decoded) => {
                self.cost.note(goal, frames, took);
                self.failed = 0;
                self.is_under_way = batch.left() > 0;
                self.eye = Eye::Decoder(decoder);
                self.gop.put_back(batch);
                if let Some(Decoded { picture, received_at, .. }) = decoded {
                    self.show(Shot::decoded(picture, received_at));
                }
                Ok(())
            }
            Err(error @ StillError::Unsupported(_)) => self.call_ffmpeg(&error),
            Err(error @ StillError::Damaged(_)) => {
                debug!(target: "pictures", "stream {}: {error}", self.consumer.stream().name());
                // A keyframe that came meanwhile is the place to go on.
                if self.gop.keyframe().is_none() {
                    self.gop.forget();
                }
                self.source.set_trouble(Some(error.to_string()));
                self.failed += u32::from(goal == Goal::Keyframe);
                // What we take for damage may be what our decoder does not know.
                if self.failed >= PICTURE_FAILED_KEYFRAMES { self.call_ffmpeg(&error) } else { Ok(()) }
            }
        }
    }

    /// From here on ffmpeg decodes, from the last keyframe.
    fn call_ffmpeg(&mut self, reason: &StillError) -> Result<(), Over> {
        debug!(target: "pictures", "stream {}: {reason}; ffmpeg is called", self.consumer.stream().name());
        match Child::start(&self.source.means.ffmpeg, &self.codec) {
            Ok(child) => {
                self.eye = Eye::Child(Box::new(child));
                self.gop.forget();
                self.consumer.restart();
                Ok(())
            }
            Err(error) => Err(Over::Failed(format!("{reason}, and ffmpeg does not either: {error}"))),
        }
    }

    /// ffmpeg decodes every frame; what nobody needs is let go.
    fn show_from_child(&mut self, picture: yeoul_transcode::Picture, received_at: Instant) {
        let now = Instant::now();
        let last = self.source.newest.borrow().as_ref().map(|shot| shot.received_at);
        let is_due = |max_age: Duration| {
            last.is_none_or(|last| now.saturating_duration_since(last) >= max_age - max_age / 10)
        };
        if self.source.appetite.max_age(now).is_some_and(is_due) {
            self.show(Shot::decoded(picture, received_at));
        }
    }

    fn show(&self, shot: Shot) {
        self.source.set_trouble(None);
        self.source.newest.send_replace(Some(Arc::new(shot)));
    }
}

/// How often pictures come.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// Of the last keyframe, the newest frame and the frames from one to the other.
    keyframe: Timestamp,
    newest: Timestamp,
    frames: u32,
    /// As measured over the last GOP.
    interval: Option<Duration>,
}

impl Pace {
    fn note(&mut self, frame: &Frame) {
        if frame.keyframe {
            self.interval = self.measured().or(self.interval);
            *self = Self { keyframe: frame.pts, newest: frame.pts, frames: 0, interval: self.interval };
        } else {
            self.frames += 1;
            self.newest = self.newest.max(frame.pts);
        }
    }

    fn measured(&self) -> Option<Duration> {
        // A few frames tell nothing: they come in bursts.
        (self.frames >= 10).then(|| self.newest.saturating_since(self.keyframe) / self.frames)
    }

    /// From one picture to the next; 25 a second until that is known.
    fn interval(&self) -> Duration {
        self.measured().or(self.interval).unwrap_or(Duration::from_millis(40))
    }
}

/// What this thread has used so far: what others do on this machine says nothing of what decoding costs.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}
