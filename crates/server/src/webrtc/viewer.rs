//! One viewer at its worker: the peer, its place in the stream, and the way its packets go.

use super::feed::PacketCache;
use super::outlet::Outlet;
use super::routes::{Owner, Routes};
use super::socket::Udp;
use crate::limits::{WEBRTC_KEYFRAME_NEAR, WEBRTC_TCP_RETRY};
use std::net::SocketAddr;
use std::time::Instant;
use tracing::{debug, info};
use yeoul_hub::{Consumer, Event as HubEvent};
use yeoul_media::{Kind, Timestamp};
use yeoul_webrtc::{Burst, Closed, Event, Output, Peer, Transmit, Transport};

/// What all viewers of a worker share while they are driven.
pub(super) struct Exit<'a> {
    pub(super) udp: Option<&'a Udp>,
    pub(super) routes: &'a Routes,
    pub(super) burst: &'a mut Burst,
}

/// A viewer.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) owner: Owner,
    pub(super) peer: Peer,
    pub(super) consumer: Consumer,
    /// Its TCP connections, by their other ends.
    pub(super) outlets: Vec<(SocketAddr, Outlet)>,
    /// When it wants to be driven, as the worker's timers know it.
    pub(super) deadline: Instant,
    /// Frames from before it connected are being sent.
    backlog: bool,
    /// Where it is on the stream's timeline.
    pts: Timestamp,
    /// Why it ends.
    closed: Option<String>,
    /// Packets that the socket did not take.
    dropped: u64,
    /// For logs: who it is.
    remote: String,
}

impl Viewer {
    pub(super) fn new(owner: Owner, peer: Peer, consumer: Consumer, remote: String, now: Instant) -> Self {
        Self {
            owner,
            peer,
            consumer,
            outlets: Vec::new(),
            deadline: now,
            backlog: false,
            pts: Timestamp::ZERO,
            closed: None,
            dropped: 0,
            remote,
        }
    }

    /// Does everything that can be done now. False if the viewer is gone.
    pub(super) fn drive(&mut self, now: Instant, cache: &mut PacketCache, exit: &mut Exit<'_>) -> bool {
        self.deadline = loop {
            let blocked = self.pump(now, cache, exit);
            match self.peer.poll_output(now) {
                Output::Transmit(transmit) => self.transmit(&transmit, exit),
                Output::Event(event) => self.event(event, cache, exit),
                Output::Wait(_) if blocked => break now + WEBRTC_TCP_RETRY,
                Output::Wait(at) => break at,
            }
        };
        if let Some(why) = &self.closed {
            let stats = self.peer.stats();
            let (sent, resent) = stats
                .tracks
                .iter()
                .fold((0, 0), |(sent, resent), (_, of)| (sent + of.packets, resent + of.resent));
            info!(
                target: "webrtc",
                "{}: viewer {} is gone: {why} ({sent} packets, {resent} sent again, {} not taken by the socket)",
                self.consumer.stream().name(),
                self.remote,
                self.dropped,
            );
        }
        self.closed.is_none()
    }

    /// Sends media while there is any and the pace allows. True if a TCP connection does not take more for now.
    fn pump(&mut self, now: Instant, cache: &mut PacketCache, exit: &mut Exit<'_>) -> bool {
        loop {
            let Some(path) = self.peer.path() else { return false };
            let outlet = match path.transport {
                Transport::Udp => None,
                Transport::Tcp => {
                    self.outlets.iter().find(|(remote, _)| *remote == path.remote).map(|(_, of)| of)
                }
            };
            if path.transport == Transport::Tcp && !outlet.is_some_and(Outlet::has_room) {
                return self.peer.is_connected();
            }
            if self.peer.seal(now, exit.burst) {
                let sent = match (outlet, exit.udp) {
                    (Some(outlet), _) => outlet.send(exit.burst.bytes().to_vec()),
                    (None, Some(udp)) => udp.send_burst(path, exit.burst),
                    (None, None) => false,
                };
                if !sent {
                    self.dropped += exit.burst.packets() as u64;
                }
                continue;
            }
            if !self.peer.wants_frame() || !self.next_frame(now, cache) {
                return false;
            }
        }
    }

    /// Gives the peer its next frame. False if there is none.
    fn next_frame(&mut self, now: Instant, cache: &mut PacketCache) -> bool {
        while let Some(event) = self.consumer.try_next() {
            match event {
                HubEvent::Frame(delivery) => {
                    let tracks = self.consumer.tracks();
                    let kind = tracks
                        .iter()
                        .find(|track| track.id == delivery.frame.track)
                        .map(|track| track.kind());
                    self.backlog = delivery.backlog;
                    self.pts = delivery.frame.pts;
                    if delivery.backlog && kind == Some(Kind::Audio) {
                        // Sound begins where the viewer is live: nobody wants to hear the past, fast or slow.
                        continue;
                    }
                    let Some(packets) = cache.packets(&delivery, tracks) else { continue };
                    if self.peer.push(now, &delivery.frame, &packets) {
                        return true;
                    }
                }
                HubEvent::Skipped { frames } => {
                    debug!(
                        target: "webrtc",
                        "{}: viewer {} is too slow: {frames} frames passed over",
                        self.consumer.stream().name(),
                        self.remote
                    );
                }
                HubEvent::TracksChanged => self.end(now, "the camera came back with other tracks"),
                HubEvent::Ended => self.end(now, "the stream was removed"),
            }
            if self.closed.is_some() {
                return false;
            }
        }
        false
    }

    /// Says goodbye; [`Viewer::drive`] then sends what that takes.
    pub(super) fn end(&mut self, now: Instant, why: &str) {
        self.closed.get_or_insert_with(|| why.to_owned());
        self.peer.close(now);
    }

    fn transmit(&self, transmit: &Transmit, exit: &Exit<'_>) {
        let Transmit { path, bytes } = transmit;
        match path.transport {
            Transport::Udp => {
                if let Some(udp) = exit.udp {
                    udp.send(*path, bytes);
                }
            }
            Transport::Tcp => {
                if let Some((_, outlet)) = self.outlets.iter().find(|(remote, _)| *remote == path.remote) {
                    outlet.send_packet(bytes);
                }
            }
        }
    }

    fn event(&mut self, event: Event, cache: &PacketCache, exit: &Exit<'_>) {
        let name = self.consumer.stream().name();
        match event {
            Event::Address(transport, address) => exit.routes.add_address(transport, address, self.owner),
            Event::Connected { path, profile } => {
                info!(
                    target: "webrtc",
                    "{name}: viewer {} is connected: {} over {:?} with {}",
                    self.remote, path.remote, path.transport, profile.name()
                );
                // The GOP buffer as it is now, not as it was when the offer came.
                self.consumer.restart();
            }
            Event::PathChanged(path) => {
                debug!(target: "webrtc", "{name}: viewer {} is now at {} over {:?}", self.remote, path.remote, path.transport);
            }
            Event::KeyframeNeeded(_)
                if self.backlog
                    || cache.next_keyframe_in(self.pts).is_some_and(|wait| wait < WEBRTC_KEYFRAME_NEAR) =>
            {
                // What it asks for is on its way, or comes sooner than it would have caught up again.
            }
            Event::KeyframeNeeded(track) => {
                debug!(target: "webrtc", "{name}: viewer {} lost the picture of track {track:?}", self.remote);
                self.peer.abandon_frame();
                self.consumer.restart();
            }
            Event::Closed(why) => {
                let why = match why {
                    Closed::ByServer => "closed by the server".to_owned(),
                    other @ (Closed::Left
                    | Closed::NoPath(_)
                    | Closed::NoHandshake(_)
                    | Closed::Silent(_)
                    | Closed::Failed(_)
                    | Closed::KeysExhausted) => other.to_string(),
                };
                self.closed.get_or_insert(why);
            }
        }
    }
}
