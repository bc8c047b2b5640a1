//! A sample's ticks to the times of a frame.

use super::movie::Track;
use super::table::Sample;
use yeoul_media::Timestamp;

/// Where a track is in time. Frames decode in order and no later than they are shown; MP4 has files where a sample is shown
/// before it is decoded, by the clock of its track (negative composition offsets). Those decode earlier by as much.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Ticks by which some sample is decoded later than shown, at most.
    late: i64,
    last: Option<Timestamp>,
}

impl Timeline {
    /// Some sample still to come decodes this many ticks later than it is shown.
    pub(super) fn late_by(&mut self, ticks: i64) {
        self.late = self.late.max(ticks);
    }

    /// When to decode and when to show a sample.
    pub(super) fn place(&mut self, track: &Track, sample: &Sample) -> (Timestamp, Timestamp) {
        let decoded = sample.dts.saturating_add(track.shift);
        let time = |ticks: i64| Timestamp::from_ticks(ticks, track.timescale);
        let dts = time(decoded.saturating_sub(self.late));
        let dts = self.last.map_or(dts, |last| dts.max(last));
        self.last = Some(dts);
        // A sample that is shown before an earlier one has been decoded is nonsense; it is shown when it can be.
        (dts, time(decoded.saturating_add(sample.composition.into())).max(dts))
    }
}
