//! A child whose output is a source's frames: on its standard output, whatever form that has, or published to us by RTSP.

use super::Child;
use crate::bytes::Intake;
use crate::limits::{BYTES_READ, SOURCE_SILENCE};
use crate::mask::Masker;
use crate::rtsp::desk::Publication;
use crate::streams::{DialError, ErrorKind};
use rustix::process::Signal;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How a child is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How long it may take to its first frame.
    pub(crate) start_wait: Duration,
    /// What tells it to end.
    pub(crate) signal: Signal,
    /// How long it may take to end then, before it is killed.
    pub(crate) end_wait: Duration,
}

/// The way its frames come.
pub(crate) enum Way {
    /// On its standard output.
    Stdout(Box<Intake>),
    /// It publishes; the address is kept as long as this.
    Published(Publication),
}

/// Why the frames end while the child runs, or once it has closed its output.
enum End {
    /// It has ended, or closed its output: its own words say why.
    Child,
    /// Something is wrong with what it gives.
    Failed(DialError),
    /// The source is not wanted any more.
    HungUp,
}

/// Publishes what `child` gives until it ends, or until `hang_up`. `name` is what it is called in sentences.
pub(crate) async fn run(
    mut child: Child,
    way: Way,
    manner: Manner,
    name: &str,
    masker: &Masker,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let end = tokio::select! {
        end = frames(&mut child, way, manner, name) => end,
        () = hang_up.cancelled() => End::HungUp,
    };
    match end {
        End::Child => {
            let words = child.explain(masker).await;
            Err(DialError::new(ErrorKind::Retry, format!("{name} {words}")))
        }
        End::Failed(error) => {
            let said = child.said().map(|said| format!("; it says: {}", masker.mask(&said)));
            child.end_by(manner.signal, manner.end_wait).await;
            Err(DialError { text: error.text + &said.unwrap_or_default(), ..error })
        }
        End::HungUp => {
            child.end_by(manner.signal, manner.end_wait).await;
            Ok(())
        }
    }
}

async fn frames(child: &mut Child, way: Way, manner: Manner, name: &str) -> End {
    match way {
        Way::Stdout(intake) => from_stdout(child, *intake, manner, name).await,
        Way::Published(publication) => published(child, publication, manner, name).await,
    }
}

async fn from_stdout(child: &mut Child, mut intake: Intake, manner: Manner, name: &str) -> End {
    let Some(mut stdout) = child.stdout.take() else { return End::Child };
    let mut bytes = vec![0; BYTES_READ];
    let failed = |text: String| End::Failed(DialError::new(ErrorKind::Retry, text));
    let begin = tokio::time::Instant::now();
    loop {
        let until = if intake.is_live() {
            tokio::time::Instant::now() + SOURCE_SILENCE
        } else {
            begin + manner.start_wait
        };
        let asked = tokio::time::Instant::now();
        let Ok(read) = tokio::time::timeout_at(until, stdout.read(&mut bytes)).await else {
            return failed(if intake.is_live() {
                format!("{name} has given nothing for {} s", SOURCE_SILENCE.as_secs())
            } else {
                format!("{name} gave no frame within {} s", manner.start_wait.as_secs())
            });
        };
        let taken = match read {
            Ok(0) => {
                let finished = intake.finish();
                // A child that says why is better heard than what its last bytes may be.
                return match finished {
                    Err(error) if child.said().is_none() => End::Failed(told(name, error)),
                    Ok(()) | Err(_) => End::Child,
                };
            }
            Ok(count) => intake.push(&bytes[..count]),
            Err(_) => return End::Child,
        };
        if let Err(error) = taken {
            return End::Failed(told(name, error));
        }
        let hold = intake.hold(asked.elapsed());
        if !hold.is_zero() {
            sleep(hold).await;
        }
    }
}

fn told(name: &str, error: DialError) -> DialError {
    DialError { text: format!("{name} gave what cannot be read: {}", error.text), ..error }
}

async fn published(child: &mut Child, publication: Publication, manner: Manner, name: &str) -> End {
    // A pipe that nobody reads would stop a child that writes there for people.
    let mut stdout = child.stdout.take();
    let emptied = async {
        if let Some(stdout) = &mut stdout {
            let _ = tokio::io::copy(stdout, &mut tokio::io::sink()).await;
        }
        std::future::pending::<()>().await;
    };
    let course = async {
        tokio::select! {
            begun = timeout(manner.start_wait, publication.begun()) => {
                if begun.is_err() {
                    let text = format!("{name} did not publish within {} s", manner.start_wait.as_secs());
                    return End::Failed(DialError::new(ErrorKind::Retry, text));
                }
            }
            _ = child.process.wait() => return End::Child,
        }
        tokio::select! {
            () = publication.ended() => {}
            _ = child.process.wait() => {}
        }
        End::Child
    };
    tokio::select! {
        end = course => end,
        () = emptied => End::Child,
    }
}
