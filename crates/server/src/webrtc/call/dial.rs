//! Watches what a server has: a source.

use super::go2rtc::Socket;
use super::http::Endpoint;
use super::source::{Signalling, Source};
use super::{ended, needed, refused, told};
use crate::limits::{WEBRTC_FAREWELL_WAIT, WEBRTC_PROGRESS_QUEUE};
use crate::policy::Route;
use crate::streams::DialError;
use crate::webrtc::WebRtc;
use crate::webrtc::publisher::Place;
use crate::webrtc::routes::Owner;
use crate::webrtc::session::Progress;
use crate::webrtc::worker::Control;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use yeoul_hub::{Attach, Label};
use yeoul_webrtc::{Call, Fragment, Offer};

/// Publishes what `source` gives until the server ends the session, or until `hang_up` is cancelled and the server has been told.
pub(crate) async fn run(
    source: &Source,
    webrtc: Option<&Arc<WebRtc>>,
    route: Route,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let webrtc = needed(webrtc)?;
    let (sender, mut progress) = mpsc::channel(WEBRTC_PROGRESS_QUEUE);
    let mut calling = pin!(call(source, webrtc, route, attach, sender));
    let (owner, mut line) = tokio::select! {
        called = &mut calling => called?,
        // The server may have made a session already: who has the answer can end it.
        () = hang_up.cancelled() => match timeout(WEBRTC_FAREWELL_WAIT, calling).await {
            Ok(Ok(called)) => called,
            Ok(Err(_)) | Err(_) => return Ok(()),
        },
    };
    let result = loop {
        tokio::select! {
            told = told(&mut progress) => match told {
                Progress::Connected => {}
                Progress::Ended(why) => break Err(ended(&source.http.peer(), &why)),
            },
            candidate = line.candidate() => trickle(webrtc, owner, candidate).await,
            () = hang_up.cancelled() => break Ok(()),
        }
    };
    webrtc.end(owner).await;
    line.hang_up().await;
    result
}

/// Over what the offer went.
enum Line {
    Http(Box<Endpoint>),
    Socket(Box<Socket>),
}

impl Line {
    async fn candidate(&mut self) -> Fragment {
        match self {
            // All of them were in the answer.
            Self::Http(_) => pending().await,
            Self::Socket(socket) => socket.candidate().await,
        }
    }

    async fn hang_up(self) {
        match self {
            Self::Http(mut endpoint) => endpoint.hang_up().await,
            // DTLS has said goodbye.
            Self::Socket(_) => {}
        }
    }
}

async fn call(
    source: &Source,
    webrtc: &Arc<WebRtc>,
    route: Route,
    attach: Attach,
    watcher: mpsc::Sender<Progress>,
) -> Result<(Owner, Line), DialError> {
    let peer = source.http.peer();
    let addresses = webrtc.addresses_towards(source.http.url()).await;
    let settings = webrtc.settings(&addresses, false);
    let (call, offer) = Call::to_watch(&settings);
    let (line, answer, early, remote): (Line, Offer, Vec<Fragment>, String) = match source.signalling {
        Signalling::Whep => {
            let mut endpoint = Endpoint::new(&source.http, route);
            let (answer, remote) = endpoint.offer(offer).await?;
            (Line::Http(Box::new(endpoint)), answer, Vec::new(), remote)
        }
        Signalling::Go2rtc => {
            let mut socket = Socket::open(source, route).await?;
            let (answer, early) = socket.offer(offer).await?;
            let remote = socket.remote.clone();
            (Line::Socket(Box::new(socket)), answer, early, remote)
        }
    };
    let label = Label { protocol: "webrtc".to_owned(), remote, ..Label::default() };
    let admitted = async {
        let answered = call.answered(Instant::now(), SystemTime::now(), &answer, &settings);
        let session = answered.map_err(|error| refused(&peer, &error))?;
        let place = Place::Source(attach);
        let admitted = webrtc.admit_publisher(session, place, label, None, Some(watcher)).await;
        admitted.map_err(|_| ended(&peer, "the server ends"))
    };
    let owner = match admitted.await {
        Ok(owner) => owner,
        Err(error) => {
            // The server has made a session, which nobody will come to.
            line.hang_up().await;
            return Err(error);
        }
    };
    for fragment in early {
        trickle(webrtc, owner, fragment).await;
    }
    Ok((owner, line))
}

/// Tells the session of a candidate that came later.
async fn trickle(webrtc: &WebRtc, owner: Owner, fragment: Fragment) {
    let Some(worker) = webrtc.workers.get(owner.worker) else { return };
    // It restarts nothing, so that there is nothing to wait for.
    let (reply, _) = oneshot::channel();
    worker.ask(Control::Trickle { viewer: owner.viewer, fragment, reply }).await;
}
