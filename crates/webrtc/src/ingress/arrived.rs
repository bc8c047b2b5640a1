//! When the packets of a peer came, for its estimate of the line (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3): browsers
//! begin with 300 kbit/s and send more only where this tells them that it arrives.

use super::extension;
use super::missing::extended;
use crate::limits::{ARRIVALS_INTERVAL, ARRIVALS_PACKETS};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use yeoul_rtp::rtcp::Arrivals;

/// What differences are told in.
const TICK: Duration = Duration::from_micros(250);
/// Ticks in a unit of the reference time.
const REFERENCE_TICKS: i64 = 256;

/// The arrivals that have not been told yet.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Number of the header extension that counts the packets.
    extension: u8,
    /// The receiver's clock counts from here.
    epoch: Instant,
    /// Of the packets that were told, the last one's number behind its wraps.
    told: Option<u64>,
    /// Arrivals in ticks by number.
    untold: BTreeMap<u64, i64>,
    count: u8,
    next_report: Option<Instant>,
}

impl Arrived {
    pub(super) fn new(epoch: Instant, extension: u8) -> Self {
        Self { extension, epoch, told: None, untold: BTreeMap::new(), count: 0, next_report: None }
    }

    /// A packet came.
    pub(super) fn on_packet(&mut self, now: Instant, packet: &[u8]) {
        let Some(&[high, low]) = extension::find(packet, self.extension) else { return };
        let number = u16::from_be_bytes([high, low]);
        let newest = self.untold.last_key_value().map(|(number, _)| *number).or(self.told);
        // One wrap up, so that an early packet does not fall below 0.
        let number = newest.map_or((1 << 16) + u64::from(number), |newest| extended(newest, number));
        // What was told to be lost stays so: the sender has acted upon it.
        if self.told.is_some_and(|told| number <= told) || self.untold.len() >= ARRIVALS_PACKETS {
            return;
        }
        let ticks = now.saturating_duration_since(self.epoch).as_micros() / TICK.as_micros();
        self.untold.insert(number, i64::try_from(ticks).unwrap_or(i64::MAX));
        self.next_report.get_or_insert(now + ARRIVALS_INTERVAL);
    }

    /// When [`Arrived::report`] has something to tell.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.next_report
    }

    /// The arrivals since the last report, if that is long ago.
    pub(super) fn report(&mut self, now: Instant, sender_ssrc: u32, media_ssrc: u32) -> Option<Arrivals> {
        self.next_report.filter(|at| *at <= now)?;
        let (&first_come, &at) = self.untold.first_key_value()?;
        let first = match self.told {
            Some(told) if first_come - told <= ARRIVALS_PACKETS as u64 => told + 1,
            Some(_) | None => first_come,
        };
        let reference = at.div_euclid(REFERENCE_TICKS);
        let mut before = reference * REFERENCE_TICKS;
        let mut differences = Vec::new();
        let mut number = first;
        while let Some((&last, _)) = self.untold.last_key_value()
            && number <= last
            && differences.len() < ARRIVALS_PACKETS
        {
            let difference = match self.untold.get(&number) {
                // Half a minute that no difference can tell begins another report.
                Some(&at) => match i16::try_from(at - before) {
                    Ok(difference) => {
                        before = at;
                        Some(difference)
                    }
                    Err(_) => break,
                },
                None => None,
            };
            self.untold.remove(&number);
            differences.push(difference);
            number += 1;
        }
        self.told = Some(number - 1);
        self.next_report = (!self.untold.is_empty()).then_some(now);
        let count = self.count;
        self.count = count.wrapping_add(1);
        Some(Arrivals {
            sender_ssrc,
            media_ssrc,
            count,
            first: u16::try_from(first & 0xffff).unwrap_or(0),
            reference: u32::try_from(reference & 0x00ff_ffff).unwrap_or(0),
            differences,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_testkit::epoch;

    const MS: Duration = Duration::from_millis(1);

    /// A packet with that number in extension 3, in the one-byte form.
    fn packet(number: u16) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        let mut bytes = vec![0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1];
        bytes.extend([0x31, high, low, 0, 1, 2, 3]);
        bytes
    }

    fn told(arrived: &mut Arrived, at: Duration) -> Option<Vec<(u16, Option<u128>)>> {
        let report = arrived.report(epoch() + at, 1, 2)?;
        Some(report.packets().map(|(number, at)| (number, at.map(|at| at.as_millis()))).collect())
    }

    #[test]
    fn arrivals_and_losses_are_told_once_over_the_wrap() {
        let mut arrived = Arrived::new(epoch(), 3);
        for (number, at) in [(65_534, 100), (1, 130), (0, 131)] {
            arrived.on_packet(epoch() + at * MS, &packet(number));
        }
        assert_eq!(told(&mut arrived, 120 * MS), None, "not yet");
        let first = told(&mut arrived, 100 * MS + ARRIVALS_INTERVAL);
        let expected = vec![(65_534, Some(100)), (65_535, None), (0, Some(131)), (1, Some(130))];
        assert_eq!(first, Some(expected));
        assert_eq!(told(&mut arrived, 900 * MS), None, "nothing new");
        arrived.on_packet(epoch() + 300 * MS, &packet(65_535));
        arrived.on_packet(epoch() + 310 * MS, &packet(3));
        assert_eq!(told(&mut arrived, 900 * MS), Some(vec![(2, None), (3, Some(310))]));
    }

    #[test]
    fn a_long_pause_begins_another_report() {
        let mut arrived = Arrived::new(epoch(), 3);
        arrived.on_packet(epoch() + 100 * MS, &packet(1));
        arrived.on_packet(epoch() + 20_000 * MS, &packet(2));
        assert_eq!(told(&mut arrived, 30_000 * MS), Some(vec![(1, Some(100))]));
        assert_eq!(told(&mut arrived, 30_000 * MS), Some(vec![(2, Some(20_000))]));
        assert_eq!(told(&mut arrived, 30_000 * MS), None);
    }
}
