//! PES packets of H.264 and H.265 to access units.
//!
//! Most senders put one access unit into one PES packet. What else is understood:
//!
//! - An access unit that goes on in PES packets without PTS. One that told its length is given at once, as waiting for the next
//!   would delay every picture by a frame; a sender that turns out to go on after it is waited for from then on.
//! - PES packets without PTS that start with an access unit delimiter: the next picture, one frame later.
//! - Several access units in one PES packet, each with its delimiter: one frame after another. Where pictures may be fields
//!   (interlaced H.264) they stay together: two of them are one frame.

use super::elementary::Unit;
use super::pes::Pes;
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_COMPOSITION, MAX_SCRATCH_BYTES};
use crate::mpegts::CLOCK_HZ;
use crate::pictures::Pictures;
use bytes::BytesMut;
use std::time::Instant;
use yeoul_media::Codec;
use yeoul_media::bitstream::{h264, h265, nal};

/// The distance of frames that is taken where no two of them had times: 25 a second.
const USUAL_STEP: i64 = CLOCK_HZ as i64 / 25;

/// One track of video.
#[derive(Debug)]
pub(super) struct Video {
    pictures: Pictures,
    /// PES payloads from one with PTS on, Annex B.
    open: Vec<u8>,
    times: Option<(i64, i64)>,
    received_at: Option<Instant>,
    /// The sender goes on with an access unit in the next PES packet.
    splits: bool,
    /// DTS of the last access unit, and its distance from the one before.
    last_dts: Option<i64>,
    step: i64,
}

/// What a NAL unit means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Delimiter,
    Filler,
    Slice,
    Other,
}

impl Video {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            pictures: Pictures::new(codec),
            open: Vec::new(),
            times: None,
            received_at: None,
            splits: false,
            last_dts: None,
            step: USUAL_STEP,
        }
    }

    pub(super) fn codec(&self) -> &Codec {
        self.pictures.codec()
    }

    pub(super) fn damaged_frames(&self) -> u64 {
        self.pictures.damaged_frames()
    }

    /// Something is missing: the open access unit is worthless, and so is a PES packet that was `dropped`.
    pub(super) fn damage(&mut self, dropped: bool) {
        self.pictures.damage(u64::from(dropped || !self.open.is_empty()));
        self.open.clear();
        self.times = None;
    }

    /// The next PES packet.
    pub(super) fn push(&mut self, pes: &Pes<'_>, received_at: Instant, give: &mut impl FnMut(Unit, Instant)) {
        let starts = pes.times.is_some() || self.starts_with_delimiter(pes.payload);
        if starts {
            self.give_open(give);
            self.times = pes.times;
        } else if self.open.is_empty() {
            // It goes on with what was given already: that was not whole.
            self.splits = true;
            self.damage(true);
            return;
        }
        if self.open.len() + pes.payload.len() > MAX_ACCESS_UNIT_BYTES {
            self.damage(true);
            return;
        }
        self.open.extend_from_slice(pes.payload);
        self.received_at = Some(received_at);
        if pes.bounded && !self.splits {
            self.give_open(give);
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, give: &mut impl FnMut(Unit, Instant)) {
        self.give_open(give);
    }

    fn kind(&self, unit: &[u8]) -> Kind {
        if matches!(self.codec(), Codec::H265(_)) {
            match h265::NalType::of(unit) {
                Some(h265::NalType::Aud) => Kind::Delimiter,
                Some(h265::NalType::Filler) | None => Kind::Filler,
                Some(h265::NalType::Slice | h265::NalType::Irap) => Kind::Slice,
                Some(
                    h265::NalType::Vps
                    | h265::NalType::Sps
                    | h265::NalType::Pps
                    | h265::NalType::Sei
                    | h265::NalType::Other(_),
                ) => Kind::Other,
            }
        } else {
            match h264::NalType::of(unit) {
                Some(h264::NalType::Aud) => Kind::Delimiter,
                Some(h264::NalType::Filler) | None => Kind::Filler,
                Some(h264::NalType::Slice | h264::NalType::Idr) => Kind::Slice,
                Some(
                    h264::NalType::Sps | h264::NalType::Pps | h264::NalType::Sei | h264::NalType::Other(_),
                ) => Kind::Other,
            }
        }
    }

    fn starts_with_delimiter(&self, payload: &[u8]) -> bool {
        let zeros = payload.iter().take_while(|&&byte| byte == 0).count();
        let unit = payload.get(zeros + 1..zeros + 2).unwrap_or_default();
        zeros >= 2 && payload.get(zeros) == Some(&1) && self.kind(unit) == Kind::Delimiter
    }

    /// Gives the access units of the PES packets so far.
    fn give_open(&mut self, give: &mut impl FnMut(Unit, Instant)) {
        let open = std::mem::take(&mut self.open);
        let together = matches!(self.codec(), Codec::H264(Some(sets)) if sets.interlaced());
        let mut data = BytesMut::with_capacity(open.len());
        let mut has_slice = false;
        for unit in nal::annex_b(&open) {
            match self.kind(unit) {
                Kind::Delimiter if has_slice && !together => {
                    self.give(&mut data, give);
                    has_slice = false;
                }
                Kind::Delimiter | Kind::Filler => {}
                kind @ (Kind::Slice | Kind::Other) => {
                    has_slice |= kind == Kind::Slice;
                    // Start codes may be shorter than lengths: the capacity is a guess.
                    nal::put_length_prefixed(&mut data, unit);
                }
            }
        }
        if has_slice {
            self.give(&mut data, give);
        }
        self.open = open;
        self.open.clear();
        self.open.shrink_to(MAX_SCRATCH_BYTES);
        self.times = None;
    }

    fn give(&mut self, data: &mut BytesMut, give: &mut impl FnMut(Unit, Instant)) {
        let after_last =
            self.last_dts.map(|last| (last.wrapping_add(self.step), last.wrapping_add(self.step)));
        let times = self.times.take().or(after_last);
        let data = data.split().freeze();
        if let (Some((_, dts)), Some(last)) = (times, self.last_dts) {
            let step = dts.wrapping_sub(last);
            let most = i64::try_from(MAX_COMPOSITION.as_secs()).unwrap_or(0) * i64::from(CLOCK_HZ);
            if (1..most).contains(&step) {
                self.step = step;
            }
        }
        self.last_dts = times.map(|(_, dts)| dts).or(self.last_dts);
        let (Some(times), Some(received_at)) = (times, self.received_at) else {
            self.pictures.damage(1);
            return;
        };
        if let Some(picture) = self.pictures.picture(data) {
            let (keyframe, new_codec, data) = (picture.keyframe, picture.new_codec, picture.data);
            give(Unit { times, keyframe, new_codec, data }, received_at);
        }
    }
}
