//! An ffmpeg that decodes what this process cannot: frames go into it, pictures come out.
//!
//! It lives as long as somebody asks for pictures of its stream. Nothing of its arguments comes from outside.

use crate::ffmpeg::{Ffmpeg, Running};
use crate::limits::{PICTURE_CHILD_QUEUE, PICTURE_CHILD_READ_BYTES};
use bytes::Bytes;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use yeoul_media::{Codec, Frame, Timestamp};
use yeoul_transcode::ffmpeg::{self, FrameWriter};
use yeoul_transcode::{Picture, y4m};

/// A running ffmpeg.
pub(super) struct Child {
    writer: FrameWriter,
    frames: mpsc::Sender<Bytes>,
    pictures: mpsc::Receiver<Result<Picture, String>>,
    /// When the frames came in whose pictures are not out yet, the first to be shown on top.
    under_way: BinaryHeap<Reverse<(Timestamp, Instant)>>,
    /// A frame was lost on the way in: nothing goes in before the next keyframe.
    needs_keyframe: bool,
}

impl Child {
    /// Starts one for the frames of a track of that codec. Its process ends when it is dropped.
    ///
    /// # Errors
    /// If it cannot be started: a sentence.
    pub(super) fn start(ffmpeg: &Arc<Ffmpeg>, codec: &Codec) -> Result<Self, String> {
        let writer = FrameWriter::new(codec).ok_or_else(|| format!("it is not given {}", codec.name()))?;
        let running = ffmpeg.start(&ffmpeg::still(&writer)).map_err(|error| error.to_string())?;
        let (frames, frames_out) = mpsc::channel(PICTURE_CHILD_QUEUE);
        let (pictures_in, pictures) = mpsc::channel(1);
        tokio::spawn(run(Arc::clone(ffmpeg), running, frames_out, pictures_in));
        Ok(Self { writer, frames, pictures, under_way: BinaryHeap::new(), needs_keyframe: true })
    }

    /// Hands a frame over. Where ffmpeg does not keep up, it goes on at the next keyframe.
    pub(super) fn write(&mut self, frame: &Frame) {
        if self.needs_keyframe && !frame.keyframe {
            return;
        }
        let mut bytes = Vec::with_capacity(frame.data.len() + 1024);
        self.writer.write(frame, &mut bytes);
        self.needs_keyframe = self.frames.try_send(bytes.into()).is_err();
        if !self.needs_keyframe {
            self.under_way.push(Reverse((frame.pts, frame.received_at)));
        }
    }

    /// The next picture, and when its frame came in; a sentence if there will be none. Cancel safe.
    pub(super) async fn picture(&mut self) -> Result<(Picture, Instant), String> {
        let picture = self.pictures.recv().await.unwrap_or_else(|| Err("ffmpeg has ended".to_owned()))?;
        // Pictures come in the order they are shown. ffmpeg leaves out what it cannot decode: the times of those would
        // heap up, and pass for those of later pictures.
        while self.under_way.len() > PICTURE_CHILD_QUEUE {
            self.under_way.pop();
        }
        let received_at =
            self.under_way.pop().map_or_else(Instant::now, |Reverse((_, received_at))| received_at);
        Ok((picture, received_at))
    }
}

/// A process to its end, or to that of its handle: dropped, it is killed.
async fn run(
    ffmpeg: Arc<Ffmpeg>,
    mut running: Running,
    frames: mpsc::Receiver<Bytes>,
    pictures: mpsc::Sender<Result<Picture, String>>,
) {
    let (stdin, stdout) = (running.child.stdin.take(), running.child.stdout.take());
    let foreign = tokio::select! {
        () = write(stdin, frames) => return,
        () = pictures.closed() => return,
        result = read(stdout, &pictures) => result.err(),
    };
    let sentence = match foreign {
        Some(sentence) => sentence,
        None => ffmpeg.explain(running).await.to_string(),
    };
    // If nobody listens any more, nobody needs to know.
    let _ = pictures.send(Err(sentence)).await;
}

async fn write(stdin: Option<ChildStdin>, mut frames: mpsc::Receiver<Bytes>) {
    let Some(mut stdin) = stdin else { return };
    while let Some(frame) = frames.recv().await {
        if stdin.write_all(&frame).await.is_err() {
            // It has ended; what it said last is more telling.
            std::future::pending::<()>().await;
        }
    }
}

/// Pictures to the end of the output; an error in words if it is none of ffmpeg's.
async fn read(
    stdout: Option<ChildStdout>,
    pictures: &mpsc::Sender<Result<Picture, String>>,
) -> Result<(), String> {
    let Some(mut stdout) = stdout else { return Ok(()) };
    let (mut reader, mut buffer) = (y4m::Reader::default(), vec![0; PICTURE_CHILD_READ_BYTES]);
    loop {
        let length = match stdout.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(length) => length,
        };
        let mut bytes = buffer.get(..length).unwrap_or_default();
        while !bytes.is_empty() {
            if let Some(picture) = reader.read(&mut bytes).map_err(|error| error.to_string())?
                && pictures.send(Ok(picture)).await.is_err()
            {
                return Ok(());
            }
        }
    }
}
