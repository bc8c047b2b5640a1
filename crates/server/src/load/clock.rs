//! A clock inside the picture: an SEI message of user data (H.264 §D.1.7, H.265 §D.2.7) that says when the frame was sent.
//!
//! Its UUID is [`MARK`]; then come 16 hexadecimal digits, nanoseconds of this machine's monotonic clock, and 16 dots. Whoever
//! reads the stream on the same machine knows how long the frame has been on its way. There are no zero bytes in it, so that it
//! stands in every container as it was sent.

use crate::limits::LOAD_CLOCK_SEARCH_BYTES;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The UUID of the message.
pub(super) const MARK: &[u8; 16] = b"yeoul-lab-clock!";
/// Hexadecimal digits behind it.
const DIGITS: usize = 16;
/// Bytes of UUID, digits and dots.
const MESSAGE_BYTES: u8 = 48;

/// Nanoseconds of this machine's monotonic clock.
pub(super) fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + nanos.unwrap_or_default()
}

/// The NAL unit that says `now_ns`, behind the header of its codec.
pub(super) fn sei(header: &[u8], now_ns: u64) -> Vec<u8> {
    /// User data with a UUID.
    const USER_DATA_UNREGISTERED: u8 = 5;
    let mut unit = header.to_vec();
    unit.extend([USER_DATA_UNREGISTERED, MESSAGE_BYTES]);
    unit.extend(MARK);
    unit.extend(format!("{now_ns:016x}").as_bytes());
    unit.extend([b'.'; 16]);
    // The stop bit.
    unit.push(0x80);
    unit
}

/// The clock near the beginning of a packet's payload.
pub(super) fn near_start(payload: &[u8]) -> Option<u64> {
    every(payload.get(..LOAD_CLOCK_SEARCH_BYTES).unwrap_or(payload)).next()
}

/// Every clock in `bytes`.
pub(super) fn every(bytes: &[u8]) -> impl Iterator<Item = u64> {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));
    FINDER.find_iter(bytes).filter_map(|at| {
        let digits = bytes.get(at + MARK.len()..at + MARK.len() + DIGITS)?;
        u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{every, near_start, now_ns, sei};

    #[test]
    fn what_is_written_is_read() {
        let unit = sei(&[6], 0x0123_4567_89ab_cdef);
        assert_eq!(unit.len(), 1 + 2 + 48 + 1);
        assert_eq!(&unit[..3], [6, 5, 48]);
        assert_eq!(near_start(&unit), Some(0x0123_4567_89ab_cdef));
        assert!(!unit.contains(&0), "no byte that would be escaped in a NAL unit");
    }

    #[test]
    fn every_clock_of_a_segment_is_found() {
        let mut segment = vec![7; 5000];
        for clock in [3, 1 << 40] {
            segment.extend(sei(&[0x4e, 1], clock));
            segment.extend([9; 3000]);
        }
        assert_eq!(every(&segment).collect::<Vec<_>>(), [3, 1 << 40]);
        assert_eq!(near_start(&segment), None, "only the beginning is searched");
    }

    #[test]
    fn a_clock_cut_off_is_none() {
        let unit = sei(&[6], now_ns());
        assert_eq!(every(&unit[..30]).next(), None);
    }
}
