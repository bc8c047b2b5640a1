//! What a worker keeps of a viewer and of a publisher alike: the peer, and the ways on which its packets go.

use super::outlet::Outlets;
use super::routes::{Owner, Routes};
use super::socket::Udp;
use std::time::Instant;
use tokio::sync::mpsc;
use tracing::{debug, info};
use yeoul_webrtc::{Burst, Closed, Event, Peer, Transmit, Transport};

/// What all sessions of a worker share while they are driven.
pub(super) struct Exit<'a> {
    pub(super) udp: &'a Udp,
    pub(super) routes: &'a Routes,
    pub(super) burst: &'a mut Burst,
}

/// What becomes of a session that we have begun, for whoever waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Connected,
    /// And why.
    Ended(String),
}

/// Tells its progress; has room for all of it.
pub(super) type Watcher = mpsc::Sender<Progress>;

/// Which side of a stream it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Viewer,
    Publisher,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Publisher => "publisher",
        })
    }
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) owner: Owner,
    pub(super) peer: Peer,
    /// Its TCP connections.
    pub(super) outlets: Outlets,
    /// When it wants to be driven, as the worker's timers know it.
    pub(super) deadline: Instant,
    /// Why it ends.
    pub(super) closed: Option<String>,
    /// Where we have called the other side.
    pub(super) watcher: Option<Watcher>,
    /// For logs: which side it is, of which stream, and who it is.
    pub(super) side: Side,
    pub(super) name: String,
    pub(super) remote: String,
}

impl Session {
    pub(super) fn new(
        now: Instant,
        owner: Owner,
        peer: Peer,
        (side, name, remote): (Side, String, String),
        watcher: Option<Watcher>,
    ) -> Self {
        let outlets = Outlets::default();
        Self { owner, peer, outlets, deadline: now, closed: None, watcher, side, name, remote }
    }

    /// Says goodbye; what that takes is sent when it is driven next.
    pub(super) fn end(&mut self, now: Instant, why: &str) {
        self.closed.get_or_insert_with(|| why.to_owned());
        self.peer.close(now);
    }

    /// Ends it if whoever has begun it does not wait for it any longer.
    pub(super) fn check_watcher(&mut self, now: Instant) {
        if self.closed.is_none() && self.watcher.as_ref().is_some_and(mpsc::Sender::is_closed) {
            self.end(now, "nobody needs it any longer");
        }
    }

    pub(super) fn transmit(&self, transmit: &Transmit, exit: &Exit<'_>) {
        let Transmit { path, bytes } = transmit;
        match path.transport {
            Transport::Udp => {
                exit.udp.send(*path, bytes);
            }
            Transport::Tcp => {
                if let Some(outlet) = self.outlets.to(path.remote) {
                    outlet.send_packet(bytes);
                }
            }
        }
    }

    /// Takes note of what happens to the peer.
    pub(super) fn event(&mut self, event: Event, exit: &Exit<'_>) {
        let (side, name, remote) = (self.side, &self.name, &self.remote);
        match event {
            Event::Address(transport, address) => exit.routes.add_address(transport, address, self.owner),
            Event::Connected { path, profile } => {
                info!(
                    target: "webrtc",
                    "{name}: {side} {remote} is connected: {} over {:?} with {}",
                    path.remote, path.transport, profile.name()
                );
                self.tell(Progress::Connected);
            }
            Event::PathChanged(path) => {
                debug!(target: "webrtc", "{name}: {side} {remote} is now at {} over {:?}", path.remote, path.transport);
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
            // Of a viewer only, who sees to it.
            Event::Line(_) | Event::KeyframeNeeded(_) => {}
        }
    }

    /// Logs its end, with its numbers in words, and tells who waits for it.
    pub(super) fn over(&self, why: &str, numbers: &str) {
        info!(target: "webrtc", "{}: {} {} is gone: {why} ({numbers})", self.name, self.side, self.remote);
        self.tell(Progress::Ended(why.to_owned()));
    }

    fn tell(&self, progress: Progress) {
        if let Some(watcher) = &self.watcher {
            // Who does not wait any longer does not want to know.
            let _ = watcher.try_send(progress);
        }
    }
}
