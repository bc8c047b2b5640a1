//! Streams that callers add, replace and take away.

use super::*;
use crate::policy::Origin;
use std::time::Duration;
use tokio::time::timeout;

/// Calls a method of `/api/streams` with this query.
async fn change(app: &Arc<App>, method: Method, query: &str) -> (StatusCode, String) {
    let (status, body, _) = call(app, CALLER, &method, &format!("/api/streams?{query}"), "").await;
    (status, body)
}

#[tokio::test]
async fn streams_are_added_replaced_and_taken_away() {
    let app = app(
        "streams: {cam: 'rtsp://192.0.2.1/a', low: , both: {url: 'rtsp://192.0.2.2/', variants: [copy, low]}}",
    );
    let fine = || (StatusCode::OK, String::new());
    let urls = |app: &Arc<App>, name: &str| -> Option<Vec<String>> {
        let configured = app.streams.configured(name)?;
        Some(configured.sources.iter().map(|source| source.text.clone()).collect())
    };
    let before = app.streams.get("cam").expect("a stream");
    assert_eq!(change(&app, Method::PUT, "name=cam&src=rtsp://192.0.2.1/a").await, fine());
    assert!(Arc::ptr_eq(&before, &app.streams.get("cam").expect("a stream")), "nobody is disturbed");
    assert_eq!(
        change(&app, Method::PUT, "name=cam&src=rtsp://192.0.2.9/&src=ffmpeg:cam%23audio=opus").await,
        fine()
    );
    assert_eq!(urls(&app, "cam").expect("a stream"), ["rtsp://192.0.2.9/", "ffmpeg:cam#audio=opus"]);
    timeout(Duration::from_secs(1), before.closed()).await.expect("those who watched are told");
    assert_eq!(change(&app, Method::PUT, "src=rtsp://192.0.2.3/x").await, fine());
    assert_eq!(urls(&app, "rtsp://192.0.2.3/x").expect("its source is its name"), ["rtsp://192.0.2.3/x"]);
    assert_eq!(change(&app, Method::PATCH, "name=door&src=cam").await, fine());
    assert!(Arc::ptr_eq(
        &app.streams.get("door").expect("a stream"),
        &app.streams.get("cam").expect("a stream")
    ));
    let kept = app.streams.get("door").expect("a stream");
    assert_eq!(change(&app, Method::DELETE, "src=cam").await, fine());
    assert!(app.streams.get("cam").is_none());
    assert!(timeout(Duration::from_millis(20), kept.closed()).await.is_err(), "it has another name");
    assert_eq!(
        change(&app, Method::DELETE, "src=cam").await,
        (StatusCode::NOT_FOUND, "stream not found\n".to_owned())
    );
    let (status, text) = change(&app, Method::DELETE, "src=low").await;
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::BAD_REQUEST, "stream low is a quality of stream both; take that one away first\n")
    );
}

#[tokio::test]
async fn what_callers_may_not_give_is_refused_in_go2rtcs_words() {
    let app = app("streams: {cam: }");
    let refused = async |method: Method, query: &str, expected: &str| {
        let (status, text) = change(&app, method, query).await;
        assert_eq!((status, text.as_str()), (StatusCode::BAD_REQUEST, expected), "{query}");
    };
    refused(Method::PUT, "", "src is missing\n").await;
    refused(Method::PATCH, "src=rtsp://192.0.2.1/", "name is missing\n").await;
    refused(Method::POST, "src=cam", "dst is missing\n").await;
    refused(Method::DELETE, "", "src is missing\n").await;
    for source in
        ["exec:reboot", "echo:date", "ffmpeg:/etc/passwd", "ffmpeg:http://127.0.0.1/", "ffmpeg:virtual?video"]
    {
        refused(Method::PUT, &format!("name=x&src={source}"), "source from insecure producer\n").await;
        refused(Method::PATCH, &format!("name=x&src={source}"), "source from insecure producer\n").await;
    }
    refused(Method::PUT, "name=x&src=exec:rm%20-rf%20/", "source with spaces may be insecure\n").await;
    refused(Method::PUT, "name=x&src=rtsp://192.0.2.1/${A}", "source with ${…} may be insecure\n").await;
    refused(
        Method::PUT,
        "name=x&src=homekit://192.0.2.1",
        "streams: source not supported: sources of scheme homekit are not supported yet\n",
    )
    .await;
    let name = "a name has 1 to 255 bytes, no control characters, and is none of this server's own\n";
    for bad in [".child/x", "a%0Ab", &"x".repeat(256), "${A}"] {
        refused(Method::PUT, &format!("name={bad}&src=rtsp://192.0.2.1/"), name).await;
    }
    assert_eq!(app.streams.all().len(), 1);
    let (status, text) = change(&app, Method::POST, "src=cam&dst=srt://192.0.2.1").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("rtmp") && text.contains("rtsp"), "{text}");
    assert_eq!(
        change(&app, Method::POST, "src=nobody&dst=rtmp://192.0.2.1/a").await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(change(&app, Method::POST, "src=x&dst=cam").await.0, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn passwords_that_callers_give_are_shown_nowhere() {
    let app = app("");
    let (status, _) = change(&app, Method::PUT, "name=cam&src=rtsp://u:canary77@192.0.2.1/a").await;
    assert_eq!(status, StatusCode::OK);
    let (_, body) = get(&app, "/api/streams").await;
    assert!(body.contains("rtsp://***@192.0.2.1/a") && !body.contains("canary77"), "{body}");
    assert_eq!(app.masker.mask("the camera said canary77"), "the camera said ***");
}

#[tokio::test]
async fn there_is_a_bound_for_streams_that_are_added() {
    let app = app("streams: {mine: }");
    for number in 0..crate::limits::ADDED_STREAMS {
        let added = app.streams.set(&number.to_string(), Vec::new());
        assert_eq!(added, Ok(()));
    }
    let (status, _) = change(&app, Method::PUT, "name=more&src=rtsp://192.0.2.1/").await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(change(&app, Method::DELETE, "src=7").await.0, StatusCode::OK);
    assert_eq!(change(&app, Method::PUT, "name=more&src=rtsp://192.0.2.1/").await.0, StatusCode::OK);
}

#[tokio::test]
async fn changes_at_the_same_time_leave_one_stream() {
    let app = app("");
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let query = format!("name=cam&src=rtsp://192.0.2.{number}/");
                let put = change(&app, Method::PUT, &query).await.0;
                let removed =
                    if number % 3 == 0 { change(&app, Method::DELETE, "src=cam").await.0 } else { put };
                (put, removed)
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic").0, StatusCode::OK);
    }
    let left = app.streams.all();
    assert!(left.len() <= 1, "{left:?}");
    app.shutdown.cancel();
    timeout(Duration::from_secs(2), app.streams.close()).await.expect("all tasks end");
}

#[test]
fn what_came_from_the_api_is_known_as_such_and_networks_are_opened_to_it() {
    let text = "streams:\n  a: rtsp://192.0.2.1/\n  b: {url: rtsp://192.0.2.1/, from_api: true}\n\
                api: {source_networks: [127.0.0.0/8, '::1/128']}\n";
    let (config, warnings) =
        Config::parse(&[Layer::file("yeoul.yaml", text)], &|_| None).expect("a right configuration");
    assert!(warnings.is_empty());
    assert_eq!(["a", "b"].map(|name| config.streams[name].origin), [Origin::Owner, Origin::Caller]);
    assert_eq!(config.api.source_networks.len(), 2);
    let wrong = Layer::file("yeoul.yaml", "api: {source_networks: [here]}");
    let error = Config::parse(&[wrong], &|_| None).expect_err("no network").to_string();
    assert!(
        error.contains("api.source_networks: expected networks such as 127.0.0.0/8, got \"here\""),
        "{error}"
    );
}
