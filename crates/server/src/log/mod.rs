//! Log lines in go2rtc's shape, for people and for what reads them (Home Assistant waits for `INF [api] listen addr=`):
//!
//! ```text
//! 15:04:05.678 INF [api] listen addr=:1984
//! ```
//!
//! Every line passes the [`Masker`], whoever wrote it. Lines are written by a thread of their own, so that a terminal or pipe
//! that nobody reads never holds up the media; when it falls behind, lines are dropped and the next one says how many.

mod line;
mod writer;

use crate::config::{Log, LogFormat, LogOutput};
use crate::mask::Masker;
use line::Line;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write, stderr, stdout};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use writer::Writer;

/// Writes what is still to be written when dropped.
#[derive(Debug)]
pub(crate) struct Flush {
    _writer: Option<Writer>,
}

/// Why logs cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("log.output: cannot write to {file}: {error}")]
    File { file: String, error: std::io::Error },
    #[error("log: {0}")]
    Thread(std::io::Error),
    #[error("log: {0}")]
    Twice(#[from] TryInitError),
}

/// Starts the logs of this process. Once.
pub(crate) fn start(config: &Log, masker: Masker) -> Result<Flush, LogError> {
    let (out, terminal): (Box<dyn Write + Send>, bool) = match &config.output {
        LogOutput::Stdout => (Box::new(stdout()), stdout().is_terminal()),
        LogOutput::Stderr => (Box::new(stderr()), stderr().is_terminal()),
        LogOutput::File(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let failed = |error| LogError::File { file: path.display().to_string(), error };
            (Box::new(file.map_err(failed)?), false)
        }
        LogOutput::None => return Ok(Flush { _writer: None }),
    };
    let (writer, lines) = Writer::start(out).map_err(LogError::Thread)?;
    let style = match config.format {
        LogFormat::Json => Style::Json,
        LogFormat::Color => Style::Color,
        LogFormat::Auto if terminal => Style::Color,
        LogFormat::Auto | LogFormat::Text => Style::Text,
    };
    let layer = Lines { levels: Levels::new(config), style, time: config.time, masker, lines };
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(Flush { _writer: Some(writer) })
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Text,
    Color,
    Json,
}

/// Turns events into lines.
struct Lines {
    levels: Levels,
    style: Style,
    time: crate::config::LogTime,
    masker: Masker,
    lines: writer::Lines,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.levels.permits(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.levels.permits(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.levels.highest())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let text = Line::of(event).write(self.style, self.time, &jiff::Zoned::now());
        self.lines.send(self.masker.mask(&text));
    }
}

/// Which lines are written.
struct Levels {
    default: LevelFilter,
    modules: BTreeMap<String, LevelFilter>,
}

impl Levels {
    fn new(config: &Log) -> Self {
        let filter = |level: Option<tracing::Level>| level.map_or(LevelFilter::OFF, LevelFilter::from_level);
        let modules = config.modules.iter().map(|(module, level)| (module.clone(), filter(*level))).collect();
        Self { default: filter(config.level), modules }
    }

    fn permits(&self, metadata: &Metadata<'_>) -> bool {
        let (module, ours) = module(metadata.target());
        // Other people's crates speak of what matters to them: only their warnings matter here.
        let default = if ours { self.default } else { self.default.min(LevelFilter::WARN) };
        *metadata.level() <= *self.modules.get(module).unwrap_or(&default)
    }

    fn highest(&self) -> LevelFilter {
        self.modules.values().copied().fold(self.default, LevelFilter::max)
    }
}

/// The word in brackets, and whether it is a part of Yeoul: `yeoul::rtsp::dial` and `yeoul_rtsp::client` are `rtsp`, `api`
/// is `api`, `hyper::proto` is `hyper` and somebody else's.
fn module(target: &str) -> (&str, bool) {
    let (root, rest) = target.split_once("::").unwrap_or((target, ""));
    if root == "yeoul" {
        return (rest.split("::").next().filter(|module| !module.is_empty()).unwrap_or("app"), true);
    }
    match root.strip_prefix("yeoul_") {
        Some(module) => (module, true),
        // Our own short targets name no crate: a single word of the list below.
        None => (root, rest.is_empty() && SHORT_TARGETS.contains(&root)),
    }
}

/// Targets that our code gives by hand.
const SHORT_TARGETS: &[&str] = &[
    "access", "api", "app", "config", "log", "pictures", "probe", "publish", "rtmp", "rtsp", "streams",
    "webrtc",
];

#[cfg(test)]
mod tests {
    use super::module;

    #[test]
    fn a_target_is_told_by_its_module() {
        assert_eq!(module("yeoul::rtsp::dial"), ("rtsp", true));
        assert_eq!(module("yeoul"), ("app", true));
        assert_eq!(module("yeoul_webrtc::peer"), ("webrtc", true));
        assert_eq!(module("api"), ("api", true));
        assert_eq!(module("hyper::proto::h1"), ("hyper", false));
        assert_eq!(module("str0m"), ("str0m", false));
    }
}
