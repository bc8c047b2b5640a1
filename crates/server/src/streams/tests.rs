//! Supervisors on tokio's paused clock, with a source that always fails.

use super::*;
use yeoul_hub::{Label, State, Want};
use yeoul_media::Kind;

const LINGER: Duration = Duration::from_secs(3);

fn streams(stop: &CancellationToken) -> Streams {
    let settings = StreamSettings {
        linger: LINGER,
        options: StreamOptions::default(),
        timeline: Timeline::default(),
        means: Arc::default(),
    };
    let source = source("homekit://192.0.2.1").remove(0);
    Streams::start(
        [("cam".to_owned(), StreamConfig { sources: vec![source], ..StreamConfig::default() })],
        settings,
        stop.clone(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_source_is_left_alone_until_somebody_wants_it() {
    let streams = streams(&CancellationToken::new());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(streams.get("cam").unwrap().state(), State::Idle);
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_stands_in_the_state_and_is_retried() {
    let streams = streams(&CancellationToken::new());
    let stream = streams.get("cam").unwrap();
    let mut joining = stream.join(vec![Want::any(Kind::Video)], Label::default());
    assert!(tokio::time::timeout(Duration::from_millis(50), joining.ready()).await.is_err());
    let State::Failed { reason, .. } = stream.state() else { panic!("the state is {:?}", stream.state()) };
    assert_eq!(
        reason,
        "sources of scheme homekit are not supported yet; supported are echo, exec, ffmpeg, file, http, https, httpx, onvif, rtmp, rtmps, rtmpx, rtsp, rtsps, rtspx, srt, tcp, udp, webrtc"
    );
    assert_eq!(joining.explain(), format!("stream cam is not live: {reason}"));
    // It is wanted for as long as the joiner waits, and a little longer.
    drop(joining);
    tokio::time::sleep(LINGER + Duration::from_millis(10)).await;
    assert_eq!(stream.state(), State::Idle);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_every_supervisor() {
    let stop = CancellationToken::new();
    let streams = streams(&stop);
    let mut joining = streams.get("cam").unwrap().join(vec![Want::any(Kind::Video)], Label::default());
    assert!(tokio::time::timeout(Duration::from_millis(50), joining.ready()).await.is_err());
    tokio::time::timeout(Duration::from_secs(2), streams.close()).await.expect("all supervisors end");
    assert!(stop.is_cancelled());
}

fn source(url: &str) -> Vec<Written> {
    vec![Written::new(url, crate::schemes::Source::parse(url).unwrap())]
}

/// Streams of which none is ever dialled.
fn several(configured: Vec<(&str, Vec<Written>, Vec<crate::config::Variant>)>) -> Streams {
    let settings = StreamSettings {
        linger: LINGER,
        options: StreamOptions::default(),
        timeline: Timeline::default(),
        means: Arc::default(),
    };
    let configured = configured.into_iter().map(|(name, sources, variants)| {
        (name.to_owned(), StreamConfig { sources, variants, ..StreamConfig::default() })
    });
    Streams::start(configured, settings, CancellationToken::new())
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_others_is_the_first_of_them() {
    use crate::config::Variant::Stream;
    let streams = several(vec![
        ("cam", vec![], vec![Stream("main".to_owned()), Stream("sub".to_owned())]),
        ("main", source("rtsp://192.0.2.1/main"), vec![]),
        ("sub", source("rtsp://192.0.2.1/sub"), vec![]),
    ]);
    assert!(Arc::ptr_eq(&streams.get("cam").unwrap(), &streams.get("main").unwrap()));
    let qualities = streams.variants("cam");
    let variants: Vec<_> = qualities.iter().map(|of| (of.name.as_str(), of.stream.name())).collect();
    assert_eq!(variants, [("main", "main"), ("sub", "sub")]);
    assert!(streams.variants("main").is_empty() && streams.variants("nothing").is_empty());
}

#[tokio::test(start_paused = true)]
async fn renditions_are_streams_of_their_own_that_nobody_is_shown() {
    use crate::config::Variant::{Copy, Rendition};
    let half = yeoul_transcode::ffmpeg::Rendition::parse("360p@600k").unwrap();
    let streams = several(vec![("cam", source("rtsp://192.0.2.1/"), vec![Copy, Rendition(half)])]);
    let qualities = streams.variants("cam");
    let variants: Vec<_> =
        qualities.iter().map(|of| (of.name.as_str(), of.stream.name(), of.nominal.bits_per_second)).collect();
    assert_eq!(variants, [("copy", "cam", None), ("360p", "cam@360p", Some(600_000))]);
    assert_eq!(streams.configured("cam@360p").unwrap().sources[0].text, "360p of cam");
    assert_eq!(streams.all().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["cam"]);
    streams.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_rendition_is_given_no_other_name_and_ends_with_what_it_was_made_for() {
    use crate::config::Variant::{Rendition, Stream};
    use crate::streams::ChangeError;
    let half = yeoul_transcode::ffmpeg::Rendition::parse("360p@600k").unwrap();
    let streams = several(vec![
        ("main", source("rtsp://192.0.2.1/"), vec![]),
        ("both", vec![], vec![Stream("main".to_owned()), Rendition(half)]),
    ]);
    let rendition = Err(ChangeError::Rendition("both@360p".to_owned()));
    assert_eq!(streams.alias("small", "both@360p"), rendition);
    assert_eq!(streams.alias("both@360p", "main"), rendition);
    streams.alias("again", "both").unwrap();
    streams.remove("both").unwrap();
    assert!(streams.get("both@360p").is_some(), "it is a quality of again");
    streams.remove("again").unwrap();
    assert!(streams.get("both@360p").is_none() && streams.get("main").is_some());
    streams.close().await;
}
