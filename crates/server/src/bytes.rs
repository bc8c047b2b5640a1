//! Bytes of a source to frames in its stream: out of a child's pipe, an HTTP body, a TCP connection.

use crate::limits::{SOURCE_AHEAD, SOURCE_WAITED};
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
    /// The demuxer's ids of the tracks, in the order in which the producer has them.
    tracks: Vec<TrackId>,
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
            self.tracks = tracks.iter().map(|track| track.id).collect();
            let codecs = tracks.iter().map(|track| track.codec.clone()).collect();
            self.producer = Some(attach.tracks(self.label.clone(), codecs));
            return Ok(());
        }
        // Those who watch have been told of the tracks there were. If nothing of them is left they have to come again.
        if tracks.iter().any(|track| self.tracks.contains(&track.id)) {
            for track in tracks.iter().filter(|track| !self.tracks.contains(&track.id)) {
                info!(target: "streams", "{} has come later than the others, and is passed over", track.codec);
            }
            return Ok(());
        }
        Err(DialError::new(ErrorKind::Retry, "the tracks are other ones now"))
    }

    fn frame(&mut self, mut frame: Frame) -> Result<(), DialError> {
        self.pace.last = self.pace.last.max(Some(frame.dts));
        let Some(producer) = &mut self.producer else { return Ok(()) };
        let at = self.tracks.iter().position(|&track| track == frame.track);
        let Some(track) = at.and_then(|at| producer.track(at)) else { return Ok(()) };
        frame.track = track;
        producer.publish(frame).map_err(|error| DialError::new(ErrorKind::Retry, error.to_string()))
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
