//! Dials an RTSP server and publishes a stream to it.

use super::{from_client, protection};
use crate::connect::{Happened, Wire};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use std::time::{Instant, SystemTime};
use tokio::time::sleep_until;
use tracing::{debug, info};
use yeoul_hub::{Consumer, Event as Happening};
use yeoul_rtsp::client::{ClientSession, Ended, Event, Input, Output, Source};
use yeoul_rtsp::limits::PACKET_BYTES;
use yeoul_rtsp::{Clock, Fanout};

/// Publishes what `consumer` gets to `target`, until the stream's tracks change or it ends (`Ok`), or until the server refuses or goes
/// away. `live` is called once the server takes it. Dropped, it closes the connection.
pub(crate) async fn push(
    target: &Source,
    route: Route,
    consumer: Consumer,
    live: impl FnOnce() + Send,
) -> Result<(), DialError> {
    let fanout = Fanout::new(consumer.tracks(), PACKET_BYTES, crate::random::bytes());
    let now = Instant::now();
    let start = fanout.start(&[], consumer.stream().time_at(now));
    let session = ClientSession::publish(target.clone(), consumer.tracks(), start, now);
    let peer_name = target.url.authority();
    let mut push = Push { session, wire: None, peer_name, route, consumer, fanout, is_recording: false };
    let result = push.run(live).await;
    if let Some(wire) = &mut push.wire {
        // A server that keeps a failed session would refuse the next one.
        if let Some(farewell) = push.session.farewell().filter(|_| result.is_err()) {
            wire.push(farewell);
        }
        wire.finish().await;
    }
    result
}

struct Push {
    session: ClientSession,
    wire: Option<Wire>,
    /// Host and port, for sentences.
    peer_name: String,
    /// The way over the hosts that redirects lead to.
    route: Route,
    consumer: Consumer,
    fanout: Fanout,
    /// The server takes media.
    is_recording: bool,
}

impl Push {
    async fn run(&mut self, live: impl FnOnce() + Send) -> Result<(), DialError> {
        let mut live = Some(live);
        while let Some(until) = self.drain().await? {
            if self.is_recording
                && let Some(live) = live.take()
            {
                live();
            }
            let Some(wire) = &mut self.wire else { return Err(self.error("has no connection")) };
            // What the server does not take stays in the ring, where it gets old and is skipped.
            let may_fetch = self.is_recording && wire.is_empty();
            tokio::select! {
                happened = wire.transfer() => match happened {
                    Happened::Received => {
                        let received = Input::Received(wire.received());
                        self.session.handle_input(Instant::now(), received).map_err(from_client)?;
                    }
                    Happened::Closed => self.tell(Input::Closed)?,
                    Happened::Sent => {}
                    Happened::Failed(text) => return Err(self.error(text)),
                },
                happening = self.consumer.next(), if may_fetch => self.happening(&happening)?,
                () = sleep_until(until.into()) => self.tell(Input::Timeout)?,
            }
        }
        Ok(())
    }

    /// Does what the session wants; gives the time of its next wish, `None` if it has none any more.
    async fn drain(&mut self) -> Result<Option<Instant>, DialError> {
        loop {
            match self.session.poll_output() {
                Output::Connect { host, port, tls } => {
                    self.wire = None;
                    let name = self.peer_name.clone();
                    let wire = Wire::open(name, (&host, port), protection(tls), &mut self.route).await?;
                    let peer = wire.peer();
                    self.wire = Some(wire);
                    self.tell(Input::Connected { peer })?;
                }
                Output::Send(bytes) => self.wire.iter_mut().for_each(|wire| wire.push(bytes.clone())),
                Output::Event(Event::Recording { passed_over }) => {
                    if !passed_over.is_empty() {
                        info!(target: "rtsp", "{}: {} does not take {}", self.consumer.stream().name(), self.peer_name, passed_over.join(", "));
                    }
                    self.is_recording = true;
                    self.consumer.restart();
                }
                Output::Event(Event::Note(note)) => info!(target: "rtsp", "{note}"),
                Output::Event(Event::Ended(Ended::Stopped)) => return Ok(None),
                Output::Event(Event::Ended(Ended::ByServer | Ended::EndOfRecording)) => {
                    return Err(self.error("has ended the session"));
                }
                // It publishes, on the control connection.
                Output::Event(Event::Playing(_) | Event::Frame(_))
                | Output::BindUdp { .. }
                | Output::SendDatagram { .. } => {}
                Output::Wait(until) => return Ok(Some(until)),
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) -> Result<(), DialError> {
        self.session.handle_input(Instant::now(), input).map_err(from_client)
    }

    fn happening(&mut self, happening: &Happening) -> Result<(), DialError> {
        match happening {
            Happening::Frame(delivery) => {
                let clock = Clock { now: Instant::now(), wall: SystemTime::now() };
                match self.fanout.block(delivery.index, &delivery.frame, clock) {
                    Ok(Some(block)) => self.tell(Input::Media(&block)),
                    Ok(None) => Ok(()),
                    // What was announced is no longer true.
                    Err(_) => self.stop(),
                }
            }
            Happening::Skipped { frames } => {
                debug!(target: "rtsp", "{}: {} is too slow, {frames} frames skipped", self.consumer.stream().name(), self.peer_name);
                Ok(())
            }
            Happening::TracksChanged | Happening::Ended => self.stop(),
        }
    }

    /// Says goodbye; nothing more is fetched, for the stream would tell its end again and again.
    fn stop(&mut self) -> Result<(), DialError> {
        self.is_recording = false;
        self.tell(Input::Stop)
    }

    fn error(&self, text: impl std::fmt::Display) -> DialError {
        DialError::new(ErrorKind::Retry, format!("{} {text}", self.peer_name))
    }
}
