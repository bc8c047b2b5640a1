//! Every bound of the sockets, tasks and files of this program, with its reason. Bounds of a protocol stand in its crate.

use std::time::Duration;

/// A source that lived this long was a working one: the next failure starts the backoff from its beginning.
pub(crate) const SOURCE_STABLE_AFTER: Duration = Duration::from_secs(10);

/// How long a source may take to say goodbye to its camera: less than [`SHUTDOWN_WAIT`].
pub(crate) const SOURCE_STOP_WAIT: Duration = Duration::from_millis(1_000);

/// How long sessions may take to close once the program is told to end; after it the rest is cut off. Supervisors
/// (systemd, Home Assistant) wait 5 s and more before they kill; people expect 2 s.
pub(crate) const SHUTDOWN_WAIT: Duration = Duration::from_millis(1_500);

/// Bytes of a configuration text: ten thousand cameras with long addresses.
pub(crate) const CONFIG_BYTES: usize = 1 << 20;

/// Levels of maps and lists in a configuration: ours has four.
pub(crate) const CONFIG_DEPTH: usize = 16;

/// Errors, and warnings, told about one configuration: more than a screen helps nobody.
pub(crate) const CONFIG_PROBLEMS: usize = 20;

/// Sources of one stream: a main and a sub stream, a microphone, a fallback each; not a list pasted into the wrong place.
pub(crate) const STREAM_SOURCES: usize = 16;

/// Bytes of a stream's name: what fits into a file name.
pub(crate) const STREAM_NAME_BYTES: usize = 255;

/// Addresses in `webrtc.candidates`: each costs a viewer a row of connectivity checks.
pub(crate) const WEBRTC_CANDIDATES: usize = 16;

/// Log lines that wait to be written: about a megabyte, some seconds of trace logs.
pub(crate) const LOG_LINES: usize = 4096;

/// How long the end of the program waits for its last log lines: a part of the 2 s that it may take.
pub(crate) const LOG_FLUSH_WAIT: Duration = Duration::from_millis(200);

/// Connections that the system completes before we accept them: a page opens six at once, a restart brings all viewers.
pub(crate) const LISTEN_BACKLOG: i32 = 1024;

/// Wait after an `accept` that failed: mostly there are no descriptors left, and trying at once would only burn the CPU.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// HTTP connections at a time: hundreds of dashboards with six connections each; about 30 KiB each.
pub(crate) const API_CONNECTIONS: usize = 4096;

/// How long a request's header may take: slower ones hold a connection for nothing.
pub(crate) const API_HEADER_WAIT: Duration = Duration::from_secs(10);

/// Bytes of a request's header: cookies of a proxy's other pages come along.
pub(crate) const API_HEADER_BYTES: usize = 32 << 10;

/// Bytes of a request's body: an SDP offer of a browser has 10 KiB.
pub(crate) const API_BODY_BYTES: usize = 256 << 10;

/// How long `/api/streams?src=…&video` waits for a camera: go2rtc's clients give up after 10 s.
pub(crate) const API_PROBE_WAIT: Duration = Duration::from_secs(9);

/// Time between log lines about refused callers: a scan of the internet is not worth more.
pub(crate) const REFUSAL_LOG_PAUSE: Duration = Duration::from_secs(1);

/// How long the runtime may take to drop what still runs after [`SHUTDOWN_WAIT`].
pub(crate) const RUNTIME_WAIT: Duration = Duration::from_millis(100);

/// How long `yeoul probe` waits for the first picture or sound: a keyframe may be 10 s away.
pub(crate) const PROBE_CONNECT_WAIT: Duration = Duration::from_secs(15);
