//! Sending more than there is for a while, to see whether it arrives.

use super::pacer::Pacer;
use crate::limits::{TRIAL_BURST, TRIAL_RAMP};
use std::time::Instant;

/// How much is to be sent: it grows from nothing to what is wanted, so that a line that carries less is hardly filled.
#[derive(Debug)]
pub(super) struct Trial {
    began: Instant,
    /// Bytes a second.
    wanted: f64,
    pacer: Pacer,
    turn: u64,
}

impl Trial {
    pub(super) fn new(now: Instant, bits_per_second: f64) -> Self {
        let wanted = bits_per_second / 8.0;
        let most = whole(wanted * TRIAL_BURST.as_secs_f64());
        Self { began: now, wanted, pacer: Pacer::new(now, 0, most), turn: 0 }
    }

    /// If one packet more is to be sent now: a number for it.
    pub(super) fn turn(&mut self, now: Instant) -> Option<u64> {
        let share = now.saturating_duration_since(self.began).as_secs_f64() / TRIAL_RAMP.as_secs_f64();
        self.pacer.set_rate(now, whole(self.wanted * share.min(1.0)));
        self.pacer.allows_now().then(|| {
            self.turn += 1;
            self.turn
        })
    }

    /// So many bytes were sent, media or not.
    pub(super) fn spend(&mut self, bytes: u64) {
        self.pacer.spend(bytes);
    }

    pub(super) fn ready_at(&self, now: Instant) -> Instant {
        // While it grows there is nothing to wait for that would be known.
        self.pacer.ready_at(now).min(now + TRIAL_BURST).max(now)
    }
}

fn whole(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate in bytes, capped")]
    let whole = value.clamp(0.0, 1e12) as u64;
    whole
}
