//! From the scheme of a source's URL to the code that dials it: a new protocol is one line in each table here.

use crate::config::Programs;
use crate::exec::{self, Command};
use crate::ffmpeg::{self, Ffmpeg, RenditionSource};
use crate::mask::Masker;
use crate::onvif;
use crate::policy::{Origin, Route};
use crate::rtsp::desk::Desk;
use crate::streams::{DialError, ErrorKind, Registry};
use crate::webrtc::{self, WebRtc};
use crate::{file, http, udp};
use crate::{rtmp, rtsp};
use ipnet::IpNet;
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use yeoul_hub::Attach;
use yeoul_transcode::ffmpeg::source::{Input, Source as FfmpegSource};

/// The schemes that can be dialled, as `GET /api/schemes` tells them.
pub(crate) const SCHEMES: &[&str] = &[
    "echo", "exec", "ffmpeg", "file", "http", "https", "httpx", "onvif", "rtmp", "rtmps", "rtmpx", "rtsp",
    "rtsps", "rtspx", "srt", "tcp", "udp", "webrtc",
];

/// Schemes that go2rtc knows and Yeoul does not dial yet: known words, not typing errors.
pub(crate) const PLANNED_SCHEMES: &[&str] = &[
    "alsa",
    "bubble",
    "doorbird",
    "dvrip",
    "eseecloud",
    "expr",
    "flussonic",
    "gopro",
    "hass",
    "homekit",
    "isapi",
    "ivideon",
    "kasa",
    "multitrans",
    "nest",
    "ring",
    "roborock",
    "tapo",
    "tuya",
    "v4l2",
    "vigi",
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
    /// `ffmpeg:`, and `srt://`, which ffmpeg reads.
    Ffmpeg(Box<FfmpegSource>),
    /// `exec:`.
    Exec(Box<Command>),
    /// `echo:`.
    Echo(Box<Command>),
    /// `http://`, `https://`, `httpx://`, `tcp://`.
    Http(Box<http::Source>),
    /// `file:`.
    File(Box<file::Source>),
    /// `udp://`.
    Udp(Box<udp::Source>),
    /// `webrtc:`.
    WebRtc(Box<webrtc::call::Source>),
    /// `onvif://`.
    Onvif(Box<onvif::Source>),
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
    /// What follows a known scheme does not parse.
    #[error("{0}")]
    Address(String),
    /// The same, of RTMP.
    #[error(transparent)]
    Rtmp(#[from] yeoul_rtmp::url::UrlError),
    /// A caller of the API gives a source that may only stand in the configuration. The words are go2rtc's.
    #[error("source from insecure producer")]
    Insecure,
    /// A caller of the API gives a source with white space, which is how arguments come along. The words are go2rtc's.
    #[error("source with spaces may be insecure")]
    Spaces,
    /// A caller of the API gives a reference, in whose place the configuration has secrets.
    #[error("source with ${{…}} may be insecure")]
    Reference,
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
                Err(error) => Err(SourceError::Address(error.to_string())),
            },
            "rtmp" | "rtmps" | "rtmpx" => Ok(Self::Rtmp(Box::new(yeoul_rtmp::url::Source::parse(text)?))),
            "ffmpeg" => address(FfmpegSource::parse(text)).map(Self::Ffmpeg),
            "srt" => address(FfmpegSource::parse_srt(text)).map(Self::Ffmpeg),
            "file" => address(file::Source::parse(text)).map(Self::File),
            "udp" => address(udp::Source::parse(text)).map(Self::Udp),
            "exec" => address(Command::parse(text)).map(Self::Exec),
            "echo" => address(Command::parse_plain(text)).map(Self::Echo),
            "http" | "https" | "httpx" | "tcp" => address(http::Source::parse(text)).map(Self::Http),
            "webrtc" => address(webrtc::call::Source::parse(text)).map(Self::WebRtc),
            "onvif" => address(onvif::Source::parse(text)).map(Self::Onvif),
            planned if PLANNED_SCHEMES.contains(&planned) => Ok(Self::Planned { scheme }),
            _ => Err(SourceError::UnknownScheme { scheme }),
        }
    }

    /// Reads the text of a source that a caller of the API gives: none that runs a program, reads a file or opens a port, and ffmpeg with a stream
    /// of this server and presets only. Where its address leads is [`Route::of_caller`]'s matter.
    ///
    /// # Errors
    /// As [`Source::parse`], and with go2rtc's words if it may only stand in the configuration.
    pub(crate) fn parse_of_caller(text: &str, is_stream: impl Fn(&str) -> bool) -> Result<Self, SourceError> {
        check_of_caller(text)?;
        let source = Self::parse(text)?;
        if source.is_secure(is_stream) { Ok(source) } else { Err(SourceError::Insecure) }
    }

    /// Whether it runs no program but ffmpeg, and that one with what is a stream of this server and presets only.
    fn is_secure(&self, is_stream: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Rtsp(_)
            | Self::Rtmp(_)
            | Self::Http(_)
            | Self::WebRtc(_)
            | Self::Onvif(_)
            | Self::Planned { .. } => true,
            Self::Ffmpeg(source) => {
                source.is_tame() && matches!(source.input(), Input::Name(name) if is_stream(name))
            }
            Self::Exec(_) | Self::Echo(_) | Self::File(_) | Self::Udp(_) | Self::Rendition(_) => false,
        }
    }

    /// The camera, if it is one of ONVIF.
    pub(crate) fn as_onvif(&self) -> Option<&onvif::Source> {
        match self {
            Self::Onvif(source) => Some(source),
            Self::Rtsp(_)
            | Self::Rtmp(_)
            | Self::Ffmpeg(_)
            | Self::Exec(_)
            | Self::Echo(_)
            | Self::Http(_)
            | Self::File(_)
            | Self::Udp(_)
            | Self::WebRtc(_)
            | Self::Rendition(_)
            | Self::Planned { .. } => None,
        }
    }
}

/// Whether a text that a caller of the API gives may be an address.
///
/// # Errors
/// If there is white space in it, or a reference that the configuration would put a secret in for.
pub(crate) fn check_of_caller(text: &str) -> Result<(), SourceError> {
    if text.contains(char::is_whitespace) {
        return Err(SourceError::Spaces);
    }
    if text.contains("${") { Err(SourceError::Reference) } else { Ok(()) }
}

/// What follows a scheme.
fn address<T, E: fmt::Display>(parsed: Result<T, E>) -> Result<Box<T>, SourceError> {
    parsed.map(Box::new).map_err(|error| SourceError::Address(error.to_string()))
}

/// RTSP without password and parameters; others as written, with what secrets they have.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp(source) => write!(f, "{}", source.url),
            Self::Rtmp(source) => write!(f, "{}", source.url),
            Self::Ffmpeg(source) => write!(f, "{source}"),
            Self::Exec(command) | Self::Echo(command) => write!(f, "{command}"),
            Self::Http(source) => write!(f, "{source}"),
            Self::File(source) => write!(f, "{source}"),
            Self::Udp(source) => write!(f, "{source}"),
            Self::WebRtc(source) => write!(f, "{source}"),
            Self::Onvif(source) => write!(f, "{source}"),
            Self::Rendition(source) => write!(f, "{source}"),
            Self::Planned { scheme } => write!(f, "{scheme}:…"),
        }
    }
}

/// A source and the text it was read from.
#[derive(Clone)]
pub(crate) struct Written {
    /// As it stands in the configuration, or as a caller of the API has given it: with its password.
    pub(crate) text: String,
    pub(crate) source: Source,
}

impl Written {
    pub(crate) fn new(text: &str, source: Source) -> Self {
        Self { text: text.to_owned(), source }
    }
}

/// Without the text.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// What dialling takes beside the source itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Means {
    /// How ffmpeg is run.
    pub(crate) ffmpeg: Arc<Ffmpeg>,
    /// Where programs of ours read and publish.
    pub(crate) desk: Arc<Desk>,
    /// The names that are streams of this server.
    pub(crate) streams: Registry,
    /// Networks of our own surroundings that sources given by the API may lead to.
    pub(crate) source_networks: Arc<[IpNet]>,
    /// What `exec:` may run.
    pub(crate) exec: Programs,
    /// What `echo:` may run.
    pub(crate) echo: Programs,
    /// What calls other servers by WebRTC; `None` if that is off.
    pub(crate) webrtc: Option<Arc<WebRtc>>,
    /// Takes secrets out of what programs say.
    pub(crate) masker: Masker,
}

impl Means {
    /// The way of an address that was named by `origin`.
    pub(crate) fn route(&self, origin: Origin) -> Route {
        match origin {
            Origin::Owner => Route::of_owner(),
            Origin::Caller => Route::of_caller(Arc::clone(&self.source_networks)),
        }
    }
}

/// Dials `source`, which `origin` has named, and publishes its frames until it ends, or until `hang_up` is cancelled and the camera
/// has been told.
pub(crate) async fn dial(
    source: &Source,
    origin: Origin,
    means: &Means,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    // Asked each time: what was a stream's name when the source was given may be a file's by now.
    if origin == Origin::Caller && !source.is_secure(|name| means.streams.contains(name)) {
        return Err(DialError::new(ErrorKind::Unsupported, SourceError::Insecure.to_string()));
    }
    let route = means.route(origin);
    match source {
        Source::Rtsp(source) => rtsp::dial::run(source, route, attach, hang_up).await,
        Source::Rtmp(source) => rtmp::dial::run(source, route, attach, hang_up).await,
        Source::Ffmpeg(source) => {
            let Means { ffmpeg, desk, streams, .. } = means;
            ffmpeg::source::run((source, origin), ffmpeg, desk, streams, attach, hang_up).await
        }
        Source::Exec(command) => {
            exec::run(command, &means.exec, &means.desk, &means.masker, attach, hang_up).await
        }
        Source::Echo(command) => {
            let echoed = tokio::select! {
                echoed = echoed(command, means) => echoed?,
                () = hang_up.cancelled() => return Ok(()),
            };
            Box::pin(dial(&echoed, origin, means, attach, hang_up)).await
        }
        Source::Http(source) => http::run(source, route, attach, hang_up).await,
        Source::File(source) => file::run(source, &means.ffmpeg, &means.desk, attach, hang_up).await,
        Source::Udp(source) => udp::run(source, attach, hang_up).await,
        Source::WebRtc(source) => {
            webrtc::call::run(source, means.webrtc.as_ref(), route, attach, hang_up).await
        }
        Source::Onvif(source) => onvif::dial::run(source, route, attach, hang_up).await,
        Source::Rendition(source) => source.run(attach, hang_up).await,
        Source::Planned { scheme } => Err(DialError::new(
            ErrorKind::Unsupported,
            format!("sources of scheme {scheme} are not supported yet; supported are {}", SCHEMES.join(", ")),
        )),
    }
}

/// The source whose address a command writes.
async fn echoed(command: &Command, means: &Means) -> Result<Source, DialError> {
    let program = command.program();
    let text = exec::echo(command, &means.echo, &means.masker).await?;
    let refused = |text: String| DialError::new(ErrorKind::Unsupported, text);
    match Source::parse(&text) {
        Ok(Source::Echo(_)) => Err(refused(format!("{program} wrote another echo: source"))),
        Ok(source) => Ok(source),
        Err(error) => {
            let first: String = means.masker.mask(&text).chars().take(80).collect();
            Err(refused(format!("{program} wrote {first:?}, which is no source: {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_names_the_known_ones() {
        let error = Source::parse("gopher://cam/1").unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown scheme gopher; known are echo, exec, ffmpeg, file, http, https, httpx, onvif, rtmp, rtmps, rtmpx, rtsp, rtsps, rtspx, srt, tcp, udp, webrtc"
        );
    }

    #[test]
    fn a_caller_gives_no_programs_files_or_arguments() {
        let check = |text: &str, expected: Result<(), SourceError>| {
            assert_eq!(Source::parse_of_caller(text, |name| name == "cam").map(drop), expected, "{text}");
        };
        check("rtsp://192.168.1.2/1", Ok(()));
        check("http://192.168.1.2/1.mjpeg", Ok(()));
        check("onvif://192.168.1.2?subtype=1", Ok(()));
        check("ffmpeg:cam#audio=opus#query=log_level=debug", Ok(()));
        for text in
            ["exec:ls", "echo:ls", "ffmpeg:/etc/passwd", "ffmpeg:http://127.0.0.1/", "ffmpeg:virtual?video"]
        {
            check(text, Err(SourceError::Insecure));
        }
        for text in ["file:/etc/passwd", "udp://:1234", "srt://192.168.1.2:9000"] {
            check(text, Err(SourceError::Insecure));
        }
        for text in ["ffmpeg:cam#raw=-y", "ffmpeg:cam#video=-f", "ffmpeg:cam#input={input}"] {
            check(text, Err(SourceError::Insecure));
        }
        check("exec:ls /", Err(SourceError::Spaces));
        check("rtsp://192.168.1.2/a b", Err(SourceError::Spaces));
        check("rtsp://192.168.1.2/${CAMERA_PASSWORD}", Err(SourceError::Reference));
    }
}
