//! The header extensions of one track's packets (RFC 8285, one-byte headers).
//!
//! The media's id and the playout delay are told only as long as the viewer does not know them: packets are small without.

use crate::limits::PLAYOUT_DELAY_TOLD;
use std::time::{Duration, Instant};

/// Longest playout delay that browsers take into account.
const LONGEST_PLAYOUT_DELAY: Duration = Duration::from_secs(10);

/// What stands between the header and the payload of every packet.
#[derive(Debug, Default)]
pub(crate) struct Extension {
    /// Number and value of the media's id (RFC 9143 §15).
    mid: Option<(u8, String)>,
    /// Number of `playout-delay` (webrtc.org): how long a receiver shall hold pictures back at least.
    playout_number: Option<u8>,
    playout: Option<(Duration, Instant)>,
    /// Number of the extension that numbers packets over all tracks
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
    transport_wide_number: Option<u8>,
    /// The whole extension: profile, length, elements, padding. Empty if there is nothing to tell.
    bytes: Vec<u8>,
}

impl Extension {
    /// Extensions with these numbers (1 to 14), as far as they were negotiated.
    pub(crate) fn new(
        mid: Option<(u8, &str)>,
        playout_number: Option<u8>,
        transport_wide_number: Option<u8>,
    ) -> Self {
        // A longer id does not fit a one-byte header (RFC 8285 §4.2).
        let mid = mid.filter(|(_, value)| (1..=16).contains(&value.len()));
        let mut extension = Self {
            mid: mid.map(|(number, value)| (number, value.to_owned())),
            playout_number,
            transport_wide_number,
            ..Self::default()
        };
        extension.write();
        extension
    }

    /// Whether packets are numbered.
    pub(super) const fn is_numbered(&self) -> bool {
        self.transport_wide_number.is_some()
    }

    /// Puts a packet's number in, if packets are numbered.
    pub(super) fn number(&mut self, number: u16) {
        // It stands first, behind profile and length and its own head.
        const PLACE: std::ops::Range<usize> = 5..7;
        if self.is_numbered()
            && let Some(place) = self.bytes.get_mut(PLACE)
        {
            place.copy_from_slice(&number.to_be_bytes());
        }
    }

    /// As it stands in a packet.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The viewer has reported on the SSRC: it knows which media it is.
    pub(super) fn mid_is_known(&mut self) {
        if self.mid.take().is_some() {
            self.write();
        }
    }

    /// Asks the viewer to hold pictures back.
    pub(super) fn tell_playout_delay(&mut self, now: Instant, delay: Duration) {
        if self.playout_number.is_some() {
            self.playout = Some((delay, now + PLAYOUT_DELAY_TOLD));
            self.write();
        }
    }

    /// Before a frame: what was told long enough is told no more.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.playout.is_some_and(|(_, until)| now >= until) {
            self.playout = None;
            self.write();
        }
    }

    fn write(&mut self) {
        let mut elements = Vec::new();
        if let Some(number) = self.transport_wide_number {
            elements.extend([number << 4 | 1, 0, 0]);
        }
        if let Some((number, value)) = &self.mid {
            // The length is written less one; it is 16 at most.
            elements.push(number << 4 | u8::try_from(value.len() - 1).unwrap_or(15));
            elements.extend_from_slice(value.as_bytes());
        }
        if let (Some(number), Some((delay, _))) = (self.playout_number, self.playout) {
            let tens = |time: Duration| u32::try_from(time.as_millis() / 10).unwrap_or(0xfff).min(0xfff);
            let [_, bytes @ ..] = (tens(delay) << 12 | tens(LONGEST_PLAYOUT_DELAY)).to_be_bytes();
            elements.push(number << 4 | 2);
            elements.extend_from_slice(&bytes);
        }
        self.bytes.clear();
        if elements.is_empty() {
            return;
        }
        let words = elements.len().div_ceil(4);
        elements.resize(4 * words, 0);
        // Three elements of at most 3, 17 and 4 bytes: 6 words.
        self.bytes.extend([0xbe, 0xde, 0, u8::try_from(words).unwrap_or(u8::MAX)]);
        self.bytes.append(&mut elements);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    #[test]
    fn elements_are_padded_to_words() {
        let mut extension = Extension::new(Some((9, "0")), Some(5), None);
        assert_eq!(extension.bytes(), [0xbe, 0xde, 0, 1, 0x90, b'0', 0, 0]);
        extension.tell_playout_delay(epoch(), Duration::from_millis(480));
        assert_eq!(extension.bytes(), [0xbe, 0xde, 0, 2, 0x90, b'0', 0x52, 0x03, 0x03, 0xe8, 0, 0]);
        extension.mid_is_known();
        assert_eq!(extension.bytes(), [0xbe, 0xde, 0, 1, 0x52, 0x03, 0x03, 0xe8]);
        extension.expire(epoch() + PLAYOUT_DELAY_TOLD);
        assert!(extension.bytes().is_empty());
    }

    #[test]
    fn packets_are_numbered_in_place() {
        let mut extension = Extension::new(Some((9, "0")), Some(5), Some(4));
        extension.number(0x1234);
        assert_eq!(extension.bytes(), [0xbe, 0xde, 0, 2, 0x41, 0x12, 0x34, 0x90, b'0', 0, 0, 0]);
        extension.mid_is_known();
        extension.number(0x1235);
        assert_eq!(extension.bytes(), [0xbe, 0xde, 0, 1, 0x41, 0x12, 0x35, 0]);
        let mut without = Extension::new(Some((9, "0")), Some(5), None);
        without.number(0x1234);
        assert_eq!(without.bytes(), [0xbe, 0xde, 0, 1, 0x90, b'0', 0, 0]);
    }

    #[test]
    fn what_was_not_negotiated_is_not_sent() {
        let mut extension = Extension::new(None, None, None);
        extension.tell_playout_delay(epoch(), Duration::from_secs(1));
        extension.number(7);
        assert!(extension.bytes().is_empty());
        assert!(Extension::new(Some((9, &"x".repeat(17))), None, None).bytes().is_empty());
    }
}
