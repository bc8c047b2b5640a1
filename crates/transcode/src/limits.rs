//! Every bound of the conversions, with its reason.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Pixels of a picture that is decoded in this process: H.264's level 5.2 (4096x2304), which every camera up to 4K keeps.
/// A decoder holds at most 17 of them: about 240 MB of 8 bits for the largest, 25 MB for 1080p with its usual four.
pub const MAX_PIXELS: usize = 36_864 * 256;

/// Longest side of a picture: that of H.264's level 5.2 is 4352, of a strip of four cameras side by side 7680.
pub const MAX_SIDE: usize = 8_192;

/// Pixels that the reference pictures of a stream may have in all, by what its parameter sets declare: six of 4096x2176, as
/// H.265's level 5 has them, or 25 of 1080p. A stream cannot make us hold more by small pictures.
pub const MAX_REFERENCE_PIXELS: usize = 6 * 4096 * 2176;

/// Bytes of an access unit that is decoded: four times the keyframe of a 16 Mbit/s camera. Time to decode grows with bytes.
pub const MAX_ACCESS_UNIT_BYTES: usize = 8 << 20;

/// NAL units of an access unit: 1080p with a slice for each macroblock, as a test stream has it, has 8160.
pub const MAX_NAL_UNITS: usize = 16_384;

/// Bytes of frames that wait to be decoded: as many as a stream's ring has by default.
pub const MAX_GOP_BYTES: usize = 32 << 20;

/// Frames that wait to be decoded: 30 s of 60 pictures a second, the age that a stream's ring keeps by default.
pub const MAX_GOP_FRAMES: usize = 1_800;

/// Bytes of a JPEG image that is decoded: 4K of best quality has about 8 MB.
pub const MAX_JPEG_BYTES: usize = 16 << 20;

/// Scans of a progressive JPEG image: encoders write about ten; each costs a pass over all coefficients.
pub const MAX_JPEG_SCANS: usize = 32;

/// Bytes of the header line of YUV4MPEG, or of one of its frames: ffmpeg writes 60.
pub const MAX_Y4M_LINE_BYTES: usize = 256;

/// Columns and lines of a picture of characters: the largest terminals have some hundred.
pub const MAX_ASCII_SIDE: usize = 512;

/// Height of a rendition: a stamp to 8K.
pub const RENDITION_LINES: RangeInclusive<u16> = 64..=4320;

/// Bitrate of a rendition in bits a second: below, nothing can be seen; above, no line of a viewer would carry it.
pub const RENDITION_BITRATE: RangeInclusive<u32> = 50_000..=50_000_000;

/// From one keyframe of a rendition to the next at most: a viewer that changes to it waits no longer, and cameras whose
/// pictures it is made of mostly have as many.
pub const RENDITION_GOP: Duration = Duration::from_secs(2);
