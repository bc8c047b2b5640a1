//! Transport-wide feedback: when each packet came (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use super::Error;
use super::parse::Reader;
use crate::limits::MAX_FEEDBACK_PACKETS;
use std::time::Duration;

/// Ticks of the receiver's clock in which differences are told.
const TICK: Duration = Duration::from_micros(250);
/// What the reference time counts: 64 ms.
const REFERENCE_TICKS: i64 = 256;
/// Its 24 bits.
const REFERENCE_MASK: u32 = 0x00ff_ffff;

/// What a packet's two bits say: it did not come; the difference stands in one byte, or in two.
const LOST: u16 = 0;
const SMALL: u16 = 1;
const LARGE: u16 = 2;
/// Packets that a vector of two bits each describes.
const VECTOR: usize = 7;
/// Most packets of a run.
const MAX_RUN: usize = 0x1fff;

/// When the packets of a sender came, numbered over all of its tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// Who tells.
    pub sender_ssrc: u32,
    /// One of the sender's SSRCs.
    pub media_ssrc: u32,
    /// Counts these packets: a gap means that one was lost.
    pub count: u8,
    /// Number of the first packet.
    pub first: u16,
    /// The receiver's clock, in units of 64 ms, from which the first difference counts; 24 bits.
    pub reference: u32,
    /// For each packet from the first one on: how long after the one before it that came, in units of 250 µs; `None` if it
    /// has not come. At most [`MAX_FEEDBACK_PACKETS`] are read and written.
    pub differences: Vec<Option<i16>>,
}

impl Arrivals {
    /// Each packet's number, and when it came, if it did, by the receiver's clock, which wraps after 12 days.
    pub fn packets(&self) -> impl Iterator<Item = (u16, Option<Duration>)> {
        let mut ticks = i64::from(self.reference & REFERENCE_MASK) * REFERENCE_TICKS;
        let numbers = (0..self.differences.len()).map(|index| {
            // As the numbers do, it wraps.
            self.first.wrapping_add(u16::try_from(index & 0xffff).unwrap_or(0))
        });
        numbers.zip(&self.differences).map(move |(number, difference)| {
            let at = difference.map(|difference| {
                ticks += i64::from(difference);
                TICK * u32::try_from(ticks.max(0)).unwrap_or(u32::MAX)
            });
            (number, at)
        })
    }

    /// Reads what stands behind the header.
    pub(super) fn parse(r: &mut Reader<'_>) -> Result<Self, Error> {
        let (sender_ssrc, media_ssrc, first, packets) = (r.u32()?, r.u32()?, r.u16()?, r.u16()?);
        let [r0, r1, r2, count] = r.array()?;
        let packets = usize::from(packets).min(MAX_FEEDBACK_PACKETS);
        let mut symbols = Vec::with_capacity(packets);
        while symbols.len() < packets {
            let chunk = r.u16()?;
            let missing = packets - symbols.len();
            match chunk >> 14 {
                0 | 1 => {
                    let run = usize::from(chunk & 0x1fff).min(missing);
                    symbols.extend(std::iter::repeat_n(chunk >> 13 & 3, run));
                    if run == 0 {
                        // Nobody tells nothing: without this a chunk of zeros would be as good as any other.
                        break;
                    }
                }
                2 => symbols.extend((0..14).rev().map(|bit| chunk >> bit & 1).take(missing)),
                _ => symbols.extend((0..VECTOR).rev().map(|at| chunk >> (2 * at) & 3).take(missing)),
            }
        }
        let difference = |symbol: u16| {
            Ok(match symbol {
                SMALL => Some(i16::from(r.u8()?)),
                LARGE => Some(r.u16()?.cast_signed()),
                // 3 is reserved: what it says of the packet is not known.
                _ => None,
            })
        };
        let differences = symbols.into_iter().map(difference).collect::<Result<_, _>>()?;
        let reference = u32::from_be_bytes([0, r0, r1, r2]);
        Ok(Self { sender_ssrc, media_ssrc, count, first, reference, differences })
    }

    /// Writes what stands behind the header.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let differences = self.differences.get(..MAX_FEEDBACK_PACKETS).unwrap_or(&self.differences);
        out.extend(self.sender_ssrc.to_be_bytes());
        out.extend(self.media_ssrc.to_be_bytes());
        out.extend(self.first.to_be_bytes());
        out.extend(u16::try_from(differences.len()).unwrap_or(u16::MAX).to_be_bytes());
        let [_, r0, r1, r2] = self.reference.to_be_bytes();
        out.extend([r0, r1, r2, self.count]);
        let symbols: Vec<u16> = differences.iter().copied().map(symbol).collect();
        let mut rest = symbols.as_slice();
        while let Some(&next) = rest.first() {
            let run = rest.iter().take_while(|&&symbol| symbol == next).count().min(MAX_RUN);
            let (chunk, taken) = if run >= VECTOR || run == rest.len() {
                (next << 13 | u16::try_from(run).unwrap_or(0), run)
            } else {
                let taken = rest.len().min(VECTOR);
                let bits = rest.iter().take(taken).fold(0, |bits, symbol| bits << 2 | symbol);
                (0xc000 | bits << (2 * (VECTOR - taken)), taken)
            };
            out.extend(chunk.to_be_bytes());
            rest = rest.get(taken..).unwrap_or_default();
        }
        for &difference in differences.iter().flatten() {
            match u8::try_from(difference) {
                Ok(small) => out.push(small),
                Err(_) => out.extend(difference.to_be_bytes()),
            }
        }
    }
}

fn symbol(difference: Option<i16>) -> u16 {
    match difference {
        None => LOST,
        Some(0..=255) => SMALL,
        Some(_) => LARGE,
    }
}
