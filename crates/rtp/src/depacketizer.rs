//! RTP packets to access units.

use crate::clock::Times;
use crate::{MediaFormat, PacketRef};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::{Codec, Frame, TrackId};

/// What a depacketizer gives: a [`Frame`] that lacks its place in time and its track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// RTP time of its presentation; [`crate::clock::ClockMapping::map`] makes a timestamp of it.
    pub rtp_time: u32,
    /// How many ticks earlier it has to be decoded than shown; 0 in streams without B-frames.
    pub decode_ahead_ticks: u32,
    /// Decoding can start here. Every audio frame is a keyframe.
    pub keyframe: bool,
    /// Set on the first access unit that needs another decoder configuration than the one before, or than the
    /// description told.
    pub new_codec: Option<Arc<Codec>>,
    /// When its last packet came in.
    pub received_at: Instant,
    /// The coded data in the form of [`Frame::data`]. Never empty.
    pub data: Bytes,
}

impl AccessUnit {
    /// The frame of `track` at `times`, which [`crate::clock::ClockMapping::map`] gave for this access unit.
    #[must_use]
    pub fn into_frame(self, track: TrackId, times: Times) -> Frame {
        Frame {
            track,
            keyframe: self.keyframe,
            pts: times.pts,
            dts: times.dts,
            new_codec: self.new_codec,
            captured_at: times.captured_at,
            received_at: self.received_at,
            data: self.data,
        }
    }
}

/// Why a packet was not taken. The depacketizer has recovered already: it goes on with the next packet, video from the
/// next keyframe. A session counts these errors and tells the first; they do not end it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec} over RTP: {reason}")]
pub struct DepacketizeError {
    /// The codec's name.
    pub codec: &'static str,
    /// What was wrong, expected, got.
    pub reason: String,
}

/// What was lost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Access units that were not given because packets of them were lost or wrong, or because an access unit was that
    /// they may refer to, up to the next keyframe.
    pub damaged_frames: u64,
}

/// Puts the access units of one track together again.
///
/// Push every packet in order, then pull until `None`.
#[derive(Debug)]
pub struct Depacketizer {}

impl Depacketizer {
    /// A depacketizer for packets of `format`.
    #[must_use]
    pub fn new(format: &MediaFormat) -> Self {
        let _ = format;
        Self {}
    }

    /// Takes the next packet. `lost_before` says that packets between the last one and this are missing.
    ///
    /// # Errors
    /// If the payload is malformed or uses what is not supported. Go on with the next packet, and pull as always.
    pub fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), DepacketizeError> {
        let _ = (packet, lost_before, received_at);
        unimplemented!()
    }

    /// The next access unit that is complete.
    pub fn pull(&mut self) -> Option<AccessUnit> {
        unimplemented!()
    }

    /// What was lost so far.
    #[must_use]
    pub fn damage(&self) -> Damage {
        unimplemented!()
    }
}
