//! Lanes, and the player on tokio's clock.

use super::*;
use bytes::Bytes;
use yeoul_container::Event;
use yeoul_hub::{Stream, StreamOptions};
use yeoul_media::{Codec, Kind, PcmLayout, Track, TrackId};
use yeoul_testkit::epoch;

fn frame(track: u16, ms: i64) -> Frame {
    let time = Timestamp::from_nanos(ms * 1_000_000);
    Frame {
        track: TrackId(track),
        keyframe: true,
        pts: time,
        dts: time,
        new_codec: None,
        captured_at: None,
        received_at: epoch(),
        data: Bytes::from_static(b"x"),
    }
}

fn track(id: u16, codec: Codec) -> Track {
    Track { id: TrackId(id), codec }
}

fn jpeg() -> Codec {
    Codec::Jpeg { dimensions: Some((64, 32)) }
}

fn mp3(rate: u32) -> Codec {
    Codec::Mp3(PcmLayout { sample_rate: rate, channels: 2 })
}

/// What a lane sends, in words.
fn take(lane: &mut Lane, timeline: u64, events: Vec<Event>) -> String {
    let media = match lane.take(timeline, events) {
        Ok(media) => media,
        Err(error) => return error.text,
    };
    let words = media.iter().map(|media| match media {
        Media::Tracks(codecs) => codecs.iter().map(Codec::to_string).collect::<Vec<_>>().join(" + "),
        Media::Frames(frames) => {
            let word = |frame: &Frame| {
                let new = frame.new_codec.as_ref().map(|codec| format!(" {codec}")).unwrap_or_default();
                format!("{}@{}{new}", frame.track.0, frame.dts.as_nanos() / 1_000_000)
            };
            frames.iter().map(word).collect::<Vec<_>>().join(" ")
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

#[test]
fn tracks_stay_from_one_demuxer_to_the_next() {
    let mut lane = Lane::new(0, Splice::default());
    let first = vec![
        Event::Tracks(vec![track(0, jpeg()), track(1, mp3(48_000))]),
        Event::Frame(frame(0, 0)),
        Event::Frame(frame(1, 0)),
    ];
    assert_eq!(take(&mut lane, 0, first), "JPEG 64x32 + MP3 48000 Hz 2 channels; 0@0 1@0");
    lane.begin();
    let second = vec![
        Event::Tracks(vec![track(7, mp3(44_100)), track(8, jpeg())]),
        Event::Frame(frame(7, 5000)),
        Event::Frame(frame(8, 5000)),
        Event::Frame(frame(9, 5000)),
    ];
    assert_eq!(take(&mut lane, 1, second), "1@40 MP3 44100 Hz 2 channels 0@40");
    let third = vec![Event::Tracks(vec![track(0, Codec::G722)])];
    assert_eq!(take(&mut lane, 1, third), "the tracks are other ones now");
}

#[test]
fn sound_that_another_lane_has_is_passed_over() {
    let mut lane = Lane::new(0, Splice::default()).without(Kind::Audio);
    let events =
        vec![Event::Tracks(vec![track(0, mp3(48_000)), track(1, jpeg())]), Event::Frame(frame(0, 0))];
    assert_eq!(take(&mut lane, 0, events), "JPEG 64x32");
    let mut lane = Lane::new(0, Splice::default()).without(Kind::Audio);
    let events = vec![Event::Tracks(vec![track(0, mp3(48_000))])];
    assert_eq!(take(&mut lane, 0, events), "MP3 48000 Hz 2 channels");
}

#[tokio::test]
async fn frames_come_in_order_and_the_end_comes_after_the_last() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let attach = stream.sources()[0].attach();
    let (sender, receiver) = queue();
    let give = async move {
        let mut lane = Lane::new(0, Splice::default());
        let mut events = vec![Event::Tracks(vec![track(0, jpeg()), track(1, mp3(48_000))])];
        // One track behind the other.
        events.extend((0..5).map(|count| Event::Frame(frame(0, count * 10))));
        events.extend((0..5).map(|count| Event::Frame(frame(1, count * 10))));
        for media in lane.take(0, events).expect("media") {
            sender.send(media).await.expect("taken");
        }
    };
    let began = Instant::now();
    let played = async { tokio::join!(give, play(vec![receiver], attach, Label::default())).1 };
    assert_eq!(played.await, Ok(()));
    assert!(began.elapsed() >= Duration::from_millis(40), "as fast as it plays");
}

/// What an input takes, and is left with when all of it has been played.
async fn taken(size: usize) -> (usize, usize) {
    let (sender, receiver) = queue();
    let mut input = Input::new(receiver, 0);
    let data = Bytes::from(vec![0; size]);
    let give = async {
        loop {
            let frames = vec![Frame { data: data.clone(), ..frame(0, 0) }; 64];
            sender.send(Media::Frames(frames)).await.expect("taken");
        }
    };
    let take = async {
        while input.is_short() {
            poll_fn(|cx| input.poll_fill(cx)).await;
        }
    };
    tokio::select! {
        () = give => {}
        () = take => {}
    }
    let taken = input.waiting.len();
    while input.pop().is_some() {}
    (taken, input.bytes)
}

#[tokio::test]
async fn media_whose_time_stands_still_is_not_read_to_its_end() {
    assert_eq!(taken(1).await, (PLAYOUT_FRAMES, 0));
    assert_eq!(taken(64 << 10).await, (PLAYOUT_BYTES / (64 << 10), 0));
}

#[tokio::test]
async fn nothing_at_all_is_told() {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let (sender, receiver) = queue();
    drop(sender);
    let error = play(vec![receiver], stream.sources()[0].attach(), Label::default()).await.unwrap_err();
    assert_eq!(error.text, "there is neither picture nor sound in it");
}
