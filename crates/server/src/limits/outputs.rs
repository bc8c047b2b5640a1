//! Bounds of what is made once and served over HTTP: HLS, pictures, endless files.

use std::time::Duration;

/// How long an HLS output runs on after the last request: players ask for a playlist once a target duration, which is as long
/// as the camera's keyframes are apart.
pub(crate) const HLS_LINGER: Duration = Duration::from_secs(15);

/// Target durations for which an output is held after a request for its playlist, where that is longer than [`HLS_LINGER`]: players
/// ask once in one of them.
pub(crate) const HLS_HOLD_TARGETS: u32 = 2;

/// Parts that the first playlist of LL-HLS has at least: one to start with, and one while the next is made.
pub(crate) const HLS_FIRST_PARTS: u32 = 2;

/// Segments that the first classic playlist has at least, unless it has [`HLS_FIRST_LENGTH`].
pub(crate) const HLS_FIRST_SEGMENTS: usize = 2;

/// What is enough for a classic playlist to begin with: nobody waits for the second of two segments that are longer.
pub(crate) const HLS_FIRST_LENGTH: Duration = Duration::from_secs(4);

/// How long the first playlist may take: a classic segment ends with the second keyframe, and ten seconds between keyframes are
/// usual. ffmpeg waits for as long as it takes, hls.js for 10 s, three times.
pub(crate) const HLS_FIRST_WAIT: Duration = Duration::from_secs(15);

/// How long the multivariant playlist waits for all qualities of a stream: what ffmpeg takes to start, and a camera to answer.
/// Those that are not there by then are left out.
pub(crate) const HLS_QUALITIES_WAIT: Duration = Duration::from_secs(6);

/// Target durations after which a blocked request is answered with 503 (RFC 8216bis §6.2.5.2).
pub(crate) const HLS_WAIT_TARGETS: u32 = 3;

/// Frames that an HLS output takes before it shows what came of them: a GOP buffer is shown as a whole, and others get their
/// turn.
pub(crate) const HLS_READ_BATCH: usize = 1024;

/// How old a picture is at most that answers a request for one, unless the request allows more. Cameras send a keyframe every
/// 1 or 2 s, which then is all that has to be decoded; one of 2 s is taken until the next has come in.
pub(crate) const PICTURE_MAX_AGE: Duration = Duration::from_millis(2_500);

/// How long pictures of a stream are kept fresh after a question: pages and automations ask every second or two.
pub(crate) const PICTURE_FOLLOW: Duration = Duration::from_secs(5);

/// How fresh at best, in that time: five pictures a second are decoded for less than their encoding takes.
pub(crate) const PICTURE_FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// How long a question waits for a keyframe of a stream that has none yet: cameras send one every 10 s at worst, and go2rtc's
/// clients give up after that.
pub(crate) const PICTURE_WAIT: Duration = Duration::from_secs(9);

/// How long a question waits for a fresh picture where there is an old one: a GOP of 10 s of 1080p is decoded by then.
pub(crate) const PICTURE_CATCH_UP_WAIT: Duration = Duration::from_secs(3);

/// How long a decoder works before others get its thread: a question waits no longer for that.
pub(crate) const PICTURE_DECODE_SLICE: Duration = Duration::from_millis(100);

/// Keyframes in a row that cannot be decoded before ffmpeg is tried: one may be damaged.
pub(crate) const PICTURE_FAILED_KEYFRAMES: u32 = 2;

/// Questions whose pictures wait to be made: a second of work on one processor.
pub(crate) const PICTURE_JOBS_WAITING: usize = 64;

/// Sizes and forms in which one picture is kept: a dashboard's thumbnails, a page's full view, a text or two.
pub(crate) const PICTURE_LOOKS: usize = 16;

/// Pictures a second of a stream of them, where neither the request nor the camera says: fluent enough to see what goes on,
/// a sixth of what the camera sends.
pub(crate) const PICTURE_FPS: f64 = 5.0;

/// Pictures a second that may be asked for: what cameras send at most.
pub(crate) const PICTURE_FPS_MOST: u32 = 60;

/// Frames that wait for an ffmpeg that decodes pictures: the GOP so far, of 10 s of 50 pictures a second.
pub(crate) const PICTURE_CHILD_QUEUE: usize = 512;

/// Bytes read from it at once: as many as a pipe holds.
pub(crate) const PICTURE_CHILD_READ_BYTES: usize = 64 << 10;

/// How long a request waits for the camera behind a shared output: players and proxies give up after 10 s and more, and want
/// to hear the reason before that.
pub(crate) const OUTPUT_WAIT: Duration = Duration::from_secs(9);

/// Outputs of one stream and kind at a time: each is a muxer. Forms times choices of tracks that real players ask for are
/// fewer; callers who make up new choices without end are stopped here.
pub(crate) const OUTPUTS_OF_A_STREAM: usize = 32;

/// How far a viewer of an endless file may be behind its newest piece before it goes on at the next keyframe: as a consumer of
/// the stream itself.
pub(crate) const PROGRESSIVE_LAG: Duration = yeoul_hub::limits::MAX_LAG;

/// Bytes of an endless file that are kept for newcomers: a GOP of 10 s at 16 Mbit/s, as the stream itself keeps.
pub(crate) const PROGRESSIVE_BYTES: usize = yeoul_hub::limits::MAX_RING_BYTES;

/// Sound that waits for a picture to be written with: a player of sound alone gets it this often.
pub(crate) const PROGRESSIVE_SOUND: Duration = Duration::from_millis(100);

/// How long an endless file is made after its last viewer has gone: one that reloads finds it running.
pub(crate) const PROGRESSIVE_LINGER: Duration = Duration::from_secs(5);

/// How long a viewer waits for a keyframe to start from: cameras that save have one every 10 s.
pub(crate) const PROGRESSIVE_FIRST_WAIT: Duration = Duration::from_secs(15);

/// How long after its time a download with an end waits for a camera that is away.
pub(crate) const PROGRESSIVE_END_WAIT: Duration = Duration::from_secs(5);
