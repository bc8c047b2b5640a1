//! Addresses, and a camera of which every answer is chosen. What a whole device does is tested end to end.

use super::api::{describe, found_source};
use super::dial::{Target, find};
use super::ptz::{Asked, Camera, stop_in_time};
use super::source::{Source, Subtype, Wanted};
use crate::mask::Masker;
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

#[test]
fn an_address_says_what_is_wanted() {
    let check = |text: &str, device: &str, subtype: Subtype, is_snapshot: bool| {
        let source = Source::parse(text).expect(text);
        assert_eq!(source.device().url().as_str(), device, "{text}");
        assert_eq!(source.subtype, subtype, "{text}");
        assert_eq!(matches!(source.wanted, Wanted::Snapshot), is_snapshot, "{text}");
        assert!(!format!("{source:?}").contains("secret"));
    };
    check("onvif://u:secret@cam", "http://cam/onvif/device_service", Subtype::Index(0), false);
    check("onvif://cam:2020/?subtype=1", "http://cam:2020/onvif/device_service", Subtype::Index(1), false);
    check(
        "onvif://cam/x?subtype=Profile%5F1&snapshot",
        "http://cam/x",
        Subtype::Token("Profile_1".to_owned()),
        true,
    );
    check(
        "onvif://[::1]:80?snapshot#header=X-A: b",
        "http://[::1]/onvif/device_service",
        Subtype::Index(0),
        true,
    );
    let source = Source::parse("onvif://cam#transport=udp#media=video").expect("a source");
    let Wanted::Stream(options) = source.wanted else { panic!("a stream") };
    assert!(options.video && !options.audio);
    for (text, expected) in [
        ("onvif:cam", "expected an address such as onvif://user:password@192.168.1.64?subtype=0"),
        ("onvif://", "expected an address such as onvif://user:password@192.168.1.64?subtype=0"),
        ("onvif://cam#timeout=x", "#timeout=x: expected 1 to 300 seconds"),
        ("onvif://cam?snapshot#x=1", "#x means nothing to an HTTP source; known are header and variant"),
    ] {
        assert_eq!(Source::parse(text).expect_err(text).to_string(), expected);
    }
}

/// What a camera answers to an operation.
type Answers = fn(operation: &str, headers: &HeaderMap, own: &str) -> (StatusCode, String);

/// A request that it got.
struct Seen {
    operation: String,
    path: String,
    body: String,
}

/// A camera; its host and port, and what it is asked.
async fn camera(answers: Answers) -> (String, UnboundedReceiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let own = listener.local_addr().expect("an address").to_string();
    let (sender, receiver) = unbounded_channel();
    let host = own.clone();
    let app = axum::Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let body = String::from_utf8(body.to_vec()).expect("text");
        let operation = body.split("<s:Body><").nth(1).and_then(|rest| rest.split([':', '/', '>']).nth(1));
        let operation = operation.unwrap_or_default().to_owned();
        let (status, answer) = answers(&operation, &headers, &host);
        let _ = sender.send(Seen { operation, path: uri.path().to_owned(), body });
        async move { respond(status, answer) }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (own, receiver)
}

fn respond(status: StatusCode, body: String) -> Response {
    let challenge = "Digest realm=\"cam\", nonce=\"abc\", qop=\"auth\"";
    let headers = [(header::CONTENT_TYPE, "application/soap+xml"), (header::WWW_AUTHENTICATE, challenge)];
    let there = [(header::LOCATION, "http://192.0.2.1/")];
    match status {
        StatusCode::UNAUTHORIZED => (status, headers, body).into_response(),
        StatusCode::FOUND => (status, there, body).into_response(),
        _ => (status, body).into_response(),
    }
}

fn soap(body: &str) -> (StatusCode, String) {
    (StatusCode::OK, format!("<e:Envelope><e:Body>{body}</e:Body></e:Envelope>"))
}

fn fault(status: StatusCode, code: &str) -> (StatusCode, String) {
    let (_, text) = soap(&format!(
        "<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:{code}</e:Value></e:Subcode></e:Code>\
         <e:Reason><e:Text>it says no</e:Text></e:Reason></e:Fault>"
    ));
    (status, text)
}

/// A camera behind a NAT, with a clock of 1970 and no `GetServices`.
fn usual(operation: &str, _: &HeaderMap, _: &str) -> (StatusCode, String) {
    match operation {
        "GetSystemDateAndTime" => soap(
            "<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>3</Hour><Minute>4</Minute><Second>5</Second></Time>\
             <Date><Year>1970</Year><Month>1</Month><Day>2</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>",
        ),
        "GetCapabilities" => soap(
            "<GetCapabilitiesResponse><Capabilities><Media><XAddr>http://192.168.0.7/onvif/Media</XAddr></Media>\
             <PTZ><XAddr>http://192.168.0.7/onvif/PTZ</XAddr></PTZ></Capabilities></GetCapabilitiesResponse>",
        ),
        "GetProfiles" => soap(
            "<GetProfilesResponse><Profiles token=\"main\"><Name>Main</Name><VideoEncoderConfiguration><Encoding>H264</Encoding>\
             <Resolution><Width>2560</Width><Height>1440</Height></Resolution></VideoEncoderConfiguration><PTZConfiguration/></Profiles>\
             <Profiles token=\"7\"><Name>Sub</Name></Profiles></GetProfilesResponse>",
        ),
        "GetStreamUri" => soap(
            "<GetStreamUriResponse><MediaUri><Uri>rtsp://192.168.0.7:555/a?b=1&c=2</Uri></MediaUri></GetStreamUriResponse>",
        ),
        "GetSnapshotUri" => soap(
            "<GetSnapshotUriResponse><MediaUri><Uri>https://192.168.0.8/p.jpg</Uri></MediaUri></GetSnapshotUriResponse>",
        ),
        "GetDeviceInformation" => soap(
            "<GetDeviceInformationResponse><Manufacturer>A</Manufacturer><Model>B</Model></GetDeviceInformationResponse>",
        ),
        "GetPresets" => soap("<GetPresetsResponse/>"),
        "ContinuousMove" | "Stop" => soap(&format!("<{operation}Response/>")),
        _ => fault(StatusCode::BAD_REQUEST, "ActionNotSupported"),
    }
}

async fn find_at(text: &str) -> Result<Target, DialError> {
    find(&Source::parse(text).expect("a source"), Route::of_owner()).await.map(|(target, _)| target)
}

#[tokio::test]
async fn the_stream_of_a_camera_behind_a_nat_is_where_the_camera_is() {
    let (own, mut seen) = camera(usual).await;
    let Target::Stream(stream) =
        find_at(&format!("onvif://me:s%40cret@{own}#media=audio")).await.expect("a stream")
    else {
        panic!("a stream")
    };
    assert_eq!(stream.url.to_string(), "rtsp://me:***@127.0.0.1:555/a?b=1&c=2");
    assert_eq!(stream.url.credentials.map(|credentials| credentials.password), Some("s@cret".to_owned()));
    assert!(!stream.options.video);
    let mut asked = Vec::new();
    while let Ok(seen) = seen.try_recv() {
        assert!(!seen.body.contains("cret"), "{}", seen.body);
        // By the clock of the camera; its clock itself is asked without a proof.
        assert_eq!(
            seen.body.contains("<wsu:Created>1970-01-02T03:04:"),
            seen.operation != "GetSystemDateAndTime"
        );
        asked.push(format!("{} {}", seen.path, seen.operation));
    }
    assert_eq!(
        asked,
        [
            "/onvif/device_service GetSystemDateAndTime",
            "/onvif/device_service GetServices",
            "/onvif/device_service GetCapabilities",
            "/onvif/Media GetProfiles",
            "/onvif/Media GetStreamUri"
        ]
    );
}

#[tokio::test]
async fn another_machine_that_a_recorder_names_is_that_machine() {
    let (own, _seen) = camera(usual).await;
    let Target::Snapshot(pictures) =
        find_at(&format!("onvif://me:secret@{own}?snapshot")).await.expect("pictures")
    else {
        panic!("pictures")
    };
    assert_eq!(pictures.url().as_str(), "https://192.168.0.8/p.jpg");
    assert_eq!(pictures.account(), Some(("me", "secret")));
}

#[tokio::test]
async fn profiles_are_told_where_one_is_not_there() {
    let (own, _seen) = camera(usual).await;
    assert!(find_at(&format!("onvif://{own}?subtype=7")).await.is_ok(), "a token that is a number");
    let error = find_at(&format!("onvif://{own}?subtype=third")).await.expect_err("no such profile");
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(
        error.text,
        format!("{own} has no profile third; it has 0: main (Main, 2560x1440 H264); 1: 7 (Sub)")
    );
}

#[tokio::test]
async fn a_camera_lists_what_it_has() {
    let (own, _seen) = camera(usual).await;
    let source = Source::parse(&format!("onvif://u:p@{own}?subtype=3#media=video")).expect("a source");
    let listed = describe(&source, Route::of_owner()).await.expect("a list");
    let told: Vec<_> = listed.into_iter().map(|found| [found.name, found.info, found.url]).collect();
    assert_eq!(
        told,
        [
            [
                "A B stream0".to_owned(),
                "2560x1440 H264".to_owned(),
                format!("onvif://u:p@{own}?subtype=main#media=video")
            ],
            ["A B stream1".to_owned(), String::new(), format!("onvif://u:p@{own}?subtype=1#media=video")],
            [
                "A B snapshot".to_owned(),
                "JPEG".to_owned(),
                format!("onvif://u:p@{own}?subtype=main&snapshot")
            ],
        ]
    );
}

#[tokio::test]
async fn what_goes_wrong_is_a_sentence() {
    async fn check(answers: Answers, account: &str, kind: ErrorKind, expected: &str) {
        let (own, _seen) = camera(answers).await;
        let error = find_at(&format!("onvif://{account}{own}")).await.expect_err(expected);
        assert_eq!((error.kind, error.text), (kind, format!("{own} {expected}")));
    }
    let refuse: Answers = |_, _, _| fault(StatusCode::BAD_REQUEST, "NotAuthorized");
    check(
        refuse,
        "me:secret@",
        ErrorKind::Unauthorized,
        "refuses: it says no; user name or password are wrong",
    )
    .await;
    check(refuse, "", ErrorKind::Unauthorized, "refuses: it says no; no user name and password are given")
        .await;
    let page: Answers = |_, _, _| (StatusCode::OK, "<html><body>hello</body></html>".to_owned());
    check(page, "", ErrorKind::PeerViolation, "answers with <html>, which is no SOAP").await;
    let nothing: Answers = |_, _, _| (StatusCode::NOT_FOUND, "not found".to_owned());
    let text = "answers 404 Not Found: no ONVIF service is at /onvif/device_service";
    check(nothing, "", ErrorKind::NotFound, text).await;
    // The proof of the password is not carried to another server.
    let elsewhere: Answers = |_, _, _| (StatusCode::FOUND, String::new());
    check(elsewhere, "me:secret@", ErrorKind::Retry, "answers 302 Found").await;
    let empty: Answers = |operation, headers, own| match operation {
        "GetProfiles" => soap("<GetProfilesResponse/>"),
        _ => usual(operation, headers, own),
    };
    check(empty, "", ErrorKind::NotFound, "has no profile: nothing to watch is set up in it").await;
}

#[tokio::test]
async fn a_camera_that_asks_for_digest_gets_it() {
    let (own, _seen) = camera(|operation, headers, own| match headers.get(header::AUTHORIZATION) {
        Some(value) if value.to_str().is_ok_and(|value| value.starts_with("Digest username=\"me\"")) => {
            usual(operation, headers, own)
        }
        _ => (StatusCode::UNAUTHORIZED, String::new()),
    })
    .await;
    assert!(find_at(&format!("onvif://me:secret@{own}")).await.is_ok());
    let error = find_at(&format!("onvif://{own}")).await.expect_err("no account");
    assert_eq!(error.text, format!("{own} answers 401 Unauthorized; no user name and password are given"));
}

#[tokio::test]
async fn a_caller_leads_us_to_no_camera_on_this_machine() {
    let (own, mut seen) = camera(usual).await;
    let source = Source::parse(&format!("onvif://{own}")).expect("a source");
    let error = find(&source, Route::of_caller(Arc::default())).await.expect_err("refused");
    assert!(error.text.contains("such an address has to stand in the configuration"), "{error}");
    assert!(seen.try_recv().is_err(), "nobody was asked");
}

fn asked(query: &str) -> Asked {
    Query::<Asked>::try_from_uri(&format!("/api/ptz?{query}").parse().expect("a URI")).expect("a query").0
}

#[tokio::test]
async fn a_camera_that_moves_is_stopped() {
    let (own, mut seen) = camera(usual).await;
    let camera = Arc::new(Camera::new(
        "cam",
        Source::parse(&format!("onvif://{own}?subtype=7")).expect("a source"),
        Route::of_owner(),
    ));
    let shutdown = CancellationToken::new();
    let stopper = tokio::spawn(stop_in_time(Arc::clone(&camera), Masker::default(), shutdown.clone()));
    camera.operate(&asked("operation=ContinuousMove&pan=-1&timeout=0.05")).await.expect("it moves");
    let mut next = async |name: &str| loop {
        let seen = seen.recv().await.expect("a request");
        if seen.path == "/onvif/PTZ" {
            assert_eq!(seen.operation, name);
            // The sub stream has no PTZ: its camera is moved by the profile that has.
            assert!(seen.body.contains("<tptz:ProfileToken>main<"), "{}", seen.body);
            return;
        }
    };
    next("ContinuousMove").await;
    next("Stop").await;
    // And when the program ends.
    camera.operate(&asked("operation=ContinuousMove&zoom=0.5&timeout=10")).await.expect("it moves");
    next("ContinuousMove").await;
    shutdown.cancel();
    next("Stop").await;
    stopper.await.expect("it ends");
}

#[tokio::test]
async fn orders_that_are_none_are_refused_without_asking() {
    let (own, mut seen) = camera(usual).await;
    let camera =
        Camera::new("cam", Source::parse(&format!("onvif://{own}")).expect("a source"), Route::of_owner());
    for (query, expected) in [
        ("", "operation: expected ContinuousMove, Stop, GotoPreset or GotoHomePosition, got \"\""),
        (
            "operation=Fly",
            "operation: expected ContinuousMove, Stop, GotoPreset or GotoHomePosition, got \"Fly\"",
        ),
        ("operation=ContinuousMove", "ContinuousMove: expected a speed in pan, tilt or zoom"),
        ("operation=ContinuousMove&pan=1.1", "pan: expected a speed from -1 to 1"),
        ("operation=ContinuousMove&zoom=NaN", "zoom: expected a speed from -1 to 1"),
        ("operation=ContinuousMove&tilt=1&timeout=11", "timeout: expected seconds above 0, at most 10"),
        ("operation=ContinuousMove&tilt=1&timeout=-1", "timeout: expected seconds above 0, at most 10"),
        ("operation=GotoPreset", "GotoPreset: expected the token of a preset; GET /api/ptz?src= lists them"),
    ] {
        assert_eq!(camera.operate(&asked(query)).await.expect_err(query).to_string(), expected);
    }
    assert!(seen.try_recv().is_err(), "nobody was asked");
}

#[test]
fn a_camera_that_was_found_is_a_source_to_fill_in() {
    let check = |url: &str, expected: &str| {
        let device = yeoul_onvif::discovery::Device {
            url: url.parse().expect("a URL"),
            name: "Cam".to_owned(),
            hardware: String::new(),
        };
        assert_eq!(found_source(&device).to_string(), expected);
    };
    check(
        "http://192.168.1.7/onvif/device_service",
        r#"{"info":"Cam","name":"192.168.1.7","url":"onvif://user:pass@192.168.1.7"}"#,
    );
    check(
        "http://192.168.1.7:8000/x?y=1",
        r#"{"info":"Cam","name":"192.168.1.7:8000","url":"onvif://user:pass@192.168.1.7:8000/x?y=1"}"#,
    );
}
