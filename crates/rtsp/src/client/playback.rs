//! While media flows: packets to their receivers, frames out, keepalives and reports.

use super::error::{Error, ErrorKind};
use super::exchange::Purpose;
use super::media::{Carrier, Receiver, is_rtcp};
use super::session::{ClientSession, State};
use super::{Channel, Ended, Event, Output, Playing};
use crate::limits;
use crate::message::{Data, Request, SessionHeader};
use bytes::{Bytes, BytesMut};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use yeoul_media::{Frame, Track, TrackId};
use yeoul_rtp::receive::Taken;

#[derive(Debug)]
pub(super) struct Early {
    at: Instant,
    receiver: usize,
    channel: Channel,
    bytes: Bytes,
}

/// Which interleaved channel belongs to which receiver.
#[derive(Debug)]
pub(super) struct Channels(Box<[Option<u8>; 256]>);

impl Channels {
    pub(super) fn new() -> Self {
        Self(Box::new([None; 256]))
    }

    /// A channel that a server gives to two tracks stays with the first; payload types tell them apart.
    pub(super) fn assign(&mut self, carrier: Carrier, receiver: usize) {
        if let Carrier::Interleaved(rtp, rtcp) = carrier {
            for channel in [rtp, rtcp] {
                if let Some(entry @ None) = self.0.get_mut(usize::from(channel)) {
                    *entry = u8::try_from(receiver).ok();
                }
            }
        }
    }

    fn receiver(&self, channel: u8) -> Option<usize> {
        self.0.get(usize::from(channel)).copied().flatten().map(usize::from)
    }
}

impl ClientSession {
    /// Media flows: says what comes, and gives what has come already.
    pub(super) fn start(&mut self, now: Instant) {
        (self.state, self.timers.last_media) = (State::Playing, now);
        self.timers.report_at = now + limits::REPORT_INTERVAL;
        self.timers.keepalive_at = now + self.keepalive_interval();
        self.punch_holes();
        self.announce();
        for Early { at, receiver, channel, bytes } in std::mem::take(&mut self.early) {
            self.packet(at, receiver, channel, &bytes);
        }
    }

    /// Media flows again after PAUSE.
    pub(super) fn resume(&mut self, now: Instant) {
        (self.state, self.timers.last_media) = (State::Playing, now);
    }

    fn announce(&mut self) {
        let (Some(peer), Some(found)) = (self.peer, &self.presentation) else { return };
        let scheme = if self.url.scheme.is_encrypted() { "rtsps" } else { "rtsp" };
        let is_udp =
            self.receivers.iter().any(|receiver| matches!(receiver.leg.carrier, Carrier::Udp { .. }));
        let tracks = self.receivers.iter().enumerate().map(|(index, receiver)| Track {
            id: TrackId(u16::try_from(index).unwrap_or(u16::MAX)),
            codec: receiver.format.codec.clone(),
        });
        let playing = Playing {
            tracks: tracks.collect(),
            passed_over: found.passed_over.clone(),
            server: self.server.clone(),
            protocol: format!("{scheme}+{}", if is_udp { "udp" } else { "tcp" }),
            peer,
            url: self.url.to_string(),
        };
        self.outputs.push_back(Output::Event(Event::Playing(playing)));
    }

    pub(super) fn data(&mut self, now: Instant, data: Data) {
        let by_channel = self.channels.receiver(data.channel);
        if is_rtcp(&data.payload) {
            if let Some(receiver) = by_channel {
                self.incoming(now, receiver, Channel::Rtcp, data.payload);
            }
            return;
        }
        // The payload type knows better where a server mixes its channels up, or uses others than it said.
        let payload_type = data.payload.get(1).map(|byte| byte & 0x7f);
        let has_type = |receiver: &Receiver| Some(receiver.format.payload_type) == payload_type;
        let fits = by_channel.and_then(|index| self.receivers.get(index)).is_some_and(has_type);
        let mut by_type = self.receivers.iter().enumerate().filter(|(_, receiver)| has_type(receiver));
        let receiver = match (by_type.next(), by_type.next()) {
            (Some((index, _)), None) if !fits => Some(index),
            _ => by_channel,
        };
        if let Some(receiver) = receiver {
            self.incoming(now, receiver, Channel::Rtp, data.payload);
        }
    }

    pub(super) fn datagram(
        &mut self,
        now: Instant,
        socket: usize,
        channel: Channel,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        // Anyone can send datagrams to our port.
        let from = from.ip().to_canonical();
        let is_peer = self.peer.is_some_and(|peer| peer.ip().to_canonical() == from);
        if !is_peer && self.media_source.map(|source| source.to_canonical()) != Some(from) {
            return;
        }
        let is_its = |receiver: &Receiver| matches!(receiver.leg.carrier, Carrier::Udp { socket: of, .. } if of == socket);
        if let Some(receiver) = self.receivers.iter().position(is_its) {
            let channel = if is_rtcp(bytes) { Channel::Rtcp } else { channel };
            if self.state == State::Starting {
                self.incoming(now, receiver, channel, Bytes::copy_from_slice(bytes));
            } else {
                self.packet(now, receiver, channel, bytes);
            }
        }
    }

    /// Takes a packet, or keeps it until PLAY is answered.
    fn incoming(&mut self, now: Instant, receiver: usize, channel: Channel, bytes: Bytes) {
        if self.state != State::Starting {
            return self.packet(now, receiver, channel, &bytes);
        }
        self.early.push(Early { at: now, receiver, channel, bytes });
        let early_bytes: usize = self.early.iter().map(|early| early.bytes.len()).sum();
        if self.early.len() >= limits::EARLY_PACKETS || early_bytes >= limits::EARLY_BYTES {
            self.start(now);
        }
    }

    fn packet(&mut self, now: Instant, receiver: usize, channel: Channel, bytes: &[u8]) {
        if !matches!(self.state, State::Playing | State::Paused) {
            return;
        }
        let Some(receiver) = self.receivers.get_mut(receiver) else { return };
        match channel {
            Channel::Rtp => {
                let mut frames = Vec::new();
                let taken = receiver.rtp(now, bytes, &mut self.clock, &mut frames);
                if taken != Taken::No {
                    (self.timers.last_media, self.timers.has_media) = (self.timers.now, true);
                }
                self.give(taken, frames);
            }
            Channel::Rtcp => {
                receiver.rtcp(now, bytes, &mut self.clock);
                if self.receivers.iter().all(|receiver| receiver.has_left) {
                    self.end(self.end_by_server());
                }
            }
        }
    }

    pub(super) fn give(&mut self, taken: Taken, frames: Vec<Frame>) {
        if let Taken::Damaged(reason) = taken {
            let text = format!("{} sends damaged media: {reason}", self.peer_name);
            self.outputs.push_back(Output::Event(Event::Note(text)));
        }
        self.outputs.extend(frames.into_iter().map(|frame| Output::Event(Event::Frame(frame))));
    }

    pub(super) fn keepalive_interval(&self) -> Duration {
        let timeout = self.session_timeout.unwrap_or(SessionHeader::DEFAULT_TIMEOUT);
        (timeout / 2).max(limits::KEEPALIVE_MIN)
    }

    pub(super) fn keep_alive(&mut self, now: Instant) {
        if now < self.timers.keepalive_at {
            return;
        }
        self.timers.keepalive_at = now + self.keepalive_interval();
        // Some servers want keepalives and never answer one, or did not answer PLAY.
        let is_free =
            self.exchange.waits_for().is_none_or(|(purpose, by)| purpose == Purpose::KeepAlive || by <= now);
        if is_free {
            let request = Request::new(self.keepalive.clone(), self.aggregate());
            let bytes = self.exchange.send_now(now, Purpose::KeepAlive, request);
            self.outputs.push_back(Output::Send(bytes));
        }
    }

    pub(super) fn report(&mut self, now: Instant) {
        if now < self.timers.report_at {
            return;
        }
        self.timers.report_at = now + limits::REPORT_INTERVAL;
        for receiver in &mut self.receivers {
            let Some(report) = receiver.report(now, self.ssrc) else { continue };
            match receiver.leg.carrier {
                Carrier::Interleaved(_, channel) => {
                    let mut bytes = BytesMut::new();
                    Data { channel, payload: report.into() }.write(&mut bytes);
                    self.outputs.push_back(Output::Send(bytes.freeze()));
                }
                Carrier::Udp { socket, server } => {
                    if let (Some(peer), Some((_, port))) = (self.peer, server) {
                        let (to, channel) = (SocketAddr::new(peer.ip(), port), Channel::Rtcp);
                        self.outputs.push_back(Output::SendDatagram {
                            socket,
                            channel,
                            to,
                            bytes: report.into(),
                        });
                    }
                }
            }
        }
    }

    pub(super) fn check_media(&mut self, now: Instant) -> Result<(), Error> {
        if self.state != State::Playing || now < self.silent_at() {
            return Ok(());
        }
        if self.options.range.is_some() && self.timers.has_media {
            // Some recorders just stop.
            self.end(Ended::EndOfRecording);
            return Ok(());
        }
        let seconds = self.options.timeout.as_secs();
        let is_udp =
            self.receivers.iter().any(|receiver| matches!(receiver.leg.carrier, Carrier::Udp { .. }));
        let advice = match (self.timers.has_media, is_udp) {
            (true, _) => "",
            (false, false) => " although it had accepted PLAY",
            (false, true) => " over UDP although it had accepted PLAY; a firewall may be in the way, try TCP",
        };
        Err(self.error(ErrorKind::Retry, format!("sent no media for {seconds} s{advice}")))
    }

    pub(super) fn silent_at(&self) -> Instant {
        self.timers.last_media + self.options.timeout
    }
}
