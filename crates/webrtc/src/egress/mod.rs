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
mod trial;

pub use burst::Burst;

use crate::bandwidth::{Meter, Reading};
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
use track::Resend;
pub use track::TrackStats;
pub(crate) use track::{Format, OutTrack};
use trial::Trial;
use yeoul_media::{Kind, Track, TrackId};
use yeoul_rtp::Packets;
use yeoul_rtp::rtcp::Arrivals;

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
    /// Measures the line, if the viewer tells of arrivals.
    meter: Option<Meter>,
    /// How long packets wait on the line, as far as that is measured.
    queue: Duration,
    /// More is being sent than there is.
    trial: Option<Trial>,
}

impl Egress {
    pub(crate) fn new(now: Instant, tracks: Vec<OutTrack>) -> Self {
        let meter = tracks.iter().any(OutTrack::is_numbered).then(|| Meter::new(now));
        Self {
            tracks,
            pending: None,
            resends: VecDeque::new(),
            pacer: Pacer::new(now, PACE_BYTES_PER_SECOND, PACE_BURST_BYTES),
            paced_at: now,
            resend_budget: Pacer::new(now, RESEND_PACKETS_PER_SECOND, RESEND_BURST),
            meter,
            queue: Duration::ZERO,
            trial: None,
        }
    }

    /// Takes what the viewer tells of arrivals; gives how the line is.
    pub(crate) fn on_arrivals(&mut self, arrivals: &Arrivals) -> Option<Reading> {
        let reading = self.meter.as_mut()?.on_arrivals(arrivals)?;
        self.queue = reading.queue;
        Some(reading)
    }

    /// Sends as many bits a second as that, media included, from now on, or only media again.
    pub(crate) fn set_trial(&mut self, now: Instant, bits_per_second: Option<f64>) {
        self.trial = bits_per_second.filter(|_| self.meter.is_some()).map(|wanted| Trial::new(now, wanted));
    }

    /// Goes on with another track of that kind, whose codec has that name in SDP. False if there is none, or the viewer was
    /// not told of that codec.
    pub(crate) fn replace(&mut self, track: &Track, name: &str) -> bool {
        let Some(index) = self.tracks.iter().position(|out| out.kind() == track.kind()) else { return false };
        let replaced = self.tracks.get_mut(index).is_some_and(|out| out.replace(track.id, name));
        if replaced {
            self.resends.retain(|resend| resend.track != index);
        }
        replaced
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

    /// Takes the next frame of the track of that kind; one at a time, so that what waits, waits in the stream's ring and not
    /// here. False if it was not taken: of a track that is not sent, empty, or too early.
    pub(crate) fn push(&mut self, kind: Kind, track: TrackId, packets: &Arc<Packets>) -> bool {
        // Tracks of two streams may have one id.
        let position = self.tracks.iter().position(|out| out.kind() == kind && out.id() == track);
        let Some(track) = position else { return false };
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
    pub(crate) fn request(&mut self, now: Instant, ssrc: u32, lost: &[u16], round_trip: Option<Duration>) {
        let Some(index) = self.tracks.iter().position(|track| track.ssrc() == ssrc) else { return };
        self.adapt(now, lost.len());
        let way = round_trip.unwrap_or_default() + self.queue;
        let Some(track) = self.tracks.get_mut(index) else { return };
        for &number in lost {
            if !self.resend_budget.allows(now) {
                return;
            }
            if let Some(resend) = track.find(now, index, number, way) {
                self.resend_budget.spend(1);
                self.resends.push_back(resend);
            }
        }
    }

    /// When the pace allows more; `None` if nothing waits.
    pub(crate) fn ready_at(&self, now: Instant) -> Option<Instant> {
        let waits = self.pending.is_some() || !self.resends.is_empty();
        let media = waits.then(|| self.pacer.ready_at(now));
        let padding = self.trial.as_ref().map(|trial| trial.ready_at(now));
        media.into_iter().chain(padding).min()
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
                let length = track.resent_bytes(resend, tag);
                if !burst.fits(length) {
                    break;
                }
                number(&mut self.meter, track, now, length);
                let sent = track.seal_resend(resend, sealer, burst)?;
                self.spend(sent);
                self.resends.pop_front();
                continue;
            }
            let Some(pending) = &mut self.pending else { break };
            let Some(track) = self.tracks.get_mut(pending.track) else { break };
            let Some(payload) = pending.packets.payloads.get(pending.sent) else { break };
            let length = track.packet_bytes(payload, tag);
            if !burst.fits(length) {
                break;
            }
            if pending.sent == 0 {
                track.begin_frame(now, &pending.packets);
            }
            number(&mut self.meter, track, now, length);
            let sent = track.seal(&pending.packets, payload, sealer, burst)?;
            pending.sent += 1;
            let whole = pending.sent == pending.packets.payloads.len();
            self.spend(sent);
            if whole {
                self.pending = None;
                break;
            }
        }
        if burst.is_empty() {
            self.pad(now, sealer, burst)?;
        }
        Ok(!burst.is_empty())
    }

    /// Fills `burst` with what the viewer has already, as far as the trial wants more than there is.
    fn pad(&mut self, now: Instant, sealer: &mut Sealer, burst: &mut Burst) -> Result<(), Exhausted> {
        let Some(track) = self.tracks.iter().position(|track| track.is_numbered()) else { return Ok(()) };
        let tag = sealer.profile().tag_bytes();
        while let Some(turn) = self.trial.as_mut().and_then(|trial| trial.turn(now)) {
            let Some(out) = self.tracks.get_mut(track) else { break };
            let Some(resend) = out.padding(track, turn) else { break };
            let length = out.resent_bytes(&resend, tag);
            if !burst.fits(length) {
                break;
            }
            number(&mut self.meter, out, now, length);
            let sent = out.seal_resend(&resend, sealer, burst)?;
            if sent == 0 {
                break;
            }
            self.spend(sent);
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) {
        self.pacer.spend(bytes as u64);
        if let Some(trial) = &mut self.trial {
            trial.spend(bytes as u64);
        }
    }
}

/// Numbers the next packet of `track`, where the viewer tells of arrivals.
fn number(meter: &mut Option<Meter>, track: &mut OutTrack, now: Instant, bytes: usize) {
    if let Some(meter) = meter
        && track.is_numbered()
    {
        track.number(meter.number(now, bytes));
    }
}
