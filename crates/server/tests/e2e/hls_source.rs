//! Playlists as sources: what ffmpeg writes as HLS, served by a static file server, in every form that it has.

use crate::harness::{SECOND, Tool, Yeoul, file_server, run, wait_until};
use crate::sources::{H264, check, check_webrtc, codecs, made, reason};
use std::path::{Path, PathBuf};

/// Writes HLS into a folder of its own; gives the folder.
fn playlist(root: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let source = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let list = folder.join("index.m3u8");
    let input = ["-v", "error", "-i", source.to_str().expect("a path"), "-t", "20"];
    let list = list.to_str().expect("a path");
    let output = run("ffmpeg", &[&input[..], arguments, &["-y", list]].concat(), SECOND * 60);
    assert!(output.status.success(), "{name}: {}", output.stderr);
    folder
}

fn root(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("yeoul-hls-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(&root).expect("a folder");
    root
}

const RECORDED: [&str; 8] = ["-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"];
const FMP4: [&str; 4] = ["-hls_segment_type", "fmp4", "-bsf:a", "aac_adtstoasc"];

#[test]
fn recordings_are_played_in_every_form() {
    let root = root("recorded");
    playlist(&root, "ts", &RECORDED);
    playlist(&root, "fmp4", &[&RECORDED[..], &FMP4].concat());
    playlist(&root, "ts-ranges", &[&RECORDED[..], &["-hls_flags", "single_file"]].concat());
    playlist(&root, "fmp4-ranges", &[&RECORDED[..], &FMP4, &["-hls_flags", "single_file"]].concat());
    // Keys by the number of the segment, and with a vector.
    std::fs::write(root.join("key"), b"0123456789abcdef").expect("a key");
    for (name, vector) in [("aes", ""), ("aes-vector", "00112233445566778899aabbccddeeff\n")] {
        let about = root.join(format!("{name}.txt"));
        let text = format!("../key\n{}\n{vector}", root.join("key").display());
        std::fs::write(&about, text).expect("a file about the key");
        let about = about.to_str().expect("a path");
        playlist(&root, name, &[&RECORDED[..], &["-hls_key_info_file", about]].concat());
    }
    // Each time ffmpeg goes on with a playlist, its times begin anew.
    let appended = ["-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"];
    for _ in 0..2 {
        playlist(&root, "joined", &[&appended[..], &["-hls_flags", "append_list+discont_start"]].concat());
    }
    let joined = std::fs::read_to_string(root.join("joined/index.m3u8")).expect("a playlist");
    assert!(joined.contains("#EXT-X-DISCONTINUITY"), "{joined}");
    // A server that lacks one of them.
    let missing = playlist(&root, "missing", &RECORDED);
    std::fs::remove_file(missing.join("index1.ts")).expect("a segment");
    // Sound alone, packed.
    let packed = ["-vn", "-c:a", "copy", "-f", "segment", "-segment_time", "2", "-segment_format", "adts"];
    let sound = root.join("packed");
    std::fs::create_dir_all(&sound).expect("a folder");
    let list = sound.join("index.m3u8").to_str().expect("a path").to_owned();
    let pieces = sound.join("%d.aac").to_str().expect("a path").to_owned();
    let source = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let input = ["-v", "error", "-i", source.to_str().expect("a path"), "-t", "20"];
    let segments = ["-segment_list", &list, "-segment_list_type", "m3u8", &pieces];
    assert!(run("ffmpeg", &[&input[..], &packed, &segments].concat(), SECOND * 60).status.success());
    let (_files, port) = file_server(&root);
    let streams: String =
        ["ts", "fmp4", "ts-ranges", "fmp4-ranges", "aes", "aes-vector", "joined", "missing", "packed"]
            .iter()
            .map(|name| format!("  {name}: http://127.0.0.1:{port}/{name}/index.m3u8\n"))
            .collect();
    let server = Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}\nstreams:\n{streams}"
    ));
    for name in ["ts", "fmp4", "ts-ranges", "fmp4-ranges", "aes", "aes-vector", "joined", "missing"] {
        check(&server, name, "aac h264");
    }
    check(&server, "packed", "aac");
    for name in ["ts", "fmp4"] {
        check_webrtc(&server, name);
    }
    assert!(server.end() < SECOND * 2);
    std::fs::remove_dir_all(root).expect("removed");
}

/// Reads `seconds` of a stream by RTSP, or less where nothing more comes; the times of each track's frames in milliseconds.
pub(crate) fn times(server: &Yeoul, name: &str, seconds: &str) -> [Vec<i64>; 2] {
    let url = server.rtsp(name);
    let read = [
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-timeout",
        "4000000",
        "-i",
        &url,
        "-t",
        seconds,
        "-c",
        "copy",
        "-f",
        "framecrc",
        "-",
    ];
    let output = run("ffmpeg", &read, SECOND * 90);
    let mut scales = [1; 2];
    let mut times = [Vec::new(), Vec::new()];
    for line in output.stdout.lines() {
        if let Some((track, scale)) = line.strip_prefix("#tb ").and_then(|rest| rest.split_once(": 1/")) {
            scales[track.parse::<usize>().expect("a track")] = scale.parse().expect("a scale");
        }
        if line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let track: usize = fields[0].parse().expect("a track");
        let dts: i64 = fields[1].parse().expect("a time");
        times[track].push(dts * 1000 / scales[track]);
    }
    assert!(times[0].len() > 10, "{name}: {} frames: {}\n{}", times[0].len(), output.stderr, server.log());
    times
}

/// No frame is further from the one before than this.
pub(crate) fn check_steps(name: &str, times: &[i64], most_ms: i64) {
    for (place, pair) in times.windows(2).enumerate() {
        let step = pair[1] - pair[0];
        // ffmpeg guesses the times of the first pictures by RTSP.
        assert!(
            place < 2 || (1..=most_ms).contains(&step),
            "{name}: {step} ms at {} of {}",
            place,
            times.len()
        );
    }
}

#[test]
fn time_goes_on_over_a_discontinuity() {
    let root = root("discontinuity");
    let appended = ["-t", "4", "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"];
    for _ in 0..3 {
        playlist(&root, "x", &[&appended[..], &["-hls_flags", "append_list+discont_start"]].concat());
    }
    let (_files, port) = file_server(&root);
    let server = Yeoul::start(&format!("streams: {{x: 'http://127.0.0.1:{port}/x/index.m3u8'}}"));
    let [first, second] = times(&server, "x", "11");
    for times in [first, second] {
        assert!(times.last().zip(times.first()).is_some_and(|(last, first)| last - first > 9_000));
        check_steps("x", &times, 250);
    }
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn qualities_are_chosen_and_sound_beside_them_is_joined() {
    let root = root("qualities");
    let folder = root.join("v");
    std::fs::create_dir_all(&folder).expect("a folder");
    let source = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let path = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
    let (segments, list) = (path("%v-%d.m4s"), path("%v.m3u8"));
    let mut arguments = vec!["-v", "error", "-i", source.to_str().expect("a path"), "-t", "20"];
    arguments.extend(["-map", "0:v", "-map", "0:v", "-map", "0:a"]);
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac"]);
    arguments.extend(["-filter:v:0", "scale=160:120", "-b:v:0", "100k", "-b:v:1", "600k"]);
    arguments.extend([
        "-f",
        "hls",
        "-hls_time",
        "2",
        "-hls_playlist_type",
        "vod",
        "-hls_segment_type",
        "fmp4",
    ]);
    arguments.extend(["-var_stream_map", "v:0,agroup:s v:1,agroup:s a:0,agroup:s,default:yes"]);
    arguments.extend(["-master_pl_name", "all.m3u8", "-hls_segment_filename", &segments, &list]);
    let output = run("ffmpeg", &arguments, SECOND * 60);
    assert!(output.status.success(), "{}", output.stderr);
    let (_files, port) = file_server(&folder);
    let server = Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}
streams:
  best: 'http://127.0.0.1:{port}/all.m3u8'
  small: 'http://127.0.0.1:{port}/all.m3u8#variant=120p'
  first: 'http://127.0.0.1:{port}/all.m3u8#variant=1'
  few: 'http://127.0.0.1:{port}/all.m3u8#variant=300k'
"
    ));
    let height = |name: &str| {
        let url = server.rtsp(name);
        let entries =
            ["-v", "error", "-select_streams", "v", "-show_entries", "stream=height", "-of", "csv=p=0", &url];
        run("ffprobe", &entries, SECOND * 60).stdout.trim().to_owned()
    };
    for (name, expected) in [("best", "240"), ("small", "120"), ("first", "120"), ("few", "120")] {
        assert_eq!(height(name), expected, "{name}");
    }
    check(&server, "best", "aac h264");
    check_webrtc(&server, "best");
    // Sound and picture begin together, as they do in the source.
    let [picture, sound] = times(&server, "few", "4");
    let distance = picture[picture.len() - 1] - sound[sound.len() - 1];
    assert!(distance.abs() < 500, "picture and sound are {distance} ms apart");
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn a_live_playlist_is_followed_and_its_end_is_told() {
    let root = root("live");
    let source = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let list = root.join("index.m3u8").to_str().expect("a path").to_owned();
    let live =
        ["-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "4", "-hls_flags", "delete_segments"];
    let input = ["-v", "error", "-re", "-stream_loop", "-1", "-i", source.to_str().expect("a path")];
    let encoder = Tool::start("ffmpeg", &[&input[..], &live, &[&list]].concat());
    // From a shorter list every player has to wait for the second segment.
    wait_until("a playlist of three segments", SECOND * 30, || {
        std::fs::read_to_string(&list).is_ok_and(|text| text.matches("#EXTINF").count() >= 3)
    });
    let (_files, port) = file_server(&root);
    let server = Yeoul::start(&format!(
        "webrtc: {{listen: '127.0.0.1:WEBRTC_PORT', candidates: ['127.0.0.1:WEBRTC_PORT']}}
streams:
  live: 'http://127.0.0.1:{port}/index.m3u8'
  gone: 'http://127.0.0.1:{port}/gone.m3u8'
"
    ));
    check(&server, "live", "aac h264");
    check_webrtc(&server, "live");
    // Longer than the playlist, so that it was asked for again and again.
    let [picture, sound] = times(&server, "live", "12");
    check_steps("live", &picture, 250);
    check_steps("live", &sound, 250);
    reason(&server, "gone", "answers 404 Not Found");
    drop(encoder);
    // Nobody says that it is over: the end of the list is the end of the picture.
    assert_eq!(codecs(&server.rtsp("live")), "aac h264");
    assert!(server.end() < SECOND * 2);
    std::fs::remove_dir_all(root).expect("removed");
}
