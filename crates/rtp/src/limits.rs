//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Largest access unit that is put together. A keyframe of an 8K camera at 100 Mbit/s has about 2 MiB; a depacketizer
/// holds at most this much for a sender that never ends an access unit.
pub const MAX_ACCESS_UNIT_BYTES: usize = 8 << 20;
/// Largest access unit of audio that is put together from fragments: AAC allows 768 bytes a channel, 48 channels.
pub const MAX_AUDIO_FRAME_BYTES: usize = 64 << 10;
/// Memory that a depacketizer keeps between access units: enough for the keyframes of 4K cameras, so that they cost no
/// allocation, and little enough for a thousand idle cameras.
pub const MAX_SCRATCH_BYTES: usize = 1 << 20;
/// Most NAL units in an access unit: a slice for each macroblock of 4K. Tiny units cost more memory than they have bytes
/// where they are listed.
pub const MAX_UNITS: usize = 32_768;
/// Most access units taken from one packet of audio: a second of AAC has 47.
pub const MAX_READY_ACCESS_UNITS: usize = 64;
/// Most layers of a VP9 picture: the layer number has 3 bits (RFC 9628 §4.2), and so has the count of a superframe.
pub const MAX_VP9_LAYERS: usize = 8;
/// Most frames that H.264 and H.265 let a decoder hold back for reordering (H.264 §A.3.1, H.265 §A.4.2: `MaxDpbSize`).
pub const MAX_REORDER_FRAMES: usize = 16;

/// Smallest payload that packetizers cut to; smaller requests are taken as this. Below it headers outweigh media.
pub const MIN_PAYLOAD_BYTES: usize = 64;
/// Largest payload that packetizers cut to; larger requests are taken as this. The length in front of an RTP packet in
/// RTSP over TCP has 16 bits.
pub const MAX_PAYLOAD_BYTES: usize = 65_535 - crate::packet::HEADER_BYTES;
/// G.711, G.722 and L16 are sent in pieces of at most this duration (RFC 3551 §4.2 recommends 20 ms).
pub const AUDIO_PACKET_TIME: Duration = Duration::from_millis(20);

/// How long a packet waits for an earlier one. Reordering on real paths is a matter of a few milliseconds; longer would be
/// seen as delay by every viewer.
pub const REORDER_WAIT: Duration = Duration::from_millis(50);
/// Most packets that wait: 80 Mbit/s for [`REORDER_WAIT`].
pub const REORDER_PACKETS: usize = 512;
/// A step ahead by more packets than this is a restart of the sender, not a loss (RFC 3550 §A.1, `MAX_DROPOUT`).
pub const MAX_DROPOUT: u16 = 3000;
/// A step back by more packets than this is a restart of the sender, not a late packet (RFC 3550 §A.1, `MAX_MISORDER`
/// is 100; ours covers all that can still wait).
pub const MAX_MISORDER: u16 = 512;

/// Largest session description read. Those of cameras have 0.3 to 2 KiB; ONVIF recorders with many tracks reach 8 KiB.
pub const MAX_SDP_BYTES: usize = 64 << 10;
/// Most media of a session description that are looked at: cameras have 1 to 6.
pub const MAX_MEDIAS: usize = 32;
/// Most RTCP packets of one datagram that are looked at: 2 are usual.
pub const MAX_RTCP_PACKETS: usize = 64;
/// Most sequence numbers taken from one NACK: browsers ask for some dozens, a datagram could ask for 6000.
pub const MAX_NACKED_PACKETS: usize = 1024;
/// Most packets of one transport-wide feedback: browsers tell of a tenth of a second, some hundreds; a run of 8191 packets
/// takes two bytes.
pub const MAX_FEEDBACK_PACKETS: usize = 2048;

/// How far RTP-Info may be from the first packet. The two are one round trip apart; the rest is for servers that start at
/// the last keyframe.
pub const MAX_START_DISTANCE: Duration = Duration::from_secs(10);
/// How far the RTP time of a sender report may be from the packets'.
pub const MAX_REPORT_DISTANCE: Duration = Duration::from_secs(30);
/// How far the wall clock of reports may step against their RTP time: more is a clock that was set.
pub const MAX_REPORT_STEP: Duration = Duration::from_millis(250);
/// How far a report may move a track: buffers of a camera differ by a second or two.
pub const MAX_ALIGN: Duration = Duration::from_secs(10);
/// Differences between tracks that the first report leaves alone: they are below the jitter of reports.
pub const FIRST_ALIGN_TOLERANCE: Duration = Duration::from_millis(5);
/// Differences that later reports leave alone: ITU-R BT.1359 finds 45 ms of early sound the least that people notice.
pub const ALIGN_TOLERANCE: Duration = Duration::from_millis(30);
/// How far RTP time may go back without being a jump: B-frames go back by some frames.
pub const MAX_STEP_BACK: Duration = Duration::from_millis(500);
/// How far RTP time may run ahead of the arrivals without being a jump.
pub const MAX_STEP_AHEAD: Duration = Duration::from_secs(5);
/// Points through which the drift of a clock is fitted.
pub const DRIFT_POINTS: usize = 64;
/// Shortest time over which a drift is told: below it network jitter is all that is seen.
pub const MIN_DRIFT_TIME: Duration = Duration::from_secs(4);
