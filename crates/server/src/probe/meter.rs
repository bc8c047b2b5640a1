//! What can be told about a track by looking at its frames for some seconds.

use std::time::{Instant, SystemTime};
use yeoul_media::{Codec, Frame};

/// Looks at the frames of one track. Memory does not grow with them.
#[derive(Debug)]
pub(super) struct Meter {
    codec: Codec,
    frames: u64,
    bytes: u64,
    keyframes: u64,
    /// Frames before the first keyframe do not count to a GOP.
    gops: Gops,
    first: Option<Stamp>,
    last: Option<Stamp>,
    /// A frame shown before one that was decoded earlier: B-frames.
    reordered: bool,
    highest_pts_us: i64,
    /// The camera's wall clock less ours, of the last frame that tells it.
    clock_offset_s: Option<f64>,
    drift: Drift,
    intervals: Intervals,
}

/// Decoding time and arrival of a frame.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    dts_us: i64,
    received_at: Instant,
}

/// What a [`Meter`] has found out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Findings {
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) keyframes: u64,
    /// By the track's own time.
    pub(super) frames_per_second: Option<f64>,
    pub(super) bits_per_second: Option<f64>,
    /// Frames from a keyframe up to the next one, the longest seen.
    pub(super) gop_frames: Option<u64>,
    /// The same in seconds.
    pub(super) gop_seconds: Option<f64>,
    pub(super) b_frames: bool,
    /// How much faster the camera's clock runs than ours, in parts of a million.
    pub(super) drift_ppm: Option<f64>,
    /// How far frames come from their time, in milliseconds: the worst.
    pub(super) jitter_ms: f64,
    /// Places where frames are missing: an interval of more than half a frame too much.
    pub(super) gaps: u64,
    /// The camera's wall clock less ours.
    pub(super) clock_offset_s: Option<f64>,
}

impl Meter {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            frames: 0,
            bytes: 0,
            keyframes: 0,
            gops: Gops::default(),
            first: None,
            last: None,
            reordered: false,
            highest_pts_us: i64::MIN,
            clock_offset_s: None,
            drift: Drift::default(),
            intervals: Intervals::default(),
        }
    }

    /// The codec with the newest configuration.
    pub(super) fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Looks at a frame. `now` and `wall` are this machine's clocks at one moment.
    pub(super) fn see(&mut self, frame: &Frame, now: Instant, wall: SystemTime) {
        if let Some(codec) = &frame.new_codec {
            self.codec.clone_from(codec);
        }
        let stamp = Stamp { dts_us: frame.dts.to_ticks(1_000_000), received_at: frame.received_at };
        let pts_us = frame.pts.to_ticks(1_000_000);
        self.frames += 1;
        self.bytes += frame.data.len() as u64;
        self.keyframes += u64::from(frame.keyframe);
        self.gops.see(frame.keyframe, stamp.dts_us);
        self.reordered |= pts_us < self.highest_pts_us;
        self.highest_pts_us = self.highest_pts_us.max(pts_us);
        if let Some(last) = self.last {
            self.intervals.see(stamp.dts_us - last.dts_us);
        }
        let first = *self.first.get_or_insert(stamp);
        self.last = Some(stamp);
        let elapsed = seconds_between(first.received_at, stamp.received_at);
        self.drift.see(elapsed, seconds(stamp.dts_us - first.dts_us));
        if let Some(captured_at) = frame.captured_at {
            let age = now.saturating_duration_since(frame.received_at);
            let received = wall.checked_sub(age).unwrap_or(wall);
            self.clock_offset_s = Some(match captured_at.duration_since(received) {
                Ok(ahead) => ahead.as_secs_f64(),
                Err(behind) => -behind.duration().as_secs_f64(),
            });
        }
    }

    pub(super) fn findings(&self) -> Findings {
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => seconds(last.dts_us - first.dts_us),
            _ => 0.0,
        };
        // The last frame's own duration is not in the span.
        let per_second = |amount: f64| (span > 0.0).then(|| amount / span);
        let intervals = self.frames.saturating_sub(1) as f64;
        let mean_frame = self.bytes as f64 / self.frames.max(1) as f64;
        Findings {
            frames: self.frames,
            bytes: self.bytes,
            keyframes: self.keyframes,
            frames_per_second: per_second(intervals),
            bits_per_second: per_second(intervals * mean_frame * 8.0),
            gop_frames: self.gops.longest.map(|(frames, _)| frames),
            gop_seconds: self.gops.longest.map(|(_, us)| seconds(us)),
            b_frames: self.reordered,
            drift_ppm: self.drift.ppm(),
            jitter_ms: self.drift.jitter() * 1_000.0,
            gaps: self.intervals.gaps,
            clock_offset_s: self.clock_offset_s,
        }
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

fn seconds_between(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

/// The longest whole GOP: its frames and microseconds.
#[derive(Debug, Default)]
struct Gops {
    began: Option<(u64, i64)>,
    longest: Option<(u64, i64)>,
}

impl Gops {
    fn see(&mut self, keyframe: bool, dts_us: i64) {
        match &mut self.began {
            Some((frames, since_us)) if keyframe => {
                let whole = (*frames, dts_us - *since_us);
                self.longest = Some(self.longest.map_or(whole, |longest| longest.max(whole)));
                self.began = Some((1, dts_us));
            }
            Some((frames, _)) => *frames += 1,
            None if keyframe => self.began = Some((1, dts_us)),
            None => {}
        }
    }
}

/// Counts missing frames by the usual interval.
#[derive(Debug, Default)]
struct Intervals {
    usual_us: Option<i64>,
    gaps: u64,
}

impl Intervals {
    fn see(&mut self, interval_us: i64) {
        if interval_us <= 0 {
            return;
        }
        match &mut self.usual_us {
            None => self.usual_us = Some(interval_us),
            Some(usual) if interval_us > *usual + *usual / 2 + 1_000 => self.gaps += 1,
            // The usual one follows slowly, so that a jitter of the sender's clock is not taken for a rate.
            Some(usual) => *usual += (interval_us - *usual) / 8,
        }
    }
}

/// The slope of the camera's time over ours, by least squares, and how far arrivals are from the line.
#[derive(Debug, Default)]
struct Drift {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    xy: f64,
    earliest: f64,
    latest: f64,
}

/// A slope over less time says more about the network than about clocks.
const DRIFT_AFTER_S: f64 = 2.0;

impl Drift {
    fn see(&mut self, ours: f64, theirs: f64) {
        self.count += 1.0;
        let dx = ours - self.mean_x;
        self.mean_x += dx / self.count;
        self.mean_y += (theirs - self.mean_y) / self.count;
        self.xx += dx * (ours - self.mean_x);
        self.xy += dx * (theirs - self.mean_y);
        let late = ours - theirs;
        self.earliest = self.earliest.min(late);
        self.latest = self.latest.max(late);
    }

    fn ppm(&self) -> Option<f64> {
        let enough = self.mean_x * 2.0 >= DRIFT_AFTER_S && self.xx > 0.0;
        enough.then(|| (self.xy / self.xx - 1.0) * 1e6)
    }

    fn jitter(&self) -> f64 {
        self.latest - self.earliest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Duration;
    use yeoul_media::{Timestamp, TrackId};
    use yeoul_testkit::{epoch, wall_epoch};

    fn frame(index: i64, keyframe: bool, ms: i64, drift_ppm: i64) -> Frame {
        let pts = Timestamp::from_ticks(ms * 1_000 + ms * drift_ppm / 1_000, 1_000_000);
        Frame {
            track: TrackId(1),
            keyframe,
            pts,
            dts: pts,
            new_codec: None,
            captured_at: (index == 0).then(|| wall_epoch() + Duration::from_secs(3)),
            received_at: epoch() + Duration::from_millis(ms.unsigned_abs()),
            data: Bytes::from(vec![0; 1_000]),
        }
    }

    fn meter(frames: impl IntoIterator<Item = Frame>) -> Findings {
        let mut meter = Meter::new(Codec::H264(None));
        for frame in frames {
            meter.see(&frame, frame.received_at, wall_epoch());
        }
        meter.findings()
    }

    #[test]
    fn rates_gops_and_drift_are_measured() {
        let findings = meter((0..126).map(|index| frame(index, index % 50 == 0, index * 40, 200)));
        assert_eq!((findings.frames, findings.keyframes, findings.gop_frames), (126, 3, Some(50)));
        let near = |value: Option<f64>, expected: f64, by: f64| {
            let value = value.expect("a value");
            assert!((value - expected).abs() < by, "{value} is not about {expected}");
        };
        near(findings.frames_per_second, 25.0, 0.01);
        near(findings.bits_per_second, 200_000.0, 100.0);
        near(findings.gop_seconds, 2.0, 0.001);
        near(findings.drift_ppm, 200.0, 1.0);
        near(findings.clock_offset_s, 3.0, 0.001);
        assert_eq!((findings.gaps, findings.b_frames), (0, false));
    }

    #[test]
    fn missing_frames_are_gaps_and_reordered_ones_b_frames() {
        let lost =
            (0..50).filter(|index| index % 20 != 19).map(|index| frame(index, index == 0, index * 40, 0));
        assert_eq!(meter(lost).gaps, 2);
        let mut reordered: Vec<_> = (0..3).map(|index| frame(index, index == 0, index * 40, 0)).collect();
        reordered[1].pts = Timestamp::from_ticks(120_000, 1_000_000);
        assert!(meter(reordered).b_frames);
    }

    #[test]
    fn nothing_gives_no_figures() {
        let findings = meter([]);
        assert_eq!((findings.frames_per_second, findings.gop_frames, findings.drift_ppm), (None, None, None));
    }
}
