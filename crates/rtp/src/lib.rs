//! RTP and what stands around it: packets in, [`AccessUnit`]s out, and back.
//!
//! | module | what it is | standard |
//! |---|---|---|
//! | [`packet`] | the fixed header, CSRC, extension, padding | RFC 3550 §5.1 |
//! | [`format`](mod@format) | what a description says of a track | RFC 3551, 3640 |
//! | [`Packetizer`], [`Depacketizer`] | frame to payloads and back, one file per payload format | RFC 6184, 7798, 7741, 9628, 2435, 2250, 3640, 6416, 7587, 3551; AV1 |
//! | [`reorder`] | packets back in order, losses named | RFC 3550 §A.1 |
//! | [`receive`] | all of these for one track: packets in, frames and reports out | |
//! | [`rtcp`] | reports, feedback, statistics | RFC 3550 §6, 4585, 5104 |
//! | [`clock`] | RTP time of several tracks onto one timeline | RFC 3550 §6.4.1 |
//! | [`sdp`] | session descriptions of cameras and for players | RFC 8866, 2326 appendix C |
//!
//! Everything is sans-IO: no socket, no clock, no task; time is an argument. RTP time, sequence numbers, SSRC and payload
//! types do not leave this crate and the sessions built on it.

mod bits;
pub mod clock;
mod codec;
mod depacketizer;
pub mod format;
pub mod limits;
pub mod packet;
mod packetizer;
pub mod receive;
pub mod reorder;
pub mod rtcp;
pub mod sdp;

pub use depacketizer::{AccessUnit, DepacketizeError, Depacketizer};
pub use format::{AuHeaderLayout, MediaFormat, Packing};
pub use packet::{Header, Packet, PacketRef};
pub use packetizer::{Packetizer, Packets, Payload};
