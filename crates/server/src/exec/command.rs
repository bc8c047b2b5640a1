//! The text of an `exec:` or `echo:` source.

use crate::child::Manner;
use crate::limits::{CHILD_END_WAIT, CHILD_START_WAIT, EXEC_KILL_WAIT, EXEC_START_WAIT};
use rustix::process::Signal;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;
use yeoul_transcode::ffmpeg::words;

/// A program with its arguments, and how it is treated.
#[derive(Clone)]
pub(crate) struct Command {
    /// As written.
    text: String,
    /// The program and its arguments: at least the program.
    pub(super) words: Vec<String>,
    pub(super) manner: Manner,
}

/// How a program is treated whose source says nothing.
const USUAL: Manner = Manner { start_wait: CHILD_START_WAIT, signal: Signal::TERM, end_wait: CHILD_END_WAIT };

/// Why a text names no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("expected a program with its arguments behind the colon")]
    Nothing,
    #[error("#{key}={value}: expected {expected}")]
    Value { key: String, value: String, expected: String },
    #[error("#{0} means nothing here; known are killsignal, killtimeout and starttimeout")]
    Unknown(String),
    #[error("sound for a camera (#{0}) is not supported yet")]
    Backchannel(String),
}

impl Command {
    /// Reads `exec:program argument …#killsignal=15#killtimeout=5#starttimeout=10`.
    pub(crate) fn parse(text: &str) -> Result<Self, CommandError> {
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        let mut parts = rest.split('#');
        let words = words(parts.next().unwrap_or_default());
        if words.first().is_none_or(String::is_empty) {
            return Err(CommandError::Nothing);
        }
        let mut manner = USUAL;
        for part in parts.filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key {
                "killsignal" => manner.signal = signal(value)?,
                "killtimeout" => manner.end_wait = seconds(key, value, EXEC_KILL_WAIT)?,
                "starttimeout" => manner.start_wait = seconds(key, value, EXEC_START_WAIT)?,
                "backchannel" | "audio" => return Err(CommandError::Backchannel(key.to_owned())),
                _ => return Err(CommandError::Unknown(key.to_owned())),
            }
        }
        Ok(Self { text: text.to_owned(), words, manner })
    }

    /// Reads `echo:program argument …`: a `#` is the command's own.
    pub(crate) fn parse_plain(text: &str) -> Result<Self, CommandError> {
        let words = words(text.split_once(':').map_or("", |(_, rest)| rest));
        if words.first().is_none_or(String::is_empty) {
            return Err(CommandError::Nothing);
        }
        Ok(Self { text: text.to_owned(), words, manner: USUAL })
    }

    /// What is run.
    pub(crate) fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

/// A number, as go2rtc has it, or a name.
fn signal(value: &str) -> Result<Signal, CommandError> {
    let name = value.to_ascii_uppercase();
    match name.strip_prefix("SIG").unwrap_or(&name) {
        "1" | "HUP" => Ok(Signal::HUP),
        "2" | "INT" => Ok(Signal::INT),
        "3" | "QUIT" => Ok(Signal::QUIT),
        "9" | "KILL" => Ok(Signal::KILL),
        "10" | "USR1" => Ok(Signal::USR1),
        "12" | "USR2" => Ok(Signal::USR2),
        "15" | "TERM" => Ok(Signal::TERM),
        _ => Err(CommandError::Value {
            key: "killsignal".to_owned(),
            value: value.to_owned(),
            expected: "HUP, INT, QUIT, KILL, USR1, USR2, TERM or their numbers".to_owned(),
        }),
    }
}

fn seconds(key: &str, value: &str, range: RangeInclusive<u64>) -> Result<Duration, CommandError> {
    let seconds = value.trim_end_matches('s').parse().ok().filter(|seconds| range.contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| CommandError::Value {
        key: key.to_owned(),
        value: value.to_owned(),
        expected: format!("{} to {} seconds", range.start(), range.end()),
    })
}

/// As written: may hold a password.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without its arguments, which may hold a password.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("program", &self.program()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_words_with_parameters() {
        let command =
            Command::parse("exec:sh -c 'cat /a b'#killsignal=SIGINT#killtimeout=5#starttimeout=7#").unwrap();
        assert_eq!(command.words, ["sh", "-c", "cat /a b"]);
        let expected = Manner {
            start_wait: Duration::from_secs(7),
            signal: Signal::INT,
            end_wait: Duration::from_secs(5),
        };
        assert_eq!((command.program(), command.manner), ("sh", expected));
    }

    #[test]
    fn an_echo_keeps_its_number_signs() {
        let command = Command::parse_plain("echo:printf rtsp://cam#transport=udp").unwrap();
        assert_eq!(command.words, ["printf", "rtsp://cam#transport=udp"]);
        assert_eq!(Command::parse_plain("echo:").map(|_| ()), Err(CommandError::Nothing));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_words() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Command::parse(text).map(|_| ()).unwrap_err().to_string(), expected);
        };
        check("exec:", "expected a program with its arguments behind the colon");
        check("exec:''", "expected a program with its arguments behind the colon");
        check(
            "exec:a#killsignal=99",
            "#killsignal=99: expected HUP, INT, QUIT, KILL, USR1, USR2, TERM or their numbers",
        );
        check("exec:a#killtimeout=900", "#killtimeout=900: expected 0 to 60 seconds");
        check(
            "exec:a#speed=1",
            "#speed means nothing here; known are killsignal, killtimeout and starttimeout",
        );
    }
}
