//! Supervisors on tokio's paused clock, with a source that always fails.

use super::*;
use yeoul_hub::{Label, State, Want};
use yeoul_media::Kind;

const LINGER: Duration = Duration::from_secs(3);

fn streams(stop: &CancellationToken) -> Streams {
    let settings = StreamSettings { linger: LINGER, options: StreamOptions::default() };
    let source = Source::parse("homekit://192.0.2.1").unwrap();
    Streams::start([("cam".to_owned(), vec![source])], settings, stop.clone())
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
    assert_eq!(reason, "sources of scheme homekit are not supported yet; supported are rtsp, rtsps, rtspx");
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
