//! Packets to temporal units.

use super::{COUNT_MASK, COUNT_SHIFT, GOES_ON, UNFINISHED};
use crate::codec::picture::{Assembler, Pieces};
use crate::limits::{MAX_ACCESS_UNIT_BYTES, MAX_SCRATCH_BYTES, MAX_UNITS};
use bytes::Bytes;
use yeoul_media::Codec;
use yeoul_media::bitstream::av1;

/// Puts temporal units together.
pub(crate) type Depacketizer = Assembler<Elements>;

/// A depacketizer of a track of which `codec` is known.
pub(crate) fn depacketizer(codec: &Codec) -> Depacketizer {
    Assembler::new(codec.clone(), Elements::default())
}

/// Elements to open bitstream units.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    /// A unit of which fragments are missing still; empty between units.
    fragment: Vec<u8>,
    units: usize,
}

impl Pieces for Elements {
    fn begins(&self, payload: &[u8]) -> bool {
        payload.first().is_some_and(|aggregation| aggregation & GOES_ON == 0)
    }

    fn take(&mut self, payload: &[u8], picture: &mut Vec<u8>) -> Result<(), String> {
        let Some((&aggregation, mut rest)) = payload.split_first() else {
            return Err("a packet has no aggregation header".to_owned());
        };
        let goes_on = aggregation & GOES_ON != 0;
        if goes_on == self.fragment.is_empty() {
            return Err(if goes_on {
                "a fragment of a unit came without the first one".to_owned()
            } else {
                "a unit started before the last fragment of another".to_owned()
            });
        }
        let count = (aggregation >> COUNT_SHIFT) & COUNT_MASK;
        let mut number = 0u8;
        while !rest.is_empty() {
            number = number.saturating_add(1);
            let element;
            (element, rest) = if count > 0 && number == count {
                (rest, &[][..])
            } else {
                let (length, length_bytes) =
                    av1::leb128(rest).ok_or("the length of an element ends too early")?;
                let after = rest.get(length_bytes..).unwrap_or_default();
                after
                    .split_at_checked(length)
                    .ok_or_else(|| format!("an element has {length} bytes, but {} are left", after.len()))?
            };
            self.fragment_data(element, picture.len())?;
            if !(rest.is_empty() && aggregation & UNFINISHED != 0) {
                self.close(picture)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<bool, String> {
        if self.fragment.is_empty() {
            Ok(true)
        } else {
            Err("the last fragment of a unit is missing".to_owned())
        }
    }

    fn reset(&mut self) {
        self.fragment.clear();
        self.fragment.shrink_to(MAX_SCRATCH_BYTES);
        self.units = 0;
    }
}

impl Elements {
    fn fragment_data(&mut self, data: &[u8], picture_bytes: usize) -> Result<(), String> {
        if picture_bytes + self.fragment.len() + data.len() > MAX_ACCESS_UNIT_BYTES {
            return Err(format!("a picture exceeds {MAX_ACCESS_UNIT_BYTES} bytes"));
        }
        self.fragment.extend_from_slice(data);
        Ok(())
    }

    /// The unit is whole. Some senders leave its size in (§4.5 allows it), some send temporal delimiters.
    fn close(&mut self, picture: &mut Vec<u8>) -> Result<(), String> {
        if self.fragment.is_empty() {
            return Ok(());
        }
        if self.units == MAX_UNITS {
            return Err(format!("a picture has more than {MAX_UNITS} units"));
        }
        self.units += 1;
        let bytes = Bytes::copy_from_slice(&self.fragment);
        self.fragment.clear();
        let unit = av1::obus(&bytes).next().ok_or("the size of a unit is more than there is of it")?;
        if unit.kind != av1::OBU_TEMPORAL_DELIMITER {
            unit.put_with_size(picture);
        }
        Ok(())
    }
}
