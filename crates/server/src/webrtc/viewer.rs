//! One viewer at its worker: the session, and its place in the stream.

use super::feed::Feeds;
use super::outlet::Outlet;
use super::quality::{Changed, Choice, Quality, Turn};
use super::session::{Exit, Session};
use crate::limits::{WEBRTC_KEYFRAME_NEAR, WEBRTC_TCP_RETRY};
use std::sync::Arc;
use std::time::Instant;
use tracing::{debug, trace};
use yeoul_hub::{Consumer, Delivery, Event as HubEvent, Joining, Stream};
use yeoul_media::{Kind, Timestamp};
use yeoul_webrtc::{Event, Output, Transport};

/// A viewer.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) session: Session,
    /// What it takes its frames from: one consumer of picture and sound, or, after a change of quality, one of each.
    consumers: Vec<Consumer>,
    /// A picture that waits for a change of quality.
    held: Option<Delivery>,
    /// Where its stream has several qualities.
    quality: Option<Quality>,
    /// The streams whose news it gets, as the worker knows them.
    pub(super) fed_by: Vec<Arc<Stream>>,
    /// Frames from before it connected are being sent.
    backlog: bool,
    /// Where it is on the stream's timeline.
    pts: Timestamp,
    /// The time of the latest picture it was sent.
    shown: Option<Timestamp>,
    /// Packets that the socket did not take.
    dropped: u64,
}

/// What became of a frame.
enum Fate {
    /// The peer has it.
    Taken,
    /// The viewer does not need it.
    Passed,
    /// It waits for a change of quality.
    Held,
}

impl Viewer {
    pub(super) fn new(session: Session, consumer: Consumer, quality: Option<Quality>) -> Self {
        Self {
            session,
            consumers: vec![consumer],
            held: None,
            quality,
            fed_by: Vec::new(),
            backlog: false,
            pts: Timestamp::ZERO,
            shown: None,
            dropped: 0,
        }
    }

    /// The streams that it reads.
    pub(super) fn streams(&self) -> impl Iterator<Item = &Arc<Stream>> {
        let target = self.quality.as_ref().and_then(Quality::target);
        self.consumers.iter().map(Consumer::stream).chain(target)
    }

    /// The way to a quality that it shall get, to be told to [`Viewer::joined`].
    pub(super) fn join(&mut self) -> Option<(usize, Joining)> {
        self.quality.as_mut()?.join()
    }

    /// It wants the quality of that number, or what its line carries. Tells what there is to choose from; `None` if there is no
    /// such quality.
    pub(super) fn choose(&mut self, now: Instant, chosen: Option<usize>) -> Option<Choice> {
        let quality = self.quality.as_mut()?;
        if !quality.choose(now, chosen) {
            return None;
        }
        self.session.peer.set_trial(now, None);
        Some(quality.choice())
    }

    /// What there is to choose from.
    pub(super) fn choice(&self) -> Option<Choice> {
        self.quality.as_ref().map(Quality::choice)
    }

    /// The quality that was asked for is there, or cannot be had.
    pub(super) fn joined(&mut self, now: Instant, to: usize, consumer: Option<Consumer>) {
        let Some(quality) = &mut self.quality else { return };
        let peer = &self.session.peer;
        let shown =
            consumer.filter(|consumer| consumer.tracks().iter().all(|track| peer.takes(&track.codec)));
        quality.joined(now, to, shown);
    }

    /// Does everything that can be done now. False if the viewer is gone.
    pub(super) fn drive(&mut self, now: Instant, feeds: &mut Feeds, exit: &mut Exit<'_>) -> bool {
        self.session.deadline = loop {
            let blocked = self.pump(now, feeds, exit);
            match self.session.peer.poll_output(now) {
                Output::Transmit(transmit) => self.session.transmit(&transmit, exit),
                Output::Event(event) => self.event(now, event, feeds, exit),
                // It sends none.
                Output::Frame(_) | Output::Note(_) => {}
                Output::Wait(_) if blocked => break now + WEBRTC_TCP_RETRY,
                Output::Wait(at) => break at,
            }
        };
        if let Some(at) = self.quality.as_ref().and_then(|quality| quality.deadline(now)) {
            self.session.deadline = self.session.deadline.min(at);
        }
        if let Some(why) = &self.session.closed {
            let stats = self.session.peer.stats();
            let (sent, resent) = stats
                .tracks
                .iter()
                .fold((0, 0), |(sent, resent), (_, of)| (sent + of.packets, resent + of.resent));
            let dropped = self.dropped;
            self.session.over(
                why,
                &format!("{sent} packets, {resent} sent again, {dropped} not taken by the socket"),
            );
        }
        self.session.closed.is_none()
    }

    /// Sends media while there is any and the pace allows. True if a TCP connection does not take more for now.
    fn pump(&mut self, now: Instant, feeds: &mut Feeds, exit: &mut Exit<'_>) -> bool {
        loop {
            let Some(path) = self.session.peer.path() else { return false };
            let outlet = match path.transport {
                Transport::Udp => None,
                Transport::Tcp => self.session.outlets.to(path.remote),
            };
            if path.transport == Transport::Tcp && !outlet.is_some_and(Outlet::has_room) {
                return self.session.peer.is_connected();
            }
            if self.session.peer.seal(now, exit.burst) {
                let sent = match outlet {
                    Some(outlet) => outlet.send(exit.burst.bytes().to_vec()),
                    None => exit.udp.send_burst(path, exit.burst),
                };
                if !sent {
                    self.dropped += exit.burst.packets() as u64;
                }
                continue;
            }
            if !self.session.peer.wants_frame() || !self.next_frame(now, feeds) {
                return false;
            }
        }
    }

    /// Gives the peer its next frame. False if there is none.
    fn next_frame(&mut self, now: Instant, feeds: &mut Feeds) -> bool {
        if self.change(now, feeds) {
            return true;
        }
        for index in 0..self.consumers.len() {
            while let Some(event) = self.next_event(index) {
                match event {
                    HubEvent::Frame(delivery) => match self.frame(now, index, delivery, feeds) {
                        Fate::Taken => return true,
                        Fate::Passed => {}
                        Fate::Held => break,
                    },
                    HubEvent::Skipped { frames } => {
                        let (name, remote) = (&self.session.name, &self.session.remote);
                        debug!(target: "webrtc", "{name}: viewer {remote} is too slow: {frames} frames passed over");
                    }
                    HubEvent::TracksChanged => {
                        self.session.end(now, "the camera came back with other tracks")
                    }
                    HubEvent::Ended => self.session.end(now, "the stream was removed"),
                }
                if self.session.closed.is_some() {
                    return false;
                }
            }
        }
        // The picture that is held back may be what a change has waited for.
        self.change(now, feeds)
    }

    fn next_event(&mut self, index: usize) -> Option<HubEvent> {
        let consumer = self.consumers.get_mut(index)?;
        if self.held.is_some() && is_picture(consumer) {
            return self.held.take().map(HubEvent::Frame);
        }
        consumer.try_next()
    }

    fn frame(&mut self, now: Instant, index: usize, delivery: Delivery, feeds: &mut Feeds) -> Fate {
        let Some(consumer) = self.consumers.get(index) else { return Fate::Passed };
        let tracks = consumer.tracks();
        let track = tracks.iter().find(|track| track.id == delivery.frame.track);
        let Some(track) = track else { return Fate::Passed };
        let kind = track.kind();
        match kind {
            // Sound begins where the viewer is live: nobody wants to hear the past, fast or slow.
            Kind::Audio if delivery.backlog => return Fate::Passed,
            Kind::Audio => {}
            // A B-frame, shown before one that was sent already: decoders of WebRTC have no place to wait with pictures, they give up
            // at the first such one until the next keyframe. Without it they show the others. Its time alone does not tell: clocks of
            // cameras run back a little.
            Kind::Video
                if delivery.frame.pts < self.pts
                    && !delivery.frame.keyframe
                    && track.codec.may_be_reordered(&delivery.frame.data) =>
            {
                return Fate::Passed;
            }
            Kind::Video => {
                let quality = self.quality.as_ref();
                if quality.is_some_and(|quality| !quality.may_send(now, delivery.frame.pts)) {
                    self.held = Some(delivery);
                    return Fate::Held;
                }
                self.backlog = delivery.backlog;
                self.pts = delivery.frame.pts;
            }
        }
        let Some(packets) = feeds.packets(consumer.stream(), &delivery, tracks) else { return Fate::Passed };
        if !self.session.peer.push(now, kind, &delivery.frame, &packets) {
            return Fate::Passed;
        }
        if kind == Kind::Video {
            self.shown = self.shown.max(Some(delivery.frame.pts));
        }
        Fate::Taken
    }

    /// Goes over to another quality, if it is time for that; true if its first picture is on its way.
    fn change(&mut self, now: Instant, feeds: &mut Feeds) -> bool {
        let Some(quality) = &mut self.quality else { return false };
        let held = self.held.as_ref().map(|delivery| delivery.frame.pts);
        let Some(Changed { name, consumer, keyframe }) = quality.follow(now, self.shown, held) else {
            return false;
        };
        for track in consumer.tracks() {
            self.session.peer.replace(track);
        }
        debug!(target: "webrtc", "{}: viewer {} goes over to {name}", self.session.name, self.session.remote);
        self.held = None;
        for before in &mut self.consumers {
            before.leave(Kind::Video);
        }
        self.consumers.retain(|consumer| !consumer.tracks().is_empty());
        // Sound first: it is little, and must not wait.
        self.consumers.push(consumer);
        let last = self.consumers.len() - 1;
        let taken = matches!(self.frame(now, last, keyframe, feeds), Fate::Taken);
        if !taken {
            // What follows cannot be decoded without it.
            self.consumers.iter_mut().filter(|consumer| is_picture(consumer)).for_each(Consumer::restart);
        }
        taken
    }

    fn event(&mut self, now: Instant, event: Event, feeds: &Feeds, exit: &Exit<'_>) {
        let (name, remote) = (&self.session.name, &self.session.remote);
        match event {
            Event::Connected { .. } => {
                // The GOP buffer as it is now, not as it was when the offer came.
                self.consumers.iter_mut().for_each(Consumer::restart);
                self.session.event(event, exit);
            }
            Event::Address(..) | Event::PathChanged(_) | Event::Closed(_) => self.session.event(event, exit),
            Event::Line(reading) => {
                trace!(target: "webrtc", "{name}: viewer {remote}: {reading:?}");
                match self.quality.as_mut().and_then(|of| of.on_line(now, &reading)) {
                    Some(Turn::Trial(rate)) => {
                        debug!(target: "webrtc", "{name}: viewer {remote} is tried with {rate:?} bit/s");
                        self.session.peer.set_trial(now, rate);
                    }
                    Some(Turn::Change) => self.session.peer.set_trial(now, None),
                    None => {}
                }
            }
            Event::KeyframeNeeded(_) if self.backlog || self.keyframe_is_near(feeds) => {
                // What it asks for is on its way, or comes sooner than it would have caught up again.
            }
            Event::KeyframeNeeded(track) => {
                debug!(target: "webrtc", "{name}: viewer {remote} lost the picture of track {track:?}");
                self.session.peer.abandon_frame();
                self.held = None;
                self.consumers.iter_mut().filter(|consumer| is_picture(consumer)).for_each(Consumer::restart);
            }
        }
    }

    fn keyframe_is_near(&self, feeds: &Feeds) -> bool {
        let picture = self.consumers.iter().find(|consumer| is_picture(consumer));
        let next = picture.and_then(|consumer| feeds.next_keyframe_in(consumer.stream(), self.pts));
        next.is_some_and(|wait| wait < WEBRTC_KEYFRAME_NEAR)
    }
}

/// Whether a viewer's picture comes from here.
fn is_picture(consumer: &Consumer) -> bool {
    consumer.tracks().iter().any(|track| track.kind() == Kind::Video)
}
