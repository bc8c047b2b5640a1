//! What ffmpeg makes of our playlists: a real encoder's frames go in, ffprobe and ffmpeg read what comes out.

#![expect(clippy::panic, reason = "that is how a test fails")]

use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use yeoul_container::Event;
use yeoul_container::fmp4::Demuxer;
use yeoul_hls::{Form, Found, Options, Segmenter, Snapshot, WallClock};
use yeoul_media::{Frame, Timestamp, Track};
use yeoul_testkit::hls::MediaPlaylist;
use yeoul_testkit::{epoch, wall_epoch};

/// Twelve seconds of picture and sound by ffmpeg's encoders: 25 fps, a keyframe each second, AAC at 48 kHz.
fn film(folder: &Folder, extra: &[&str]) -> (Vec<Track>, Vec<Frame>) {
    let file = folder.0.join("film.mp4");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args([
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=25",
            "-f",
            "lavfi",
            "-i",
            "sine=sample_rate=48000",
        ])
        .args([
            "-t",
            "12",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-keyint_min",
            "25",
            "-c:a",
            "aac",
        ])
        .args(extra)
        .args(["-movflags", "+faststart"])
        .arg(&file)
        .status();
    assert!(status.expect("ffmpeg runs").success(), "ffmpeg encodes");
    let (mut demuxer, mut tracks, mut frames) = (Demuxer::new(), Vec::new(), Vec::new());
    let bytes = std::fs::read(&file).expect("the film is there");
    demuxer.push(&bytes, epoch()).expect("what ffmpeg writes can be read");
    while let Some(event) = demuxer.pull() {
        match event {
            Event::Tracks(told) => tracks = told,
            Event::Frame(frame) => frames.push(frame),
        }
    }
    // As from a camera: each frame comes in when it is to be decoded.
    frames.sort_by_key(|frame| frame.dts);
    for frame in &mut frames {
        frame.received_at = epoch() + frame.dts.saturating_since(Timestamp::ZERO);
    }
    (tracks, frames)
}

/// Puts a film through a segmenter; the playlist has all of it.
fn whole(options: Options, tracks: &[Track], frames: &[Frame]) -> Arc<Snapshot> {
    let mut segmenter = Segmenter::new(options, tracks).expect("a segmenter");
    frames.iter().for_each(|frame| segmenter.push(frame).expect("it goes on"));
    segmenter.end().expect("it can end");
    segmenter.snapshot(&[]).expect("a playlist")
}

/// Files in a folder that is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("yeoul-hls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for files");
        Self(folder)
    }

    fn write(&self, name: &str, pieces: &[Bytes]) {
        std::fs::write(self.0.join(name), pieces.concat()).expect("a file can be written");
    }

    /// The playlist and all it lists.
    fn write_all(&self, snapshot: &Snapshot) -> PathBuf {
        let text = snapshot.playlist(0, false);
        self.write("index.m3u8", std::slice::from_ref(&text));
        if let Some(init) = snapshot.latest_init() {
            self.write(&format!("init{}.mp4", init.version), std::slice::from_ref(&init.bytes));
        }
        let (playlist, findings) = MediaPlaylist::read(&String::from_utf8_lossy(&text));
        assert_eq!(findings, []);
        for listed in &playlist.segments {
            let Found::Here(segment) = snapshot.segment(listed.msn) else {
                panic!("{:?} is gone", listed.uri)
            };
            self.write(listed.uri.as_deref().expect("a URI"), &segment.pieces);
        }
        self.0.join("index.m3u8")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a program on a playlist; it says nothing on standard error.
fn quiet(program: &str, playlist: &Path, arguments: &[&str]) -> String {
    let allowed = ["-v", "error", "-allowed_extensions", "ALL"];
    let output = Command::new(program)
        .args(allowed)
        .arg("-i")
        .arg(playlist)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "", "{program} {}", playlist.display());
    assert!(output.status.success(), "{program} ends well");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both programs read the whole film without a word, and find as many frames as there are.
fn check(name: &str, options: Options, extra: &[&str]) {
    let folder = Folder::new(name);
    let (tracks, frames) = film(&folder, extra);
    let playlist = folder.write_all(&whole(options, &tracks, &frames));
    for (index, track) in tracks.iter().enumerate() {
        let count = quiet(
            "ffprobe",
            &playlist,
            &[
                "-count_packets",
                "-select_streams",
                &index.to_string(),
                "-show_entries",
                "stream=nb_read_packets",
                "-of",
                "csv=p=0",
            ],
        );
        // Sound from before the first picture is left out.
        let served = frames.iter().skip_while(|frame| frame.track != tracks[0].id);
        let sent = served.filter(|frame| frame.track == track.id).count();
        let count: usize =
            count.lines().next().unwrap_or_default().trim_matches(',').parse().expect("a number");
        assert_eq!(count, sent, "packets of track {index}");
    }
    quiet("ffmpeg", &playlist, &["-f", "null", "-"]);
}

fn everything(options: Options) -> Options {
    Options { window: Duration::from_secs(3600), ..options }
}

const CLOCK: fn() -> WallClock = || WallClock { at: epoch(), time: wall_epoch() };

#[test]
fn low_latency_segments_are_read_without_an_error_line() {
    check("low-latency", everything(Options::low_latency(CLOCK())), &[]);
}

#[test]
fn low_latency_segments_with_reordered_pictures_are_read_without_an_error_line() {
    check(
        "reordered",
        everything(Options::low_latency(CLOCK())),
        &["-bf", "2", "-flags", "+cgop", "-preset", "medium"],
    );
}

#[test]
fn classic_fragmented_mp4_is_read_without_an_error_line() {
    check("fmp4", everything(Options::classic(Form::Fmp4, CLOCK())), &[]);
}

#[test]
fn transport_streams_are_read_without_an_error_line() {
    check("ts", everything(Options::classic(Form::Ts, CLOCK())), &[]);
}

#[test]
fn transport_streams_with_reordered_pictures_are_read_without_an_error_line() {
    check(
        "ts-reordered",
        everything(Options::classic(Form::Ts, CLOCK())),
        &["-bf", "2", "-flags", "+cgop", "-preset", "medium"],
    );
}

#[test]
fn sound_alone_is_read_without_an_error_line() {
    check("sound", everything(Options::low_latency(CLOCK())), &["-vn"]);
}
