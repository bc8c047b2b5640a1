//! Every bound of playing out, with its reason.

use std::time::Duration;

/// How far frames are put in order before they are played out: files have a second of one track in front of a second of another.
pub(crate) const PLAYOUT_LOOKAHEAD: Duration = Duration::from_millis(1_500);

/// A frame this late has not only met a busy machine: what is behind it waits as long.
pub(crate) const PLAYOUT_LATE: Duration = Duration::from_millis(250);

/// The longest pause in a recording that is waited for: some missed segments. Longer ones are jumps of its clock.
pub(crate) const PLAYOUT_GAP: Duration = Duration::from_secs(60);

/// Timelines of a presentation that are known at a time, each by two renditions at most: one ends while the next begins.
pub(crate) const SPLICE_TIMELINES: usize = 8;
