//! RTCP: reports (RFC 3550 §6), feedback (RFC 4585 §6, RFC 5104 §4.3.1, and for congestion control
//! draft-holmer-rmcat-transport-wide-cc-extensions-01), and the statistics behind reports.
//!
//! Leaves out APP and XR, which are passed over, and when to send: RTSP sessions report at a fixed interval.

mod arrivals;
mod ntp;
mod parse;
mod stats;
#[cfg(test)]
mod tests;
mod write;

pub use arrivals::Arrivals;
pub use ntp::NtpTime;
pub use parse::{Error, packets};
pub use stats::{ReceiverStats, SenderStats};

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1).
const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;
const APP: u8 = 204;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
/// Feedback message types.
const GENERIC_NACK: u8 = 1;
const TRANSPORT_WIDE: u8 = 15;
const PICTURE_LOSS: u8 = 1;
const FULL_INTRA_REQUEST: u8 = 4;
/// SDES item types (RFC 3550 §6.5).
const CNAME: u8 = 1;
/// Bytes of a report block.
const BLOCK_BYTES: usize = 24;
/// What 5 bits can count.
const MAX_COUNT: usize = 31;

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
    /// Transport-wide feedback.
    Arrivals(Arrivals),
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
    /// Anything else (APP, XR …): passed over, written without content.
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
    /// The sequence numbers that are missing, ascending from the first.
    pub lost: Vec<u16>,
}
