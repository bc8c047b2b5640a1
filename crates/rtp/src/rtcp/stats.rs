//! What reports tell: reception (RFC 3550 §A.1, §A.3, §A.8) and sending.

use super::{NtpTime, ReportBlock, SenderReport};
use crate::limits::{MAX_DROPOUT, MAX_MISORDER};
use crate::packet::Header;
use std::time::{Duration, Instant, SystemTime};
use yeoul_media::Timestamp;

/// What a receiver knows of one sender. Counts packets as they come in, before reordering.
#[derive(Clone, Debug)]
pub struct ReceiverStats {
    clock_rate: u32,
    source: Option<Source>,
    last_sr: Option<(NtpTime, Instant)>,
}

/// The sender of now; another SSRC starts anew.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    first_sequence: u64,
    highest_sequence: u64,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    last_arrival: Instant,
    last_rtp_time: u32,
    /// Sixteen times the jitter in ticks.
    jitter_16: i64,
}

impl Source {
    fn new(now: Instant, header: &Header) -> Self {
        let sequence = u64::from(header.sequence);
        Self {
            ssrc: header.ssrc,
            first_sequence: sequence,
            highest_sequence: sequence,
            received: 1,
            reported: (0, 0),
            last_arrival: now,
            last_rtp_time: header.rtp_time,
            jitter_16: 0,
        }
    }

    fn expected(&self) -> u64 {
        self.highest_sequence - self.first_sequence + 1
    }
}

impl ReceiverStats {
    /// Statistics of packets whose RTP clock has `clock_rate` ticks a second.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate, source: None, last_sr: None }
    }

    /// Counts a packet.
    pub fn on_packet(&mut self, now: Instant, header: &Header) {
        let Some(source) = self.source.as_mut().filter(|source| source.ssrc == header.ssrc) else {
            self.source = Some(Source::new(now, header));
            return;
        };
        let low = u16::try_from(source.highest_sequence & 0xffff).unwrap_or(0);
        let ahead = header.sequence.wrapping_sub(low);
        if ahead < MAX_DROPOUT {
            source.highest_sequence += u64::from(ahead);
        } else if ahead.wrapping_neg() > MAX_MISORDER {
            *source = Source::new(now, header);
            return;
        }
        source.received += 1;
        // RFC 3550 §A.8, the difference of transit times as a signed number of ticks.
        let arrival = now.saturating_duration_since(source.last_arrival);
        let arrival_ticks = ticks(arrival, self.clock_rate);
        let sent_ticks = i64::from(header.rtp_time.wrapping_sub(source.last_rtp_time).cast_signed());
        let difference = (arrival_ticks - sent_ticks).abs();
        // A jump of the sender's clock, or a pause, is no jitter.
        if difference < i64::from(self.clock_rate) {
            source.jitter_16 += difference - ((source.jitter_16 + 8) >> 4);
        }
        source.last_arrival = now;
        source.last_rtp_time = header.rtp_time;
    }

    /// Notes a sender report.
    pub fn on_sender_report(&mut self, now: Instant, report: &SenderReport) {
        self.last_sr = Some((report.ntp, now));
    }

    /// The block for the next RR, and the start of another interval; `None` before the first packet.
    pub fn report_block(&mut self, now: Instant) -> Option<ReportBlock> {
        let source = self.source.as_mut()?;
        let (expected, received) = (source.expected(), source.received);
        let expected_now = expected - source.reported.0;
        let lost_now = expected_now.saturating_sub(received - source.reported.1);
        source.reported = (expected, received);
        let fraction = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255);
        let lost = i64::try_from(expected).unwrap_or(i64::MAX) - i64::try_from(received).unwrap_or(i64::MAX);
        let (last_sr, delay) = self
            .last_sr
            .map_or((0, Duration::ZERO), |(ntp, at)| (ntp.middle(), now.saturating_duration_since(at)));
        Some(ReportBlock {
            ssrc: source.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: i32::try_from(lost.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or(0),
            highest_sequence: u32::try_from(source.highest_sequence & 0xffff_ffff).unwrap_or(0),
            jitter: u32::try_from(source.jitter_16 >> 4).unwrap_or(0),
            last_sr,
            delay_since_last_sr: u32::try_from(ticks(delay, 65_536)).unwrap_or(u32::MAX),
        })
    }

    /// The sender that is received, once there was a packet.
    #[must_use]
    pub fn ssrc(&self) -> Option<u32> {
        self.source.map(|source| source.ssrc)
    }

    /// Packets lost since the sender started.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.source.map_or(0, |source| source.expected().saturating_sub(source.received))
    }

    /// Interarrival jitter.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        let ticks = self.source.map_or(0, |source| u64::try_from(source.jitter_16 >> 4).unwrap_or(0));
        Duration::from_nanos(ticks * 1_000_000_000 / u64::from(self.clock_rate.max(1)))
    }
}

fn ticks(duration: Duration, rate: u32) -> i64 {
    i64::try_from(duration.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(i64::MAX)
}

/// What a sender has sent of one track, for its SR.
#[derive(Clone, Debug)]
pub struct SenderStats {
    ssrc: u32,
    clock_rate: u32,
    rtp_offset: u32,
    packet_count: u32,
    octet_count: u32,
}

impl SenderStats {
    /// A sender `ssrc` whose RTP time is `rtp_offset` plus the PTS in ticks of `clock_rate`, as
    /// [`crate::Packets::rtp_time`] makes it.
    #[must_use]
    pub fn new(ssrc: u32, clock_rate: u32, rtp_offset: u32) -> Self {
        Self { ssrc, clock_rate, rtp_offset, packet_count: 0, octet_count: 0 }
    }

    /// Counts packets with `payload_bytes` in all, headers and padding left out. Both counts wrap (RFC 3550 §6.4.1).
    #[expect(clippy::cast_possible_truncation, reason = "the count wraps at 32 bits")]
    pub fn on_sent(&mut self, packets: u32, payload_bytes: usize) {
        self.packet_count = self.packet_count.wrapping_add(packets);
        self.octet_count = self.octet_count.wrapping_add(payload_bytes as u32);
    }

    /// The SR that says: what is on the timeline at `pts` belongs to the wall clock's `wall`. Use one such pair for all
    /// tracks of a receiver, and it shows them in step.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "RTP time is the low 32 bits"
    )]
    pub fn report(&self, wall: SystemTime, pts: Timestamp) -> SenderReport {
        SenderReport {
            ssrc: self.ssrc,
            ntp: NtpTime::from_system_time(wall),
            rtp_time: (pts.to_ticks(self.clock_rate) as u32).wrapping_add(self.rtp_offset),
            packet_count: self.packet_count,
            octet_count: self.octet_count,
            blocks: Vec::new(),
        }
    }
}
