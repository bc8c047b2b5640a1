//! HLS: ffmpeg, ffprobe and GStreamer read every form, and a strict reader follows the playlists.

use crate::harness::{Camera, Output, SECOND, Tool, Yeoul, clip, run, wait_until};
use std::collections::BTreeMap;
use std::time::Instant;
use yeoul_testkit::hls::{Checker, MediaPlaylist, check_multivariant};

/// Seconds that players read; `HLS_SECONDS=30` makes them as long as what is promised.
fn seconds() -> u32 {
    std::env::var("HLS_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(6)
}

const FORMS: [&str; 5] = [
    "cam/index.m3u8",
    "cam/hls/index.m3u8",
    "cam/ts/index.m3u8",
    "api/stream.m3u8?src=cam",
    "api/stream.m3u8?src=cam&mp4",
];

fn camera() -> Camera {
    Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"])
}

fn server(camera: &Camera) -> Yeoul {
    Yeoul::start(&format!("streams: {{cam: '{}'}}", camera.url()))
}

/// Decoding times in seconds of the packets of each stream.
fn packets(csv: &str) -> BTreeMap<String, Vec<f64>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in csv.lines() {
        let mut fields = line.split(',');
        if let (Some(kind), Some(dts)) = (fields.next(), fields.next()) {
            found.entry(kind.to_owned()).or_default().push(dts.parse().expect("a time"));
        }
    }
    found
}

#[test]
fn ffmpeg_copies_every_form_without_an_error_line() {
    let camera = camera();
    let yeoul = server(&camera);
    for path in FORMS {
        let seconds = seconds();
        let file = std::env::temp_dir().join(format!("yeoul-hls-{}.mkv", std::process::id()));
        let file = file.to_str().expect("a path");
        let copy =
            ["-v", "error", "-y", "-i", &yeoul.http(path), "-t", &seconds.to_string(), "-c", "copy", file];
        let Output { stderr, status, .. } = run("ffmpeg", &copy, SECOND * (60 + seconds));
        assert_eq!(stderr, "", "{path}");
        assert!(status.success());
        let probe = ["-v", "error", "-show_entries", "packet=codec_type,dts_time", "-of", "csv=p=0", file];
        let Output { stdout, stderr, .. } = run("ffprobe", &probe, SECOND * 20);
        assert_eq!(stderr, "", "{path}");
        let packets = packets(&stdout);
        for (kind, step) in [("video", 0.04), ("audio", 1024.0 / 48_000.0)] {
            let times = packets.get(kind).unwrap_or_else(|| panic!("{path} has no {kind}"));
            let expected = f64::from(seconds) / step;
            let count = f64::from(u32::try_from(times.len()).expect("few"));
            assert!((count - expected).abs() < 0.1 * expected + 5.0, "{path}: {count} packets of {kind}");
            let worst = times.windows(2).map(|two| (two[1] - two[0] - step).abs()).fold(0.0, f64::max);
            assert!(worst < 0.03, "{path}: {kind} is {worst} s off its step");
        }
        let _ = std::fs::remove_file(file);
    }
}

#[test]
fn gstreamer_reads_every_form_without_an_error_line() {
    let camera = camera();
    let yeoul = server(&camera);
    // A playlist of a camera that has only just begun has gaps in front, which hlsdemux2 of GStreamer 1.22 does not know: somebody
    // watches it already.
    let url = yeoul.rtsp("cam");
    let watching = ["-v", "error", "-rtsp_transport", "tcp", "-i", &url, "-map", "0:v", "-c", "copy"];
    let watcher = Tool::start("ffmpeg", &[&watching[..], &["-f", "framecrc", "-"]].concat());
    wait_until("eight seconds of pictures", SECOND * 40, || watcher.said().lines().count() > 25 * 8);
    for path in FORMS {
        for element in ["hlsdemux", "hlsdemux2"] {
            let seconds = seconds();
            let uri = yeoul.http(path);
            // As a player does it, but nothing is decoded; the messages tell of errors, and of pictures that came.
            let arguments = ["-c", GSTREAMER, &uri, element, &seconds.to_string()];
            let Output { stdout, stderr, status } =
                run("/usr/bin/python3", &arguments, SECOND * (60 + seconds));
            assert!(status.success(), "{path} by {element}:\n{stdout}{stderr}");
            assert_eq!(stderr, "", "{path} by {element}");
        }
    }
}

/// Plays a URI by one of GStreamer's two demuxers for some seconds without decoding, at the pace of the clock: two tracks have to
/// come, at least three quarters as long as it was watched, and no error.
const GSTREAMER: &str = r#"
import sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst
uri, element, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
Gst.init(None)
registry = Gst.Registry.get()
other = "hlsdemux" if element == "hlsdemux2" else "hlsdemux2"
registry.lookup_feature(other).set_rank(Gst.Rank.NONE)
registry.lookup_feature(element).set_rank(Gst.Rank.PRIMARY + 100)
pipeline = Gst.Pipeline()
if element == "hlsdemux2":
    source = Gst.ElementFactory.make("urisourcebin")
    source.set_property("parse-streams", True)
else:
    # The older demuxer works in the older bin only. It stops at what no decoder has touched.
    source = Gst.ElementFactory.make("uridecodebin")
    source.set_property("caps", Gst.Caps.from_string("video/x-h264; audio/mpeg"))
source.set_property("uri", uri)
pipeline.add(source)
spans, used = {}, set()

def seen(pad, info, name):
    buffer = info.get_buffer()
    if buffer.pts != Gst.CLOCK_TIME_NONE:
        first, _ = spans.get(name, (buffer.pts, 0))
        spans[name] = (first, buffer.pts)
    return Gst.PadProbeReturn.OK

def added(_source, pad):
    sink = Gst.ElementFactory.make("fakesink")
    # The older one hands on times of fragmented MP4 that its own segment does not know.
    sink.set_property("sync", element == "hlsdemux2")
    # As in a player: one thread of the demuxer serves all pads, and the first sink waits for the others.
    queue = Gst.ElementFactory.make("queue")
    pipeline.add(queue)
    pipeline.add(sink)
    queue.link(sink)
    pad.add_probe(Gst.PadProbeType.BUFFER, seen, pad.get_name())
    pad.link(queue.get_static_pad("sink"))
    sink.sync_state_with_parent()
    queue.sync_state_with_parent()

source.connect("pad-added", added)
pipeline.connect("deep-element-added", lambda _p, _bin, child: used.add(child.get_factory().get_name()))
bus = pipeline.get_bus()
pipeline.set_state(Gst.State.PLAYING)
end = GLib.get_monotonic_time() + (seconds + 20) * 1_000_000
long_enough = lambda: len(spans) >= 2 and all(b - a >= 0.75 * seconds * Gst.SECOND for a, b in spans.values())
while GLib.get_monotonic_time() < end and not long_enough():
    message = bus.timed_pop_filtered(100 * Gst.MSECOND, Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.EOS)
    if message:
        sys.exit(f"{message.type}: {message.get_structure().to_string()}")
if element not in used:
    sys.exit(f"{element} was not used, but {used}")
if not long_enough():
    sys.exit(f"not played for {seconds} s: { {name: (b - a) / Gst.SECOND for name, (a, b) in spans.items()} }")
sys.stdout.flush()
import os
os._exit(0)
"#;

/// Follows the media playlist of LL-HLS as a player does, by blocked reloads that take turns in asking for a delta update.
#[test]
fn a_strict_reader_follows_the_playlist_of_ll_hls() {
    let camera = camera();
    let yeoul = server(&camera);
    let text = body(&yeoul, "cam/index.m3u8");
    let (multivariant, findings) = check_multivariant(&text);
    assert_eq!(findings, [], "{text}");
    assert_eq!(multivariant.variants.len(), 1, "{text}");
    m3u8_rs::parse_master_playlist_res(text.as_bytes()).expect("m3u8-rs reads it");

    let mut checker = Checker::new();
    let began = Instant::now();
    let (mut msn, mut part) = (0, 0);
    while began.elapsed() < SECOND * (10 + seconds()) {
        let skip = checker.loads() % 2 == 1;
        let directives =
            format!("?_HLS_msn={msn}&_HLS_part={part}{}", if skip { "&_HLS_skip=YES" } else { "" });
        let directives = if checker.loads() == 0 { "" } else { &directives };
        let text = body(&yeoul, &format!("cam/ll/media.m3u8{directives}"));
        m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("m3u8-rs reads it");
        let is_delta = text.contains("#EXT-X-SKIP:");
        let findings = if is_delta { checker.load_delta(&text) } else { checker.load(&text) };
        // `EXT-X-START` near the end is on purpose: docs/design/06-hls.md.
        let wrong: Vec<_> = findings.iter().filter(|finding| finding.must).collect();
        assert!(wrong.is_empty(), "{directives}: {wrong:?}\n{text}");
        let last = checker.playlist().and_then(MediaPlaylist::last).expect("a part");
        assert!(
            last.0 > msn || checker.loads() == 1 || last.1 > part,
            "{directives} was waited for:\n{text}"
        );
        (msn, part) = last;
    }
    assert!(checker.loads() > 30, "{} loads", checker.loads());
}

#[test]
fn classic_playlists_are_right_too() {
    let camera = camera();
    let yeoul = server(&camera);
    for path in ["cam/hls/index.m3u8", "cam/ts/index.m3u8"] {
        let mut checker = Checker::new();
        let began = Instant::now();
        while began.elapsed() < SECOND * (6 + seconds()) {
            let text = body(&yeoul, path);
            m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("m3u8-rs reads it");
            assert_eq!(checker.load(&text), [], "{path}:\n{text}");
            wait(500);
        }
        let plain = body(&yeoul, path);
        if path.contains("/ts/") {
            assert!(plain.starts_with("#EXTM3U\n#EXT-X-VERSION:3\n"), "{plain}");
            let uris = plain.lines().filter(|line| !line.starts_with('#'));
            assert!(uris.clone().all(|uri| uri.starts_with("segment") && uri.ends_with(".ts")), "{plain}");
        }
    }
}

#[test]
fn requests_that_cannot_be_served_are_told_why() {
    let camera = Camera::start(&["--size", "640x360", "--bitrate", "500", "--gop", "1"]);
    let config = format!(
        "streams: {{cam: '{}', away: 'rtsp://127.0.0.1:9/', 'a/b': '{}'}}",
        camera.url(),
        camera.url()
    );
    let yeoul = Yeoul::start(&config);
    let check = |path: &str, status: u16, sentence: &str| {
        let (seen, head, body) = yeoul.ask("GET", path, "");
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(seen, status, "{path}: {body}");
        assert!(body.contains(sentence), "{path}: {body}");
        assert!(head.contains("cache-control: no-store"), "{path}: {head}");
    };
    check("nobody/index.m3u8", 404, "stream not found: nobody");
    check("cam/ts/segment1.ts", 404, "there is no HLS output of that id");
    check("api/stream.m3u8", 400, "name the stream");
    check("api/hls/playlist.m3u8?id=abcdefgh", 404, "there is no HLS output of that id");
    check("api/stream.m3u8?src=cam&audio", 406, "the stream has H264");
    check("away/index.m3u8", 503, "stream away is not live");
    assert!(body(&yeoul, "cam/index.m3u8").contains("ll/media.m3u8"));
    assert!(body(&yeoul, "a%2Fb/index.m3u8").contains("ll/media.m3u8"));
    check("cam/ll/media.m3u8?_HLS_msn=99999999999", 400, "too far ahead");
    check("cam/ll/media.m3u8?_HLS_part=1", 400, "_HLS_part needs _HLS_msn");
    check("cam/ll/nothing.txt", 404, "there is nothing at this address");
    check("cam/ll/abcdefgh/segment1.m4s", 404, "there is no HLS output of that id");
    let text = body(&yeoul, "cam/ll/media.m3u8");
    let folder =
        text.split("#EXT-X-MAP:URI=\"").nth(1).and_then(|rest| rest.split('/').next()).expect("a folder");
    check(&format!("cam/ll/{folder}/segment1.m4s"), 404, "segment 1 is not there");
    check(&format!("cam/ll/{folder}/..%2f..%2fsegment1.m4s"), 404, "there is nothing");
}

#[test]
fn a_camera_without_keyframes_is_told_so_instead_of_an_endless_segment() {
    let yeoul = Yeoul::start("streams: {cam: }");
    let url = yeoul.rtsp("cam");
    let source = ["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"];
    let coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "100000", "-pix_fmt", "yuv420p"];
    let sent = ["-f", "rtsp", "-rtsp_transport", "tcp", &url];
    let _publisher = Tool::start("ffmpeg", &[&source[..], &coded, &sent].concat());
    // It plays from its only keyframe on, for as long as a segment may be.
    wait_until("a playlist", SECOND * 20, || yeoul.ask("GET", "cam/ll/media.m3u8", "").0 == 200);
    let mut sentence = String::new();
    wait_until("a sentence", SECOND * 60, || {
        let (status, _, body) = yeoul.ask("GET", "cam/ll/media.m3u8", "");
        sentence = String::from_utf8_lossy(&body).into_owned();
        status == 503
    });
    assert!(sentence.contains("the camera has sent no keyframe for 30 s"), "{sentence}");
    assert!(sentence.contains("set its keyframe interval"), "{sentence}");
    let (status, _, body) = yeoul.ask("GET", "cam/ts/index.m3u8", "");
    let sentence = String::from_utf8_lossy(&body);
    assert!(status == 503 && sentence.contains("set its keyframe interval"), "{status} {sentence}");
}

#[test]
fn caches_are_told_what_they_may_keep() {
    let camera = Camera::start(&["--size", "640x360", "--bitrate", "500", "--gop", "1"]);
    let yeoul = server(&camera);
    assert!(body(&yeoul, "cam/index.m3u8").contains("ll/media.m3u8"));
    let (_, head, plain) = yeoul.ask("GET", "cam/ll/media.m3u8", "");
    assert!(head.contains("content-type: application/vnd.apple.mpegurl"), "{head}");
    assert!(head.contains("cache-control: public, no-cache") && head.contains("\r\ndate: "), "{head}");
    let text = String::from_utf8(plain).expect("text");
    let init = text.split("#EXT-X-MAP:URI=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a map");
    let part = text.lines().filter(|line| line.starts_with("#EXT-X-PART:") && !line.ends_with("GAP=YES"));
    let part = part.filter_map(|line| line.split('"').nth(1)).next().expect("a part");
    let (_, head, whole) = yeoul.ask("GET", &format!("cam/ll/{part}"), "");
    assert!(head.contains("content-type: video/iso.segment"), "{head}");
    assert!(head.contains("cache-control: public, max-age=3600, immutable"), "{head}");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned();
    let (status, _, _) = yeoul.ask("GET", &format!("cam/ll/{part}"), &format!("If-None-Match: {etag}\r\n"));
    assert_eq!(status, 304);
    let (status, head, some) = yeoul.ask("GET", &format!("cam/ll/{part}"), "Range: bytes=4-7\r\n");
    assert_eq!((status, some.as_slice()), (206, &whole[4..8]));
    assert!(head.contains(&format!("content-range: bytes 4-7/{}", whole.len())), "{head}");
    let (status, head, none) = yeoul.ask("HEAD", &format!("cam/ll/{part}"), "");
    assert_eq!((status, none.len()), (200, 0));
    assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");
    let (_, head, _) = yeoul.ask("GET", &format!("cam/ll/{init}"), "");
    assert!(head.contains("content-type: video/mp4"), "{head}");
    let (_, head, gzip) = yeoul.ask("GET", "cam/ll/media.m3u8", "Accept-Encoding: gzip\r\n");
    assert!(head.contains("content-encoding: gzip") && gzip.starts_with(&[0x1f, 0x8b]), "{head}");
    let media = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(media > 0, "{text}");
}

/// The body of a 200, as text.
fn body(yeoul: &Yeoul, path: &str) -> String {
    let (status, head, body) = yeoul.ask("GET", path, "");
    let text = String::from_utf8(body).expect("text");
    assert_eq!(status, 200, "{path}: {head}{text}");
    text
}

fn wait(milliseconds: u64) {
    let (_sender, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(std::time::Duration::from_millis(milliseconds));
}
