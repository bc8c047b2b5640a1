//! Every bound of a stream, with its reason.

use std::time::Duration;

/// Bytes of frames a stream keeps. A GOP of 10 s at 16 Mbit/s has 20 MB; more than this is not kept for newcomers.
pub const MAX_RING_BYTES: usize = 32 << 20;

/// Age of the oldest frame kept. Cameras' longest usual GOP ("smart codec" modes) is 10 to 20 s.
pub const MAX_RING_AGE: Duration = Duration::from_secs(30);

/// Frames a stream keeps, so that a flood of tiny frames is bounded too: 30 s of 25 pictures and 50 sounds a second are
/// 2250; six such pairs of tracks fit.
pub const MAX_RING_FRAMES: usize = 16_384;

/// How far a consumer may be behind the newest frame before it goes on at the next keyframe: long enough for a hiccup of
/// a link, short enough that a live picture stays live.
pub const MAX_LAG: Duration = Duration::from_secs(3);

/// Age of the frames that are kept for consumers who begin with more than the last keyframe: two whole GOPs of the usual 2 s, which
/// are two segments for a player to begin with.
pub const HISTORY: Duration = Duration::from_secs(6);

/// Streams of one camera are taken to have one clock if, by it, their frames take equally long to reach us within this time:
/// more than coding and sending them differs by, far less than wrong clocks do.
pub const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(1);

/// Streams of one camera that are nearer to each other than this stay where they are: sender reports are no more exact.
pub const ALIGN_TOLERANCE: Duration = Duration::from_millis(5);

/// A stream that has to come nearer to another one lets its time run slower or faster by one part in so many: nobody sees
/// or hears it.
pub const MAX_SLEW: u32 = 100;

/// The longest distance of two frames that counts for [`MAX_SLEW`]: after a longer one nothing is made good at once.
pub const MAX_SLEW_AT_ONCE: Duration = Duration::from_secs(1);

/// A stream that has told no captured time for so long leads no others any more.
pub const CLOCK_FRESH: Duration = Duration::from_secs(10);

/// The least delay of the frames within this time tells how long they take: longer than a burst after a hiccup.
pub const DELAY_WINDOW: Duration = Duration::from_secs(2);

/// Tracks one producer may offer: a camera has two to four.
pub const MAX_TRACKS: usize = 16;

/// Consumers of one stream: far above the thousands of viewers meant, far below what exhausts memory (about 300 bytes each).
pub const MAX_CONSUMERS: usize = 65_536;

/// Frames a consumer takes out of the ring under one lock: enough to amortize the lock, few enough to hold it briefly.
pub(crate) const READ_BATCH: usize = 32;

/// Wait before the second attempt at a source, doubled for each further one.
pub const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Longest wait between attempts at a camera that does not answer: a camera that comes back is seen again within 2 s.
pub const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// Longest wait between attempts that a camera refused (wrong password, no such path): many lock an account for minutes
/// after a handful of wrong passwords, so these are spaced.
pub const RETRY_LONGEST_REFUSED: Duration = Duration::from_secs(30);
