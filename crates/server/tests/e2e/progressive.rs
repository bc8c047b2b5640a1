//! Endless files over HTTP, as players read them.

use crate::harness::{Output, SECOND, Tool, Yeoul, run, wait_until};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

/// Publishes a picture of this size with B-frames, and sound, as a camera with H.264 or H.265 does.
fn publisher(server: &Yeoul, size: &str, encoder: &str) -> Tool {
    let source = format!("testsrc2=size={size}:rate=25");
    let url = server.rtsp("cam");
    let parameters = format!("-{}-params", encoder.trim_start_matches("lib"));
    let arguments = [
        &[
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            &source,
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:sample_rate=48000",
        ][..],
        &["-c:v", encoder, "-preset", "ultrafast", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p"],
        &[&parameters, "log-level=none:b-adapt=0:log=error"],
        &["-c:a", "aac", "-f", "rtsp", "-rtsp_transport", "tcp", &url],
    ];
    Tool::start("ffmpeg", &arguments.concat())
}

fn server() -> Yeoul {
    Yeoul::start("streams: {cam: }")
}

/// Waits until the stream has a picture of this width.
fn wait_for(server: &Yeoul, width: u32) {
    let width = format!("\"width\":{width}");
    wait_until("published", SECOND * 20, || {
        let streams = server.get("/api/streams");
        streams.contains(&width) && streams.contains("\"state\":\"live\"")
    });
}

/// The packets of each stream that `ffmpeg -f framecrc` tells: decoding and presentation time in the stream's time base.
fn packets(framecrc: &str) -> BTreeMap<u32, Vec<(i64, i64)>> {
    let mut found: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
    for line in framecrc.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(',').map(str::trim).map(|field| field.parse::<i64>());
        let mut next = || fields.next().and_then(Result::ok).expect("a number");
        let stream = u32::try_from(next()).expect("a stream");
        found.entry(stream).or_default().push((next(), next()));
    }
    found
}

const FORMS: [&str; 4] = ["mp4", "ts", "flv", "aac"];

#[test]
fn ffmpeg_reads_every_form() {
    let server = server();
    let publisher = publisher(&server, "640x360", "libx264");
    wait_for(&server, 640);
    thread::scope(|scope| {
        for form in FORMS {
            let url = server.http(&format!("api/stream.{form}?src=cam"));
            scope.spawn(move || {
                let arguments = ["-v", "error", "-i", &url, "-t", "4", "-c", "copy", "-f", "framecrc", "-"];
                let Output { stdout, stderr, status } = run("ffmpeg", &arguments, SECOND * 60);
                assert_eq!(stderr, "", "{form}: no error line");
                assert!(status.success(), "{form}");
                let packets = packets(&stdout);
                let streams = if form == "aac" { 1 } else { 2 };
                assert_eq!(packets.len(), streams, "{form}: {:?}", packets.keys());
                for times in packets.values() {
                    assert!(times.is_sorted_by(|a, b| a.0 < b.0), "{form}: time goes on: {times:?}");
                }
                let counts: Vec<usize> = packets.values().map(Vec::len).collect();
                let right = match counts.as_slice() {
                    [video, audio] => (93..=104).contains(video) && (180..=195).contains(audio),
                    [audio] => (185..=190).contains(audio),
                    _ => false,
                };
                assert!(right, "{form}: {counts:?}");
                if form != "aac" {
                    let reordered = packets[&0].iter().filter(|(dts, pts)| pts > dts).count();
                    assert!(reordered > 20, "{form}: B-frames: {:?}", packets[&0]);
                }
            });
        }
    });
    assert_eq!(publisher.said(), "");
}

#[test]
fn ffmpeg_decodes_and_gstreamer_plays_every_form_as_a_file() {
    let server = server();
    let _publisher = publisher(&server, "640x360", "libx264");
    wait_for(&server, 640);
    thread::scope(|scope| {
        for form in FORMS {
            let url = server.http(&format!("api/stream.{form}?src=cam&duration=3&filename=cam.{form}"));
            scope.spawn(move || check_file(form, &url));
        }
    });
}

fn check_file(form: &str, url: &str) {
    let entries = "format=start_time,duration:stream=codec_name,nb_read_packets";
    let arguments = ["-v", "error", "-count_packets", "-show_entries", entries, "-of", "flat", url];
    let Output { stdout, stderr, .. } = run("ffprobe", &arguments, SECOND * 60);
    assert_eq!(stderr, "", "{form}");
    assert!(stdout.contains("\"aac\"") && (form == "aac" || stdout.contains("\"h264\"")), "{form}: {stdout}");
    if form == "mp4" || form == "flv" {
        let start =
            stdout.lines().find_map(|line| line.strip_prefix("format.start_time=\"")).expect("a start");
        let start: f64 = start.trim_end_matches('"').parse().expect("a number");
        assert!((0.0..0.2).contains(&start), "{form}: begins at {start}");
    }
    if form != "aac" {
        // RTP tells no decoding times: with B-frames they are known to a frame.
        let is_whole =
            ["75", "76"].iter().any(|count| stdout.contains(&format!("nb_read_packets=\"{count}\"")));
        assert!(is_whole, "{form}: three seconds of 25: {stdout}");
    }
    let decoded = run("ffmpeg", &["-v", "error", "-i", url, "-f", "null", "-"], SECOND * 60);
    assert_eq!(decoded.stderr, "", "{form}: decodes without an error line");
    let demuxer = match form {
        "mp4" => {
            "qtdemux name=d d.video_0 ! queue ! h264parse ! avdec_h264 ! fakesink d.audio_0 ! queue ! aacparse ! avdec_aac ! fakesink"
        }
        "ts" => {
            "tsdemux name=d d. ! queue ! h264parse ! avdec_h264 ! fakesink d. ! queue ! aacparse ! avdec_aac ! fakesink"
        }
        "flv" => {
            "flvdemux name=d d.video ! queue ! h264parse ! avdec_h264 ! fakesink d.audio ! queue ! aacparse ! avdec_aac ! fakesink"
        }
        _ => "aacparse ! avdec_aac ! fakesink",
    };
    let location = format!("location={url}");
    let pipeline = ["-q", "souphttpsrc", &location, "!"].into_iter().chain(demuxer.split_whitespace());
    let played = run("gst-launch-1.0", &pipeline.collect::<Vec<_>>(), SECOND * 60);
    assert!(played.status.success() && !played.stderr.contains("ERROR"), "{form}: {}", played.stderr);
}

#[test]
fn outputs_go_on_through_a_restart_with_another_size() {
    let server = server();
    let before = publisher(&server, "640x360", "libx264");
    wait_for(&server, 640);
    let readers: Vec<(&str, Tool)> = ["mp4", "ts", "flv"]
        .map(|form| {
            let url = server.http(&format!("api/stream.{form}?src=cam"));
            let size = "scale=64:36";
            let arguments = [
                "-v",
                "error",
                "-i",
                &url,
                "-an",
                "-vf",
                size,
                "-fps_mode",
                "passthrough",
                "-f",
                "framecrc",
                "-",
            ];
            (form, Tool::start("ffmpeg", &arguments))
        })
        .into();
    let pictures = |reader: &Tool| reader.said().lines().filter(|line| line.starts_with("0,")).count();
    wait_until("pictures", SECOND * 30, || readers.iter().all(|(_, reader)| pictures(reader) > 25));
    drop(before);
    wait_until("gone", SECOND * 10, || !server.get("/api/streams").contains("\"state\":\"live\""));
    let counts: Vec<usize> = readers.iter().map(|(_, reader)| pictures(reader)).collect();
    let _after = publisher(&server, "1280x720", "libx264");
    wait_for(&server, 1280);
    for ((form, reader), count) in readers.iter().zip(counts) {
        wait_until("pictures of the new size", SECOND * 30, || pictures(reader) > count + 50);
        let said = reader.said();
        let errors: Vec<&str> = said.lines().filter(|line| !line.starts_with(['#', '0'])).collect();
        assert!(errors.is_empty(), "{form}: {errors:?}");
    }
}

#[test]
fn another_codec_goes_on_in_a_transport_stream() {
    let server = server();
    let before = publisher(&server, "640x360", "libx264");
    wait_for(&server, 640);
    let url = server.http("api/stream.ts?src=cam");
    let location = format!("location={url}");
    // It tells of each new kind of picture.
    let arguments = [
        "-v",
        "souphttpsrc",
        &location,
        "!",
        "decodebin",
        "!",
        "video/x-raw",
        "!",
        "identity",
        "silent=false",
        "!",
        "fakesink",
    ];
    let reader = Tool::start("gst-launch-1.0", &arguments);
    wait_until("pictures", SECOND * 30, || reader.said().matches("chain").count() > 25);
    drop(before);
    let _after = publisher(&server, "320x240", "libx265");
    wait_for(&server, 320);
    wait_until("pictures of the new codec", SECOND * 30, || reader.said().contains("width=(int)320"));
}

#[test]
fn a_viewer_that_takes_nothing_is_cut_off_and_costs_nothing() {
    let server = server();
    let _publisher = publisher(&server, "1920x1080", "libx264");
    wait_for(&server, 1920);
    // One who reads all the time, so that the file is made already.
    let url = server.http("api/stream.mp4?src=cam");
    let good = Tool::start("ffmpeg", &["-v", "error", "-i", &url, "-c", "copy", "-f", "framecrc", "-"]);
    wait_until("pictures", SECOND * 30, || good.said().lines().count() > 50);
    let before = server.memory_kib();
    let stalled: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut socket = TcpStream::connect(("127.0.0.1", server.api_port())).expect("connected");
            socket
                .write_all(b"GET /api/stream.mp4?src=cam HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .expect("sent");
            socket
        })
        .collect();
    wait_until("cut off", SECOND * 120, || {
        server.log().matches("it took nothing of its answer for 10 s").count() >= stalled.len()
    });
    let grown = server.memory_kib().saturating_sub(before);
    assert!(grown < 32 << 10, "50 stalled viewers cost {grown} KiB");
    for mut socket in stalled {
        let mut rest = Vec::new();
        // What the kernels held comes, then the end.
        let _ = socket.read_to_end(&mut rest);
    }
    assert!(good.said().lines().all(|line| line.starts_with(['#', '0', '1'])), "{}", good.said());
}

#[test]
fn answers_are_go2rtcs_or_sentences() {
    let server = Yeoul::start("streams: {cam: , away: 'rtsp://127.0.0.1:1/'}");
    let refused = |path: &str| {
        let (status, _, body) = server.ask("GET", path, "");
        (status, String::from_utf8(body).expect("text"))
    };
    assert_eq!(refused("api/stream.mp4?src=none"), (404, "stream not found: none\n".to_owned()));
    let (status, sentence) = refused("api/stream.ts?src=away");
    assert_eq!(status, 503);
    assert!(sentence.starts_with("stream away is not live: ") && sentence.contains("refused"), "{sentence}");
    let _publisher = publisher(&server, "640x360", "libx264");
    wait_for(&server, 640);
    let (status, sentence) = refused("api/stream.mp4?src=cam&video=h265");
    assert_eq!(status, 406, "{sentence}");
    assert!(sentence.starts_with("no track fits: the stream has H264"), "{sentence}");
    let (status, head, body) = server.ask("GET", "api/frame.mp4?src=cam", "Range: bytes=4-7\r\n");
    assert_eq!((status, body.as_slice()), (206, &b"ftyp"[..]), "{head}");
    let (status, head, body) = server.ask("HEAD", "api/stream.mp4?src=cam&filename=a.mp4", "");
    assert_eq!((status, body.len()), (200, 0), "{head}");
    assert!(head.contains("content-type: video/mp4; codecs=\"avc1."), "{head}");
    assert!(head.contains("content-disposition: attachment; filename=\"a.mp4\""), "{head}");
    let url = server.http("api/frame.mp4?src=cam");
    let picture = [
        "-v",
        "error",
        "-show_entries",
        "stream=width,nb_read_frames",
        "-count_frames",
        "-of",
        "csv=p=0",
        &url,
    ];
    assert_eq!(run("ffprobe", &picture, SECOND * 30).stdout.trim(), "640,1");
}
