//! Every bound of this crate, with its reason.

use std::ops::RangeInclusive;

/// Height of a rendition: a stamp to 8K.
pub const RENDITION_LINES: RangeInclusive<u16> = 64..=4320;

/// Bitrate of a rendition in bits a second: below, nothing can be seen; above, no line of a viewer would carry it.
pub const RENDITION_BITRATE: RangeInclusive<u32> = 50_000..=50_000_000;
