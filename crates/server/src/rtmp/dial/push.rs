//! Dials an RTMP server and publishes a stream to it.

use super::{from_client, open};
use crate::connect::{Happened, Wire};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use std::time::Instant;
use tokio::time::sleep_until;
use tracing::{debug, info};
use yeoul_hub::{Consumer, Delivery, Event};
use yeoul_rtmp::client::{ClientSession, Input, Output};
use yeoul_rtmp::url::Source;
use yeoul_rtmp::{Fanout, Purpose};

/// Publishes what `consumer` gets to `target`, until the stream's tracks change or it ends (`Ok`), or until the server refuses or goes
/// away. `live` is called once the server takes it. Dropped, it closes the connection.
pub(crate) async fn push(
    target: &Source,
    route: Route,
    consumer: Consumer,
    live: impl FnOnce() + Send,
) -> Result<(), DialError> {
    let wire = open(target, route.clone()).await?;
    let session = ClientSession::new(Instant::now(), target.clone(), Purpose::Publish, crate::rtmp::seed());
    let mut push = Push { target, route, session, wire, consumer, fanout: None, has_started: false };
    push.run(live).await
}

struct Push<'a> {
    target: &'a Source,
    route: Route,
    session: ClientSession,
    wire: Wire,
    consumer: Consumer,
    /// From when the server takes media.
    fanout: Option<Fanout>,
    has_started: bool,
}

impl Push<'_> {
    async fn run(&mut self, live: impl FnOnce() + Send) -> Result<(), DialError> {
        let mut live = Some(live);
        while let Some(until) = self.drain().await? {
            if self.fanout.is_some()
                && let Some(live) = live.take()
            {
                live();
            }
            // What the server does not take stays in the ring, where it gets old and is skipped.
            let may_fetch = self.fanout.is_some() && self.wire.is_empty();
            tokio::select! {
                happened = self.wire.transfer() => match happened {
                    Happened::Received => {
                        let received = Input::Received(self.wire.received());
                        self.session.handle_input(Instant::now(), received).map_err(from_client)?;
                    }
                    Happened::Closed => self.tell(Input::Closed)?,
                    Happened::Sent => {}
                    Happened::Failed(text) => return Err(self.wire.error(ErrorKind::Retry, text)),
                },
                event = self.consumer.next(), if may_fetch => self.event(event)?,
                () = sleep_until(until.into()) => self.tell(Input::Timeout)?,
            }
        }
        self.wire.finish().await;
        Ok(())
    }

    async fn drain(&mut self) -> Result<Option<Instant>, DialError> {
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => self.wire.push(bytes),
                Output::Reconnect => self.wire = open(self.target, self.route.clone()).await?,
                Output::Publishing { message_stream } => {
                    let fanout = Fanout::new(self.consumer.tracks(), message_stream);
                    let fanout = fanout.map_err(|error| {
                        self.wire.error(ErrorKind::Unsupported, format!("cannot be published to: {error}"))
                    })?;
                    self.fanout = Some(fanout);
                    self.consumer.restart();
                }
                Output::Note(note) => info!(target: "rtmp", "{note}"),
                // It publishes.
                Output::Tracks(_) | Output::Frame(_) => {}
                Output::Wait(until) => return Ok(Some(until)),
                Output::Close => return Ok(None),
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) -> Result<(), DialError> {
        self.session.handle_input(Instant::now(), input).map_err(from_client)
    }

    fn event(&mut self, event: Event) -> Result<(), DialError> {
        match event {
            Event::Frame(delivery) => self.frame(&delivery),
            Event::Skipped { frames } => {
                debug!(target: "rtmp", "{}: {} is too slow, {frames} frames skipped", self.consumer.stream().name(), self.wire.peer());
                Ok(())
            }
            Event::TracksChanged | Event::Ended => self.tell(Input::Stop),
        }
    }

    fn frame(&mut self, delivery: &Delivery) -> Result<(), DialError> {
        let Some(fanout) = &mut self.fanout else { return Ok(()) };
        if !self.has_started {
            self.has_started = true;
            let start =
                fanout.start(self.consumer.tracks(), &delivery.frame, Purpose::Publish).map_err(|error| {
                    self.wire.error(ErrorKind::Unsupported, format!("cannot be published to: {error}"))
                })?;
            self.session.handle_input(Instant::now(), Input::Media(&start)).map_err(from_client)?;
        }
        match fanout.block(delivery.index, &delivery.frame) {
            Some(block) => self.tell(Input::Media(&block.bytes)),
            None => Ok(()),
        }
    }
}
