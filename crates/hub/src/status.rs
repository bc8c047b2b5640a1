//! What a stream's sources are doing: the control plane, watched by joiners and by the API.

use crate::Label;
use crate::producer::ProducerCounters;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::{Codec, Kind, Track, TrackId};

/// What a source, or a stream as a whole, is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody asks for it.
    #[default]
    Idle,
    /// Being dialled, or waiting for what it takes to describe its video.
    Connecting,
    /// Gives frames.
    Live,
    /// The last attempt failed; the next one comes at `retry_at`.
    Failed {
        /// A sentence for people.
        reason: String,
        /// When it is tried again.
        retry_at: Instant,
    },
}

/// One source of the stream, or its external publisher (the last slot).
#[derive(Clone, Debug, Default)]
pub(crate) struct SlotStatus {
    pub(crate) state: State,
    /// The tracks of the present producer, or of the last one while it is away.
    pub(crate) tracks: Vec<Track>,
    pub(crate) label: Option<Label>,
    /// Which attachment the tracks belong to; a replaced producer sees that it is not its own.
    pub(crate) session: u64,
    /// Why the last session ended, until the next one lives: told while connecting again.
    pub(crate) last_failure: Option<String>,
    /// How far the present attempt has come, in words of who makes it.
    pub(crate) progress: Option<String>,
    /// What the present producer has given.
    pub(crate) counters: Option<Arc<ProducerCounters>>,
}

impl SlotStatus {
    /// Live once every video track can be described: a consumer cannot be told of an H.264 track without its size.
    pub(crate) fn settle(&mut self) {
        let described = self.tracks.iter().all(|track| track.codec.is_described());
        self.state = if described { State::Live } else { State::Connecting };
        if described {
            (self.last_failure, self.progress) = (None, None);
        }
    }
}

/// All slots of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    pub(crate) slots: Vec<SlotStatus>,
    next_track: u16,
    next_session: u64,
}

impl Status {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots: vec![SlotStatus::default(); slots], next_track: 0, next_session: 0 }
    }

    /// Takes `codecs` as the tracks of a new session of `slot`. A track whose coding was there before keeps its id, so that
    /// consumers go on; gives the session and the ids.
    pub(crate) fn attach(&mut self, slot: usize, label: Label, codecs: Vec<Codec>) -> (u64, Vec<Track>) {
        self.next_session += 1;
        let mut before = std::mem::take(&mut self.slots[slot].tracks);
        let mut tracks = Vec::with_capacity(codecs.len());
        for codec in codecs {
            let id = match before.iter().position(|track| track.codec.same_coding(&codec)) {
                Some(at) => before.remove(at).id,
                None => {
                    self.next_track = self.next_track.wrapping_add(1);
                    TrackId(self.next_track)
                }
            };
            tracks.push(Track { id, codec });
        }
        let status = &mut self.slots[slot];
        status.tracks.clone_from(&tracks);
        status.label = Some(label);
        status.session = self.next_session;
        status.settle();
        (self.next_session, tracks)
    }

    pub(crate) fn track(&self, id: TrackId) -> Option<&Track> {
        self.slots.iter().flat_map(|slot| &slot.tracks).find(|track| track.id == id)
    }

    /// The tracks that are there now.
    pub(crate) fn live_tracks(&self) -> impl Iterator<Item = (usize, &Track)> {
        let live = self.slots.iter().enumerate().filter(|(_, slot)| slot.state == State::Live);
        live.flat_map(|(index, slot)| slot.tracks.iter().map(move |track| (index, track)))
    }

    /// The state of the stream as a whole: live if any source is, else connecting if any is, else the first failure.
    pub(crate) fn state(&self) -> State {
        let any = |wanted: &State| self.slots.iter().any(|slot| slot.state == *wanted);
        if any(&State::Live) {
            return State::Live;
        }
        if any(&State::Connecting) {
            return State::Connecting;
        }
        let failed =
            self.slots.iter().map(|slot| &slot.state).find(|state| matches!(state, State::Failed { .. }));
        failed.cloned().unwrap_or_default()
    }

    /// What went wrong last, while nothing is live.
    pub(crate) fn reason(&self) -> Option<String> {
        if self.slots.iter().any(|slot| slot.state == State::Live) {
            return None;
        }
        self.slots.iter().find_map(|slot| match &slot.state {
            State::Failed { reason, .. } => Some(reason.clone()),
            State::Idle => None,
            State::Connecting | State::Live => slot.last_failure.clone(),
        })
    }
}

/// The tracks of `kind` in words: `H264 High 1920x1080, PCMA 8000 Hz 1 channel`; `none` if there are none.
pub(crate) fn words<'a>(tracks: impl IntoIterator<Item = &'a Track>, kind: Option<Kind>) -> String {
    let list: Vec<String> = tracks
        .into_iter()
        .filter(|track| kind.is_none_or(|kind| track.kind() == kind))
        .map(|track| track.codec.to_string())
        .collect();
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}
