//! Media on its way to one viewer: frames in, protected packets out.
//!
//! Frames are packetized once for all viewers ([`yeoul_rtp::Packets`]); here they get a header of this viewer and are
//! sealed straight into the caller's [`Burst`], as many at once as pace and segmentation offload allow.

mod burst;
mod extension;
mod history;
mod pacer;
mod playout;
#[cfg(test)]
mod tests;
mod track;

pub use burst::Burst;

use crate::limits::{
    FAR_PACE_BYTES_PER_SECOND, FAR_ROUND_TRIP, MIN_PACE_BYTES_PER_SECOND, PACE_BURST_BYTES,
    PACE_BYTES_PER_SECOND, PACE_GROWTH_INTERVAL, PACE_HALVING_INTERVAL, PACE_LOSS_PACKETS, RESEND_BURST,
    RESEND_PACKETS_PER_SECOND,
};
use crate::srtp::{Exhausted, Sealer};
use crate::transport::Transport;
pub(crate) use extension::Extension;
use pacer::Pacer;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
pub(crate) use track::OutTrack;
use track::Resend;
pub use track::TrackStats;
use yeoul_media::TrackId;
use yeoul_rtp::Packets;

/// A frame that is being sent.
#[derive(Debug)]
struct Pending {
    track: usize,
    packets: Arc<Packets>,
    /// Payloads of it that went out.
    sent: usize,
}

/// Media towards one viewer.
#[derive(Debug)]
pub(crate) struct Egress {
    tracks: Vec<OutTrack>,
    pending: Option<Pending>,
    resends: VecDeque<Resend>,
    pacer: Pacer,
    /// When the pace was last changed.
    paced_at: Instant,
    resend_budget: Pacer,
}

impl Egress {
    pub(crate) fn new(now: Instant, tracks: Vec<OutTrack>) -> Self {
        Self {
            tracks,
            pending: None,
            resends: VecDeque::new(),
            pacer: Pacer::new(now, PACE_BYTES_PER_SECOND, PACE_BURST_BYTES),
            paced_at: now,
            resend_budget: Pacer::new(now, RESEND_PACKETS_PER_SECOND, RESEND_BURST),
        }
    }

    pub(crate) fn tracks(&self) -> &[OutTrack] {
        &self.tracks
    }

    pub(crate) fn track_by_ssrc(&mut self, ssrc: u32) -> Option<&mut OutTrack> {
        self.tracks.iter_mut().find(|track| track.ssrc() == ssrc)
    }

    /// Whether the last frame has gone out.
    pub(crate) const fn wants_frame(&self) -> bool {
        self.pending.is_none()
    }

    /// Takes the next frame; one at a time, so that what waits, waits in the stream's ring and not here. False if it was
    /// not taken: of a track that is not sent, empty, or too early.
    pub(crate) fn push(&mut self, track: TrackId, packets: &Arc<Packets>) -> bool {
        let Some(track) = self.tracks.iter().position(|out| out.id() == track) else { return false };
        if packets.payloads.is_empty() || self.pending.is_some() {
            return false;
        }
        self.pending = Some(Pending { track, packets: Arc::clone(packets), sent: 0 });
        true
    }

    /// Drops what has not been sent of the last frame.
    pub(crate) fn abandon(&mut self) {
        self.pending = None;
    }

    /// Chooses the pace to begin with.
    pub(crate) fn set_round_trip(&mut self, now: Instant, round_trip: Option<Duration>) {
        if round_trip.is_some_and(|round_trip| round_trip >= FAR_ROUND_TRIP) {
            self.pacer.set_rate(now, FAR_PACE_BYTES_PER_SECOND);
        }
    }

    /// Halves the pace after a loss of many packets, and lets it grow while there is none.
    fn adapt(&mut self, now: Instant, lost: usize) {
        let since = now.saturating_duration_since(self.paced_at);
        let rate = if lost >= PACE_LOSS_PACKETS && since >= PACE_HALVING_INTERVAL {
            (self.pacer.rate() / 2).max(MIN_PACE_BYTES_PER_SECOND)
        } else if lost == 0 && since >= PACE_GROWTH_INTERVAL {
            (self.pacer.rate() * 5 / 4).min(PACE_BYTES_PER_SECOND)
        } else {
            return;
        };
        self.pacer.set_rate(now, rate);
        self.paced_at = now;
    }

    /// Notes packets that the viewer misses, to be sent again as the budget allows.
    pub(crate) fn request(&mut self, now: Instant, ssrc: u32, lost: &[u16]) {
        let Some(index) = self.tracks.iter().position(|track| track.ssrc() == ssrc) else { return };
        self.adapt(now, lost.len());
        let Some(track) = self.tracks.get(index) else { return };
        for &number in lost {
            if !self.resend_budget.allows(now) {
                return;
            }
            if let Some(resend) = track.find(now, index, number) {
                self.resend_budget.spend(1);
                self.resends.push_back(resend);
            }
        }
    }

    /// When the pace allows more; `None` if nothing waits.
    pub(crate) fn ready_at(&self, now: Instant) -> Option<Instant> {
        (self.pending.is_some() || !self.resends.is_empty()).then(|| self.pacer.ready_at(now))
    }

    /// Fills `burst`. False if nothing may be sent now.
    ///
    /// # Errors
    /// If the keys are exhausted: the session must end.
    pub(crate) fn seal(
        &mut self,
        now: Instant,
        transport: Transport,
        sealer: &mut Sealer,
        burst: &mut Burst,
    ) -> Result<bool, Exhausted> {
        burst.start(transport);
        self.adapt(now, 0);
        self.pacer.refill(now);
        while self.pacer.allows_now() {
            let tag = sealer.profile().tag_bytes();
            if let Some(resend) = self.resends.front() {
                let Some(track) = self.tracks.get_mut(resend.track) else { break };
                if !burst.fits(track.resent_bytes(resend, tag)) {
                    break;
                }
                let sent = track.seal_resend(resend, sealer, burst)?;
                self.pacer.spend(sent as u64);
                self.resends.pop_front();
                continue;
            }
            let Some(pending) = &mut self.pending else { break };
            let Some(track) = self.tracks.get_mut(pending.track) else { break };
            let Some(payload) = pending.packets.payloads.get(pending.sent) else { break };
            if !burst.fits(track.packet_bytes(payload, tag)) {
                break;
            }
            if pending.sent == 0 {
                track.begin_frame(now, &pending.packets);
            }
            let sent = track.seal(&pending.packets, payload, sealer, burst)?;
            self.pacer.spend(sent as u64);
            pending.sent += 1;
            if pending.sent == pending.packets.payloads.len() {
                self.pending = None;
                break;
            }
        }
        Ok(!burst.is_empty())
    }
}
