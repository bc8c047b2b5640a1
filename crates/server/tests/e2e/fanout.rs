//! Many viewers of one camera: those who come at once and those who take nothing do no harm to those who watch.
#![expect(clippy::print_stdout, reason = "figures, told and not asserted")]

use crate::harness::{SECOND, Tool, Yeoul, clip, free_ports, wait_until};
use crate::rtsp::Idle;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::{Child, Command, Stdio};

/// A server with a camera of 720p25, watched by one viewer from the beginning.
struct Watched {
    server: Yeoul,
    _camera: Tool,
}

fn watched() -> Watched {
    let source = clip("720p25-gop2");
    let [port] = free_ports();
    let listen = format!("127.0.0.1:{port}");
    let yeoul = env!("CARGO_BIN_EXE_yeoul");
    let camera = Tool::start(yeoul, &["load", "camera", &source, "--listen", &listen, "--seconds", "120"]);
    wait_until("the camera", SECOND * 10, || camera.said().contains("camera: "));
    let server = Yeoul::start(&format!(
        "streams: {{cam: 'rtsp://{listen}/cam'}}\npreload: {{cam: }}\n\
         webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}\n"
    ));
    wait_until("the picture", SECOND * 20, || server.log().contains("cam: preloaded"));
    Watched { server, _camera: camera }
}

/// Viewers in a process of their own.
struct Viewers(Child);

impl Viewers {
    fn start(arguments: &[&str]) -> Self {
        let mut load = Command::new(env!("CARGO_BIN_EXE_yeoul"));
        load.arg("load").args(arguments).arg("--json").stdout(Stdio::piped());
        Self(load.spawn().expect("started"))
    }

    fn report(self) -> serde_json::Value {
        let output = self.0.wait_with_output().expect("its output");
        serde_json::from_slice(&output.stdout).expect("a report in JSON")
    }
}

/// Every viewer has had every picture.
fn check_unharmed(report: &serde_json::Value, viewers: u64) {
    println!("those who watch: {report}");
    assert_eq!(report["viewers"]["playing"], viewers, "{report}");
    assert_eq!(report["lost"], 0, "{report}");
    assert_eq!(report["stalls"], 0, "{report}");
    let rate = report["frames_s_viewer"].as_f64().expect("a rate");
    assert!((24.5..25.5).contains(&rate), "25 pictures a second: {report}");
}

#[test]
fn two_hundred_that_join_in_one_second_harm_nobody() {
    let Watched { server, _camera } = watched();
    let url = server.http("cam/whep");
    let watching =
        Viewers::start(&[&url, "--viewers", "20", "--ramp", "20", "--warmup", "1", "--seconds", "12"]);
    wait_until("the first viewers", SECOND * 20, || server.log().matches("is connected").count() >= 20);
    let storm =
        Viewers::start(&[&url, "--viewers", "200", "--ramp", "200", "--warmup", "1", "--seconds", "2"]);
    let storm = storm.report();
    println!("the storm: {storm}");
    assert_eq!(storm["viewers"]["playing"], 200, "{storm}");
    // What it takes on a quiet machine stands in docs/performance.md; this is far above.
    assert!(storm["first_media_ms"]["max"].as_f64().is_some_and(|ms| ms < 10_000.0), "{storm}");
    check_unharmed(&watching.report(), 20);
}

#[test]
fn a_thousand_that_take_nothing_harm_nobody() {
    // A thousand sockets here.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("open files");
    let Watched { server, _camera } = watched();
    let url = server.rtsp("cam");
    let watching = Viewers::start(&[&url, "--viewers", "50", "--warmup", "1", "--seconds", "25"]);
    // What the stream keeps, some seconds, is not to be counted.
    let full = std::time::Instant::now() + SECOND * 8;
    wait_until("the stream has all it keeps", SECOND * 20, || std::time::Instant::now() > full);
    let before = server.memory_kib();
    let idle: Vec<Idle> = (0..1000).map(|_| Idle::start(&server)).collect();
    let mut most = before;
    wait_until("those who take nothing are ended", SECOND * 60, || {
        most = most.max(server.memory_kib());
        server.log().matches("has taken nothing for too long").count() == idle.len()
    });
    println!("memory: {before} KiB before, {most} KiB at most");
    assert!(most < before + (64 << 10), "{before} KiB before, {most} KiB at most");
    check_unharmed(&watching.report(), 50);
}
