//! One task for each configured source: the only owner of retry.
//!
//! It dials while somebody wants the source, keeps it for a while after the last consumer has gone, and after a failure
//! (from the very first on) tries again with capped backoff and jitter. Every change of state stands in the stream; a
//! failure is logged once for each new reason, not once for each attempt.

use crate::limits::{SOURCE_STABLE_AFTER, SOURCE_STOP_WAIT};
use crate::policy::Origin;
use crate::schemes::{self, Means, Source};
use crate::streams::DialError;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{self, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use yeoul_hub::{Backoff, SourceSlot};

/// Drives one source, named by `origin`, until `stop`.
pub(super) async fn run(
    slot: SourceSlot,
    (source, origin): (Source, Origin),
    means: Arc<Means>,
    linger: Duration,
    stop: CancellationToken,
) {
    let mut supervisor = Supervisor {
        demand: slot.demand(),
        // A seed of its own for each source, so that cameras lost together do not come back together.
        backoff: Backoff::new(RandomState::new().hash_one(slot.stream().name())),
        unwanted_since: None,
        logged: None,
        slot,
        source,
        origin,
        means,
        linger,
    };
    supervisor.serve(&stop).await;
    supervisor.slot.idle();
}

struct Supervisor {
    slot: SourceSlot,
    source: Source,
    origin: Origin,
    means: Arc<Means>,
    demand: watch::Receiver<usize>,
    linger: Duration,
    backoff: Backoff,
    /// Since when nobody wants it, kept over attempts: a source that fails all the time is let go as any other.
    unwanted_since: Option<time::Instant>,
    /// The failure that was logged last.
    logged: Option<String>,
}

/// How one attempt came to its end.
enum End {
    Unwanted,
    Failed(DialError),
}

impl Supervisor {
    async fn serve(&mut self, stop: &CancellationToken) {
        while self.is_wanted(stop).await {
            self.unwanted_since = None;
            while let End::Failed(error) = self.attempt(stop).await {
                if !self.wait_after(error, stop).await {
                    break;
                }
            }
            self.slot.idle();
            self.backoff.reset();
        }
    }

    /// Resolves when somebody wants it; `false` if that can no longer be.
    async fn is_wanted(&mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            wanted = self.demand.wait_for(|&consumers| consumers > 0) => wanted.is_ok(),
        }
    }

    /// Dials and stays with the source until it fails or nobody wants it any more.
    async fn attempt(&mut self, stop: &CancellationToken) -> End {
        self.slot.connecting();
        let began = Instant::now();
        let hang_up = stop.child_token();
        let dial = schemes::dial(&self.source, self.origin, &self.means, self.slot.attach(), hang_up.clone());
        tokio::pin!(dial);
        let name = self.slot.stream().name();
        let mut live_told = false;
        let result = loop {
            tokio::select! {
                result = &mut dial => break Some(result),
                () = unwanted_for(&mut self.demand, self.linger, &mut self.unwanted_since) => break None,
                () = stop.cancelled() => break None,
                () = self.slot.live(), if !live_told => {
                    live_told = true;
                    self.logged = None;
                    info!(target: "streams", "{name}: live from {}", self.source);
                }
            }
        };
        let Some(result) = result else {
            hang_up.cancel();
            // A camera that does not take our goodbye in time is left without.
            let _ = timeout(SOURCE_STOP_WAIT, dial).await;
            let why = if stop.is_cancelled() { "the stream ends" } else { "nobody is watching" };
            info!(target: "streams", "{name}: closed, {why}");
            return End::Unwanted;
        };
        if began.elapsed() >= SOURCE_STABLE_AFTER {
            self.backoff.reset();
        }
        match result {
            Ok(()) => End::Failed(DialError::new(
                super::ErrorKind::Retry,
                format!("{} ended the stream", self.source),
            )),
            Err(error) => End::Failed(error),
        }
    }

    /// Tells the failure and waits for the next attempt; `false` if nobody wants it any more.
    async fn wait_after(&mut self, error: DialError, stop: &CancellationToken) -> bool {
        let wait = self.backoff.wait(error.kind.longest_wait());
        if self.logged.as_deref() != Some(error.text.as_str()) {
            warn!(target: "streams", "{}: {}; trying again until it works", self.slot.stream().name(), error.text);
            self.logged = Some(error.text.clone());
        }
        self.slot.failed(error.text, Instant::now() + wait);
        tokio::select! {
            () = sleep(wait) => true,
            () = unwanted_for(&mut self.demand, self.linger, &mut self.unwanted_since) => false,
            () = stop.cancelled() => false,
        }
    }
}

/// Resolves when there has been no demand for `linger` without a break. `since` keeps the begin of that time from one
/// call to the next.
async fn unwanted_for(
    demand: &mut watch::Receiver<usize>,
    linger: Duration,
    since: &mut Option<time::Instant>,
) {
    loop {
        // The sender lives in the stream, which the slot holds: the waits end only by their conditions.
        if *demand.borrow_and_update() > 0 {
            *since = None;
            let _ = demand.wait_for(|&consumers| consumers == 0).await;
        }
        let began = *since.get_or_insert_with(time::Instant::now);
        if timeout_at(began + linger, demand.wait_for(|&consumers| consumers > 0)).await.is_err() {
            return;
        }
    }
}
