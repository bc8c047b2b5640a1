//! Dials an RTMP server and plays what it has: the sockets and the clock of a [`ClientSession`], whose frames go to the hub.

mod push;
#[cfg(test)]
mod tests;

pub(crate) use push::push;

use crate::connect::{Happened, Tls, Wire};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use std::time::Instant;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use yeoul_hub::{Attach, Label, Producer};
use yeoul_media::{Codec, Frame};
use yeoul_rtmp::Purpose;
use yeoul_rtmp::client::{self, ClientSession, Input, Output};
use yeoul_rtmp::url::{Scheme, Source};

/// Plays `source` and publishes its frames until the server ends the session, or until `hang_up` is cancelled and the server has been
/// told.
pub(crate) async fn run(
    source: &Source,
    route: Route,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let stream = attach.stream().name().to_owned();
    for unknown in &source.unknown {
        debug!(target: "rtmp", "{stream}: #{unknown} means nothing to an RTMP source");
    }
    let wire = tokio::select! {
        wire = open(source, route.clone()) => wire?,
        () = hang_up.cancelled() => return Ok(()),
    };
    let session = ClientSession::new(Instant::now(), source.clone(), Purpose::Play, super::seed());
    let mut dial = Dial { source, route, session, wire, stream, attach, producer: None };
    dial.play(&hang_up).await
}

/// Connects to the server of an address.
async fn open(source: &Source, mut route: Route) -> Result<Wire, DialError> {
    let url = &source.url;
    let tls = match url.scheme {
        Scheme::Rtmp => Tls::None,
        Scheme::Rtmps => Tls::Checked,
        Scheme::Rtmpx => Tls::Unchecked,
    };
    Wire::open(url.authority(), (&url.host, url.port_or_default()), tls, &mut route).await
}

struct Dial<'a> {
    source: &'a Source,
    route: Route,
    session: ClientSession,
    wire: Wire,
    /// The stream's name, for the log.
    stream: String,
    attach: Attach,
    producer: Option<Producer>,
}

impl Dial<'_> {
    async fn play(&mut self, hang_up: &CancellationToken) -> Result<(), DialError> {
        let mut is_hanging_up = false;
        while let Some(until) = self.drain().await? {
            let input = tokio::select! {
                happened = self.wire.transfer() => match happened {
                    Happened::Received => Input::Received(self.wire.received()),
                    Happened::Closed => Input::Closed,
                    Happened::Sent => continue,
                    Happened::Failed(text) => return Err(self.wire.error(ErrorKind::Retry, text)),
                },
                () = sleep_until(until.into()) => Input::Timeout,
                () = hang_up.cancelled(), if !is_hanging_up => {
                    is_hanging_up = true;
                    Input::Stop
                },
            };
            self.session.handle_input(Instant::now(), input).map_err(from_client)?;
        }
        self.wire.finish().await;
        Ok(())
    }

    /// Does what the session wants; gives the time of its next wish, `None` if it has none any more.
    async fn drain(&mut self) -> Result<Option<Instant>, DialError> {
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => self.wire.push(bytes),
                Output::Reconnect => self.wire = open(self.source, self.route.clone()).await?,
                Output::Tracks(codecs) => self.tracks(codecs),
                Output::Frame(frame) => self.publish(frame)?,
                Output::Note(note) => info!(target: "rtmp", "{}: {note}", self.stream),
                // It plays.
                Output::Publishing { .. } => {}
                Output::Wait(until) => return Ok(Some(until)),
                Output::Close => return Ok(None),
            }
        }
    }

    fn tracks(&mut self, codecs: Vec<Codec>) {
        let label = Label {
            protocol: self.source.url.scheme.to_string(),
            remote: self.wire.peer().to_string(),
            user_agent: None,
            url: Some(self.source.url.to_string()),
        };
        self.producer = Some(self.attach.clone().tracks(label, codecs));
    }

    fn publish(&mut self, mut frame: Frame) -> Result<(), DialError> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        // The session numbers its tracks, the stream has ids of its own; tracks it has no room for have none.
        let Some(track) = producer.track(usize::from(frame.track.0)) else { return Ok(()) };
        frame.track = track;
        let replaced = producer.publish(frame);
        replaced
            .map_err(|error| self.wire.error(ErrorKind::Retry, format!("is not needed any more: {error}")))
    }
}

fn from_client(error: client::Error) -> DialError {
    let kind = match error.kind {
        client::ErrorKind::Retry => ErrorKind::Retry,
        client::ErrorKind::Unauthorized => ErrorKind::Unauthorized,
        client::ErrorKind::NotFound => ErrorKind::NotFound,
        client::ErrorKind::PeerViolation => ErrorKind::PeerViolation,
        client::ErrorKind::LimitExceeded => ErrorKind::LimitExceeded,
    };
    DialError::new(kind, error.text)
}
