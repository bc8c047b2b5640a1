//! The configuration: go2rtc's file, read strictly, and a few settings of our own.
//!
//! [`Config::parse`] takes texts and gives a [`Config`] with warnings, or every error with its place. It opens no file and
//! reads no environment: both are handed to it. Every key of go2rtc is known; what Yeoul cannot do yet is a warning.

mod edit;
pub(crate) mod file;
mod layer;
mod listen;
mod node;
mod problem;
mod reader;
mod sections;
mod substitute;
#[cfg(test)]
mod tests;

pub use layer::Layer;
pub use listen::Listen;
pub use problem::{ConfigError, Place, Problem};
pub use substitute::Lookup;

use crate::limits::FFMPEG_PROCESSES;
use crate::policy::Origin;
use crate::publish::Target;
use crate::schemes::Written;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tracing::Level;
use yeoul_transcode::ffmpeg::Rendition;
use yeoul_transcode::ffmpeg::source::Templates;

/// Everything that can be configured, with defaults for what is not.
#[derive(Debug, Default)]
pub struct Config {
    pub(crate) access: AccessRule,
    pub(crate) api: Api,
    pub(crate) rtsp: Rtsp,
    pub(crate) rtmp: Rtmp,
    /// Section `publish`: where streams go, by their name.
    pub(crate) publish: BTreeMap<String, Vec<Target>>,
    pub(crate) webrtc: WebRtc,
    pub(crate) hls: Hls,
    pub(crate) streams: BTreeMap<String, StreamConfig>,
    pub(crate) stream_defaults: StreamDefaults,
    /// Streams that run without a viewer, and which of their tracks: `video&audio`.
    pub(crate) preload: BTreeMap<String, String>,
    pub(crate) ffmpeg: Ffmpeg,
    /// Programs that `exec:` sources may run.
    pub(crate) exec: Programs,
    /// Programs that `echo:` sources may run.
    pub(crate) echo: Programs,
    pub(crate) log: Log,
    /// Texts that must never be shown: passwords, and what came from the environment.
    pub(crate) secrets: Secrets,
    /// The first file it was read from.
    pub(crate) path: Option<PathBuf>,
}

impl Config {
    /// Reads the layers in their order, later ones win key by key. `lookup` gives the values of `${NAME}` that no `env`
    /// section has: systemd credentials, then the environment.
    ///
    /// # Errors
    /// If anything is wrong: all of it, with places.
    pub fn parse(layers: &[Layer], lookup: &Lookup<'_>) -> Result<(Self, Vec<Problem>), ConfigError> {
        sections::read(layers, lookup)
    }
}

/// Who may call where no account is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccessRule {
    /// Anybody.
    pub(crate) open: bool,
    /// Networks beside the private ones.
    pub(crate) networks: Vec<IpNet>,
}

/// Section `api`: HTTP, WebSocket and the web page.
#[derive(Debug)]
pub(crate) struct Api {
    /// Where it listens; `None` is off.
    pub(crate) listen: Option<Listen>,
    /// A socket in the file system to listen on as well.
    pub(crate) unix_listen: Option<PathBuf>,
    /// User name and password that callers must give; `None` asks for none.
    pub(crate) account: Option<Account>,
    /// Callers from this machine must give them too.
    pub(crate) local_auth: bool,
    /// What stands before every path: empty, or `/name` without a slash at the end.
    pub(crate) base_path: String,
    /// Pages of other servers that may use the API.
    pub(crate) origins: Origins,
    /// Pages of other servers that may read pictures, sound and playlists, and nothing else.
    pub(crate) media_origins: Origins,
    /// TLS; `None` is off.
    pub(crate) tls: Option<Tls>,
    /// Names beside the local ones under which this server is reached.
    pub(crate) hosts: Vec<String>,
    /// Networks of this machine's own surroundings (loopback, link-local) that sources given by callers may lead to.
    pub(crate) source_networks: Vec<IpNet>,
    /// The only paths that exist, compared as they stand; `None` means all.
    pub(crate) allow_paths: Option<Vec<String>>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: Some(Listen::port(1984)),
            unix_listen: None,
            account: None,
            local_auth: false,
            base_path: String::new(),
            origins: Origins::default(),
            media_origins: Origins::default(),
            tls: None,
            hosts: Vec::new(),
            source_networks: Vec::new(),
            allow_paths: None,
        }
    }
}

/// HTTP over TLS. Certificate chain and private key are PEM texts, or the paths of files that have them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) listen: Listen,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Without the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Whether a text is what PEM files have in them (RFC 7468), not the path of one.
pub(crate) fn is_pem(text: &str) -> bool {
    text.trim_start().starts_with("-----BEGIN ")
}

/// Whose pages may use the API beside our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    /// Everybody's: go2rtc's `api.origin: "*"`.
    Any,
    /// These: `https://example.com`. Mostly none.
    These(Vec<String>),
}

impl Default for Origins {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// Section `rtsp`: the RTSP server.
#[derive(Debug)]
pub(crate) struct Rtsp {
    /// Where it listens; `None` is off.
    pub(crate) listen: Option<Listen>,
    /// User name and password that callers must give; `None` asks for none.
    pub(crate) account: Option<Account>,
    /// The tracks that a caller gets who names none: `video&audio`.
    pub(crate) default_query: String,
    /// Largest RTP packet in bytes; `None` leaves the choice to the transport.
    pub(crate) pkt_size: Option<usize>,
}

impl Default for Rtsp {
    fn default() -> Self {
        Self {
            listen: Some(Listen::port(8554)),
            account: None,
            default_query: "video&audio".to_owned(),
            pkt_size: None,
        }
    }
}

/// Section `rtmp`: the RTMP server.
#[derive(Debug, Default)]
pub(crate) struct Rtmp {
    /// Where it listens; `None`, the default, is off.
    pub(crate) listen: Option<Listen>,
    /// User name and password that callers must give; `None` asks for none.
    pub(crate) account: Option<Account>,
}

/// Section `webrtc`.
#[derive(Debug)]
pub(crate) struct WebRtc {
    /// Where it listens; `None` is off.
    pub(crate) listen: Option<Listen>,
    /// Whether it listens on UDP.
    pub(crate) udp: bool,
    /// Whether it listens on TCP.
    pub(crate) tcp: bool,
    /// Addresses to offer to viewers beside those of this machine, the most wanted first.
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) filters: Filters,
}

impl Default for WebRtc {
    fn default() -> Self {
        Self {
            listen: Some(Listen::port(8555)),
            udp: true,
            tcp: true,
            candidates: Vec::new(),
            filters: Filters::default(),
        }
    }
}

/// An address of this machine as viewers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Candidate {
    Address(SocketAddr),
    /// A name to look up when a viewer comes, for its address may change.
    Name {
        host: String,
        port: u16,
    },
}

/// Section `webrtc.filters`: which of this machine's addresses are offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filters {
    /// The only discovered addresses to offer; an empty list offers none.
    pub(crate) candidates: Option<Vec<IpAddr>>,
    /// Loopback addresses too.
    pub(crate) loopback: bool,
    /// The only interfaces to use.
    pub(crate) interfaces: Option<Vec<String>>,
    /// The only addresses of this machine to use.
    pub(crate) ips: Option<Vec<IpAddr>>,
    /// The only networks to use.
    pub(crate) networks: Option<Vec<Network>>,
}

/// A transport over an IP version, as `webrtc.filters.networks` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Udp4,
    Udp6,
    Tcp4,
    Tcp6,
}

/// Section `hls`: HLS and LL-HLS over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hls {
    /// Off where `app.modules` leaves it out.
    pub(crate) enabled: bool,
    /// Segments are served part by part while they are made.
    pub(crate) low_latency: bool,
    /// Longest part.
    pub(crate) part_duration: Duration,
    /// Shortest segment: it ends at the first keyframe after this time.
    pub(crate) segment_duration: Duration,
    /// How much of the past a playlist lists.
    pub(crate) window: Duration,
}

impl Default for Hls {
    fn default() -> Self {
        Self {
            enabled: true,
            low_latency: true,
            part_duration: Duration::from_millis(200),
            segment_duration: Duration::from_secs(1),
            window: Duration::from_secs(15),
        }
    }
}

/// A stream of section `streams`.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamConfig {
    /// Where its frames come from, in this order; empty for one that others publish to, and for one made of others.
    pub(crate) sources: Vec<Written>,
    /// Who has named them: a caller of the API, where `from_api` stands beside them.
    pub(crate) origin: Origin,
    /// Its qualities, the best first; empty where there is only one. None is named twice. Streams named here exist and are
    /// not made of others themselves; without sources of its own, the first one is a stream.
    pub(crate) variants: Vec<Variant>,
}

/// A quality of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// `copy`: what its sources give.
    Copy,
    /// Another stream, such as a camera's sub stream.
    Stream(String),
    /// `720p`: made by ffmpeg while somebody watches it.
    Rendition(Rendition),
}

/// Section `ffmpeg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ffmpeg {
    /// The program: a path, or a name to look for in `PATH`.
    pub(crate) bin: String,
    /// Parts of its command lines, for sources.
    pub(crate) templates: Templates,
    /// How many of it may run at a time.
    pub(crate) max_processes: usize,
}

impl Default for Ffmpeg {
    fn default() -> Self {
        Self { bin: "ffmpeg".to_owned(), templates: Templates::default(), max_processes: FFMPEG_PROCESSES }
    }
}

/// Sections `exec` and `echo`: which programs sources may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Programs {
    /// Any, unless some are named.
    pub(crate) enabled: bool,
    /// These only, compared as they stand.
    pub(crate) paths: Vec<String>,
}

impl Programs {
    /// Whether this one may be run.
    pub(crate) fn permit(&self, program: &str) -> bool {
        if self.paths.is_empty() { self.enabled } else { self.paths.iter().any(|path| path == program) }
    }
}

/// Section `stream_defaults`: what holds for every stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamDefaults {
    /// How long a source is kept after its last consumer has gone.
    pub(crate) linger: Duration,
    /// Bytes of the GOP buffer.
    pub(crate) buffer_size: usize,
    /// Age of its oldest frame.
    pub(crate) buffer_duration: Duration,
}

impl Default for StreamDefaults {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(5),
            buffer_size: yeoul_hub::limits::MAX_RING_BYTES,
            buffer_duration: yeoul_hub::limits::MAX_RING_AGE,
        }
    }
}

/// Section `log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// The least important lines that are written; `None` writes none.
    pub(crate) level: Option<Level>,
    /// The same for one module.
    pub(crate) modules: BTreeMap<String, Option<Level>>,
    pub(crate) format: LogFormat,
    pub(crate) output: LogOutput,
    pub(crate) time: LogTime,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: Some(Level::INFO),
            modules: BTreeMap::new(),
            format: LogFormat::Auto,
            output: LogOutput::Stdout,
            time: LogTime::Milliseconds,
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text, coloured on a terminal.
    Auto,
    Color,
    Text,
    Json,
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogOutput {
    Stdout,
    Stderr,
    File(PathBuf),
    /// Nowhere.
    None,
}

/// Whether log lines tell the time; the unit matters to JSON only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogTime {
    None,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Without the password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Texts that must never be shown.
#[derive(Clone, Default)]
pub(crate) struct Secrets(pub(crate) Vec<String>);

/// How many there are.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}
