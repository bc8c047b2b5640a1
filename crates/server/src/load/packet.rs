//! What a load generator reads of an RTP packet: enough to count frames and losses and to see a keyframe or a clock.
//!
//! Implements the fixed part of RFC 3550 §5.1 and the packetization of RFC 6184 (H.264) and RFC 7798 (H.265) as far as NAL
//! unit types go. The pictures of other codecs are counted by the marker alone.

use super::clock;
use super::tally::{Counts, Seat};
use std::time::Instant;
use yeoul_media::Codec;

/// Fixed bytes of an RTP header.
const HEADER_BYTES: usize = 12;
/// A step back of more than this is a new start, not a late packet (RFC 3550 §A.1 has 100).
const MISORDERED_MOST: u16 = 100;
/// A step forward of more than this is a new start as well.
const MISSING_MOST: u16 = 3000;

/// Which packets tell of a keyframe, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    H264,
    H265,
    /// Video whose NAL units say nothing to us.
    Other,
    /// No video: packets and losses are counted, no frames.
    Sound,
}

impl Picture {
    pub(super) fn of(codec: &Codec) -> Self {
        match codec {
            Codec::H264(_) => Self::H264,
            Codec::H265(_) => Self::H265,
            Codec::Av1(_) | Codec::Vp9(_) | Codec::Vp8(_) | Codec::Mpeg4Video(_) | Codec::Jpeg { .. } => {
                Self::Other
            }
            Codec::Aac(_)
            | Codec::Opus { .. }
            | Codec::Pcmu(_)
            | Codec::Pcma(_)
            | Codec::G722
            | Codec::L16(_)
            | Codec::Flac(_)
            | Codec::Mp3(_) => Self::Sound,
        }
    }

    /// Whether the first bytes of a payload begin a keyframe, and whether an SEI message may be in it.
    fn tells(self, payload: &[u8]) -> (bool, bool) {
        match (self, payload) {
            (Self::H264, [first, rest @ ..]) => match first & 0x1f {
                5 => (true, false),
                6 => (false, true),
                24 => (units(rest).any(|unit| unit.first().is_some_and(|first| first & 0x1f == 5)), true),
                28 => (rest.first().is_some_and(|fu| fu & 0x80 != 0 && fu & 0x1f == 5), false),
                _ => (false, false),
            },
            (Self::H265, [first, _, rest @ ..]) => match first >> 1 & 0x3f {
                16..=21 => (true, false),
                39 => (false, true),
                48 => {
                    let is_key =
                        |unit: &[u8]| unit.first().is_some_and(|first| matches!(first >> 1 & 0x3f, 16..=21));
                    (units(rest).any(is_key), true)
                }
                49 => (rest.first().is_some_and(|fu| fu & 0x80 != 0 && matches!(fu & 0x3f, 16..=21)), false),
                _ => (false, false),
            },
            (Self::H264 | Self::H265 | Self::Other | Self::Sound, _) => (false, false),
        }
    }
}

/// The units of an aggregation packet, each behind its length in two bytes.
fn units(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (size, behind) = rest.split_first_chunk::<2>()?;
        let (unit, after) = behind.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        rest = after;
        Some(unit)
    })
}

/// Reads the packets of one track of one viewer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    picture: Picture,
    /// The highest sequence number so far.
    highest: Option<u16>,
}

impl Meter {
    pub(super) fn new(picture: Picture) -> Self {
        Self { picture, highest: None }
    }

    /// Whether it is a track of pictures.
    pub(super) fn is_video(self) -> bool {
        self.picture != Picture::Sound
    }

    /// Reads a packet, and adds it to `counts`. What is no RTP packet counts for nothing.
    pub(super) fn packet(&mut self, now: Instant, packet: &[u8], seat: &mut Seat, counts: &mut Counts) {
        let Some((header, _)) = packet.split_first_chunk::<HEADER_BYTES>() else { return };
        let [flags, marker, high, low, ..] = *header;
        if flags >> 6 != 2 {
            return;
        }
        counts.bytes += u64::try_from(packet.len()).unwrap_or_default();
        counts.packets += 1;
        self.sequence(u16::from_be_bytes([high, low]), seat);
        if !self.is_video() {
            return;
        }
        let payload = payload(packet, flags).unwrap_or_default();
        self.payload(now, payload, seat);
        counts.frames += u64::from(marker >> 7);
    }

    /// Looks for a keyframe and a clock in the payload of a packet.
    pub(super) fn payload(self, now: Instant, payload: &[u8], seat: &mut Seat) {
        let (begins_keyframe, may_have_sei) = self.picture.tells(payload);
        if begins_keyframe {
            seat.keyframe(now);
        }
        if may_have_sei && let Some(sent_ns) = clock::near_start(payload) {
            seat.clock(sent_ns);
        }
    }

    /// Counts what is missing before this sequence number.
    pub(super) fn sequence(&mut self, number: u16, seat: &Seat) {
        let Some(highest) = self.highest else {
            self.highest = Some(number);
            return;
        };
        let ahead = number.wrapping_sub(highest);
        let behind = highest.wrapping_sub(number);
        match (ahead, behind) {
            // Twice the same.
            (0, _) => {}
            (1..=MISSING_MOST, _) => {
                if ahead > 1 {
                    seat.lost(i64::from(ahead - 1));
                }
                self.highest = Some(number);
            }
            (_, 1..=MISORDERED_MOST) => seat.lost(-1),
            // A new start.
            _ => self.highest = Some(number),
        }
    }
}

/// What stands behind the header, its contributing sources and its extension (RFC 3550 §5.3.1).
fn payload(packet: &[u8], flags: u8) -> Option<&[u8]> {
    let sources = usize::from(flags & 0x0f) * 4;
    let rest = packet.get(HEADER_BYTES + sources..)?;
    if flags & 0x10 == 0 {
        return Some(rest);
    }
    let words = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
    rest.get(4 + usize::from(words) * 4..)
}

#[cfg(test)]
mod tests {
    use super::{Meter, Picture};
    use crate::load::clock;
    use crate::load::tally::{Counts, Seat, Tally};
    use proptest::prelude::*;
    use std::sync::Arc;
    use yeoul_testkit::epoch;

    fn packet(number: u16, marker: bool, payload: &[u8]) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        let mut packet = vec![0x80, 96 | u8::from(marker) << 7, high, low, 0, 0, 0, 1, 0, 0, 0, 2];
        packet.extend(payload);
        packet
    }

    /// Reads packets of these sequence numbers; gives how many were lost.
    fn lost(numbers: &[u16]) -> u64 {
        let tally = Arc::new(Tally::default());
        let mut seat = Seat::new(Arc::clone(&tally), epoch());
        let mut meter = Meter::new(Picture::Sound);
        for number in numbers {
            meter.packet(epoch(), &packet(*number, false, &[1]), &mut seat, &mut Counts::default());
        }
        tally.counts().lost
    }

    #[test]
    fn gaps_are_lost_packets() {
        assert_eq!(lost(&[1, 2, 3]), 0);
        assert_eq!(lost(&[1, 4]), 2);
        assert_eq!(lost(&[65_534, 1]), 2, "numbers wrap");
        assert_eq!(lost(&[1, 4, 2, 3]), 0, "late is not lost");
        assert_eq!(lost(&[1, 1, 2]), 0);
        assert_eq!(lost(&[1, 30_000, 30_001]), 0, "a new start");
    }

    /// Whether `payload` begins a keyframe, and its clock.
    fn seen(picture: Picture, payload: &[u8]) -> (bool, bool, u64) {
        let tally = Arc::new(Tally::default());
        tally.measure(true);
        let mut seat = Seat::new(Arc::clone(&tally), epoch());
        let mut counts = Counts::default();
        Meter::new(picture).packet(epoch(), &packet(1, true, payload), &mut seat, &mut counts);
        assert_eq!(counts.packets, 1);
        (tally.first_keyframe.count() == 1, tally.latency.count() == 1, counts.frames)
    }

    #[test]
    fn keyframes_and_clocks_are_seen_in_each_kind_of_packet() {
        let now = clock::now_ns();
        let aggregated = |head: &[u8], units: &[&[u8]]| {
            let mut payload = head.to_vec();
            for unit in units {
                payload.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
                payload.extend(*unit);
            }
            payload
        };
        assert_eq!(seen(Picture::H264, &[0x65, 1, 2]), (true, false, 1));
        assert_eq!(seen(Picture::H264, &[0x41, 1, 2]), (false, false, 1));
        assert_eq!(seen(Picture::H264, &[0x7c, 0x85, 2]), (true, false, 1));
        assert_eq!(seen(Picture::H264, &[0x7c, 0x05, 2]), (false, false, 1), "not its beginning");
        let sei = clock::sei(&[6], now);
        assert_eq!(seen(Picture::H264, &sei), (false, true, 1));
        assert_eq!(seen(Picture::H264, &aggregated(&[24], &[&[0x67, 1], &sei, &[0x65, 9]])), (true, true, 1));
        assert_eq!(seen(Picture::H265, &[19 << 1, 1, 2]), (true, false, 1));
        assert_eq!(seen(Picture::H265, &[49 << 1, 1, 0x80 | 19]), (true, false, 1));
        let sei = clock::sei(&[39 << 1, 1], now);
        assert_eq!(seen(Picture::H265, &sei), (false, true, 1));
        assert_eq!(seen(Picture::H265, &aggregated(&[48 << 1, 1], &[&sei, &[19 << 1, 1]])), (true, true, 1));
        assert_eq!(seen(Picture::Other, &[0x65]), (false, false, 1));
        assert_eq!(seen(Picture::Sound, &[0x65]), (false, false, 0));
    }

    #[test]
    fn a_header_extension_is_stepped_over() {
        let mut packet = packet(1, true, &[0xbe, 0xde, 0, 1, 9, 9, 9, 9, 0x65, 1]);
        packet[0] |= 0x10;
        let tally = Arc::new(Tally::default());
        let mut seat = Seat::new(Arc::clone(&tally), epoch());
        Meter::new(Picture::H264).packet(epoch(), &packet, &mut seat, &mut Counts::default());
        assert_eq!(tally.first_keyframe.count(), 1);
    }

    proptest! {
        #[test]
        fn no_packet_panics(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..8)) {
            let mut seat = Seat::new(Arc::new(Tally::default()), epoch());
            for picture in [Picture::H264, Picture::H265, Picture::Other, Picture::Sound] {
                let mut meter = Meter::new(picture);
                for packet in &packets {
                    let mut versioned = packet.clone();
                    versioned.iter_mut().take(1).for_each(|first| *first = *first & 0x3f | 0x80);
                    meter.packet(epoch(), &versioned, &mut seat, &mut Counts::default());
                }
            }
        }
    }

    #[test]
    fn what_is_no_rtp_counts_for_nothing() {
        let tally = Arc::new(Tally::default());
        let mut seat = Seat::new(Arc::clone(&tally), epoch());
        let mut counts = Counts::default();
        for bytes in [&b"short"[..], &[0; 40], &[0x90; 13]] {
            Meter::new(Picture::H264).packet(epoch(), bytes, &mut seat, &mut counts);
        }
        assert_eq!(
            (counts.packets, counts.frames),
            (1, 1),
            "only the last one has the version, and no payload"
        );
    }
}
