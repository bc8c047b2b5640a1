//! Media time.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A point on a stream's timeline in nanoseconds, signed, 64 bits: it never wraps (292 years).
///
/// All tracks of one stream share one timeline; its zero has no meaning of its own. Nanoseconds hold the ticks of every
/// clock in use (90 kHz, 48 kHz, 44.1 kHz …) without loss: [`Timestamp::to_ticks`] rounds to the nearest tick, so that
/// ticks → timestamp → ticks gives the same ticks for every rate up to 500 MHz.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The zero of the timeline.
    pub const ZERO: Self = Self(0);

    /// The timestamp `nanos` nanoseconds after the timeline's zero.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the timeline's zero.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The timestamp of `ticks` of a clock of `rate` Hz, rounded to the nearest nanosecond. Saturates at ±292 years.
    #[must_use]
    pub fn from_ticks(ticks: i64, rate: u32) -> Self {
        Self(saturate(div_round(i128::from(ticks) * NANOS_PER_SECOND, i128::from(rate.max(1)))))
    }

    /// Ticks of a clock of `rate` Hz, rounded to the nearest tick.
    #[must_use]
    pub fn to_ticks(self, rate: u32) -> i64 {
        saturate(div_round(i128::from(self.0) * i128::from(rate), NANOS_PER_SECOND))
    }

    /// The time from `earlier` to `self`, zero if `earlier` is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn div_round(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor / 2).div_euclid(divisor)
}

fn saturate(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(rhs.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// Seconds with milliseconds, for logs.
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, nanos) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:03}s", nanos / 1_000_000_000, nanos % 1_000_000_000 / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ninety_kilohertz_ticks_are_told_apart() {
        assert_eq!(Timestamp::from_ticks(1, 90_000).as_nanos(), 11_111);
        assert_eq!(Timestamp::from_ticks(2, 90_000).as_nanos(), 22_222);
        assert_eq!(Timestamp::from_nanos(22_222).to_ticks(90_000), 2);
    }

    #[test]
    fn time_before_zero_has_a_sign() {
        assert_eq!(format!("{:?}", Timestamp::from_nanos(-1_500_000_000)), "-1.500s");
        assert_eq!(Timestamp::from_ticks(-90_000, 90_000).as_nanos(), -1_000_000_000);
    }

    proptest! {
        #[test]
        fn ticks_survive_the_way_through_nanoseconds(
            ticks in -(1i64 << 40)..(1i64 << 40),
            rate in prop::sample::select(vec![8_000u32, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 90_000, 96_000]),
        ) {
            prop_assert_eq!(Timestamp::from_ticks(ticks, rate).to_ticks(rate), ticks);
        }

        #[test]
        fn no_input_overflows(nanos: i64, ticks: i64, rate: u32, add: u64) {
            let t = Timestamp::from_nanos(nanos);
            let _ = (t.to_ticks(rate), Timestamp::from_ticks(ticks, rate), t + Duration::from_nanos(add), t - Duration::from_nanos(add));
        }
    }
}
