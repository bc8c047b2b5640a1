//! What ffmpeg makes of frames by our command line: codings that are not decoded in this process.

use crate::media::{Coding, Stream, clip, stream};
use crate::reference::{decoded, picture, psnr_of};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use yeoul_transcode::ffmpeg::{FrameWriter, still};
use yeoul_transcode::{Picture, y4m};

/// How long an ffmpeg may take for a picture, on a machine that is busy otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running ffmpeg, and the pictures it has written.
struct Running {
    child: Child,
    writer: FrameWriter,
    pictures: mpsc::Receiver<Picture>,
}

impl Running {
    fn start(stream: &Stream) -> Self {
        let writer = FrameWriter::new(&stream.codec).expect("a video codec");
        let mut child = Command::new("ffmpeg")
            .args(still(&writer))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ffmpeg");
        let mut stdout = child.stdout.take().expect("a pipe");
        let (sender, pictures) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut reader, mut buffer) = (y4m::Reader::default(), vec![0; 64 << 10]);
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                let mut bytes = &buffer[..length];
                while !bytes.is_empty() {
                    if let Some(picture) = reader.read(&mut bytes).expect("YUV4MPEG2 as asked for") {
                        let _ = sender.send(picture);
                    }
                }
            }
        });
        Self { child, writer, pictures }
    }

    fn write(&mut self, stream: &Stream, frames: std::ops::Range<usize>) {
        let mut bytes = Vec::new();
        stream.frames[frames].iter().for_each(|frame| self.writer.write(frame, &mut bytes));
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(&bytes).and_then(|()| stdin.flush()).expect("it reads");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SOURCE: &str = "testsrc2=size=320x240:rate=25,trim=end_frame=40";

/// A stream as the server has it, by its file and coding.
fn check(name: &str, path: &std::path::Path, stream: &Stream, filter: &[&str]) {
    let theirs = decoded(path, filter);
    let mut running = Running::start(stream);
    running.write(stream, 0..stream.frames.len());
    drop(running.child.stdin.take());
    let mut count = 0;
    for (ours, theirs) in std::iter::from_fn(|| running.pictures.recv_timeout(PATIENCE).ok()).zip(&theirs) {
        let (luma, chroma) = psnr_of(&ours, &picture(theirs, ours.size(), ours.color()));
        assert!(
            luma > 45.0 && chroma > 45.0,
            "{name}: picture {count}: luma {luma:.1} dB, chroma {chroma:.1} dB"
        );
        count += 1;
    }
    assert_eq!(count, theirs.len(), "{name}");
}

#[test]
fn what_is_not_decoded_here_is_decoded_by_ffmpeg() {
    let h264 = |arguments: &str| format!("-c:v libx264 -preset veryfast -g 20 {arguments}");
    let h265 = |arguments: &str| {
        format!("-c:v libx265 -preset fast {arguments} -x265-params log-level=error:keyint=20")
    };
    let (yadif, eight) = (["-vf", "yadif=deint=interlaced"], ["-pix_fmt", "yuv420p"]);
    for (name, encoder, coding, filter) in [
        ("child-high10", h264("-bf 2 -pix_fmt yuv420p10le"), Coding::H264, &eight[..]),
        ("child-high422", h264("-bf 0 -pix_fmt yuv422p"), Coding::H264, &eight),
        ("child-mbaff", h264("-bf 0 -flags +ilme+ildct -pix_fmt yuv420p"), Coding::H264, &yadif),
        ("child-main422", h265("-pix_fmt yuv422p"), Coding::H265, &eight),
    ] {
        let path = clip(name, SOURCE, &encoder);
        check(name, &path, &stream(&path, coding), filter);
    }
}

#[test]
fn a_picture_comes_with_its_frame_or_the_next() {
    for (name, encoder, coding, later) in [
        ("child-prompt-h264", "-c:v libx264 -preset veryfast -bf 0 -pix_fmt yuv422p", Coding::H264, 1),
        (
            "child-prompt-h265",
            "-c:v libx265 -preset fast -pix_fmt yuv422p -x265-params log-level=error:bframes=0",
            Coding::H265,
            0,
        ),
    ] {
        let path = clip(name, SOURCE, encoder);
        let stream = stream(&path, coding);
        let mut running = Running::start(&stream);
        running.write(&stream, 0..later);
        for at in 0..10 {
            running.write(&stream, at + later..at + later + 1);
            running
                .pictures
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|error| panic!("{name}: picture {at}: {error}"));
        }
    }
}
