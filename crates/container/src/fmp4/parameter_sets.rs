//! Leaves out of a sample the parameter sets that stand in the init segment; see the module [`super`] for why.

use super::sample_entry::MAX_SPS;
use bytes::{BufMut, BytesMut};
use yeoul_media::Codec;
use yeoul_media::bitstream::nal::{self, LENGTH_SIZE_BYTES};
use yeoul_media::bitstream::{h264, h265};

/// Bytes of a frame's data that go into its sample.
pub(super) fn sample_len(codec: &Codec, data: &[u8]) -> usize {
    let (mut all, mut kept) = (0, 0);
    for unit in nal_units(codec, data) {
        let len = LENGTH_SIZE_BYTES + unit.len();
        all += len;
        kept += if is_known(codec, unit) { 0 } else { len };
    }
    // Data that is not NAL units throughout, and a sample of nothing but known sets, go as they are.
    if all == data.len() && kept > 0 { kept } else { data.len() }
}

/// Appends what goes into the sample: as many bytes as [`sample_len`] says.
pub(super) fn put_sample(codec: &Codec, data: &[u8], out: &mut BytesMut) {
    if sample_len(codec, data) == data.len() {
        out.put_slice(data);
        return;
    }
    for unit in nal_units(codec, data).filter(|unit| !is_known(codec, unit)) {
        nal::put_length_prefixed(out, unit);
    }
}

/// The NAL units of the data; none where the codec has none.
fn nal_units<'a>(codec: &Codec, data: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let has_units = match codec {
        Codec::H264(_) | Codec::H265(_) => true,
        Codec::Av1(_) | Codec::Vp9(_) | Codec::Vp8(_) | Codec::Mpeg4Video(_) | Codec::Jpeg { .. } => false,
        Codec::Aac(_) | Codec::Opus { .. } | Codec::Flac(_) | Codec::Mp3(_) => false,
        Codec::Pcmu(_) | Codec::Pcma(_) | Codec::G722 | Codec::L16(_) => false,
    };
    nal::length_prefixed(if has_units { data } else { &[] })
}

/// A parameter set that stands in the init segment.
fn is_known(codec: &Codec, unit: &[u8]) -> bool {
    match codec {
        Codec::H264(Some(sets)) => match h264::NalType::of(unit) {
            Some(h264::NalType::Sps) => sets.sps().iter().take(MAX_SPS).any(|set| set == unit),
            Some(h264::NalType::Pps) => sets.pps().iter().any(|set| set == unit),
            Some(
                h264::NalType::Slice
                | h264::NalType::Idr
                | h264::NalType::Sei
                | h264::NalType::Aud
                | h264::NalType::Filler
                | h264::NalType::Other(_),
            )
            | None => false,
        },
        Codec::H265(Some(sets)) => match h265::NalType::of(unit) {
            Some(h265::NalType::Vps) => sets.vps().iter().any(|set| set == unit),
            Some(h265::NalType::Sps) => sets.sps().iter().any(|set| set == unit),
            Some(h265::NalType::Pps) => sets.pps().iter().any(|set| set == unit),
            Some(
                h265::NalType::Slice
                | h265::NalType::Irap
                | h265::NalType::Aud
                | h265::NalType::Filler
                | h265::NalType::Sei
                | h265::NalType::Other(_),
            )
            | None => false,
        },
        Codec::H264(None) | Codec::H265(None) => false,
        Codec::Av1(_) | Codec::Vp9(_) | Codec::Vp8(_) | Codec::Mpeg4Video(_) | Codec::Jpeg { .. } => false,
        Codec::Aac(_) | Codec::Opus { .. } | Codec::Flac(_) | Codec::Mp3(_) => false,
        Codec::Pcmu(_) | Codec::Pcma(_) | Codec::G722 | Codec::L16(_) => false,
    }
}
