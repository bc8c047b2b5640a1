//! Files as sources: `file:movie.mp4#loop#start=90`. They are played as fast as they play, once for whoever comes, or endlessly.
//!
//! What our demuxers read is read here, in a thread of its own, as much ahead as a second; the rest is ffmpeg's.

mod reading;
#[cfg(test)]
mod tests;

use crate::ffmpeg::{self, Ffmpeg};
use crate::playout::{self, Lane, Splice};
use crate::policy::Origin;
use crate::rtsp::desk::Desk;
use crate::streams::{DialError, ErrorKind, Registry};
use percent_encoding::percent_decode_str;
use reading::{Opened, open};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use yeoul_hub::{Attach, Label};
use yeoul_rtsp::message::{NptTime, Range};
use yeoul_transcode::ffmpeg::source::Source as FfmpegSource;

/// A file and how it is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// As written.
    text: String,
    /// Relative to the working directory, unless absolute.
    path: PathBuf,
    repeats: bool,
    /// From so long after its beginning.
    start: Duration,
}

/// Why a text names no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("expected the path of a file such as file:movie.mp4 or file:///media/movie.mp4")]
    Path,
    #[error("#start={0}: expected seconds from its beginning such as 90, or 0:01:30")]
    Start(String),
    #[error("#{0} means nothing to a file; known are loop and start")]
    Unknown(String),
}

impl Source {
    /// Reads `file:movie.mp4#loop#start=90`, `file:///media/movie.mp4`.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let mut parts = text.split('#');
        let address = parts.next().unwrap_or_default().trim();
        let rest = address.split_once(':').map_or("", |(_, rest)| rest);
        // With two slashes it is a URL, whose path is escaped and whose host is this one (RFC 8089 §2).
        let path = match rest.strip_prefix("//") {
            Some(url) => {
                let path = url.strip_prefix("localhost").unwrap_or(url);
                percent_decode_str(path).decode_utf8_lossy().into_owned()
            }
            None => rest.to_owned(),
        };
        if path.is_empty() || path.contains('\0') || (rest.starts_with("//") && !path.starts_with('/')) {
            return Err(SourceError::Path);
        }
        let mut source =
            Self { text: text.to_owned(), path: path.into(), repeats: false, start: Duration::ZERO };
        for part in parts.filter(|part| !part.is_empty()) {
            match part.split_once('=').unwrap_or((part, "")) {
                ("loop", "") => source.repeats = true,
                ("start", text) => {
                    source.start = seconds(text).ok_or_else(|| SourceError::Start(text.to_owned()))?;
                }
                (name, _) => return Err(SourceError::Unknown(name.to_owned())),
            }
        }
        Ok(source)
    }

    /// Its last part, for sentences.
    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// The same for ffmpeg, which reads as fast as it plays.
    fn for_ffmpeg(&self) -> Result<FfmpegSource, DialError> {
        let unsupported = |text: String| DialError::new(ErrorKind::Unsupported, text);
        let path = std::path::absolute(&self.path)
            .map_err(|error| unsupported(format!("{}: {error}", self.name())))?;
        let path =
            path.to_str().ok_or_else(|| unsupported(format!("the path of {} is no text", self.name())))?;
        let repeats = if self.repeats { " -stream_loop -1" } else { "" };
        let template = format!("-re{repeats} -ss {} -i {{input}}", self.start.as_secs_f64());
        Ok(FfmpegSource::of_file(path, &template))
    }
}

/// Seconds or `h:mm:ss`, as RTSP has them.
fn seconds(text: &str) -> Option<Duration> {
    match format!("npt={text}-").parse() {
        Ok(Range::Npt { start: Some(NptTime::At(start)), end: None }) => Some(start),
        _ => None,
    }
}

/// As written.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Plays `source` until it ends or `hang_up` is cancelled.
pub(crate) async fn run(
    source: &Source,
    ffmpeg: &Ffmpeg,
    desk: &Arc<Desk>,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let opening = source.clone();
    let opened = spawn_blocking(move || open(&opening)).await;
    let opened = opened.map_err(|error| DialError::new(ErrorKind::Retry, error.to_string()))??;
    let played = format!("{} has been played to its end", source.name());
    match opened {
        Opened::Ours(reading, form) => {
            let (sender, receiver) = playout::queue();
            let lane = Lane::new(0, Splice::default());
            // It ends with the queue: nobody waits for it where the source is not wanted any more.
            let reading = spawn_blocking(move || reading.run(lane, &sender));
            let label = Label { protocol: format!("{form}+file"), remote: source.name(), ..Label::default() };
            let play = async {
                let result = playout::play(vec![receiver], attach, label).await;
                // What was wrong with the file says more than that nothing came of it.
                let read =
                    reading.await.map_err(|error| DialError::new(ErrorKind::Retry, error.to_string()))?;
                read.and(result)
            };
            tokio::select! {
                result = play => result?,
                () = hang_up.cancelled() => return Ok(()),
            }
        }
        Opened::Foreign => {
            let theirs = source.for_ffmpeg()?;
            let result = ffmpeg::source::run(
                (&theirs, Origin::Owner),
                ffmpeg,
                desk,
                &Registry::default(),
                attach,
                hang_up.clone(),
            )
            .await;
            match result {
                Err(error) if !error.text.starts_with(CLEAN_END) => return Err(error),
                Ok(()) if hang_up.is_cancelled() => return Ok(()),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Err(DialError::new(ErrorKind::Ended, played))
}

/// How ffmpeg ends that has given all of a file.
const CLEAN_END: &str = "ffmpeg ended with code 0";
