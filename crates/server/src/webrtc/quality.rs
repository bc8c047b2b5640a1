//! Which quality of a stream a viewer gets, and the way from one to another without a jump.
//!
//! All qualities are on one timeline. A change waits for a keyframe of the new one that is later than everything the
//! viewer has; until then the old one goes on, but no further than the new one has come. So the picture never jumps back,
//! and where it has to pause, it pauses for as long as the new one comes later than the old.

use crate::limits::{
    WEBRTC_CHANGE_HOLD, WEBRTC_CHANGE_LONGEST, WEBRTC_CHANGE_STALL, WEBRTC_CHANGE_WAIT, WEBRTC_LINE_FULL,
};
use crate::streams::Variant;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_hub::{Consumer, Delivery, Event, Joining, Label, State, Stream, Want};
use yeoul_media::{Kind, Timestamp};
use yeoul_webrtc::limits::CONGESTED_QUEUE;
use yeoul_webrtc::{Ladder, Offer, Reading, Step};

/// The qualities of a viewer's stream, and the one that it gets.
#[derive(Debug)]
pub(super) struct Quality {
    variants: Vec<Variant>,
    offer: Arc<Offer>,
    label: Label,
    ladder: Ladder,
    /// The one that the viewer wants, whatever its line carries.
    chosen: Option<usize>,
    /// The queue of the line as it was last seen.
    queue: Duration,
    change: Option<Change>,
}

/// On the way to another quality.
#[derive(Debug)]
struct Change {
    to: usize,
    /// The line does not carry the present one.
    urgent: bool,
    since: Instant,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Has to be joined.
    Asked,
    /// Is being joined; `running` if others watch it already.
    Joining {
        running: bool,
    },
    Following(Box<Following>),
}

/// The new quality, up to its keyframe.
#[derive(Debug)]
struct Following {
    consumer: Consumer,
    /// Its latest picture, and when that came.
    newest: Option<Timestamp>,
    newest_at: Instant,
    /// Where the viewer can go on, and when that came.
    keyframe: Option<(Delivery, Instant)>,
}

/// A new quality, and the keyframe it begins with.
pub(super) struct Changed {
    pub(super) name: String,
    pub(super) consumer: Consumer,
    pub(super) keyframe: Delivery,
}

/// The qualities of a stream as the viewer is told of them, the best first, and which it has chosen.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    qualities: Vec<Offered>,
    quality: Option<usize>,
}

/// A quality; of one that nobody watches, a camera has told nothing yet.
#[derive(Debug, Serialize)]
struct Offered {
    name: String,
    height: Option<u32>,
    bits_per_second: Option<f64>,
}

/// What a reading leads to.
pub(super) enum Turn {
    /// Send as many bits a second, or media only.
    Trial(Option<f64>),
    /// Ask [`Quality::join`].
    Change,
}

impl Quality {
    /// The qualities of a stream, of which number `current` is sent, to the viewer who made this offer.
    pub(super) fn new(
        now: Instant,
        variants: &[Variant],
        current: usize,
        offer: &Arc<Offer>,
        label: &Label,
    ) -> Self {
        Self {
            variants: variants.to_vec(),
            offer: Arc::clone(offer),
            label: label.clone(),
            ladder: Ladder::new(now, variants.len(), current),
            chosen: None,
            queue: Duration::ZERO,
            change: None,
        }
    }

    /// The stream that is changed to.
    pub(super) fn target(&self) -> Option<&Arc<Stream>> {
        match &self.change.as_ref()?.target {
            Target::Asked | Target::Joining { .. } => None,
            Target::Following(following) => Some(following.consumer.stream()),
        }
    }

    /// Takes a reading of the viewer's line.
    pub(super) fn on_line(&mut self, now: Instant, reading: &Reading) -> Option<Turn> {
        self.queue = reading.queue;
        if let Some(change) = &self.change {
            if !change.urgent && self.chosen.is_none() && reading.queue >= CONGESTED_QUEUE {
                // What was found a moment ago is no longer so.
                self.give_up(now);
            }
            return None;
        }
        if self.chosen.is_some() {
            return None;
        }
        let variants = &self.variants;
        let rate = |rung: usize| {
            let variant: &Variant = variants.get(rung)?;
            variant.stream.picture_bitrate().or(variant.nominal.bits_per_second.map(f64::from))
        };
        let (to, urgent) = match self.ladder.on_reading(now, reading, rate)? {
            Step::Try(rate) => return Some(Turn::Trial(Some(rate))),
            Step::EndTry => return Some(Turn::Trial(None)),
            Step::Down(to) => (to, true),
            Step::Up(to) => (to, false),
        };
        self.change = Some(Change { to, urgent, since: now, target: Target::Asked });
        Some(Turn::Change)
    }

    /// The viewer wants the quality of that number, or what its line carries. False if there is no such quality.
    pub(super) fn choose(&mut self, now: Instant, chosen: Option<usize>) -> bool {
        if chosen.is_some_and(|to| to >= self.variants.len()) {
            return false;
        }
        self.chosen = chosen;
        match chosen {
            Some(to) if to == self.ladder.current() => self.change = None,
            Some(to) if self.change.as_ref().is_some_and(|change| change.to == to) => {}
            Some(to) => {
                self.change = Some(Change { to, urgent: false, since: now, target: Target::Asked });
            }
            None => {}
        }
        true
    }

    /// What the viewer can choose from.
    pub(super) fn choice(&self) -> Choice {
        let quality = |variant: &Variant| {
            let snapshot = variant.stream.snapshot();
            let tracks = || snapshot.sources.iter().flat_map(|source| &source.tracks);
            Offered {
                name: variant.name.clone(),
                height: tracks().find_map(|track| track.codec.dimensions()).map(|(_, height)| height),
                bits_per_second: variant
                    .stream
                    .picture_bitrate()
                    .or(variant.nominal.bits_per_second.map(f64::from)),
            }
        };
        Choice { qualities: self.variants.iter().map(quality).collect(), quality: self.chosen }
    }

    /// If a quality has to be joined: which one, and the way to it.
    pub(super) fn join(&mut self) -> Option<(usize, Joining)> {
        let change = self.change.as_mut().filter(|change| matches!(change.target, Target::Asked))?;
        let stream = &self.variants.get(change.to)?.stream;
        change.target = Target::Joining { running: stream.state() == State::Live };
        let offer = Arc::clone(&self.offer);
        let want = Want {
            kind: Kind::Video,
            accepts: Box::new(move |codec| offer.accepts(codec)),
            all: false,
            text: self.offer.codecs_text(Kind::Video),
        };
        Some((change.to, stream.join(vec![want], self.label.clone())))
    }

    /// Quality `to` is there, or cannot be had.
    pub(super) fn joined(&mut self, now: Instant, to: usize, consumer: Option<Consumer>) {
        let Some(change) = self.change.as_mut().filter(|change| change.to == to) else { return };
        match consumer {
            Some(consumer) => {
                let following = Following { consumer, newest: None, newest_at: now, keyframe: None };
                change.target = Target::Following(Box::new(following));
            }
            None => self.give_up(now),
        }
    }

    /// The new quality cannot be had; the old one goes on.
    fn give_up(&mut self, now: Instant) {
        self.change = None;
        self.chosen = None;
        self.ladder.unavailable(now);
    }

    /// Whether a picture of the present quality with this time may be sent now.
    pub(super) fn may_send(&self, now: Instant, pts: Timestamp) -> bool {
        let Some(change) = &self.change else { return true };
        if change.urgent && self.queue >= WEBRTC_LINE_FULL {
            return false;
        }
        match &change.target {
            Target::Asked => true,
            // What begins now begins with a keyframe: the viewer can go on there if it has not seen more by then.
            Target::Joining { running } => {
                *running || !change.urgent || now >= change.since + WEBRTC_CHANGE_HOLD
            }
            Target::Following(following) => match (&following.keyframe, following.newest) {
                (Some((keyframe, _)), _) => pts < keyframe.frame.pts,
                (None, Some(newest)) => pts <= newest,
                (None, None) => true,
            },
        }
    }

    /// Follows the new quality. `sent` is the time of the latest picture that the viewer has, `held` of the next one that
    /// [`Quality::may_send`] held back.
    pub(super) fn follow(
        &mut self,
        now: Instant,
        sent: Option<Timestamp>,
        held: Option<Timestamp>,
    ) -> Option<Changed> {
        let change = self.change.as_mut()?;
        let Target::Following(following) = &mut change.target else { return None };
        let alive = following.read(now, sent);
        let stalled =
            now >= following.newest_at + WEBRTC_CHANGE_STALL || now >= change.since + WEBRTC_CHANGE_LONGEST;
        let Some((keyframe, came_at)) = &following.keyframe else {
            if !alive || stalled {
                self.give_up(now);
            }
            return None;
        };
        let reached = held.is_some_and(|held| held >= keyframe.frame.pts);
        let full = change.urgent && self.queue >= WEBRTC_LINE_FULL;
        if !reached && !full && now < *came_at + WEBRTC_CHANGE_WAIT {
            return None;
        }
        let (to, target) = self.change.take().map(|change| (change.to, change.target))?;
        let Target::Following(following) = target else { return None };
        let Following { consumer, keyframe, .. } = *following;
        self.ladder.switched(now, to);
        let name = self.variants.get(to).map(|variant| variant.name.clone()).unwrap_or_default();
        Some(Changed { name, consumer, keyframe: keyframe?.0 })
    }

    /// When there is something to do though nothing comes.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        match &self.change.as_ref()?.target {
            Target::Asked | Target::Joining { .. } => Some(now + WEBRTC_CHANGE_HOLD),
            Target::Following(following) => match &following.keyframe {
                Some((_, came_at)) => Some(*came_at + WEBRTC_CHANGE_WAIT),
                None => Some(following.newest_at + WEBRTC_CHANGE_STALL),
            },
        }
    }
}

impl Following {
    /// Reads up to the keyframe with which the viewer can go on; false if none will come.
    fn read(&mut self, now: Instant, sent: Option<Timestamp>) -> bool {
        while self.keyframe.is_none()
            && let Some(event) = self.consumer.try_next()
        {
            match event {
                Event::Frame(delivery) => {
                    let pts = delivery.frame.pts;
                    self.newest = self.newest.max(Some(pts));
                    self.newest_at = now;
                    if delivery.frame.keyframe && sent.is_none_or(|sent| pts > sent) {
                        self.keyframe = Some((delivery, now));
                    }
                }
                Event::Skipped { .. } => {}
                Event::TracksChanged | Event::Ended => return false,
            }
        }
        true
    }
}
