//! What the H.264 and H.265 depacketizers share: NAL units to access units, through everything cameras do to them.
//!
//! An access unit ends with a packet whose marker is set or before a packet with another RTP time, and:
//!
//! - A marker that no slice precedes (cameras that set it on parameter sets or SEI: Ivel LV-IP22IR40DVBL) does not end
//!   anything. Neither does a step of the RTP time: parameter sets go with the picture after them.
//! - Parameter sets and SEI after the last slice belong to the next access unit, whatever their RTP time.
//! - A sender whose marker turns out to end slices rather than pictures is not trusted again: its access units end by the
//!   RTP time alone, which delays them by one frame.
//! - Start codes inside a unit (V380 cameras send whole Annex B byte streams in packets) cut it, zeros at its end are
//!   removed: neither can be part of a NAL unit (H.264 §7.4.1).
//! - Access unit delimiters and filler are dropped, SEI stays.
//!
//! After a loss nothing is given up to the next keyframe. Access units before the first keyframe are not given either:
//! nobody can decode them.

use super::decode_order::DecodeOrder;
use super::loss::Loss;
use crate::depacketizer::AccessUnit;
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_SCRATCH_BYTES, MAX_UNITS};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::Codec;
use yeoul_media::bitstream::nal;

/// What a NAL unit means for the cutting of access units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitKind {
    /// A slice; `first` if its picture starts with it.
    Slice { first: bool },
    /// VPS, SPS or PPS.
    ParameterSet,
    /// Something that stands in front of slices: SEI.
    Prefix,
    /// Something that follows slices: suffix SEI, and types that nobody knows.
    Other,
    /// Access unit delimiters, filler: not kept.
    Dropped,
}

/// H.264 or H.265, as far as access units are concerned.
pub(crate) trait Coding {
    /// The parameter sets of a stream.
    type ParameterSets: Clone;
    /// What `unit`, which is not empty, is.
    fn kind(unit: &[u8]) -> UnitKind;
    /// Whether decoding can start at the access unit.
    fn is_keyframe(access_unit: &[u8]) -> bool;
    /// `current` with the parameter sets of the access unit; `None` if they say nothing new.
    fn changed(
        current: Option<&Self::ParameterSets>,
        access_unit: &Bytes,
    ) -> Result<Option<Self::ParameterSets>, String>;
    /// Frames that are shown later than others sent after them, if the parameter sets tell.
    fn reorder_frames(sets: &Self::ParameterSets) -> Option<u32>;
    /// The codec with these parameter sets.
    fn codec(sets: Self::ParameterSets) -> Codec;
}

/// Puts NAL units together.
#[derive(Debug)]
pub(crate) struct Assembler<C: Coding> {
    /// The access unit so far, in the form of `Frame::data`. Its memory is used again for the next one.
    scratch: Vec<u8>,
    units: usize,
    /// Where the length of a unit stands of which fragments are missing.
    fragment: Option<usize>,
    /// Where the last slice ended; 0 before the first.
    picture_end: usize,
    rtp_time: Option<u32>,
    received_at: Option<Instant>,
    loss: Loss,
    /// RTP time of the last access unit that a marker ended.
    marked: Option<u32>,
    marker_ends_slices: bool,
    sets: Option<C::ParameterSets>,
    order: DecodeOrder,
    ready: VecDeque<AccessUnit>,
}

impl<C: Coding> Assembler<C> {
    /// An assembler for a stream whose description told `sets`.
    pub(crate) fn new(sets: Option<C::ParameterSets>) -> Self {
        let mut order = DecodeOrder::default();
        if let Some(frames) = sets.as_ref().and_then(C::reorder_frames) {
            order.set_depth(frames);
        }
        Self {
            scratch: Vec::new(),
            units: 0,
            fragment: None,
            picture_end: 0,
            rtp_time: None,
            received_at: None,
            loss: Loss::at_start(),
            marked: None,
            marker_ends_slices: false,
            sets,
            order,
            ready: VecDeque::new(),
        }
    }

    /// The next complete access unit.
    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    /// Access units not given because of losses.
    pub(crate) fn damaged_frames(&self) -> u64 {
        self.loss.damaged_frames()
    }

    /// One packet: `take` hands over what is in it.
    pub(crate) fn packet(
        &mut self,
        (rtp_time, marker, lost_before): (u32, bool, bool),
        received_at: Instant,
        take: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        let started = self.start(rtp_time, lost_before);
        self.received_at = Some(received_at);
        // What is missing is known already: the rest need not be understood.
        let taken = if self.loss.is_damaged() { Ok(()) } else { take(self) };
        if taken.is_err() {
            self.damage();
        }
        let ended = if marker { self.end_by_marker() } else { Ok(()) };
        started.and(taken).and(ended)
    }

    fn start(&mut self, rtp_time: u32, lost_before: bool) -> Result<(), String> {
        let goes_on = self.rtp_time == Some(rtp_time);
        let mut result = Ok(());
        if lost_before {
            self.fragment = None;
            self.loss.packets_missing(goes_on);
            if self.rtp_time.is_some() && !goes_on {
                self.drop_access_unit();
            }
        } else if !goes_on && self.rtp_time.is_some() {
            result = self.end_by_time();
        }
        self.rtp_time = Some(rtp_time);
        result
    }

    /// This access unit cannot be used, nor what refers to it.
    fn damage(&mut self) {
        self.fragment = None;
        self.loss.damage();
    }

    fn end_by_time(&mut self) -> Result<(), String> {
        let mut result = Ok(());
        if self.fragment.is_some() {
            self.damage();
            result = Err("the RTP time changed inside a fragmented NAL unit".to_owned());
        }
        if self.loss.is_damaged() {
            self.drop_access_unit();
        } else if self.picture_end > 0 {
            result = self.give();
        }
        result
    }

    fn end_by_marker(&mut self) -> Result<(), String> {
        if self.loss.is_damaged() {
            self.marked = None;
            self.drop_access_unit();
            return Ok(());
        }
        // Some cameras forget the end bit of the last fragment; the marker says the same.
        let closed = match self.fragment.take() {
            Some(start) => self.close_unit(start),
            None => Ok(()),
        };
        if closed.is_err() {
            self.damage();
            self.drop_access_unit();
        } else if self.picture_end > 0 && self.picture_end == self.scratch.len() && !self.marker_ends_slices {
            self.marked = self.rtp_time;
            return self.give();
        }
        closed
    }

    fn drop_access_unit(&mut self) {
        self.loss.dropped();
        self.scratch.clear();
        self.reset();
    }

    fn reset(&mut self) {
        self.scratch.shrink_to(MAX_SCRATCH_BYTES);
        self.units = 0;
        self.fragment = None;
        self.picture_end = 0;
        self.rtp_time = None;
        self.loss.next_picture();
    }

    /// Gives what there is up to the end of the picture; what follows is the start of the next access unit.
    fn give(&mut self) -> Result<(), String> {
        let picture = self.scratch.get(..self.picture_end).unwrap_or_default();
        let keyframe = C::is_keyframe(picture);
        if self.loss.is_waiting() && !keyframe {
            self.loss.dropped();
            self.scratch.drain(..self.picture_end);
            self.reset();
            return Ok(());
        }
        self.loss.given();
        let data = Bytes::copy_from_slice(picture);
        self.scratch.drain(..self.picture_end);
        let (new_codec, result) = match C::changed(self.sets.as_ref(), &data) {
            Ok(None) => (None, Ok(())),
            Ok(Some(sets)) => {
                if let Some(frames) = C::reorder_frames(&sets) {
                    self.order.set_depth(frames);
                }
                self.sets = Some(sets.clone());
                (Some(Arc::new(C::codec(sets))), Ok(()))
            }
            // The picture may be good nevertheless: what was told before stays in force.
            Err(reason) => (None, Err(reason)),
        };
        if let (Some(rtp_time), Some(received_at)) = (self.rtp_time, self.received_at) {
            let decode_ahead_ticks = self.order.decode_ahead_ticks(rtp_time);
            self.ready.push_back(AccessUnit {
                rtp_time,
                decode_ahead_ticks,
                keyframe,
                new_codec,
                received_at,
                data,
            });
        }
        self.reset();
        result
    }

    /// A whole NAL unit, or several with start codes between them. Takes it in two parts, as a payload format may have
    /// put something between header and rest.
    pub(crate) fn unit(&mut self, header: &[u8], rest: &[u8]) -> Result<(), String> {
        if self.fragment.is_some() {
            return Err("a whole NAL unit came before the last fragment of another".to_owned());
        }
        self.open_unit(header)?;
        self.fragment_data(rest)?;
        self.fragment_end()
    }

    /// An Annex B byte stream.
    pub(crate) fn annex_b(&mut self, stream: &[u8]) -> Result<(), String> {
        nal::annex_b(stream).try_for_each(|unit| self.unit(unit, &[]))
    }

    /// The first fragment of a NAL unit starts; `header` is the unit's.
    pub(crate) fn fragment_start(&mut self, header: &[u8]) -> Result<(), String> {
        if self.fragment.is_some() {
            return Err("a fragmented NAL unit started before the last fragment of another".to_owned());
        }
        self.open_unit(header)
    }

    /// Whether a fragment that is not the first can be taken.
    pub(crate) fn fragment_goes_on(&mut self) -> Result<bool, String> {
        if self.fragment.is_some() {
            return Ok(true);
        }
        // After a loss, and where the stream is joined in the middle, this is no fault of the sender.
        if self.loss.is_waiting() {
            self.damage();
            return Ok(false);
        }
        Err("a fragment of a NAL unit came without the first one".to_owned())
    }

    /// Appends to the open unit.
    pub(crate) fn fragment_data(&mut self, data: &[u8]) -> Result<(), String> {
        if self.scratch.len() + data.len() > MAX_ACCESS_UNIT_BYTES {
            return Err(format!("the access unit exceeds {MAX_ACCESS_UNIT_BYTES} bytes"));
        }
        self.scratch.extend_from_slice(data);
        Ok(())
    }

    /// The open unit is complete.
    pub(crate) fn fragment_end(&mut self) -> Result<(), String> {
        self.fragment.take().map_or(Ok(()), |start| self.close_unit(start))
    }

    fn open_unit(&mut self, header: &[u8]) -> Result<(), String> {
        if self.units == MAX_UNITS {
            return Err(format!("the access unit has more than {MAX_UNITS} NAL units"));
        }
        self.units += 1;
        self.fragment = Some(self.scratch.len());
        self.fragment_data(&[0; nal::LENGTH_SIZE_BYTES])?;
        self.fragment_data(header)
    }

    /// The unit whose length stands at `start` is complete.
    fn close_unit(&mut self, start: usize) -> Result<(), String> {
        let unit = self.scratch.get(start + nal::LENGTH_SIZE_BYTES..).unwrap_or_default();
        if has_start_code(unit) {
            let mut stream = vec![0, 0, 1];
            stream.extend_from_slice(unit);
            self.scratch.truncate(start);
            return self.annex_b(&stream);
        }
        let length = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let unit = unit.get(..length).unwrap_or_default();
        let kind = if unit.is_empty() { UnitKind::Dropped } else { C::kind(unit) };
        let end = start + nal::LENGTH_SIZE_BYTES + length;
        match kind {
            UnitKind::Dropped => {
                self.scratch.truncate(start);
                return Ok(());
            }
            UnitKind::Slice { first } => {
                if !first && self.picture_end == 0 {
                    return self.continuation();
                }
                self.picture_end = end;
            }
            UnitKind::Other if self.picture_end > 0 => self.picture_end = end,
            UnitKind::Other | UnitKind::Prefix | UnitKind::ParameterSet => {}
        }
        self.scratch.truncate(end);
        let length = u32::try_from(length).map_err(|_| "a NAL unit exceeds 4 GiB".to_owned())?;
        if let Some(place) = self.scratch.get_mut(start..start + nal::LENGTH_SIZE_BYTES) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }

    /// A slice that goes on with a picture whose start is not here.
    fn continuation(&mut self) -> Result<(), String> {
        if self.marked.is_some() && self.marked == self.rtp_time && !self.marker_ends_slices {
            self.marker_ends_slices = true;
            return Err(
                "the marker ends slices, not pictures: access units end by RTP time from now on".to_owned()
            );
        }
        if !self.loss.is_waiting() {
            return Err("the first slice of a picture is missing".to_owned());
        }
        self.damage();
        Ok(())
    }
}

/// Whether `00 00 01` stands in `unit`.
fn has_start_code(unit: &[u8]) -> bool {
    memchr::memmem::find(unit, &[0, 0, 1]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn start_codes_are_found_wherever_they_are(unit in prop::collection::vec(0u8..3, 0..40)) {
            prop_assert_eq!(has_start_code(&unit), unit.windows(3).any(|three| three == [0, 0, 1]));
        }
    }
}
