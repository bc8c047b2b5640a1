//! Bytes of a source to frames in its stream: out of a child's pipe, an HTTP body, a TCP connection.

use crate::limits::{SOURCE_AHEAD, SOURCE_WAITED, STANDING_FRAMES, STANDING_STEP, STANDING_WAIT};
use crate::streams::{DialError, ErrorKind};
use std::time::{Duration, Instant};
use tracing::info;
use yeoul_container::Event;
use yeoul_container::sniff::{Demuxer, Error, Form};
use yeoul_hub::{Attach, Label, Producer};
use yeoul_media::{Frame, Timestamp, Track, TrackId};

/// Takes the bytes of one session.
#[derive(Debug)]
pub(crate) struct Intake {
    demuxer: Demuxer,
    /// Until the tracks are known.
    attach: Option<Attach>,
    /// Who gives; its protocol is completed by the form of the bytes.
    label: Label,
    producer: Option<Producer>,
    /// The demuxer's ids of the tracks, in the order in which the producer has them, and their clocks.
    tracks: Vec<(TrackId, Clock)>,
    pace: Pace,
}

impl Intake {
    /// Takes bytes of whatever form. `label` has the transport as its protocol: `pipe`, `http`.
    pub(crate) fn new(attach: Attach, label: Label) -> Self {
        Self {
            demuxer: Demuxer::default(),
            attach: Some(attach),
            label,
            producer: None,
            tracks: Vec::new(),
            pace: Pace::default(),
        }
    }

    /// The bytes have this form.
    pub(crate) fn expect(&mut self, form: Form) {
        self.demuxer = Demuxer::of(form);
    }

    /// Whether its tracks are known.
    pub(crate) fn is_live(&self) -> bool {
        self.producer.is_some()
    }

    /// The next bytes.
    pub(crate) fn push(&mut self, data: &[u8]) -> Result<(), DialError> {
        let pushed = self.demuxer.push(data, Instant::now());
        self.publish()?;
        pushed.map_err(|error| from_demuxer(&error))
    }

    /// Packets that are missing, where the form counts them.
    pub(crate) fn lost_packets(&self) -> u64 {
        self.demuxer.lost_packets()
    }

    /// Nothing more comes.
    pub(crate) fn finish(&mut self) -> Result<(), DialError> {
        let finished = self.demuxer.finish(Instant::now());
        self.publish()?;
        finished.map_err(|error| from_demuxer(&error))
    }

    /// How long to wait before more is taken, after bytes that were waited for so long. What is sent live is never held up; a
    /// file is played as fast as it was taken.
    pub(crate) fn hold(&mut self, waited: Duration) -> Duration {
        self.pace.hold(Instant::now(), waited)
    }

    fn publish(&mut self) -> Result<(), DialError> {
        while let Some(event) = self.demuxer.pull() {
            match event {
                Event::Tracks(tracks) => self.attach(&tracks)?,
                Event::Frame(frame) => self.frame(frame)?,
            }
        }
        Ok(())
    }

    fn attach(&mut self, tracks: &[Track]) -> Result<(), DialError> {
        if let Some(attach) = self.attach.take() {
            if let Some(form) = self.demuxer.form() {
                self.label.protocol = format!("{form}+{}", self.label.protocol);
            }
            self.tracks = tracks.iter().map(|track| (track.id, Clock::default())).collect();
            let codecs = tracks.iter().map(|track| track.codec.clone()).collect();
            self.producer = Some(attach.tracks(self.label.clone(), codecs));
            return Ok(());
        }
        // Those who watch have been told of the tracks there were. If nothing of them is left they have to come again.
        let is_known = |track: &Track| self.tracks.iter().any(|(id, _)| *id == track.id);
        if tracks.iter().any(is_known) {
            for track in tracks.iter().filter(|track| !is_known(track)) {
                info!(target: "streams", "{} has come later than the others, and is passed over", track.codec);
            }
            return Ok(());
        }
        Err(DialError::new(ErrorKind::Retry, "the tracks are other ones now"))
    }

    fn frame(&mut self, mut frame: Frame) -> Result<(), DialError> {
        self.pace.last = self.pace.last.max(Some(frame.dts));
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let mut tracks = self.tracks.iter_mut().enumerate();
        let Some((at, (_, clock))) = tracks.find(|(_, (id, _))| *id == frame.track) else { return Ok(()) };
        let Some(track) = producer.track(at) else { return Ok(()) };
        if clock.stands_still(frame.received_at, frame.dts) {
            let text = "frames come, but their time stands still, as after a step back of a sender's clock";
            return Err(DialError::new(ErrorKind::Retry, text));
        }
        frame.track = track;
        producer.publish(frame).map_err(|error| DialError::new(ErrorKind::Retry, error.to_string()))
    }
}

/// Whether the time of a track's frames goes on. Who gives them may correct a clock that has gone back by letting it stand until it is
/// there again, which can take a day; a new session begins where the clock is.
#[derive(Debug, Default)]
struct Clock {
    /// When it was last seen to go on, and what it was.
    moved: Option<(Instant, Timestamp)>,
    /// Frames since.
    frames: u32,
}

impl Clock {
    fn stands_still(&mut self, now: Instant, dts: Timestamp) -> bool {
        let (at, time) = *self.moved.get_or_insert((now, dts));
        if dts.saturating_since(time).max(time.saturating_since(dts)) >= STANDING_STEP {
            *self = Self { moved: Some((now, dts)), frames: 0 };
            return false;
        }
        self.frames += 1;
        self.frames >= STANDING_FRAMES && now.saturating_duration_since(at) >= STANDING_WAIT
    }
}

/// How far frames are ahead of the clock.
#[derive(Debug, Default)]
struct Pace {
    /// A time of the source, and when it was.
    anchor: Option<(Instant, Timestamp)>,
    /// The latest time of a frame.
    last: Option<Timestamp>,
}

impl Pace {
    fn hold(&mut self, now: Instant, waited: Duration) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        // Who lets us wait has nothing in store: the clocks of both start anew, however far they have drifted apart.
        if waited >= SOURCE_WAITED {
            self.anchor = None;
        }
        let (at, time) = *self.anchor.get_or_insert((now, last));
        let ahead = last.saturating_since(time).saturating_sub(now.saturating_duration_since(at));
        ahead.saturating_sub(SOURCE_AHEAD)
    }
}

/// Why bytes cannot be read.
pub(crate) fn from_demuxer(error: &Error) -> DialError {
    let kind = match error {
        Error::Unknown(_) | Error::Foreign(_) | Error::Wav(_) | Error::NoFrames(_) => ErrorKind::Unsupported,
        Error::MpegTs(_)
        | Error::Flv(_)
        | Error::Mp4(_)
        | Error::Multipart(_)
        | Error::Jpeg(_)
        | Error::AnnexB(_) => ErrorKind::PeerViolation,
    };
    DialError::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_is_told_from_a_slow_one() {
        let (begin, step) = (Instant::now(), Duration::from_millis(40));
        let after = |frames: u32, each: Duration| {
            let mut clock = Clock::default();
            (0..frames).filter(|&n| clock.stands_still(begin + step * n, Timestamp::ZERO + each * n)).count()
        };
        assert_eq!(after(125, Duration::from_micros(11)), 0);
        assert_eq!(after(127, Duration::from_micros(11)), 2);
        // A tenth of the speed, and a file that is read at once.
        assert_eq!(after(1000, step / 10), 0);
        let mut clock = Clock::default();
        assert!((0..1000).all(|n| !clock.stands_still(begin, Timestamp::ZERO + step * n)));
        // Two pictures in ten seconds.
        assert!((0..20).all(|n| !clock.stands_still(begin + Duration::from_secs(5) * n, Timestamp::ZERO)));
    }

    #[test]
    fn a_file_is_held_up_and_what_is_live_is_not() {
        let (mut file, mut live) = (Pace::default(), Pace::default());
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        for count in 0..20u32 {
            let time = Some(Timestamp::ZERO + second * count);
            (file.last, live.last) = (time, time);
            assert_eq!(file.hold(begin, Duration::ZERO), (second * count).saturating_sub(SOURCE_AHEAD));
            assert_eq!(live.hold(begin, SOURCE_WAITED), Duration::ZERO);
        }
    }
}
