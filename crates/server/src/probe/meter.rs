//! What can be told about a track by looking at its frames for some seconds.

use std::time::{Duration, Instant, SystemTime};
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
    /// `None` if the look was too short.
    pub(super) drift: Option<Ppm>,
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
        let elapsed = stamp.received_at.saturating_duration_since(first.received_at);
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
            drift: self.drift.ppm(),
            jitter_ms: self.drift.jitter() * 1_000.0,
            gaps: self.intervals.gaps,
            clock_offset_s: self.clock_offset_s,
        }
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
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

/// How much faster the camera's clock runs than ours, and how sure that is: parts of a million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ppm {
    pub(super) rate: f64,
    /// One standard error.
    pub(super) error: f64,
}

/// Lateness over time. Networks and queues only ever add delay, so the earliest frame of each second tells most about the
/// clocks; a line through these is the drift.
#[derive(Debug, Default)]
struct Drift {
    /// The second of the look, our time and the lateness of its earliest frame. One for each second, at most an hour.
    earliest: Vec<(u64, f64, f64)>,
    least: f64,
    most: f64,
}

impl Drift {
    fn see(&mut self, ours: Duration, theirs: f64) {
        let late = ours.as_secs_f64() - theirs;
        self.least = self.least.min(late);
        self.most = self.most.max(late);
        let sample = (ours.as_secs(), ours.as_secs_f64(), late);
        match self.earliest.last_mut() {
            Some(last) if last.0 == sample.0 && last.2 <= late => {}
            Some(last) if last.0 == sample.0 => *last = sample,
            Some(_) | None => self.earliest.push(sample),
        }
    }

    /// The least-squares line and its standard error; needs more than two points.
    fn ppm(&self) -> Option<Ppm> {
        let samples: Vec<(f64, f64)> = self.earliest.iter().map(|&(_, time, late)| (time, late)).collect();
        let count = samples.len() as f64;
        if samples.len() < 3 {
            return None;
        }
        let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
        let (time, late) = (mean(|sample| sample.0), mean(|sample| sample.1));
        let spread: f64 = samples.iter().map(|(x, _)| (x - time).powi(2)).sum();
        let slope = samples.iter().map(|(x, y)| (x - time) * (y - late)).sum::<f64>() / spread;
        let rest: f64 = samples.iter().map(|(x, y)| (y - late - slope * (x - time)).powi(2)).sum();
        let error = (rest / (count - 2.0) / spread).sqrt();
        // A camera whose clock runs fast is less and less late.
        Some(Ppm { rate: -slope * 1e6, error: error * 1e6 })
    }

    fn jitter(&self) -> f64 {
        self.most - self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
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
        near(findings.drift.map(|drift| drift.rate), 200.0, 1.0);
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
    fn delays_of_the_network_are_no_drift() {
        let delayed = (0..250).map(|index| {
            let mut frame = frame(index, index == 0, index * 40, 0);
            // Most frames are late by up to 90 ms.
            frame.received_at += Duration::from_millis((index.unsigned_abs() * 37) % 91);
            frame
        });
        let findings = meter(delayed);
        let drift = findings.drift.expect("ten seconds are enough");
        assert!(drift.rate.abs() < 1_000.0 && drift.error < 1_000.0, "{drift:?}");
        assert!((findings.jitter_ms - 90.0).abs() < 1.0, "{}", findings.jitter_ms);
    }

    #[test]
    fn nothing_gives_no_figures() {
        let findings = meter([]);
        assert_eq!((findings.frames_per_second, findings.gop_frames, findings.drift), (None, None, None));
    }
}
