//! Dials a camera: the sockets and the clock of a [`ClientSession`], whose frames go to the hub.

mod push;
mod sockets;
#[cfg(test)]
mod tests;

pub(crate) use push::push;

use crate::connect::{Connection, Tls, connect, is_end};
use crate::limits::{DIAL_CONNECT_WAIT, DIAL_FAREWELL_WAIT, DIAL_READ_BYTES, DIAL_WRITE_WAIT};
use crate::policy::Route;
use crate::random;
use crate::streams::{DialError, ErrorKind};
use bytes::Bytes;
use sockets::{Datagram, Sockets};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use yeoul_hub::{Attach, Label, Producer};
use yeoul_media::{Frame, Track};
use yeoul_rtsp::client::{self, ClientSession, Event, Input, Output, Playing, Source};

/// Plays `source` and publishes its frames until the camera ends the session, or until `hang_up` is cancelled and the
/// camera has been told.
pub(crate) async fn run(
    source: &Source,
    route: Route,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let ssrc = u32::from_be_bytes(random::bytes());
    let mut dial = Dial {
        session: ClientSession::new(source.clone(), ssrc, Instant::now()),
        peer_name: source.url.authority(),
        stream: attach.stream().name().to_owned(),
        attach: Some(attach),
        producer: None,
        connection: None,
        sockets: Sockets::default(),
        route,
    };
    for unknown in &source.options.unknown {
        debug!(target: "rtsp", "{}: #{unknown} means nothing to an RTSP source", dial.stream);
    }
    tokio::select! {
        result = dial.connected() => result?,
        // Nothing has begun that would have to be ended.
        () = hang_up.cancelled() => return Ok(()),
    }
    let result = dial.play(&hang_up).await;
    if result.is_err() {
        dial.say_farewell().await;
    }
    result
}

struct Dial {
    session: ClientSession,
    /// Host and port, for sentences.
    peer_name: String,
    /// The stream's name, for the log.
    stream: String,
    /// Until it is known what comes.
    attach: Option<Attach>,
    producer: Option<Producer>,
    connection: Option<Connection>,
    sockets: Sockets,
    /// The way over the hosts that redirects lead to.
    route: Route,
}

/// What the session wants next.
enum Next {
    Wait(Instant),
    /// The session has ended.
    Over,
}

impl Dial {
    /// Follows the first outputs, up to the first connection.
    async fn connected(&mut self) -> Result<(), DialError> {
        self.drain().await.map(|_| ())
    }

    async fn play(&mut self, hang_up: &CancellationToken) -> Result<(), DialError> {
        let mut from_camera = vec![0; DIAL_READ_BYTES];
        let mut is_hanging_up = false;
        while let Next::Wait(until) = self.drain().await? {
            let Some(connection) = &mut self.connection else {
                return Err(self.error(ErrorKind::Retry, "has no connection"));
            };
            let input = tokio::select! {
                read = connection.read(&mut from_camera) => match read {
                    Ok(0) => Input::Closed,
                    Ok(count) => Input::Received(&from_camera[..count]),
                    Err(error) if is_end(&error) => Input::Closed,
                    Err(error) => return Err(self.error(ErrorKind::Retry, format!("can no longer be read: {error}"))),
                },
                Datagram { number: socket, channel, from, bytes } = self.sockets.receive() => {
                    Input::Datagram { socket, channel, from, bytes }
                },
                () = sleep_until(until.into()) => Input::Timeout,
                () = hang_up.cancelled(), if !is_hanging_up => {
                    is_hanging_up = true;
                    Input::Stop
                },
            };
            self.session.handle_input(Instant::now(), input).map_err(from_client)?;
        }
        Ok(())
    }

    /// Does what the session wants until it has to wait.
    async fn drain(&mut self) -> Result<Next, DialError> {
        loop {
            match self.session.poll_output() {
                Output::Wait(until) => return Ok(Next::Wait(until)),
                Output::Connect { host, port, tls } => self.connect(&host, port, tls).await?,
                Output::Send(bytes) => self.send(&bytes).await?,
                Output::BindUdp { socket } => self.bind(socket)?,
                Output::SendDatagram { socket, channel, to, bytes } => {
                    self.sockets.send(socket, channel, to, &bytes);
                }
                Output::Event(Event::Playing(playing)) => self.attach(playing),
                Output::Event(Event::Frame(frame)) => self.publish(frame)?,
                // It plays.
                Output::Event(Event::Recording { .. }) => {}
                Output::Event(Event::Note(note)) => info!(target: "rtsp", "{}: {note}", self.stream),
                Output::Event(Event::Ended(_)) => return Ok(Next::Over),
            }
        }
    }

    async fn connect(&mut self, host: &str, port: u16, tls: client::Tls) -> Result<(), DialError> {
        (self.connection, self.sockets) = (None, Sockets::default());
        let connecting = connect(host, port, protection(tls), &mut self.route);
        let Ok(connected) = timeout(DIAL_CONNECT_WAIT, connecting).await else {
            let seconds = DIAL_CONNECT_WAIT.as_secs();
            return Err(
                self.error(ErrorKind::Retry, format!("does not answer: no connection within {seconds} s"))
            );
        };
        let connection = connected.map_err(|(kind, text)| self.error(kind, text))?;
        let peer = connection.peer();
        self.connection = Some(connection);
        self.session.handle_input(Instant::now(), Input::Connected { peer }).map_err(from_client)
    }

    async fn send(&mut self, bytes: &Bytes) -> Result<(), DialError> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        match timeout(DIAL_WRITE_WAIT, connection.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            // What the camera said before it closed may still be to be read, and says more.
            Ok(Err(error)) if is_end(&error) => Ok(()),
            Ok(Err(error)) => {
                Err(self.error(ErrorKind::Retry, format!("can no longer be written to: {error}")))
            }
            Err(_) => Err(self.error(ErrorKind::Retry, "takes no bytes any more")),
        }
    }

    fn bind(&mut self, socket: usize) -> Result<(), DialError> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let bound = self.sockets.bind(socket, connection.local().ip());
        let ports = bound.map_err(|error| {
            self.error(ErrorKind::Retry, format!("cannot send to us by UDP: no two free ports here: {error}"))
        })?;
        self.session.handle_input(Instant::now(), Input::UdpBound { socket, ports }).map_err(from_client)
    }

    fn attach(&mut self, playing: Playing) {
        let Some(attach) = self.attach.take() else { return };
        let Playing { tracks, passed_over, server, protocol, peer, url } = playing;
        if !passed_over.is_empty() {
            let names = passed_over.join(", ");
            debug!(target: "rtsp", "{}: {} also offers what is not taken: {names}", self.stream, self.peer_name);
        }
        let label = Label { protocol, remote: peer.to_string(), user_agent: server, url: Some(url) };
        let codecs = tracks.into_iter().map(|Track { codec, .. }| codec).collect();
        self.producer = Some(attach.tracks(label, codecs));
    }

    fn publish(&mut self, mut frame: Frame) -> Result<(), DialError> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        // The session numbers its tracks, the stream has ids of its own; tracks it has no room for have none.
        let Some(track) = producer.track(usize::from(frame.track.0)) else { return Ok(()) };
        frame.track = track;
        let replaced = producer.publish(frame);
        replaced.map_err(|error| self.error(ErrorKind::Retry, format!("is not needed any more: {error}")))
    }

    /// Tells the camera that a failed session is over, if that can be done at once.
    async fn say_farewell(&mut self) {
        if let (Some(bytes), Some(connection)) = (self.session.farewell(), &mut self.connection) {
            let _ = timeout(DIAL_FAREWELL_WAIT, connection.write_all(&bytes)).await;
        }
    }

    fn error(&self, kind: ErrorKind, text: impl std::fmt::Display) -> DialError {
        DialError::new(kind, format!("{} {text}", self.peer_name))
    }
}

fn protection(tls: client::Tls) -> Tls {
    match tls {
        client::Tls::None => Tls::None,
        client::Tls::Checked => Tls::Checked,
        client::Tls::Unchecked => Tls::Unchecked,
    }
}

fn from_client(error: client::Error) -> DialError {
    let kind = match error.kind {
        client::ErrorKind::Retry => ErrorKind::Retry,
        client::ErrorKind::Unauthorized => ErrorKind::Unauthorized,
        client::ErrorKind::NotFound => ErrorKind::NotFound,
        client::ErrorKind::Unsupported => ErrorKind::Unsupported,
        client::ErrorKind::PeerViolation => ErrorKind::PeerViolation,
        client::ErrorKind::LimitExceeded => ErrorKind::LimitExceeded,
    };
    DialError::new(kind, error.text)
}
