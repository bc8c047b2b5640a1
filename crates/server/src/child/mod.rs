//! A child process: bytes in, bytes out, and what it says when it fails. Whoever starts one gives its arguments; no shell
//! is involved.
//!
//! A child ends with its handle, and with everything that it started itself, for it has a process group of its own. If this
//! program is killed, the kernel kills the child ([`guard`]).

mod frames;
pub(crate) mod guard;

pub(crate) use frames::{Manner, Way, run};

use crate::limits::{CHILD_END_WAIT, CHILD_LINE_BYTES, CHILD_LINES};
use crate::mask::Masker;
use rustix::process::{Pid, Signal, kill_process_group};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{self, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A running child.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    /// What it takes in; dropped, it is told that there will be no more.
    pub(crate) stdin: Option<ChildStdin>,
    /// What it gives.
    pub(crate) stdout: Option<ChildStdout>,
    said: Said,
    listening: JoinHandle<()>,
}

/// The last lines that a child wrote to its standard error.
#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<VecDeque<String>>>);

impl Child {
    /// Starts `program` with these arguments.
    ///
    /// # Errors
    /// If there is no such program, or it cannot be started.
    pub(crate) fn start(program: &str, arguments: &[String]) -> io::Result<Self> {
        Self::start_in(program, arguments, &[])
    }

    /// The same with these variables in its environment.
    ///
    /// # Errors
    /// As [`Child::start`].
    pub(crate) fn start_in(
        program: &str,
        arguments: &[String],
        environment: &[(&str, String)],
    ) -> io::Result<Self> {
        let mut process = Command::from(guard::command(program, arguments)?)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let said = Said::default();
        let stderr = process.stderr.take();
        let listener = said.clone();
        let listening = tokio::spawn(async move {
            if let Some(stderr) = stderr {
                listener.listen(stderr).await;
            }
        });
        Ok(Self { stdin: process.stdin.take(), stdout: process.stdout.take(), process, said, listening })
    }

    /// Gives it all that it is to take in. A child that takes nothing says why itself.
    pub(crate) async fn give(&mut self, text: &str) {
        if let Some(mut stdin) = self.stdin.take() {
            let _ = stdin.write_all(text.as_bytes()).await;
        }
    }

    /// Ends it: it is told that nothing more will come, and has a moment to say goodbye.
    pub(crate) async fn end(mut self) {
        self.stdin = None;
        self.stdout = None;
        let _ = timeout(CHILD_END_WAIT, self.process.wait()).await;
    }

    /// Ends it: it gets `signal`, and what it started too, and has `wait` to say goodbye; then it is killed. This returns after
    /// the usual time for that, while a child with more of it goes on to the end of that in the background.
    pub(crate) async fn end_by(mut self, signal: Signal, wait: Duration) {
        (self.stdin, self.stdout) = (None, None);
        self.signal(signal);
        if timeout(wait.min(CHILD_END_WAIT), self.process.wait()).await.is_err() && wait > CHILD_END_WAIT {
            let rest = wait - CHILD_END_WAIT;
            tokio::spawn(async move { timeout(rest, self.process.wait()).await.is_ok() });
        }
    }

    /// What it has said last, if anything.
    pub(crate) fn said(&self) -> Option<String> {
        self.said.last()
    }

    fn signal(&self, signal: Signal) {
        // Not waited for yet: its number is still its own.
        if let Some(group) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Why a child that has closed its output, or takes no input, has ended: in its own words, without secrets.
    pub(crate) async fn explain(mut self, masker: &Masker) -> String {
        self.stdin = None;
        let status = match timeout(CHILD_END_WAIT, self.process.wait()).await {
            Ok(Ok(status)) => status_text(status),
            Ok(Err(error)) => format!("ended in a way that cannot be told: {error}"),
            Err(_) => "closed its output and did not end".to_owned(),
        };
        // What it wrote last may still be on its way.
        let _ = timeout(CHILD_END_WAIT, &mut self.listening).await;
        match self.said.last() {
            Some(said) => format!("{status}: {}", masker.mask(&said)),
            None => status,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.listening.abort();
        self.signal(Signal::KILL);
    }
}

fn status_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

impl Said {
    async fn listen(&self, stderr: impl AsyncRead + Unpin) {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            // A line without an end must not fill the memory.
            let mut limited = (&mut stderr).take(CHILD_LINE_BYTES);
            match limited.read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            let text = without_address(text.trim());
            if text.is_empty() {
                continue;
            }
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() >= CHILD_LINES {
                lines.pop_front();
            }
            lines.push_back(text.into_owned());
        }
    }

    /// All that is kept, as one line.
    fn last(&self) -> Option<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!lines.is_empty()).then(|| lines.iter().map(String::as_str).collect::<Vec<_>>().join("; "))
    }
}

/// A line of ffmpeg without the place in its memory of whoever says it: `[rtsp @ 0x55d4e2efcb80] …` is `rtsp: …`.
fn without_address(line: &str) -> Cow<'_, str> {
    let parts = line.strip_prefix('[').and_then(|rest| rest.split_once(" @ 0x"));
    let said = parts.and_then(|(who, rest)| Some((who, rest.split_once("] ")?.1)));
    said.map_or(Cow::Borrowed(line), |(who, text)| Cow::Owned(format!("{who}: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process_group;

    fn shell(script: &str) -> Child {
        Child::start("sh", &["-c".to_owned(), script.to_owned()]).expect("a shell")
    }

    fn group(child: &Child) -> Pid {
        Pid::from_raw(i32::try_from(child.process.id().expect("it runs")).expect("a pid")).expect("a pid")
    }

    async fn is_gone(group: Pid) -> bool {
        for _ in 0..200 {
            if test_kill_process_group(group).is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let mut child = shell("cat");
        child.give("hello").await;
        let mut stdout = child.stdout.take().unwrap();
        let mut said = String::new();
        stdout.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "hello");
        assert_eq!(child.explain(&Masker::default()).await, "ended with code 0");
    }

    #[tokio::test]
    async fn a_failure_is_told_in_its_own_last_words_without_passwords() {
        let child = shell("seq 1000 >&2; echo rtsp://me:secret@host is not there >&2; exit 3");
        let text = child.explain(&Masker::default()).await;
        assert!(text.starts_with("ended with code 3: 99"), "{text}");
        assert!(text.ends_with("1000; rtsp://***@host is not there"), "{text}");
    }

    #[test]
    fn who_says_it_is_told_by_name() {
        for (line, expected) in [
            ("[rtsp @ 0x55d4e2efcb80] method DESCRIBE failed", "rtsp: method DESCRIBE failed"),
            ("[in#0 @ 0x1] [x @ 0x2] y", "in#0: [x @ 0x2] y"),
            ("[error] no @ 0x", "[error] no @ 0x"),
            ("pipe:0: Input/output error", "pipe:0: Input/output error"),
        ] {
            assert_eq!(without_address(line), expected);
        }
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut() {
        let child = shell("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1");
        let text = child.explain(&Masker::default()).await;
        assert!(text.len() < CHILD_LINES * 600, "{} bytes", text.len());
    }

    #[tokio::test]
    async fn it_ends_when_its_input_ends() {
        let child = shell("cat >/dev/null");
        let group = group(&child);
        child.end().await;
        assert!(is_gone(group).await);
    }

    #[tokio::test]
    async fn it_is_killed_with_its_children_where_it_does_not_end() {
        let child = shell("sleep 60 & sleep 60");
        let group = group(&child);
        drop(child);
        assert!(is_gone(group).await);
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_cannot_be_started() {
        let error = Child::start("yeoul-no-such-program", &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
