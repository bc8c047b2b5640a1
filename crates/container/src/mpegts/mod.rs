//! MPEG-2 transport streams (ISO/IEC 13818-1): H.264, H.265, AAC as ADTS, MPEG audio, Opus as ffmpeg and others
//! send it; MPEG-4 part 2 video is written only.
//!
//! [`Muxer`] writes one program, whole packets at a time, for segments or as an endless stream; [`Demuxer`] reads the first
//! program of whatever others send. Leaves out scrambling, teletext and subtitles, service information (SDT, NIT) and LATM.

mod crc;
mod demuxer;
mod form;
mod muxer;
mod packet;
mod psi;
#[cfg(test)]
mod tests;

pub use demuxer::{Demuxer, Error};
pub use muxer::{Muxer, carries};

use yeoul_media::Timestamp;

/// Bytes of a packet.
pub const PACKET_BYTES: usize = 188;
/// What every packet starts with.
pub(crate) const SYNC_BYTE: u8 = 0x47;
/// Times count in this clock.
pub const CLOCK_HZ: u32 = 90_000;
/// PTS, DTS and the base of the clock reference have 33 bits: they wrap after 26.5 hours.
const CLOCK_BITS: u32 = 33;
const CLOCK_MASK: i64 = (1 << CLOCK_BITS) - 1;

/// Where the zero of the stream's timeline stands in the stream's 33 bits: decoding times before the zero (B-frames) and the
/// clock reference, which runs ahead of them, stay above 0.
pub const ZERO_TICKS: i64 = CLOCK_HZ as i64;
/// How much earlier than a frame's decoding time the clock is in front of it: a receiver has this long to take the frame in, and
/// tracks that arrive less than this apart never come too late.
const LEAD_TICKS: i64 = CLOCK_HZ as i64 / 5;

/// Stream types (ISO/IEC 13818-1 table 2-34).
const MPEG1_AUDIO: u8 = 0x03;
const MPEG2_AUDIO: u8 = 0x04;
const PRIVATE_DATA: u8 = 0x06;
const ADTS_AAC: u8 = 0x0f;
const MPEG4_VIDEO: u8 = 0x10;
const H264: u8 = 0x1b;
const H265: u8 = 0x24;

/// Time in 90 kHz ticks as the stream counts it, before it is cut to 33 bits.
fn ticks(time: Timestamp) -> i64 {
    time.to_ticks(CLOCK_HZ).saturating_add(ZERO_TICKS)
}
