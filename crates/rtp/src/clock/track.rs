//! The clock of one track of a [`super::ClockMapping`].

use super::drift::{Drift, DriftMeter};
use crate::limits::{MAX_REPORT_STEP, MAX_STEP_AHEAD, MAX_STEP_BACK};
use crate::rtcp::NtpTime;
use std::time::{Duration, Instant};
use yeoul_media::{Kind, Timestamp};

/// Where RTP time is on the timeline. Ticks are RTP time unwrapped to 64 bits. Places are counted in ticks, too, so that
/// a sender with the same clock rate sends the very RTP time steps that came in; lengths of time are in nanoseconds.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) kind: Kind,
    clock_rate: u32,
    pub(super) rtp_info: Option<u32>,
    /// A report that came before the first packet.
    pub(super) early_report: Option<(NtpTime, u32)>,
    pub(super) jumps: u64,
    running: Option<Running>,
}

/// What is known from the first packet on.
#[derive(Debug)]
struct Running {
    /// RTP time at the start or the last jump, and its place on the timeline.
    origin_ticks: i64,
    origin_place: i64,
    /// By how many ticks the track is moved against its origin, and by how many it should be.
    correction: i64,
    target: i64,
    last_ticks: i64,
    highest_ticks: i64,
    last_arrival: Instant,
    last_pts: i64,
    last_dts: i64,
    /// Arrivals are counted from here.
    started_at: Instant,
    /// The largest lead of the timeline over the arrivals: the packet with the shortest way.
    lead: i64,
    /// The last report: wall clock and RTP time.
    report: Option<(i128, i64)>,
    drift: DriftMeter,
}

/// The next step of a track.
pub(super) struct Advance {
    pub(super) pts: i64,
    pub(super) dts: i64,
}

impl Track {
    pub(super) fn new(kind: Kind, clock_rate: u32) -> Self {
        Self {
            kind,
            clock_rate: clock_rate.max(1),
            rtp_info: None,
            early_report: None,
            jumps: 0,
            running: None,
        }
    }

    pub(super) fn is_started(&self) -> bool {
        self.running.is_some()
    }

    /// The first packet: its RTP time is `at` on the timeline.
    pub(super) fn start(&mut self, rtp_time: u32, at: i64, arrival: Instant) {
        let ticks = i64::from(rtp_time);
        self.running = Some(Running {
            origin_ticks: ticks,
            origin_place: ticks_of(at, self.clock_rate),
            correction: 0,
            target: 0,
            last_ticks: ticks,
            highest_ticks: ticks,
            last_arrival: arrival,
            last_pts: at,
            // Frames of the start may be decoded before it.
            last_dts: i64::MIN,
            started_at: arrival,
            lead: at,
            report: None,
            drift: DriftMeter::default(),
        });
    }

    /// The nearest ticks with these low 32 bits; `None` before the first packet.
    pub(super) fn unwrap(&self, rtp_time: u32) -> Option<i64> {
        self.running.as_ref().map(|running| running.unwrap(rtp_time))
    }

    /// Ticks of the last packet; 0 before the first.
    pub(super) fn last_ticks(&self) -> i64 {
        self.running.as_ref().map_or(0, |running| running.last_ticks)
    }

    /// Where `ticks` will be on the timeline once all corrections are made.
    pub(super) fn settled(&self, ticks: i64) -> i64 {
        self.running.as_ref().map_or(0, |running| {
            self.duration(running.origin_place + (ticks - running.origin_ticks) + running.target)
        })
    }

    /// Nanoseconds of `ticks`.
    pub(super) fn duration(&self, ticks: i64) -> i64 {
        duration(ticks, self.clock_rate)
    }

    /// Moves the track by `error` nanoseconds, forward at once, back slowly.
    pub(super) fn correct(&mut self, error: i64) {
        if let Some(running) = &mut self.running {
            running.target = running.target.saturating_add(ticks_of(error, self.clock_rate));
        }
    }

    /// Notes a report; whether it agrees with the one before, and whether it is the first.
    pub(super) fn take_report(&mut self, wall: i128, ticks: i64) -> (bool, bool) {
        let clock_rate = self.clock_rate;
        let Some(running) = &mut self.running else { return (false, false) };
        match running.report.replace((wall, ticks)) {
            None => (true, true),
            Some((last_wall, last_ticks)) => {
                let passed = i128::from(duration(ticks - last_ticks, clock_rate));
                let step = (wall - last_wall - passed).unsigned_abs();
                // A hundredth for media clocks that are far off.
                let allowed = MAX_REPORT_STEP.as_nanos().max(passed.unsigned_abs() / 100);
                (step <= allowed, false)
            }
        }
    }

    pub(super) fn drift(&self) -> Option<Drift> {
        self.running.as_ref()?.drift.measured()
    }

    /// The next access unit in decoding order. The track must have started.
    pub(super) fn advance(&mut self, rtp_time: u32, decode_ahead_ticks: u32, arrival: Instant) -> Advance {
        let rate = self.clock_rate;
        let Some(running) = &mut self.running else { return Advance { pts: 0, dts: 0 } };
        let ticks = running.unwrap(rtp_time);
        if running.jumps_to(ticks, arrival, rate) {
            self.jumps += 1;
            running.bridge(ticks, arrival, rate);
        }
        running.settle(ticks);
        running.last_ticks = ticks;
        running.last_arrival = arrival;
        let passed = nanos(arrival.saturating_duration_since(running.started_at));
        running.lead = running.lead.max(running.nominal(ticks, rate) - passed);
        // Frames come in decoding order: their decoding times tell the pace.
        let decoded_ticks = ticks - i64::from(decode_ahead_ticks);
        running.drift.push(passed, duration(decoded_ticks - running.origin_ticks, rate));
        let place = running.origin_place + running.correction - running.origin_ticks;
        let dts = duration(decoded_ticks + place, rate).max(running.last_dts);
        let pts = duration(ticks + place, rate).max(dts);
        running.last_pts = running.last_pts.max(pts);
        running.last_dts = dts;
        Advance { pts, dts }
    }
}

impl Running {
    fn unwrap(&self, rtp_time: u32) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "RTP time is the low 32 bits"
        )]
        let last = self.last_ticks as u32;
        self.last_ticks + i64::from(rtp_time.wrapping_sub(last).cast_signed())
    }

    /// Where `ticks` would be without corrections, in nanoseconds.
    fn nominal(&self, ticks: i64, rate: u32) -> i64 {
        duration(self.origin_place + (ticks - self.origin_ticks), rate)
    }

    /// Whether the sender has restarted its clock.
    fn jumps_to(&self, ticks: i64, arrival: Instant, rate: u32) -> bool {
        let back = duration(self.highest_ticks - ticks, rate);
        let passed = nanos(arrival.saturating_duration_since(self.started_at));
        let lead = self.nominal(ticks, rate) - passed;
        back > nanos(MAX_STEP_BACK) || lead - self.lead > nanos(MAX_STEP_AHEAD)
    }

    /// Goes on where the track was, by the time that passed between the arrivals.
    fn bridge(&mut self, ticks: i64, arrival: Instant, rate: u32) {
        let passed = nanos(arrival.saturating_duration_since(self.last_arrival));
        self.origin_ticks = ticks;
        self.origin_place = ticks_of(self.last_pts.saturating_add(passed), rate) - self.correction;
        self.target = self.correction;
        self.highest_ticks = ticks;
        self.started_at = arrival;
        self.lead = self.nominal(ticks, rate);
        self.report = None;
        self.drift = DriftMeter::default();
    }

    /// Comes nearer to where the track should be: forward at once, back by half of the time that goes on.
    fn settle(&mut self, ticks: i64) {
        let advance = (ticks - self.highest_ticks).max(0);
        self.highest_ticks = self.highest_ticks.max(ticks);
        self.correction = if self.target > self.correction {
            self.target
        } else {
            self.target.max(self.correction - advance / 2)
        };
    }
}

/// Nanoseconds of `ticks`.
fn duration(ticks: i64, rate: u32) -> i64 {
    Timestamp::from_ticks(ticks, rate).as_nanos()
}

/// The whole ticks nearest to `nanos`.
fn ticks_of(nanos: i64, rate: u32) -> i64 {
    Timestamp::from_nanos(nanos).to_ticks(rate)
}

/// Nanoseconds of a duration, at most 292 years.
pub(super) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
