//! A rendition: a source whose pictures ffmpeg makes of those of another stream. Its sound is the other stream's own.
//!
//! Pictures go in as an MPEG transport stream and come out as one, with their own times ([`super::picture`]). A rendition that
//! begins in the middle of a GOP has ffmpeg decode what there is of it, but begins where the stream is now.

use super::picture::{Clock, Passing};
use super::{Ffmpeg, Running};
use crate::limits::{
    RENDITION_FIRST_WAIT, RENDITION_PARENT_WAIT, RENDITION_QUEUE, RENDITION_READ_BYTES, RENDITION_USUAL_RATE,
};
use crate::streams::{DialError, ErrorKind};
use bytes::BytesMut;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::info;
use yeoul_container::{Event as Found, mpegts};
use yeoul_hub::{Attach, Consumer, Delivery, Event, JoinError, Label, Producer, Replaced, Stream, Want};
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track, TrackId};
use yeoul_transcode::ffmpeg::{Pictures, Rendition};

/// A lower quality of a stream.
#[derive(Clone, Debug)]
pub(crate) struct RenditionSource {
    parent: Arc<Stream>,
    rendition: Rendition,
    ffmpeg: Arc<Ffmpeg>,
}

/// What goes in, as the side that takes it out has to know.
enum Put {
    Picture(Frame),
    Sound(Frame),
}

/// Why a rendition ends while ffmpeg runs.
enum End {
    /// ffmpeg takes no more, or gives no more.
    Ffmpeg,
    /// The stream's pictures are other ones now.
    Changed,
    /// The stream was removed, or somebody else gives this one.
    Over,
    /// Nothing came out.
    Nothing,
}

impl RenditionSource {
    pub(crate) fn new(parent: Arc<Stream>, rendition: Rendition, ffmpeg: &Arc<Ffmpeg>) -> Self {
        Self { parent, rendition, ffmpeg: Arc::clone(ffmpeg) }
    }

    /// Makes frames until `hang_up` is cancelled; ffmpeg is killed then.
    pub(crate) async fn run(&self, attach: Attach, hang_up: CancellationToken) -> Result<(), DialError> {
        tokio::select! {
            result = self.make(attach) => result,
            () = hang_up.cancelled() => Ok(()),
        }
    }

    async fn make(&self, attach: Attach) -> Result<(), DialError> {
        let mut consumer = self.join().await?;
        let Some(begin) = Beginning::read(&mut consumer).await else { return Ok(()) };
        let mut running = self.ffmpeg.start(&self.rendition.arguments(&begin.pictures()))?;
        let (Some(stdin), Some(stdout)) = (running.child.stdin.take(), running.child.stdout.take()) else {
            return Err(self.ffmpeg.explain(running).await);
        };
        let (put, taken) = mpsc::channel(RENDITION_QUEUE);
        let name = self.to_string();
        let audio: Vec<Track> =
            consumer.tracks().iter().filter(|track| track.kind() == Kind::Audio).cloned().collect();
        let given = Given { attach: Some(attach), producer: None, audio, passing: Passing::new(begin.clock) };
        let end = tokio::select! {
            end = feed(&mut consumer, begin, stdin, put, &name) => end,
            end = given.take(stdout, taken) => end,
        };
        self.end(end, running).await
    }

    async fn end(&self, end: End, running: Running) -> Result<(), DialError> {
        match end {
            End::Ffmpeg => Err(self.ffmpeg.explain(running).await),
            End::Changed => {
                running.child.end().await;
                let text = format!("the picture of {} has changed; {self} is made anew", self.parent.name());
                Err(DialError::new(ErrorKind::Retry, text))
            }
            End::Over => {
                running.child.end().await;
                Ok(())
            }
            End::Nothing => {
                let seconds = RENDITION_FIRST_WAIT.as_secs();
                let text = format!("ffmpeg gave no picture of {self} within {seconds} s");
                Err(DialError::new(ErrorKind::Retry, text))
            }
        }
    }

    /// Joins the stream it is made of; that is wanted as long as this is.
    async fn join(&self) -> Result<Consumer, DialError> {
        let picture = Want {
            kind: Kind::Video,
            accepts: Box::new(mpegts::carries),
            all: false,
            text: "H264 or H265 to make a smaller picture of".to_owned(),
        };
        let sound = Want { all: true, ..Want::any(Kind::Audio) };
        let label = Label { protocol: "ffmpeg".to_owned(), remote: self.to_string(), ..Label::default() };
        let mut joining = self.parent.join(vec![picture, sound], label);
        let joined = timeout(RENDITION_PARENT_WAIT, joining.ready()).await;
        let Ok(joined) = joined else {
            return Err(DialError::new(ErrorKind::Retry, joining.explain()));
        };
        let consumer = joined.map_err(|error| {
            let kind = match &error {
                JoinError::NoMatch { .. } => ErrorKind::Unsupported,
                JoinError::TooManyConsumers(_) | JoinError::Closed => ErrorKind::Retry,
            };
            DialError::new(kind, format!("{self} cannot be made: {error}"))
        })?;
        if !consumer.tracks().iter().any(|track| track.kind() == Kind::Video) {
            let text = format!("{self} cannot be made: the stream has no picture in H264 or H265");
            return Err(DialError::new(ErrorKind::Unsupported, text));
        }
        Ok(consumer)
    }
}

/// `360p of cam`
impl fmt::Display for RenditionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.rendition, self.parent.name())
    }
}

/// What there was of the stream when the rendition began: the GOP so far, two pictures at least.
struct Beginning {
    track: Track,
    frames: Vec<Delivery>,
    clock: Clock,
    per_second: f64,
    /// The rendition begins with the first picture that is not before this.
    wanted_from: Timestamp,
}

impl Beginning {
    /// Reads what there is. `None` if the stream ends.
    async fn read(consumer: &mut Consumer) -> Option<Self> {
        let track = consumer.tracks().iter().find(|track| track.kind() == Kind::Video)?.clone();
        let mut frames: Vec<Delivery> = Vec::new();
        let mut pictures = 0;
        loop {
            let event = match consumer.try_next() {
                Some(event) => event,
                None if pictures >= 2 => break,
                None => consumer.next().await,
            };
            match event {
                Event::Frame(delivery) => {
                    pictures += usize::from(delivery.frame.track == track.id);
                    frames.push(delivery);
                }
                Event::Skipped { .. } => frames.clear(),
                Event::TracksChanged | Event::Ended => return None,
            }
        }
        let times = || {
            let video = frames.iter().filter(|delivery| delivery.frame.track == track.id);
            video.map(|delivery| (delivery.frame.pts, delivery.frame.dts))
        };
        let (first, last) = (times().next()?, times().next_back()?);
        let span = last.1.saturating_since(first.1).as_secs_f64();
        let steps = u32::try_from(times().count().saturating_sub(1)).unwrap_or(u32::MAX);
        let per_second = if span > 0.0 { f64::from(steps) / span } else { RENDITION_USUAL_RATE };
        Some(Self { clock: Clock::starting(first.1), track, per_second, wanted_from: last.0, frames })
    }

    fn pictures(&self) -> Pictures {
        // Half a tick earlier: both are rounded.
        let wanted_from =
            self.clock.in_ffmpeg(self.wanted_from).saturating_sub(std::time::Duration::from_micros(200));
        Pictures { per_second: self.per_second, wanted_from }
    }
}

/// Gives ffmpeg the stream's pictures.
async fn feed(
    consumer: &mut Consumer,
    begin: Beginning,
    mut stdin: ChildStdin,
    put: mpsc::Sender<Put>,
    name: &str,
) -> End {
    let Beginning { track, frames, clock, wanted_from, .. } = begin;
    let Ok(mut muxer) = mpegts::Muxer::new(std::slice::from_ref(&track)) else { return End::Over };
    let mut bytes = BytesMut::new();
    let mut size = track.codec.dimensions();
    let mut begun = frames.into_iter();
    loop {
        let event = match begun.next() {
            Some(delivery) => Event::Frame(delivery),
            None => consumer.next().await,
        };
        let frame = match event {
            Event::Frame(delivery) => delivery.frame,
            Event::Skipped { frames } => {
                info!(target: "streams", "{name}: ffmpeg is too slow: {frames} frames passed over");
                continue;
            }
            Event::TracksChanged => return End::Changed,
            Event::Ended => return End::Over,
        };
        if frame.track != track.id {
            if frame.pts >= wanted_from && put.send(Put::Sound(frame)).await.is_err() {
                return End::Over;
            }
            continue;
        }
        if let Some(codec) = &frame.new_codec {
            // A coder has one size of picture.
            let now = codec.dimensions();
            if std::mem::replace(&mut size, now).is_some_and(|before| Some(before) != now) {
                return End::Changed;
            }
        }
        muxer.write(&clock.to_muxer(&frame), &mut bytes);
        // Before its bytes, so that it is known when it comes out.
        if put.send(Put::Picture(frame)).await.is_err() {
            return End::Over;
        }
        if stdin.write_all(&bytes.split()).await.is_err() {
            return End::Ffmpeg;
        }
    }
}

/// What comes out.
struct Given {
    attach: Option<Attach>,
    producer: Option<Producer>,
    audio: Vec<Track>,
    passing: Passing,
}

impl Given {
    async fn take(mut self, mut stdout: ChildStdout, mut put: mpsc::Receiver<Put>) -> End {
        let mut demuxer = mpegts::Demuxer::default();
        let mut bytes = vec![0; RENDITION_READ_BYTES];
        let deadline = Instant::now() + RENDITION_FIRST_WAIT;
        loop {
            let count = tokio::select! {
                // What goes in first: it has to be known when it comes out.
                biased;
                Some(put) = put.recv() => {
                    if self.put(put).is_err() {
                        return End::Over;
                    }
                    continue;
                }
                read = stdout.read(&mut bytes) => read,
                () = sleep_until(deadline.into()), if self.producer.is_none() => return End::Nothing,
            };
            let Ok(count @ 1..) = count else { return End::Ffmpeg };
            if demuxer.push(&bytes[..count], Instant::now()).is_err() {
                return End::Ffmpeg;
            }
            while let Some(found) = demuxer.pull() {
                match found {
                    Found::Tracks(tracks) => self.attach(&tracks),
                    Found::Frame(frame) => {
                        if self.publish(frame).is_err() {
                            return End::Over;
                        }
                    }
                }
            }
        }
    }

    fn put(&mut self, put: Put) -> Result<(), Replaced> {
        match put {
            Put::Picture(frame) => {
                self.passing.put(frame.pts, frame.captured_at);
                Ok(())
            }
            Put::Sound(frame) => match self.passing.put_sound(frame) {
                Some(oldest) => self.publish_sound(oldest),
                None => Ok(()),
            },
        }
    }

    /// ffmpeg has told what its picture is.
    fn attach(&mut self, tracks: &[Track]) {
        let Some(video) = tracks.iter().find(|track| track.kind() == Kind::Video) else { return };
        let Some(attach) = self.attach.take() else { return };
        let label = Label { protocol: "ffmpeg".to_owned(), ..Label::default() };
        let sound = self.audio.iter().map(|track| &track.codec);
        let codecs: Vec<Codec> = std::iter::once(&video.codec).chain(sound).cloned().collect();
        self.producer = Some(attach.tracks_on_the_timeline(label, codecs));
    }

    fn publish(&mut self, frame: Frame) -> Result<(), Replaced> {
        let Some(mut frame) = self.passing.take(frame) else { return Ok(()) };
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let Some(track) = producer.track(0) else { return Ok(()) };
        let pts = frame.pts;
        frame.track = track;
        producer.publish(frame)?;
        while let Some(sound) = self.passing.take_sound(pts) {
            self.publish_sound(sound)?;
        }
        Ok(())
    }

    fn publish_sound(&mut self, mut frame: Frame) -> Result<(), Replaced> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let at = |track: TrackId| self.audio.iter().position(|known| known.id == track);
        let Some(track) = at(frame.track).and_then(|at| producer.track(at + 1)) else { return Ok(()) };
        frame.track = track;
        producer.publish(frame)
    }
}
