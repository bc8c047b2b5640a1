//! The session itself: its state, its timers, and what comes in.

use super::dialogue::method_of;
use super::error::{Error, ErrorKind};
use super::exchange::{Exchange, Purpose};
use super::media::Receiver;
use super::options::{Options, Source, TransportChoice};
use super::playback::{Channels, Early};
use super::presentation::Presentation;
use super::publishing::Publishing;
use super::{Ended, Event, Input, Output, Tls, TrackStats};
use crate::limits;
use crate::message::{FrameError, Framer, Message, Method, Request, Stray};
use crate::transport::Lower;
use crate::url::{Scheme, Url};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use yeoul_rtp::clock::ClockMapping;

/// A session with an RTSP server.
#[derive(Debug)]
pub struct ClientSession {
    pub(super) options: Options,
    pub(super) url: Url,
    /// Host and port, for sentences.
    pub(super) peer_name: String,
    pub(super) peer: Option<SocketAddr>,
    pub(super) ssrc: u32,
    pub(super) state: State,
    framer: Framer,
    pub(super) exchange: Exchange,
    pub(super) session_timeout: Option<Duration>,
    pub(super) keepalive: Method,
    pub(super) server: Option<String>,
    pub(super) redirects: u8,
    reconnects: u8,
    pub(super) lower: Lower,
    pub(super) presentation: Option<Presentation>,
    pub(super) setup_refused: Option<Error>,
    pub(super) receivers: Vec<Receiver>,
    /// `None` plays.
    pub(super) publishing: Option<Publishing>,
    pub(super) channels: Channels,
    /// Where datagrams may come from besides the peer.
    pub(super) media_source: Option<IpAddr>,
    pub(super) clock: ClockMapping,
    /// Packets that came before the answer to PLAY.
    pub(super) early: Vec<Early>,
    pub(super) timers: Timers,
    pub(super) outputs: VecDeque<Output>,
}

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The control connection is being made.
    Connecting,
    /// A request on the way to PLAY or RECORD is out.
    Asking,
    /// The sockets for this candidate are being bound.
    Binding { candidate: usize },
    /// PLAY or RECORD is out; packets may come already.
    Starting,
    /// Media flows.
    Playing,
    /// It would, but for PAUSE.
    Paused,
    /// The server takes what we send.
    Recording,
    /// TEARDOWN is out.
    Leaving,
    /// Nothing follows.
    Over,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// The last input's time.
    pub(super) now: Instant,
    /// The last packet of media, or the start of playback.
    pub(super) last_media: Instant,
    /// Any media has come since PLAY.
    pub(super) has_media: bool,
    pub(super) keepalive_at: Instant,
    pub(super) report_at: Instant,
    leave_by: Instant,
}

impl ClientSession {
    /// A session that plays `source`. `ssrc` names us in RTCP: a random number.
    #[must_use]
    pub fn new(source: Source, ssrc: u32, now: Instant) -> Self {
        let Source { url, options } = source;
        let lower = match options.transport {
            TransportChoice::Auto | TransportChoice::Tcp => Lower::Tcp,
            TransportChoice::Udp => Lower::Udp,
        };
        let mut session = Self {
            peer_name: url.authority(),
            peer: None,
            ssrc,
            state: State::Connecting,
            framer: Framer::new(Stray::Skip),
            exchange: Exchange::new(url.credentials.clone(), options.timeout),
            session_timeout: None,
            keepalive: Method::Options,
            server: None,
            redirects: 0,
            reconnects: 0,
            lower,
            presentation: None,
            setup_refused: None,
            receivers: Vec::new(),
            publishing: None,
            channels: Channels::new(),
            media_source: None,
            clock: ClockMapping::default(),
            early: Vec::new(),
            timers: Timers {
                now,
                last_media: now,
                has_media: false,
                keepalive_at: now,
                report_at: now,
                leave_by: now,
            },
            outputs: VecDeque::new(),
            url,
            options,
        };
        session.connect();
        session
    }

    /// Takes what happened at `now`.
    ///
    /// # Errors
    /// If the session has failed. Nothing follows then but [`ClientSession::farewell`].
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        if self.state == State::Over {
            return Ok(());
        }
        self.timers.now = now;
        let handled = self.take(now, input).and_then(|()| self.run_timers(now));
        if handled.is_err() {
            self.state = State::Over;
        }
        handled
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Wait(self.next_timeout()))
    }

    /// TEARDOWN for a session that has failed: to be sent if that can be done at once, so that the server does not keep it
    /// until it times out; some have room for a few sessions only.
    pub fn farewell(&mut self) -> Option<Bytes> {
        let aggregate = self.presentation.as_ref()?.aggregate.clone();
        self.exchange.session.as_ref()?;
        let request = Request::new(Method::Teardown, aggregate);
        Some(self.exchange.send_now(self.timers.now, Purpose::Teardown, request))
    }

    /// What each track has received so far, in the order of [`super::Playing::tracks`].
    pub fn stats(&self) -> impl Iterator<Item = TrackStats> {
        self.receivers.iter().map(Receiver::stats)
    }

    pub(super) fn error(&self, kind: ErrorKind, text: impl std::fmt::Display) -> Error {
        Error::new(kind, &self.peer_name, text)
    }

    fn take(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        match input {
            Input::Connected { peer } => self.connected(now, peer),
            Input::Received(bytes) => return self.received(now, bytes),
            Input::Closed => return self.closed(),
            Input::UdpBound { socket, ports } => {
                if self.state == (State::Binding { candidate: socket }) {
                    self.send_setup(now, socket, Some(ports));
                }
            }
            Input::Datagram { socket, channel, from, bytes } => {
                self.datagram(now, socket, channel, from, bytes)
            }
            Input::Timeout => {}
            Input::Pause => self.command(now, State::Playing, Purpose::Pause, Method::Pause),
            Input::Play => self.command(now, State::Paused, Purpose::Play, Method::Play),
            Input::SetParameter(lines) => {
                let uri = self.aggregate();
                let request = Request::new(Method::SetParameter, uri)
                    .with_body("text/parameters", lines.as_bytes().to_vec());
                self.send(now, Purpose::SetParameter, request);
            }
            Input::Media(block) => self.media(now, block),
            Input::Stop => self.stop(now),
        }
        Ok(())
    }

    pub(super) fn connect(&mut self) {
        self.state = State::Connecting;
        self.framer = Framer::new(Stray::Skip);
        let tls = match self.url.scheme {
            Scheme::Rtsp => Tls::None,
            Scheme::Rtsps => Tls::Checked,
            Scheme::Rtspx => Tls::Unchecked,
        };
        let (host, port) = (self.url.host.clone(), self.url.port_or_default());
        self.outputs.push_back(Output::Connect { host, port, tls });
    }

    fn connected(&mut self, now: Instant, peer: SocketAddr) {
        if self.state != State::Connecting {
            return;
        }
        self.peer = Some(peer);
        self.state = State::Asking;
        match self.exchange.send_again(now) {
            Some(bytes) => self.outputs.push_back(Output::Send(bytes)),
            None => {
                let request = Request::new(Method::Options, self.url.request_uri());
                self.send(now, Purpose::Options, request);
            }
        }
    }

    fn closed(&mut self) -> Result<(), Error> {
        match self.state {
            State::Leaving => self.end(Ended::Stopped),
            // Media was playing: this is how many servers end, recordings above all.
            State::Playing | State::Paused if self.timers.has_media => self.end(self.end_by_server()),
            // Some servers close the connection with their 401.
            State::Asking | State::Starting
                if self.exchange.is_challenged() && self.reconnects < limits::RECONNECTS =>
            {
                self.reconnects += 1;
                self.connect();
            }
            State::Recording => return Err(self.error(ErrorKind::Retry, "has closed the connection")),
            State::Connecting
            | State::Asking
            | State::Binding { .. }
            | State::Starting
            | State::Playing
            | State::Paused
            | State::Over => {
                let during = match self.exchange.waits_for() {
                    Some((purpose, _)) => format!("before it answered {}", method_of(&purpose)),
                    None => "before it sent any media".to_owned(),
                };
                return Err(self.error(ErrorKind::Retry, format!("closed the connection {during}")));
            }
        }
        Ok(())
    }

    fn received(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Error> {
        self.framer.push(bytes);
        loop {
            let message = self.framer.pull().map_err(|error| self.frame_error(&error))?;
            match message {
                None => return Ok(()),
                Some(_) if matches!(self.state, State::Over | State::Connecting) => return Ok(()),
                Some(Message::Data(data)) => self.data(now, data),
                Some(Message::Response(response)) => self.response(now, &response)?,
                Some(Message::Request(request)) => self.request(&request),
            }
        }
    }

    fn frame_error(&self, error: &FrameError) -> Error {
        let kind = if error.is_limit() { ErrorKind::LimitExceeded } else { ErrorKind::PeerViolation };
        self.error(kind, format!("does not speak RTSP as it should: {error}"))
    }

    fn next_timeout(&self) -> Instant {
        let answer_by = self.exchange.waits_for().map(|(_, by)| by);
        let playing = [self.silent_at(), self.timers.report_at, self.timers.keepalive_at];
        let reordered = self.receivers.iter().filter_map(Receiver::next_timeout);
        match self.state {
            State::Playing => reordered.chain(playing).min(),
            State::Paused => Some(self.timers.keepalive_at),
            State::Recording => self.report_at().into_iter().chain([self.timers.keepalive_at]).min(),
            State::Leaving => Some(self.timers.leave_by),
            State::Asking | State::Starting => answer_by,
            // The driver bounds the time to connect and to bind.
            State::Connecting | State::Binding { .. } | State::Over => None,
        }
        .unwrap_or(self.timers.now + limits::SESSION_TIMEOUT_MAX)
    }

    fn run_timers(&mut self, now: Instant) -> Result<(), Error> {
        if matches!(self.state, State::Asking | State::Starting) {
            self.check_answer(now)?;
        }
        match self.state {
            State::Playing => {
                for index in 0..self.receivers.len() {
                    let mut frames = Vec::new();
                    if let Some(receiver) = self.receivers.get_mut(index) {
                        let taken = receiver.drain(now, &mut self.clock, &mut frames);
                        self.give(taken, frames);
                    }
                }
                self.keep_alive(now);
                self.report(now);
                self.check_media(now)
            }
            State::Paused => {
                self.keep_alive(now);
                Ok(())
            }
            State::Recording => {
                self.keep_alive(now);
                self.send_reports(now);
                Ok(())
            }
            State::Leaving => {
                if now >= self.timers.leave_by {
                    self.end(Ended::Stopped);
                }
                Ok(())
            }
            State::Connecting | State::Binding { .. } | State::Asking | State::Starting | State::Over => {
                Ok(())
            }
        }
    }

    fn stop(&mut self, now: Instant) {
        if self.state == State::Leaving {
            return;
        }
        self.goodbye();
        match self.farewell() {
            Some(bytes) if self.state != State::Connecting => {
                self.outputs.push_back(Output::Send(bytes));
                (self.state, self.timers.leave_by) = (State::Leaving, now + limits::TEARDOWN_WAIT);
            }
            Some(_) | None => self.end(Ended::Stopped),
        }
    }

    pub(super) fn end_by_server(&self) -> Ended {
        if self.options.range.is_some() { Ended::EndOfRecording } else { Ended::ByServer }
    }

    pub(super) fn end(&mut self, how: Ended) {
        self.state = State::Over;
        self.outputs.push_back(Output::Event(Event::Ended(how)));
    }
}
