//! Bounds of what is dialled, run, read and received as a source.

use std::time::Duration;

/// How long a camera may take to accept a connection, its TLS included. On a local network it takes milliseconds; people
/// who wait for a picture want to hear of it when it does not.
pub(crate) const DIAL_CONNECT_WAIT: Duration = Duration::from_secs(5);

/// How long a camera may take no bytes of a request.
pub(crate) const DIAL_WRITE_WAIT: Duration = Duration::from_secs(5);

/// How long the goodbye to a camera whose session has failed may take to be written: one write, or none.
pub(crate) const DIAL_FAREWELL_WAIT: Duration = Duration::from_millis(100);

/// Bytes read from a camera at once: a picture of a 4 Mbit/s camera has 20 KiB, a keyframe a few times that.
pub(crate) const DIAL_READ_BYTES: usize = 64 << 10;

/// Datagrams of a camera that one call receives: as much as the kernel joins.
pub(crate) const DIAL_RECEIVE_BYTES: usize = 64 << 10;

/// Bytes read at once from a pipe, a connection or an HTTP body that has frames in it: as many as a pipe holds.
pub(crate) const BYTES_READ: usize = 64 << 10;

/// How long a source of bytes may give nothing before it has failed: cameras that send pictures send one every 10 s at worst.
pub(crate) const SOURCE_SILENCE: Duration = Duration::from_secs(15);

/// How long the time of a track may stand still while frames of it come; and how many there are then, for some cameras send one in
/// several seconds.
pub(crate) const STANDING_WAIT: Duration = Duration::from_secs(5);
pub(crate) const STANDING_FRAMES: u32 = 25;

/// A step of time by which it does not stand: 25 frames within it would be 250 a second.
pub(crate) const STANDING_STEP: Duration = Duration::from_millis(100);

/// How long a program may take to its first frame: go2rtc's bound, for ffmpeg may look for a camera's tracks for long.
pub(crate) const CHILD_START_WAIT: Duration = Duration::from_secs(30);

/// How long ffmpeg may take to ask for its way, on this machine.
pub(crate) const DETOUR_WAIT: Duration = Duration::from_secs(5);

/// Bytes of the head with which it does: a line, and headers that a template may add.
pub(crate) const DETOUR_HEAD_BYTES: usize = 16 << 10;

/// Seconds that `#starttimeout=` may say: longer starts are no starts.
pub(crate) const EXEC_START_WAIT: std::ops::RangeInclusive<u64> = 1..=600;

/// Seconds that `#killtimeout=` may say: a program that writes a file to its end has had time then.
pub(crate) const EXEC_KILL_WAIT: std::ops::RangeInclusive<u64> = 0..=60;

/// How long the command of an `echo:` source may take: it asks a service for an address.
pub(crate) const ECHO_WAIT: Duration = Duration::from_secs(10);

/// Bytes of the address it writes.
pub(crate) const ECHO_BYTES: u64 = 16 << 10;

/// Programs in `exec.allow_paths` and `echo.allow_paths`.
pub(crate) const ALLOWED_PROGRAMS: usize = 64;

/// Bytes of a template in the section `ffmpeg`.
pub(crate) const FFMPEG_TEMPLATE_BYTES: usize = 4 << 10;

/// How far a source of bytes may run ahead of the clock before no more is taken from it: a file played from a disk does, what a
/// camera has in store when it is dialled does for a moment.
pub(crate) const SOURCE_AHEAD: Duration = Duration::from_secs(2);

/// Bytes that were waited for so long come live: nothing is in store behind them.
pub(crate) const SOURCE_WAITED: Duration = Duration::from_millis(10);

/// How long a server may take to the head of its answer: cameras make a picture first.
pub(crate) const HTTP_ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Redirects that are followed: one to another name, one to TLS, one to a session.
pub(crate) const HTTP_REDIRECTS: usize = 5;

/// Cookies that are kept of a server: a session and a check.
pub(crate) const HTTP_COOKIES: usize = 16;

/// Bytes of an answer that is text: a playlist, an SDP answer, why something is refused.
pub(crate) const HTTP_TEXT_BYTES: usize = 1 << 20;

/// Characters that are told of why a server refuses: a sentence.
pub(crate) const HTTP_REASON_CHARS: usize = 200;

/// Headers that a source may add to its requests.
pub(crate) const HTTP_SOURCE_HEADERS: usize = 32;

/// Bytes of the head of an answer.
pub(crate) const HTTP_HEAD_BYTES: usize = 64 << 10;

/// The shortest time from one request for a picture to the next: most cameras make no more of them.
pub(crate) const HTTP_PICTURE_INTERVAL: Duration = Duration::from_millis(200);

/// Bytes of a playlist: a day in segments of 2 s, each with a signed address of 150 bytes.
pub(crate) const HLS_PLAYLIST_BYTES: usize = 8 << 20;

/// Bytes of a segment: 10 s at 25 Mbit/s. Three of them are kept: what is played, what waits, what is being fetched.
pub(crate) const HLS_SEGMENT_BYTES: usize = 32 << 20;

/// How long a playlist, a segment or a key may take: three times what the longest usual segments play.
pub(crate) const HLS_FETCH_WAIT: Duration = Duration::from_secs(30);

/// Keys that are kept of a playlist: services change them every few minutes.
pub(crate) const HLS_KEYS: usize = 4;

/// Bytes read from a file at once: a tenth of a second of 20 Mbit/s.
pub(crate) const FILE_READ_BYTES: usize = 256 << 10;

/// Bytes of samples that go to be played at once: as many.
pub(crate) const FILE_BATCH_BYTES: usize = 256 << 10;

/// Boxes at the top of an MP4 file that are looked at for its index: plain files have about five, others are fragmented.
pub(crate) const FILE_TOP_BOXES: usize = 64;

/// Profiles of a camera that are told where one is asked for that is not there: those of a recorder fill no screen.
pub(crate) const ONVIF_PROFILES_TOLD: usize = 16;

/// How long a search for cameras waits for answers: they come within 500 ms of a probe (WS-Discovery, APP_MAX_DELAY), of which there
/// are two; go2rtc waits for 5 s.
pub(crate) const DISCOVERY_WAIT: Duration = Duration::from_secs(3);

/// When a search asks again, for what was lost.
pub(crate) const DISCOVERY_REPEAT: Duration = Duration::from_millis(700);

/// Interfaces of this machine on which cameras are searched.
pub(crate) const DISCOVERY_INTERFACES: usize = 32;

/// Datagrams that a search reads on one interface: 256 cameras that answer each of four probes twice.
pub(crate) const DISCOVERY_DATAGRAMS: usize = 2048;

/// Cameras that a search finds: more do not live in one network.
pub(crate) const DISCOVERY_DEVICES: usize = 256;

/// How long a camera moves unless it is told: a step.
pub(crate) const PTZ_MOVE_USUAL: Duration = Duration::from_secs(1);

/// How long it moves at most, when nothing more is heard of whoever moves it.
pub(crate) const PTZ_MOVE_LONGEST: Duration = Duration::from_secs(10);
