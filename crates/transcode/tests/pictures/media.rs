//! Streams as the server has them: frames of access units with their times.

use bytes::{Bytes, BytesMut};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::bitstream::{h264, h265, nal};
use yeoul_media::{Codec, Frame, Timestamp, TrackId};
use yeoul_testkit::epoch;

/// H.264 or H.265.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    H264,
    H265,
}

impl Coding {
    fn format(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "hevc",
        }
    }

    /// The type by which a NAL unit begins a picture or stands before one; `None` for one that continues a picture.
    fn begins(self, unit: &[u8]) -> Option<bool> {
        match (self, unit) {
            // first_mb_in_slice 0 is a single 1 bit.
            (Self::H264, [header, first, ..]) => match header & 0x1f {
                1..=5 => (first & 0x80 != 0).then_some(true),
                6..=9 | 14 | 15 => Some(false),
                _ => None,
            },
            // first_slice_segment_in_pic_flag.
            (Self::H265, [header, _, first, ..]) => match header >> 1 {
                0..=31 => (first & 0x80 != 0).then_some(true),
                32..=35 | 39 => Some(false),
                _ => None,
            },
            (_, _) => None,
        }
    }
}

/// The standard output of a program that has to succeed.
pub(crate) fn output(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writing = std::thread::spawn(move || {
        // A program that has read enough closes its end.
        let _ = std::io::Write::write_all(&mut stdin, &input);
    });
    let output = child.wait_with_output().expect("it ends");
    writing.join().expect("the writer ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    output.stdout
}

/// A clip that ffmpeg makes of `source`, a lavfi graph, with these arguments for its encoder; kept for the next run.
pub(crate) fn clip(name: &str, source: &str, encoder: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("{name}.mkv"));
    if !path.exists() {
        // Tests of other processes make the same one: whoever is last wins, and all are the same.
        let made = folder.join(format!("{name}.{}.mkv", std::process::id()));
        let mut arguments = vec!["-v", "error", "-y", "-f", "lavfi", "-i", source, "-threads", "1"];
        arguments.extend(encoder.split(' '));
        arguments.push(made.to_str().expect("a path of ours"));
        output("ffmpeg", &arguments, &[]);
        std::fs::rename(&made, &path).expect("a rename within the folder");
    }
    path
}

/// A video track as the server has it.
pub(crate) struct Stream {
    pub(crate) codec: Codec,
    pub(crate) frames: Vec<Frame>,
    /// The times are those of a file, not made up.
    pub(crate) has_times: bool,
    /// Pictures may be shown in another order than decoded.
    pub(crate) has_b_frames: bool,
}

/// The first video track of a file; times are those of its packets.
pub(crate) fn stream(path: &Path, coding: Coding) -> Stream {
    let name = path.to_str().expect("a path of ours");
    let copy = ["-v", "error", "-i", name, "-map", "0:v:0", "-c", "copy", "-f", coding.format(), "-"];
    let elementary = output("ffmpeg", &copy, &[]);
    let fields =
        ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", name];
    let times = String::from_utf8(output("ffprobe", &fields, &[])).expect("text");
    let mut stream = elementary_stream(&elementary, coding);
    let times: Vec<f64> = times.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    assert_eq!(stream.frames.len(), times.len(), "{name}: an access unit for each packet");
    for (frame, time) in stream.frames.iter_mut().zip(times) {
        frame.pts = Timestamp::ZERO + Duration::from_secs_f64(time);
    }
    stream.has_times = true;
    stream
}

/// Frames of Annex B in decoding order, 40 ms each.
pub(crate) fn elementary_stream(annex_b: &[u8], coding: Coding) -> Stream {
    let mut units: Vec<Vec<&[u8]>> = Vec::new();
    let mut has_slices = false;
    for unit in nal::annex_b(annex_b) {
        match coding.begins(unit) {
            // Before the slices of an access unit stands what belongs to it (H.264 §7.4.1.2.3).
            Some(is_slice) if has_slices || units.is_empty() => {
                units.push(vec![unit]);
                has_slices = is_slice;
            }
            Some(is_slice) => {
                has_slices |= is_slice;
                units.last_mut().expect("not empty").push(unit);
            }
            None => units.last_mut().map(|units| units.push(unit)).unwrap_or_default(),
        }
    }
    let mut codec = match coding {
        Coding::H264 => Codec::H264(None),
        Coding::H265 => Codec::H265(None),
    };
    let frames: Vec<Frame> =
        units.iter().zip(0u32..).map(|(units, index)| frame(units, index, coding, &mut codec)).collect();
    let reorder = match &codec {
        Codec::H264(sets) => sets.as_ref().and_then(h264::ParameterSets::reorder_frames),
        Codec::H265(sets) => sets.as_ref().and_then(h265::ParameterSets::reorder_frames),
        Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    };
    Stream { codec, frames, has_times: false, has_b_frames: reorder != Some(0) }
}

fn frame(units: &[&[u8]], index: u32, coding: Coding, codec: &mut Codec) -> Frame {
    let mut data = BytesMut::new();
    for unit in units {
        nal::put_length_prefixed(&mut data, unit);
    }
    let data: Bytes = data.freeze();
    let units = || units.iter().copied();
    let (keyframe, sets) = match coding {
        Coding::H264 => (
            h264::is_keyframe(units()),
            h264::ParameterSets::from_access_unit(&data).ok().map(|sets| Codec::H264(Some(sets))),
        ),
        Coding::H265 => (
            h265::is_keyframe(units()),
            h265::ParameterSets::from_access_unit(&data).ok().map(|sets| Codec::H265(Some(sets))),
        ),
    };
    let new_codec = sets.filter(|sets| sets != codec);
    if let Some(sets) = new_codec.clone().filter(|_| codec.dimensions().is_none()) {
        *codec = sets;
    }
    let time = Duration::from_millis(40) * index;
    Frame {
        track: TrackId(1),
        keyframe,
        pts: Timestamp::ZERO + time,
        dts: Timestamp::ZERO + time,
        new_codec: new_codec.map(Arc::new),
        captured_at: None,
        received_at: epoch() + time,
        data,
    }
}
