//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Longest time without a keyframe. Cameras with a GOP that adapts to the picture send one every 10 to 20 s; a segment has to
/// start with one, and one of half a minute is no live stream any more.
pub const MAX_KEYFRAME_DISTANCE: Duration = Duration::from_secs(30);
/// Longest distance of two frames that belong together. The slowest cameras send a picture every few seconds.
pub const MAX_FRAME_DISTANCE: Duration = Duration::from_secs(10);
/// Largest target duration: [`MAX_KEYFRAME_DISTANCE`] in a segment, rounded.
pub const MAX_TARGET_DURATION: u32 = 30;
/// Most frames of one segment: [`MAX_KEYFRAME_DISTANCE`] at 120 pictures and 375 sounds of 2.67 ms a second. More of them
/// mean time stamps that stand still.
pub const MAX_SEGMENT_FRAMES: usize = 16_384;
/// Largest segment: [`MAX_KEYFRAME_DISTANCE`] at 17 Mbit/s, and four times what the usual 4 s have at 30 Mbit/s.
pub const MAX_SEGMENT_BYTES: usize = 64 << 20;
/// Most bytes of all segments that can still be fetched, so that memory is bounded whatever the bitrate: 32 s at 32 Mbit/s.
/// Beyond it the oldest go, even if less than three target durations remain.
pub const MAX_WINDOW_BYTES: usize = 128 << 20;
/// Bytes after which frames of a classic segment are muxed: a burst of a millisecond or less.
pub const CHUNK_BYTES: usize = 512 << 10;

/// Most parts listed besides those of the last segments. A playlist is sent for every part, and one of 64 has 5 KiB of them;
/// clients need those that are about as old as `PART-HOLD-BACK`.
pub const MAX_LISTED_PARTS: usize = 64;
/// Least time for which parts are listed, as long as [`MAX_LISTED_PARTS`] allows: a client that stalled for a moment finds
/// its place again.
pub const PARTS_LISTED: Duration = Duration::from_secs(6);

/// Frame distances that have to be known before the first part is cut: with fewer, one odd distance decides.
pub const CADENCE_FRAMES: usize = 8;
/// Longest time spent on [`CADENCE_FRAMES`]: slow cameras send 4 pictures a second or fewer.
pub const CADENCE_TIME: Duration = Duration::from_millis(500);

/// Shortest silence of a camera that counts as its absence. Wi-Fi cameras pause for half a second and then send everything;
/// what was declared absent cannot be shown any more.
pub const MIN_ABSENCE: Duration = Duration::from_millis(1500);
/// Most absent time told after the fact, when nobody has told the time meanwhile. After more, numbers go on with a
/// discontinuity.
pub const MAX_ABSENCE_TOLD: Duration = Duration::from_secs(60);
/// Most breaks of the time stamps within [`BREAKS_TIME`]: a camera whose clock was set makes one. More of them are no stream.
pub const MAX_BREAKS: usize = 5;
/// See [`MAX_BREAKS`].
pub const BREAKS_TIME: Duration = Duration::from_secs(60);

/// Largest step by which a program date follows a wall clock that runs differently, each segment.
pub const DATE_STEP: Duration = Duration::from_millis(20);
/// Difference between wall clock and program date from which the date is set anew instead of following in steps.
pub const DATE_JUMP: Duration = Duration::from_secs(1);

/// Largest number a client may ask for by `_HLS_msn` or `_HLS_part` (RFC 8216bis §4.2: decimal integers are below 2^64).
pub const MAX_DIGITS: usize = 20;

/// Frame rates of two qualities that differ by so many hundredths or less are one: cameras' time stamps jitter, their rates are 12, 15,
/// 20, 25, 30.
pub const SAME_FRAME_RATE_PERCENT: u64 = 5;

/// Segments, or parts of one, of a playlist that is read: a day in segments of 2 s. More is an attack.
pub const MAX_READ_SEGMENTS: usize = 43_200;
/// Qualities of a playlist that is read, and renditions of sound: the largest services list some fifty.
pub const MAX_READ_VARIANTS: usize = 256;
/// Longest segment or part of a playlist that is read: longer ones are no stream.
pub const MAX_READ_LENGTH: Duration = Duration::from_secs(3600);

/// Target durations before the end at which a player begins (RFC 8216 §6.3.3 forbids less than three).
pub const LIVE_EDGE_TARGETS: u32 = 3;
/// Shortest time from one request for a playlist to the next: a target duration of 0 would ask without end.
pub const LEAST_RELOAD: Duration = Duration::from_millis(250);
/// Target durations without a new segment after which a server is given up: encoders that restart take a few …
pub const STALE_TARGETS: u32 = 6;
/// … and at least this long.
pub const STALE_LEAST: Duration = Duration::from_secs(30);
/// Requests for a playlist in a row that may fail: a server that restarts is back after two target durations.
pub const PLAYLIST_ATTEMPTS: u32 = 5;
/// Requests for a segment whose server fails: it leaves the playlist meanwhile.
pub const SEGMENT_ATTEMPTS: u32 = 3;
/// The pause between those.
pub const SEGMENT_RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Segments in a row that may be missing: more of them are no stream any more.
pub const MISSED_IN_A_ROW: u32 = 5;
