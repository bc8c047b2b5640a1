//! From the scheme of a source's URL to the code that dials it: a new protocol is one line in each table here.

use crate::ffmpeg::RenditionSource;
use crate::streams::{DialError, ErrorKind};
use crate::{rtmp, rtsp};
use std::fmt;
use tokio_util::sync::CancellationToken;
use yeoul_hub::Attach;

/// The schemes that can be dialled, as `GET /api/schemes` tells them.
pub(crate) const SCHEMES: &[&str] = &["rtmp", "rtmps", "rtmpx", "rtsp", "rtsps", "rtspx"];

/// Schemes that go2rtc knows and Yeoul does not dial yet: known words, not typing errors.
pub(crate) const PLANNED_SCHEMES: &[&str] = &[
    "alsa",
    "bubble",
    "doorbird",
    "dvrip",
    "echo",
    "eseecloud",
    "exec",
    "expr",
    "ffmpeg",
    "flussonic",
    "gopro",
    "hass",
    "homekit",
    "http",
    "https",
    "httpx",
    "isapi",
    "ivideon",
    "kasa",
    "multitrans",
    "nest",
    "onvif",
    "ring",
    "roborock",
    "tapo",
    "tcp",
    "tuya",
    "v4l2",
    "vigi",
    "webrtc",
    "webtorrent",
    "wyoming",
    "wyze",
    "xiaomi",
    "yandex",
];

/// A source of a stream as configured.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// `rtsp://`, `rtsps://`, `rtspx://`.
    Rtsp(Box<yeoul_rtsp::client::Source>),
    /// `rtmp://`, `rtmps://`, `rtmpx://`.
    Rtmp(Box<yeoul_rtmp::url::Source>),
    /// A lower quality of another stream. Nobody writes it as a URL: it is a variant.
    Rendition(RenditionSource),
    /// A scheme of [`PLANNED_SCHEMES`]: the stream says so when it is asked for.
    Planned {
        /// The scheme alone: the rest may hold a password in a place that only its protocol knows.
        scheme: String,
    },
}

/// Why a source's text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// No scheme at all.
    #[error("expected a URL such as rtsp://user:password@192.168.1.10/stream1, got a text without a scheme")]
    NoScheme,
    /// A scheme nobody knows.
    #[error("unknown scheme {scheme}; known are {}", SCHEMES.join(", "))]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// The URL of a known scheme does not parse.
    #[error("{0}")]
    Rtsp(String),
    /// The URL of a known scheme does not parse.
    #[error(transparent)]
    Rtmp(#[from] yeoul_rtmp::url::UrlError),
}

impl Source {
    /// Reads the text of a source.
    ///
    /// # Errors
    /// If its scheme is unknown or its URL does not parse.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let scheme = text
            .split_once(':')
            .map(|(scheme, _)| scheme.to_ascii_lowercase())
            .ok_or(SourceError::NoScheme)?;
        match scheme.as_str() {
            "rtsp" | "rtsps" | "rtspx" => match yeoul_rtsp::client::Source::parse(text) {
                Ok(source) => Ok(Self::Rtsp(Box::new(source))),
                Err(error) => Err(SourceError::Rtsp(error.to_string())),
            },
            "rtmp" | "rtmps" | "rtmpx" => Ok(Self::Rtmp(Box::new(yeoul_rtmp::url::Source::parse(text)?))),
            planned if PLANNED_SCHEMES.contains(&planned) => Ok(Self::Planned { scheme }),
            _ => Err(SourceError::UnknownScheme { scheme }),
        }
    }
}

/// Without password and parameters.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp(source) => write!(f, "{}", source.url),
            Self::Rtmp(source) => write!(f, "{}", source.url),
            Self::Rendition(source) => write!(f, "{source}"),
            Self::Planned { scheme } => write!(f, "{scheme}:…"),
        }
    }
}

/// Dials `source` and publishes its frames until it ends, or until `hang_up` is cancelled and the camera has been told.
pub(crate) async fn dial(
    source: &Source,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    match source {
        Source::Rtsp(source) => rtsp::dial::run(source, attach, hang_up).await,
        Source::Rtmp(source) => rtmp::dial::run(source, attach, hang_up).await,
        Source::Rendition(source) => source.run(attach, hang_up).await,
        Source::Planned { scheme } => Err(DialError::new(
            ErrorKind::Unsupported,
            format!("sources of scheme {scheme} are not supported yet; supported are {}", SCHEMES.join(", ")),
        )),
    }
}
