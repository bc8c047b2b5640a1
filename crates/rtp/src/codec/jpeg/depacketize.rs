//! Packets to pictures.

use super::headers::{Headers, tables_of_q};
use super::{
    FIRST_Q_WITH_TABLES, MAIN_HEADER_BYTES, Q_OF_CHANGING_TABLES, RESTART_HEADER_BYTES, Sampling,
    TABLE_HEADER_BYTES, TABLES_BYTES, TYPE_WITH_RESTARTS, Tables,
};
use crate::depacketizer::AccessUnit;
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_SCRATCH_BYTES};
use crate::packet::PacketRef;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use yeoul_media::Codec;

/// Puts pictures together.
#[derive(Debug)]
pub(crate) struct Depacketizer {
    /// Headers and the scan so far. Its memory is used again for the next picture.
    scratch: Vec<u8>,
    /// RTP time of the picture at hand, and where its scan starts; `None` between pictures and where one is damaged.
    picture: Option<Picture>,
    /// RTP time of a picture of which something is missing: its rest is passed over.
    damaged: Option<u32>,
    /// The last tables that came with a `Q` below 255.
    kept_tables: Option<(u8, Tables)>,
    dimensions: Option<(u32, u32)>,
    ready: Option<AccessUnit>,
    damaged_frames: u64,
}

#[derive(Clone, Copy, Debug)]
struct Picture {
    rtp_time: u32,
    scan_at: usize,
    width: u16,
    height: u16,
}

/// The heads of a packet.
struct Heads<'a> {
    offset: usize,
    q: u8,
    sampling: Sampling,
    width: u16,
    height: u16,
    restart_interval: u16,
    /// Tables, where they come along.
    tables: Option<Tables>,
    data: &'a [u8],
}

impl Depacketizer {
    /// A depacketizer of pictures whose size, if known, the consumers know already.
    pub(crate) fn new(dimensions: Option<(u32, u32)>) -> Self {
        Self {
            scratch: Vec::new(),
            picture: None,
            damaged: None,
            kept_tables: None,
            dimensions,
            ready: None,
            damaged_frames: 0,
        }
    }

    pub(crate) fn push(
        &mut self,
        packet: PacketRef<'_>,
        lost_before: bool,
        received_at: Instant,
    ) -> Result<(), String> {
        let rtp_time = packet.header.rtp_time;
        if lost_before || self.picture.is_some_and(|picture| picture.rtp_time != rtp_time) {
            self.drop_picture();
        }
        let result = self.take(packet, received_at);
        if result.is_err() {
            self.damage(rtp_time);
        }
        result
    }

    fn take(&mut self, packet: PacketRef<'_>, received_at: Instant) -> Result<(), String> {
        let heads = Heads::parse(packet.payload)?;
        let rtp_time = packet.header.rtp_time;
        if heads.offset == 0 {
            self.begin(rtp_time, &heads)?;
        }
        let Some(picture) = self.picture else {
            // The beginning was lost; it is counted once.
            if self.damaged != Some(rtp_time) {
                self.damage(rtp_time);
            }
            return Ok(());
        };
        if heads.offset != self.scratch.len() - picture.scan_at {
            return Err(format!(
                "a fragment starts at byte {} of the scan, expected {}",
                heads.offset,
                self.scratch.len() - picture.scan_at
            ));
        }
        if self.scratch.len() + heads.data.len() > MAX_ACCESS_UNIT_BYTES {
            return Err(format!("a picture has more than {MAX_ACCESS_UNIT_BYTES} bytes"));
        }
        self.scratch.extend_from_slice(heads.data);
        if packet.header.marker {
            self.finish(picture, received_at);
        }
        Ok(())
    }

    fn begin(&mut self, rtp_time: u32, heads: &Heads<'_>) -> Result<(), String> {
        if self.picture.is_some() {
            self.drop_picture();
        }
        let tables = self.tables(heads)?;
        self.scratch.clear();
        Headers {
            width: heads.width,
            height: heads.height,
            sampling: heads.sampling,
            tables,
            restart_interval: heads.restart_interval,
        }
        .write(&mut self.scratch);
        self.damaged = None;
        self.picture =
            Some(Picture { rtp_time, scan_at: self.scratch.len(), width: heads.width, height: heads.height });
        Ok(())
    }

    fn tables(&mut self, heads: &Heads<'_>) -> Result<Tables, String> {
        match (heads.q, heads.tables) {
            (1..=99, _) => Ok(tables_of_q(heads.q)),
            (q @ FIRST_Q_WITH_TABLES.., Some(tables)) => {
                if q != Q_OF_CHANGING_TABLES {
                    self.kept_tables = Some((q, tables));
                }
                Ok(tables)
            }
            (q @ FIRST_Q_WITH_TABLES.., None) => match self.kept_tables {
                Some((of, tables)) if of == q => Ok(tables),
                _ => Err(format!("a picture of Q {q} comes without its quantization tables")),
            },
            (q, _) => Err(format!("a picture has the reserved Q {q}")),
        }
    }

    fn finish(&mut self, picture: Picture, received_at: Instant) {
        if !self.scratch.ends_with(&[0xff, 0xd9]) {
            self.scratch.extend([0xff, 0xd9]);
        }
        let dimensions = (u32::from(picture.width), u32::from(picture.height));
        let changed = self.dimensions.replace(dimensions) != Some(dimensions);
        let codec = Codec::Jpeg { dimensions: Some(dimensions) };
        self.ready = Some(AccessUnit {
            rtp_time: picture.rtp_time,
            decode_ahead_ticks: 0,
            keyframe: true,
            new_codec: changed.then(|| Arc::new(codec)),
            received_at,
            data: Bytes::copy_from_slice(&self.scratch),
        });
        self.picture = None;
        self.scratch.clear();
        self.scratch.shrink_to(MAX_SCRATCH_BYTES);
    }

    /// What there is of a picture is lost.
    fn drop_picture(&mut self) {
        if let Some(picture) = self.picture.take() {
            self.damaged = Some(picture.rtp_time);
            self.damaged_frames += 1;
        }
    }

    /// The picture of this time cannot be had.
    fn damage(&mut self, rtp_time: u32) {
        self.picture = None;
        if self.damaged.replace(rtp_time) != Some(rtp_time) {
            self.damaged_frames += 1;
        }
    }

    pub(crate) fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.take()
    }

    pub(crate) fn damaged_frames(&self) -> u64 {
        self.damaged_frames
    }
}

impl<'a> Heads<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, String> {
        let short = || format!("a packet of {} bytes ends inside its headers", payload.len());
        let (main, mut rest) = payload.split_first_chunk::<MAIN_HEADER_BYTES>().ok_or_else(short)?;
        let [_, o0, o1, o2, kind, q, width, height] = *main;
        let offset = usize::try_from(u32::from_be_bytes([0, o0, o1, o2])).unwrap_or(usize::MAX);
        let sampling = Sampling::of_type(kind).ok_or_else(|| {
            format!(
                "pictures are of type {kind}, expected 0, 1, 64 or 65 (4:2:2 or 4:2:0, scanned progressively)"
            )
        })?;
        if width == 0 || height == 0 {
            return Err("pictures are larger than 2040 pixels, which RFC 2435 cannot tell".to_owned());
        }
        let mut restart_interval = 0;
        if kind & TYPE_WITH_RESTARTS != 0 {
            let (head, after) = rest.split_first_chunk::<RESTART_HEADER_BYTES>().ok_or_else(short)?;
            restart_interval = u16::from_be_bytes([head[0], head[1]]);
            rest = after;
        }
        let mut tables = None;
        if offset == 0 && q >= FIRST_Q_WITH_TABLES {
            let (head, after) = rest.split_first_chunk::<TABLE_HEADER_BYTES>().ok_or_else(short)?;
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (bytes, after) = after.split_at_checked(length).ok_or_else(short)?;
            tables = match (head[1], bytes.try_into()) {
                (0, Ok(bytes)) => Some(bytes),
                // One table, for luma and chroma.
                (0, Err(_)) if length == TABLES_BYTES / 2 => [bytes, bytes].concat().try_into().ok(),
                (0, Err(_)) if length == 0 => None,
                (precision, _) => {
                    return Err(format!(
                        "quantization tables have {length} bytes and precision bits {precision:#x}, expected 128 and 0"
                    ));
                }
            };
            rest = after;
        }
        let pixels = |eights: u8| u16::from(eights) * 8;
        Ok(Self {
            offset,
            q,
            sampling,
            width: pixels(width),
            height: pixels(height),
            restart_interval,
            tables,
            data: rest,
        })
    }
}
