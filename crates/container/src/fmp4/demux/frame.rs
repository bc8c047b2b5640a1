//! The bytes of a sample to the data of a frame.

use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::Codec;
use yeoul_media::bitstream::nal::LENGTH_SIZE_BYTES;
use yeoul_media::bitstream::{av1, h264, h265};

/// What a sample turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) data: Bytes,
    pub(super) keyframe: bool,
    /// The sample brings other parameter sets than those in force.
    pub(super) codec: Option<Codec>,
}

/// The data of the frame in a sample of a track whose codec is `codec`; `None` if nothing of it can be used.
pub(super) fn read(codec: &Codec, length_bytes: Option<usize>, sample: Bytes) -> Option<Picture> {
    let data = match codec {
        Codec::H264(_) => nal_units(&sample, length_bytes?, |unit| {
            matches!(h264::NalType::of(unit), None | Some(h264::NalType::Aud | h264::NalType::Filler))
        })?,
        Codec::H265(_) => nal_units(&sample, length_bytes?, |unit| {
            matches!(h265::NalType::of(unit), None | Some(h265::NalType::Aud | h265::NalType::Filler))
        })?,
        Codec::Av1(_) => temporal_unit(&sample)?,
        Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Flac(_)
        | Codec::Mp3(_)
        // No sample description gives these.
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_) => Some(sample).filter(|sample| !sample.is_empty())?,
    };
    let keyframe = codec.is_keyframe(&data);
    let codec = codec.changed_by(&data, keyframe);
    Some(Picture { data, keyframe, codec })
}

/// The open bitstream units of a sample without temporal delimiters, each with its size, which the last one in a sample may
/// lack (AV1 Codec ISO Media File Format Binding §2.4). `None` if a size is wrong or nothing remains.
fn temporal_unit(sample: &Bytes) -> Option<Bytes> {
    let (mut read, mut kept, mut whole) = (0, Vec::new(), true);
    for obu in av1::obus(sample) {
        read += obu.bytes.len();
        if obu.kind == av1::OBU_TEMPORAL_DELIMITER {
            whole = false;
        } else {
            whole &= obu.has_size();
            kept.push(obu);
        }
    }
    if read != sample.len() || kept.is_empty() {
        return None;
    }
    if whole {
        return Some(sample.clone());
    }
    let mut out = BytesMut::with_capacity(sample.len() + 8);
    kept.iter().for_each(|obu| obu.put_with_size(&mut out));
    Some(out.freeze())
}

/// The NAL units of a sample, each behind 4 bytes of length whatever the file has, without those that `leave_out` wants
/// left out. `None` if a length is wrong or nothing remains.
fn nal_units(sample: &Bytes, length_bytes: usize, leave_out: impl Fn(&[u8]) -> bool) -> Option<Bytes> {
    let mut as_is = length_bytes == LENGTH_SIZE_BYTES;
    let (mut count, mut total) = (0, 0);
    for unit in units(sample, length_bytes) {
        let unit = unit?;
        if leave_out(unit) {
            as_is = false;
        } else {
            count += 1;
            total += unit.len();
        }
    }
    if count == 0 {
        return None;
    }
    if as_is {
        return Some(sample.clone());
    }
    let mut out = BytesMut::with_capacity(total + count * LENGTH_SIZE_BYTES);
    for unit in units(sample, length_bytes).flatten().filter(|unit| !leave_out(unit)) {
        out.put_u32(u32::try_from(unit.len()).ok()?);
        out.put_slice(unit);
    }
    Some(out.freeze())
}

/// The units behind lengths of 1 to 4 bytes; `None` at the end if a length is wrong.
fn units(mut data: &[u8], length_bytes: usize) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let unit = (|| {
            let (length, rest) = data.split_at_checked(length_bytes)?;
            let length = length.iter().fold(0, |value, &byte| value << 8 | usize::from(byte));
            rest.split_at_checked(length)
        })();
        match unit {
            Some((unit, rest)) => {
                data = rest;
                Some(Some(unit))
            }
            None => {
                data = &[];
                Some(None)
            }
        }
    })
}
