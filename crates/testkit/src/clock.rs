//! Where virtual time starts.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// The start of virtual monotonic time: one value for the whole process.
///
/// An `Instant` cannot be made from a number, so this is the only place where a test reads the clock.
pub fn epoch() -> Instant {
    static EPOCH: LazyLock<Instant> = LazyLock::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the one base that virtual time is counted from")]
        let now = Instant::now();
        // Far enough from the machine's boot that a test may also subtract.
        now + Duration::from_secs(24 * 3600)
    });
    *EPOCH
}

/// The start of virtual wall-clock time: 2026-01-01 00:00:00 UTC, the same in every run.
pub fn wall_epoch() -> SystemTime {
    const SECONDS_FROM_1970_TO_2026: u64 = 1_767_225_600;
    SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS_FROM_1970_TO_2026)
}
