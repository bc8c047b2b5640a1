//! Files as sources, made by ffmpeg in forms that are read here and in forms that are ffmpeg's.

use crate::harness::{SECOND, Yeoul, run};
use crate::hls_source::{check_steps, times};
use crate::sources::{H264, check, check_webrtc, codecs, made, reason};
use std::path::Path;

/// Three seconds of picture and sound in this form.
fn short(name: &str, arguments: &[&str]) -> String {
    let all = [&H264[..], &["-c:a", "aac", "-t", "3"], arguments].concat();
    made(name, &all).to_str().expect("a path").to_owned()
}

fn server(streams: &[(&str, String)]) -> Yeoul {
    let streams: String = streams.iter().map(|(name, source)| format!("  {name}: '{source}'\n")).collect();
    Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}\nstreams:\n{streams}"
    ))
}

#[test]
fn three_rounds_of_a_file_are_one_stream_without_a_jump() {
    let files = [
        ("end", short("short-end.mp4", &[])),
        ("front", short("short-front.mp4", &["-movflags", "+faststart"])),
        ("fragments", short("short-fragments.mp4", &["-movflags", "frag_keyframe+empty_moov"])),
        ("ts", short("short.ts", &[])),
        ("flv", short("short.flv", &[])),
        ("mkv", short("short.mkv", &[])),
        ("avi", short("short.avi", &["-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"])),
    ];
    let streams: Vec<(&str, String)> =
        files.iter().map(|(name, path)| (*name, format!("file:{path}#loop"))).collect();
    let server = server(&streams);
    let play = |name: &str| {
        let [picture, sound] = times(&server, name, "10");
        for (kind, times) in [("picture", picture), ("sound", sound)] {
            let span = times[times.len() - 1] - times[0];
            assert!(span > 9_000, "{name}: {span} ms of {kind}");
            // What ffmpeg puts together has the pause that its container has between the end of one track and that of the other.
            check_steps(&format!("{kind} of {name}"), &times, 250);
        }
    };
    // They take their time, and little of the machine.
    std::thread::scope(|scope| {
        for (name, _) in &files {
            scope.spawn(|| play(name));
        }
    });
    for name in ["end", "mkv"] {
        check(&server, name, "aac h264");
        check_webrtc(&server, name);
    }
    assert!(server.end() < SECOND * 2);
}

#[test]
fn a_bare_bitstream_has_the_rate_that_it_says() {
    let path = made("bare.h264", &[&H264[..], &["-an", "-t", "3", "-bsf:v", "h264_mp4toannexb"]].concat());
    let server = server(&[("bare", format!("file:{}#loop", path.display()))]);
    let [picture, _] = times(&server, "bare", "7");
    check_steps("bare", &picture, 200);
    let span = picture[picture.len() - 1] - picture[0];
    assert!((5_000..8_000).contains(&span), "{span} ms");
}

#[test]
fn a_file_without_a_loop_is_played_once_for_each_who_comes() {
    let path = short("short-end.mp4", &[]);
    let server = server(&[("once", format!("file://{path}"))]);
    for _ in 0..2 {
        // The reader stays for some seconds behind the end.
        let [picture, _] = times(&server, "once", "20");
        let span = picture[picture.len() - 1] - picture[0];
        assert!((2_000..3_500).contains(&span), "{span} ms");
        assert!(server.get("/api/streams?src=once").contains("\"state\": \"idle\""));
    }
    // Who had seen all of it did not see it again.
    for line in ["once: live from", "once: short-end.mp4 has been played to its end"] {
        assert_eq!(server.log().matches(line).count(), 2, "{}", server.log());
    }
}

#[test]
fn playing_starts_where_it_is_wanted() {
    let long = |name: &str, arguments: &[&str]| {
        let all = [&H264[..], &["-c:a", "aac"], arguments].concat();
        made(name, &all).to_str().expect("a path").to_owned()
    };
    let (mp4, ts) = (long("start.mp4", &[]), long("ts.ts", &[]));
    let server = server(&[
        ("mp4", format!("file:{mp4}#start=0:00:37")),
        ("ts", format!("file:{ts}#start=37")),
        ("beyond", format!("file:{ts}#start=3600")),
        ("past", format!("file:{mp4}#start=3600")),
    ]);
    for name in ["mp4", "ts"] {
        let [picture, _] = times(&server, name, "20");
        let span = picture[picture.len() - 1] - picture[0];
        // Three seconds are left of forty.
        assert!((1_500..4_000).contains(&span), "{name}: {span} ms");
    }
    reason(&server, "beyond", "ts.ts is over before second 3600");
    reason(&server, "past", "start.mp4 is over before second 3600");
}

#[test]
fn what_cannot_be_played_is_told() {
    let folder = Path::new(&short("short.ts", &[])).parent().expect("a folder").display().to_string();
    let subtitles = format!("{folder}/words.srt");
    std::fs::write(&subtitles, "1\n00:00:00,000 --> 00:00:01,000\nwords\n").expect("a file");
    let text_only = format!("{folder}/text.mp4");
    let arguments = ["-v", "error", "-y", "-i", &subtitles, "-c:s", "mov_text", &text_only];
    assert!(run("ffmpeg", &arguments, SECOND * 60).status.success());
    let server = server(&[
        ("missing", "file:no-such-file.mp4#loop".to_owned()),
        ("folder", format!("file:{folder}")),
        ("text", format!("file:{text_only}")),
        ("device", "file:/dev/zero".to_owned()),
    ]);
    reason(&server, "missing", "no-such-file.mp4 is not there: no-such-file.mp4 in the working directory, /");
    reason(&server, "folder", "is a directory, not a file");
    reason(&server, "text", "text.mp4 cannot be played: no track of the MP4 file can be read");
    reason(&server, "device", "zero is a device or a pipe, not a file");
}

#[test]
fn a_large_file_costs_no_more_memory_than_a_small_one() {
    let path = made(
        "large.ts",
        &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "40M",
            "-minrate",
            "40M",
            "-maxrate",
            "40M",
            "-bufsize",
            "40M",
            "-x264-params",
            "nal-hrd=cbr",
            "-g",
            "25",
            "-an",
        ],
    );
    let bytes = std::fs::metadata(&path).expect("a file").len();
    assert!(bytes > 150 << 20, "{bytes} bytes");
    let server = server(&[("large", format!("file:{}#loop", path.display()))]);
    assert_eq!(codecs(&server.rtsp("large")), "h264");
    let kib = server.memory_kib();
    eprintln!("{} MiB file: {} MiB in use", bytes >> 20, kib >> 10);
    assert!(kib < 140 << 10, "{kib} KiB");
}
