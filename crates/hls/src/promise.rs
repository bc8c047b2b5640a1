//! What a playlist promises about everything it will ever list.

use std::time::Duration;

/// Values that must not change as long as a playlist lives (RFC 8216bis §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// `EXT-X-TARGETDURATION` in seconds.
    pub target_duration: u32,
    /// `PART-TARGET`, if there are parts.
    pub part_target: Option<Duration>,
    /// `PART-HOLD-BACK`, if there are parts.
    pub part_hold_back: Option<Duration>,
}

impl Promise {
    pub(crate) fn target(&self) -> Duration {
        Duration::from_secs(self.target_duration.into())
    }

    /// The longest segment that rounds to the target duration (RFC 8216bis §4.4.3.1), less the rounding of playlists.
    pub(crate) fn longest_segment(&self) -> Duration {
        self.target() + Duration::from_millis(499)
    }

    /// `HOLD-BACK`: the least that is allowed (RFC 8216bis §4.4.3.8).
    pub(crate) fn hold_back(&self) -> Duration {
        self.target() * 3
    }

    /// `CAN-SKIP-UNTIL`: the least that is allowed (RFC 8216bis §4.4.3.8).
    pub(crate) fn can_skip_until(&self) -> Duration {
        self.target() * 6
    }
}

/// Parts are to be no shorter than this share of the part target (RFC 8216bis §4.4.4.9).
pub(crate) fn shortest_part(target: Duration) -> Duration {
    target * 85 / 100
}
