//! Streams that callers of the API add, replace, publish and take away.

use crate::harness::{Camera, Output, SECOND, Tool, Yeoul, clip, decode, run, wait_until};
use crate::rtmp::Nginx;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Cameras of the tests are on this machine, where callers may not lead us unless the configuration says so.
const OPEN: &str = "api: {listen: '127.0.0.1:API_PORT', source_networks: [127.0.0.0/8]}\n";

fn camera() -> Camera {
    Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"])
}

fn ask(yeoul: &Yeoul, method: &str, query: &[(&str, &str)]) -> (u16, String) {
    let query: Vec<String> = query
        .iter()
        .map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    let (status, _, body) = yeoul.ask(method, &format!("api/streams?{}", query.join("&")), "");
    (status, String::from_utf8(body).expect("text"))
}

fn fine() -> (u16, String) {
    (200, String::new())
}

#[test]
fn a_stream_is_added_as_home_assistant_does_and_taken_away() {
    let camera = camera();
    let yeoul = Yeoul::start(&format!("# mine\nstreams:\n  other: # of the garden\n{OPEN}"));
    let sound = "ffmpeg:camera_1#audio=opus#query=log_level=debug";
    let add = [("name", "camera_1"), ("src", camera.url()), ("src", sound)];
    assert_eq!(ask(&yeoul, "PUT", &add), fine());
    let streams: serde_json::Value = serde_json::from_str(&yeoul.get("/api/streams")).expect("JSON");
    let urls = |at: usize| streams["camera_1"]["producers"][at]["url"].as_str().expect("a URL");
    assert_eq!([urls(0), urls(1)], [camera.url(), sound], "it looks for what it has given");
    assert!(
        yeoul.file().starts_with("# mine\nstreams:\n  other: # of the garden\n  \"camera_1\": "),
        "{}",
        yeoul.file()
    );
    let (pictures, _) = decode(&yeoul.rtsp("camera_1?video"), 3);
    assert!((69..=79).contains(&pictures), "{pictures} pictures");
    let seen = run(
        "ffprobe",
        &["-v", "error", "-show_entries", "stream=codec_name", &yeoul.rtsp("camera_1?audio=opus")],
        SECOND * 40,
    );
    assert!(seen.stdout.contains("codec_name=opus"), "{}{}", seen.stdout, seen.stderr);

    let url = yeoul.rtsp("camera_1?video");
    let reader = Tool::start("ffmpeg", &["-v", "info", "-i", &url, "-f", "null", "-"]);
    wait_until("it reads", SECOND * 30, || reader.said().contains("Output #0"));
    assert_eq!(ask(&yeoul, "DELETE", &[("src", "camera_1")]), fine());
    wait_until("its reader has ended in good order", SECOND * 20, || {
        reader.said().contains("muxing overhead")
    });
    assert_eq!(ask(&yeoul, "DELETE", &[("src", "camera_1")]).0, 404);
    assert_eq!(yeoul.get("/api/streams?src=camera_1"), "stream not found\n");
    assert!(
        !yeoul.file().contains("camera_1") && yeoul.file().contains("# of the garden"),
        "{}",
        yeoul.file()
    );
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn what_a_caller_gives_leads_nowhere_near_not_after_the_next_start_either() {
    let camera = camera();
    let listen = "api: {listen: '127.0.0.1:API_PORT'}\n";
    let yeoul = Yeoul::start(listen);
    assert_eq!(ask(&yeoul, "PUT", &[("name", "cam"), ("src", camera.url())]), fine());
    let refused = |yeoul: &Yeoul| {
        let (status, text) = ask(yeoul, "GET", &[("src", "cam"), ("video", "")]);
        assert_eq!(status, 500, "{text}");
        assert!(text.contains("is at 127.0.0.1, an address of this machine's own surroundings"), "{text}");
    };
    refused(&yeoul);
    let file = yeoul.file();
    let kept: Vec<&str> = file.lines().skip_while(|line| !line.starts_with("streams:")).collect();
    assert_eq!(kept.len(), 2, "{file}");
    let kept = format!("{}\n{listen}", kept.join("\n"));
    drop(yeoul);
    let again = Yeoul::start(&kept);
    refused(&again);
    let target = format!("rtsp://127.0.0.1:{}/other", again.rtsp_port());
    assert_eq!(ask(&again, "POST", &[("src", "cam"), ("dst", &target)]).0, 500);
    // Who keeps the file says otherwise.
    drop(again);
    let allowed = Yeoul::start(&kept.replace(", from_api: true", ""));
    let (status, text) = ask(&allowed, "GET", &[("src", "cam"), ("video", "")]);
    assert_eq!(status, 200, "{text}");
}

#[test]
fn a_stream_is_published_when_a_caller_says_so() {
    let (nginx, camera) = (Nginx::start(), camera());
    let yeoul = Yeoul::start(&format!("streams: {{cam: '{}', other: , in: }}\n{OPEN}", camera.url()));
    assert_eq!(ask(&yeoul, "POST", &[("src", "cam"), ("dst", &nginx.url("once"))]), fine());
    assert_eq!(yeoul.publishes("cam"), ["live"]);
    let (pictures, _) = decode(&nginx.url("once"), 3);
    assert!((66..=80).contains(&pictures), "{pictures} pictures");
    assert_eq!(ask(&yeoul, "POST", &[("src", "cam"), ("dst", &yeoul.rtsp("in"))]), fine());
    decode(&yeoul.rtsp("in"), 1);
    let (status, text) = ask(&yeoul, "POST", &[("src", "cam"), ("dst", &yeoul.rtsp("nobody"))]);
    assert!(status == 500 && text.contains("404 Not Found"), "{status} {text}");
    let (status, text) = ask(&yeoul, "POST", &[("src", "file.mp3"), ("dst", "cam")]);
    assert_eq!((status, text.as_str()), (501, "playing to a camera's loudspeaker is not supported yet\n"));
    drop(nginx);
    wait_until("it is gone with its server", SECOND * 20, || yeoul.publishes("cam") == ["live"]);
    assert!(yeoul.end() < SECOND * 2);
}

#[test]
fn a_replaced_stream_goes_on_from_its_new_source() {
    let (first, second) = (camera(), camera());
    let yeoul =
        Yeoul::start(&format!("streams: {{cam: '{}'}}\npreload: {{cam: video}}\n{OPEN}", first.url()));
    let is_live = || yeoul.get("/api/streams?src=cam").contains("\"state\": \"live\"");
    wait_until("live", SECOND * 30, is_live);
    assert_eq!(ask(&yeoul, "PATCH", &[("name", "cam"), ("src", second.url())]), fine());
    drop(first);
    wait_until("preloaded from the other one", SECOND * 30, || {
        is_live() && yeoul.get("/api/streams?src=cam").contains(second.url())
    });
    assert_eq!(ask(&yeoul, "PATCH", &[("name", "door"), ("src", "cam")]), fine());
    let Output { stdout, .. } = run(
        "ffprobe",
        &["-v", "error", "-show_entries", "stream=codec_name", &yeoul.rtsp("door?video")],
        SECOND * 40,
    );
    assert!(stdout.contains("codec_name=h264"), "{stdout}");
    assert!(!yeoul.file().contains("door"), "only until the program ends");
}
