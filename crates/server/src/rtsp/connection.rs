//! One RTSP connection: the task that moves bytes and frames between its sockets, its session and the streams.

use super::desk::Reading;
use super::fanout;
use super::listen::Shared;
use super::open;
use super::outbox::{Paced, Stream as Outbox};
use super::udp::{Datagram, Registration};
use crate::limits::{
    RTSP_CLOSE_WAIT, RTSP_FIRST_FRAMES, RTSP_READ_BYTES, RTSP_TCP_KEEPALIVE, RTSP_UNSENT_BYTES,
};
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest, Ready};
use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tokio_util::sync::DropGuard;
use tracing::{debug, info};
use yeoul_hub::{Consumer, Delivery, Event, Label, Producer};
use yeoul_media::{Frame, Kind};
use yeoul_rtsp::message::StatusCode;
use yeoul_rtsp::server::{Block, Clock, Input, Output, Refusal, ServerSession, Start};

/// One RTSP connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    socket: TcpStream,
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
    /// Once the session wants the connection closed: when it is cut off.
    closing: Option<Instant>,
}

type Opening = Pin<Box<dyn Future<Output = Result<Consumer, Refusal>> + Send>>;

/// The stream that a player has opened.
struct Viewing {
    consumer: Consumer,
    /// While it plays.
    fanout: Option<fanout::Shared>,
    /// Video is passed over up to a keyframe that has sequence numbers.
    resync: bool,
}

/// What wakes the task.
enum Happening {
    Socket(io::Result<Ready>),
    Event(Event),
    Opened(Result<Consumer, Refusal>),
    Datagram(Datagram),
    Timeout,
    Shutdown,
}

/// Why the connection is over, for the log.
type Ended = String;

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, socket: TcpStream, peer: SocketAddr) -> io::Result<Self> {
        let now = Instant::now();
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let local = socket.local_addr()?.ip().to_canonical();
        socket.set_nodelay(true)?;
        let options = socket2::SockRef::from(&socket);
        let keepalive =
            socket2::TcpKeepalive::new().with_time(RTSP_TCP_KEEPALIVE).with_interval(RTSP_TCP_KEEPALIVE);
        options.set_tcp_keepalive(&keepalive)?;
        // Without it a slow player is only late; where the system does not know it, late it is.
        let _ = options.set_tcp_notsent_lowat(RTSP_UNSENT_BYTES);
        let refusal = match &shared.options.account {
            Some(_) => None,
            None => shared.app.access.permits(peer).err().map(|refusal| refusal.to_string()),
        };
        let session = ServerSession::new(now, Arc::clone(&shared.options), local, refusal, super::random());
        Ok(Self {
            shared,
            socket,
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
            closing: None,
        })
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        debug!(target: "rtsp", "{}: connected", self.peer);
        let ended = self.serve().await;
        // The stream's sources are let go at once; last words may take a moment.
        (self.opening, self.viewing, self.producer, self.registration) = (None, None, None, None);
        self.source = None;
        self.say_last_words().await;
        debug!(target: "rtsp", "{}: {ended}", self.peer);
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
            let interest = match (self.outbox.has_room(), self.outbox.is_empty()) {
                (true, true) => Interest::READABLE,
                (true, false) => Interest::READABLE | Interest::WRITABLE,
                // Who does not read our answers need not ask more.
                (false, _) => Interest::WRITABLE,
            };
            let may_fetch = self.may_fetch();
            let happening = tokio::select! {
                event = next_event(&mut self.viewing, may_fetch) => Happening::Event(event),
                ready = self.socket.ready(interest) => Happening::Socket(ready),
                opened = opened(&mut self.opening) => Happening::Opened(opened),
                datagram = received(&mut self.registration) => Happening::Datagram(datagram),
                () = &mut timer => Happening::Timeout,
                () = &mut shutdown => Happening::Shutdown,
            };
            match self.happened(happening) {
                Ok(()) => {}
                Err(ended) => return ended,
            }
        }
    }

    /// Does what the session wants done and sends what can be sent.
    fn work(&mut self, now: Instant) -> Result<(), Ended> {
        self.drain(now);
        self.outbox.write(now, &self.socket).map_err(|error| error.to_string())?;
        if let Some(paced) = &mut self.paced {
            paced.send(now);
        }
        if self.closing.is_some() && self.outbox.is_empty() {
            return Err("closed".to_owned());
        }
        if [self.outbox.gives_up_at(), self.closing].into_iter().flatten().any(|at| now >= at) {
            return Err("the client has taken nothing for too long".to_owned());
        }
        Ok(())
    }

    fn wake_at(&self) -> Instant {
        let paced = self.paced.as_ref().and_then(Paced::next_timeout);
        [self.outbox.gives_up_at(), paced, self.closing].into_iter().flatten().fold(self.wait, Instant::min)
    }

    /// Whether there is room for the next frame.
    fn may_fetch(&self) -> bool {
        self.outbox.is_empty() && self.paced.as_ref().is_none_or(Paced::is_empty)
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
                let answer = answer.map(|consumer| {
                    let tracks = consumer.tracks().to_vec();
                    self.viewing = Some(Viewing { consumer, fanout: None, resync: false });
                    tracks
                });
                self.tell(now, Input::Opened(answer));
            }
            Happening::Datagram(Datagram { port, from, bytes }) => {
                self.tell(now, Input::Datagram { port, from, bytes: &bytes });
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
                        viewing.fanout = None;
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
        let (answer, first) = match self.viewing.as_mut().map(|viewing| viewing.start(&self.shared, now)) {
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

    /// Sends this event's frame, and those behind it, as far as there is room.
    fn frames(&mut self, now: Instant, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next {
            self.event(now, event);
            self.drain(now);
            let has_room = self.outbox.has_room() && self.paced.as_ref().is_none_or(Paced::is_empty);
            let viewing = self.viewing.as_mut().filter(|viewing| has_room && viewing.fanout.is_some());
            next = viewing.and_then(|viewing| viewing.consumer.try_next());
        }
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

    /// Lets the client read our last answer: closing at once, with something of its still unread, would destroy it.
    async fn say_last_words(&mut self) {
        let farewell = async {
            if self.socket.shutdown().await.is_ok() {
                let mut ignored = [0; 1024];
                while self.socket.read(&mut ignored).await.is_ok_and(|count| count > 0) {}
            }
        };
        let _ = tokio::time::timeout(RTSP_CLOSE_WAIT, farewell).await;
    }
}

impl Viewing {
    /// Goes to a place where a picture begins: where the player's packets start, and the first of them.
    fn start(&mut self, shared: &Shared, now: Instant) -> Result<(Start, Vec<Arc<Block>>), String> {
        self.consumer.restart();
        self.resync = false;
        let mut deliveries: Vec<Delivery> = Vec::new();
        let sees_all = |seen: &[Delivery], consumer: &Consumer| {
            consumer.tracks().iter().all(|track| seen.iter().any(|delivery| delivery.frame.track == track.id))
        };
        while deliveries.len() < RTSP_FIRST_FRAMES && !sees_all(&deliveries, &self.consumer) {
            match self.consumer.try_next() {
                Some(Event::Frame(delivery)) => deliveries.push(delivery),
                Some(Event::Skipped { .. }) => {}
                Some(Event::TracksChanged) => return Err("the camera came back with other tracks".to_owned()),
                Some(Event::Ended) => return Err("the stream has ended".to_owned()),
                None => break,
            }
        }
        let shared = shared.fanouts.get(&self.consumer, deliveries.first().map(|delivery| delivery.index));
        self.fanout = Some(Arc::clone(&shared));
        let mut first = Vec::new();
        for delivery in &deliveries {
            first.extend(self.block(now, delivery)?);
        }
        let start = fanout::lock(&shared).start(&first, self.consumer.stream().time_at(now));
        Ok((start, first))
    }

    /// The packets of a frame, or a sentence why there will be none any more.
    fn block(&mut self, now: Instant, delivery: &Delivery) -> Result<Option<Arc<Block>>, String> {
        let Some(fanout) = &self.fanout else { return Ok(None) };
        let clock = Clock { now, wall: SystemTime::now() };
        let frame = &delivery.frame;
        let block =
            fanout::lock(fanout).block(delivery.index, frame, clock).map_err(|error| error.to_string())?;
        let is_video =
            self.consumer.tracks().iter().any(|track| track.id == frame.track && track.kind() == Kind::Video);
        if is_video {
            self.resync = if block.is_none() { true } else { self.resync && !frame.keyframe };
        }
        Ok(block.filter(|_| !(is_video && self.resync)))
    }
}

async fn next_event(viewing: &mut Option<Viewing>, may_fetch: bool) -> Event {
    match viewing {
        Some(viewing) if may_fetch && viewing.fanout.is_some() => viewing.consumer.next().await,
        Some(_) | None => pending().await,
    }
}

async fn opened(opening: &mut Option<Opening>) -> Result<Consumer, Refusal> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

async fn received(registration: &mut Option<Registration>) -> Datagram {
    let datagram = match registration {
        Some(registration) => registration.datagrams.recv().await,
        None => None,
    };
    match datagram {
        Some(datagram) => datagram,
        None => pending().await,
    }
}
