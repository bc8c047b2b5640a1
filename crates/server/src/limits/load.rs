//! Bounds of the load generator.

use std::time::Duration;

/// Viewers of a load: more tasks and sockets than one machine feeds at a camera's bitrate.
pub(crate) const LOAD_VIEWERS: u32 = 10_000;

/// Seconds that a load measures at most: an hour shows a leak, and a forgotten load ends.
pub(crate) const LOAD_SECONDS: u64 = 3600;

/// Viewers that begin in a second at most: a server that restarts sees no more.
pub(crate) const LOAD_RAMP: u32 = 1000;

/// Processes that a server is made of.
pub(crate) const LOAD_PIDS: usize = 16;

/// How long the last viewers may take to their first media before measuring begins without them: a camera with a keyframe
/// every 10 s, and a server that waits for one.
pub(crate) const LOAD_JOIN_WAIT: Duration = Duration::from_secs(20);

/// How long viewers may take to say goodbye, all of them together.
pub(crate) const LOAD_END_WAIT: Duration = Duration::from_secs(2);

/// … and one of them.
pub(crate) const LOAD_FAREWELL_WAIT: Duration = Duration::from_millis(500);

/// A pause of media this long is seen by people as a picture that stands.
pub(crate) const LOAD_STALL: Duration = Duration::from_secs(1);

/// Time between two lines of progress.
pub(crate) const LOAD_PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Different reasons of failed viewers that a report has: what is behind a failed load mostly is one or two …
pub(crate) const LOAD_REASONS: usize = 5;

/// … and the characters of one: a server's sentence.
pub(crate) const LOAD_REASON_CHARS: usize = 300;

/// Bytes at the beginning of a packet that are searched for a clock: it stands in front of the picture, behind parameter sets.
pub(crate) const LOAD_CLOCK_SEARCH_BYTES: usize = 400;

/// Bytes read from a connection at once: a keyframe of a 4 Mbit/s camera.
pub(crate) const LOAD_READ_BYTES: usize = 256 << 10;

/// Tracks that a viewer sets up: a picture and its sounds.
pub(crate) const LOAD_TRACKS: usize = 8;

/// Datagrams, or runs of equal ones, read with one call …
pub(crate) const LOAD_UDP_BATCH: usize = 8;

/// … and the bytes of one: what receive offload joins at most.
pub(crate) const LOAD_UDP_BUFFER_BYTES: usize = 64 << 10;

/// What the kernel may hold for a viewer: a GOP sent at once.
pub(crate) const LOAD_UDP_SOCKET_BYTES: usize = 4 << 20;

/// How long a viewer may take to a WebRTC connection: browsers give up after 15 s, people before.
pub(crate) const LOAD_WHEP_CONNECT_WAIT: Duration = Duration::from_secs(10);

/// Segments from the end at which a player of classic HLS begins (RFC 8216bis §6.3.3).
pub(crate) const LOAD_HLS_BEHIND: usize = 3;

/// Pause before a playlist is asked for again that had nothing new.
pub(crate) const LOAD_HLS_RELOAD_LEAST: Duration = Duration::from_millis(100);

/// How much later than its time media may come before the picture counts as standing: players hold back this much at least.
pub(crate) const LOAD_HLS_STALL_GRACE: Duration = Duration::from_secs(1);

/// Bytes of a clip that a camera of a load serves: a minute of 30 Mbit/s.
pub(crate) const LOAD_CLIP_BYTES: u64 = 256 << 20;

/// Seconds that a camera of a load runs at most: a day, then one that was forgotten ends.
pub(crate) const LOAD_CAMERA_SECONDS: u64 = 24 * 3600;
