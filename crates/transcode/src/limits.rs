//! Every bound of this crate, with its reason.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Height of a rendition: a stamp to 8K.
pub const RENDITION_LINES: RangeInclusive<u16> = 64..=4320;

/// Bitrate of a rendition in bits a second: below, nothing can be seen; above, no line of a viewer would carry it.
pub const RENDITION_BITRATE: RangeInclusive<u32> = 50_000..=50_000_000;

/// From one keyframe of a rendition to the next at most: a viewer that changes to it waits no longer, and cameras whose
/// pictures it is made of mostly have as many.
pub const RENDITION_GOP: Duration = Duration::from_secs(2);
