//! The server's side of one RTSP/1.0 connection (RFC 2326): it answers, plays and takes what is published.
//!
//! [`ServerSession`] has no socket and no clock: put what came in into [`ServerSession::handle_input`], then take
//! [`ServerSession::poll_output`] until [`Output::Wait`]. Some outputs are questions ([`Output::Open`], [`Output::Play`] …):
//! the answer comes back as an input, and until then no further request is looked at.
//!
//! One connection has at most one session; its id is of no use on another one. Left out: RTSP/2.0, multicast, TLS
//! profiles of RTP, seeking and speed (live streams have neither), backchannels.

mod account;
mod interface;
mod receiving;
mod requests;
mod role;
mod setup;
#[cfg(test)]
mod tests;
mod uri;

pub use account::Account;
pub use interface::{Error, Input, Options, Output, Port, Reception, Refusal};
pub use yeoul_rtp::receive::TrackStats;

use crate::limits::{IDLE_TIMEOUT, PIPELINED_BYTES, SESSION_TIMEOUT, SESSION_TIMEOUT_MAX};
use crate::message::{Data, Framer, Message, Request, Response, StatusCode, Stray, header};
use crate::secrets::Secrets;
use account::Guard;
use bytes::BytesMut;
use receiving::Receiving;
use role::{AnnouncedMedia, Path, Player, Publisher, Role};
use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_rtp::rtcp;

/// The server's side of one connection.
pub struct ServerSession {
    options: Arc<Options>,
    /// Why this peer may not use the server at all.
    refusal: Option<String>,
    /// Our address on this connection.
    local: IpAddr,
    framer: Framer,
    secrets: Secrets,
    guard: Option<Guard>,
    role: Role,
    /// The session's id, from the first SETUP on.
    id: Option<String>,
    /// The request whose answer is being found.
    pending: Option<Request>,
    pipelined_bytes: usize,
    reception: Reception,
    user_agent: Option<String>,
    last_heard: Instant,
    outputs: VecDeque<Output>,
    closing: bool,
}

/// Without requests and bytes that came in: they hold passwords.
impl fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("role", &self.role)
            .field("has_id", &self.id.is_some())
            .field("is_pending", &self.pending.is_some())
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}

impl ServerSession {
    /// A session on a connection that was accepted at `now` at our address `local`. `refusal` is the sentence for a peer
    /// that may not use the server; `seed` is random.
    #[must_use]
    pub fn new(
        now: Instant,
        options: Arc<Options>,
        local: IpAddr,
        refusal: Option<String>,
        seed: [u8; 32],
    ) -> Self {
        let mut secrets = Secrets::new(seed);
        let guard = options.account.clone().map(|account| Guard::new(account, secrets.next_u128(), now));
        Self {
            options,
            refusal,
            local,
            framer: Framer::new(Stray::Refuse),
            secrets,
            guard,
            role: Role::Nobody,
            id: None,
            pending: None,
            pipelined_bytes: 0,
            reception: Reception::default(),
            user_agent: None,
            last_heard: now,
            outputs: VecDeque::new(),
            closing: false,
        }
    }

    /// Takes an input; drain [`ServerSession::poll_output`] after it.
    ///
    /// # Errors
    /// Why the connection ends now. The outputs that are left hold the last answer and [`Output::Close`].
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        if self.closing {
            return Ok(());
        }
        let result = match input {
            Input::Received(bytes) => self.received(now, bytes),
            Input::Datagram { port, from, bytes } => {
                self.datagram(now, port, from, bytes);
                Ok(())
            }
            Input::Media(block) => {
                if let Role::Player(Player { sending: Some(sending), .. }) = &mut self.role {
                    sending.media(now, block, &mut self.outputs);
                }
                Ok(())
            }
            Input::Timeout => self.timeout(now),
            Input::End(sentence) => {
                self.end(&sentence);
                Ok(())
            }
            Input::Opened(answer) => self.answered(now, |session, request| session.opened(&request, answer)),
            Input::Accepted(answer) => {
                self.answered(now, |session, request| session.accepted(now, &request, answer))
            }
            Input::Playing(answer) => {
                self.answered(now, |session, request| session.playing(now, &request, answer))
            }
        };
        if result.is_err() {
            self.close();
        }
        result
    }

    /// What is to be done next; [`Output::Wait`] and [`Output::Close`] are the last of a row.
    pub fn poll_output(&mut self) -> Output {
        match self.outputs.pop_front() {
            Some(output) => output,
            None if self.closing => Output::Close,
            None => Output::Wait(self.next_timeout()),
        }
    }

    /// What the client says it is.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Whether media travels over UDP: the ports of the client that datagrams are exchanged with.
    pub fn udp_ports(&self) -> impl Iterator<Item = (Port, u16)> {
        let paths: Vec<Path> = match &self.role {
            Role::Nobody => Vec::new(),
            Role::Player(player) => player.paths.iter().flatten().copied().collect(),
            Role::Publisher(publisher) => publisher.medias.iter().filter_map(|media| media.path).collect(),
        };
        paths
            .into_iter()
            .flat_map(|path| match path {
                Path::Interleaved { .. } => [None, None],
                Path::Udp { rtp, rtcp } => [Some((Port::Rtp, rtp)), Some((Port::Rtcp, rtcp))],
            })
            .flatten()
    }

    /// What a player has reported of its reception.
    #[must_use]
    pub fn reception(&self) -> Reception {
        self.reception
    }

    /// What was received of each track that is published.
    pub fn stats(&self) -> impl Iterator<Item = TrackStats> {
        let receiving = match &self.role {
            Role::Publisher(publisher) => publisher.receiving.as_ref(),
            Role::Nobody | Role::Player(_) => None,
        };
        receiving.into_iter().flat_map(Receiving::stats)
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Error> {
        if self.pending.is_some() {
            self.pipelined_bytes += bytes.len();
            if self.pipelined_bytes > PIPELINED_BYTES {
                return Err(Error::Flooded);
            }
        }
        self.framer.push(bytes);
        self.read(now)
    }

    /// Looks at the messages that have come in, up to one whose answer must be waited for.
    fn read(&mut self, now: Instant) -> Result<(), Error> {
        while self.pending.is_none() && !self.closing {
            match self.framer.pull() {
                Ok(Some(Message::Request(request))) => {
                    self.last_heard = now;
                    self.request(now, request)?;
                }
                Ok(Some(Message::Data(data))) => self.data(now, &data),
                // We ask nothing.
                Ok(Some(Message::Response(_))) => {}
                Ok(None) => break,
                Err(error) => {
                    let refusal = Refusal::new(StatusCode::BadRequest, error.to_string());
                    self.respond(Response::new(refusal.status), Some(&refusal.sentence));
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Goes on with the request that waited for an answer, then with those behind it.
    fn answered(&mut self, now: Instant, answer: impl FnOnce(&mut Self, Request)) -> Result<(), Error> {
        if let Some(request) = self.pending.take() {
            self.pipelined_bytes = 0;
            self.last_heard = now;
            answer(self, request);
        }
        self.read(now)
    }

    fn data(&mut self, now: Instant, data: &Data) {
        match &mut self.role {
            Role::Nobody => {}
            Role::Player(player) => {
                let is_rtcp =
                    |path: &Path| matches!(path, Path::Interleaved { rtcp, .. } if *rtcp == data.channel);
                if player.paths.iter().flatten().any(is_rtcp) {
                    self.receiver_report(now, &data.payload);
                }
            }
            Role::Publisher(Publisher { receiving: Some(receiving), paused: false, .. }) => {
                if receiving.data(now, data.channel, &data.payload, &mut self.outputs) {
                    self.last_heard = now;
                }
            }
            Role::Publisher(_) => {}
        }
    }

    fn datagram(&mut self, now: Instant, port: Port, from: u16, bytes: &[u8]) {
        match &mut self.role {
            Role::Nobody => {}
            // RTP from a player is hole punching.
            Role::Player(_) => {
                if port == Port::Rtcp {
                    self.receiver_report(now, bytes);
                }
            }
            Role::Publisher(Publisher { receiving: Some(receiving), paused: false, .. }) => {
                if receiving.datagram(now, (port, from), bytes, &mut self.outputs) {
                    self.last_heard = now;
                }
            }
            Role::Publisher(_) => {}
        }
    }

    /// A player's RTCP keeps its session alive.
    fn receiver_report(&mut self, now: Instant, bytes: &[u8]) {
        for packet in rtcp::packets(bytes) {
            if let Ok(
                rtcp::Packet::ReceiverReport(rtcp::ReceiverReport { blocks, .. })
                | rtcp::Packet::SenderReport(rtcp::SenderReport { blocks, .. }),
            ) = packet
            {
                self.last_heard = now;
                self.reception.reports += 1;
                let lost = blocks.iter().filter_map(|block| u64::try_from(block.cumulative_lost).ok()).max();
                self.reception.lost = self.reception.lost.max(lost.unwrap_or(0));
            }
        }
    }

    fn next_timeout(&self) -> Instant {
        let silent = self.silence_limit().map(|limit| self.last_heard + limit);
        let due = match &self.role {
            Role::Player(Player { sending: Some(sending), .. }) => sending.next_timeout(),
            Role::Publisher(Publisher { receiving: Some(receiving), .. }) => Some(receiving.next_timeout()),
            Role::Nobody | Role::Player(_) | Role::Publisher(_) => None,
        };
        let never = self.last_heard + SESSION_TIMEOUT_MAX;
        [silent, due].into_iter().flatten().fold(never, Instant::min)
    }

    /// How long the client may be silent in this state.
    fn silence_limit(&self) -> Option<Duration> {
        if self.pending.is_some() {
            return None;
        }
        let Some(_) = self.id else { return Some(IDLE_TIMEOUT) };
        let plays_over_tcp = match &self.role {
            Role::Player(player) => {
                player.sending.is_some()
                    && player.paths.iter().flatten().all(|path| matches!(path, Path::Interleaved { .. }))
            }
            Role::Nobody | Role::Publisher(_) => false,
        };
        (!plays_over_tcp).then_some(SESSION_TIMEOUT)
    }

    fn timeout(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(limit) = self.silence_limit()
            && now.saturating_duration_since(self.last_heard) >= limit
        {
            self.stop();
            return Err(Error::Silent(limit));
        }
        match &mut self.role {
            Role::Player(Player { sending: Some(sending), .. }) => {
                sending.handle_timeout(now, &mut self.outputs)
            }
            Role::Publisher(Publisher { receiving: Some(receiving), .. }) => {
                receiving.handle_timeout(now, &mut self.outputs);
            }
            Role::Nobody | Role::Player(_) | Role::Publisher(_) => {}
        }
        Ok(())
    }

    /// Ends the connection from our side.
    fn end(&mut self, sentence: &str) {
        if let Some(request) = self.pending.take() {
            self.refuse(&request, &Refusal::new(StatusCode::ServiceUnavailable, sentence));
        }
        self.stop();
        self.close();
    }

    /// Ends the session, not the connection.
    fn stop(&mut self) {
        match std::mem::replace(&mut self.role, Role::Nobody) {
            Role::Nobody => {}
            Role::Player(player) => {
                if let Some(sending) = player.sending {
                    sending.goodbye(&mut self.outputs);
                }
                self.outputs.push_back(Output::Stop);
            }
            Role::Publisher(_) => self.outputs.push_back(Output::Stop),
        }
        self.id = None;
    }

    fn close(&mut self) {
        self.closing = true;
        self.pending = None;
    }

    /// Answers with a sentence that says why not.
    fn refuse(&mut self, request: &Request, refusal: &Refusal) {
        self.respond(Response::to(request, refusal.status), Some(&refusal.sentence));
    }

    fn respond(&mut self, mut response: Response, sentence: Option<&str>) {
        if let Some(sentence) = sentence {
            response.reason = format!("{}: {sentence}", response.reason);
        }
        let mut bytes = BytesMut::new();
        response.with(header::SERVER, self.options.server.as_str()).write(&mut bytes);
        self.outputs.push_back(Output::Send(bytes.freeze()));
    }
}
