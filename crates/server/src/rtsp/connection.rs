//! One RTSP connection: what moves bytes and frames between its sockets, its session and the streams. Nothing in here waits:
//! [`super::serve`] does, and [`super::feed`] brings the frames.

use super::desk::Reading;
use super::feed::Feeds;
use super::listen::Shared;
use super::open;
use super::outbox::{Paced, Stream as Outbox};
use super::serve::Happening;
use super::udp::{Datagram, Registration};
use super::viewing::Viewing;
use crate::limits::{
    RTSP_CLOSE_WAIT, RTSP_READ_BYTES, RTSP_TCP_KEEPALIVE, RTSP_TURN_FRAMES, RTSP_UNSENT_BYTES,
};
use crate::sockets;
use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, info};
use yeoul_hub::{Consumer, Event, Label, Producer};
use yeoul_media::Frame;
use yeoul_rtsp::message::StatusCode;
use yeoul_rtsp::server::{Input, Output, Refusal, ServerSession};

/// One RTSP connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    feeds: Rc<Feeds>,
    /// Itself, for the feeds.
    me: Weak<RefCell<Self>>,
    socket: Rc<TcpStream>,
    peer: SocketAddr,
    session: ServerSession,
    outbox: Outbox,
    paced: Option<Paced>,
    local: IpAddr,
    /// A stream that is being opened.
    opening: Option<Opening>,
    viewing: Option<Viewing>,
    producer: Option<Producer>,
    /// Where that is a source of ours: tells its driver when it has gone.
    source: Option<DropGuard>,
    registration: Option<Registration>,
    wait: Instant,
    /// What its task waits for …
    watched: Watched,
    /// … and how it is woken otherwise.
    nudge: Rc<Notify>,
    /// Once the session wants the connection closed: when it is cut off.
    closing: Option<Instant>,
}

type Opening = Pin<Box<dyn Future<Output = Result<Consumer, Refusal>>>>;

/// Why the connection is over, for the log.
pub(super) type Ended = String;

/// What the task of a connection waits for beside its client's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) interest: Interest,
    pub(super) until: Instant,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Connection {
    /// Call it inside the worker's runtime.
    pub(super) fn new(
        shared: Arc<Shared>,
        feeds: Rc<Feeds>,
        socket: std::net::TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Rc<RefCell<Self>>> {
        let now = Instant::now();
        let socket = TcpStream::from_std(socket)?;
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let local = socket.local_addr()?.ip().to_canonical();
        sockets::prepare(&socket, RTSP_TCP_KEEPALIVE, RTSP_UNSENT_BYTES)?;
        let refusal = match &shared.options.account {
            Some(_) => None,
            None => shared.app.access.permits(peer).err().map(|refusal| refusal.to_string()),
        };
        let session =
            ServerSession::new(now, Arc::clone(&shared.options), local, refusal, crate::random::bytes());
        Ok(Rc::new_cyclic(|me| {
            RefCell::new(Self {
                shared,
                feeds,
                me: Weak::clone(me),
                socket: Rc::new(socket),
                peer,
                session,
                outbox: Outbox::default(),
                paced: None,
                local,
                opening: None,
                viewing: None,
                producer: None,
                source: None,
                registration: None,
                wait: now,
                watched: Watched { interest: Interest::READABLE, until: now },
                nudge: Rc::new(Notify::new()),
                closing: None,
            })
        }))
    }

    pub(super) fn socket(&self) -> &Rc<TcpStream> {
        &self.socket
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn shutdown(&self) -> CancellationToken {
        self.shared.app.shutdown.clone()
    }

    /// What wakes its task when a frame left something to do.
    pub(super) fn nudge(&self) -> Rc<Notify> {
        Rc::clone(&self.nudge)
    }

    /// The stream that it plays has something new.
    pub(super) fn news(this: &RefCell<Self>, now: Instant) {
        let mut this = this.borrow_mut();
        let is_over = this.work(now).is_err();
        // Mostly there is nothing else to wait for than before, also where the player takes nothing: the task sleeps on.
        let Watched { interest, until } = this.watched;
        if is_over || this.outbox.interest() != interest || this.wake_at() < until {
            this.nudge.notify_one();
        }
    }

    /// Does everything that can be done now: what the session wants, frames as far as there is room, sending.
    pub(super) fn work(&mut self, now: Instant) -> Result<(), Ended> {
        for turn in 0.. {
            self.drain(now);
            self.outbox.write(now, &self.socket).map_err(|error| error.to_string())?;
            if let Some(paced) = &mut self.paced {
                paced.send(now);
            }
            if turn == RTSP_TURN_FRAMES {
                // It has a backlog: the others first.
                self.nudge.notify_one();
                break;
            }
            let has_room = self.outbox.is_empty() && self.paced.as_ref().is_none_or(Paced::is_empty);
            let viewing = self.viewing.as_mut().filter(|_| has_room);
            let Some(event) = viewing.and_then(Viewing::next) else { break };
            self.event(now, event);
        }
        if self.closing.is_some() && self.outbox.is_empty() {
            return Err("closed".to_owned());
        }
        if [self.outbox.gives_up_at(), self.closing].into_iter().flatten().any(|at| now >= at) {
            return Err("the client has taken nothing for too long".to_owned());
        }
        Ok(())
    }

    /// What its task has to wait for now.
    pub(super) fn watch(&mut self) -> Watched {
        self.watched = Watched { interest: self.outbox.interest(), until: self.wake_at() };
        self.watched
    }

    fn wake_at(&self) -> Instant {
        let paced = self.paced.as_ref().and_then(Paced::next_timeout);
        [self.outbox.gives_up_at(), paced, self.closing].into_iter().flatten().fold(self.wait, Instant::min)
    }

    /// The stream that was asked for.
    pub(super) fn poll_opened(&mut self, cx: &mut Context<'_>) -> Poll<Result<Consumer, Refusal>> {
        self.opening.as_mut().map_or(Poll::Pending, |opening| opening.as_mut().poll(cx))
    }

    /// A datagram of its client.
    pub(super) fn poll_datagram(&mut self, cx: &mut Context<'_>) -> Poll<Datagram> {
        let Some(registration) = &mut self.registration else { return Poll::Pending };
        match registration.datagrams.poll_recv(cx) {
            Poll::Ready(Some(datagram)) => Poll::Ready(datagram),
            // The registration holds a sender itself.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn happened(&mut self, happening: Happening) -> Result<(), Ended> {
        let now = Instant::now();
        match happening {
            Happening::Socket(ready) => {
                if ready.map_err(|error| error.to_string())?.is_readable() {
                    self.read(now)?;
                }
            }
            Happening::Opened(answer) => {
                self.opening = None;
                let answer = answer.map(|consumer| {
                    let tracks = consumer.tracks().to_vec();
                    self.viewing = Some(Viewing::new(consumer));
                    tracks
                });
                self.tell(now, Input::Opened(answer));
            }
            Happening::Datagram(Datagram { port, from, bytes }) => {
                self.tell(now, Input::Datagram { port, from, bytes: &bytes });
            }
            Happening::Look => {
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
        for _ in 0..RTSP_READ_BYTES / buffer.len() {
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
            info!(target: "rtsp", "{}: closing: {error}", self.peer);
        }
    }

    /// Does what the session wants done.
    fn drain(&mut self, now: Instant) {
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => self.outbox.push(bytes),
                Output::Datagrams { port, to, datagrams } => {
                    if let Some(paced) = &mut self.paced {
                        paced.push(port, to, datagrams);
                    }
                }
                Output::Open { name, query } => {
                    self.viewing = None;
                    let app = Arc::clone(&self.shared.app);
                    let mut label = self.label("rtsp", Some(format!("{name}?{query}")));
                    let ticket = self.shared.app.desk.reading(&name).filter(|_| self.is_from_here());
                    let reading = match ticket {
                        Some(reading) => {
                            // The address is nobody else's business.
                            label.url = Some(format!("{}?{}", reading.stream, reading.query));
                            reading
                        }
                        None => Reading { stream: name, query, except: None },
                    };
                    self.opening = Some(Box::pin(open::open(app, reading, label)));
                }
                Output::Play => self.play(now),
                Output::Pause => {
                    if let Some(viewing) = &mut self.viewing {
                        viewing.pause();
                    }
                }
                Output::Announce { name } => {
                    let ticket = self.is_from_here() && self.shared.app.desk.expects(&name);
                    let answer = if ticket { Ok(()) } else { open::find(&self.shared.app, &name).map(drop) };
                    self.tell(now, Input::Accepted(answer));
                }
                Output::Record { name, codecs } => {
                    self.use_udp(now);
                    let protocol = if self.registration.is_some() { "rtsp+udp" } else { "rtsp+tcp" };
                    let label = self.label(protocol, None);
                    let desk = Arc::clone(&self.shared.app.desk);
                    let ticket = self.is_from_here().then(|| desk.take(&name)).flatten();
                    if let Some(publishing) = ticket {
                        self.producer = Some(publishing.attach.tracks(label, codecs));
                        self.source = Some(publishing.ended.drop_guard());
                        self.tell(now, Input::Accepted(Ok(())));
                        continue;
                    }
                    let answer = open::find(&self.shared.app, &name).map(|stream| {
                        info!(target: "rtsp", "{name}: published by {}: {codecs:?}", self.peer);
                        self.producer = Some(stream.publish(label, codecs));
                    });
                    self.tell(now, Input::Accepted(answer));
                }
                Output::Frame(frame) => self.publish(now, frame),
                Output::Note(note) => info!(target: "rtsp", "{}: {note}", self.peer),
                Output::Stop => self.stop(),
                Output::Wait(at) => {
                    self.wait = at;
                    return;
                }
                Output::Close => {
                    self.closing.get_or_insert(now + RTSP_CLOSE_WAIT);
                    return;
                }
            }
        }
    }

    /// Whether the peer is a program of this machine.
    fn is_from_here(&self) -> bool {
        self.peer.ip().is_loopback() || self.peer.ip() == self.local
    }

    fn label(&self, protocol: &str, url: Option<String>) -> Label {
        Label {
            protocol: protocol.to_owned(),
            remote: self.peer.to_string(),
            user_agent: self.session.user_agent().map(str::to_owned),
            url: url.map(|url| self.shared.app.masker.mask(&url)),
        }
    }

    /// Exchanges datagrams with the client's ports, if it has set some up.
    fn use_udp(&mut self, now: Instant) {
        let Some(pair) = &self.shared.udp else { return };
        let mut ports = self.session.udp_ports().peekable();
        if ports.peek().is_some() {
            self.registration = Some(pair.register(self.peer.ip(), ports));
            self.paced = Some(Paced::new(now, Arc::clone(pair), self.local, self.peer.ip()));
        }
    }

    fn play(&mut self, now: Instant) {
        self.use_udp(now);
        let started = self.viewing.as_mut().map(|viewing| {
            let subscription = self.feeds.subscribe(viewing.consumer.stream(), &self.me);
            viewing.start(&self.shared, now, subscription)
        });
        let (answer, first) = match started {
            Some(Ok((start, first))) => (Ok(start), first),
            Some(Err(sentence)) => (Err(Refusal::new(StatusCode::ServiceUnavailable, sentence)), Vec::new()),
            None => {
                (Err(Refusal::new(StatusCode::MethodNotValidInThisState, "nothing was opened")), Vec::new())
            }
        };
        self.tell(now, Input::Playing(answer));
        for block in first {
            self.tell(now, Input::Media(&block));
        }
    }

    fn publish(&mut self, now: Instant, mut frame: Frame) {
        let Some(producer) = &mut self.producer else { return };
        let Some(id) = producer.track(usize::from(frame.track.0)) else { return };
        frame.track = id;
        if let Err(replaced) = producer.publish(frame) {
            (self.producer, self.source) = (None, None);
            self.tell(now, Input::End(replaced.to_string()));
        }
    }

    fn stop(&mut self) {
        if let Some(viewing) = &self.viewing {
            let (reception, skipped) = (self.session.reception(), viewing.consumer.skipped());
            let name = viewing.consumer.stream().name();
            debug!(target: "rtsp", "{name}: {} has left, {skipped} frames skipped, {reception:?}", self.peer);
        }
        (self.opening, self.viewing, self.producer, self.registration) = (None, None, None, None);
        self.source = None;
    }

    fn event(&mut self, now: Instant, event: Event) {
        let Some(viewing) = &mut self.viewing else { return };
        match event {
            Event::Frame(delivery) => match viewing.block(now, &delivery) {
                Ok(Some(block)) => self.tell(now, Input::Media(&block)),
                Ok(None) => {}
                Err(sentence) => self.tell(now, Input::End(sentence)),
            },
            Event::Skipped { frames } => {
                let name = viewing.consumer.stream().name();
                debug!(target: "rtsp", "{name}: {} is too slow, {frames} frames skipped", self.peer);
            }
            Event::TracksChanged => {
                self.tell(now, Input::End("the camera came back with other tracks".to_owned()));
            }
            Event::Ended => self.tell(now, Input::End("the stream has ended".to_owned())),
        }
    }
}
