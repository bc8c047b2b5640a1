//! What the depacketizers of AV1, VP8, VP9 and MPEG-4 part 2 share: pieces of a picture to an access unit.
//!
//! A picture ends with a packet whose marker is set, or before a packet with another RTP time. After a loss nothing is given up to
//! the next keyframe, and nothing before the first one: nobody can decode it.

use super::decode_order::DecodeOrder;
use super::loss::Loss;
use crate::depacketizer::AccessUnit;
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_SCRATCH_BYTES};
use crate::packet::PacketRef;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::Codec;

/// A payload format, as far as one picture is concerned.
pub(crate) trait Pieces {
    /// Whether the payload begins a picture. Nothing of it is looked at before.
    fn begins(&self, payload: &[u8]) -> bool;
    /// Appends what the payload brings to `picture`.
    ///
    /// # Errors
    /// If it is malformed: what was wrong.
    fn take(&mut self, payload: &[u8], picture: &mut Vec<u8>) -> Result<(), String>;
    /// Everything of the picture has been taken: what is to be done at its end. False if it is not whole yet, and the next packet
    /// goes on with it.
    ///
    /// # Errors
    /// If something of it is missing.
    fn end(&mut self, picture: &mut Vec<u8>) -> Result<bool, String>;
    /// Forgets what is kept of the picture.
    fn reset(&mut self);
}

/// Puts pictures together.
#[derive(Debug)]
pub(crate) struct Assembler<P> {
    pieces: P,
    codec: Codec,
    /// The picture so far, in the form of `Frame::data`. Its memory is used again for the next one.
    scratch: Vec<u8>,
    /// RTP time of the picture at hand.
    open: Option<u32>,
    received_at: Option<Instant>,
    loss: Loss,
    /// Of codings that send pictures in another order than they are shown.
    order: DecodeOrder,
    ready: VecDeque<AccessUnit>,
}

impl<P: Pieces> Assembler<P> {
    /// An assembler for a track of which `codec` is known.
    pub(crate) fn new(codec: Codec, pieces: P) -> Self {
        let mut order = DecodeOrder::default();
        order.set_depth(reorder_frames(&codec));
        Self {
            pieces,
            codec,
            scratch: Vec::new(),
            open: None,
            received_at: None,
            loss: Loss::at_start(),
            order,
            ready: VecDeque::new(),
        }
    }

    pub(crate) fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), String> {
        let begun = self.begin(packet, lost_before);
        self.received_at = Some(received_at);
        let taken = if self.loss.is_damaged() { Ok(()) } else { self.take(packet.payload) };
        if taken.is_err() {
            self.loss.damage();
        }
        let ended = if packet.header.marker { self.end() } else { Ok(()) };
        begun.and(taken).and(ended)
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.loss.damaged_frames()
    }

    /// The end of the picture before, if this packet is of another one, and the start of this one.
    fn begin(&mut self, packet: PacketRef<'_>, lost_before: bool) -> Result<(), String> {
        let rtp_time = packet.header.rtp_time;
        let goes_on = self.open == Some(rtp_time);
        let mut result = Ok(());
        if lost_before {
            self.loss.packets_missing(goes_on);
            if self.open.is_some() && !goes_on {
                self.drop_picture();
            }
        } else if !goes_on && self.open.is_some() {
            result = self.end();
        }
        // What is open still are headers that a picture follows, whatever its time.
        if self.open.is_none() && !self.loss.is_damaged() && !self.pieces.begins(packet.payload) {
            // After a loss, and where the stream is joined in the middle, this is no fault of the sender.
            if !self.loss.is_waiting() {
                result = result.and(Err("a picture goes on of which the beginning is missing".to_owned()));
            }
            self.loss.damage();
        }
        self.open = Some(rtp_time);
        result
    }

    fn take(&mut self, payload: &[u8]) -> Result<(), String> {
        self.pieces.take(payload, &mut self.scratch)?;
        if self.scratch.len() > MAX_ACCESS_UNIT_BYTES {
            return Err(format!("a picture exceeds {MAX_ACCESS_UNIT_BYTES} bytes"));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let ended = if self.loss.is_damaged() { Ok(true) } else { self.pieces.end(&mut self.scratch) };
        match ended {
            Ok(false) => return Ok(()),
            Ok(true) if !self.loss.is_damaged() => self.give(),
            Ok(true) => self.drop_picture(),
            Err(_) => {
                self.loss.damage();
                self.drop_picture();
            }
        }
        ended.map(drop)
    }

    fn drop_picture(&mut self) {
        self.loss.dropped();
        self.reset();
    }

    fn reset(&mut self) {
        self.pieces.reset();
        self.scratch.clear();
        self.scratch.shrink_to(MAX_SCRATCH_BYTES);
        self.open = None;
        self.loss.next_picture();
    }

    fn give(&mut self) {
        let data = Bytes::copy_from_slice(&self.scratch);
        let (Some(rtp_time), Some(received_at), false) = (self.open, self.received_at, data.is_empty())
        else {
            return self.reset();
        };
        let keyframe = self.codec.is_keyframe(&data);
        let changed = self.codec.changed_by(&data, keyframe);
        let is_described = changed.as_ref().unwrap_or(&self.codec).is_described();
        if self.loss.is_waiting() && !(keyframe && is_described) {
            return self.drop_picture();
        }
        self.loss.given();
        if let Some(codec) = &changed {
            self.order.set_depth(reorder_frames(codec));
            self.codec = codec.clone();
        }
        let decode_ahead_ticks = self.order.decode_ahead_ticks(rtp_time);
        let new_codec = changed.map(Arc::new);
        self.ready.push_back(AccessUnit {
            rtp_time,
            decode_ahead_ticks,
            keyframe,
            new_codec,
            received_at,
            data,
        });
        self.reset();
    }
}

/// Pictures that are shown later than others sent after them, as far as the configuration tells.
fn reorder_frames(codec: &Codec) -> u32 {
    matches!(codec, Codec::Mpeg4Video(Some(configuration)) if configuration.reorders()).into()
}
