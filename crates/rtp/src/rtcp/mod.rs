//! RTCP: reports (RFC 3550 §6), feedback (RFC 4585 §6, RFC 5104 §4.3.1), and the statistics behind reports.

use crate::Header;
use std::time::{Duration, Instant, SystemTime};
use yeoul_media::Timestamp;

/// A time of the Network Time Protocol: seconds since 1900 in the high 32 bits, fractions of 2^-32 s in the low ones
/// (RFC 3550 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(pub u64);

/// One RTCP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// SR.
    SenderReport(SenderReport),
    /// RR.
    ReceiverReport(ReceiverReport),
    /// SDES; only CNAME is kept.
    SourceDescription(Vec<SourceDescription>),
    /// BYE.
    Bye(Bye),
    /// Generic NACK (RFC 4585 §6.2.1).
    Nack(Nack),
    /// Picture loss indication (RFC 4585 §6.3.1).
    PictureLoss {
        /// Who asks.
        sender_ssrc: u32,
        /// Whose picture is lost.
        media_ssrc: u32,
    },
    /// Full intra request (RFC 5104 §4.3.1).
    FullIntraRequest {
        /// Who asks.
        sender_ssrc: u32,
        /// Whom, with the number of the request: a repeated number is the same request.
        requests: Vec<(u32, u8)>,
    },
    /// Anything else (APP, XR, transport-wide feedback …): passed over.
    Other {
        /// The packet type, 192 to 223.
        packet_type: u8,
    },
}

/// SR (RFC 3550 §6.4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SenderReport {
    /// The sender.
    pub ssrc: u32,
    /// The sender's wall clock …
    pub ntp: NtpTime,
    /// … and its RTP time at the same instant.
    pub rtp_time: u32,
    /// Packets sent so far.
    pub packet_count: u32,
    /// Payload bytes sent so far.
    pub octet_count: u32,
    /// What it receives itself, at most 31.
    pub blocks: Vec<ReportBlock>,
}

/// RR (RFC 3550 §6.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverReport {
    /// The receiver.
    pub ssrc: u32,
    /// What it receives, at most 31.
    pub blocks: Vec<ReportBlock>,
}

/// How one sender is received (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The sender.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the start, 24 bits, signed: duplicates make it negative.
    pub cumulative_lost: i32,
    /// Highest sequence number with the count of its wraps above.
    pub highest_sequence: u32,
    /// Jitter in ticks.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR, 0 if none.
    pub last_sr: u32,
    /// 1/65536 s since that SR.
    pub delay_since_last_sr: u32,
}

/// A chunk of SDES (RFC 3550 §6.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDescription {
    /// Whom it describes.
    pub ssrc: u32,
    /// The canonical name, at most 255 bytes.
    pub cname: Option<String>,
}

/// BYE (RFC 3550 §6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bye {
    /// Who leaves, at most 31.
    pub ssrcs: Vec<u32>,
    /// Why, at most 255 bytes.
    pub reason: Option<String>,
}

/// Generic NACK (RFC 4585 §6.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// Who asks.
    pub sender_ssrc: u32,
    /// Whose packets are missing.
    pub media_ssrc: u32,
    /// The sequence numbers that are missing.
    pub lost: Vec<u16>,
}

/// Why bytes are no RTCP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Ends inside a packet.
    #[error("the RTCP {packet} ends too early: expected {expected} bytes, got {got}")]
    TooShort {
        /// Which packet.
        packet: &'static str,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        got: usize,
    },
    /// Another version than 2.
    #[error("the RTCP packet has version {0}, expected 2")]
    Version(u8),
}

/// The packets of a compound packet. Ends after the first error.
pub fn packets(bytes: &[u8]) -> impl Iterator<Item = Result<Packet, Error>> {
    let _ = bytes;
    std::iter::empty()
}

impl Packet {
    /// Appends the packet to `out`; several make a compound packet.
    pub fn write(&self, out: &mut Vec<u8>) {
        let _ = out;
        unimplemented!()
    }
}

/// What a receiver knows of one sender (RFC 3550 §A.1, §A.3, §A.8).
#[derive(Clone, Debug)]
pub struct ReceiverStats {}

impl ReceiverStats {
    /// Statistics of packets whose RTP clock has `clock_rate` ticks a second.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        let _ = clock_rate;
        Self {}
    }
    /// Counts a packet, as it comes in, before reordering.
    pub fn on_packet(&mut self, now: Instant, header: &Header) {
        let _ = (now, header);
        unimplemented!()
    }
    /// Notes a sender report.
    pub fn on_sender_report(&mut self, now: Instant, report: &SenderReport) {
        let _ = (now, report);
        unimplemented!()
    }
    /// The block for the next RR, and the start of another interval; `None` before the first packet.
    pub fn report_block(&mut self, now: Instant) -> Option<ReportBlock> {
        let _ = now;
        unimplemented!()
    }
    /// Packets lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        unimplemented!()
    }
    /// Interarrival jitter.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        unimplemented!()
    }
}

/// What a sender has sent of one track, for its SR.
#[derive(Clone, Debug)]
pub struct SenderStats {}

impl SenderStats {
    /// A sender `ssrc` whose RTP time is `rtp_offset` plus the PTS in ticks of `clock_rate`.
    #[must_use]
    pub fn new(ssrc: u32, clock_rate: u32, rtp_offset: u32) -> Self {
        let _ = (ssrc, clock_rate, rtp_offset);
        Self {}
    }
    /// Counts packets with `payload_bytes` in all, headers and padding left out.
    pub fn on_sent(&mut self, packets: u32, payload_bytes: usize) {
        let _ = (packets, payload_bytes);
        unimplemented!()
    }
    /// The SR that says: what is on the timeline at `pts` belongs to the wall clock's `wall`. Use one such pair for all
    /// tracks of a receiver, and it shows them in step.
    #[must_use]
    pub fn report(&self, wall: SystemTime, pts: Timestamp) -> SenderReport {
        let _ = (wall, pts);
        unimplemented!()
    }
}
