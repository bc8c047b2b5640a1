//! The wall clock of sender reports.

use std::time::{Duration, SystemTime};

/// Seconds from 1900 to 1970: 70 years, 17 of them leap years.
const SECONDS_1900_TO_1970: u64 = (70 * 365 + 17) * 86_400;

/// A time of the Network Time Protocol: seconds since 1900 in the high 32 bits, fractions of 2^-32 s in the low ones
/// (RFC 3550 §4). Era 0, which ends in February 2036.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The NTP time of `time`, 0 before 1900, at most the end of the era.
    #[must_use]
    pub fn from_system_time(time: SystemTime) -> Self {
        let since_1900 = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => after.checked_add(Duration::from_secs(SECONDS_1900_TO_1970)),
            Err(before) => Duration::from_secs(SECONDS_1900_TO_1970).checked_sub(before.duration()),
        };
        let nanos = since_1900.unwrap_or_default().as_nanos();
        Self(u64::try_from(((nanos << 32) + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX))
    }

    /// The wall clock's time, to the nanosecond.
    #[must_use]
    pub fn to_system_time(self) -> SystemTime {
        let since_1900 = self.since_1900();
        let epoch = Duration::from_secs(SECONDS_1900_TO_1970);
        match since_1900.checked_sub(epoch) {
            Some(after) => SystemTime::UNIX_EPOCH + after,
            None => SystemTime::UNIX_EPOCH - (epoch - since_1900),
        }
    }

    /// The time since 1900.
    #[must_use]
    pub fn since_1900(self) -> Duration {
        let fraction = (self.0 & 0xffff_ffff) * 1_000_000_000;
        Duration::from_secs(self.0 >> 32) + Duration::from_nanos((fraction + (1 << 31)) >> 32)
    }

    /// The middle 32 bits, as report blocks repeat them (RFC 3550 §6.4.1, LSR).
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the middle 32 bits are asked for")]
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_epoch_of_unix_is_well_known() {
        let epoch = NtpTime::from_system_time(SystemTime::UNIX_EPOCH);
        assert_eq!(epoch.0 >> 32, 2_208_988_800);
        assert_eq!(epoch.to_system_time(), SystemTime::UNIX_EPOCH);
        let half = NtpTime::from_system_time(SystemTime::UNIX_EPOCH + Duration::from_millis(500));
        assert_eq!((half.0 & 0xffff_ffff, half.middle() & 0xffff), (1 << 31, 0x8000));
    }

    proptest! {
        #[test]
        fn wall_clock_times_survive(nanos in 0u64..2_000_000_000_000_000_000) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
            prop_assert_eq!(NtpTime::from_system_time(time).to_system_time(), time);
        }

        #[test]
        fn no_time_panics(ntp: u64) {
            let _ = (NtpTime(ntp).to_system_time(), NtpTime(ntp).middle());
        }
    }
}
