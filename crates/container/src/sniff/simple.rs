//! Streams that are one frame after another, without times: JPEG pictures, AAC in ADTS, MPEG audio.

use super::{Error, Form};
use crate::announce::Announcer;
use crate::arrival::Clock;
use crate::limits::MAX_SEARCH_BYTES;
use crate::splitter::Splitter;
use crate::{Event, adts, jpegs, multipart};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::bitstream::{jpeg, mp3};
use yeoul_media::{Codec, Frame, PcmLayout, TrackId};

/// One track whose codec comes with its first frame.
#[derive(Debug)]
struct One {
    announcer: Announcer,
    track: TrackId,
    codec: Option<Codec>,
    clock: Clock,
}

impl One {
    fn new(step: Duration) -> Self {
        let mut announcer = Announcer::default();
        Self { track: announcer.add(None), announcer, codec: None, clock: Clock::new(step) }
    }

    fn push(&mut self, codec: Codec, lasts: Option<Duration>, received_at: Instant, data: Bytes) {
        let pts = match lasts {
            Some(lasts) => self.clock.sound(lasts, received_at),
            None => self.clock.picture(received_at),
        };
        let is_new = self.codec.as_ref() != Some(&codec);
        let new_codec = is_new.then(|| Arc::new(self.codec.insert(codec).clone()));
        self.announcer.push(Frame {
            track: self.track,
            keyframe: true,
            pts,
            dts: pts,
            new_codec,
            captured_at: None,
            received_at,
            data,
        });
    }
}

/// JPEG pictures.
#[derive(Debug)]
pub(super) struct Pictures {
    reader: Reader,
    one: One,
}

#[derive(Debug)]
enum Reader {
    Multipart(multipart::Reader),
    Plain(jpegs::Splitter),
}

impl Pictures {
    pub(super) fn multipart() -> Self {
        Self::new(Reader::Multipart(multipart::Reader::default()))
    }

    pub(super) fn plain() -> Self {
        Self::new(Reader::Plain(jpegs::Splitter::default()))
    }

    fn new(reader: Reader) -> Self {
        // Ten a second, until arrivals tell.
        Self { reader, one: One::new(Duration::from_millis(100)) }
    }

    pub(super) fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        match &mut self.reader {
            Reader::Multipart(reader) => {
                reader.push(data)?;
                while let Some(part) = reader.pull() {
                    picture(&mut self.one, part.data, received_at);
                }
            }
            Reader::Plain(splitter) => {
                splitter.push(data);
                while let Some(data) = splitter.pull()? {
                    picture(&mut self.one, data, received_at);
                }
            }
        }
        Ok(())
    }

    pub(super) fn pull(&mut self) -> Option<Event> {
        self.one.announcer.pull()
    }
}

/// Parts that are no pictures (a camera's status text between them) are passed over.
fn picture(one: &mut One, data: Bytes, received_at: Instant) {
    if data.starts_with(&[0xff, 0xd8]) {
        let codec = Codec::Jpeg { dimensions: jpeg::dimensions(&data) };
        one.push(codec, None, received_at, data);
    }
}

/// Frames of sound that tell their own length.
#[derive(Debug)]
pub(super) struct Sounds {
    reader: SoundReader,
    one: One,
}

#[derive(Debug)]
enum SoundReader {
    Adts(adts::Reader),
    Mp3(Splitter),
}

impl Sounds {
    pub(super) fn adts() -> Self {
        Self { reader: SoundReader::Adts(adts::Reader::default()), one: One::new(Duration::ZERO) }
    }

    /// May begin with a tag (ID3): it is searched through.
    pub(super) fn mp3() -> Self {
        Self { reader: SoundReader::Mp3(Splitter::default()), one: One::new(Duration::ZERO) }
    }

    pub(super) fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        let lasts = |samples: u32, rate: u32| {
            Some(Duration::from_nanos(u64::from(samples) * 1_000_000_000 / u64::from(rate.max(1))))
        };
        let (passed_over, form) = match &mut self.reader {
            SoundReader::Adts(reader) => {
                reader.push(data);
                while let Some(unit) = reader.pull() {
                    // A reserved value: nobody knows what to do with the frame.
                    let Some(config) = unit.header.config() else { continue };
                    let lasts = lasts(adts::FRAME_SAMPLES, unit.header.sample_rate());
                    self.one.push(Codec::Aac(config), lasts, received_at, unit.data);
                }
                (reader.passed_over(), Form::Adts)
            }
            SoundReader::Mp3(splitter) => {
                splitter.push(data);
                while let Some((header, data)) = splitter.pull::<mp3::Header>() {
                    let layout = PcmLayout { sample_rate: header.sample_rate, channels: header.channels };
                    let lasts = lasts(header.samples, header.sample_rate);
                    self.one.push(Codec::Mp3(layout), lasts, received_at, data);
                }
                (splitter.passed_over(), Form::Mp3)
            }
        };
        // A tag has a cover picture in it at most.
        if self.one.codec.is_none() && passed_over > 16 * MAX_SEARCH_BYTES as u64 {
            return Err(Error::NoFrames(form));
        }
        Ok(())
    }

    pub(super) fn pull(&mut self) -> Option<Event> {
        self.one.announcer.pull()
    }
}
