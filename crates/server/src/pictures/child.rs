//! An ffmpeg that decodes what this process cannot: frames go into it, pictures come out.
//!
//! It lives as long as somebody asks for pictures of its stream. It is given its arguments one by one, never by a shell, and
//! nothing of them comes from outside.

use crate::limits::{PICTURE_CHILD_QUEUE, PICTURE_CHILD_READ_BYTES, PICTURE_CHILD_WORDS, PICTURE_CHILDREN};
use bytes::Bytes;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use yeoul_media::{Codec, Frame, Timestamp};
use yeoul_transcode::ffmpeg::{self, FrameWriter};
use yeoul_transcode::{Picture, y4m};

/// Processes at a time are of this whole process.
static ROOM: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(PICTURE_CHILDREN));

/// The program.
const PROGRAM: &str = "ffmpeg";

/// Why there is no ffmpeg.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChildError {
    #[error("it has no form for {0}")]
    Codec(&'static str),
    #[error("{PICTURE_CHILDREN} of it make pictures already, which is the most that may")]
    Room,
    #[error("{PROGRAM} cannot be started: {0}; install it, or choose another codec in the camera")]
    Start(#[from] std::io::Error),
}

/// A running ffmpeg.
pub(super) struct Child {
    writer: FrameWriter,
    frames: mpsc::Sender<Bytes>,
    pictures: mpsc::Receiver<Result<Picture, String>>,
    /// When the frames came in whose pictures are not out yet, the first to be shown on top.
    under_way: BinaryHeap<Reverse<(Timestamp, Instant)>>,
    /// A frame was lost on the way in: nothing goes in before the next keyframe.
    needs_keyframe: bool,
    _room: SemaphorePermit<'static>,
}

impl Child {
    /// Starts one for the frames of a track of that codec. Its process ends when it is dropped.
    pub(super) fn start(codec: &Codec) -> Result<Self, ChildError> {
        let writer = FrameWriter::new(codec).ok_or(ChildError::Codec(codec.name()))?;
        let room = ROOM.try_acquire().map_err(|_| ChildError::Room)?;
        let mut process = Command::new(PROGRAM)
            .args(ffmpeg::still(&writer))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (frames, frames_out) = mpsc::channel(PICTURE_CHILD_QUEUE);
        let (pictures_in, pictures) = mpsc::channel(1);
        let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        tokio::spawn(async move {
            // Whichever ends first, the process has no use any more: dropped, it is killed.
            let said = tokio::select! {
                () = write(stdin, frames_out) => return,
                () = pictures_in.closed() => return,
                (result, said) = async { tokio::join!(read(stdout, &pictures_in), words(stderr)) } => {
                    result.err().unwrap_or(said)
                }
            };
            drop(process);
            let sentence = format!("{PROGRAM} has ended: {}", said.trim());
            // If nobody listens any more, nobody needs to know.
            let _ = pictures_in.send(Err(sentence)).await;
        });
        let under_way = BinaryHeap::new();
        Ok(Self { writer, frames, pictures, under_way, needs_keyframe: true, _room: room })
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
        let picture = self.pictures.recv().await.unwrap_or_else(|| Err(format!("{PROGRAM} has ended")))?;
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

/// The last words of it.
async fn words(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let (mut said, mut buffer) = (Vec::new(), [0; PICTURE_CHILD_WORDS]);
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        said.extend_from_slice(buffer.get(..length).unwrap_or_default());
        let surplus = said.len().saturating_sub(PICTURE_CHILD_WORDS);
        said.drain(..surplus);
    }
    String::from_utf8_lossy(&said).into_owned()
}
