//! From what a viewer can take to the tracks it gets.

use crate::status::{SlotStatus, State, Status, words};
use crate::{Consumer, Label, Stream, limits};
use std::sync::Arc;
use tokio::sync::watch;
use yeoul_media::{Codec, Kind, Track};

/// A track that a consumer asks for.
pub struct Want {
    /// Video or audio.
    pub kind: Kind,
    /// Whether it can take this codec.
    pub accepts: Box<dyn Fn(&Codec) -> bool + Send + Sync>,
    /// Every track that fits, not the first only.
    pub all: bool,
    /// What it can take, in words for error sentences: `H264, H265`.
    pub text: String,
}

impl Want {
    /// The first track of `kind`, whatever its codec.
    #[must_use]
    pub fn any(kind: Kind) -> Self {
        Self { kind, accepts: Box::new(|_| true), all: false, text: format!("any {kind}") }
    }

    /// The same, of those codecs only for which `carries` holds: what the protocol can convey.
    #[must_use]
    pub fn limited_to(self, carries: fn(&Codec) -> bool) -> Self {
        let accepts = self.accepts;
        Self { accepts: Box::new(move |codec| carries(codec) && accepts(codec)), ..self }
    }

    fn fits(&self, track: &Track) -> bool {
        track.kind() == self.kind && (self.accepts)(&track.codec)
    }
}

impl std::fmt::Debug for Want {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.kind, self.text)
    }
}

/// Why a consumer cannot join.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// All sources are known, and none has a track that was asked for.
    #[error("no track fits: the stream has {there_are}, asked for was {wanted}")]
    NoMatch {
        /// The tracks of the stream in words.
        there_are: String,
        /// What was asked for.
        wanted: String,
    },
    /// The stream has as many consumers as it may have.
    #[error("the stream has {0} consumers, which is the most it may have")]
    TooManyConsumers(usize),
    /// The stream was removed.
    #[error("the stream was removed")]
    Closed,
}

/// Holds the demand on one source; lowers it when dropped.
#[derive(Debug)]
struct Demand {
    stream: Arc<Stream>,
    source: usize,
}

impl Demand {
    fn raise(stream: &Arc<Stream>, source: usize) -> Self {
        stream.demands[source].send_modify(|count| *count += 1);
        Self { stream: Arc::clone(stream), source }
    }
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.stream.demands[self.source].send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// The demands a consumer holds, by source.
#[derive(Debug, Default)]
pub(crate) struct Demands(Vec<Demand>);

impl Demands {
    fn raise(&mut self, stream: &Arc<Stream>, source: usize) {
        if !self.0.iter().any(|demand| demand.source == source) {
            self.0.push(Demand::raise(stream, source));
        }
    }

    fn keep_only(&mut self, sources: &[usize]) {
        self.0.retain(|demand| sources.contains(&demand.source));
    }
}

/// A consumer on its way in: it holds the demand on the sources it needs and waits for them.
#[derive(Debug)]
pub struct Joining {
    stream: Arc<Stream>,
    wants: Vec<Want>,
    label: Label,
    demands: Demands,
    status: watch::Receiver<Status>,
    /// The source that asks, if one does.
    except: Option<usize>,
}

/// What the sources say to the wants.
enum Verdict {
    /// These tracks, by these slots.
    Ready(Vec<Track>, Vec<usize>),
    /// Nothing to have yet; these sources are asked for.
    Wait(Vec<usize>),
    /// Nothing to have, ever.
    NoMatch,
}

impl Joining {
    pub(crate) fn new(stream: Arc<Stream>, wants: Vec<Want>, label: Label) -> Self {
        let status = stream.status.subscribe();
        Self { stream, wants, label, demands: Demands::default(), status, except: None }
    }

    /// The same, without the configured source of this number: one that is made of the stream's own frames does not wait for
    /// itself.
    #[must_use]
    pub fn except(self, source: usize) -> Self {
        Self { except: Some(source), ..self }
    }

    /// Waits until the wanted tracks are there. Sources are tried in their order, the next one only when those before
    /// leave a want open; a source that fails is passed over, and waited for if nothing else gives a track. Wrap this in a
    /// timeout and ask [`Joining::explain`] when it fires.
    ///
    /// # Errors
    /// If no source has a track that was asked for, or the stream is full or closed.
    pub async fn ready(&mut self) -> Result<Consumer, JoinError> {
        loop {
            if self.stream.closed.get().is_some() {
                return Err(JoinError::Closed);
            }
            let verdict = judge(&self.status.borrow_and_update(), &self.wants, self.except);
            match verdict {
                Verdict::Ready(tracks, slots) => {
                    // A source that is live already, or lingers, was never waited for.
                    for &source in slots.iter().filter(|&&source| source < self.stream.demands.len()) {
                        self.demands.raise(&self.stream, source);
                    }
                    self.demands.keep_only(&slots);
                    let consumers = self.stream.lock_consumers().len();
                    if consumers >= limits::MAX_CONSUMERS {
                        return Err(JoinError::TooManyConsumers(consumers));
                    }
                    let demands = std::mem::take(&mut self.demands);
                    return Ok(Consumer::new(Arc::clone(&self.stream), tracks, demands, self.label.clone()));
                }
                Verdict::Wait(sources) => {
                    for source in sources.into_iter().filter(|&source| source < self.stream.demands.len()) {
                        self.demands.raise(&self.stream, source);
                    }
                }
                Verdict::NoMatch => return Err(self.no_match()),
            }
            if self.status.changed().await.is_err() {
                return Err(JoinError::Closed);
            }
        }
    }

    /// Why it still waits, in a sentence.
    #[must_use]
    pub fn explain(&self) -> String {
        let name = self.stream.name();
        let status = self.stream.status.borrow();
        if self.stream.demands.is_empty() {
            return format!("nobody is publishing to stream {name}");
        }
        match status.reason() {
            Some(reason) => format!("stream {name} is not live: {reason}"),
            None => format!("stream {name} is still being connected"),
        }
    }

    fn no_match(&self) -> JoinError {
        let status = self.stream.status.borrow();
        let wanted: Vec<_> = self.wants.iter().map(|want| want.text.as_str()).collect();
        JoinError::NoMatch {
            there_are: words(status.live_tracks().map(|(_, track)| track), None),
            wanted: if wanted.is_empty() { "nothing".to_owned() } else { wanted.join(" and ") },
        }
    }
}

fn judge(status: &Status, wants: &[Want], except: Option<usize>) -> Verdict {
    let external = status.slots.len() - 1;
    let (mut tracks, mut slots): (Vec<Track>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut open: Vec<&Want> = wants.iter().collect();
    let (mut asked, mut may_still_come, mut may_come_back) = (Vec::new(), false, false);
    for (index, slot) in status.slots.iter().enumerate().filter(|&(index, _)| Some(index) != except) {
        if open.is_empty() {
            break;
        }
        match progress(slot) {
            Progress::Live => {
                let before = tracks.len();
                open.retain(|want| !take_fitting(want, slot, &mut tracks));
                if tracks.len() > before {
                    slots.push(index);
                }
            }
            // An external publisher cannot be asked for; it is waited for only where there is nothing else.
            Progress::Pending | Progress::Failing if index == external => may_come_back |= external == 0,
            Progress::Pending => {
                asked.push(index);
                may_still_come = true;
                break;
            }
            Progress::Failing => {
                asked.push(index);
                may_come_back = true;
            }
        }
    }
    let some = !tracks.is_empty();
    if may_still_come || (may_come_back && !some) {
        // Keep the demand on what is already matched, or it would hang up meanwhile.
        asked.extend(slots);
        Verdict::Wait(asked)
    } else if some {
        Verdict::Ready(tracks, slots)
    } else {
        Verdict::NoMatch
    }
}

enum Progress {
    Live,
    /// Not tried yet, or in its first attempt.
    Pending,
    /// Failed, or trying again after a failure.
    Failing,
}

fn progress(slot: &SlotStatus) -> Progress {
    match &slot.state {
        State::Live => Progress::Live,
        State::Failed { .. } => Progress::Failing,
        State::Idle | State::Connecting if slot.last_failure.is_some() => Progress::Failing,
        State::Idle | State::Connecting => Progress::Pending,
    }
}

/// Adds the tracks of `slot` that `want` asks for; whether it is met.
fn take_fitting(want: &Want, slot: &SlotStatus, tracks: &mut Vec<Track>) -> bool {
    let fitting: Vec<&Track> =
        slot.tracks.iter().filter(|track| want.fits(track) && !tracks.contains(track)).collect();
    let taken = fitting.into_iter().take(if want.all { usize::MAX } else { 1 });
    let before = tracks.len();
    tracks.extend(taken.cloned().collect::<Vec<_>>());
    tracks.len() > before
}
