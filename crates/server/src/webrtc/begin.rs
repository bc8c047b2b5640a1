//! Sessions given to workers.

use super::api::Failure;
use super::publisher::{Place, Publisher};
use super::quality::Quality;
use super::routes::Owner;
use super::session::{Session, Side, Watcher};
use super::viewer::Viewer;
use super::worker::{Control, Member};
use super::{Addresses, WebRtc};
use std::net::IpAddr;
use std::time::{Instant, SystemTime};
use tokio::sync::oneshot;
use yeoul_hub::{Consumer, Label};
use yeoul_webrtc::{Offer, Peer, Settings};

/// A session that has begun.
pub(super) struct Begun {
    /// Random, 128 bits: who knows it may end the session.
    pub(super) id: String,
    pub(super) ufrag: String,
    pub(super) answer: String,
}

impl Begun {
    /// A session with a new identifier.
    fn new(peer: &Peer, answer: String) -> Self {
        Self { id: crate::random::name(), ufrag: peer.ufrag().to_owned(), answer }
    }
}

/// The worker that was to have a session has ended, as the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending;

impl From<Ending> for Failure {
    fn from(Ending: Ending) -> Self {
        Self::Ending
    }
}

impl WebRtc {
    /// What a peer is made with.
    pub(super) fn settings<'a>(&'a self, addresses: &'a Addresses, variants: bool) -> Settings<'a> {
        Settings {
            certificate: &self.certificate,
            host: &addresses.host,
            mapped: &addresses.mapped,
            variants,
        }
    }

    /// Answers a viewer.
    pub(super) async fn begin(
        &self,
        offer: &Offer,
        consumer: Consumer,
        quality: Option<Quality>,
        called: Option<IpAddr>,
        remote: String,
    ) -> Result<Begun, Failure> {
        let addresses = self.candidates.addresses(called).await;
        let settings = self.settings(&addresses, quality.is_some());
        let (peer, answer) =
            Peer::answer(Instant::now(), SystemTime::now(), offer, consumer.tracks(), &settings)?;
        let begun = Begun::new(&peer, answer);
        let who = (Side::Viewer, consumer.stream().name().to_owned(), remote);
        let viewer = |session| Member::Viewer(Box::new(Viewer::new(session, consumer, quality)));
        self.admit(peer, who, Some(&begun.id), None, viewer).await?;
        Ok(begun)
    }

    /// Answers a publisher.
    pub(super) async fn accept(
        &self,
        offer: &Offer,
        place: Place,
        label: Label,
        called: Option<IpAddr>,
    ) -> Result<Begun, Failure> {
        let addresses = self.candidates.addresses(called).await;
        let settings = self.settings(&addresses, false);
        let (peer, answer) = Peer::accept(Instant::now(), SystemTime::now(), offer, &settings)?;
        let begun = Begun::new(&peer, answer);
        self.admit_publisher(peer, place, label, Some(&begun.id), None).await?;
        Ok(begun)
    }

    /// Gives a publisher to a worker.
    pub(super) async fn admit_publisher(
        &self,
        peer: Peer,
        place: Place,
        label: Label,
        id: Option<&str>,
        watcher: Option<Watcher>,
    ) -> Result<Owner, Ending> {
        let who = (Side::Publisher, place.stream().name().to_owned(), label.remote.clone());
        let publisher = |session| Member::Publisher(Box::new(Publisher::new(session, place, label)));
        self.admit(peer, who, id, watcher, publisher).await
    }

    /// Gives a peer to the worker that has the fewest. `id` is the random part of its URL, if it has one.
    pub(super) async fn admit(
        &self,
        peer: Peer,
        who: (Side, String, String),
        id: Option<&str>,
        watcher: Option<Watcher>,
        member: impl FnOnce(Session) -> Member,
    ) -> Result<Owner, Ending> {
        let (viewer, worker) = self.place();
        let owner = Owner { worker, viewer };
        // Before the answer is out, so that the first check finds its way.
        self.routes.add_ufrag(peer.ufrag(), owner);
        if let Some(id) = id {
            self.routes.add_session(id, owner);
        }
        let worker = self.workers.get(owner.worker).ok_or(Ending)?;
        worker.expect();
        let session = Session::new(Instant::now(), owner, peer, who, watcher);
        if !worker.ask(Control::Add(member(session))).await {
            self.routes.remove(owner);
            return Err(Ending);
        }
        Ok(owner)
    }

    /// Ends a session.
    pub(super) async fn end(&self, owner: Owner) {
        let Some(worker) = self.workers.get(owner.worker) else { return };
        let (reply, replied) = oneshot::channel();
        worker.ask(Control::Remove { viewer: owner.viewer, reply }).await;
        // A worker that ends meanwhile has ended the session as well.
        let _ = replied.await;
    }
}
