//! `yeoul load`: viewers of each kind get what ffmpeg publishes.

use crate::harness::{SECOND, Tool, Yeoul, clip, run, wait_until};
use std::path::PathBuf;

/// A server whose stream `cam` ffmpeg publishes: 1080p25 at 4 Mbit/s.
struct Published {
    server: Yeoul,
    _camera: Tool,
}

fn published() -> Published {
    let server = Yeoul::start(
        "streams: {cam: }\nwebrtc: {listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}\n",
    );
    let url = server.rtsp("cam");
    let mut arguments = vec!["-v", "error", "-re", "-stream_loop", "-1", "-i"];
    let file = timed_clip();
    arguments.extend([
        file.to_str().expect("a path"),
        "-c",
        "copy",
        "-f",
        "rtsp",
        "-rtsp_transport",
        "tcp",
        &url,
    ]);
    let camera = Tool::start("ffmpeg", &arguments);
    wait_until("the published stream", SECOND * 20, || server.log().contains("published by"));
    Published { server, _camera: camera }
}

/// The clip in a container: an elementary stream has no times for `-stream_loop` to go on from.
fn timed_clip() -> PathBuf {
    let file = std::env::temp_dir().join(format!("yeoul-e2e-load-{}.mp4", std::process::id()));
    if !file.exists() {
        let to = file.to_str().expect("a path");
        let source = clip("1080p25-gop2");
        let arguments = ["-v", "error", "-y", "-framerate", "25", "-i", &source, "-c", "copy", to];
        let made = run("ffmpeg", &arguments, SECOND * 60);
        assert!(made.status.success(), "{}", made.stderr);
    }
    file
}

/// Runs a load of five viewers for two seconds; gives its report.
fn load(arguments: &[&str]) -> serde_json::Value {
    load_for("2", arguments)
}

fn load_for(seconds: &str, arguments: &[&str]) -> serde_json::Value {
    let all =
        [&["load"], arguments, &["--viewers", "5", "--seconds", seconds, "--warmup", "0", "--json"]].concat();
    let output = run(env!("CARGO_BIN_EXE_yeoul"), &all, SECOND * 60);
    assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
    serde_json::from_str(&output.stdout).expect("a report in JSON")
}

/// Five viewers of a camera of 25 pictures and 4 Mbit in a second: what comes in two seconds is known to a few pictures.
fn check(report: &serde_json::Value, kind: &str) {
    assert_eq!(report["kind"], kind);
    assert_eq!(
        report["viewers"],
        serde_json::json!({"wanted": 5, "playing": 5, "failed": 0, "reasons": []}),
        "{report}"
    );
    let rate = report["mbit_s"].as_f64().expect("a rate");
    assert!((10.0..60.0).contains(&rate), "about 20 Mbit/s: {report}");
    assert!(report["first_media_ms"]["p50"].as_f64().is_some_and(|ms| ms > 0.0), "{report}");
}

/// What holds where packets and frames can be counted.
fn check_packets(report: &serde_json::Value) {
    assert_eq!(report["lost"], 0, "{report}");
    assert!(report["packets"].as_u64().is_some_and(|packets| packets > 1000), "{report}");
    let rate = report["frames_s_viewer"].as_f64().expect("a rate");
    assert!((20.0..40.0).contains(&rate), "25 pictures a second: {report}");
    assert!(report["first_keyframe_ms"]["max"].as_f64().is_some_and(|ms| ms < 10_000.0), "{report}");
}

#[test]
fn rtsp_over_tcp() {
    let published = published();
    let pid = published.server.pid().to_string();
    let report = load(&[&published.server.rtsp("cam"), "--pid", &pid]);
    check(&report, "rtsp");
    check_packets(&report);
    let server = &report["server"];
    assert!(server["rss_kib"].as_u64().is_some_and(|kib| kib > 1000), "{report}");
    assert!(server["cpu_s"].as_f64().is_some_and(|seconds| seconds < 2.0), "{report}");
}

#[test]
fn rtsp_over_udp() {
    let published = published();
    let report = load(&[&published.server.rtsp("cam"), "--kind", "rtsp-udp"]);
    check(&report, "rtsp-udp");
    check_packets(&report);
}

#[test]
fn whep_and_its_goodbye() {
    let published = published();
    for path in ["cam/whep", "api/webrtc?src=cam"] {
        let report = load(&[&published.server.http(path)]);
        check(&report, "whep");
        check_packets(&report);
    }
    wait_until("the end of the viewers", SECOND * 5, || {
        let streams = published.server.get("/api/streams?src=cam");
        !streams.contains("webrtc")
    });
}

#[test]
fn hls_of_both_latencies() {
    let published = published();
    for path in ["cam/index.m3u8", "cam/hls/index.m3u8"] {
        let report = load_for("5", &[&published.server.http(path)]);
        check(&report, "hls");
        assert!(report["requests"].as_u64().is_some_and(|requests| requests >= 10), "{report}");
        assert_eq!(report["stalls"], 0, "{report}");
    }
}

#[test]
fn an_endless_body() {
    let published = published();
    check(&load(&[&published.server.http("api/stream.mp4?src=cam")]), "http");
}

#[test]
fn a_camera_of_a_load_has_the_time_in_its_pictures() {
    let source = clip("1080p25-gop2");
    let [port] = crate::harness::free_ports();
    let listen = format!("127.0.0.1:{port}");
    let yeoul = env!("CARGO_BIN_EXE_yeoul");
    let camera = Tool::start(yeoul, &["load", "camera", &source, "--listen", &listen, "--seconds", "60"]);
    wait_until("the camera", SECOND * 10, || camera.said().contains("camera: 250 pictures"));
    let server = Yeoul::start(&format!("streams: {{cam: 'rtsp://{listen}/any'}}"));
    let report = load(&[&server.rtsp("cam")]);
    check(&report, "rtsp");
    let latency = &report["added_latency_ms"];
    assert!(latency["frames"].as_u64().is_some_and(|frames| frames > 100), "{report}");
    assert!(latency["p50"].as_f64().is_some_and(|ms| ms > 0.0 && ms < 1000.0), "{report}");
}

#[test]
fn an_interrupted_load_tells_what_it_saw() {
    let published = published();
    let url = published.server.rtsp("cam");
    let load = ["load", &url, "--viewers", "5", "--warmup", "0", "--seconds", "3600", "--json"];
    let signalled = ["--preserve-status", "--signal=INT", "5", env!("CARGO_BIN_EXE_yeoul")];
    let output = run("timeout", &[&signalled[..], &load].concat(), SECOND * 30);
    assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).expect("a report in JSON");
    assert_eq!(report["interrupted"], true);
    check(&report, "rtsp");
    check_packets(&report);
}

#[test]
fn viewers_that_fail_are_told_with_the_reason() {
    let server = Yeoul::start("streams: {cam: 'rtsp://127.0.0.1:1/none'}");
    let arguments = ["load", &server.http("nope/whep"), "-n", "2", "--seconds", "1", "--warmup", "0"];
    let output = run(env!("CARGO_BIN_EXE_yeoul"), &arguments, SECOND * 30);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.contains("0 of 2 playing, 2 failed"), "{}", output.stdout);
    assert!(output.stdout.contains("404 Not Found: stream not found: nope"), "{}", output.stdout);
}
