//! SETUP of one track after the other, first over TCP, over UDP where that is asked for or TCP is refused.

use super::error::{Error, ErrorKind, kind_of};
use super::exchange::Purpose;
use super::media::{Carrier, Leg, Receiver, hole_punch};
use super::options::TransportChoice;
use super::publishing::Publishing;
use super::session::{ClientSession, State};
use super::{Channel, Output};
use crate::message::{Method, Request, Response, SessionHeader, StatusCode, header};
use crate::send::{Interleaved, default_channels};
use crate::transport::{Lower, Mode, Transport};
use std::net::SocketAddr;
use std::time::Instant;
use yeoul_media::TrackId;
use yeoul_rtp::receive::Arrival;

impl ClientSession {
    /// Asks for the next candidate, or plays when there is none left.
    pub(super) fn set_up_next(&mut self, now: Instant, candidate: usize) -> Result<(), Error> {
        let Some(presentation) = &self.presentation else { return Ok(()) };
        if candidate >= presentation.candidates.len() {
            return match self.setup_refused.take() {
                Some(refused) if !self.has_set_up() => Err(refused),
                Some(_) | None => {
                    if self.publishing.is_some() {
                        self.record(now)
                    } else {
                        self.play(now)
                    }
                    Ok(())
                }
            };
        }
        match self.lower {
            Lower::Tcp => self.send_setup(now, candidate, None),
            Lower::Udp => {
                self.state = State::Binding { candidate };
                self.outputs.push_back(Output::BindUdp { socket: candidate });
            }
        }
        Ok(())
    }

    /// Sends SETUP; `ports` are those of our sockets, `None` asks for interleaved channels.
    pub(super) fn send_setup(&mut self, now: Instant, candidate: usize, ports: Option<(u16, u16)>) {
        let Some(asked) = self.presentation.as_ref().and_then(|found| found.candidates.get(candidate)) else {
            return;
        };
        let mut transport = Transport::new(if ports.is_some() { Lower::Udp } else { Lower::Tcp });
        match ports {
            Some(ports) => transport.client_port = Some(ports),
            None => transport.interleaved = Some(asked_channels(candidate)),
        }
        transport.mode = self.publishing.as_ref().map(|_| Mode::Record);
        let request =
            Request::new(Method::Setup, &asked.control).with(header::TRANSPORT, transport.to_string());
        self.state = State::Asking;
        self.send(now, Purpose::Setup(candidate), request);
    }

    /// Whether there is a track that can be had, or that the server takes.
    fn has_set_up(&self) -> bool {
        !self.receivers.is_empty() || self.publishing.as_ref().is_some_and(Publishing::has_set_up)
    }

    /// Takes the answer to the SETUP of a candidate.
    pub(super) fn set_up(
        &mut self,
        now: Instant,
        candidate: usize,
        response: &Response,
    ) -> Result<(), Error> {
        if response.status == StatusCode::UnsupportedTransport && !self.has_set_up() {
            return self.other_transport(now, candidate);
        }
        if !response.status.is_success() {
            return self.pass_over(now, candidate, response);
        }
        let transport = self.answered_transport(response)?;
        let carrier = match (transport.interleaved, transport.lower, self.lower) {
            (Some((rtp, rtcp)), _, _) => Carrier::Interleaved(rtp, rtcp),
            (None, Lower::Tcp, _) => {
                let (rtp, rtcp) = asked_channels(candidate);
                Carrier::Interleaved(rtp, rtcp)
            }
            // Asked for channels, the server answers with ports: it does not do TCP and does not say 461.
            (None, Lower::Udp, Lower::Tcp) => return self.other_transport(now, candidate),
            (None, Lower::Udp, Lower::Udp) => {
                Carrier::Udp { socket: candidate, server: transport.server_port }
            }
        };
        self.note_session(response);
        if let (Some(publishing), Carrier::Interleaved(rtp, rtcp)) = (&mut self.publishing, carrier) {
            publishing.set_up(candidate, Interleaved { rtp, rtcp });
            return self.set_up_next(now, candidate + 1);
        }
        let Some(found) = self.presentation.as_ref().and_then(|found| found.candidates.get(candidate)) else {
            return Ok(());
        };
        let id = TrackId(u16::try_from(self.receivers.len()).unwrap_or(u16::MAX));
        let (control, format) = (found.control.clone(), found.format.clone());
        let arrival = match carrier {
            Carrier::Interleaved(..) => Arrival::Ordered,
            Carrier::Udp { .. } => Arrival::Unordered,
        };
        let receiver = Receiver::new(id, Leg { control, carrier }, format, arrival, &mut self.clock);
        self.channels.assign(carrier, self.receivers.len());
        self.receivers.push(receiver);
        self.media_source = transport.source.and_then(|source| source.parse().ok()).or(self.media_source);
        self.punch_holes();
        self.set_up_next(now, candidate + 1)
    }

    /// One track that cannot be had does not spoil the others.
    fn pass_over(&mut self, now: Instant, candidate: usize, response: &Response) -> Result<(), Error> {
        let Some(found) = self.presentation.as_mut() else { return Ok(()) };
        let Some(refused) = found.candidates.get(candidate) else { return Ok(()) };
        let status = u16::from(response.status);
        let what = format!("{} (SETUP answered {status} {})", refused.format.codec, response.reason);
        let text = format!("answered SETUP of {} with {status} {}", refused.format.codec, response.reason);
        self.setup_refused.get_or_insert(Error::new(kind_of(response.status), &self.peer_name, text));
        found.passed_over.push(what);
        self.set_up_next(now, candidate + 1)
    }

    fn other_transport(&mut self, now: Instant, candidate: usize) -> Result<(), Error> {
        if self.publishing.is_some() {
            let text = "takes no media on the control connection (461 Unsupported Transport); streams are published so only";
            return Err(self.error(ErrorKind::Unsupported, text));
        }
        let (choice, lower) = (self.options.transport, self.lower);
        match (choice, lower) {
            (TransportChoice::Auto, Lower::Tcp) => {
                self.lower = Lower::Udp;
                self.set_up_next(now, candidate)
            }
            (TransportChoice::Auto, Lower::Udp) => Err(self.error(
                ErrorKind::Unsupported,
                "refused media over TCP and over UDP (461 Unsupported Transport)",
            )),
            (TransportChoice::Tcp, _) => Err(self.error(
                ErrorKind::Unsupported,
                "refused media over TCP (461 Unsupported Transport); try the source without #transport=tcp",
            )),
            (TransportChoice::Udp, _) => Err(self.error(
                ErrorKind::Unsupported,
                "refused media over UDP (461 Unsupported Transport); try the source without #transport=udp",
            )),
        }
    }

    /// The transport the server chose; as asked for where it names none.
    fn answered_transport(&self, response: &Response) -> Result<Transport, Error> {
        let Some(value) = response.headers.get(header::TRANSPORT) else {
            return Ok(Transport::new(self.lower));
        };
        let chosen = Transport::parse_all(value).map_err(|error| {
            self.error(
                ErrorKind::PeerViolation,
                format!("answered SETUP with a transport that makes no sense: {error}"),
            )
        })?;
        Ok(chosen.into_iter().next().unwrap_or(Transport::new(self.lower)))
    }

    /// The first session id counts: one device (H264DVR) answers each SETUP with another and goes on with the first.
    pub(super) fn note_session(&mut self, response: &Response) {
        let Some(given) = response.headers.get(header::SESSION).and_then(SessionHeader::parse) else {
            return;
        };
        self.exchange.session.get_or_insert(given.id);
        self.session_timeout = match (self.session_timeout, given.timeout) {
            (Some(known), Some(given)) => Some(known.min(given)),
            (known, given) => known.or(given),
        };
    }

    /// Opens firewalls between the server and our sockets, again with PLAY: the first ones may get lost.
    pub(super) fn punch_holes(&mut self) {
        let Some(peer) = self.peer else { return };
        for receiver in &self.receivers {
            let Carrier::Udp { socket, server: Some((rtp, rtcp)) } = receiver.leg.carrier else { continue };
            for (channel, bytes) in hole_punch(self.ssrc) {
                let port = match channel {
                    Channel::Rtp => rtp,
                    Channel::Rtcp => rtcp,
                };
                let to = SocketAddr::new(peer.ip(), port);
                self.outputs.push_back(Output::SendDatagram { socket, channel, to, bytes: bytes.into() });
            }
        }
    }
}

/// The channels to ask for: two for each track.
fn asked_channels(candidate: usize) -> (u8, u8) {
    // As many tracks as `limits::TRACKS` allows fit below 256.
    default_channels(candidate).unwrap_or((u8::MAX - 1, u8::MAX))
}
