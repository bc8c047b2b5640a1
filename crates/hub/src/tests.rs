//! Streams end to end: sources that come and go, viewers that join and lag.

use crate::limits::MAX_LAG;
use crate::*;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::bitstream::h264::ParameterSets;
use yeoul_media::{Codec, Frame, Kind, PcmLayout, Timestamp, TrackId};
use yeoul_testkit::epoch;

const FRAME: Duration = Duration::from_millis(40);

pub(crate) fn h264() -> Codec {
    let sps: &[u8] = &[
        0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
        0x00, 0x03, 0x00, 0x32, 0x0f, 0x16, 0x2e, 0x48,
    ];
    let units = [Bytes::from_static(sps), Bytes::from_static(&[0x68, 0xcb, 0x8c, 0xb2])];
    Codec::H264(Some(ParameterSets::from_units(units).unwrap()))
}

fn pcma() -> Codec {
    Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 })
}

fn label() -> Label {
    Label { protocol: "test".to_owned(), ..Label::default() }
}

/// The `n`th frame of a source of 25 frames a second that began at `start`.
fn frame(track: TrackId, start: Instant, n: u32, keyframe: bool) -> Frame {
    let pts = Timestamp::ZERO + FRAME * n;
    let data = Bytes::copy_from_slice(&n.to_be_bytes());
    Frame {
        track,
        keyframe,
        pts,
        dts: pts,
        new_codec: None,
        captured_at: None,
        received_at: start + FRAME * n,
        data,
    }
}

fn live(stream: &Arc<Stream>, source: usize, codecs: Vec<Codec>) -> Producer {
    stream.sources()[source].attach().tracks(label(), codecs)
}

async fn join(stream: &Arc<Stream>, wants: Vec<Want>) -> Consumer {
    stream.join(wants, label()).ready().await.unwrap()
}

fn numbers(consumer: &mut Consumer) -> Vec<(u32, bool)> {
    std::iter::from_fn(|| consumer.try_next())
        .filter_map(|event| match event {
            Event::Frame(delivery) => {
                Some((u32::from_be_bytes(delivery.frame.data[..].try_into().unwrap()), delivery.backlog))
            }
            Event::Skipped { .. } | Event::TracksChanged | Event::Ended => None,
        })
        .collect()
}

#[tokio::test]
async fn a_newcomer_starts_at_the_last_keyframe() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264()]);
    let track = producer.track(0).unwrap();
    for n in 0..8 {
        producer.publish(frame(track, epoch(), n, n % 5 == 0)).unwrap();
    }
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    producer.publish(frame(track, epoch(), 8, false)).unwrap();
    assert_eq!(numbers(&mut consumer), [(5, true), (6, true), (7, true), (8, false)]);
}

#[tokio::test]
async fn video_before_its_first_keyframe_is_passed_over() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264()]);
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    let track = producer.track(0).unwrap();
    for n in 0..4 {
        producer.publish(frame(track, epoch(), n, n == 2)).unwrap();
    }
    assert_eq!(numbers(&mut consumer), [(2, false), (3, false)]);
}

#[tokio::test]
async fn a_slow_consumer_goes_on_at_a_keyframe_and_is_counted() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264()]);
    let track = producer.track(0).unwrap();
    let (mut slow, mut fast) = (
        join(&stream, vec![Want::any(Kind::Video)]).await,
        join(&stream, vec![Want::any(Kind::Video)]).await,
    );
    let behind = u32::try_from(MAX_LAG.as_millis() / FRAME.as_millis()).unwrap() + 20;
    let mut seen = 0;
    for n in 0..behind {
        producer.publish(frame(track, epoch(), n, n % 50 == 0)).unwrap();
        seen += numbers(&mut fast).len();
    }
    assert_eq!((seen, fast.skipped()), (behind as usize, 0));
    let read = numbers(&mut slow);
    assert_eq!(read.first(), Some(&(50, false)), "it goes on at the last keyframe");
    assert_eq!(slow.skipped(), 50);
    assert_eq!(stream.snapshot().consumers[0].skipped, 50);
}

#[tokio::test]
async fn a_ring_larger_than_its_bytes_waits_for_the_next_keyframe() {
    let options = StreamOptions { max_ring_bytes: 40, ..StreamOptions::default() };
    let stream = Stream::new("cam", 1, options);
    let mut producer = live(&stream, 0, vec![h264()]);
    let track = producer.track(0).unwrap();
    for n in 0..30 {
        producer.publish(frame(track, epoch(), n, n == 0)).unwrap();
    }
    assert!(stream.snapshot().ring_bytes <= 40);
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    producer.publish(frame(track, epoch(), 30, false)).unwrap();
    producer.publish(frame(track, epoch(), 31, true)).unwrap();
    assert_eq!(numbers(&mut consumer), [(31, false)]);
}

#[tokio::test]
async fn sources_complete_each_other_and_only_needed_ones_are_asked() {
    let stream = Stream::new("cam", 3, StreamOptions::default());
    let demands: Vec<_> = stream.sources().iter().map(SourceSlot::demand).collect();
    let asked = || demands.iter().map(|demand| *demand.borrow()).collect::<Vec<_>>();
    let opus =
        Want { accepts: Box::new(|codec| matches!(codec, Codec::Opus { .. })), ..Want::any(Kind::Audio) };
    let mut joining = stream.join(vec![Want::any(Kind::Video), opus], label());
    let mut producers = Vec::new();
    {
        let ready = joining.ready();
        tokio::pin!(ready);
        assert!(poll_once(ready.as_mut()).is_none());
        assert_eq!(asked(), [1, 0, 0], "only the first source is dialled at first");
        producers.push(live(&stream, 0, vec![h264(), pcma()]));
        assert!(poll_once(ready.as_mut()).is_none());
        assert_eq!(asked(), [1, 1, 0], "its sound does not fit: the second one is asked too");
        producers.push(live(&stream, 1, vec![Codec::Opus { channels: 2 }]));
        let consumer = poll_once(ready.as_mut()).unwrap().unwrap();
        assert_eq!(
            consumer.tracks().iter().map(|track| track.codec.name()).collect::<Vec<_>>(),
            ["H264", "OPUS"]
        );
        assert_eq!(asked(), [1, 1, 0]);
        drop(consumer);
    }
    assert_eq!(asked(), [0, 0, 0]);
}

#[tokio::test]
async fn a_failing_source_is_passed_over_where_another_gives_a_picture() {
    let stream = Stream::new("cam", 2, StreamOptions::default());
    let sources = stream.sources();
    sources[0].failed("192.0.2.1:554 refused the connection".to_owned(), epoch());
    let _producer = live(&stream, 1, vec![h264()]);
    let consumer = join(&stream, vec![Want::any(Kind::Video), Want::any(Kind::Audio)]).await;
    assert_eq!(consumer.tracks().len(), 1);
}

#[tokio::test]
async fn a_joiner_waits_for_a_failed_source_and_can_say_why() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut joining = stream.join(vec![Want::any(Kind::Video)], label());
    stream.sources()[0].failed("192.0.2.1:554 refused the connection".to_owned(), epoch());
    {
        let ready = joining.ready();
        tokio::pin!(ready);
        assert!(poll_once(ready.as_mut()).is_none());
        stream.sources()[0].connecting();
        assert!(poll_once(ready.as_mut()).is_none());
    }
    assert_eq!(joining.explain(), "stream cam is not live: 192.0.2.1:554 refused the connection");
    let _producer = live(&stream, 0, vec![h264()]);
    assert!(joining.ready().await.is_ok());
    assert_eq!(stream.snapshot().reason, None);
}

#[tokio::test]
async fn no_fitting_track_says_what_there_is() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let _producer = live(&stream, 0, vec![pcma()]);
    let error = stream.join(vec![Want::any(Kind::Video)], label()).ready().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no track fits: the stream has PCMA 8000 Hz 1 channel, asked for was any video"
    );
}

#[tokio::test]
async fn a_camera_that_comes_back_goes_on_under_the_same_tracks_and_later_time() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut consumer = {
        let mut producer = live(&stream, 0, vec![h264()]);
        let track = producer.track(0).unwrap();
        for n in 0..3 {
            producer.publish(frame(track, epoch(), n, n == 0)).unwrap();
        }
        let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
        assert_eq!(numbers(&mut consumer).len(), 3);
        consumer
    };
    let mut again = live(&stream, 0, vec![h264()]);
    let track = again.track(0).unwrap();
    again.publish(frame(track, epoch() + Duration::from_secs(7), 0, false)).unwrap();
    again.publish(frame(track, epoch() + Duration::from_secs(7), 1, true)).unwrap();
    let Some(Event::Frame(delivery)) = consumer.try_next() else { panic!("the consumer goes on") };
    assert!(delivery.frame.keyframe, "no frame that cannot be decoded");
    assert_eq!(delivery.frame.pts, Timestamp::from_nanos(7_040_000_000), "time goes on by arrival");
}

#[tokio::test]
async fn who_rewinds_starts_with_the_first_keyframe_that_is_near_enough() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264()]);
    let track = producer.track(0).unwrap();
    for n in 0..=210 {
        producer.publish(frame(track, epoch(), n, n % 25 == 0)).unwrap();
    }
    let rewound = async || {
        let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
        consumer.rewind();
        numbers(&mut consumer)
    };
    let frames = rewound().await;
    // Frame 60 came 6 s before the last one.
    assert_eq!(frames.first(), Some(&(75, true)));
    assert_eq!(frames.len(), 136, "it may be further behind than others");
    drop(producer);
    let mut again = live(&stream, 0, vec![h264()]);
    let track = again.track(0).unwrap();
    (0..60).for_each(|n| {
        again.publish(frame(track, epoch() + Duration::from_secs(9), n, n % 25 == 10)).unwrap();
    });
    assert_eq!(rewound().await.first(), Some(&(10, true)), "not across a restart");
}

#[tokio::test]
async fn a_camera_that_comes_back_tells_its_configuration_to_those_who_stayed() {
    let stream = Stream::new("cam", 0, StreamOptions::default());
    let told = |consumer: &mut Consumer| -> Vec<Option<Arc<Codec>>> {
        let events = std::iter::from_fn(|| consumer.try_next());
        let codec = |event| match event {
            Event::Frame(delivery) => Some(delivery.frame.new_codec),
            Event::Skipped { .. } | Event::TracksChanged | Event::Ended => None,
        };
        events.filter_map(codec).collect()
    };
    let opus = |channels| Codec::Opus { channels };
    let publish = |channels, start| {
        let mut producer = stream.publish(label(), vec![opus(channels)]);
        let track = producer.track(0).unwrap();
        (0..2).for_each(|n| producer.publish(frame(track, start, n, true)).unwrap());
    };
    let mut producer = stream.publish(label(), vec![opus(1)]);
    let mut consumer = join(&stream, vec![Want::any(Kind::Audio)]).await;
    producer.publish(frame(producer.track(0).unwrap(), epoch(), 0, true)).unwrap();
    assert_eq!(told(&mut consumer), [None], "it has joined with it");
    publish(2, epoch() + Duration::from_secs(5));
    assert_eq!(told(&mut consumer), [Some(Arc::new(opus(2))), None]);
}

#[tokio::test]
async fn a_codec_that_changed_in_what_was_skipped_is_told_with_the_next_frame() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let opus = |channels| Codec::Opus { channels };
    let mut producer = live(&stream, 0, vec![h264(), opus(1)]);
    let (video, sound) = (producer.track(0).unwrap(), producer.track(1).unwrap());
    let mut consumer = join(&stream, vec![Want::any(Kind::Video), Want::any(Kind::Audio)]).await;
    let lag = u32::try_from(MAX_LAG.as_millis() / FRAME.as_millis()).unwrap();
    for n in 0..=3 * lag {
        producer.publish(frame(video, epoch(), n, n % (lag * 2) == 0)).unwrap();
        let mut heard = frame(sound, epoch(), n, true);
        heard.new_codec = (n == 1).then(|| Arc::new(opus(2)));
        producer.publish(heard).unwrap();
    }
    let events: Vec<Event> = std::iter::from_fn(|| consumer.try_next()).collect();
    assert!(matches!(events[0], Event::Skipped { .. }), "{:?}", events[0]);
    let told = |track| -> Vec<Arc<Codec>> {
        let frames = events.iter().filter_map(|event| match event {
            Event::Frame(delivery) => Some(&delivery.frame),
            Event::Skipped { .. } | Event::TracksChanged | Event::Ended => None,
        });
        frames.filter(|frame| frame.track == track).filter_map(|frame| frame.new_codec.clone()).collect()
    };
    assert_eq!(told(sound), [Arc::new(opus(2))], "once, and what holds now");
    assert_eq!(told(video), [], "it never changed");
}

#[tokio::test]
async fn another_coding_ends_the_consumer() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let first = live(&stream, 0, vec![h264()]);
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    drop(first);
    assert!(consumer.try_next().is_none(), "while the camera is away the viewer waits");
    let _second = live(&stream, 0, vec![pcma()]);
    assert!(matches!(consumer.try_next(), Some(Event::TracksChanged)));
}

#[tokio::test]
async fn a_newer_publisher_replaces_the_older() {
    let stream = Stream::new("cam", 0, StreamOptions::default());
    let mut older = stream.publish(label(), vec![h264()]);
    let mut newer = stream.publish(label(), vec![h264()]);
    let track = newer.track(0).unwrap();
    assert_eq!(older.publish(frame(track, epoch(), 0, true)), Err(Replaced));
    drop(older);
    assert_eq!(newer.publish(frame(track, epoch(), 0, true)), Ok(()));
    assert_eq!(stream.state(), State::Live, "the end of the older one does not touch the newer");
}

#[tokio::test]
async fn a_track_is_live_once_its_parameter_sets_are_known() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![Codec::H264(None)]);
    assert_eq!(stream.state(), State::Connecting);
    let track = producer.track(0).unwrap();
    let first = Frame { new_codec: Some(Arc::new(h264())), ..frame(track, epoch(), 0, true) };
    producer.publish(first).unwrap();
    assert_eq!(stream.state(), State::Live);
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    assert_eq!(consumer.tracks()[0].codec, h264());
    assert_eq!(numbers(&mut consumer), [(0, true)]);
}

#[tokio::test]
async fn a_viewer_of_a_source_that_is_live_already_holds_it() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let _producer = live(&stream, 0, vec![h264()]);
    let demand = stream.sources()[0].demand();
    let first = join(&stream, vec![Want::any(Kind::Video)]).await;
    let second = join(&stream, vec![Want::any(Kind::Video)]).await;
    assert_eq!(*demand.borrow(), 2);
    drop(first);
    assert_eq!(*demand.borrow(), 1);
    drop(second);
    assert_eq!(*demand.borrow(), 0);
}

#[tokio::test]
async fn closing_a_stream_ends_its_consumers_and_demand() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let _producer = live(&stream, 0, vec![h264()]);
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    stream.close();
    stream.closed().await;
    assert!(matches!(consumer.next().await, Event::Ended));
    assert_eq!(
        stream.join(vec![Want::any(Kind::Video)], label()).ready().await.unwrap_err(),
        JoinError::Closed
    );
}

#[tokio::test]
async fn time_of_a_track_never_runs_backwards() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264()]);
    let mut consumer = join(&stream, vec![Want::any(Kind::Video)]).await;
    let track = producer.track(0).unwrap();
    for n in [5, 6, 2, 7] {
        producer.publish(Frame { keyframe: true, ..frame(track, epoch(), n, true) }).unwrap();
    }
    let mut last = Timestamp::from_nanos(i64::MIN);
    while let Some(Event::Frame(delivery)) = consumer.try_next() {
        assert!(delivery.frame.dts >= last && delivery.frame.pts >= delivery.frame.dts);
        last = delivery.frame.dts;
    }
}

#[tokio::test]
async fn a_consumer_can_leave_the_picture_to_another_stream() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264(), pcma()]);
    let [video, sound] = [0, 1].map(|index| producer.track(index).unwrap());
    let mut consumer = join(&stream, vec![Want::any(Kind::Video), Want::any(Kind::Audio)]).await;
    for n in 0..4 {
        producer.publish(frame(video, epoch(), n, n == 0)).unwrap();
        producer.publish(frame(sound, epoch(), 100 + n, true)).unwrap();
    }
    assert!(matches!(consumer.try_next(), Some(Event::Frame(delivery)) if delivery.frame.track == video));
    consumer.leave(Kind::Video);
    producer.publish(frame(video, epoch(), 4, true)).unwrap();
    producer.publish(frame(sound, epoch(), 104, true)).unwrap();
    let heard: Vec<u32> = numbers(&mut consumer).into_iter().map(|(number, _)| number).collect();
    assert_eq!(heard, [100, 101, 102, 103, 104]);
    assert_eq!(consumer.tracks().len(), 1);
}

#[tokio::test]
async fn the_bitrate_of_the_picture_is_known_from_the_frames() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let mut producer = live(&stream, 0, vec![h264(), pcma()]);
    let [video, sound] = [0, 1].map(|index| producer.track(index).unwrap());
    assert_eq!(stream.picture_bitrate(), None);
    for n in 0..50 {
        let data = Bytes::from(vec![0; if n % 25 == 0 { 3_000 } else { 1_000 }]);
        producer.publish(Frame { data, ..frame(video, epoch(), n, n % 25 == 0) }).unwrap();
        producer.publish(frame(sound, epoch(), n, true)).unwrap();
    }
    let bitrate = stream.picture_bitrate().unwrap();
    // 26 or 27 kB a second, as the window falls.
    assert!((205_000.0..220_000.0).contains(&bitrate), "{bitrate}");
}

/// Polls once; `None` while it waits.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
