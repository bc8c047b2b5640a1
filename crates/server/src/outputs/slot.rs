//! The place of one output: how far it is, and who is interested.

use super::{Output, OutputError};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use yeoul_hub::Stream;

/// How far an output is.
pub(super) enum State<O> {
    /// The stream is being joined.
    Starting,
    /// There it is.
    Running(Arc<O>),
    /// It has ended, or could not be started.
    Over(OutputError),
}

impl<O> State<O> {
    fn outcome(&self) -> Option<Result<Arc<O>, OutputError>> {
        match self {
            Self::Starting => None,
            Self::Running(output) => Some(Ok(Arc::clone(output))),
            Self::Over(error) => Some(Err(error.clone())),
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Over(_) => true,
            Self::Starting | Self::Running(_) => false,
        }
    }
}

/// The place of one output in the registry.
pub(super) struct Slot<O: Output> {
    stream: Arc<Stream>,
    state: watch::Sender<State<O>>,
    interest: Mutex<Count>,
}

struct Count {
    now: usize,
    /// When the last one went, or the slot was made.
    last: Instant,
}

impl<O: Output> Slot<O> {
    pub(super) fn new(stream: &Arc<Stream>) -> Self {
        Self {
            stream: Arc::clone(stream),
            state: watch::Sender::new(State::Starting),
            interest: Mutex::new(Count { now: 0, last: Instant::now() }),
        }
    }

    pub(super) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Whether it belongs to this very stream: one that was removed and made again has the same name.
    pub(super) fn is_of(&self, stream: &Arc<Stream>) -> bool {
        Arc::ptr_eq(&self.stream, stream)
    }

    pub(super) fn set(&self, state: State<O>) {
        self.state.send_replace(state);
    }

    pub(super) fn set_if_not_over(&self, error: OutputError) {
        self.state.send_if_modified(|state| {
            let changes = !state.is_over();
            if changes {
                *state = State::Over(error);
            }
            changes
        });
    }

    /// The output, or why there is none; `None` while it starts.
    pub(super) fn now(&self) -> Option<Result<Arc<O>, OutputError>> {
        self.state.borrow().outcome()
    }

    /// Waits until it has started or has failed to.
    pub(super) async fn started(&self) -> Result<Arc<O>, OutputError> {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`: the wait ends only by the condition.
        match state.wait_for(|state| state.outcome().is_some()).await {
            Ok(state) => state.outcome().unwrap_or(Err(OutputError::Unused)),
            Err(_) => Err(OutputError::Unused),
        }
    }

    /// Waits until it is over, and says why.
    async fn over(&self) -> OutputError {
        let mut state = self.state.subscribe();
        match state.wait_for(State::is_over).await.as_deref() {
            Ok(State::Over(error)) => error.clone(),
            Ok(State::Starting | State::Running(_)) | Err(_) => OutputError::Unused,
        }
    }

    /// One more who is interested.
    pub(super) fn interest(self: &Arc<Self>) -> Interest<O> {
        self.count().now += 1;
        Interest(Arc::clone(self))
    }

    /// For how long nobody has been interested; `None` if somebody is.
    pub(super) fn idle(&self) -> Option<Duration> {
        let count = self.count();
        (count.now == 0).then(|| count.last.elapsed())
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        // A number and a time: there is nothing half done to be found.
        self.interest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a slot in use.
pub(super) struct Interest<O: Output>(Arc<Slot<O>>);

impl<O: Output> Interest<O> {
    pub(super) fn slot(&self) -> &Slot<O> {
        &self.0
    }

    pub(super) fn lease(self, output: Arc<O>) -> Lease<O> {
        Lease { output, interest: self }
    }
}

impl<O: Output> Drop for Interest<O> {
    fn drop(&mut self) {
        let mut count = self.0.count();
        count.now -= 1;
        count.last = Instant::now();
    }
}

/// A running output, kept running for as long as this is held.
pub(crate) struct Lease<O: Output> {
    output: Arc<O>,
    interest: Interest<O>,
}

impl<O: Output> Lease<O> {
    /// Resolves when the output has ended although somebody holds it: the stream was removed, or what came of its camera
    /// fits no longer. Cancel safe.
    pub(crate) async fn over(&self) -> OutputError {
        self.interest.slot().over().await
    }

    /// The stream that it is made of.
    pub(crate) fn stream(&self) -> &Arc<Stream> {
        self.interest.slot().stream()
    }
}

impl<O: Output> Deref for Lease<O> {
    type Target = Arc<O>;

    fn deref(&self) -> &Arc<O> {
        &self.output
    }
}

impl<O: Output> Clone for Lease<O> {
    fn clone(&self) -> Self {
        self.interest.0.interest().lease(Arc::clone(&self.output))
    }
}

impl<O: Output> std::fmt::Debug for Lease<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("stream", &self.stream().name()).finish_non_exhaustive()
    }
}
