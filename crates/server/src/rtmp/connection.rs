//! One RTMP connection: the task that moves bytes and frames between its socket, its session and the streams.

use super::fanout;
use super::listen::Shared;
use super::open;
use crate::limits::{RTMP_CLOSE_WAIT, RTMP_READ_BYTES, RTMP_TCP_KEEPALIVE, RTMP_UNSENT_BYTES};
use crate::rtsp::Outbox;
use crate::sockets;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::Ready;
use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tracing::{debug, info};
use yeoul_hub::{Consumer, Delivery, Event, Label, Producer, Stream};
use yeoul_media::{Codec, Frame};
use yeoul_rtmp::Purpose;
use yeoul_rtmp::server::{Input, Output, Refusal, RefusalKind, Request, ServerSession};

/// One RTMP connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    socket: TcpStream,
    peer: SocketAddr,
    session: ServerSession,
    outbox: Outbox,
    /// A stream that is being opened.
    opening: Option<Opening>,
    viewing: Option<Viewing>,
    /// The stream that is published to, and the producer once its tracks are known.
    publishing: Option<(Arc<Stream>, Option<Producer>)>,
    wait: Instant,
    /// Once the session wants the connection closed: when it is cut off.
    closing: Option<Instant>,
}

type Opening = Pin<Box<dyn Future<Output = Result<Consumer, Refusal>> + Send>>;

/// The stream that a player has opened.
struct Viewing {
    consumer: Consumer,
    fanout: fanout::Shared,
    has_started: bool,
    is_paused: bool,
}

/// What wakes the task.
enum Happening {
    Socket(io::Result<Ready>),
    Event(Event),
    Opened(Result<Consumer, Refusal>),
    Timeout,
    Shutdown,
}

/// Why the connection is over, for the log.
type Ended = String;

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, socket: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let now = Instant::now();
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        sockets::prepare(&socket, RTMP_TCP_KEEPALIVE, RTMP_UNSENT_BYTES)?;
        let refusal = match &shared.app.config.rtmp.account {
            Some(_) => None,
            None => shared.app.access.permits(peer).err().map(|refusal| refusal.to_string()),
        };
        Ok(Self {
            shared,
            socket,
            peer,
            session: ServerSession::new(now, refusal, super::seed()),
            outbox: Outbox::default(),
            opening: None,
            viewing: None,
            publishing: None,
            wait: now,
            closing: None,
        })
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        debug!(target: "rtmp", "{}: connected", self.peer);
        let ended = self.serve().await;
        // The stream's sources are let go at once; last words may take a moment.
        (self.opening, self.viewing, self.publishing) = (None, None, None);
        sockets::say_last_words(&self.socket, RTMP_CLOSE_WAIT).await;
        debug!(target: "rtmp", "{}: {ended}", self.peer);
    }

    async fn serve(&mut self) -> Ended {
        let shutdown = self.shared.app.shutdown.clone().cancelled_owned();
        let timer = sleep_until(Instant::now().into());
        tokio::pin!(shutdown, timer);
        loop {
            let now = Instant::now();
            if let Err(ended) = self.work(now) {
                return ended;
            }
            let wake_at = self.wake_at().into();
            if timer.deadline() != wake_at {
                timer.as_mut().reset(wake_at);
            }
            let interest = self.outbox.interest();
            let may_fetch = self.outbox.is_empty();
            let happening = tokio::select! {
                event = next_event(&mut self.viewing, may_fetch) => Happening::Event(event),
                ready = self.socket.ready(interest) => Happening::Socket(ready),
                opened = opened(&mut self.opening) => Happening::Opened(opened),
                () = &mut timer => Happening::Timeout,
                () = &mut shutdown => Happening::Shutdown,
            };
            if let Err(ended) = self.happened(happening) {
                return ended;
            }
        }
    }

    /// Does what the session wants done and sends what can be sent.
    fn work(&mut self, now: Instant) -> Result<(), Ended> {
        self.drain(now);
        self.outbox.write(now, &self.socket).map_err(|error| error.to_string())?;
        if self.closing.is_some() && self.outbox.is_empty() {
            return Err("closed".to_owned());
        }
        if [self.outbox.gives_up_at(), self.closing].into_iter().flatten().any(|at| now >= at) {
            return Err("the client has taken nothing for too long".to_owned());
        }
        Ok(())
    }

    fn wake_at(&self) -> Instant {
        [self.outbox.gives_up_at(), self.closing].into_iter().flatten().fold(self.wait, Instant::min)
    }

    fn happened(&mut self, happening: Happening) -> Result<(), Ended> {
        let now = Instant::now();
        match happening {
            Happening::Socket(ready) => {
                if ready.map_err(|error| error.to_string())?.is_readable() {
                    self.read(now)?;
                }
            }
            Happening::Event(event) => self.frames(now, event),
            Happening::Opened(answer) => {
                self.opening = None;
                if let Err(refusal) = answer.and_then(|consumer| self.view(consumer)) {
                    self.tell(now, Input::Playing(Err(refusal)));
                }
            }
            Happening::Timeout => {
                if now >= self.wait {
                    self.tell(now, Input::Timeout);
                }
            }
            Happening::Shutdown => {
                self.tell(now, Input::End("the server is ending".to_owned()));
                self.drain(now);
                let _ = self.outbox.write(now, &self.socket);
                return Err("the server is ending".to_owned());
            }
        }
        Ok(())
    }

    fn read(&mut self, now: Instant) -> Result<(), Ended> {
        let mut buffer = [0; 16 << 10];
        for _ in 0..RTMP_READ_BYTES / buffer.len() {
            match self.socket.try_read(&mut buffer) {
                Ok(0) => return Err("the client has closed the connection".to_owned()),
                Ok(count) => {
                    self.tell(now, Input::Received(buffer.get(..count).unwrap_or_default()));
                    self.drain(now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
            if !self.outbox.has_room() || self.closing.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn tell(&mut self, now: Instant, input: Input<'_>) {
        if let Err(error) = self.session.handle_input(now, input) {
            info!(target: "rtmp", "{}: closing: {error}", self.peer);
        }
    }

    /// Does what the session wants done.
    fn drain(&mut self, now: Instant) {
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => self.outbox.push(bytes),
                Output::Play(request) => self.open(now, request),
                Output::Pause(is_paused) => {
                    if let Some(viewing) = &mut self.viewing {
                        viewing.is_paused = is_paused;
                        if !is_paused {
                            viewing.consumer.restart();
                        }
                    }
                }
                Output::Publish(request) => {
                    let answer = open::find(&self.shared.app, &request);
                    let answer = answer.map(|stream| self.publishing = Some((stream, None)));
                    self.tell(now, Input::Accepted(answer));
                }
                Output::Tracks(codecs) => self.tracks(codecs),
                Output::Frame(frame) => self.publish(now, frame),
                Output::Note(note) => info!(target: "rtmp", "{}: {note}", self.peer),
                Output::Stop => self.stop(),
                Output::Wait(at) => {
                    self.wait = at;
                    return;
                }
                Output::Close => {
                    self.closing.get_or_insert(now + RTMP_CLOSE_WAIT);
                    return;
                }
            }
        }
    }

    fn label(&self, url: Option<String>) -> Label {
        Label {
            protocol: "rtmp".to_owned(),
            remote: self.peer.to_string(),
            user_agent: self.session.user_agent().map(str::to_owned),
            url: url.map(|url| self.shared.app.masker.mask(&url)),
        }
    }

    fn open(&mut self, now: Instant, request: Request) {
        match open::find(&self.shared.app, &request) {
            Ok(stream) => {
                let label = self.label(Some(stream.name().to_owned()));
                let app = Arc::clone(&self.shared.app);
                self.opening = Some(Box::pin(open::open(app, stream, request.query, label)));
            }
            Err(refusal) => self.tell(now, Input::Playing(Err(refusal))),
        }
    }

    fn view(&mut self, consumer: Consumer) -> Result<(), Refusal> {
        let fanout = self
            .shared
            .fanouts
            .get(&consumer)
            .map_err(|error| Refusal { kind: RefusalKind::Unavailable, sentence: error.to_string() })?;
        self.viewing = Some(Viewing { consumer, fanout, has_started: false, is_paused: false });
        Ok(())
    }

    /// The publisher's tracks are known, or others than before.
    fn tracks(&mut self, codecs: Vec<Codec>) {
        let label = self.label(None);
        if let Some((stream, producer)) = &mut self.publishing {
            info!(target: "rtmp", "{}: published by {}: {codecs:?}", stream.name(), self.peer);
            *producer = Some(stream.publish(label, codecs));
        }
    }

    fn publish(&mut self, now: Instant, mut frame: Frame) {
        let Some((_, Some(producer))) = &mut self.publishing else { return };
        let Some(id) = producer.track(usize::from(frame.track.0)) else { return };
        frame.track = id;
        if let Err(replaced) = producer.publish(frame) {
            self.publishing = None;
            self.tell(now, Input::End(replaced.to_string()));
        }
    }

    fn stop(&mut self) {
        if let Some(viewing) = &self.viewing {
            let (name, skipped) = (viewing.consumer.stream().name(), viewing.consumer.skipped());
            debug!(target: "rtmp", "{name}: {} has left, {skipped} frames skipped", self.peer);
        }
        (self.opening, self.viewing, self.publishing) = (None, None, None);
    }

    /// Sends this event's frame, and those behind it, as far as there is room.
    fn frames(&mut self, now: Instant, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next {
            self.event(now, event);
            self.drain(now);
            let has_room = self.outbox.has_room();
            let viewing = self.viewing.as_mut().filter(|viewing| has_room && !viewing.is_paused);
            next = viewing.and_then(|viewing| viewing.consumer.try_next());
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        let Some(viewing) = &mut self.viewing else { return };
        match event {
            Event::Frame(delivery) => self.frame(now, &delivery),
            Event::Skipped { frames } => {
                let name = viewing.consumer.stream().name();
                debug!(target: "rtmp", "{name}: {} is too slow, {frames} frames skipped", self.peer);
            }
            Event::TracksChanged => {
                self.tell(now, Input::End("the camera came back with other tracks".to_owned()));
            }
            Event::Ended => self.tell(now, Input::End("the stream has ended".to_owned())),
        }
    }

    fn frame(&mut self, now: Instant, delivery: &Delivery) {
        let Some(viewing) = &mut self.viewing else { return };
        let frame = &delivery.frame;
        let mut fanout = fanout::lock(&viewing.fanout);
        let start = if viewing.has_started {
            None
        } else {
            viewing.has_started = true;
            let start = fanout.start(viewing.consumer.tracks(), frame, Purpose::Play);
            Some(
                start
                    .map_err(|error| Refusal { kind: RefusalKind::Unavailable, sentence: error.to_string() }),
            )
        };
        let block = fanout.block(delivery.index, frame);
        // This player alone has missed the change: the block was made for those who have not.
        let config = match (&frame.new_codec, &block) {
            (Some(codec), Some(block)) if !block.has_config => Some(fanout.config(codec, frame)),
            (Some(_) | None, _) => None,
        };
        drop(fanout);
        if let Some(start) = start {
            self.tell(now, Input::Playing(start));
        }
        if let Some(config) = config {
            self.tell(now, Input::Media(&config));
        }
        if let Some(block) = block {
            self.tell(now, Input::Media(&block.bytes));
        }
    }
}

async fn next_event(viewing: &mut Option<Viewing>, may_fetch: bool) -> Event {
    match viewing {
        Some(viewing) if may_fetch && !viewing.is_paused => viewing.consumer.next().await,
        Some(_) | None => pending().await,
    }
}

async fn opened(opening: &mut Option<Opening>) -> Result<Consumer, Refusal> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}
