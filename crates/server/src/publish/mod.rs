//! Streams that we publish to other servers: one task for each target, the only owner of its retry.
//!
//! A target that the configuration names (`publish`) wants its stream for as long as the program runs. One that a caller of the API
//! names is tried once, and is gone when that ends. While it is live it is a consumer as any other; what it does otherwise is kept
//! here, for the API.

mod target;

pub(crate) use target::{Target, TargetError};

use crate::limits::{API_PUBLISH_WAIT, PUBLISH_RETRY_LONGEST, SOURCE_STABLE_AFTER, STARTED_PUBLICATIONS};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind, Registry};
use crate::webrtc::WebRtc;
use crate::{rtmp, rtsp, webrtc};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use yeoul_hub::{Backoff, Label, Stream};

/// Everything that is published.
#[derive(Debug)]
pub(crate) struct Publications {
    by_name: Table,
    /// What calls other servers by WebRTC; `None` if that is off.
    calls: Option<Arc<WebRtc>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// By the stream's name.
type Table = Arc<Mutex<BTreeMap<String, Vec<Arc<Publication>>>>>;

/// A stream and where it goes.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) target: Target,
    route: Route,
    calls: Option<Arc<WebRtc>>,
    /// It is tried once only.
    once: bool,
    state: Mutex<State>,
}

/// What a publication does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The stream is not live.
    Waiting,
    Connecting,
    Live,
    Failed {
        reason: String,
        retry_at: Instant,
    },
}

impl Publications {
    /// Starts publishing what the configuration says; ends when `stop` is cancelled. Call it inside the runtime.
    pub(crate) fn start(
        configured: &BTreeMap<String, Vec<Target>>,
        streams: &Registry,
        calls: Option<&Arc<WebRtc>>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let (tasks, stop) = (tasks.clone(), stop.clone());
        let publications = Self { by_name: Table::default(), calls: calls.cloned(), tasks, stop };
        for (name, targets) in configured {
            for target in targets {
                let publication = publications.publication(target.clone(), Route::of_owner(), false);
                lock(&publications.by_name).entry(name.clone()).or_default().push(Arc::clone(&publication));
                let (name, streams, stop) = (name.clone(), streams.clone(), publications.stop.clone());
                publications.tasks.spawn(async move {
                    tokio::select! {
                        () = publication.run(&name, &streams) => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
        }
        publications
    }

    /// Publishes `stream`, called `name`, once; resolves when the server takes it. It goes on until the stream or the server ends it.
    ///
    /// # Errors
    /// If the stream cannot be had, or the server does not take it.
    pub(crate) async fn once(
        &self,
        name: &str,
        stream: Arc<Stream>,
        target: Target,
        route: Route,
    ) -> Result<(), DialError> {
        let publication = self.publication(target, route, true);
        let entry = self.enter(name, &publication)?;
        let (tell, told) = oneshot::channel();
        let stop = self.stop.child_token();
        // Whoever asks may go away while it begins: then it is not wanted.
        let wanted = stop.clone().drop_guard();
        self.tasks.spawn(async move {
            let (mut tell, entry) = (Some(tell), entry);
            let live = || drop(tell.take().map(|tell| tell.send(Ok(()))));
            let result = tokio::select! {
                result = entry.publication.attempt(&stream, live) => result,
                () = stop.cancelled() => return,
            };
            if let Err(error) = &result {
                warn!(target: "publish", "{}: {error}", stream.name());
            }
            // Not live yet: this is the answer.
            drop(tell.take().map(|tell| tell.send(result)));
        });
        let answer = timeout(API_PUBLISH_WAIT, told).await;
        let Ok(answer) = answer else {
            let text = format!("not published within {} s", API_PUBLISH_WAIT.as_secs());
            return Err(DialError::new(ErrorKind::Retry, text));
        };
        if matches!(answer, Ok(Ok(()))) {
            wanted.disarm();
        }
        answer.unwrap_or_else(|_| Err(DialError::new(ErrorKind::Retry, "the server ends")))
    }

    fn publication(&self, target: Target, route: Route, once: bool) -> Arc<Publication> {
        let calls = self.calls.clone();
        Arc::new(Publication { target, route, calls, once, state: Mutex::new(State::Waiting) })
    }

    fn enter(&self, name: &str, publication: &Arc<Publication>) -> Result<Entry, DialError> {
        let mut by_name = lock(&self.by_name);
        if by_name.values().flatten().filter(|known| known.once).count() >= STARTED_PUBLICATIONS {
            let text = format!("{STARTED_PUBLICATIONS} publications run, and that is all there is room for");
            return Err(DialError::new(ErrorKind::LimitExceeded, text));
        }
        by_name.entry(name.to_owned()).or_default().push(Arc::clone(publication));
        Ok(Entry {
            table: Arc::clone(&self.by_name),
            name: name.to_owned(),
            publication: Arc::clone(publication),
        })
    }

    /// Where the stream of this name goes.
    pub(crate) fn of(&self, name: &str) -> Vec<Arc<Publication>> {
        lock(&self.by_name).get(name).cloned().unwrap_or_default()
    }
}

/// A publication in the table, for as long as it runs.
struct Entry {
    table: Table,
    name: String,
    publication: Arc<Publication>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut by_name = lock(&self.table);
        if let Some(publications) = by_name.get_mut(&self.name) {
            publications.retain(|known| !Arc::ptr_eq(known, &self.publication));
            if publications.is_empty() {
                by_name.remove(&self.name);
            }
        }
    }
}

fn lock(table: &Table) -> MutexGuard<'_, BTreeMap<String, Vec<Arc<Publication>>>> {
    // Nobody panics while holding it.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Publication {
    /// What it does now.
    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Publishes whatever has the name, again and again.
    async fn run(&self, name: &str, streams: &Registry) {
        let mut backoff = Backoff::new(RandomState::new().hash_one(name));
        let mut logged = None;
        loop {
            self.set(State::Waiting);
            let stream = streams.wait_for(name).await;
            let began = Instant::now();
            let result = self.attempt(&stream, || logged = None).await;
            if began.elapsed() >= SOURCE_STABLE_AFTER {
                backoff.reset();
            }
            let error = match result {
                Ok(()) => DialError::new(ErrorKind::Retry, "the stream has ended, or has other tracks now"),
                Err(error) => error,
            };
            let wait = backoff.wait(error.kind.longest_wait().max(PUBLISH_RETRY_LONGEST));
            if logged.as_deref() != Some(error.text.as_str()) {
                warn!(target: "publish", "{name}: {}; trying again until it works", error.text);
                logged = Some(error.text.clone());
            }
            self.set(State::Failed { reason: error.text, retry_at: Instant::now() + wait });
            sleep(wait).await;
        }
    }

    /// Publishes until the stream or the server ends it; `live` is called when the server takes it.
    async fn attempt(&self, stream: &Arc<Stream>, live: impl FnOnce() + Send) -> Result<(), DialError> {
        self.set(State::Waiting);
        let label = Label {
            protocol: self.target.protocol(),
            remote: self.target.authority(),
            user_agent: None,
            url: Some(self.target.to_string()),
        };
        let mut joining = stream.join(self.target.wants(), label);
        let consumer = joining
            .ready()
            .await
            .map_err(|error| DialError::new(ErrorKind::Unsupported, error.to_string()))?;
        self.set(State::Connecting);
        let live = || {
            live();
            info!(target: "publish", "{}: published to {}", stream.name(), self.target);
            self.set(State::Live);
        };
        let route = self.route.clone();
        match &self.target {
            Target::Rtmp(target) => rtmp::dial::push(target, route, consumer, live).await,
            Target::Rtsp(target) => rtsp::dial::push(target, route, consumer, live).await,
            Target::Whip(target) => {
                webrtc::call::push(target, self.calls.as_ref(), route, consumer, live).await
            }
        }
    }
}
