//! Streams that we publish to other servers (`publish` in the configuration): one task for each target, the only owner of its retry.
//!
//! A target wants its stream for as long as the program runs. While it is live it is a consumer as any other; what it does
//! otherwise is kept here, for the API.

mod target;

pub(crate) use target::Target;

use crate::limits::{PUBLISH_RETRY_LONGEST, SOURCE_STABLE_AFTER};
use crate::streams::{DialError, ErrorKind, Streams};
use crate::webrtc::WebRtc;
use crate::{rtmp, webrtc};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use yeoul_hub::{Backoff, Label, Stream};

/// Everything that is published, by the stream's name.
#[derive(Debug, Default)]
pub(crate) struct Publications(BTreeMap<String, Vec<Arc<Publication>>>);

/// A stream and where it goes.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) target: Target,
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
    /// Starts publishing; ends when `stop` is cancelled. Call it inside the runtime.
    pub(crate) fn start(
        configured: &BTreeMap<String, Vec<Target>>,
        streams: &Streams,
        calls: Option<&Arc<WebRtc>>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let mut publications = Self::default();
        for (name, targets) in configured {
            // The configuration has warned of names that are none.
            let Some(stream) = streams.get(name) else { continue };
            for target in targets {
                let publication =
                    Arc::new(Publication { target: target.clone(), state: Mutex::new(State::Waiting) });
                let (running, stream, stop) = (Arc::clone(&publication), Arc::clone(stream), stop.clone());
                let calls = calls.cloned();
                tasks.spawn(async move {
                    tokio::select! {
                        () = running.run(&stream, calls.as_ref()) => {}
                        () = stop.cancelled() => {}
                    }
                });
                publications.0.entry(name.clone()).or_default().push(publication);
            }
        }
        publications
    }

    /// Where the stream of this name goes.
    pub(crate) fn of(&self, name: &str) -> &[Arc<Publication>] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

impl Publication {
    /// What it does now.
    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn run(&self, stream: &Arc<Stream>, calls: Option<&Arc<WebRtc>>) {
        let mut backoff = Backoff::new(RandomState::new().hash_one(stream.name()));
        let mut logged = None;
        loop {
            let began = Instant::now();
            let result = self.attempt(stream, calls, &mut logged).await;
            if began.elapsed() >= SOURCE_STABLE_AFTER {
                backoff.reset();
            }
            let error = match result {
                Ok(()) => DialError::new(ErrorKind::Retry, "the stream has other tracks now"),
                Err(error) => error,
            };
            let wait = backoff.wait(error.kind.longest_wait().max(PUBLISH_RETRY_LONGEST));
            if logged.as_deref() != Some(error.text.as_str()) {
                warn!(target: "publish", "{}: {}; trying again until it works", stream.name(), error.text);
                logged = Some(error.text.clone());
            }
            self.set(State::Failed { reason: error.text, retry_at: Instant::now() + wait });
            sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        stream: &Arc<Stream>,
        calls: Option<&Arc<WebRtc>>,
        logged: &mut Option<String>,
    ) -> Result<(), DialError> {
        self.set(State::Waiting);
        let label = Label {
            protocol: self.target.protocol(),
            remote: self.target.authority(),
            user_agent: None,
            url: Some(self.target.to_string()),
        };
        let wants = match &self.target {
            Target::Rtmp(_) => rtmp::wants(""),
            Target::Whip(_) => webrtc::call::wants(),
        };
        let mut joining = stream.join(wants, label);
        let consumer = joining
            .ready()
            .await
            .map_err(|error| DialError::new(ErrorKind::Unsupported, error.to_string()))?;
        self.set(State::Connecting);
        let live = || {
            *logged = None;
            info!(target: "publish", "{}: published to {}", stream.name(), self.target);
            self.set(State::Live);
        };
        match &self.target {
            Target::Rtmp(source) => rtmp::dial::push(source, consumer, live).await,
            Target::Whip(source) => webrtc::call::push(source, calls, consumer, live).await,
        }
    }
}
