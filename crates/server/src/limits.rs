//! Every bound of the sockets, tasks and files of this program, with its reason. Bounds of a protocol stand in its crate.

mod load;
mod outputs;
mod sources;
mod webrtc;

pub(crate) use {load::*, outputs::*, sources::*, webrtc::*};

use std::time::Duration;

/// A source that lived this long was a working one: the next failure starts the backoff from its beginning.
pub(crate) const SOURCE_STABLE_AFTER: Duration = Duration::from_secs(10);

/// The timeline's zero is this long before the start: no frame is from before it, and containers count from zero.
pub(crate) const TIMELINE_BEFORE_START: Duration = Duration::from_secs(10);

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

/// Qualities of one stream: more steps than this differ too little to go from one to another.
pub(crate) const STREAM_VARIANTS: usize = 8;

/// Processes of ffmpeg at a time, unless `ffmpeg.max_processes` says otherwise: each that makes a picture smaller takes a
/// tenth of a core to a whole one.
pub(crate) const FFMPEG_PROCESSES: usize = 16;

/// The most that `ffmpeg.max_processes` can say: no machine has cores for more.
pub(crate) const FFMPEG_PROCESSES_MOST: usize = 1024;

/// How long a rendition waits for the stream that it is made of, before it tells why there is none.
pub(crate) const RENDITION_PARENT_WAIT: Duration = Duration::from_secs(5);

/// How long ffmpeg may take to its first picture: to decode a GOP of 20 s in 4K takes some seconds.
pub(crate) const RENDITION_FIRST_WAIT: Duration = Duration::from_secs(15);

/// Frames that went into ffmpeg and were not noted yet by the side that takes pictures out; who puts them in waits.
pub(crate) const RENDITION_QUEUE: usize = 256;

/// Pictures that ffmpeg may have at a time: a GOP of 20 s at 50 a second. Older ones never come out.
pub(crate) const RENDITION_PICTURES: usize = 1024;

/// Sound that waits for its picture: 10 s of it.
pub(crate) const RENDITION_SOUND: usize = 512;

/// Bytes read from ffmpeg at once: a keyframe of a rendition.
pub(crate) const RENDITION_READ_BYTES: usize = 64 << 10;

/// Pictures a second, where the first ones do not tell.
pub(crate) const RENDITION_USUAL_RATE: f64 = 25.0;

/// Lines that a child process wrote to its standard error, kept to tell why it failed …
pub(crate) const CHILD_LINES: usize = 8;

/// … and the bytes of one.
pub(crate) const CHILD_LINE_BYTES: u64 = 500;

/// How long a child process may take to end once it is told that nothing more will come: less than [`SOURCE_STOP_WAIT`].
pub(crate) const CHILD_END_WAIT: Duration = Duration::from_millis(500);

/// Bytes of a stream's name: what fits into a file name.
pub(crate) const STREAM_NAME_BYTES: usize = 255;

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

/// How long a request's body may take, from its first byte to its last: it is small, and one that is trickled holds a
/// connection for nothing.
pub(crate) const API_BODY_WAIT: Duration = Duration::from_secs(10);

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

/// RTSP connections at a time: above what one machine serves, below what its descriptors allow; about 16 KiB each.
pub(crate) const RTSP_CONNECTIONS: usize = 8192;

/// How long DESCRIBE waits for a camera: players give up after 10 to 20 s, and want to hear the reason before that.
pub(crate) const RTSP_OPEN_WAIT: Duration = Duration::from_secs(9);

/// Connections that wait for their worker: it takes them faster than any client can open them.
pub(crate) const RTSP_ARRIVALS: usize = 64;

/// Frames that a player with a backlog gets before it is the turn of others: a GOP buffer of seconds goes out in some turns.
pub(crate) const RTSP_TURN_FRAMES: usize = 32;

/// Bytes that wait for a player's socket before no more frames are fetched for it: one write takes them all.
pub(crate) const RTSP_WRITE_BYTES: usize = 256 << 10;

/// Bytes that the kernel keeps unsent for a player: more would only make a slow one later, not better.
pub(crate) const RTSP_UNSENT_BYTES: u32 = 512 << 10;

/// How long a player may take nothing at all of what waits for it. Its frames are long gone then.
pub(crate) const RTSP_WRITE_WAIT: Duration = Duration::from_secs(10);

/// How long a connection that we end may take to read our last words.
pub(crate) const RTSP_CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Bytes read from a connection before others get their turn.
pub(crate) const RTSP_READ_BYTES: usize = 128 << 10;

/// After this silence the kernel asks a peer whether it is still there; RTSP over TCP has no sign of life of its own.
pub(crate) const RTSP_TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Bytes sent to a UDP player in one go, enough for most frames …
pub(crate) const RTSP_UDP_BURST_BYTES: usize = 48 << 10;

/// … and the pause after them: together 65 Mbit/s, several times what a camera sends. A receiver has a buffer for 90 to 180
/// packets by default: enough for it to look away for 20 ms while the GOP buffer comes in.
pub(crate) const RTSP_UDP_BURST_PAUSE: Duration = Duration::from_millis(6);

/// Datagrams of one client that wait for its task: 50 ms of 100 Mbit/s.
pub(crate) const RTSP_UDP_QUEUE: usize = 512;

/// Buffers of the UDP sockets, shared by all clients: as much as Linux gives without being asked twice.
pub(crate) const RTSP_UDP_SOCKET_BYTES: usize = 4 << 20;

/// Attempts to find two free ports, an even one and the next, for RTP and RTCP.
pub(crate) const RTSP_UDP_PORT_ATTEMPTS: usize = 64;

/// Frames looked at for the place where a player's tracks begin.
pub(crate) const RTSP_FIRST_FRAMES: usize = 64;

/// RTMP connections at a time: above what one machine serves, below what its descriptors allow; about 8 KiB each.
pub(crate) const RTMP_CONNECTIONS: usize = 4096;

/// How long a player waits for a camera: ffmpeg gives up after some seconds more, and wants to hear the reason before that.
pub(crate) const RTMP_OPEN_WAIT: Duration = Duration::from_secs(9);

/// Bytes that the kernel keeps unsent for a player: more would only make a slow one later, not better.
pub(crate) const RTMP_UNSENT_BYTES: u32 = 512 << 10;

/// How long a connection that we end may take to read our last words.
pub(crate) const RTMP_CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Bytes read from a connection before others get their turn.
pub(crate) const RTMP_READ_BYTES: usize = 128 << 10;

/// After this silence the kernel asks a peer whether it is still there.
pub(crate) const RTMP_TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Servers that one stream is published to: each gets all of its bits.
pub(crate) const PUBLISH_TARGETS: usize = 16;

/// Streams that callers of the API may have added at a time: more than any home has cameras, and each of them is a few kilobytes and a
/// line of the configuration.
pub(crate) const ADDED_STREAMS: usize = 1000;

/// Secrets that are searched for in what is shown, in each form they take. Each costs a search in every line of the log; shapes such as
/// `user:password@` are masked without being known.
pub(crate) const SECRETS: usize = 4096;

/// Publications that callers of the API may have begun at a time: each sends all the bits of its stream.
pub(crate) const STARTED_PUBLICATIONS: usize = 32;

/// How long `POST /api/streams` waits for a server to take a stream: go2rtc's clients give up after 10 s.
pub(crate) const API_PUBLISH_WAIT: Duration = Duration::from_secs(9);

/// Longest wait between attempts to publish to a server that is away, as go2rtc waits: services take more for an attack.
pub(crate) const PUBLISH_RETRY_LONGEST: Duration = Duration::from_secs(5);

/// How long an HTTP caller may take nothing at all of the answer that waits for it. What is live is long past then.
pub(crate) const API_WRITE_WAIT: Duration = Duration::from_secs(10);

/// Bytes that the kernel keeps unsent for an HTTP caller: what a stalled one costs.
pub(crate) const API_UNSENT_BYTES: u32 = 512 << 10;

/// After this silence the kernel asks an HTTP caller whether it is still there: one that watches a camera that is away gets
/// nothing, and says nothing.
pub(crate) const API_TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Bytes of a file with certificates or a key: a chain of a dozen.
pub(crate) const TLS_FILE_BYTES: u64 = 1 << 20;

/// Requests at a time on one HTTP/2 connection: a page's files, its playlists with their blocked reloads, some pictures.
pub(crate) const HTTP2_STREAMS: u32 = 100;

/// Requests that a caller took back before they were looked at, or that broke the protocol: more of them is an attack
/// (CVE-2023-44487), and ends the connection.
pub(crate) const HTTP2_RESETS: usize = 32;

/// Bytes of an answer that wait for a caller's HTTP/2 window, for each request.
pub(crate) const HTTP2_SEND_BYTES: usize = 128 << 10;

/// Bytes of an answer handed to HTTP/2 at once, so that each is a sign of life: at least 6 KiB/s within [`API_WRITE_WAIT`].
pub(crate) const HTTP2_PIECE_BYTES: usize = 64 << 10;

/// Signs of life asked of an HTTP/2 caller: HTTP/1.1 has a pause between requests that ends by [`API_HEADER_WAIT`], here
/// a connection without requests may stay for as long as it answers.
pub(crate) const HTTP2_PING: Duration = Duration::from_secs(20);

/// How long an HTTP/2 connection without a request stays: pages that come back find it, forgotten ones do not hold places.
pub(crate) const HTTP2_IDLE_WAIT: Duration = Duration::from_secs(120);
