//! Files made by ffmpeg, and what programs find in files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use yeoul_container::Event;
use yeoul_media::{Frame, Kind, Track};

/// Two B-frames between references, a keyframe a second.
pub(crate) const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -b:v 400k";
pub(crate) const H265: &str =
    "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:bframes=2 -b:v 300k";
pub(crate) const AAC: &str = "-c:a aac -b:a 64k";
pub(crate) const OPUS: &str = "-c:a libopus -b:a 48k -ar 48000";
pub(crate) const MP3: &str = "-c:a libmp3lame -b:a 64k -ar 44100";

/// Runs a program; what it writes to standard output. Fails if it fails or says a word.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} has to be installed: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.trim().is_empty(), "{program} {}: {words}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder for the files of one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ts_flv").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the files");
    folder
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Three seconds of moving picture and of tone, coded as told.
pub(crate) fn source(file: &Path, video: &str, audio: &str, more: &str) {
    let picture = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3";
    let sound = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=3";
    let line = format!("-hide_banner -v error -y {picture} {sound} {video} {audio} {more}");
    let mut arguments: Vec<&str> = line.split_whitespace().collect();
    arguments.push(text(file));
    run("ffmpeg", &arguments);
}

/// One packet as ffprobe finds it: stream, PTS and DTS in ticks of the container, whether it is a keyframe.
pub(crate) type Packet = (usize, i64, i64, bool);

/// The packets of a file, by stream. ffprobe may not complain, not even of what it can put up with.
pub(crate) fn packets(file: &Path) -> Vec<Packet> {
    let fields = "packet=stream_index,pts,dts,flags";
    let csv = run("ffprobe", &["-v", "warning", "-show_entries", fields, "-of", "csv=p=0", text(file)]);
    let packet = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<i64>().unwrap_or_else(|_| panic!("{line}"));
        (usize::try_from(number(0)).expect("an index"), number(1), number(2), fields[3].starts_with('K'))
    };
    let mut packets: Vec<Packet> = csv.lines().filter(|line| !line.is_empty()).map(packet).collect();
    packets.sort_by_key(|packet| packet.0);
    packets
}

/// The MD5 of every decoded picture and block of samples, by stream. ffmpeg may not complain.
pub(crate) fn decoded(file: &Path) -> Vec<(String, String)> {
    let line = format!("-v error -i {} -map 0 -fps_mode passthrough -f framemd5 -", text(file));
    let list = run("ffmpeg", &line.split_whitespace().collect::<Vec<_>>());
    let frame = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        (fields[0].to_owned(), fields[fields.len() - 1].to_owned())
    };
    let mut frames: Vec<_> = list.lines().filter(|line| !line.starts_with('#')).map(frame).collect();
    frames.sort_by(|a, b| a.0.cmp(&b.0));
    frames
}

/// What a demuxer of ours has found.
#[derive(Debug, Default)]
pub(crate) struct Demuxed {
    pub(crate) tracks: Vec<Track>,
    pub(crate) frames: Vec<Frame>,
}

impl Demuxed {
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Tracks(tracks) => {
                assert!(self.tracks.is_empty(), "the tracks are told twice: {tracks:?}");
                self.tracks = tracks;
            }
            Event::Frame(frame) => self.frames.push(frame),
        }
    }

    /// The frames as ffprobe lists packets, in ticks of `rate`, video first.
    pub(crate) fn packets(&self, rate: u32) -> Vec<Packet> {
        let mut packets = Vec::new();
        for (stream, kind) in [Kind::Video, Kind::Audio].into_iter().enumerate() {
            let of_kind = |frame: &&Frame| {
                self.tracks.iter().any(|track| track.id == frame.track && track.kind() == kind)
            };
            packets.extend(
                self.frames.iter().filter(of_kind).map(|frame| {
                    (stream, frame.pts.to_ticks(rate), frame.dts.to_ticks(rate), frame.keyframe)
                }),
            );
        }
        packets
    }

    /// The frames in decoding order, with times that start `shift` later.
    pub(crate) fn in_order(&self, shift: Duration) -> Vec<Frame> {
        let mut frames = self.frames.clone();
        for frame in &mut frames {
            (frame.pts, frame.dts) = (frame.pts + shift, frame.dts + shift);
        }
        frames.sort_by_key(|frame| frame.dts);
        frames
    }
}

/// The same packets, all `later` ticks later.
pub(crate) fn shifted(packets: &[Packet], later: i64) -> Vec<Packet> {
    packets.iter().map(|&(stream, pts, dts, keyframe)| (stream, pts + later, dts + later, keyframe)).collect()
}

/// Fails at the first packet that is not the expected one. Times of sound may differ by a tick: where a PES packet has several frames,
/// each reader rounds the times behind the first by itself.
pub(crate) fn assert_packets(got: &[Packet], expected: &[Packet], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}: packets");
    for (number, (got, expected)) in got.iter().zip(expected).enumerate() {
        let tolerance = if expected.0 == 0 { 0 } else { 1 };
        let alike = (got.0, got.3) == (expected.0, expected.3)
            && (got.1 - expected.1).abs() <= tolerance
            && (got.2 - expected.2).abs() <= tolerance;
        assert!(alike, "{what}: packet {number} is {got:?}, expected {expected:?}");
    }
}
