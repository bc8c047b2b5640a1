//! One access unit of video or one codec frame of audio.

use crate::{Codec, Timestamp, TrackId};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// One access unit of video or one codec frame of audio. Cheap to clone: the data is shared.
///
/// The form of `data` is one for each codec, whatever the protocol:
///
/// | codec | data |
/// |---|---|
/// | H.264, H.265 | NAL units, each behind its length in 4 bytes, big-endian; no access unit delimiters, no start codes; parameter sets stay in the access unit where the sender put them |
/// | AV1 | open bitstream units of one temporal unit, each with its size; no temporal delimiters |
/// | VP9 | one frame or superframe |
/// | VP8 | one frame |
/// | MPEG-4 part 2 | one picture behind its start code, with the headers in front of it as the sender put them |
/// | JPEG | one picture from SOI to EOI |
/// | AAC | one raw access unit, no ADTS header |
/// | Opus | one packet |
/// | G.711, G.722 | octets as on the wire |
/// | L16 | samples of 16 bits, big-endian, interleaved |
/// | FLAC, MP3 | one frame with its header |
#[derive(Clone)]
pub struct Frame {
    /// The track this frame belongs to.
    pub track: TrackId,
    /// Decoding can start here. Every audio frame is a keyframe.
    pub keyframe: bool,
    /// When to show it.
    pub pts: Timestamp,
    /// When to decode it: never later than `pts`, never decreasing within a track.
    pub dts: Timestamp,
    /// Set on the first frame that needs another decoder configuration than the one in force.
    pub new_codec: Option<Arc<Codec>>,
    /// The sender's wall clock at capture, if it tells (RTCP sender reports).
    pub captured_at: Option<SystemTime>,
    /// This machine's monotonic clock when the last byte of the frame came in.
    pub received_at: Instant,
    /// The coded data, in the form of the table above. Never empty.
    pub data: Bytes,
}

/// Everything but the bytes, which are many.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("track", &self.track)
            .field("keyframe", &self.keyframe)
            .field("pts", &self.pts)
            .field("dts", &self.dts)
            .field("new_codec", &self.new_codec.is_some())
            .field("size_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_frame_fits_two_cache_lines() {
        assert!(size_of::<Frame>() <= 128, "{} bytes", size_of::<Frame>());
    }
}
