//! RTP time of several tracks onto one timeline.

use crate::rtcp::NtpTime;
use std::time::{Instant, SystemTime};
use yeoul_media::Timestamp;

/// When a frame is shown, decoded, and was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When to show it.
    pub pts: Timestamp,
    /// When to decode it: never later than `pts`, never decreasing within a track.
    pub dts: Timestamp,
    /// The sender's wall clock at capture, once it has told a plausible one.
    pub captured_at: Option<SystemTime>,
}

/// A track of a [`ClockMapping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTrack(usize);

/// RTP time of the tracks of one session onto one timeline.
#[derive(Debug, Default)]
pub struct ClockMapping {}

impl ClockMapping {
    /// Adds a track whose RTP time has `clock_rate` ticks a second.
    pub fn add_track(&mut self, clock_rate: u32) -> ClockTrack {
        let _ = clock_rate;
        unimplemented!()
    }
    /// Notes the RTP time of the start of playback (RFC 2326 §12.33): the tracks that have one start together.
    pub fn rtp_info(&mut self, track: ClockTrack, rtp_time: u32) {
        let _ = (track, rtp_time);
        unimplemented!()
    }
    /// Notes a sender report.
    pub fn sender_report(&mut self, track: ClockTrack, received_at: Instant, ntp: NtpTime, rtp_time: u32) {
        let _ = (track, received_at, ntp, rtp_time);
        unimplemented!()
    }
    /// The times of an access unit of `track`.
    pub fn map(
        &mut self,
        track: ClockTrack,
        rtp_time: u32,
        decode_ahead_ticks: u32,
        received_at: Instant,
    ) -> Times {
        let _ = (track, rtp_time, decode_ahead_ticks, received_at);
        unimplemented!()
    }
    /// By how many parts in a million the sender's media clock is faster than ours, once measured for a few seconds.
    #[must_use]
    pub fn drift_ppm(&self, track: ClockTrack) -> Option<f64> {
        let _ = track;
        unimplemented!()
    }
    /// How often the RTP time of `track` has jumped.
    #[must_use]
    pub fn jumps(&self, track: ClockTrack) -> u64 {
        let _ = track;
        unimplemented!()
    }
}
