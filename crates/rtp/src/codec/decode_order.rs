//! How much earlier than shown a frame has to be decoded.
//!
//! RTP carries presentation times only. Where frames are sent in another order than shown (B-frames), a decoding time is
//! made that never decreases and is never later than the presentation time: with a reorder depth of `n` frames it is the
//! `n+1`-th largest presentation time so far. The depth comes from the SPS; where the SPS does not tell it (or lies), it
//! starts at 0 and grows when a frame comes that is shown before frames sent earlier. The clock lifts the presentation
//! time of that one frame, as its predecessors' decoding times are given already. What has been learned is forgotten when nothing
//! shows it any more: it may have been a step back of the camera's clock, and every frame would be shown late for ever.

use crate::limits::MAX_REORDER_FRAMES;

/// A step larger than this is no reordering but a jump of the sender's clock: 2 s at 90 kHz.
const JUMP_TICKS: i64 = 180_000;
/// Distance of the decoding times of the first frames, which no earlier frame gives: 1/30 s at 90 kHz.
const FIRST_STEP_TICKS: i64 = 3_000;
/// Frames after which the depth that was learned is that of these frames. Cameras that reorder do so in every GOP, 10 s at most.
const MEMORY_FRAMES: u32 = 300;

/// The presentation times that matter still.
#[derive(Debug, Default)]
pub(crate) struct DecodeOrder {
    /// The depth that the SPS tells.
    told: usize,
    /// The depth that frames have shown: up to the last [`MEMORY_FRAMES`], and since.
    learned: usize,
    recent: usize,
    since: u32,
    /// The last presentation time, unwrapped.
    last: Option<i64>,
    /// The largest presentation times so far, at most [`MAX_REORDER_FRAMES`] + 1, ascending.
    largest: Vec<i64>,
}

impl DecodeOrder {
    /// Takes the reorder depth that an SPS tells.
    pub(crate) fn set_depth(&mut self, frames: u32) {
        self.told = usize::try_from(frames).unwrap_or(MAX_REORDER_FRAMES).min(MAX_REORDER_FRAMES);
    }

    /// Takes the next frame in decoding order; by how many ticks it is decoded earlier than shown.
    pub(crate) fn decode_ahead_ticks(&mut self, rtp_time: u32) -> u32 {
        let pts = match self.last {
            // The step as a signed number: RTP time wraps.
            Some(last) => last + i64::from(rtp_time.wrapping_sub(low_32_bits(last)).cast_signed()),
            None => i64::from(rtp_time),
        };
        if self.last.is_some_and(|last| (pts - last).abs() > JUMP_TICKS) {
            self.largest.clear();
        }
        self.last = Some(pts);
        let at = self.largest.partition_point(|&earlier| earlier <= pts);
        self.learn((self.largest.len() - at).min(MAX_REORDER_FRAMES));
        let depth = self.told.max(self.learned);
        self.largest.insert(at, pts);
        if self.largest.len() > MAX_REORDER_FRAMES + 1 {
            self.largest.remove(0);
        }
        let dts = match self.largest.len().checked_sub(1 + depth) {
            Some(index) => self.largest.get(index).copied(),
            None => self.largest.first().map(|first| {
                let missing = (1 + depth).saturating_sub(self.largest.len());
                first - FIRST_STEP_TICKS * i64::try_from(missing).unwrap_or(0)
            }),
        };
        u32::try_from(pts - dts.unwrap_or(pts)).unwrap_or(0)
    }

    /// A frame is shown before so many that were sent earlier.
    fn learn(&mut self, overtaken: usize) {
        self.learned = self.learned.max(overtaken);
        self.recent = self.recent.max(overtaken);
        self.since += 1;
        if self.since == MEMORY_FRAMES {
            self.learned = std::mem::take(&mut self.recent);
            self.since = 0;
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "RTP time is the low 32 bits")]
fn low_32_bits(ticks: i64) -> u32 {
    ticks as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decoding times of frames with these presentation times.
    fn decode_times(depth: u32, shown: &[u32]) -> Vec<i64> {
        let mut order = DecodeOrder::default();
        order.set_depth(depth);
        shown.iter().map(|&pts| i64::from(pts) - i64::from(order.decode_ahead_ticks(pts))).collect()
    }

    #[test]
    fn without_reordering_frames_are_decoded_when_shown() {
        assert_eq!(decode_times(0, &[0, 3000, 6000, 9000]), [0, 3000, 6000, 9000]);
    }

    #[test]
    fn two_b_frames_between_references_follow_the_depth_of_the_sps() {
        // I P B B P B B, a pyramid of depth 2 in the first mini GOP.
        let shown = [90_000, 102_000, 96_000, 93_000, 99_000, 114_000, 108_000, 105_000, 111_000];
        let decoded = decode_times(2, &shown);
        assert!(decoded.is_sorted(), "{decoded:?}");
        assert!(decoded.iter().zip(shown).all(|(&dts, pts)| dts <= i64::from(pts)), "{decoded:?}");
        assert_eq!(decoded[2..], [90_000, 93_000, 96_000, 99_000, 102_000, 105_000, 108_000]);
    }

    #[test]
    fn depth_is_learned_where_the_sps_is_silent() {
        let shown: Vec<u32> = (0..10u32).flat_map(|gop| [2, 0, 1].map(|n| (3 * gop + n) * 3000)).collect();
        let decoded = decode_times(0, &shown);
        // The first overtaking frames come too late for a decoding time that fits; the clock lifts them.
        assert!(decoded[3..].is_sorted(), "{decoded:?}");
        assert!(decoded[6..].iter().zip(&shown[6..]).all(|(&dts, &pts)| dts <= i64::from(pts)));
    }

    #[test]
    fn a_step_back_of_the_clock_is_forgotten() {
        let frames = |from: u32| (0..700u32).map(move |index| from + index * 3600);
        // The second clock is 0.4 s behind: ten frames seem to be overtaken.
        let shown: Vec<u32> = frames(0).take(100).chain(frames(90 * 3600)).collect();
        let decoded = decode_times(0, &shown);
        let ahead: Vec<i64> = shown.iter().zip(&decoded).map(|(&pts, dts)| i64::from(pts) - dts).collect();
        assert!(ahead[150] > 30_000 && ahead[700..].iter().all(|&ahead| ahead == 0), "{}", ahead[150]);
        assert!(decoded[110..].is_sorted());
        // Reordering that goes on stays known.
        let shown: Vec<u32> = (0..400u32).flat_map(|gop| [2, 0, 1].map(|n| (3 * gop + n) * 3000)).collect();
        assert!(decode_times(0, &shown)[6..].is_sorted());
    }

    #[test]
    fn wrap_of_the_rtp_time_is_no_jump() {
        let mut order = DecodeOrder::default();
        order.set_depth(1);
        let start = u32::MAX - 4000;
        let ahead: Vec<u32> = [0u32, 6000, 3000, 12_000, 9000]
            .map(|t| order.decode_ahead_ticks(start.wrapping_add(t)))
            .to_vec();
        assert_eq!(ahead, [3000, 6000, 0, 6000, 0]);
    }

    #[test]
    fn a_jump_of_the_clock_is_no_reordering() {
        assert_eq!(decode_times(0, &[9_000_000, 9_003_000, 1000, 4000]), [9_000_000, 9_003_000, 1000, 4000]);
    }
}
