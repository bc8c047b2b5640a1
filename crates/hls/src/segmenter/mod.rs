//! [`Segmenter`]: frames to segments, parts and playlists.

mod absence;
mod cut;
mod open;
mod publish;
#[cfg(test)]
mod tests;
mod time;
mod tracks;

use crate::dates::Dates;
use crate::error::Error;
use crate::limits::{MAX_KEYFRAME_DISTANCE, MAX_SEGMENT_BYTES, MAX_SEGMENT_FRAMES};
use crate::mux::Mux;
use crate::options::Options;
use crate::promise::Promise;
use crate::segment::{Head, Init};
use crate::snapshot::Snapshot;
use crate::window::Window;
use absence::Absence;
use open::Open;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tracks::Tracks;
use yeoul_media::{Frame, Kind, Timestamp, Track, TrackId};

/// Makes one Media Playlist, and all it lists, of the frames of one stream.
///
/// Frames go in by [`Segmenter::push`], time by [`Segmenter::handle_timeout`] when [`Segmenter::timeout`] says so. Whenever
/// [`Segmenter::changed`] is true, [`Segmenter::snapshot`] gives what is to be served from then on.
#[derive(Debug)]
pub struct Segmenter {
    options: Options,
    tracks: Tracks,
    state: State,
    /// Made with the first keyframe, when codecs are known.
    mux: Option<Mux>,
    init: Option<Arc<Init>>,
    /// Init segments so far.
    inits: u64,
    /// `PART-TARGET`, known before the first part is cut.
    part_target: Option<Duration>,
    /// The first segment whose parts keep to it.
    parts_from: u64,
    /// Made with the first snapshot.
    promise: Option<Promise>,
    generation: u32,
    window: Window,
    dates: Dates,
    /// The date at which the last segment ends.
    ends: Option<SystemTime>,
    /// The next segment begins anew: `EXT-X-DISCONTINUITY`.
    discontinuity: bool,
    next_part: u64,
    /// When time stamps broke lately.
    breaks: VecDeque<Instant>,
    /// Why it has stopped.
    failed: Option<Error>,
    version: u64,
    changed: bool,
    latest: Option<Arc<Snapshot>>,
}

#[derive(Debug)]
enum State {
    /// No segment is in progress: it starts with the next keyframe.
    Waiting {
        /// When the first frame came that was no keyframe.
        since: Option<Instant>,
        /// Set once there was a segment.
        absence: Option<Absence>,
    },
    /// The first frames, until it is known how far apart they are.
    Gathering(Vec<Frame>),
    Open(Box<Open>),
    Ended,
}

/// So many numbers of parts for each Media Sequence Number to begin with: they grow faster than parts are made.
const PARTS_OF_A_SEGMENT: u64 = 64;
/// Absent segments in front of the first one of LL-HLS. hls.js loads no playlist without a segment, and others wait until there
/// are three target durations; with a GOP of ten seconds that would be half a minute. They say what is true: before, there was
/// nothing.
const LEADING_GAPS: u64 = 4;
/// Absent parts in the last of them. hls.js plays the parts of a segment in progress only if parts before it are listed.
const LEADING_GAP_PARTS: u32 = 2;

impl Segmenter {
    /// A segmenter of these tracks, of which the container has to carry each.
    ///
    /// # Errors
    /// If there is no track.
    pub fn new(options: Options, tracks: &[Track]) -> Result<Self, Error> {
        if tracks.is_empty() {
            return Err(Error::Container("HLS needs at least one track, got none".to_owned()));
        }
        let leading_gaps = if options.has_parts() { LEADING_GAPS } else { 0 };
        Ok(Self {
            tracks: Tracks::new(tracks),
            state: State::Waiting { since: None, absence: None },
            mux: None,
            init: None,
            inits: 0,
            part_target: None,
            parts_from: 0,
            promise: None,
            generation: 0,
            window: Window::new(
                options.first_msn.saturating_add(leading_gaps),
                options.first_discontinuity,
                options.max_bytes,
            ),
            dates: Dates::new(options.clock),
            ends: None,
            discontinuity: false,
            next_part: first_part(&options).saturating_add(LEADING_GAP_PARTS.into()),
            breaks: VecDeque::new(),
            failed: None,
            version: 0,
            changed: false,
            latest: None,
            options,
        })
    }

    /// Takes a frame that is not to be served, only to learn from: how far apart frames and keyframes are. Call it with what
    /// came before the GOP buffer, if there is something.
    pub fn observe(&mut self, frame: &Frame) {
        if let Some(state) = self.tracks.get_mut(frame.track) {
            state.cadence.observe(frame.dts, frame.keyframe);
        }
    }

    /// Takes the next frame. Frames of other tracks are passed over, and so is what comes before the first keyframe.
    ///
    /// # Errors
    /// If no playlist can be made of what comes; it stays so.
    pub fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let taken = self.take(frame);
        if let Err(error) = &taken {
            self.failed = Some(error.clone());
        }
        taken
    }

    /// Ends the playlist: what is in progress becomes its last segment.
    ///
    /// # Errors
    /// If the last segment cannot be made.
    pub fn end(&mut self) -> Result<(), Error> {
        self.finish_gathering()?;
        let closed = match &self.state {
            State::Open(_) => self.close(None, true),
            State::Waiting { absence: Some(absence), .. } => {
                let told = absence.told;
                self.cut_gap(told);
                Ok(())
            }
            State::Waiting { absence: None, .. } | State::Gathering(_) | State::Ended => Ok(()),
        };
        self.state = State::Ended;
        self.failed = Some(Error::Ended);
        self.publish();
        closed
    }

    /// Goes on with other tracks: a new init segment and a discontinuity.
    ///
    /// # Errors
    /// If there is no track, or the segment in progress cannot be made.
    pub fn change_tracks(&mut self, tracks: &[Track]) -> Result<(), Error> {
        if tracks.is_empty() {
            return Err(Error::Container("HLS needs at least one track, got none".to_owned()));
        }
        self.finish_gathering()?;
        if matches!(self.state, State::Open(_)) {
            self.interrupt()?;
        }
        self.tracks = Tracks::new(tracks);
        self.mux = None;
        self.discontinuity = true;
        Ok(())
    }

    fn take(&mut self, frame: &Frame) -> Result<(), Error> {
        let Some(state) = self.tracks.get_mut(frame.track) else { return Ok(()) };
        if let Some(codec) = frame.new_codec.as_deref().filter(|codec| **codec != state.track.codec) {
            state.track.codec = codec.clone();
            state.changed = true;
        }
        if self.leads(frame.track) {
            self.elapse(frame.received_at)?;
        }
        if let Some(state) = self.tracks.get_mut(frame.track) {
            state.cadence.observe(frame.dts, frame.keyframe);
        }
        self.feed(frame)
    }

    fn leads(&self, track: TrackId) -> bool {
        self.tracks.leading().is_some_and(|leading| leading.track.id == track)
    }

    /// Takes a frame that was observed.
    fn feed(&mut self, frame: &Frame) -> Result<(), Error> {
        let leads = self.leads(frame.track);
        match &mut self.state {
            State::Ended => Err(Error::Ended),
            State::Gathering(frames) => {
                frames.push(frame.clone());
                let known = self.tracks.leading().is_some_and(|leading| leading.cadence.is_known());
                if known || self.gathered_enough(frame) { self.finish_gathering() } else { Ok(()) }
            }
            State::Waiting { since, .. } if leads => {
                let since = *since.get_or_insert(frame.received_at);
                let waited = frame.received_at.saturating_duration_since(since);
                if !frame.keyframe {
                    return self.refuse_long_waits(frame.track, waited);
                }
                self.start(frame, waited)
            }
            // Sound before its picture.
            State::Waiting { .. } => Ok(()),
            State::Open(_) if leads => self.go_on(frame),
            State::Open(open) => {
                if self.tracks.get_mut(frame.track).is_some_and(|state| state.changed) {
                    // Waits for the next segment, which has the new init segment.
                    return Ok(());
                }
                let frame = self.tracks.without_hole(frame);
                open.add(frame);
                self.refuse_too_much()
            }
        }
    }

    fn refuse_long_waits(&self, track: TrackId, waited: Duration) -> Result<(), Error> {
        if waited < MAX_KEYFRAME_DISTANCE { Ok(()) } else { Err(Error::NoKeyframe { track, waited }) }
    }

    /// A keyframe, and no segment in progress.
    fn start(&mut self, keyframe: &Frame, waited: Duration) -> Result<(), Error> {
        if self.mux.is_none() {
            let leading = self.tracks.leading().filter(|leading| leading.track.kind() == Kind::Video);
            if leading.is_some_and(|leading| leading.track.codec.rfc6381().is_none()) {
                // Its parameter sets may still come; without them nobody can decode it.
                let track = keyframe.track;
                return if waited < MAX_KEYFRAME_DISTANCE {
                    Ok(())
                } else {
                    Err(Error::NoParameterSets { track })
                };
            }
            self.make_mux()?;
        }
        if self.part_target.is_none() && self.options.has_parts() {
            if !self.tracks.leading().is_some_and(|leading| leading.cadence.is_known()) {
                self.state = State::Gathering(vec![keyframe.clone()]);
                return Ok(());
            }
            self.choose_part_target();
        }
        if !self.end_absence(keyframe) {
            return Ok(());
        }
        self.open(keyframe)?;
        self.add(keyframe)
    }

    fn make_mux(&mut self) -> Result<(), Error> {
        self.tracks.states_mut().for_each(|state| state.changed = false);
        let mux = Mux::new(self.options.form, &self.tracks.list())?;
        self.take_init(&mux);
        self.mux = Some(mux);
        Ok(())
    }

    /// Takes over the muxer's init segment.
    fn take_init(&mut self, mux: &Mux) {
        self.init = mux.init().map(|bytes| {
            let version = self.inits;
            self.inits += 1;
            Arc::new(Init { version, bytes: bytes.clone() })
        });
    }

    /// The cadence is known, or the camera is too slow to wait for more.
    fn finish_gathering(&mut self) -> Result<(), Error> {
        let State::Gathering(frames) = &mut self.state else { return Ok(()) };
        let frames = std::mem::take(frames);
        self.choose_part_target();
        self.state = State::Waiting { since: None, absence: None };
        frames.iter().try_for_each(|frame| self.feed(frame))
    }

    fn gathered_enough(&self, latest: &Frame) -> bool {
        let State::Gathering(frames) = &self.state else { return false };
        let Some(first) = frames.first() else { return false };
        frames.len() >= MAX_SEGMENT_FRAMES
            || latest.received_at.saturating_duration_since(first.received_at) >= MAX_KEYFRAME_DISTANCE
    }

    fn choose_part_target(&mut self) {
        if let Some(leading) = self.tracks.leading().filter(|_| self.part_target.is_none()) {
            self.part_target = Some(leading.cadence.part_target(self.options.part_target));
        }
    }

    /// A frame of the leading track while a segment is in progress.
    fn go_on(&mut self, frame: &Frame) -> Result<(), Error> {
        let patience = self.patience();
        let State::Open(open) = &mut self.state else { return Ok(()) };
        let step = frame.dts.saturating_since(open.last);
        if frame.dts < open.last || step > patience {
            return self.break_off(frame);
        }
        if self.is_cut_at(frame) {
            self.close(Some(frame.dts), false)?;
            self.open(frame)?;
            return self.add(frame);
        }
        let end = frame.dts + self.distance();
        if end.saturating_since(open_start(&self.state)) >= MAX_KEYFRAME_DISTANCE {
            let waited = end.saturating_since(open_start(&self.state));
            return Err(Error::NoKeyframe { track: frame.track, waited });
        }
        self.keep_the_promise(end);
        self.mux_chunk(frame.dts)?;
        self.add(frame)
    }

    /// The usual distance of the leading track's frames.
    fn distance(&self) -> Duration {
        self.tracks.leading().map_or(Duration::ZERO, |leading| leading.cadence.next())
    }

    /// Opens a segment that begins with `frame`.
    fn open(&mut self, frame: &Frame) -> Result<(), Error> {
        self.take_changes()?;
        self.renew_part_target();
        let head = self.head(frame);
        let mut open = Open::new(head, frame);
        if let State::Open(before) = &mut self.state {
            // Sound that came behind the last part.
            let (frames, _) = before.take_pending(frame.track);
            frames.into_iter().for_each(|frame| open.add(frame));
        }
        self.state = State::Open(Box::new(open));
        Ok(())
    }

    fn head(&mut self, frame: &Frame) -> Head {
        let discontinuity = std::mem::take(&mut self.discontinuity);
        let ends = self.ends.filter(|_| discontinuity);
        let date = self.dates.start(frame, frame.dts, ends);
        Head { discontinuity, init: self.init.clone(), date }
    }

    /// Tells the muxer of new codecs.
    fn take_changes(&mut self) -> Result<(), Error> {
        let Some(mut mux) = self.mux.take() else { return Ok(()) };
        let mut anew = false;
        for state in self.tracks.states_mut().filter(|state| state.changed) {
            state.changed = false;
            anew |= mux.change(state.track.id, &state.track.codec)?;
        }
        if anew {
            self.discontinuity = true;
            self.take_init(&mux);
        }
        self.mux = Some(mux);
        Ok(())
    }

    fn refuse_too_much(&self) -> Result<(), Error> {
        let State::Open(open) = &self.state else { return Ok(()) };
        let span = open.last.saturating_since(open.start);
        if open.frames > MAX_SEGMENT_FRAMES {
            return Err(Error::StandingTime { span });
        }
        if open.size_bytes + open.pending_bytes > MAX_SEGMENT_BYTES {
            return Err(Error::TooLarge { span });
        }
        Ok(())
    }

    /// Something is there that was not.
    fn publish(&mut self) {
        self.changed = true;
    }
}

/// The number of the first part, an absent one.
fn first_part(options: &Options) -> u64 {
    options.first_msn.saturating_mul(PARTS_OF_A_SEGMENT)
}

/// Where the segment in progress starts.
fn open_start(state: &State) -> Timestamp {
    match state {
        State::Open(open) => open.start,
        State::Waiting { .. } | State::Gathering(_) | State::Ended => Timestamp::ZERO,
    }
}
