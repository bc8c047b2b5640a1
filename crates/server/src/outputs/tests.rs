//! Outputs of a stream that tests publish to, on tokio's paused clock.

use super::*;
use axum::body::Bytes;
use axum::http::StatusCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use yeoul_hub::{Event, Producer, StreamOptions};
use yeoul_media::{Codec, Frame, Kind, PcmLayout, Timestamp};

/// Counts frames; `picky` ones take μ-law only, `faulty` ones fail at the first frame.
struct Counter {
    frames: watch::Sender<usize>,
    runs: AtomicUsize,
    form: &'static str,
}

impl Output for Counter {
    type Form = &'static str;
    const LINGER: Duration = Duration::from_secs(5);

    fn protocol(_: &Self::Form) -> &'static str {
        "counter+http"
    }

    fn wants(form: &Self::Form) -> Vec<Want> {
        let picky = *form == "picky";
        let accepts = Box::new(move |codec: &Codec| !picky || matches!(codec, Codec::Pcmu(_)));
        vec![Want { accepts, text: "PCMU".to_owned(), ..Want::any(Kind::Audio) }]
    }

    fn start(form: &Self::Form, _: &Consumer) -> Result<Self, String> {
        match *form {
            "impossible" => Err("it cannot be done".to_owned()),
            form => Ok(Self { frames: watch::Sender::new(0), runs: AtomicUsize::new(0), form }),
        }
    }

    async fn run(self: Arc<Self>, mut consumer: Consumer) -> Over {
        self.runs.fetch_add(1, Ordering::Relaxed);
        loop {
            match consumer.next().await {
                Event::Frame(_) if self.form == "faulty" => return Over::Failed("it broke".to_owned()),
                Event::Frame(_) if self.form == "panics" => panic!("as the test wants it"),
                Event::Frame(_) => self.frames.send_modify(|frames| *frames += 1),
                Event::Skipped { .. } => {}
                Event::TracksChanged => return Over::TracksChanged,
                Event::Ended => return Over::Ended,
            }
        }
    }
}

/// A stream that is published to, its outputs, and how long to wait for what must come.
struct Scene {
    stream: Arc<Stream>,
    outputs: Outputs<Counter>,
    tasks: TaskTracker,
}

const SOON: Duration = Duration::from_millis(1);

impl Scene {
    fn new() -> Self {
        let tasks = TaskTracker::new();
        let stream = Stream::new("cam", 0, StreamOptions::default());
        Self { stream, outputs: Outputs::new(&tasks), tasks }
    }

    fn publish(&self, codec: Codec) -> Producer {
        self.stream.publish(Label::default(), vec![codec])
    }

    async fn ask(&self, form: &'static str) -> Result<Lease<Counter>, OutputError> {
        self.outputs.ask(&self.stream, &form).await
    }

    fn consumers(&self) -> usize {
        self.stream.snapshot().consumers.len()
    }
}

fn pcmu() -> Codec {
    Codec::Pcmu(PcmLayout { sample_rate: 8000, channels: 1 })
}

fn pcma() -> Codec {
    Codec::Pcma(PcmLayout { sample_rate: 8000, channels: 1 })
}

fn send(producer: &mut Producer) {
    let frame = Frame {
        track: producer.track(0).expect("a track"),
        dts: Timestamp::ZERO,
        pts: Timestamp::ZERO,
        keyframe: true,
        data: Bytes::from_static(b"x"),
        received_at: std::time::Instant::now(),
        captured_at: None,
        new_codec: None,
    };
    producer.publish(frame).expect("published");
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_for_the_same_get_the_same() {
    let scene = Scene::new();
    let mut producer = scene.publish(pcmu());
    let (a, b) = (scene.ask("one").await.expect("an output"), scene.ask("one").await.expect("an output"));
    let other = scene.ask("two").await.expect("an output");
    assert!(Arc::ptr_eq(&a, &b) && !Arc::ptr_eq(&a, &other));
    sleep(SOON).await;
    assert_eq!(scene.consumers(), 2, "one for each form");
    send(&mut producer);
    a.frames.subscribe().wait_for(|frames| *frames == 1).await.expect("a frame");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_nobody_has_asked_for_a_while_and_begins_anew() {
    let scene = Scene::new();
    let _producer = scene.publish(pcmu());
    let first = Arc::clone(&scene.ask("one").await.expect("an output"));
    sleep(Counter::LINGER - SOON).await;
    assert!(
        Arc::ptr_eq(&first, &scene.ask("one").await.expect("still there")),
        "the next one finds it running"
    );
    assert!(scene.outputs.find(&scene.stream, &"one").is_some());
    sleep(2 * Counter::LINGER + SOON).await;
    assert_eq!((scene.consumers(), scene.tasks.len()), (0, 0));
    assert!(scene.outputs.find(&scene.stream, &"one").is_none(), "looking starts nothing");
    assert!(!Arc::ptr_eq(&first, &scene.ask("one").await.expect("a new one")));
}

#[tokio::test(start_paused = true)]
async fn a_lease_keeps_it_for_as_long_as_it_is_held() {
    let scene = Scene::new();
    let _producer = scene.publish(pcmu());
    let lease = scene.ask("one").await.expect("an output");
    let copy = lease.clone();
    drop(lease);
    sleep(20 * Counter::LINGER).await;
    assert_eq!(scene.consumers(), 1);
    drop(copy);
    sleep(2 * Counter::LINGER + SOON).await;
    assert_eq!(scene.consumers(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_why_there_is_nothing() {
    let scene = Scene::new();
    let both = || async { tokio::join!(scene.ask("picky"), scene.ask("picky")) };
    let (a, b) = both().await;
    for refusal in [a, b] {
        let refusal = refusal.expect_err("nobody publishes");
        assert_eq!(refusal, OutputError::Away("nobody is publishing to stream cam".to_owned()));
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let publishing = async {
        sleep(Duration::from_secs(1)).await;
        scene.publish(pcma())
    };
    let ((a, b), _producer) = tokio::join!(both(), publishing);
    for refusal in [a, b] {
        let refusal = refusal.expect_err("another codec");
        assert_eq!(refusal.status(), StatusCode::NOT_ACCEPTABLE);
        let sentence = "no track fits: the stream has PCMA 8000 Hz 1 channel, asked for was PCMU";
        assert_eq!(refusal.to_string(), sentence);
    }
    let refusal = scene.ask("impossible").await.expect_err("impossible");
    assert_eq!(
        (refusal.status(), refusal.to_string()),
        (StatusCode::BAD_GATEWAY, "it cannot be done".to_owned())
    );
    assert_eq!(scene.tasks.len(), 0, "what failed does not run on");
}

#[tokio::test(start_paused = true)]
async fn the_same_output_goes_on_with_other_tracks() {
    let scene = Scene::new();
    let mut producer = scene.publish(pcmu());
    let (any, picky) = (scene.ask("any").await.expect("one"), scene.ask("picky").await.expect("one"));
    send(&mut producer);
    any.frames.subscribe().wait_for(|frames| *frames == 1).await.expect("a frame");
    let mut producer = scene.publish(pcma());
    sleep(SOON).await;
    send(&mut producer);
    any.frames.subscribe().wait_for(|frames| *frames == 2).await.expect("a frame");
    assert_eq!(any.runs.load(Ordering::Relaxed), 2);
    assert_eq!(picky.over().await.status(), StatusCode::NOT_ACCEPTABLE, "what fits no longer is told");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_stream() {
    let scene = Scene::new();
    let _producer = scene.publish(pcmu());
    let lease = scene.ask("one").await.expect("an output");
    scene.stream.close();
    assert_eq!(lease.over().await, OutputError::Join(JoinError::Closed));
    scene.tasks.close();
    scene.tasks.wait().await;
    assert_eq!(scene.ask("one").await.expect_err("closed").status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_told_and_begun_anew() {
    let scene = Scene::new();
    let mut producer = scene.publish(pcmu());
    let lease = scene.ask("faulty").await.expect("an output");
    sleep(SOON).await;
    send(&mut producer);
    assert_eq!(lease.over().await, OutputError::Failed("it broke".to_owned()));
    assert!(!Arc::ptr_eq(&lease, &scene.ask("faulty").await.expect("a new one")));
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_holds_nobody_up() {
    let scene = Scene::new();
    let mut producer = scene.publish(pcmu());
    let lease = scene.ask("panics").await.expect("an output");
    sleep(SOON).await;
    send(&mut producer);
    assert_eq!(lease.over().await, OutputError::Unused);
    assert!(scene.ask("panics").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn made_up_forms_without_end_are_refused() {
    let scene = Scene::new();
    let _producer = scene.publish(pcmu());
    let mut leases = Vec::new();
    for number in 0..OUTPUTS_OF_A_STREAM {
        leases.push(scene.ask(Box::leak(number.to_string().into_boxed_str())).await.expect("an output"));
    }
    assert_eq!(scene.ask("one more").await.expect_err("full"), OutputError::TooMany(OUTPUTS_OF_A_STREAM));
    assert!(scene.ask("0").await.is_ok(), "what runs already is there for more");
}
