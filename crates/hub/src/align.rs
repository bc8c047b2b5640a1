//! The streams of one camera, kept in step by the camera's own clock.
//!
//! Arrival alone places a stream only as well as its first frame came in time: a main stream is coded and sent later than
//! a sub stream, and the network adds to it. Where both tell when a frame was captured, that is the better clock, for it is
//! the same one. Cameras' clocks are often wrong, and some have another one for each stream, so that only the *difference*
//! between two streams is used, and only if their frames take about equally long to reach us by it
//! ([`MAX_CLOCK_DIFFERENCE`]).
//!
//! The first of the streams that tells captured times leads. The others start where its clock puts them, or, where they
//! told nothing yet when they started, get there slowly ([`MAX_SLEW`]): all of their tracks together, and never back.

use crate::limits::{
    ALIGN_TOLERANCE, CLOCK_FRESH, DELAY_WINDOW, MAX_CLOCK_DIFFERENCE, MAX_SLEW, MAX_SLEW_AT_ONCE,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use yeoul_media::{Frame, Timestamp};

/// The streams of one camera; one handle for them all.
#[derive(Clone, Debug, Default)]
pub struct Siblings(Arc<Mutex<Vec<Option<Seen>>>>);

/// The place of a stream among the streams of its camera.
#[derive(Debug)]
pub struct Sibling {
    all: Siblings,
    rank: usize,
}

/// What the frames of a stream tell about the camera's clock. All in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// From the camera's clock to the timeline.
    placed: i64,
    /// From capture, by the camera's clock, to arrival: the least of this window and of the one before. Frames that had to
    /// wait say nothing about the clock.
    delay: i64,
    last_delay: i64,
    window_began: Instant,
    seen_at: Instant,
}

impl Siblings {
    /// The place of the next stream: those that come first lead.
    #[must_use]
    pub fn next(&self) -> Sibling {
        let mut all = self.lock();
        all.push(None);
        Sibling { all: self.clone(), rank: all.len() - 1 }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Seen>>> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sibling {
    /// Where a stream's first frame belongs on the timeline, if another stream of the camera knows it; `arrival` is where
    /// it would be by its arrival.
    pub(crate) fn place(&self, frame: &Frame, arrival: Timestamp) -> Option<Timestamp> {
        let captured = captured(frame)?;
        let all = self.all.lock();
        let others = all.iter().enumerate().filter(|(rank, _)| *rank != self.rank);
        let mut others = others.filter_map(|(_, seen)| seen.as_ref());
        let leader = others.find(|seen| seen.is_fresh(frame.received_at))?;
        let delay = arrival.as_nanos().saturating_sub(captured);
        let placed = Timestamp::from_nanos(captured.saturating_add(leader.placed));
        is_one_clock(leader.least_delay(), delay).then_some(placed)
    }

    /// Notes a frame whose time is on the timeline already, and says how far ahead of the leading stream it is, if that
    /// matters.
    pub(crate) fn error(&self, frame: &Frame, arrival: Timestamp) -> Option<i64> {
        let captured = captured(frame)?;
        let placed = frame.pts.as_nanos().saturating_sub(captured);
        let delay = arrival.as_nanos().saturating_sub(captured);
        let mut all = self.all.lock();
        let slot = all.get_mut(self.rank)?;
        let own = Seen::next(slot.take(), placed, delay, frame.received_at);
        *slot = Some(own);
        let mut before = all.iter().take(self.rank).flatten();
        let leader = before.find(|seen| seen.is_fresh(frame.received_at))?;
        let error = placed.saturating_sub(leader.placed);
        let matters = error.unsigned_abs() > nanos(ALIGN_TOLERANCE).unsigned_abs();
        (matters && is_one_clock(leader.least_delay(), own.least_delay())).then_some(error)
    }
}

/// The part of `error` that may be made good within `advance`.
pub(crate) fn slew(error: i64, advance: Duration) -> i64 {
    let most = nanos(advance.min(MAX_SLEW_AT_ONCE) / MAX_SLEW);
    error.clamp(-most, most)
}

impl Seen {
    fn next(before: Option<Self>, placed: i64, delay: i64, now: Instant) -> Self {
        let Some(seen) = before.filter(|seen| seen.is_fresh(now)) else {
            return Self { placed, delay, last_delay: delay, window_began: now, seen_at: now };
        };
        if now.saturating_duration_since(seen.window_began) < DELAY_WINDOW {
            Self { placed, delay: seen.delay.min(delay), seen_at: now, ..seen }
        } else {
            Self { placed, delay, last_delay: seen.delay, window_began: now, seen_at: now }
        }
    }

    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen_at) <= CLOCK_FRESH
    }

    fn least_delay(&self) -> i64 {
        self.delay.min(self.last_delay)
    }
}

/// Whether two streams can have been captured by one clock.
fn is_one_clock(one: i64, other: i64) -> bool {
    one.saturating_sub(other).unsigned_abs() <= nanos(MAX_CLOCK_DIFFERENCE).unsigned_abs()
}

/// The camera's wall clock in nanoseconds since 1970.
fn captured(frame: &Frame) -> Option<i64> {
    let since = frame.captured_at?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::limits::{MAX_SLEW, MAX_SLEW_AT_ONCE};
    use crate::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};
    use yeoul_media::{Frame, Timestamp};
    use yeoul_testkit::{epoch, wall_epoch};

    const MS: Duration = Duration::from_millis(1);
    const FRAME: Duration = Duration::from_millis(40);

    /// A stream of the camera: how long its frames take to reach us, and how far its clock is off.
    #[derive(Clone, Copy, Debug)]
    struct Way {
        delay: Duration,
        clock_ms: i64,
        /// Frames up to this one have no captured time.
        silent: u32,
    }

    struct Camera {
        stream: Arc<Stream>,
        producer: Producer,
        consumer: Consumer,
        way: Way,
    }

    async fn cameras<const N: usize>(ways: [Way; N]) -> Vec<Camera> {
        let (timeline, siblings) = (Timeline::starting(epoch()), Siblings::default());
        let mut cameras = Vec::new();
        for way in ways {
            let stream = Stream::on(&timeline, "cam", 1, StreamOptions::default());
            stream.align(siblings.next());
            let (producer, consumer) = begin(&stream).await;
            cameras.push(Camera { stream, producer, consumer, way });
        }
        cameras
    }

    async fn begin(stream: &Arc<Stream>) -> (Producer, Consumer) {
        let codecs = vec![crate::tests::h264()];
        let producer = stream.sources()[0].attach().tracks(Label::default(), codecs);
        let wants = vec![Want::any(yeoul_media::Kind::Video)];
        let consumer = stream.join(wants, Label::default()).ready().await.unwrap();
        (producer, consumer)
    }

    impl Camera {
        /// Sends the camera's `n`th picture; gives its place on the timeline.
        fn send(&mut self, n: u32) -> Timestamp {
            let captured = wall_epoch() + Duration::from_secs(1000) + FRAME * n;
            let captured = if self.way.clock_ms < 0 {
                captured - MS * u32::try_from(-self.way.clock_ms).unwrap()
            } else {
                captured + MS * u32::try_from(self.way.clock_ms).unwrap()
            };
            self.send_captured(n, (n >= self.way.silent).then_some(captured))
        }

        fn send_captured(&mut self, n: u32, captured_at: Option<SystemTime>) -> Timestamp {
            let pts = Timestamp::from_nanos(77_000_000) + FRAME * n;
            let frame = Frame {
                track: self.producer.track(0).unwrap(),
                keyframe: true,
                pts,
                dts: pts,
                new_codec: None,
                captured_at,
                received_at: epoch() + FRAME * n + self.way.delay,
                data: Bytes::from_static(b"x"),
            };
            self.producer.publish(frame).unwrap();
            let mut last = None;
            while let Some(Event::Frame(delivery)) = self.consumer.try_next() {
                last = Some(delivery.frame.pts);
            }
            last.unwrap()
        }
    }

    /// How far the second stream's picture `n` is from the first's, in ms, for each of `count` pictures.
    fn apart(cameras: &mut [Camera], from: u32, count: u32) -> Vec<i64> {
        (from..from + count)
            .map(|n| {
                let [first, second] = cameras else { panic!("two streams") };
                (second.send(n).as_nanos() - first.send(n).as_nanos()) / 1_000_000
            })
            .collect()
    }

    const MAIN: Way = Way { delay: Duration::from_millis(180), clock_ms: 0, silent: 0 };
    const SUB: Way = Way { delay: Duration::from_millis(30), clock_ms: 0, silent: 0 };

    #[tokio::test]
    async fn arrival_places_streams_without_captured_times() {
        let silent = u32::MAX;
        let mut cameras = cameras([Way { silent, ..MAIN }, Way { silent, ..SUB }]).await;
        assert_eq!(apart(&mut cameras, 0, 3), [-150; 3]);
    }

    #[tokio::test]
    async fn the_cameras_clock_places_a_stream_that_starts_later() {
        let mut cameras = cameras([MAIN, SUB]).await;
        cameras[0].send(0);
        assert_eq!(apart(&mut cameras, 1, 3), [0; 3]);
    }

    #[tokio::test]
    async fn a_stream_whose_clock_is_told_late_gets_there_slowly() {
        let mut cameras = cameras([MAIN, Way { silent: 50, ..SUB }]).await;
        let apart = apart(&mut cameras, 0, 600);
        assert_eq!(apart[40], -150);
        assert!(apart.is_sorted() && apart[599] >= -5, "{apart:?}");
        assert!(apart.windows(2).all(|two| two[1] - two[0] <= 1), "a hundredth of 40 ms at a time");
    }

    #[tokio::test]
    async fn clocks_that_differ_align_nothing() {
        for clock_ms in [1_500, -1_500, 3_600_000, -1_000_000_000] {
            let mut cameras = cameras([MAIN, Way { clock_ms, ..SUB }]).await;
            cameras[0].send(0);
            assert_eq!(apart(&mut cameras, 1, 100), [-150; 100], "{clock_ms} ms");
        }
    }

    #[tokio::test]
    async fn a_clock_that_steps_moves_nothing_far() {
        let mut cameras = cameras([MAIN, SUB]).await;
        cameras[0].send(0);
        apart(&mut cameras, 1, 50);
        // The main stream's next report tells the new time 2 s before the sub stream's does.
        cameras[0].way.clock_ms = 700;
        let between = apart(&mut cameras, 51, 50);
        assert!(between.iter().all(|ms| ms.abs() <= 20), "{between:?}");
        cameras[1].way.clock_ms = 700;
        let after = apart(&mut cameras, 101, 100);
        assert!(after[99].abs() <= 5, "{after:?}");
    }

    #[tokio::test]
    async fn a_main_stream_that_comes_back_starts_where_the_sub_stream_is() {
        let mut cameras = cameras([MAIN, SUB]).await;
        cameras[0].send(0);
        apart(&mut cameras, 1, 50);
        for n in 51..100 {
            cameras[1].send(n);
        }
        let (producer, consumer) = begin(&cameras[0].stream).await;
        (cameras[0].producer, cameras[0].consumer) = (producer, consumer);
        assert_eq!(apart(&mut cameras, 100, 20), [0; 20]);
    }

    proptest! {
        /// Whatever clocks tell, time of a track goes on, and hardly faster than real time.
        #[test]
        fn time_goes_on_whatever_the_clocks_tell(
            clocks in prop::collection::vec((any::<bool>(), prop::option::of(-5_000_i64..5_000)), 2..200)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut cameras = cameras([MAIN, SUB]).await;
                let mut last = [None; 2];
                for (n, (which, clock_ms)) in (0..).zip(clocks) {
                    let which = usize::from(which);
                    let captured = clock_ms.map(|ms| wall_epoch() + FRAME * n + MS * u32::try_from(ms + 5_000).unwrap());
                    let pts = cameras[which].send_captured(n, captured);
                    if let Some((before, of)) = last[which].replace((pts, n)) {
                        let passed = pts.saturating_since(before);
                        let most = FRAME * (n - of) + MAX_SLEW_AT_ONCE / MAX_SLEW;
                        assert!(pts > before && passed <= most, "{before:?} to {pts:?}");
                    }
                }
            });
        }
    }
}
