//! Which packets of a sender are missing, and when to ask for them (RFC 4585 §6.2.1).

use crate::limits::{MAX_MISSING_PACKETS, NACK_DELAY, NACK_INTERVAL, NACK_PACKETS};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use yeoul_rtp::Header;

/// The packets of one sender that have not come.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// SSRC, and the newest sequence number with its wraps counted.
    newest: Option<(u32, u64)>,
    /// By sequence number.
    lost: BTreeMap<u64, Lost>,
}

#[derive(Clone, Copy, Debug)]
struct Lost {
    /// Since when it is missing.
    since: Instant,
    ask_at: Instant,
}

impl Missing {
    /// A packet came.
    pub(super) fn on_packet(&mut self, now: Instant, header: &Header) {
        let Some((ssrc, newest)) = self.newest.filter(|(ssrc, _)| *ssrc == header.ssrc) else {
            // One wrap up, so that an early packet does not fall below 0.
            self.newest = Some((header.ssrc, (1 << 16) + u64::from(header.sequence)));
            self.lost.clear();
            return;
        };
        let number = extended(newest, header.sequence);
        if number <= newest {
            self.lost.remove(&number);
            return;
        }
        self.newest = Some((ssrc, number));
        let gap = newest + 1..number;
        if number - newest > MAX_MISSING_PACKETS {
            // Not to be made good: a keyframe will be.
            self.lost.clear();
            return;
        }
        self.lost.extend(gap.map(|number| (number, Lost { since: now, ask_at: now + NACK_DELAY })));
        while self.lost.len() as u64 > MAX_MISSING_PACKETS {
            self.lost.pop_first();
        }
    }

    /// A packet came again.
    pub(super) fn found(&mut self, sequence: u16) {
        if let Some((_, newest)) = self.newest {
            self.lost.remove(&extended(newest, sequence));
        }
    }

    /// Those that are to be asked for now, again after a round trip, ascending; those that nobody waits for any longer are given
    /// up.
    pub(super) fn due(&mut self, now: Instant, round_trip: Option<Duration>, wait: Duration) -> Vec<u16> {
        self.lost.retain(|_, lost| now < lost.since + wait);
        // What is on its way is not asked for twice.
        let again_at = now + (round_trip.unwrap_or_default() + NACK_DELAY).max(NACK_INTERVAL);
        let mut due = Vec::new();
        let asked = self.lost.iter_mut().filter(|(_, lost)| lost.ask_at <= now).take(NACK_PACKETS);
        for (number, lost) in asked {
            lost.ask_at = again_at;
            due.push(u16::try_from(number & 0xffff).unwrap_or(0));
        }
        due
    }

    /// When [`Missing::due`] has something to give.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.lost.values().map(|lost| lost.ask_at).min()
    }
}

/// The number nearest to `newest` with these low 16 bits.
pub(super) fn extended(newest: u64, sequence: u16) -> u64 {
    let low = u16::try_from(newest & 0xffff).unwrap_or(0);
    let ahead = sequence.wrapping_sub(low).cast_signed();
    newest.saturating_add_signed(i64::from(ahead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    const MS: Duration = Duration::from_millis(1);
    const WAIT: Duration = Duration::from_millis(200);

    fn header(sequence: u16) -> Header {
        Header { payload_type: 96, marker: false, sequence, rtp_time: 0, ssrc: 1 }
    }

    fn after(sequences: &[u16]) -> Missing {
        let mut missing = Missing::default();
        for &sequence in sequences {
            missing.on_packet(epoch(), &header(sequence));
        }
        missing
    }

    #[test]
    fn what_is_left_out_is_asked_for_once_a_round_trip() {
        let mut missing = after(&[65_534, 1]);
        assert_eq!(missing.due(epoch(), None, WAIT), [], "it may only be late");
        let asked = epoch() + NACK_DELAY;
        assert_eq!(missing.next_at(), Some(asked));
        assert_eq!(missing.due(asked, Some(50 * MS), WAIT), [65_535, 0], "over the wrap");
        assert_eq!(missing.due(asked + 59 * MS, Some(50 * MS), WAIT), []);
        missing.found(65_535);
        assert_eq!(missing.due(asked + 60 * MS, Some(50 * MS), WAIT), [0]);
        assert_eq!(missing.due(epoch() + WAIT, Some(50 * MS), WAIT), [], "nobody waits any longer");
        assert_eq!(missing.next_at(), None);
    }

    #[test]
    fn late_packets_and_great_gaps_are_not_asked_for() {
        let mut missing = after(&[10, 12, 11, 13]);
        assert_eq!(missing.due(epoch() + WAIT / 2, None, WAIT), []);
        let mut missing = after(&[10, 12, 10_000]);
        assert_eq!(missing.due(epoch() + WAIT / 2, None, WAIT), [], "a keyframe is");
    }
}
