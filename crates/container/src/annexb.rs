//! H.264 and H.265 as a bare stream of NAL units behind start codes (ITU-T H.264, H.265 Annex B), as camera programs write it to
//! a pipe.
//!
//! Access units are told apart by their delimiters, parameter sets and first slices (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4); one is
//! whole when the next begins, so pictures come one picture late. There are no times in it: frames get those of their arrival.
//!
//! Leaves out pictures that are shown in another order than they are sent (no camera sends them without a container), and
//! interlaced pictures without delimiters between them.

use crate::Event;
use crate::announce::Announcer;
use crate::arrival::Clock;
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_SEARCH_BYTES};
use crate::pictures::Pictures;
use bytes::{Buf, BytesMut};
use std::time::{Duration, Instant};
use yeoul_media::bitstream::{h264, h265, nal};
use yeoul_media::{Codec, Frame, TrackId};

/// The distance of pictures until arrivals tell it, where the stream does not: 25 a second.
const USUAL_STEP: Duration = Duration::from_millis(40);

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No NAL unit begins.
    #[error("there is no start code in {MAX_SEARCH_BYTES} bytes: this is no H.264 or H.265")]
    NoStartCode,
    /// A NAL unit without end.
    #[error("a NAL unit has {0} bytes or more, expected at most {MAX_ACCESS_UNIT_BYTES}")]
    TooLarge(usize),
}

/// Reads such a stream in pieces of any size.
#[derive(Debug)]
pub struct Demuxer {
    buffer: BytesMut,
    /// Bytes at its start in which no start code begins.
    searched: usize,
    /// The buffer starts with a NAL unit.
    in_unit: bool,
    pictures: Pictures,
    track: TrackId,
    clock: Clock,
    announcer: Announcer,
    /// NAL units of the access unit so far.
    open: BytesMut,
    has_slice: bool,
}

/// What a NAL unit says about where access units begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The first of its access unit, and nothing else.
    Delimiter,
    /// Stands before the slices of its access unit.
    Head,
    /// The first slice of a picture.
    FirstSlice,
    Slice,
    /// May be dropped.
    Filler,
    Other,
}

impl Demuxer {
    /// A reader of H.264.
    #[must_use]
    pub fn h264() -> Self {
        Self::new(Codec::H264(None))
    }

    /// A reader of H.265.
    #[must_use]
    pub fn h265() -> Self {
        Self::new(Codec::H265(None))
    }

    fn new(codec: Codec) -> Self {
        let mut announcer = Announcer::default();
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            in_unit: false,
            track: announcer.add(Some(codec.clone())),
            pictures: Pictures::new(codec),
            clock: Clock::new(USUAL_STEP),
            announcer,
            open: BytesMut::new(),
            has_slice: false,
        }
    }

    /// The next bytes, and when they came. Call [`Demuxer::pull`] until `None` after each push.
    ///
    /// # Errors
    /// If there are no NAL units, or one exceeds a bound.
    pub fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        self.buffer.extend_from_slice(data);
        while let Some(at) = self.start_code() {
            let unit = self.buffer.split_to(at);
            self.buffer.advance(3);
            self.searched = 0;
            if std::mem::replace(&mut self.in_unit, true) {
                self.unit(&unit, received_at);
            }
        }
        // A start code may have begun with the last two bytes.
        self.searched = self.buffer.len().saturating_sub(2);
        if self.in_unit && self.searched > MAX_ACCESS_UNIT_BYTES {
            return Err(Error::TooLarge(self.searched));
        }
        if !self.in_unit && self.searched > MAX_SEARCH_BYTES {
            return Err(Error::NoStartCode);
        }
        Ok(())
    }

    /// Nothing more will come: gives what waited for more.
    pub fn finish(&mut self, received_at: Instant) {
        let unit = std::mem::take(&mut self.buffer);
        if std::mem::take(&mut self.in_unit) {
            self.unit(&unit, received_at);
        }
        self.give(received_at);
        self.announcer.finish();
    }

    /// What has been found, in order.
    pub fn pull(&mut self) -> Option<Event> {
        self.announcer.pull()
    }

    fn start_code(&self) -> Option<usize> {
        let rest = self.buffer.get(self.searched..)?;
        rest.windows(3).position(|three| three == [0, 0, 1]).map(|at| self.searched + at)
    }

    fn unit(&mut self, unit: &[u8], received_at: Instant) {
        // Zeros in front of the next start code belong to nobody.
        let end = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let Some(unit) = unit.get(..end).filter(|unit| !unit.is_empty()) else { return };
        let role = self.role(unit);
        let together = matches!(self.pictures.codec(), Codec::H264(Some(sets)) if sets.interlaced());
        let begins = match role {
            Role::Delimiter | Role::Head => true,
            Role::FirstSlice => !together,
            Role::Slice | Role::Filler | Role::Other => false,
        };
        if begins && self.has_slice {
            self.give(received_at);
        }
        match role {
            Role::Delimiter | Role::Filler => return,
            Role::FirstSlice | Role::Slice => self.has_slice = true,
            Role::Head | Role::Other => {}
        }
        if self.open.len() + unit.len() > MAX_ACCESS_UNIT_BYTES {
            self.open.clear();
            self.has_slice = false;
            self.pictures.damage(1);
            return;
        }
        nal::put_length_prefixed(&mut self.open, unit);
    }

    fn role(&self, unit: &[u8]) -> Role {
        // `first_mb_in_slice` is 0, `first_slice_segment_in_pic_flag` is 1: the first bit behind the header.
        let is_first = |header: usize| unit.get(header).is_some_and(|byte| byte & 0x80 != 0);
        if matches!(self.pictures.codec(), Codec::H265(_)) {
            return match h265::NalType::of(unit) {
                Some(h265::NalType::Aud) => Role::Delimiter,
                Some(h265::NalType::Vps | h265::NalType::Sps | h265::NalType::Pps) => Role::Head,
                // A prefix message; the other kind stands behind its slices.
                Some(h265::NalType::Sei) if unit.first().is_some_and(|byte| byte >> 1 == 39) => Role::Head,
                Some(h265::NalType::Slice | h265::NalType::Irap) if is_first(2) => Role::FirstSlice,
                Some(h265::NalType::Slice | h265::NalType::Irap) => Role::Slice,
                Some(h265::NalType::Filler) | None => Role::Filler,
                Some(h265::NalType::Sei | h265::NalType::Other(_)) => Role::Other,
            };
        }
        match h264::NalType::of(unit) {
            Some(h264::NalType::Aud) => Role::Delimiter,
            Some(h264::NalType::Sps | h264::NalType::Pps | h264::NalType::Sei) => Role::Head,
            Some(h264::NalType::Slice | h264::NalType::Idr) if is_first(1) => Role::FirstSlice,
            Some(h264::NalType::Slice | h264::NalType::Idr) => Role::Slice,
            Some(h264::NalType::Filler) | None => Role::Filler,
            Some(h264::NalType::Other(_)) => Role::Other,
        }
    }

    /// The open access unit is whole.
    fn give(&mut self, received_at: Instant) {
        let data = self.open.split().freeze();
        if !std::mem::take(&mut self.has_slice) {
            return;
        }
        let Some(picture) = self.pictures.picture(data) else { return };
        if let Some(Codec::H264(Some(sets))) = picture.new_codec.as_deref()
            && let Some(rate) = sets.frame_rate().filter(|rate| (1.0..=240.0).contains(rate))
        {
            self.clock.step(Duration::from_secs_f64(1.0 / rate));
        }
        let pts = self.clock.picture(received_at);
        self.announcer.push(Frame {
            track: self.track,
            keyframe: picture.keyframe,
            pts,
            dts: pts,
            new_codec: picture.new_codec,
            captured_at: None,
            received_at,
            data: picture.data,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pieces;
    use proptest::prelude::*;
    use yeoul_testkit::epoch;
    use yeoul_testkit::h264::{Slice, pps, slice, sps};

    /// Tracks as text, and keyframe and number of NAL units of each frame.
    fn read(stream: &[u8], seed: u64) -> (Vec<String>, Vec<(bool, usize)>) {
        let mut demuxer = Demuxer::h264();
        let (mut tracks, mut frames) = (Vec::new(), Vec::new());
        let mut take = |demuxer: &mut Demuxer| {
            while let Some(event) = demuxer.pull() {
                match event {
                    Event::Tracks(found) => tracks.extend(found.iter().map(|track| track.codec.to_string())),
                    Event::Frame(frame) => {
                        frames.push((frame.keyframe, nal::length_prefixed(&frame.data).count()));
                    }
                }
            }
        };
        for piece in pieces(stream, seed) {
            demuxer.push(piece, epoch()).unwrap();
            take(&mut demuxer);
        }
        demuxer.finish(epoch());
        take(&mut demuxer);
        (tracks, frames)
    }

    fn stream(units: &[Vec<u8>]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1][..], unit].concat()).collect()
    }

    #[test]
    fn access_units_begin_with_parameter_sets_delimiters_and_first_slices() {
        let units = [
            vec![9, 0x10],
            sps(640, 360),
            pps(),
            slice(Slice::Idr, 30),
            slice(Slice::P, 20),
            vec![9, 0x30],
            slice(Slice::P, 20),
            sps(640, 360),
            pps(),
            slice(Slice::Idr, 30),
        ];
        for seed in 0..20 {
            let (tracks, frames) = read(&stream(&units), seed);
            assert_eq!(frames, [(true, 3), (false, 1), (false, 1), (true, 3)]);
            assert_eq!(tracks.len(), 1);
        }
    }

    #[test]
    fn a_stream_without_start_codes_is_refused() {
        let mut demuxer = Demuxer::h265();
        let refused = (0..100).find_map(|_| demuxer.push(&[7; 4096], epoch()).err());
        assert_eq!(refused, Some(Error::NoStartCode));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data in prop::collection::vec(prop::sample::select(vec![0u8, 0, 1, 0x65, 0x67, 0x68, 0x41, 0x88, 9]), 0..400), seed: u64) {
            let _ = read(&data, seed);
        }
    }
}
