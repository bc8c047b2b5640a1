//! WebRTC towards us and from us to other servers: publishers (WHIP), sources (WHEP, go2rtc's WebSocket) and targets (WHIP), with
//! aiortc at the other end, which nobody here wrote.

use crate::harness::{Camera, SECOND, Tool, Yeoul, decode, free_ports, script, wait_until};
use std::time::Duration;

/// What aiortc takes to begin, and to be connected, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// `scripts/webrtc-peer.py` with these arguments.
fn peer(arguments: &[&str]) -> Tool {
    let script = script("webrtc-peer.py").display().to_string();
    let all: Vec<&str> = [script.as_str()].into_iter().chain(arguments.iter().copied()).collect();
    Tool::start("/usr/bin/python3", &all)
}

/// As a server; gives its port.
fn server(what: &str) -> (Tool, u16) {
    let [port] = free_ports();
    let tool = peer(&[what, &port.to_string()]);
    wait_until("aiortc listens", PATIENCE, || tool.said().contains("\"ready\""));
    (tool, port)
}

/// Three seconds have nearly all their pictures, of 25 a second, and their sound, of 50 frames: aiortc's clock is that of a busy
/// machine.
fn check(url: &str) {
    let (pictures, sounds) = decode(url, 3);
    assert!((60..=80).contains(&pictures), "{url}: {pictures} pictures in 3 s of 25/s");
    assert!((120..=160).contains(&sounds), "{url}: {sounds} frames of sound in 3 s of 50/s");
}

fn published(yeoul: &Yeoul, times: usize) -> bool {
    yeoul.log().matches("in: published by").count() >= times
}

#[test]
fn a_publisher_is_seen_everywhere_and_may_come_again() {
    let yeoul = Yeoul::start("streams: {in: }\n");
    let first = peer(&["publish", &yeoul.http("in/whip")]);
    wait_until("published", PATIENCE, || published(&yeoul, 1));
    check(&yeoul.rtsp("in"));
    check(&yeoul.http("in/hls/index.m3u8"));
    assert!(first.said().contains("\"location\": \"/in/whip/"), "{}", first.said());
    let state = yeoul.get("/api/streams?src=in");
    assert!(
        state.contains("\"format_name\": \"webrtc\"") && state.contains("\"state\": \"live\""),
        "{state}"
    );
    // Killed: it says no goodbye, and its session is still there when it comes again.
    drop(first);
    let again = peer(&["publish", &yeoul.http("api/webrtc?dst=in")]);
    wait_until("published again", PATIENCE, || published(&yeoul, 2));
    check(&yeoul.rtsp("in"));
    drop(again);
    let vp8 = peer(&["publish", "--vp8", &yeoul.http("in/whip")]);
    wait_until("published in VP8", PATIENCE, || yeoul.log().contains(": VP8, OPUS"));
    check(&yeoul.rtsp("in"));
    drop(vp8);
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn a_publisher_that_is_not_let_in_is_told_why() {
    let yeoul = Yeoul::start(
        "streams: {in: }\napi: {listen: '127.0.0.1:API_PORT', username: u, password: secret, local_auth: true}\n",
    );
    let tool = peer(&["publish", &yeoul.http("in/whip")]);
    wait_until("refused", PATIENCE, || tool.said().contains("\"refused\""));
    assert!(tool.said().contains("a user name and a password are needed"), "{}", tool.said());
    let ask = |path: &str, authorization: &str, body: &str| {
        let headers = format!(
            "Content-Type: application/sdp\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, _, body) = yeoul.ask("POST", path, &headers);
        (status, String::from_utf8_lossy(&body).trim().to_owned())
    };
    // What OBS sends of its field for a bearer token.
    let offer = "v=0\r\na=group:BUNDLE 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        a=fingerprint:sha-256 AB:CD\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=sendonly\r\na=rtpmap:96 H261/90000\r\n";
    let (status, said) = ask("in/whip", "Bearer u:secret", offer);
    assert_eq!(status, 406);
    assert!(
        said.starts_with("no codec in common: the publisher has video as H261, this server takes"),
        "{said}"
    );
    assert_eq!(ask("in/whip", "Bearer u:wrong", offer).0, 401);
    let (status, said) = ask("in/whip", "Bearer u:secret", &offer.replace("sendonly", "recvonly"));
    assert_eq!(
        (status, said.as_str()),
        (400, "the offer brings nothing: no video or audio media sends (`a=sendonly` or `a=sendrecv`)")
    );
    assert_eq!(ask("in/whip", "Bearer u:secret", "hello").0, 400);
    assert_eq!(ask("other/whip", "Bearer u:secret", offer).0, 404);
}

#[test]
fn a_whep_server_is_a_source_and_may_redirect() {
    let (tool, port) = server("whep");
    let yeoul = Yeoul::start(&format!("streams: {{cam: 'webrtc:http://127.0.0.1:{port}/moved'}}\n"));
    check(&yeoul.rtsp("cam"));
    assert!(
        yeoul.log().contains(&format!("cam: live from webrtc:http://127.0.0.1:{port}/moved")),
        "{}",
        yeoul.log()
    );
    // Nobody watches any longer.
    wait_until("the session is deleted", PATIENCE, || tool.said().contains("\"deleted\""));
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn a_go2rtc_is_a_source_by_its_websocket() {
    let (_tool, port) = server("go2rtc");
    let yeoul = Yeoul::start(&format!(
        "streams:\n  cam: 'webrtc:ws://127.0.0.1:{port}/api/ws?src=cam'\n  other: 'webrtc:ws://127.0.0.1:{port}/api/ws?src=x'\n"
    ));
    check(&yeoul.rtsp("cam"));
    let frame = yeoul.ask("GET", "api/frame.jpeg?src=other", "");
    assert_ne!(frame.0, 200);
    assert!(yeoul.log().contains("refuses: webrtc/offer: stream not found"), "{}", yeoul.log());
}

#[test]
fn a_stream_is_published_to_another_server() {
    let camera = Camera::start(&["--size", "640x360", "--bitrate", "500", "--audio", "opus"]);
    let other = Yeoul::start(
        "streams: {in: }\napi: {listen: '127.0.0.1:API_PORT', username: u, password: secret, local_auth: true}\n",
    );
    let target = format!("whip:http://u:secret@127.0.0.1:{}/in/whip", other.api_port());
    let yeoul =
        Yeoul::start(&format!("streams: {{cam: '{}'}}\npublish: {{cam: '{target}'}}\n", camera.url()));
    wait_until("published", PATIENCE, || published(&other, 1));
    check(&other.rtsp("in"));
    let state: serde_json::Value = serde_json::from_str(&yeoul.get("/api/streams?src=cam")).expect("JSON");
    assert_eq!(state["publish"][0]["state"], "live", "{state}");
    for log in [yeoul.log(), other.log()] {
        assert!(!log.contains("secret"), "{log}");
    }
    assert!(yeoul.end() < SECOND * 4);
    wait_until("it has left", PATIENCE, || other.log().contains("is gone"));
}

#[test]
fn a_stream_is_published_to_aiortc_with_a_token_and_again_when_that_comes_back() {
    let camera = Camera::start(&["--size", "640x360", "--bitrate", "500", "--audio", "opus"]);
    let (tool, port) = server("whip");
    let target = format!("whip:http://127.0.0.1:{port}/whip#header=Authorization: Bearer abc-token");
    let yeoul =
        Yeoul::start(&format!("streams: {{cam: '{}'}}\npublish: {{cam: '{target}'}}\n", camera.url()));
    let sees = |tool: &Tool| {
        let counts = tool
            .said()
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .next_back();
        counts.is_some_and(|counts| {
            counts["video"].as_u64() >= Some(50) && counts["audio"].as_u64() >= Some(50)
        })
    };
    wait_until("pictures and sounds are decoded", PATIENCE, || sees(&tool));
    assert!(tool.said().contains("\"authorization\": \"Bearer abc-token\""), "{}", tool.said());
    drop(tool);
    let again = peer(&["whip", &port.to_string()]);
    wait_until("they are decoded again", PATIENCE, || sees(&again));
    assert!(!yeoul.log().contains("abc-token"), "{}", yeoul.log());
}
