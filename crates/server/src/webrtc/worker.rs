//! A worker: a thread of its own that owns viewers and publishers, drives their peers, and sends and takes their media.
//!
//! Media must not wait behind HTTP requests or camera sessions, hence the own thread; what a frame costs is paid once for
//! all its viewers here, hence many viewers to a worker and not a task for each.

use super::feed::{FeedKey, Feeds};
use super::outlet::Outlet;
use super::publisher::Publisher;
use super::quality::Choice;
use super::routes::Routes;
use super::session::{Exit, Session};
use super::socket::Udp;
use super::viewer::Viewer;
use crate::app::StartError;
use crate::limits::{
    WEBRTC_CONTROL_QUEUE, WEBRTC_DATAGRAM_BATCH, WEBRTC_DATAGRAM_QUEUE, WEBRTC_NEWS_QUEUE, WEBRTC_SOURCE_WAIT,
};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use yeoul_hub::{Consumer, Joining, Stream};
use yeoul_webrtc::{Burst, Fragment, Input, Path};

/// Asks of a worker.
#[derive(Debug)]
pub(super) enum Control {
    /// A new one; its ufrag is in the routes already.
    Add(Member),
    /// Candidates, or a restart of ICE: the answer's body and the new ufrag. Nothing is replied for a viewer that is gone.
    Trickle { viewer: u64, fragment: Fragment, reply: oneshot::Sender<Option<Restart>> },
    /// What the viewer can choose from; `choose` chooses before: a quality, or what its line carries. Nothing is replied for a
    /// viewer that is gone.
    Quality { viewer: u64, choose: Option<Option<usize>>, reply: oneshot::Sender<Option<Choice>> },
    /// The viewer leaves.
    Remove { viewer: u64, reply: oneshot::Sender<()> },
    /// A TCP connection turned out to be this viewer's.
    Connected { viewer: u64, remote: SocketAddr, outlet: Outlet },
    /// The quality that a viewer asked for is there, or cannot be had.
    Joined { viewer: u64, to: usize, consumer: Option<Box<Consumer>> },
    /// It ended.
    Disconnected { viewer: u64, remote: SocketAddr },
}

/// Whom a worker owns.
#[derive(Debug)]
pub(super) enum Member {
    Viewer(Box<Viewer>),
    Publisher(Box<Publisher>),
}

impl Member {
    fn session(&mut self) -> &mut Session {
        match self {
            Self::Viewer(viewer) => &mut viewer.session,
            Self::Publisher(publisher) => &mut publisher.session,
        }
    }
}

/// An ICE session begun anew.
#[derive(Debug)]
pub(super) struct Restart {
    pub(super) fragment: String,
    pub(super) ufrag: String,
}

/// A datagram of a viewer.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) viewer: u64,
    pub(super) path: Path,
    /// When it came to this machine.
    pub(super) received_at: Instant,
    pub(super) bytes: Vec<u8>,
}

/// A handle on a worker.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    control: mpsc::Sender<Control>,
    datagrams: mpsc::Sender<Incoming>,
    viewers: Arc<AtomicUsize>,
}

impl Worker {
    /// Starts a worker's thread, which ends after `shutdown`, when its viewers have been told.
    pub(super) fn start(
        index: usize,
        routes: &Arc<Routes>,
        udp: &Arc<Udp>,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Self, StartError> {
        let failed = |error: std::io::Error| StartError(format!("cannot start a WebRTC worker: {error}"));
        let (control, controls) = mpsc::channel(WEBRTC_CONTROL_QUEUE);
        let (datagrams, incoming) = mpsc::channel(WEBRTC_DATAGRAM_QUEUE);
        let viewers = Arc::new(AtomicUsize::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let (ended, end) = oneshot::channel::<()>();
        let (news, has_news) = mpsc::channel(WEBRTC_NEWS_QUEUE);
        let state = State {
            control: control.clone(),
            udp: Arc::clone(udp),
            routes: Arc::clone(routes),
            count: Arc::clone(&viewers),
            burst: Burst::default(),
            members: HashMap::new(),
            feeds: Feeds::new(news),
            timers: BTreeSet::new(),
        };
        let shutdown = shutdown.clone();
        std::thread::Builder::new()
            .name(format!("webrtc-{index}"))
            .spawn(move || {
                runtime.block_on(state.run(controls, has_news, incoming, shutdown));
                drop(ended);
            })
            .map_err(failed)?;
        // The program waits for its tasks, and this one for the thread.
        tasks.spawn(async move { drop(end.await) });
        Ok(Self { control, datagrams, viewers })
    }

    /// How many viewers it has.
    pub(super) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// Counts a viewer that is on its way, so that many at once spread over the workers. [`State`] counts it off.
    pub(super) fn expect(&self) {
        self.viewers.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks something. False if the worker has ended.
    pub(super) async fn ask(&self, control: Control) -> bool {
        self.control.send(control).await.is_ok()
    }

    /// Hands over a datagram; where the worker is too busy it is lost, as in any network.
    pub(super) fn hand_over(&self, incoming: Incoming) {
        let _ = self.datagrams.try_send(incoming);
    }
}

/// What a worker's thread owns.
struct State {
    /// For what it asks of itself later.
    control: mpsc::Sender<Control>,
    udp: Arc<Udp>,
    routes: Arc<Routes>,
    count: Arc<AtomicUsize>,
    burst: Burst,
    members: HashMap<u64, Member>,
    feeds: Feeds,
    timers: BTreeSet<(Instant, u64)>,
}

impl State {
    async fn run(
        mut self,
        mut controls: mpsc::Receiver<Control>,
        mut news: mpsc::Receiver<FeedKey>,
        mut datagrams: mpsc::Receiver<Incoming>,
        shutdown: CancellationToken,
    ) {
        let idle = Duration::from_secs(3600);
        loop {
            let deadline = self.timers.first().map_or_else(|| Instant::now() + idle, |(at, _)| *at);
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(control) = controls.recv() => self.control(control),
                Some(feed) = news.recv() => self.feed_has_news(feed),
                Some(incoming) = datagrams.recv() => {
                    self.datagram(incoming);
                    for _ in 1..WEBRTC_DATAGRAM_BATCH {
                        let Ok(incoming) = datagrams.try_recv() else { break };
                        self.datagram(incoming);
                    }
                }
                () = sleep_until(deadline.into()) => self.timers(),
            }
        }
        let now = Instant::now();
        let all: Vec<u64> = self.members.keys().copied().collect();
        for member in all {
            self.with_session(member, |session| session.end(now, "the server ends"));
        }
    }

    fn control(&mut self, control: Control) {
        let now = Instant::now();
        match control {
            Control::Add(member) => self.add(member),
            Control::Trickle { viewer, fragment, reply } => {
                let mut restart = None;
                self.with_session(viewer, |session| {
                    restart = session.peer.trickle(now, &fragment).map(|restarted| Restart {
                        fragment: restarted.fragment,
                        ufrag: session.peer.ufrag().to_owned(),
                    });
                });
                let Some(member) = self.members.get_mut(&viewer) else { return };
                // Before the answer is out, so that the first check finds its way.
                if let Some(restart) = &restart {
                    let owner = member.session().owner;
                    self.routes.add_ufrag(&restart.ufrag, owner);
                    self.routes.keep_ufrag(&restart.ufrag, owner);
                }
                let _ = reply.send(restart);
            }
            Control::Quality { viewer, choose, reply } => self.with_viewer(viewer, |viewer| {
                let choice = match choose {
                    Some(chosen) => viewer.choose(now, chosen),
                    None => viewer.choice(),
                };
                let _ = reply.send(choice);
            }),
            Control::Remove { viewer, reply } => {
                self.with_session(viewer, |session| {
                    let why = format!("the {} left", session.side);
                    session.end(now, &why);
                });
                let _ = reply.send(());
            }
            Control::Connected { viewer, remote, outlet } => {
                self.with_session(viewer, |session| session.outlets.add(remote, outlet));
            }
            Control::Joined { viewer, to, consumer } => self.with_viewer(viewer, |viewer| {
                viewer.joined(now, to, consumer.map(|consumer| *consumer));
            }),
            Control::Disconnected { viewer, remote } => self.with_session(viewer, |session| {
                session.outlets.remove(remote);
                if session.peer.path().is_some_and(|path| path.remote == remote) {
                    session.end(now, "its TCP connection ended");
                }
            }),
        }
    }

    fn add(&mut self, mut member: Member) {
        let Session { owner, deadline, .. } = member.session();
        let number = owner.viewer;
        self.timers.insert((*deadline, number));
        self.members.insert(number, member);
        self.with(number, |_| {});
    }

    fn datagram(&mut self, incoming: Incoming) {
        let now = Instant::now();
        let Incoming { viewer, path, received_at, mut bytes } = incoming;
        self.with_session(viewer, |session| {
            session.peer.handle_input(now, Input::Datagram { path, received_at, bytes: &mut bytes });
        });
    }

    fn feed_has_news(&mut self, feed: FeedKey) {
        for viewer in self.feeds.viewers(feed) {
            self.with(viewer, |_| {});
        }
    }

    fn timers(&mut self) {
        let now = Instant::now();
        while let Some(&(at, viewer)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            self.with_session(viewer, |session| session.peer.handle_input(now, Input::Timeout));
        }
    }

    fn with_session(&mut self, number: u64, change: impl FnOnce(&mut Session)) {
        self.with(number, |member| change(member.session()));
    }

    fn with_viewer(&mut self, number: u64, change: impl FnOnce(&mut Viewer)) {
        self.with(number, |member| match member {
            Member::Viewer(viewer) => change(viewer),
            Member::Publisher(_) => {}
        });
    }

    /// Changes one of those it owns, then does what follows from it.
    fn with(&mut self, number: u64, change: impl FnOnce(&mut Member)) {
        let Some(member) = self.members.get_mut(&number) else { return };
        let before = member.session().deadline;
        change(member);
        let now = Instant::now();
        member.session().check_watcher(now);
        let mut exit = Exit { udp: &self.udp, routes: &self.routes, burst: &mut self.burst };
        let alive = match member {
            Member::Viewer(viewer) => {
                feed(&mut self.feeds, viewer);
                let alive = viewer.drive(now, &mut self.feeds, &mut exit);
                if alive {
                    feed(&mut self.feeds, viewer);
                    if let Some((to, joining)) = viewer.join() {
                        tokio::spawn(join(number, to, joining, self.control.clone()));
                    }
                }
                alive
            }
            Member::Publisher(publisher) => publisher.drive(now, &exit),
        };
        let session = member.session();
        if alive {
            if session.deadline != before {
                self.timers.remove(&(before, number));
            }
            self.timers.insert((session.deadline, number));
            return;
        }
        self.timers.remove(&(before, number));
        self.routes.remove(session.owner);
        if let Some(Member::Viewer(viewer)) = self.members.remove(&number) {
            for stream in &viewer.fed_by {
                self.feeds.remove(stream, number);
            }
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sees to it that the viewer hears of the streams that it reads, and of no others.
fn feed(feeds: &mut Feeds, viewer: &mut Viewer) {
    let number = viewer.session.owner.viewer;
    // Nearly always they are the same: this is done for every frame.
    let same = |(one, other): (&Arc<Stream>, &Arc<Stream>)| Arc::ptr_eq(one, other);
    if viewer.streams().count() == viewer.fed_by.len() && viewer.streams().zip(&viewer.fed_by).all(same) {
        return;
    }
    let reads: Vec<Arc<Stream>> = viewer.streams().cloned().collect();
    for stream in reads.iter().filter(|stream| !contains(&viewer.fed_by, stream)) {
        feeds.add(stream, number);
    }
    for stream in viewer.fed_by.iter().filter(|stream| !contains(&reads, stream)) {
        feeds.remove(stream, number);
    }
    viewer.fed_by = reads;
}

fn contains(streams: &[Arc<Stream>], stream: &Arc<Stream>) -> bool {
    streams.iter().any(|other| Arc::ptr_eq(other, stream))
}

/// Joins a quality for a viewer, and tells its worker.
async fn join(viewer: u64, to: usize, mut joining: Joining, control: mpsc::Sender<Control>) {
    let joined = timeout(WEBRTC_SOURCE_WAIT, joining.ready()).await;
    let consumer = match joined {
        Ok(Ok(consumer)) => Some(Box::new(consumer)),
        Ok(Err(_)) | Err(_) => None,
    };
    // A worker that has ended has no viewers.
    let _ = control.send(Control::Joined { viewer, to, consumer }).await;
}
