//! Plays out media that comes faster than it plays, in pieces of seconds: segments, files. Frames go to their stream when they are
//! due, as from a camera.
//!
//! Whoever reads the media has a [`Lane`]; several lanes are the renditions of one presentation. [`play`] is at the other end of
//! their queues, and the only one that knows the clock. Where media comes too late, all of its time is moved by as much.

mod clock;
mod lane;
mod limits;
mod splice;
#[cfg(test)]
mod tests;

pub(crate) use lane::{Lane, Media};
pub(crate) use splice::Splice;

use crate::streams::{DialError, ErrorKind};
use clock::Clock;
use limits::{PLAYOUT_BYTES, PLAYOUT_FRAMES, PLAYOUT_LOOKAHEAD};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use yeoul_hub::{Attach, Label, Producer};
use yeoul_media::{Frame, Timestamp};

/// The queue of a lane: what is played, what waits, what is being read.
pub(crate) fn queue() -> (mpsc::Sender<Media>, mpsc::Receiver<Media>) {
    mpsc::channel(1)
}

/// Publishes what comes out of these queues until all of them are closed and everything has been played.
///
/// # Errors
/// If nothing comes, or another producer has taken the stream over.
pub(crate) async fn play(
    queues: Vec<mpsc::Receiver<Media>>,
    attach: Attach,
    label: Label,
) -> Result<(), DialError> {
    let mut codecs = Vec::new();
    let mut inputs = Vec::new();
    for mut queue in queues {
        // Whoever gives nothing has a reason, and tells it elsewhere.
        let Some(Media::Tracks(own)) = queue.recv().await else { continue };
        inputs.push(Input::new(queue, codecs.len()));
        codecs.extend(own);
    }
    if inputs.is_empty() {
        return Err(DialError::new(ErrorKind::Unsupported, "there is neither picture nor sound in it"));
    }
    let producer = attach.tracks(label, codecs);
    Player { producer, inputs, clock: Clock::default() }.run().await
}

struct Player {
    producer: Producer,
    inputs: Vec<Input>,
    clock: Clock,
}

/// The frames of one lane that wait to be due.
struct Input {
    queue: Option<mpsc::Receiver<Media>>,
    /// The place of its first track among all.
    first_track: usize,
    /// By their time, then as they came: files have tracks one behind the other for some time.
    waiting: BTreeMap<(Timestamp, u64), Frame>,
    /// Bytes of those.
    bytes: usize,
    /// Frames that have come so far.
    count: u64,
}

impl Player {
    async fn run(mut self) -> Result<(), DialError> {
        // Nothing is played before all of it can be in order.
        while self.inputs.iter().any(Input::is_short) {
            poll_fn(|cx| self.poll_fill(cx)).await;
        }
        loop {
            let now = Instant::now();
            let next = self.inputs.iter().filter_map(Input::next).min();
            let due = next.map(|time| self.clock.due(time, now));
            match due {
                Some(due) if due <= now => self.publish(now)?,
                None if self.inputs.iter().all(|input| input.queue.is_none()) => return Ok(()),
                due => tokio::select! {
                    () = poll_fn(|cx| self.poll_fill(cx)) => {}
                    () = sleep_until(due.unwrap_or(now).into()), if due.is_some() => {}
                },
            }
        }
    }

    /// Ready when something has come, or will never come, for an input that is short.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for input in self.inputs.iter_mut().filter(|input| input.is_short()) {
            if input.poll_fill(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Publishes the frame that is due.
    fn publish(&mut self, now: Instant) -> Result<(), DialError> {
        let earliest =
            self.inputs.iter_mut().filter(|input| input.next().is_some()).min_by_key(|input| input.next());
        let Some((input, mut frame)) = earliest.and_then(|input| Some((input.first_track, input.pop()?)))
        else {
            return Ok(());
        };
        let Some(track) = self.producer.track(input + usize::from(frame.track.0)) else { return Ok(()) };
        let decoded_ahead = frame.pts.saturating_since(frame.dts);
        frame.dts = self.clock.place(frame.dts, now);
        frame.pts = frame.dts + decoded_ahead;
        (frame.track, frame.received_at) = (track, now);
        self.producer.publish(frame).map_err(|error| DialError::new(ErrorKind::Retry, error.to_string()))
    }
}

impl Input {
    fn new(queue: mpsc::Receiver<Media>, first_track: usize) -> Self {
        Self { queue: Some(queue), first_track, waiting: BTreeMap::new(), bytes: 0, count: 0 }
    }

    fn next(&self) -> Option<Timestamp> {
        self.waiting.first_key_value().map(|((time, _), _)| *time)
    }

    fn pop(&mut self) -> Option<Frame> {
        let (_, frame) = self.waiting.pop_first()?;
        self.bytes -= frame.data.len();
        Some(frame)
    }

    /// Whether more is to come before what there is can be told in order.
    fn is_short(&self) -> bool {
        let ends = self.waiting.first_key_value().zip(self.waiting.last_key_value());
        let span =
            ends.map_or(Duration::ZERO, |(((first, _), _), ((last, _), _))| last.saturating_since(*first));
        let has_room = self.bytes < PLAYOUT_BYTES && self.waiting.len() < PLAYOUT_FRAMES;
        self.queue.is_some() && span < PLAYOUT_LOOKAHEAD && has_room
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(queue) = &mut self.queue else { return Poll::Pending };
        match queue.poll_recv(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => self.queue = None,
            Poll::Ready(Some(Media::Tracks(_))) => {}
            Poll::Ready(Some(Media::Frames(frames))) => {
                for frame in frames {
                    self.count += 1;
                    self.bytes += frame.data.len();
                    self.waiting.insert((frame.dts, self.count), frame);
                }
            }
        }
        Poll::Ready(())
    }
}
