//! PES packets of AAC in ADTS, MPEG audio and Opus to frames.
//!
//! A PTS belongs to the first frame that starts in its PES packet; the others follow by their lengths in samples.

use super::elementary::Unit;
use super::pes::Pes;
use crate::adts;
use crate::mpegts::CLOCK_HZ;
use crate::opus;
use crate::splitter::Splitter;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use yeoul_media::bitstream::mp3;
use yeoul_media::{Codec, PcmLayout, Timestamp};

/// One track of sound.
#[derive(Debug)]
pub(super) struct Sound {
    form: Form,
    /// The codec that was told last.
    codec: Option<Codec>,
    /// When the next frame starts, and the one behind it where that is told.
    next: Option<Next>,
    then: Option<i64>,
    damaged_frames: u64,
}

#[derive(Debug)]
enum Form {
    Adts { reader: adts::Reader, last: Option<adts::Header> },
    Mpeg(Splitter),
    Opus,
}

/// When the next frame starts: some whole frames after a PTS.
#[derive(Clone, Copy, Debug)]
struct Next {
    pts: i64,
    since: Timestamp,
}

impl Sound {
    pub(super) fn adts() -> Self {
        Self::new(Form::Adts { reader: adts::Reader::default(), last: None }, None)
    }

    pub(super) fn mpeg() -> Self {
        Self::new(Form::Mpeg(Splitter::aligned()), None)
    }

    pub(super) fn opus(channels: u8) -> Self {
        Self::new(Form::Opus, Some(Codec::Opus { channels }))
    }

    fn new(form: Form, codec: Option<Codec>) -> Self {
        Self { form, codec, next: None, then: None, damaged_frames: 0 }
    }

    /// As far as it is known.
    pub(super) fn codec(&self) -> Option<Codec> {
        self.codec.clone()
    }

    pub(super) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }

    /// Something is missing: what waits is worthless, and so is a PES packet that was `dropped`.
    pub(super) fn damage(&mut self, dropped: bool) {
        self.damaged_frames += u64::from(dropped);
        (self.next, self.then) = (None, None);
        match &mut self.form {
            Form::Adts { reader, .. } => reader.reset(),
            Form::Mpeg(splitter) => splitter.reset(),
            Form::Opus => {}
        }
    }

    /// The next PES packet.
    pub(super) fn push(&mut self, pes: &Pes<'_>, mut give: impl FnMut(Unit)) {
        let pts = pes.times.map(|(pts, _)| pts);
        let waiting = match &mut self.form {
            Form::Adts { reader, .. } => {
                let waiting = reader.waiting_bytes();
                reader.push(pes.payload);
                waiting
            }
            Form::Mpeg(splitter) => {
                let waiting = splitter.waiting_bytes();
                splitter.push(pes.payload);
                waiting
            }
            Form::Opus => 0,
        };
        if waiting == 0 {
            self.next = pts.map(Next::at).or(self.next);
        } else {
            // A frame that started before this packet comes first.
            self.then = pts.or(self.then);
        }
        let mut opus = pes.payload;
        while let Some((codec, duration, data)) = self.frame(&mut opus) {
            let next = self.next;
            self.next = self.then.take().map(Next::at).or(next.map(|next| next.after(duration)));
            let Some(next) = next else { continue };
            let new_codec = codec.filter(|codec| self.codec.as_ref() != Some(codec));
            if new_codec.is_some() {
                self.codec.clone_from(&new_codec);
            }
            let pts = next.pts.wrapping_add(next.since.to_ticks(CLOCK_HZ));
            give(Unit { times: (pts, pts), keyframe: true, new_codec: new_codec.map(Arc::new), data });
        }
    }

    /// The next whole frame, how long it sounds, and its codec if that may be a new one.
    fn frame(&mut self, opus: &mut &[u8]) -> Option<(Option<Codec>, Duration, Bytes)> {
        match &mut self.form {
            Form::Adts { reader, last } => loop {
                let unit = reader.pull()?;
                let known = last.is_some_and(|last| last.same_config(&unit.header));
                let codec = if known { None } else { unit.header.config().map(Codec::Aac) };
                // A header with a reserved value: nobody knows what to do with the frame.
                if !known && codec.is_none() {
                    continue;
                }
                *last = Some(unit.header);
                return Some((codec, samples(adts::FRAME_SAMPLES, unit.header.sample_rate()), unit.data));
            },
            Form::Mpeg(splitter) => {
                let (header, data) = splitter.pull::<mp3::Header>()?;
                let layout = PcmLayout { sample_rate: header.sample_rate, channels: header.channels };
                Some((Some(Codec::Mp3(layout)), samples(header.samples, header.sample_rate), data))
            }
            Form::Opus => {
                if opus.is_empty() {
                    return None;
                }
                let packet = opus_packet(opus).filter(|packet| !packet.is_empty());
                if packet.is_none() {
                    self.damaged_frames += 1;
                    *opus = &[];
                }
                let packet = packet?;
                Some((None, opus::duration(packet), Bytes::copy_from_slice(packet)))
            }
        }
    }
}

impl Next {
    fn at(pts: i64) -> Self {
        Self { pts, since: Timestamp::ZERO }
    }

    fn after(self, duration: Duration) -> Self {
        Self { since: self.since + duration, ..self }
    }
}

fn samples(count: u32, rate: u32) -> Duration {
    Duration::from_nanos(u64::from(count) * 1_000_000_000 / u64::from(rate.max(1)))
}

/// Takes the next packet from behind its control header: 11 bits of prefix; flags for the trimming of the start, of the end, and
/// an extension; the size in bytes of 255 and a rest.
fn opus_packet<'a>(data: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&[prefix, flags], mut rest) = data.split_first_chunk::<2>()?;
    if prefix != 0x7f || flags & 0xe0 != 0xe0 {
        return None;
    }
    let mut size = 0usize;
    loop {
        let (&byte, after) = rest.split_first()?;
        (size, rest) = (size + usize::from(byte), after);
        if byte != 0xff {
            break;
        }
    }
    for _ in 0..(flags & 0x18).count_ones() {
        rest = rest.get(2..)?;
    }
    if flags & 0x04 != 0 {
        let (&length, after) = rest.split_first()?;
        rest = after.get(usize::from(length)..)?;
    }
    let (packet, rest) = rest.split_at_checked(size)?;
    *data = rest;
    Some(packet)
}
