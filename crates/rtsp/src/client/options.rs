//! A configured source: its URL and the parameters behind `#`.
//!
//! | parameter | meaning |
//! |---|---|
//! | `#transport=tcp`, `#transport=udp` | interleaved on the control connection, or UDP; without it TCP, and UDP where the camera refuses TCP |
//! | `#timeout=5` | seconds without an answer, or without media, after which the source has failed; 1 to 300 |
//! | `#media=video`, `#media=audio` | take only these tracks |
//! | `#start=2026-11-22T10:00:00Z`, `#start=90` | play a recording from this time in UTC, or from this many seconds (or `h:mm:ss`) after its start |
//! | `#range=clock=20261122T100000Z-20261122T110000Z`, `#range=npt=10-60` | play this part of a recording; it is the Range header of PLAY (RFC 2326 §12.29) |
//! | `#backchannel=0`, `#backchannel=1` | taken, without effect: sound to the camera is not sent yet |
//!
//! Parameters are separated by `#`, or by `&` as in a query.

use crate::message::{NptTime, Range};
use crate::url::{Url, UrlError};
use std::time::Duration;

/// A configured source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What to dial.
    pub url: Url,
    /// The parameters.
    pub options: Options,
}

/// The parameters of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How packets travel.
    pub transport: TransportChoice,
    /// How long to wait for an answer, and for media.
    pub timeout: Duration,
    /// Take video tracks.
    pub video: bool,
    /// Take audio tracks.
    pub audio: bool,
    /// Which part of a recording to play; `None` plays live.
    pub range: Option<Range>,
    /// Parameters that mean nothing to RTSP, as they stand: for a warning.
    pub unknown: Vec<String>,
}

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportChoice {
    /// TCP, and UDP if the server refuses it.
    Auto,
    /// Only interleaved on the control connection.
    Tcp,
    /// Only UDP.
    Udp,
}

/// Why a source's text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A parameter's value.
    #[error("#{name}={value}: expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What is there.
        value: String,
        /// What can be there.
        expected: &'static str,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self {
            transport: TransportChoice::Auto,
            timeout: Duration::from_secs(5),
            video: true,
            audio: true,
            range: None,
            unknown: Vec::new(),
        }
    }
}

impl Source {
    /// Reads a source as it stands in the configuration.
    ///
    /// # Errors
    /// If the URL or the value of a known parameter cannot be understood.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let (url, fragment) = Url::split_fragment(text.trim());
        let url = Url::parse(url)?;
        let mut options = Options::default();
        let mut media = Vec::new();
        for parameter in fragment.split(['#', '&']).filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "transport" => options.transport = parse_transport(value)?,
                "timeout" => options.timeout = parse_timeout(value)?,
                "media" => media.push(value),
                "start" => options.range = Some(parse_start(value)?),
                "range" => options.range = Some(parse_range(value)?),
                "backchannel" => {}
                _ => options.unknown.push(parameter.to_owned()),
            }
        }
        if !media.is_empty() {
            options.video = media.iter().any(|value| value.contains("video"));
            options.audio = media.iter().any(|value| value.contains("audio"));
            if !options.video && !options.audio {
                return Err(refused("media", media.first().unwrap_or(&""), "video or audio"));
            }
        }
        Ok(Self { url, options })
    }
}

fn refused(name: &'static str, value: &str, expected: &'static str) -> SourceError {
    SourceError::Parameter { name, value: value.chars().take(80).collect(), expected }
}

fn parse_transport(value: &str) -> Result<TransportChoice, SourceError> {
    match value.to_ascii_lowercase().as_str() {
        "tcp" => Ok(TransportChoice::Tcp),
        "udp" => Ok(TransportChoice::Udp),
        "auto" => Ok(TransportChoice::Auto),
        _ => Err(refused("transport", value, "tcp or udp")),
    }
}

fn parse_timeout(value: &str) -> Result<Duration, SourceError> {
    let seconds = value.parse().ok().filter(|seconds| (1..=300).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| refused("timeout", value, "1 to 300 seconds"))
}

fn parse_start(value: &str) -> Result<Range, SourceError> {
    let range = format!("clock={value}-").parse().or_else(|_| format!("npt={value}-").parse());
    match range {
        Ok(
            range @ (Range::Clock { end: None, .. } | Range::Npt { start: Some(NptTime::At(_)), end: None }),
        ) => Ok(range),
        _ => Err(refused(
            "start",
            value,
            "a time such as 2026-11-22T10:00:00Z, or seconds from the recording's start",
        )),
    }
}

fn parse_range(value: &str) -> Result<Range, SourceError> {
    let expected = "clock=20261122T100000Z-20261122T110000Z, clock=20261122T100000Z-, npt=10-60 or npt=10-";
    value.parse().map_err(|_| refused("range", value, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(fragment: &str) -> Options {
        Source::parse(&format!("rtsp://a:b#c@cam/live{fragment}")).expect(fragment).options
    }

    fn check_error(fragment: &str, expected: &str) {
        let error = Source::parse(&format!("rtsp://cam/{fragment}")).expect_err(fragment);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn without_parameters_everything_is_taken_live() {
        assert_eq!(options(""), Options::default());
        assert_eq!(options("#backchannel=0"), Options::default());
    }

    #[test]
    fn parameters_are_read() {
        let read = options("#transport=udp#timeout=10&media=audio#input=x#y");
        assert_eq!(read.transport, TransportChoice::Udp);
        assert_eq!(read.timeout, Duration::from_secs(10));
        assert_eq!((read.video, read.audio), (false, true));
        assert_eq!(read.unknown, ["input=x", "y"]);
    }

    #[test]
    fn a_recording_is_asked_for_by_time_of_day_or_from_its_start() {
        let range = |fragment| options(fragment).range.expect("a range").to_string();
        assert_eq!(range("#start=2026-11-22T10:00:00Z"), "clock=20261122T100000Z-");
        assert_eq!(range("#start=1:30"), "npt=90.000-");
        assert_eq!(
            range("#range=clock=20261122T100000Z-20261122T110000Z"),
            "clock=20261122T100000Z-20261122T110000Z"
        );
        assert_eq!(range("#range=npt=10-60"), "npt=10.000-60.000");
    }

    #[test]
    fn wrong_values_are_told_with_what_was_expected() {
        check_error("#transport=ws://x", "#transport=ws://x: expected tcp or udp");
        check_error("#timeout=0", "#timeout=0: expected 1 to 300 seconds");
        check_error("#media=smell", "#media=smell: expected video or audio");
        check_error(
            "#start=now",
            "#start=now: expected a time such as 2026-11-22T10:00:00Z, or seconds from the recording's start",
        );
    }
}
