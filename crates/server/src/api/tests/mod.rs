//! The door, with callers from everywhere; then the answers.

mod sources;

use super::routes::table;
use super::{Door, Peer};
use crate::app::{App, End, Server};
use crate::config::{Config, Layer};
use crate::limits::{API_BODY_BYTES, API_BODY_WAIT};
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use yeoul_hub::{Label, Want};
use yeoul_media::bitstream::h264;
use yeoul_media::{Codec, Kind, PcmLayout};

const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// `admin`, `swordfish`.
const RIGHT: &str = "Basic YWRtaW46c3dvcmRmaXNo";
/// `admin`, `guess`.
const WRONG: &str = "Basic YWRtaW46Z3Vlc3M=";

/// An application without listeners.
fn app(configuration: &str) -> Arc<App> {
    let layers = [
        Layer::file("test.yaml", configuration),
        Layer::file("off.yaml", "api: {listen: ''}\nrtsp: {listen: ''}\nwebrtc: {listen: ''}"),
    ];
    let (config, _) = Config::parse(&layers, &|_| None).expect("a right configuration");
    App::new(config).expect("an application")
}

/// A caller of one kind.
#[derive(Clone, Copy, Debug)]
struct Caller {
    name: &'static str,
    peer: &'static str,
    host: &'static str,
    origin: Option<&'static str>,
    authorization: Option<&'static str>,
}

const CALLER: Caller = Caller {
    name: "loopback",
    peer: "127.0.0.1:9",
    host: "127.0.0.1:1984",
    origin: None,
    authorization: None,
};

async fn call(
    app: &Arc<App>,
    caller: Caller,
    method: &Method,
    path: &str,
    body: &str,
) -> (StatusCode, String, axum::http::HeaderMap) {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, caller.host);
    for (name, value) in [(header::ORIGIN, caller.origin), (header::AUTHORIZATION, caller.authorization)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let peer = match caller.peer {
        "unix" => Peer::Unix,
        address => Peer::Address(address.parse::<SocketAddr>().expect("an address")),
    };
    let response = Door::new(app).answer(peer, request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.expect("a body");
    (parts.status, String::from_utf8_lossy(&body).into_owned(), parts.headers)
}

async fn get(app: &Arc<App>, path: &str) -> (StatusCode, String) {
    let (status, body, _) = call(app, CALLER, &Method::GET, path, "").await;
    (status, body)
}

/// What the door says to a kind of caller, for methods that only look and for those that change something.
struct Rule {
    caller: Caller,
    look: Option<StatusCode>,
    change: Option<StatusCode>,
}

const REFUSED: Option<StatusCode> = Some(StatusCode::FORBIDDEN);
const WHO: Option<StatusCode> = Some(StatusCode::UNAUTHORIZED);

/// Every route, and paths that are none, with every method by every caller.
async fn check_matrix(configuration: &str, rules: &[Rule]) {
    let mut paths: Vec<String> =
        table().iter().map(|route| route.path.replace(['{', '}'], "").replace('*', "")).collect();
    paths.extend(["/", "/index.html", "/api/nothing", "/api/ws", "/../etc/passwd"].map(str::to_owned));
    paths.dedup();
    for Rule { caller, look, change } in rules {
        for (path, method) in paths.iter().flat_map(|path| METHODS.map(|method| (path, method))) {
            let app = app(configuration);
            // Of a stream: without one, cameras are searched.
            let (status, body, _) = call(&app, *caller, &method, &format!("{path}?src=nobody"), "").await;
            let expected =
                if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method) { look } else { change };
            let place = format!("{method} {path} by {}: {status} {body}", caller.name);
            match expected {
                Some(expected) => {
                    assert_eq!(status, *expected, "{place}");
                    assert!(!app.shutdown.is_cancelled(), "{place} was carried out");
                }
                None => {
                    assert!(![StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&status), "{place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn without_an_account_only_private_callers_get_in() {
    let rule = |caller, look, change| Rule { caller, look, change };
    let from = |name, peer| Caller { name, peer, ..CALLER };
    check_matrix(
        "",
        &[
            rule(CALLER, None, None),
            rule(from("private", "192.168.1.9:9"), None, None),
            rule(from("mapped", "[::ffff:10.0.0.9]:9"), None, None),
            rule(from("unix", "unix"), None, None),
            rule(from("public", "203.0.113.9:9"), REFUSED, REFUSED),
            rule(from("public IPv6", "[2001:db8::9]:9"), REFUSED, REFUSED),
            rule(Caller { name: "own page", origin: Some("http://127.0.0.1:1984"), ..CALLER }, None, None),
            rule(
                Caller { name: "foreign page", origin: Some("http://evil.example"), ..CALLER },
                None,
                REFUSED,
            ),
            rule(
                Caller { name: "other port", origin: Some("http://127.0.0.1:8123"), ..CALLER },
                None,
                REFUSED,
            ),
            rule(Caller { name: "hidden page", origin: Some("null"), ..CALLER }, None, REFUSED),
            rule(Caller { name: "rebinding", host: "evil.example:1984", ..CALLER }, REFUSED, REFUSED),
            rule(
                Caller {
                    name: "rebinding page",
                    host: "evil.example",
                    origin: Some("http://evil.example"),
                    ..CALLER
                },
                REFUSED,
                REFUSED,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn with_an_account_who_knows_it_gets_in() {
    let rule = |caller, look, change| Rule { caller, look, change };
    let public = Caller { name: "public", peer: "203.0.113.9:9", host: "cam.example.com", ..CALLER };
    check_matrix(
        "api: {username: admin, password: swordfish}",
        &[
            rule(CALLER, None, None),
            rule(Caller { name: "private", peer: "192.168.1.9:9", ..CALLER }, WHO, WHO),
            rule(public, WHO, WHO),
            rule(Caller { name: "guessing", authorization: Some(WRONG), ..public }, WHO, WHO),
            rule(Caller { name: "bearer", authorization: Some("Bearer x"), ..public }, WHO, WHO),
            rule(Caller { name: "knowing", authorization: Some(RIGHT), ..public }, None, None),
            rule(
                Caller {
                    name: "foreign page of a knowing one",
                    authorization: Some(RIGHT),
                    origin: Some("http://evil.example"),
                    ..public
                },
                None,
                REFUSED,
            ),
            rule(Caller { name: "local rebinding", host: "evil.example", ..CALLER }, REFUSED, REFUSED),
        ],
    )
    .await;
    let local = "api: {username: admin, password: swordfish, local_auth: true}";
    let unix = Caller { name: "unix", peer: "unix", ..CALLER };
    check_matrix(local, &[rule(CALLER, WHO, WHO), rule(unix, WHO, WHO)]).await;
}

#[tokio::test]
async fn settings_let_more_callers_in() {
    let rule = |caller, look, change| Rule { caller, look, change };
    let public = Caller { name: "public", peer: "203.0.113.9:9", ..CALLER };
    check_matrix("access: open", &[rule(public, None, None)]).await;
    let named = Caller { name: "named", host: "Cam.Example.com:1984", ..CALLER };
    check_matrix("api: {hosts: cam.example.com}", &[rule(named, None, None)]).await;
    let page = Caller { name: "listed page", origin: Some("https://ha.example"), ..CALLER };
    let foreign = Caller { name: "foreign page", origin: Some("https://evil.example"), ..CALLER };
    check_matrix(
        "api: {origin: 'https://ha.example'}",
        &[rule(page, None, None), rule(foreign, None, REFUSED)],
    )
    .await;
    check_matrix("api: {origin: '*'}", &[rule(page, None, None), rule(foreign, None, None)]).await;
}

#[tokio::test]
async fn names_of_this_server_are_told_from_others() {
    let app = app("");
    for (host, permitted) in [
        ("localhost:1984", true),
        ("camserver", true),
        ("cam.local", true),
        ("CAM.LOCAL.:80", true),
        ("192.168.1.2", true),
        ("[fe80::1]:1984", true),
        ("nas.home.arpa", true),
        ("evil.example", false),
        ("127.0.0.1.evil.example", false),
        ("local", true),
        ("evil.example:80:80", false),
        ("evil.example@127.0.0.1", false),
        ("127.0.0.1@evil.example", false),
        ("", false),
        ("a:b", false),
    ] {
        let (status, ..) = call(&app, Caller { host, ..CALLER }, &Method::GET, "/api", "").await;
        assert_eq!(status == StatusCode::OK, permitted, "{host:?}: {status}");
    }
}

#[tokio::test]
async fn a_websocket_of_a_foreign_page_is_refused() {
    let app = app("");
    let request = Request::get("/api/ws?src=a")
        .header(header::HOST, "127.0.0.1")
        .header(header::ORIGIN, "http://evil.example")
        .header(header::UPGRADE, "websocket")
        .body(Body::empty())
        .expect("a request");
    let peer = Peer::Address("127.0.0.1:9".parse().expect("an address"));
    assert_eq!(Door::new(&app).answer(peer, request).await.status(), StatusCode::FORBIDDEN);
}

/// A body of which some bytes come every few seconds, for ever.
struct Trickle(tokio::time::Interval);

impl futures_core::Stream for Trickle {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_tick(cx).map(|_| Some(Ok(Bytes::from_static(b"v=0"))))
    }
}

/// The answer to an offer with this body.
async fn offer(body: Body) -> (StatusCode, String) {
    let request = Request::post("/api/webrtc?src=a").header(header::HOST, "127.0.0.1").body(body);
    let peer = Peer::Address("127.0.0.1:9".parse().expect("an address"));
    let app = app("streams: {a: 'rtsp://127.0.0.1:1/'}");
    let response = Door::new(&app).answer(peer, request.expect("a request")).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    (parts.status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_trickled_is_refused_in_time() {
    let began = tokio::time::Instant::now();
    let (status, said) = offer(Body::from_stream(Trickle(tokio::time::interval(API_BODY_WAIT / 4)))).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT, "{said}");
    assert_eq!(said, "the body did not come in whole within 10 s\n");
    assert!(began.elapsed() < API_BODY_WAIT * 2);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let (status, said) = offer(Body::from(vec![b'a'; API_BODY_BYTES + 1])).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{said}");
    assert!(said.contains("at most 262144 bytes"), "{said}");
}

#[tokio::test]
async fn two_hosts_are_none() {
    let request = Request::get("/api").header(header::HOST, "127.0.0.1").header(header::HOST, "b");
    let request = request.body(Body::empty()).expect("a request");
    let peer = Peer::Address("127.0.0.1:9".parse().expect("an address"));
    assert_eq!(Door::new(&app("")).answer(peer, request).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cors_is_answered_as_configured() {
    let page = Caller { origin: Some("https://ha.example"), ..CALLER };
    let allowed = |headers: &axum::http::HeaderMap| {
        headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().expect("text").to_owned())
    };
    let (.., headers) = call(&app(""), page, &Method::GET, "/api", "").await;
    assert_eq!(allowed(&headers), None);
    let (.., headers) = call(&app("api: {origin: '*'}"), page, &Method::GET, "/api", "").await;
    assert_eq!(allowed(&headers).as_deref(), Some("*"));
    let app = app("api: {origin: 'https://ha.example', username: a, password: b, local_auth: true}");
    let request = Request::options("/api/streams")
        .header(header::HOST, "cam.example.com")
        .header(header::ORIGIN, "https://ha.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")
        .body(Body::empty())
        .expect("a request");
    let peer = Peer::Address("203.0.113.9:9".parse().expect("an address"));
    let response = Door::new(&app).answer(peer, request).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed(response.headers()).as_deref(), Some("https://ha.example"));
}

/// What a page may do with a path: the answer to its preflight, and to its GET.
async fn cors(app: &Arc<App>, origin: &'static str, path: &str) -> [Option<String>; 3] {
    let page = Caller { origin: Some(origin), ..CALLER };
    let text = |headers: &axum::http::HeaderMap, name: header::HeaderName| {
        headers.get(name).map(|value| value.to_str().expect("text").to_owned())
    };
    let request = Request::options(path)
        .header(header::HOST, "127.0.0.1")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "range")
        .body(Body::empty())
        .expect("a request");
    let peer = Peer::Address("127.0.0.1:9".parse().expect("an address"));
    let preflight = Door::new(app).answer(peer, request).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    let (.., headers) = call(app, page, &Method::GET, path, "").await;
    let allowed = text(&headers, header::ACCESS_CONTROL_ALLOW_ORIGIN);
    assert_eq!(text(preflight.headers(), header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "both say the same");
    if allowed.is_some() {
        let exposed = text(&headers, header::ACCESS_CONTROL_EXPOSE_HEADERS).expect("what players read");
        assert!(exposed.contains("Date") && exposed.contains("ETag"), "{exposed}");
        let asked =
            text(preflight.headers(), header::ACCESS_CONTROL_ALLOW_HEADERS).expect("what players send");
        assert!(asked.contains("Range"), "{asked}");
    }
    let methods = text(preflight.headers(), header::ACCESS_CONTROL_ALLOW_METHODS);
    [allowed, methods, text(&headers, header::VARY)]
}

#[tokio::test]
async fn pages_may_read_media_as_configured() {
    const ALL: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    const READ: &str = "GET, HEAD, OPTIONS";
    const PAGE: &str = "https://ha.example";
    let media = "/api/stream.m3u8?src=a";
    for (configuration, path, allowed, methods, vary) in [
        ("", media, None, None, None),
        ("", "/api", None, None, None),
        ("api: {media_origin: '*'}", media, Some("*"), Some(READ), None),
        ("api: {media_origin: '*'}", "/api", None, None, None),
        ("api: {media_origin: 'https://ha.example'}", media, Some(PAGE), Some(READ), Some("Origin")),
        ("api: {media_origin: 'https://ha.example'}", "/api", None, None, None),
        ("api: {media_origin: 'https://other.example'}", media, None, None, Some("Origin")),
        ("api: {origin: 'https://ha.example', media_origin: '*'}", media, Some("*"), Some(ALL), None),
        ("api: {origin: 'https://ha.example'}", media, Some(PAGE), Some(ALL), Some("Origin")),
        ("api: {origin: '*'}", "/api", Some("*"), Some(ALL), None),
    ] {
        let seen = cors(&app(configuration), PAGE, path).await;
        let expected = [allowed, methods, vary].map(|text| text.map(str::to_owned));
        assert_eq!(seen, expected, "{configuration} {path}");
    }
}

#[tokio::test]
async fn the_program_tells_its_version_in_go2rtcs_words() {
    let (status, body) = get(&app(""), "/api").await;
    assert_eq!(status, StatusCode::OK);
    let version = super::API_VERSION;
    let revision = super::REVISION.unwrap_or_default();
    let expected = format!(
        r#"{{"host":"127.0.0.1:1984","revision":"{revision}","rtsp":{{"default_query":"video&audio","listen":""}},"version":"{version}","webrtc":{{"listen":""}}}}"#
    );
    assert_eq!(body, expected + "\n");
    assert!(version.starts_with("1.9.14+yeoul."));
    assert_eq!(
        get(&app(""), "/api/schemes").await.1,
        r#"["echo","exec","ffmpeg","file","http","https","httpx","onvif","rtmp","rtmps","rtmpx","rtsp","rtsps","rtspx","srt","tcp","udp","webrtc"]"#.to_owned() + "\n"
    );
}

#[tokio::test]
async fn idle_streams_have_their_masked_urls() {
    let app = app("streams: {cam: ['rtsp://u:canary@192.0.2.1/a', 'ffmpeg:cam#audio=opus'], empty: }");
    let (_, body) = get(&app, "/api/streams").await;
    assert!(!body.contains("canary"), "{body}");
    let all: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(all["cam"]["state"], "idle");
    assert_eq!(all["cam"]["producers"].as_array().map(Vec::len), Some(2));
    assert!(all["cam"]["producers"][0]["url"].is_string(), "go2rtc's client takes no list without it");
    assert_eq!(all["empty"]["producers"], Value::Array(Vec::new()));
    assert_eq!(
        get(&app, "/api/streams?src=nobody").await,
        (StatusCode::NOT_FOUND, "stream not found\n".to_owned())
    );
}

#[tokio::test]
async fn a_live_stream_is_told_with_its_tracks_and_consumers() {
    let app = app("streams: {cam: }");
    let stream = app.streams.get("cam").expect("a stream");
    let units = [yeoul_testkit::h264::sps(1280, 720), yeoul_testkit::h264::pps()].map(Bytes::from);
    let video = Codec::H264(h264::ParameterSets::from_units(units).ok());
    let sound = Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 });
    let label = Label {
        protocol: "rtsp+tcp".to_owned(),
        remote: "192.0.2.7:554".to_owned(),
        user_agent: Some("encoder".to_owned()),
        url: Some("rtsp://u:canary@h/cam".to_owned()),
    };
    let _producer = stream.publish(label, vec![video, sound]);
    let mut joining = stream
        .join(vec![Want::any(Kind::Video)], Label { protocol: "webrtc+udp".to_owned(), ..Label::default() });
    let _consumer = joining.ready().await.expect("a consumer");
    let (status, body) = get(&app, "/api/streams?src=cam&video=all&audio=all&microphone").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.starts_with("{\n  \""), "one stream is written for people: {body}");
    assert!(!body.contains("canary"));
    let stream: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(stream["state"], "live");
    assert_eq!(stream["tracks"][0]["width"], 1280);
    assert_eq!(stream["tracks"][1]["codec"], "PCMA");
    assert_eq!(stream["producers"][0]["medias"][1], "audio, recvonly, PCMA/8000");
    assert_eq!(stream["producers"][0]["receivers"][0]["codec"]["codec_name"], "h264");
    assert_eq!(stream["consumers"][0]["format_name"], "webrtc");
    assert_eq!(stream["consumers"].as_array().map(Vec::len), Some(2), "the probe itself is one");
    let (status, body) = get(&app, "/api/streams?src=cam&video=h265").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("H264") && body.contains("H265"), "{body}");
}

#[tokio::test]
async fn exit_and_restart_end_the_program() {
    let ended = async |method: Method, path: &str| {
        let app = app("");
        let (status, ..) = call(&app, CALLER, &method, path, "").await;
        (status, app.ended_by())
    };
    assert_eq!(ended(Method::POST, "/api/exit?code=7").await, (StatusCode::OK, Some(End::Exit(7))));
    assert_eq!(ended(Method::POST, "/api/exit").await, (StatusCode::OK, Some(End::Exit(0))));
    assert_eq!(ended(Method::POST, "/api/exit?code=126").await, (StatusCode::BAD_REQUEST, None));
    assert_eq!(ended(Method::POST, "/api/restart").await, (StatusCode::OK, Some(End::Restart)));
    assert_eq!(ended(Method::GET, "/api/exit").await, (StatusCode::METHOD_NOT_ALLOWED, None));
}

#[tokio::test]
async fn what_does_not_exist_is_said() {
    let app = app("");
    let (status, body, headers) = call(&app, CALLER, &Method::PUT, "/api/schemes", "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        headers.get(header::ALLOW).map(|allow| allow.to_str().expect("text")),
        Some("GET,HEAD"),
        "{body}"
    );
    assert_eq!(get(&app, "/api/nothing").await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&app, "/api/ffmpeg?dst=a").await.0, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(get(&app, "/assets/nothing.js").await.0, StatusCode::NOT_FOUND);
    let (status, _, headers) = call(&app, CALLER, &Method::GET, "/webrtc.html?src=a%20b", "").await;
    assert_eq!(status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(headers[header::LOCATION], "./?src=a%20b");
}

#[tokio::test]
async fn the_page_comes_with_a_policy_and_a_tag() {
    let app = app("");
    let (status, body, headers) = call(&app, CALLER, &Method::GET, "/", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("<!doctype html>") || body.contains("<!DOCTYPE html>"), "{body}");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let (status, body, _) = call(&app, CALLER, &Method::HEAD, "/", "").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    // Absent only where the program was built without the page.
    if let Some(etag) = headers.get(header::ETAG) {
        let request = Request::get("/").header(header::HOST, "a").header(header::IF_NONE_MATCH, etag);
        let request = request.body(Body::empty()).expect("a request");
        let peer = Peer::Unix;
        assert_eq!(Door::new(&app).answer(peer, request).await.status(), StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn everything_lies_below_the_base_path() {
    let app = app("api: {base_path: /cams}");
    assert_eq!(get(&app, "/cams/api").await.0, StatusCode::OK);
    assert_eq!(get(&app, "/cams/").await.0, StatusCode::OK);
    // Who asks a camera by ONVIF knows nothing of a base.
    let (status, ..) = call(&app, CALLER, &Method::POST, "/onvif/device_service", "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for path in ["/", "/api", "/camsx/api", "/cams/../api"] {
        assert_eq!(get(&app, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let (status, _, headers) = call(&app, CALLER, &Method::GET, "/cams?src=a", "").await;
    assert_eq!(
        (status, headers[header::LOCATION].to_str().expect("text")),
        (StatusCode::PERMANENT_REDIRECT, "/cams/?src=a")
    );
}

#[tokio::test]
async fn only_allowed_paths_exist() {
    let app = app("api: {allow_paths: [/api]}");
    assert_eq!(get(&app, "/api").await.0, StatusCode::OK);
    for path in ["/", "/api/streams", "/api/ws"] {
        assert_eq!(get(&app, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_server_answers_and_ends() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let socket = std::env::temp_dir().join(format!("yeoul-test-{}.sock", std::process::id()));
    let text = format!(
        "api: {{listen: '127.0.0.1:0', unix_listen: {}}}\nrtsp: {{listen: ''}}\nwebrtc: {{listen: ''}}\n",
        socket.display()
    );
    let (config, _) = Config::parse(&[Layer::file("t", &text)], &|_| None).expect("a right configuration");
    let server = Server::start(config).expect("a server");
    let mut tcp = tokio::net::TcpStream::connect(server.api().expect("an address")).await.expect("connected");
    let mut unix = tokio::net::UnixStream::connect(&socket).await.expect("connected");
    let request = b"GET /api/schemes HTTP/1.1\r\nHost: localhost\r\n\r\n";
    tcp.write_all(request).await.expect("sent");
    unix.write_all(request).await.expect("sent");
    let mut answer = [0; 15];
    tcp.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    unix.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // Both connections are idle now, and must not hold up the end.
    let began = std::time::Instant::now();
    server.stop().await;
    assert!(began.elapsed() < crate::limits::SHUTDOWN_WAIT, "idle connections were waited for");
    let mut rest = Vec::new();
    tcp.read_to_end(&mut rest).await.expect("closed");
    let _ = std::fs::remove_file(socket);
}
