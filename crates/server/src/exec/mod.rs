//! Sources that are other programs: `exec:` gives frames, `echo:` the address of a source. Both run what the configuration says, and only
//! where it says that they may.

mod command;

pub(crate) use command::Command;

use crate::bytes::Intake;
use crate::child::{self, Child, Way};
use crate::config::Programs;
use crate::limits::{ECHO_BYTES, ECHO_WAIT};
use crate::mask::Masker;
use crate::rtsp::desk::Desk;
use crate::streams::{DialError, ErrorKind};
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use yeoul_hub::{Attach, Label};

/// Where a command has a place for the address to publish to.
const OUTPUT: &str = "{output}";

/// Runs an `exec:` source until it ends or `hang_up` is cancelled.
pub(crate) async fn run(
    command: &Command,
    allowed: &Programs,
    desk: &Arc<Desk>,
    masker: &Masker,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let program = command.program();
    permit(allowed, "exec", program)?;
    attach.progress(format!("{program} has been started and has given no frame yet"));
    let publishes = command.words.iter().any(|word| word.contains(OUTPUT));
    let (words, way) = if publishes {
        let Some((url, publication)) = desk.publish(attach) else {
            let text = format!("{program} is to publish by RTSP, and the RTSP server is off (rtsp.listen)");
            return Err(DialError::new(ErrorKind::Unsupported, text));
        };
        let words = command.words.iter().map(|word| word.replace(OUTPUT, &url)).collect();
        (words, Way::Published(publication))
    } else {
        let label = Label { protocol: "pipe".to_owned(), remote: program.to_owned(), ..Label::default() };
        (command.words.clone(), Way::Stdout(Box::new(Intake::new(attach, label))))
    };
    let child = start(&words)?;
    child::run(child, way, command.manner, program, masker, hang_up).await
}

/// Runs an `echo:` source's command; gives the text that it writes.
pub(crate) async fn echo(
    command: &Command,
    allowed: &Programs,
    masker: &Masker,
) -> Result<String, DialError> {
    let program = command.program();
    permit(allowed, "echo", program)?;
    let mut child = start(&command.words)?;
    let mut text = String::new();
    let read = async {
        match child.stdout.take() {
            Some(stdout) => stdout.take(ECHO_BYTES).read_to_string(&mut text).await.map(drop),
            None => Ok(()),
        }
    };
    let failed = |text: String| DialError::new(ErrorKind::Retry, text);
    match timeout(ECHO_WAIT, read).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(failed(format!("{program} wrote what is no address: {error}"))),
        Err(_) => {
            return Err(failed(format!("{program} wrote no address within {} s", ECHO_WAIT.as_secs())));
        }
    }
    let url = text.trim();
    if url.is_empty() {
        let words = child.explain(masker).await;
        return Err(failed(format!("{program} wrote no address and {words}")));
    }
    Ok(url.to_owned())
}

fn start(words: &[String]) -> Result<Child, DialError> {
    let (program, arguments) = words.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    Child::start(program, arguments).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return DialError::new(ErrorKind::Unsupported, format!("there is no program {program}"));
        }
        DialError::new(ErrorKind::Retry, format!("{program} cannot be started: {error}"))
    })
}

/// Whether the configuration lets sources of this kind run this program.
fn permit(allowed: &Programs, section: &str, program: &str) -> Result<(), DialError> {
    if allowed.permit(program) {
        return Ok(());
    }
    let text = if allowed.paths.is_empty() {
        format!(
            "{section} sources are off; set {section}.enabled: true, or {section}.allow_paths: [{program}]"
        )
    } else {
        format!("{section}.allow_paths does not name {program}")
    };
    Err(DialError::new(ErrorKind::Unsupported, text))
}
