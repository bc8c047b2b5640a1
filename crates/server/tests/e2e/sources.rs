//! Sources that are children and HTTP servers: ffmpeg in every way it gives frames, other programs, files and live streams over HTTP
//! and TCP.

use crate::harness::{Camera, SECOND, Tool, Yeoul, clip, file_server, free_ports, run, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Codecs that ffprobe finds in `url`, in alphabetical order.
pub(crate) fn codecs(url: &str) -> String {
    let arguments = ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url];
    let output = run("ffprobe", &arguments, SECOND * 60);
    let names: BTreeSet<&str> = output
        .stdout
        .lines()
        .map(|line| line.trim_end_matches(','))
        .filter(|name| !name.is_empty())
        .collect();
    assert!(!names.is_empty(), "{url}: {}", output.stderr);
    names.into_iter().collect::<Vec<_>>().join(" ")
}

/// A viewer by WebRTC gets pictures.
pub(crate) fn check_webrtc(server: &Yeoul, name: &str) {
    let url = server.http(&format!("{name}/whep"));
    let load = ["load", &url, "--viewers", "1", "--seconds", "3", "--warmup", "0", "--json"];
    let output = run(env!("CARGO_BIN_EXE_yeoul"), &load, SECOND * 60);
    assert!(output.status.success(), "{name}: {}{}", output.stdout, output.stderr);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).expect("a report in JSON");
    assert_eq!(report["viewers"]["failed"], 0, "{name}: {report}");
    assert!(report["frames_s_viewer"].as_f64().is_some_and(|rate| rate > 3.0), "{name}: {report}");
}

/// The stream has these codecs over RTSP, its frames go on in time, and HLS shows what it can of them.
pub(crate) fn check(server: &Yeoul, name: &str, expected: &str) {
    let url = server.rtsp(name);
    assert_eq!(codecs(&url), expected, "{name}\n{}", server.get(&format!("/api/streams?src={name}")));
    let read = ["-v", "error", "-i", &url, "-t", "1", "-c", "copy", "-f", "framecrc", "-"];
    let output = run("ffmpeg", &read, SECOND * 60);
    let mut last = [i64::MIN; 2];
    let mut count = 0;
    for line in output.stdout.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let (track, dts): (usize, i64) =
            (fields[0].parse().expect("a track"), fields[1].parse().expect("a time"));
        // ffmpeg guesses the time of the first picture of a track by RTSP.
        assert!(last[track] <= 0 || dts > last[track], "{name}: time goes on: {line}");
        last[track] = dts;
        count += 1;
    }
    assert!(count >= 3, "{name}: {count} frames: {}", output.stderr);
    let shown: Vec<&str> =
        expected.split(' ').filter(|codec| ["h264", "hevc", "aac", "opus"].contains(codec)).collect();
    if !shown.is_empty() {
        assert_eq!(codecs(&server.http(&format!("{name}/index.m3u8"))), shown.join(" "), "{name} by HLS");
    }
}

/// Watches a stream until the API tells why it is not live.
pub(crate) fn reason(server: &Yeoul, name: &str, expected: &str) {
    let _watcher = Watcher::start(server, name);
    let mut told = String::new();
    wait_until(&format!("{name} tells {expected:?}"), SECOND * 20, || {
        told = server.get(&format!("/api/streams?src={name}"));
        told.contains(expected)
    });
    assert!(!told.contains("canary"), "{told}");
}

/// A folder with this file in it, made by ffmpeg.
pub(crate) fn made(name: &str, arguments: &[&str]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("yeoul-sources-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    if !path.exists() {
        let input = [
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x240:rate=25",
            "-f",
            "lavfi",
            "-i",
            "sine=sample_rate=48000",
            "-t",
            "40",
            "-pix_fmt",
            "yuv420p",
        ];
        // Tests run side by side: a file is there once it is whole.
        let part =
            folder.join(format!("{}-{name}", std::thread::current().name().unwrap_or("x").replace(':', "")));
        let part_name = part.to_str().expect("a path");
        let output = run("ffmpeg", &[&input[..], arguments, &["-y", part_name]].concat(), SECOND * 60);
        assert!(output.status.success(), "{}", output.stderr);
        std::fs::rename(&part, &path).expect("renamed");
    }
    path
}

pub(crate) const H264: [&str; 10] =
    ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-b:v", "300k"];

#[test]
fn ffmpeg_gives_frames_by_pipe_and_by_rtsp() {
    let clip = clip("1080p25-gop2");
    let server = Yeoul::start(&format!(
        "rtsp: {{listen: '127.0.0.1:RTSP_PORT', username: u, password: canary-word}}
ffmpeg: {{small: '-c:v libx264 -preset ultrafast -g 25 -vf scale=160:-2'}}
streams:
  ts: 'ffmpeg:virtual?video&audio&size=320x240&rate=25#video=h264#audio=opus'
  h265: 'ffmpeg:virtual?video&size=320x240&rate=10#video=h265'
  g711: 'ffmpeg:virtual?video&audio&size=320x240#video=small#audio=pcma'
  adts: 'ffmpeg:virtual?audio#audio=aac'
  wav: 'ffmpeg:virtual?audio#audio=pcmu'
  pictures: 'ffmpeg:virtual?video&size=320x240&rate=10#video=mjpeg'
  file: 'ffmpeg:{clip}'
  turned: 'ffmpeg:ts#video=h264#rotate=90#width=90'
  rtsp: 'ffmpeg:rtsp://u:canary-word@127.0.0.1:RTSP_PORT/ts#video=copy#audio=copy'
  http: 'ffmpeg:http://u:canary-word@127.0.0.1:API_PORT/api/stream.ts?src=ts#video=copy#audio=copy'
  gone: 'ffmpeg:rtsp://u:canary-word@127.0.0.1:RTSP_PORT/nothing'
"
    ));
    let with_account = |name: &str| server.rtsp(name).replace("rtsp://", "rtsp://u:canary-word@");
    let mut commands: Vec<String> = Vec::new();
    for (name, expected) in [
        ("ts", "h264 opus"),
        ("h265", "hevc"),
        ("g711", "h264 pcm_alaw"),
        ("adts", "aac"),
        ("wav", "pcm_mulaw"),
        ("pictures", "mjpeg"),
        ("file", "h264"),
        ("turned", "h264"),
        ("rtsp", "h264 opus"),
        ("http", "h264 opus"),
    ] {
        assert_eq!(codecs(&with_account(name)), expected, "{name}\n{}", server.log());
        commands.extend(server.child_ids().into_iter().map(command_line));
    }
    for name in ["ts", "g711", "adts"] {
        let hls = codecs(&server.http(&format!("{name}/index.m3u8")));
        assert_eq!(
            hls,
            ["h264 opus", "h264", "aac"]
                [["ts", "g711", "adts"].iter().position(|n| *n == name).expect("one of them")]
        );
    }
    // Whoever can list processes learns no password.
    for expected in ["/.child/", "-i rtsp://127.0.0.1:", "-i http://127.0.0.1:"] {
        assert!(commands.iter().any(|line| line.contains(expected)), "{commands:?}");
    }
    assert!(commands.iter().all(|line| !line.contains("canary")), "{commands:?}");
    let all = server.get("/api/streams");
    assert!(
        all.contains("\"url\":\"ffmpeg:ts#video=h264#rotate=90#width=90\"") && !all.contains("canary"),
        "{all}"
    );
    // Nobody but ffmpeg was told another address.
    reason(&server, "gone", "/nothing: Server returned 404 Not Found");
    reason(&server, "gone", "rtsp://***@127.0.0.1:");
    assert!(server.end() < SECOND * 2);
}

#[test]
fn ffmpeg_adds_sound_to_the_stream_that_it_reads() {
    let camera = Camera::start(&["--file", &clip("1080p25-gop2"), "--fps", "25", "--audio", "aac"]);
    let server = Yeoul::start(&format!(
        "streams: {{cam: ['{}', 'ffmpeg:cam#audio=opus#query=log_level=debug']}}",
        camera.url()
    ));
    assert_eq!(codecs(&server.rtsp("cam?video&audio=opus")), "h264 opus", "{}", server.log());
    assert_eq!(codecs(&server.rtsp("cam?video&audio=aac")), "aac h264");
    // The picture is the camera's own and is not read twice.
    assert_eq!(server.children(), ["ffmpeg"]);
}

#[test]
fn programs_give_every_form_by_their_output() {
    let ts = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let ts = ts.to_str().expect("a path");
    let input = format!("ffmpeg -nostdin -v error -re -i {ts}");
    let server = Yeoul::start(&format!(
        "exec: {{enabled: true}}
echo: {{allow_paths: [printf]}}
streams:
  ts: 'exec:{input} -c copy -f mpegts -'
  flv: 'exec:{input} -c copy -f flv -'
  mp4: 'exec:{input} -c copy -bsf:a aac_adtstoasc -movflags frag_keyframe+delay_moov -f mp4 -'
  h264: 'exec:{input} -an -c:v copy -bsf:v h264_mp4toannexb -f h264 -'
  h265: 'exec:{input} -an -c:v libx265 -preset ultrafast -x265-params log-level=error -f hevc -'
  mjpeg: 'exec:{input} -an -c:v mjpeg -huffman default -pix_fmt yuvj420p -f mjpeg -'
  mpjpeg: 'exec:{input} -an -c:v mjpeg -huffman default -pix_fmt yuvj420p -f mpjpeg -'
  adts: 'exec:{input} -vn -c:a copy -f adts -'
  wav: 'exec:{input} -vn -c:a pcm_s16le -ar 16000 -f wav -'
  output: 'exec:{input} -c:v copy -c:a aac -f rtsp -rtsp_transport tcp {{output}}#killsignal=INT#starttimeout=20'
  echo: 'echo:printf ffmpeg:{ts}#video=h264'
"
    ));
    for (name, expected) in [
        ("ts", "aac h264"),
        ("flv", "aac h264"),
        ("mp4", "aac h264"),
        ("h264", "h264"),
        ("h265", "hevc"),
        ("mjpeg", "mjpeg"),
        ("mpjpeg", "mjpeg"),
        ("adts", "aac"),
        ("wav", "pcm_s16be"),
        ("output", "aac h264"),
        ("echo", "h264"),
    ] {
        check(&server, name, expected);
    }
    assert!(server.end() < SECOND * 2);
}

#[test]
fn what_a_program_does_wrong_is_told() {
    let server = Yeoul::start(
        "exec: {allow_paths: [sh, yeoul-no-such-program]}
ffmpeg: {bin: /nowhere/ffmpeg}
streams:
  garbage: \"exec:sh -c 'echo this is not a camera at all but a message for people, of which there are too many; sleep 60'\"
  silent: 'exec:sh -c true'
  says: \"exec:sh -c 'echo cannot open rtsp://u:canary@cam/1 >&2; exit 7'\"
  slow: \"exec:sh -c 'sleep 60'#starttimeout=1\"
  missing: 'exec:yeoul-no-such-program'
  refused: 'exec:bash -c true'
  echo: 'echo:printf x'
  ffmpeg: 'ffmpeg:virtual?video#video=h264'
",
    );
    for (name, expected) in [
        ("garbage", "sh gave what cannot be read: this is neither MPEG-TS"),
        ("garbage", "it begins with \\\"this is not a camera"),
        ("silent", "sh ended with code 0"),
        ("says", "sh ended with code 7: cannot open rtsp://***@cam/1"),
        ("slow", "sh gave no frame within 1 s"),
        ("missing", "there is no program yeoul-no-such-program"),
        ("refused", "exec.allow_paths does not name bash"),
        ("echo", "echo sources are off; set echo.enabled: true, or echo.allow_paths: [printf]"),
        ("ffmpeg", "ffmpeg is not there: looked for /nowhere/ffmpeg; install it (apt install ffmpeg"),
    ] {
        reason(&server, name, expected);
    }
    assert!(!server.log().contains("canary"));
    wait_until("no child is left", SECOND * 20, || server.child_ids().is_empty());
}

#[test]
fn streams_files_and_pictures_are_read_by_http_and_tcp() {
    let ts = made("ts.ts", &[&H264[..], &["-c:a", "aac"]].concat());
    let folder = ts.parent().expect("a folder").to_path_buf();
    made("flv.flv", &[&H264[..], &["-c:a", "aac"]].concat());
    made("mp4.mp4", &[&H264[..], &["-c:a", "aac", "-movflags", "+faststart"]].concat());
    made("picture.jpg", &["-frames:v", "1", "-update", "1", "-huffman", "default", "-pix_fmt", "yuvj420p"]);
    let (_files, files) = file_server(&folder);
    let [live, tcp] = free_ports::<2>();
    let test = ["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10"];
    let mjpeg = format!("http://127.0.0.1:{live}/");
    let _live = Tool::start(
        "ffmpeg",
        &[
            &test[..],
            &[
                "-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-f", "mpjpeg", "-listen",
                "1", &mjpeg,
            ],
        ]
        .concat(),
    );
    let raw = format!("tcp://127.0.0.1:{tcp}?listen=1");
    let _raw = Tool::start("ffmpeg", &[&test[..], &H264, &["-f", "mpegts", &raw]].concat());
    let server = Yeoul::start(&format!(
        "stream_defaults: {{linger: 60s}}
streams:
  ts: 'http://127.0.0.1:{files}/ts.ts'
  flv: 'http://127.0.0.1:{files}/flv.flv#header=X-Token: canary-word'
  mp4: 'http://127.0.0.1:{files}/mp4.mp4'
  picture: 'http://127.0.0.1:{files}/picture.jpg'
  live: '{mjpeg}'
  raw: 'tcp://127.0.0.1:{tcp}'
  absent: 'http://127.0.0.1:{files}/absent'
"
    ));
    for (name, expected) in [
        ("ts", "aac h264"),
        ("flv", "aac h264"),
        ("mp4", "aac h264"),
        ("picture", "mjpeg"),
        ("live", "mjpeg"),
        ("raw", "h264"),
    ] {
        check(&server, name, expected);
    }
    reason(&server, "absent", &format!("127.0.0.1:{files} answers 404 Not Found"));
    assert!(server.end() < SECOND * 2);
}

/// How many children, and how often one of them is killed; `CHILDREN=20 KILLS=10` for what is promised.
fn amount(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Watches a stream until it is dropped.
pub(crate) struct Watcher(TcpStream);

impl Watcher {
    pub(crate) fn start(server: &Yeoul, name: &str) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", server.api_port())).expect("connected");
        write!(socket, "GET /api/stream.ts?src={name} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut reading = socket.try_clone().expect("cloned");
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while reading.read(&mut bytes).is_ok_and(|count| count > 0) {}
        });
        Self(socket)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

fn farm(children: usize, start: fn(&str) -> Yeoul) -> (Yeoul, Vec<Watcher>) {
    let clip = clip("1080p25-gop2");
    let streams: String =
        (0..children).map(|index| format!("  s{index}: 'ffmpeg:{clip}#video=copy'\n")).collect();
    let server = start(&format!("streams:\n{streams}"));
    let watchers = (0..children).map(|index| Watcher::start(&server, &format!("s{index}"))).collect();
    wait_until("all are live", SECOND * 60, || is_whole(&server, children, None));
    (server, watchers)
}

/// Whether every stream is live with a child of its own, and this one is gone.
fn is_whole(server: &Yeoul, children: usize, killed: Option<i32>) -> bool {
    let ids = server.child_ids();
    ids.len() == children
        && !ids.iter().any(|id| Some(*id) == killed)
        && server.get("/api/streams").matches("\"state\":\"live\"").count() >= 2 * children
}

#[test]
fn killed_children_come_back_and_none_stays_behind() {
    let (children, kills) = (amount("CHILDREN", 4), amount("KILLS", 3));
    let (server, watchers) = farm(children, Yeoul::start);
    let mut times: Vec<Duration> = Vec::new();
    for round in 0..kills {
        let ids = server.child_ids();
        let victim = ids[(round * 7 + 3) % ids.len()];
        let began = Instant::now();
        kill_process(Pid::from_raw(victim).expect("a process"), Signal::KILL).expect("killed");
        wait_until("it is back", SECOND * 20, || is_whole(&server, children, Some(victim)));
        times.push(began.elapsed());
    }
    eprintln!("{children} children, {kills} killed: back after {times:?}");
    assert!(server.child_states().iter().all(|state| state != "Z"), "no zombie");
    let ids = server.child_ids();
    drop(watchers);
    assert!(server.end() < SECOND * 2);
    wait_until("no orphan", SECOND * 5, || ids.iter().all(|&id| command_line(id).is_empty()));
}

#[test]
fn children_end_with_a_server_that_is_killed() {
    let check = |start, kill: fn(Yeoul)| {
        let (server, _watchers) = farm(amount("CHILDREN", 4), start);
        let ids = server.child_ids();
        kill(server);
        wait_until("no orphan", SECOND * 5, || ids.iter().all(|&id| command_line(id).is_empty()));
    };
    // Killed as by the kernel, and as a supervisor kills a group: nothing of it runs any more.
    check(Yeoul::start, drop);
    check(Yeoul::start_as_leader, Yeoul::kill_group);
}

/// What a process was started with; empty if there is no such process, or it is a zombie.
pub(crate) fn command_line(id: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}
