//! Outputs that all who ask share: frames are muxed once for each stream, form and choice of tracks, whoever watches.
//!
//! An [`Output`] is what viewers share: a playlist with its segments, the latest fragments, the latest picture. [`Outputs`]
//! holds those that run. The first to [`Outputs::ask`] starts a task that joins the stream and feeds the output; everybody
//! else gets the same one. A [`Lease`] is the interest in it: [`Output::LINGER`] after the last lease is gone, the task ends
//! and with it the demand on the camera. When the stream's tracks change, the task joins anew and feeds the same output.
//!
//! What it leaves out: how viewers wait for what is new. That is each output's own.

mod error;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use error::OutputError;
pub(crate) use slot::Lease;

use crate::limits::{OUTPUT_WAIT, OUTPUTS_OF_A_STREAM};
use slot::{Slot, State};
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use yeoul_hub::{Consumer, JoinError, Label, Stream, Want};

/// Something made of a stream's frames that viewers share.
pub(crate) trait Output: Send + Sync + Sized + 'static {
    /// Everything by which outputs of one stream differ: container, choice of tracks, size. Text that comes from outside is
    /// brought into one form before (order, case), so that those who want the same get the same.
    type Form: Clone + Debug + Eq + Hash + Send + Sync + 'static;

    /// How long it runs on after the last interest is gone, at least; it may be twice that.
    const LINGER: Duration;

    /// As the API names it in the list of consumers: `mp4+http`.
    fn protocol(form: &Self::Form) -> &'static str;

    /// The tracks to join with. Asked again at every join.
    fn wants(form: &Self::Form) -> Vec<Want>;

    /// Made when the tracks are known.
    ///
    /// # Errors
    /// If it cannot be made of these tracks: a sentence for whoever asked.
    fn start(form: &Self::Form, consumer: &Consumer) -> Result<Self, String>;

    /// Takes frames until there are no more of these tracks. Called again with a new consumer after
    /// [`Over::TracksChanged`]; dropped at any await when nobody asks any more.
    fn run(self: Arc<Self>, consumer: Consumer) -> impl Future<Output = Over> + Send;
}

/// Why [`Output::run`] returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The consumer said so: it is joined anew.
    TracksChanged,
    /// The stream was removed.
    Ended,
    /// What the camera sends cannot be put into this form: a sentence. Whoever asks next begins anew.
    Failed(String),
}

/// The running outputs of one kind.
pub(crate) struct Outputs<O: Output> {
    registry: Arc<Registry<O>>,
    tasks: TaskTracker,
}

/// By the stream's name, then by form: both are looked up without a copy.
type ByStream<O> = HashMap<String, HashMap<<O as Output>::Form, Arc<Slot<O>>>>;

struct Registry<O: Output>(Mutex<ByStream<O>>);

impl<O: Output> Outputs<O> {
    /// None runs yet. `tasks` are waited for at the end of the program; the streams' end ends them.
    pub(crate) fn new(tasks: &TaskTracker) -> Self {
        Self { registry: Arc::new(Registry(Mutex::default())), tasks: tasks.clone() }
    }

    /// The output of this form, started if it does not run yet. Waits for the camera for [`OUTPUT_WAIT`].
    ///
    /// # Errors
    /// If the tracks cannot be had, in words for whoever asks.
    pub(crate) async fn ask(&self, stream: &Arc<Stream>, form: &O::Form) -> Result<Lease<O>, OutputError> {
        let interest = self.slot(stream, form)?;
        if let Some(state) = interest.slot().now() {
            return state.map(|output| interest.lease(output));
        }
        match timeout(OUTPUT_WAIT, interest.slot().started()).await {
            Ok(state) => state.map(|output| interest.lease(output)),
            Err(_) => Err(OutputError::away(stream)),
        }
    }

    /// As [`Outputs::ask`], but `None` where it does not run: starts nothing and waits for nothing.
    pub(crate) fn find(&self, stream: &Arc<Stream>, form: &O::Form) -> Option<Lease<O>> {
        let by_stream = self.registry.lock();
        let slot = by_stream.get(stream.name())?.get(form).filter(|slot| slot.is_of(stream))?;
        let output = slot.now()?.ok()?;
        Some(slot.interest().lease(output))
    }

    fn slot(&self, stream: &Arc<Stream>, form: &O::Form) -> Result<slot::Interest<O>, OutputError> {
        let mut by_stream = self.registry.lock();
        let forms = match by_stream.get_mut(stream.name()) {
            Some(forms) => forms,
            None => by_stream.entry(stream.name().to_owned()).or_default(),
        };
        if let Some(slot) = forms.get(form).filter(|slot| slot.is_of(stream)) {
            // Under the lock: nobody can find it unused meanwhile and take it away.
            return Ok(slot.interest());
        }
        if forms.len() >= OUTPUTS_OF_A_STREAM {
            return Err(OutputError::TooMany(forms.len()));
        }
        let slot = Arc::new(Slot::new(stream));
        forms.insert(form.clone(), Arc::clone(&slot));
        let interest = slot.interest();
        let running = Running { registry: Arc::clone(&self.registry), form: form.clone(), slot };
        self.tasks.spawn(running.run());
        Ok(interest)
    }
}

impl<O: Output> Registry<O> {
    fn lock(&self) -> MutexGuard<'_, ByStream<O>> {
        // Nothing panics while it holds the map; were it to, the map is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `slot` out, if it is (still) in, and `may` says so under the lock.
    fn remove(&self, form: &O::Form, slot: &Arc<Slot<O>>, may: impl FnOnce(&Slot<O>) -> bool) -> bool {
        let mut by_stream = self.lock();
        if !may(slot) {
            return false;
        }
        let name = slot.stream().name();
        if let Some(forms) = by_stream.get_mut(name)
            && forms.get(form).is_some_and(|found| Arc::ptr_eq(found, slot))
        {
            forms.remove(form);
            if forms.is_empty() {
                by_stream.remove(name);
            }
        }
        true
    }
}

/// The task behind one output.
struct Running<O: Output> {
    registry: Arc<Registry<O>>,
    form: O::Form,
    slot: Arc<Slot<O>>,
}

impl<O: Output> Running<O> {
    async fn run(self) {
        let over = tokio::select! {
            over = self.feed() => over,
            () = self.unused() => OutputError::Unused,
        };
        // First nobody finds it any more, then those who have it hear of it.
        self.registry.remove(&self.form, &self.slot, |_| true);
        self.slot.set(State::Over(over));
    }

    /// Joins, and feeds the output, for as long as there is something to feed it with.
    async fn feed(&self) -> OutputError {
        let mut started: Option<Arc<O>> = None;
        loop {
            let label = Label {
                protocol: O::protocol(&self.form).to_owned(),
                remote: "shared".to_owned(),
                ..Label::default()
            };
            let consumer = match self.slot.stream().join(O::wants(&self.form), label).ready().await {
                Ok(consumer) => consumer,
                Err(error) => return OutputError::Join(error),
            };
            let output = match &started {
                Some(output) => Arc::clone(output),
                None => match O::start(&self.form, &consumer) {
                    Ok(output) => Arc::clone(started.insert(Arc::new(output))),
                    Err(sentence) => return OutputError::Failed(sentence),
                },
            };
            self.slot.set(State::Running(Arc::clone(&output)));
            match output.run(consumer).await {
                Over::TracksChanged => {}
                Over::Ended => return OutputError::Join(JoinError::Closed),
                Over::Failed(sentence) => return OutputError::Failed(sentence),
            }
        }
    }

    /// Resolves when nobody has asked for [`Output::LINGER`], and nobody can find it any more.
    async fn unused(&self) {
        loop {
            sleep(self.slot.idle().map_or(O::LINGER, |idle| O::LINGER.saturating_sub(idle))).await;
            let unused = |slot: &Slot<O>| slot.idle().is_some_and(|idle| idle >= O::LINGER);
            if self.registry.remove(&self.form, &self.slot, unused) {
                return;
            }
        }
    }
}

/// Where the task ends otherwise (a panic in the output, the end of the runtime), nobody must wait for it.
impl<O: Output> Drop for Running<O> {
    fn drop(&mut self) {
        self.registry.remove(&self.form, &self.slot, |_| true);
        self.slot.set_if_not_over(OutputError::Unused);
    }
}

impl<O: Output> Debug for Outputs<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by_stream = self.registry.lock();
        f.debug_map().entries(by_stream.iter().map(|(name, forms)| (name, forms.len()))).finish()
    }
}
