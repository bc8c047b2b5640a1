//! One peer: a viewer, whom we send media, or a publisher, who sends us some.

mod answer;
mod call;
mod control;
#[cfg(test)]
mod tests;

pub use answer::Settings;
pub use call::Call;

use crate::bandwidth::Reading;
use crate::connection::{self, Connection};
use crate::datagram::DatagramKind;
use crate::egress::{Burst, Egress, TrackStats};
use crate::ingress::{InTrack, Ingress};
use crate::limits::{CONNECT_TIMEOUT, SILENCE_TIMEOUT};
use crate::sdp::{Credentials, Fragment};
use crate::srtp::{Opener, Profile, Sealer};
use crate::transport::{Path, Transmit, Transport};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track, TrackId};
use yeoul_rtp::Packets;
use yeoul_rtp::format::encoding_name;
use yeoul_rtp::receive::TrackStats as ReceivedStats;

/// What happens to a [`Peer`].
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram came, or a packet behind its RFC 4571 length. It is decrypted in place.
    Datagram {
        /// Between which addresses it travelled.
        path: Path,
        /// When it came to this machine: not later than now.
        received_at: Instant,
        /// Its bytes.
        bytes: &'a mut [u8],
    },
    /// Time has passed.
    Timeout,
}

/// What a [`Peer`] wants.
#[derive(Debug)]
pub enum Output {
    /// Send this.
    Transmit(Transmit),
    /// Something to know.
    Event(Event),
    /// A frame of a publisher: its track is the place in [`Peer::codecs`], its time begins at about 0.
    Frame(Frame),
    /// A sentence for the log.
    Note(String),
    /// Nothing more now: come back with an input, at the latest then with [`Input::Timeout`].
    Wait(Instant),
}

/// Something to know about a [`Peer`].
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Datagrams from this address are this peer's.
    Address(Transport, SocketAddr),
    /// ICE and DTLS are done: media may flow.
    Connected {
        /// The way ICE chose.
        path: Path,
        /// How packets are protected.
        profile: Profile,
    },
    /// ICE chose another way.
    PathChanged(Path),
    /// How the line has been in the last second; only where the answer asked for feedback ([`Settings::variants`]).
    Line(Reading),
    /// The viewer's decoder needs a keyframe: push the frames from the last one on again.
    KeyframeNeeded(TrackId),
    /// It is over; nothing follows.
    Closed(Closed),
}

/// Why a peer is gone, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// The other side said goodbye.
    #[error("it said goodbye")]
    Left,
    /// No way was found.
    #[error("ICE found no way to it within {0:?}: none of our candidates can be reached from there")]
    NoPath(Duration),
    /// ICE found a way, DTLS did not end.
    #[error("the DTLS handshake with it did not end within {0:?}")]
    NoHandshake(Duration),
    /// Nothing came any more.
    #[error("nothing came from it for {0:?}")]
    Silent(Duration),
    /// DTLS failed.
    #[error("{0}")]
    Failed(String),
    /// No more packets may be sent under these keys.
    #[error("the SRTP keys are used up")]
    KeysExhausted,
    /// We ended it.
    #[error("closed by the server")]
    ByServer,
}

/// What a PATCH with new ICE credentials is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarted {
    /// The body: our new credentials and candidates, as `application/trickle-ice-sdpfrag`.
    pub fragment: String,
}

/// A peer's numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// For each track that is sent, in the order of the answer.
    pub tracks: Vec<(TrackId, TrackStats)>,
    /// For each track that comes, in the order of [`Peer::codecs`].
    pub received: Vec<ReceivedStats>,
    /// The round trip, as ICE measures it.
    pub round_trip: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Since then.
    Connecting(Instant),
    Connected,
    Closed,
}

/// Where the stream's timeline stands on the clocks.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Instant,
    pts: Timestamp,
}

/// One peer: its ICE, DTLS, SRTP and RTCP, and media on its way out or in. Opens no socket and reads no clock.
///
/// Call [`Peer::handle_input`], then [`Peer::poll_output`] until [`Output::Wait`]. Once [`Event::Connected`] came, push
/// frames to a viewer whenever [`Peer::wants_frame`], and send what [`Peer::seal`] fills until it says false; those of a publisher
/// come as [`Output::Frame`].
#[derive(Debug)]
pub struct Peer {
    state: State,
    connection: Connection,
    egress: Egress,
    /// Of a publisher.
    ingress: Option<Ingress>,
    sealer: Option<Sealer>,
    opener: Option<Opener>,
    local: Credentials,
    remote: Credentials,
    /// `candidate:…` of ours, for restarts.
    candidates: Vec<String>,
    /// The offer's first media that is served, for restarts.
    first_mid: String,
    cname: String,
    last_heard: Instant,
    /// The wall clock at an instant.
    wall: (Instant, SystemTime),
    anchor: Option<Anchor>,
    next_report: Option<Instant>,
    last_keyframe: Option<Instant>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Peer {
    /// The name by which STUN tells this peer from others (see [`crate::local_ufrag`]). Changes with an ICE restart.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.local.ufrag
    }

    /// Whether media may flow.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// The way to the viewer.
    #[must_use]
    pub const fn path(&self) -> Option<Path> {
        self.connection.path()
    }

    /// Takes an input. Bytes that are nothing, not for this peer, or forged are passed over.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        if self.state == State::Closed {
            return;
        }
        match input {
            Input::Datagram { path, received_at, bytes } => self.datagram(now, path, received_at, bytes),
            Input::Timeout => {
                self.connection.handle_timeout(now);
                if let Some(ingress) = &mut self.ingress {
                    ingress.drain(now);
                }
            }
        }
        self.take_connection_events(now);
        self.check_deadlines(now);
        self.send_reports(now);
        self.send_feedback(now);
    }

    /// What the peer wants next.
    pub fn poll_output(&mut self, now: Instant) -> Output {
        if let Some(transmit) = self.connection.poll_transmit().or_else(|| self.transmits.pop_front()) {
            return Output::Transmit(transmit);
        }
        if let Some(event) = self.events.pop_front() {
            return Output::Event(event);
        }
        if let Some(ingress) = &mut self.ingress {
            if let Some(note) = ingress.poll_note() {
                return Output::Note(note);
            }
            if let Some(frame) = ingress.poll_frame() {
                return Output::Frame(frame);
            }
        }
        Output::Wait(self.next_timeout(now))
    }

    /// The codecs of the tracks that a publisher sends, as far as its description tells.
    #[must_use]
    pub fn codecs(&self) -> Vec<Codec> {
        self.ingress.as_ref().map(Ingress::codecs).unwrap_or_default()
    }

    /// Candidates that come later, or a restart of ICE: then the answer's body is given, and [`Peer::ufrag`] is new.
    pub fn trickle(&mut self, now: Instant, fragment: &Fragment) -> Option<Restarted> {
        let restart = fragment.credentials.as_ref().filter(|credentials| **credentials != self.remote);
        let restarted = restart.map(|remote| {
            self.local = Credentials::random();
            self.remote = remote.clone();
            self.connection.restart_ice(now, &self.local, &self.remote);
            Restarted { fragment: self.fragment() }
        });
        for candidate in &fragment.candidates {
            self.connection.add_remote(candidate);
        }
        self.handle_input(now, Input::Timeout);
        restarted
    }

    /// Whether a frame can be pushed.
    #[must_use]
    pub fn wants_frame(&self) -> bool {
        self.is_connected() && self.egress.wants_frame()
    }

    /// Whether the viewer was told of that codec: only then [`Peer::replace`] can bring it.
    #[must_use]
    pub fn takes(&self, codec: &Codec) -> bool {
        let name = encoding_name(codec);
        self.egress.tracks().iter().any(|track| track.kind() == codec.kind() && track.takes(name))
    }

    /// Goes on with the frames of `track` in place of the track of its kind: another quality of the same picture, whose
    /// frames have their time on the same timeline. Its first frame must be a keyframe. SSRC, sequence numbers and RTP time
    /// go on. False if the viewer was not told of its codec.
    pub fn replace(&mut self, track: &Track) -> bool {
        self.egress.replace(track, encoding_name(&track.codec))
    }

    /// Sends as many bits a second as that, media included, to see whether they arrive; `None` sends media only again.
    pub fn set_trial(&mut self, now: Instant, bits_per_second: Option<f64>) {
        self.egress.set_trial(now, bits_per_second);
    }

    /// Takes the next frame of the track of that kind with its packets. False if it was not taken, because its track is not
    /// sent to this viewer, or without [`Peer::wants_frame`].
    pub fn push(&mut self, now: Instant, kind: Kind, frame: &Frame, packets: &Arc<Packets>) -> bool {
        if !self.is_connected() || !self.egress.push(kind, frame.track, packets) {
            return false;
        }
        if self.anchor.is_none() {
            self.anchor = Some(Anchor { at: frame.received_at, pts: frame.pts });
        }
        let first =
            self.egress.tracks().iter().any(|track| track.kind() == kind && track.stats().packets == 0);
        if first {
            // At once: without a report a receiver cannot show the tracks in step.
            self.next_report = Some(now);
        }
        true
    }

    /// Drops what has not been sent of the last frame, for a viewer that starts over at a keyframe.
    pub fn abandon_frame(&mut self) {
        self.egress.abandon();
    }

    /// Fills `burst` with the next packets, to be sent to [`Peer::path`]. False if there is nothing to send now.
    pub fn seal(&mut self, now: Instant, burst: &mut Burst) -> bool {
        let (Some(path), Some(sealer), State::Connected) =
            (self.connection.path(), &mut self.sealer, self.state)
        else {
            return false;
        };
        match self.egress.seal(now, path.transport, sealer, burst) {
            Ok(any) => any,
            Err(_) => {
                self.closed(Closed::KeysExhausted);
                false
            }
        }
    }

    /// Says goodbye: BYE and DTLS `close_notify` go out with the next outputs.
    pub fn close(&mut self, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.send_bye();
        self.connection.close(now);
        self.closed(Closed::ByServer);
    }

    /// The viewer's numbers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            tracks: self.egress.tracks().iter().map(|track| (track.id(), track.stats())).collect(),
            received: self.ingress.iter().flat_map(Ingress::tracks).map(InTrack::stats).collect(),
            round_trip: self.connection.round_trip(),
        }
    }

    #[cfg(test)]
    fn connection_hears(&self, address: SocketAddr) -> bool {
        self.connection.is_validated(address)
    }

    fn datagram(&mut self, now: Instant, path: Path, received_at: Instant, bytes: &mut [u8]) {
        let authentic = match DatagramKind::of(bytes) {
            Some(DatagramKind::Stun) => self.connection.handle_stun(now, path, bytes),
            Some(DatagramKind::Dtls) => self.connection.handle_dtls(now, path, bytes),
            Some(DatagramKind::Rtcp) if self.connection.is_validated(path.remote) => self.rtcp(now, bytes),
            Some(DatagramKind::Rtp) if self.connection.is_validated(path.remote) => {
                self.rtp(received_at, bytes)
            }
            Some(DatagramKind::Rtcp | DatagramKind::Rtp) | None => false,
        };
        if authentic {
            self.last_heard = now;
        }
    }

    /// Takes an SRTP packet; true if it is authentic.
    fn rtp(&mut self, received_at: Instant, bytes: &mut [u8]) -> bool {
        let Some(Ok(packet)) = self.opener.as_mut().map(|opener| opener.open_rtp(bytes)) else {
            return false;
        };
        // Of a viewer nobody asked for it; it only shows that it lives.
        if let Some(ingress) = &mut self.ingress {
            ingress.rtp(received_at, packet, self.connection.round_trip());
        }
        true
    }

    fn take_connection_events(&mut self, now: Instant) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                connection::Event::Address(transport, address) => {
                    self.events.push_back(Event::Address(transport, address));
                }
                connection::Event::Path(path) => {
                    if self.is_connected() {
                        self.events.push_back(Event::PathChanged(path));
                    }
                }
                connection::Event::Keys(keys) => {
                    self.sealer = Some(Sealer::new(&keys.local));
                    self.opener = Some(Opener::new(&keys.remote));
                }
                connection::Event::PeerClosed => self.closed(Closed::Left),
                connection::Event::Failed(text) => self.closed(Closed::Failed(text)),
            }
        }
        if let (State::Connecting(_), Some(path), Some(sealer)) =
            (self.state, self.connection.path(), &self.sealer)
        {
            self.state = State::Connected;
            self.last_heard = now;
            self.egress.set_round_trip(now, self.connection.round_trip());
            self.events.push_back(Event::Connected { path, profile: sealer.profile() });
        }
    }

    fn check_deadlines(&mut self, now: Instant) {
        match self.state {
            State::Connecting(since) if now >= since + CONNECT_TIMEOUT => {
                let no_path = self.connection.path().is_none();
                self.closed(if no_path {
                    Closed::NoPath(CONNECT_TIMEOUT)
                } else {
                    Closed::NoHandshake(CONNECT_TIMEOUT)
                });
            }
            State::Connected if now >= self.last_heard + SILENCE_TIMEOUT => {
                self.closed(Closed::Silent(SILENCE_TIMEOUT));
            }
            State::Connecting(_) | State::Connected | State::Closed => {}
        }
    }

    fn closed(&mut self, why: Closed) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.events.push_back(Event::Closed(why));
        }
    }

    fn next_timeout(&mut self, now: Instant) -> Instant {
        let deadline = match self.state {
            State::Connecting(since) => since + CONNECT_TIMEOUT,
            State::Connected => self.last_heard + SILENCE_TIMEOUT,
            State::Closed => return now + SILENCE_TIMEOUT,
        };
        let media = self.egress.ready_at(now).filter(|_| self.is_connected());
        let feedback = self.ingress.as_ref().filter(|_| self.is_connected()).map(Ingress::next_timeout);
        [self.connection.next_timeout(), self.next_report, media, feedback]
            .into_iter()
            .flatten()
            .fold(deadline, Instant::min)
    }
}
