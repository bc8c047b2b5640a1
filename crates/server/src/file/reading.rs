//! Reads a file from its beginning to its end, again and again if wanted, without more of it in memory than is about to be played.

use super::Source;
use crate::bytes::from_demuxer;
use crate::limits::{FILE_BATCH_BYTES, FILE_READ_BYTES, FILE_TOP_BOXES};
use crate::playout::{Lane, Media};
use crate::streams::{DialError, ErrorKind};
use bytes::Bytes;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use yeoul_container::Event;
use yeoul_container::fmp4::{DemuxError, Index, TopBox};
use yeoul_container::sniff::{Demuxer, Error, Form};
use yeoul_media::{Kind, Timestamp, TrackId};

/// What a file turns out to be.
pub(super) enum Opened {
    /// Of a form that is read here.
    Ours(Reading, Form),
    /// For ffmpeg.
    Foreign,
}

/// A file that is open.
#[derive(Debug)]
pub(super) struct Reading {
    file: File,
    name: String,
    repeats: bool,
    start: Duration,
    is_mp4: bool,
}

/// Opens a file and looks at its first bytes.
pub(super) fn open(source: &Source) -> Result<Opened, DialError> {
    let name = source.name();
    let failed = |kind, text: String| DialError::new(kind, format!("{name} {text}"));
    let unread = |error: &io::Error| {
        if error.kind() == io::ErrorKind::NotFound {
            return failed(ErrorKind::NotFound, format!("is not there: {}", place(&source.path)));
        }
        if error.kind() == io::ErrorKind::PermissionDenied {
            let text = "may not be read by the user that this program runs as".to_owned();
            return failed(ErrorKind::Unauthorized, text);
        }
        failed(ErrorKind::Retry, format!("cannot be read: {error}"))
    };
    // Looked at before it is opened: to open a pipe waits for its other end.
    let kind = fs::metadata(&source.path).map_err(|error| unread(&error))?;
    if kind.is_dir() {
        return Err(failed(ErrorKind::Unsupported, "is a directory, not a file".to_owned()));
    }
    if !kind.is_file() {
        let text = "is a device or a pipe, not a file; ffmpeg: and exec: read those".to_owned();
        return Err(failed(ErrorKind::Unsupported, text));
    }
    let file = File::open(&source.path).map_err(|error| unread(&error))?;
    let mut head = vec![0; FILE_READ_BYTES];
    let length = file.read_at(&mut head, 0).map_err(|error| unread(&error))?;
    if length == 0 {
        return Err(failed(ErrorKind::Unsupported, "is empty".to_owned()));
    }
    let mut demuxer = Demuxer::default();
    let _ = demuxer.push(&head[..length], Instant::now());
    let Some(form) = demuxer.form() else { return Ok(Opened::Foreign) };
    let Source { repeats, start, .. } = *source;
    let reading = Reading { file, name, repeats, start, is_mp4: form == Form::Mp4 };
    Ok(Opened::Ours(reading, form))
}

/// A path, and what it is relative to.
fn place(path: &Path) -> String {
    if path.is_absolute() {
        return path.display().to_string();
    }
    let folder = std::env::current_dir().unwrap_or_default();
    format!("{} in the working directory, {}", path.display(), folder.display())
}

/// Why a round ends before the file does.
enum Stop {
    /// Nobody takes what is read any more.
    Unwanted,
    Failed(DialError),
}

impl From<DialError> for Stop {
    fn from(error: DialError) -> Self {
        Self::Failed(error)
    }
}

/// Where what is read goes.
struct Sink<'a> {
    lane: Lane,
    queue: &'a mpsc::Sender<Media>,
    /// Which round of the file it is.
    round: u64,
    /// Frames of this round.
    count: usize,
}

impl Sink<'_> {
    fn send(&mut self, events: Vec<Event>) -> Result<(), Stop> {
        // Nothing may be sent for long, where playing starts far behind the beginning.
        if self.queue.is_closed() {
            return Err(Stop::Unwanted);
        }
        for media in self.lane.take(self.round, events)? {
            if let Media::Frames(frames) = &media {
                self.count += frames.len();
            }
            self.queue.blocking_send(media).map_err(|_| Stop::Unwanted)?;
        }
        Ok(())
    }
}

impl Reading {
    /// Reads until the end, or until nobody takes what is read.
    pub(super) fn run(self, lane: Lane, queue: &mpsc::Sender<Media>) -> Result<(), DialError> {
        let mut sink = Sink { lane, queue, round: 0, count: 0 };
        loop {
            match self.round(&mut sink) {
                Ok(()) if sink.count == 0 => {
                    let text = if self.start.is_zero() {
                        "has neither picture nor sound in it".to_owned()
                    } else {
                        format!("is over before second {}", self.start.as_secs_f64())
                    };
                    return Err(self.error(ErrorKind::Unsupported, text));
                }
                Ok(()) if self.repeats => {}
                Ok(()) | Err(Stop::Unwanted) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
            }
            sink.lane.begin();
            (sink.round, sink.count) = (sink.round + 1, 0);
        }
    }

    fn round(&self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        match self.is_mp4.then(|| self.index()).transpose()?.flatten() {
            Some(index) => self.by_index(index, sink),
            None => self.by_bytes(sink),
        }
    }

    /// Reads samples where they stand.
    fn by_index(&self, mut index: Index, sink: &mut Sink<'_>) -> Result<(), Stop> {
        index.skip(self.start);
        let mut events = vec![Event::Tracks(index.tracks())];
        let mut batch_bytes = 0;
        while let Some(place) = index.next().map_err(|error| self.damaged(&error))? {
            let mut data = vec![0; place.size];
            match self.file.read_exact_at(&mut data, place.offset) {
                // A copy that was cut off plays as far as it goes.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                read => read.map_err(|error| self.unreadable(&error))?,
            }
            batch_bytes += place.size;
            events.extend(index.take(Bytes::from(data), Instant::now()).map(Event::Frame));
            if batch_bytes >= FILE_BATCH_BYTES {
                batch_bytes = 0;
                sink.send(std::mem::take(&mut events))?;
            }
        }
        sink.send(events)
    }

    /// Reads one byte after another.
    fn by_bytes(&self, sink: &mut Sink<'_>) -> Result<(), Stop> {
        let mut demuxer = Demuxer::default();
        let mut skip = Skip::new(self.start);
        let mut bytes = vec![0; FILE_READ_BYTES];
        let mut at = 0;
        // One time for all: what has no times of its own gets those of an even rate.
        let received_at = Instant::now();
        loop {
            let length = self.file.read_at(&mut bytes, at).map_err(|error| self.unreadable(&error))?;
            at += length as u64;
            let pushed = match length {
                0 => demuxer.finish(received_at),
                _ => demuxer.push(&bytes[..length], received_at),
            };
            let events = std::iter::from_fn(|| demuxer.pull()).filter(|event| skip.lets_through(event));
            sink.send(events.collect())?;
            pushed.map_err(|error| self.refused(&error))?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// The index of a plain MP4 file; `None` of a fragmented one.
    fn index(&self) -> Result<Option<Index>, DialError> {
        let mut at = 0;
        for _ in 0..FILE_TOP_BOXES {
            let mut head = [0; TopBox::HEAD_BYTES];
            let length = self.file.read_at(&mut head, at).map_err(|error| self.unreadable(&error))?;
            let top = TopBox::read(at, &head[..length]).map_err(|error| self.damaged(&error))?;
            let Some(TopBox { kind, body: (begin, Some(end)) }) = top else { return Ok(None) };
            if kind == *b"moov" {
                let size = usize::try_from(end.saturating_sub(begin)).unwrap_or(usize::MAX);
                let mut moov = vec![0; size];
                self.file.read_exact_at(&mut moov, begin).map_err(|error| self.unreadable(&error))?;
                return Index::read(moov.into()).map_err(|error| self.damaged(&error));
            }
            at = end;
        }
        Ok(None)
    }

    fn error(&self, kind: ErrorKind, text: impl std::fmt::Display) -> DialError {
        DialError::new(kind, format!("{} {text}", self.name))
    }

    fn unreadable(&self, error: &io::Error) -> DialError {
        self.error(ErrorKind::Retry, format_args!("cannot be read: {error}"))
    }

    fn damaged(&self, error: &DemuxError) -> DialError {
        self.error(ErrorKind::Unsupported, format_args!("cannot be played: {error}"))
    }

    fn refused(&self, error: &Error) -> DialError {
        let error = from_demuxer(error);
        self.error(error.kind, format_args!("cannot be played: {}", error.text))
    }
}

/// Passes over what is before the first keyframe from a time on.
struct Skip {
    time: Duration,
    /// The track that decides, where there is a picture.
    video: Option<TrackId>,
    begin: Option<Timestamp>,
    is_over: bool,
}

impl Skip {
    fn new(time: Duration) -> Self {
        Self { time, video: None, begin: None, is_over: time.is_zero() }
    }

    fn lets_through(&mut self, event: &Event) -> bool {
        match event {
            Event::Tracks(tracks) => {
                let video = tracks.iter().find(|track| track.kind() == Kind::Video);
                self.video = video.map(|track| track.id);
                true
            }
            Event::Frame(frame) => {
                let begin = *self.begin.get_or_insert(frame.dts);
                let decides = self.video.is_none_or(|video| video == frame.track);
                self.is_over |= decides && frame.keyframe && frame.dts >= begin + self.time;
                self.is_over
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playout::{self, Splice};

    #[test]
    fn nothing_to_send_tells_as_well_that_nobody_wants_it() {
        let (queue, receiver) = playout::queue();
        let mut sink = Sink { lane: Lane::new(0, Splice::default()), queue: &queue, round: 0, count: 0 };
        assert!(sink.send(Vec::new()).is_ok());
        drop(receiver);
        assert!(matches!(sink.send(Vec::new()), Err(Stop::Unwanted)));
    }
}
