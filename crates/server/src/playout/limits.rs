//! Every bound of playing out, with its reason.

use std::time::Duration;

/// How far frames are put in order before they are played out: files have a second of one track in front of a second of another.
pub(crate) const PLAYOUT_LOOKAHEAD: Duration = Duration::from_millis(1_500);

/// Bytes of frames that wait, beyond which no more are taken however little time they span: [`PLAYOUT_LOOKAHEAD`] at 170 Mbit/s. Media
/// whose time stands still would be read to its end.
pub(crate) const PLAYOUT_BYTES: usize = 32 << 20;

/// The same in frames: [`PLAYOUT_LOOKAHEAD`] of eight tracks with 500 frames a second, and as many again.
pub(crate) const PLAYOUT_FRAMES: usize = 12_288;

/// A frame this late has not only met a busy machine: what is behind it waits as long.
pub(crate) const PLAYOUT_LATE: Duration = Duration::from_millis(250);

/// The longest pause in a recording that is waited for: some missed segments. Longer ones are jumps of its clock.
pub(crate) const PLAYOUT_GAP: Duration = Duration::from_secs(60);

/// Timelines of a presentation that are known at a time, each by two renditions at most: one ends while the next begins.
pub(crate) const SPLICE_TIMELINES: usize = 8;

/// How far a piece may reach back into the one before it on the same timeline: encoders cut sound and picture some frames apart.
pub(crate) const SPLICE_OVERLAP: Duration = Duration::from_millis(500);

/// The longest pause within a timeline: what is further ahead began anew at zero, and seems to be ahead because MPEG's time wraps.
pub(crate) const SPLICE_PAUSE: Duration = Duration::from_secs(3600);
