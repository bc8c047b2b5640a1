//! RTP time of several tracks onto one timeline (RFC 3550 §6.4.1, RFC 2326 §12.33).

mod drift;
#[cfg(test)]
mod tests;
mod track;

use crate::limits::{
    ALIGN_TOLERANCE, FIRST_ALIGN_TOLERANCE, MAX_ALIGN, MAX_REPORT_DISTANCE, MAX_START_DISTANCE,
};
use crate::rtcp::NtpTime;
use std::time::{Duration, Instant, SystemTime};
use track::{Advance, Track, nanos};
use yeoul_media::{Kind, Timestamp};

pub use drift::Drift;

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
///
/// Each track's RTP time starts at random and runs by its own clock. The timeline starts at about 0 with the first packet
/// of the session. Within a track, time on the timeline is RTP time at the nominal rate, exactly, tick for tick; only where
/// a track starts is chosen, and seldom corrected:
///
/// 1. **Start.** Tracks whose RTP time at the start of playback is known (RTP-Info) start together there. Without it, or
///    where it is far from the first packet (cameras send 0, or what the last client got), a track starts when its first
///    packet comes in.
/// 2. **Sender reports** pair RTP time with the sender's wall clock. The first track that sends one is the reference; its
///    reports say which wall clock time belongs to the timeline. The others are moved to where their own reports put them:
///    at the first report, and later when their clocks have drifted apart by more than a viewer could notice. A picture
///    whose time is moved is seen to jerk: the first track of video that reports takes the place of sound as reference, and
///    the sound is moved to it. A move forward is made at once; a move back lets time run at half speed until it is done,
///    so that no decoding time ever goes back.
/// 3. **Distrust.** A report is not used for moving if its wall clock is 0, if it steps against RTP time since the report
///    before (a camera that sets its clock), if its RTP time is far from the packets', or if it would move the track
///    further than tracks can be apart (tracks with different wall clocks). A wall clock before 2020 (cameras that count from
///    1900 or 1970) aligns tracks as well as any other, but is not told as `captured_at`.
/// 4. **Jumps.** Where RTP time goes back further than B-frames do, or far ahead of the packets' arrival, the sender has
///    restarted its clock: the track goes on where it was, by the time that passed between the arrivals. A late burst after
///    a stalled connection is no jump.
///
/// The drift of each track's clock against ours is measured, not corrected: consumers follow the timeline.
#[derive(Debug, Default)]
pub struct ClockMapping {
    tracks: Vec<Track>,
    start: Option<Start>,
    reference: Option<Reference>,
}

/// Where the session started.
#[derive(Clone, Copy, Debug)]
struct Start {
    arrival: Instant,
    /// Nanoseconds on the timeline at `arrival`.
    at: i64,
    /// The first track has told where playback starts: 0 on the timeline.
    by_rtp_info: bool,
}

/// The track all others are aligned to.
#[derive(Clone, Copy, Debug)]
struct Reference {
    track: usize,
    /// The sender's wall clock at 0 of the timeline, in nanoseconds since 1900.
    zero: i128,
    /// Its last two reports agree, or there is only one.
    consistent: bool,
}

impl ClockMapping {
    /// Adds a track of this kind whose RTP time has `clock_rate` ticks a second.
    pub fn add_track(&mut self, kind: Kind, clock_rate: u32) -> ClockTrack {
        self.tracks.push(Track::new(kind, clock_rate));
        ClockTrack(self.tracks.len() - 1)
    }

    /// Notes the RTP time of the start of playback, before the first packet of the track.
    ///
    /// # Panics
    /// If `track` is of another mapping, as all methods with a track.
    pub fn rtp_info(&mut self, track: ClockTrack, rtp_time: u32) {
        self.tracks[track.0].rtp_info = Some(rtp_time);
    }

    /// Notes a sender report.
    pub fn sender_report(&mut self, track: ClockTrack, ntp: NtpTime, rtp_time: u32) {
        let of = &mut self.tracks[track.0];
        let Some(ticks) = of.unwrap(rtp_time) else {
            // It says something only once it is known where the track starts.
            of.early_report = Some((ntp, rtp_time));
            return;
        };
        if ntp.0 == 0 || of.duration(ticks - of.last_ticks()).abs() > nanos(MAX_REPORT_DISTANCE) {
            return;
        }
        let wall = i128::try_from(ntp.since_1900().as_nanos()).unwrap_or(0);
        let (consistent, first) = of.take_report(wall, ticks);
        let kind = of.kind;
        let zero = wall - i128::from(of.settled(ticks));
        let told = Reference { track: track.0, zero, consistent };
        let Some(reference) = self.reference.filter(|reference| reference.track != track.0) else {
            self.reference = Some(told);
            return;
        };
        // Which of the two is moved, and by how much.
        let (moved, error) = if kind == Kind::Video && self.tracks[reference.track].kind == Kind::Audio {
            self.reference = Some(told);
            (reference.track, reference.zero - zero)
        } else {
            (track.0, zero - reference.zero)
        };
        let tolerance = if first { FIRST_ALIGN_TOLERANCE } else { ALIGN_TOLERANCE };
        let error = i64::try_from(error).ok().filter(|error| {
            let size = Duration::from_nanos(error.unsigned_abs());
            size > tolerance && size <= MAX_ALIGN
        });
        if let Some(error) = error.filter(|_| consistent && reference.consistent) {
            self.tracks[moved].correct(error);
        }
    }

    /// The times of an access unit with this RTP time and [`crate::AccessUnit::decode_ahead_ticks`]. Access units of a track
    /// come in decoding order.
    pub fn map(
        &mut self,
        track: ClockTrack,
        rtp_time: u32,
        decode_ahead_ticks: u32,
        received_at: Instant,
    ) -> Times {
        if !self.tracks[track.0].is_started() {
            self.start_track(track, rtp_time, received_at);
        }
        let of = &mut self.tracks[track.0];
        let Advance { pts, dts } = of.advance(rtp_time, decode_ahead_ticks, received_at);
        Times {
            pts: Timestamp::from_nanos(pts),
            dts: Timestamp::from_nanos(dts),
            captured_at: self.captured_at(pts),
        }
    }

    /// By how much the sender's media clock runs faster than ours, once measured for a few seconds.
    #[must_use]
    pub fn drift(&self, track: ClockTrack) -> Option<Drift> {
        self.tracks[track.0].drift()
    }

    /// How often the RTP time of the track has jumped.
    #[must_use]
    pub fn jumps(&self, track: ClockTrack) -> u64 {
        self.tracks[track.0].jumps
    }

    fn start_track(&mut self, track: ClockTrack, rtp_time: u32, received_at: Instant) {
        let of = &mut self.tracks[track.0];
        let since_start = of.rtp_info.map(|start| {
            // As a signed number: the first packet may be older than the start.
            of.duration(rtp_time.wrapping_sub(start).cast_signed().into())
        });
        let since_start = since_start.filter(|since| since.abs() <= nanos(MAX_START_DISTANCE));
        let at = match self.start {
            None => {
                let at = since_start.unwrap_or(0);
                self.start = Some(Start { arrival: received_at, at, by_rtp_info: since_start.is_some() });
                at
            }
            Some(start) => since_start
                .filter(|_| start.by_rtp_info)
                .unwrap_or_else(|| start.at + nanos(received_at.saturating_duration_since(start.arrival))),
        };
        of.start(rtp_time, at, received_at);
        if let Some((ntp, rtp_time)) = of.early_report.take() {
            self.sender_report(track, ntp, rtp_time);
        }
    }

    fn captured_at(&self, pts: i64) -> Option<SystemTime> {
        /// 2020-01-01 in nanoseconds since 1900: a clock that was never set is before.
        const PLAUSIBLE_FROM: i128 = 3_786_825_600 * 1_000_000_000;
        let reference = self.reference.filter(|reference| reference.consistent)?;
        let wall = reference.zero + i128::from(pts);
        let since_1970 = wall - 2_208_988_800 * 1_000_000_000;
        let nanos = u64::try_from(since_1970).ok().filter(|_| wall >= PLAUSIBLE_FROM)?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos))
    }
}
