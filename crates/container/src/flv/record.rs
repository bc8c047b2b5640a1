//! Decoder configurations as tags carry them: the records of ISO/IEC 14496-15 §5.3.3 and §8.3.3, those of AV1's and VP's bindings
//! to MP4, `OpusHead` (RFC 7845 §5.1), and the first metadata block of FLAC (RFC 9639 §8).

use super::tag::{AudioCodec, VideoCodec};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::{av1, flac, h264, h265, vp8, vp9};
use yeoul_media::{Codec, PcmLayout};

/// Bytes of AV1's record in front of the open bitstream units.
const AV1_HEAD_BYTES: usize = 4;
/// What FLAC starts with, and the header of its `STREAMINFO` as the last block.
const FLAC_MARK: &[u8; 4] = b"fLaC";
const FLAC_BLOCK: [u8; 4] = [0x80, 0, 0, 34];
/// Version and flags in front of VP8's and VP9's record, as in MP4: ffmpeg and others write them.
const VP_VERSION: [u8; 4] = [1, 0, 0, 0];
const OPUS_MARK: &[u8; 8] = b"OpusHead";
/// NAL unit types of H.265 (table 7-1).
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;

/// The configuration of a codec; `None` if it has none, or it is not known yet.
pub(super) fn write(codec: &Codec) -> Option<Bytes> {
    let mut out = BytesMut::new();
    match codec {
        Codec::H264(sets) => write_avc(sets.as_ref()?, &mut out),
        Codec::H265(sets) => write_hevc(sets.as_ref()?, &mut out),
        Codec::Av1(header) => write_av1(header.as_ref()?, &mut out),
        Codec::Vp9(parameters) => write_vp9(parameters.as_ref()?, &mut out),
        Codec::Vp8(parameters) => write_vp8(parameters.as_ref()?, &mut out),
        Codec::Aac(config) => return Some(config.bytes().clone()),
        Codec::Opus { channels } => {
            out.put_slice(OPUS_MARK);
            // Version, channels, nothing to skip, 48 kHz, no gain, mapping of one stream.
            out.put_slice(&[1, *channels, 0, 0]);
            out.put_u32_le(48_000);
            out.put_slice(&[0, 0, 0]);
        }
        Codec::Flac(info) => {
            out.put_slice(FLAC_MARK);
            out.put_slice(&FLAC_BLOCK);
            out.put_slice(info.bytes());
        }
        Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Mp3(_) => {
            return None;
        }
    }
    Some(out.freeze())
}

/// NAL units behind lengths of 16 bits; at most as many as `most` and none that is longer.
fn put_units(units: &[Bytes], most: usize, out: &mut BytesMut) {
    for unit in units.iter().take(most) {
        out.put_u16(u16::try_from(unit.len()).unwrap_or(0));
        out.put_slice(unit);
    }
}

/// How many of `units` a field of some bits can count.
fn count(units: &[Bytes], most: u8) -> u8 {
    u8::try_from(units.len()).map_or(most, |count| count.min(most))
}

fn write_avc(sets: &h264::ParameterSets, out: &mut BytesMut) {
    const BASELINE: u8 = 66;
    const MAIN: u8 = 77;
    const EXTENDED: u8 = 88;
    let [profile, constraints, level] = sets.profile_level_id();
    let sps = count(sets.sps(), 31);
    out.put_slice(&[1, profile, constraints, level, 0xff, 0xe0 | sps]);
    put_units(sets.sps(), sps.into(), out);
    let pps = count(sets.pps(), u8::MAX);
    out.put_u8(pps);
    put_units(sets.pps(), pps.into(), out);
    if ![BASELINE, MAIN, EXTENDED].contains(&profile) {
        let format = sets.sample_format();
        let depth = |bits: u8| 0xf8 | (bits.saturating_sub(8) & 7);
        out.put_slice(&[0xfc | format.chroma, depth(format.luma_bits), depth(format.chroma_bits), 0]);
    }
}

fn write_hevc(sets: &h265::ParameterSets, out: &mut BytesMut) {
    let profile = sets.profile_tier_level();
    let (format, layers) = (sets.sample_format(), sets.temporal_layers());
    let depth = |bits: u8| 0xf8 | (bits.saturating_sub(8) & 7);
    out.put_u8(1);
    out.put_u8((profile.profile_space << 6) | (u8::from(profile.high_tier) << 5) | profile.profile);
    out.put_u32(profile.compatibility);
    out.put_slice(&profile.constraints);
    out.put_u8(profile.level);
    // Nothing is promised about slices and threads: 0 behind reserved ones.
    out.put_slice(&[0xf0, 0, 0xfc]);
    out.put_slice(&[0xfc | format.chroma, depth(format.luma_bits), depth(format.chroma_bits)]);
    // No frame rate is promised; lengths have 4 bytes.
    out.put_u16(0);
    out.put_u8((layers.count << 3) | (u8::from(layers.nested) << 2) | 3);
    out.put_u8(3);
    for (kind, units) in [(VPS, sets.vps()), (SPS, sets.sps()), (PPS, sets.pps())] {
        // Complete: the stream needs no others.
        out.put_u8(0x80 | kind);
        out.put_u16(u16::try_from(units.len()).unwrap_or(0));
        put_units(units, units.len(), out);
    }
}

fn write_av1(header: &av1::SequenceHeader, out: &mut BytesMut) {
    let (x, y) = header.subsampling();
    let flag = |set: bool, shift: u32| u8::from(set) << shift;
    out.put_slice(&[
        0x81,
        (header.profile() << 5) | (header.level() & 0x1f),
        flag(header.high_tier(), 7)
            | flag(header.bit_depth() > 8, 6)
            | flag(header.bit_depth() == 12, 5)
            | flag(header.monochrome(), 4)
            | flag(x, 3)
            | flag(y, 2)
            | (header.chroma_sample_position() & 3),
        0,
    ]);
    out.put_slice(header.obu());
}

fn write_vp9(parameters: &vp9::Parameters, out: &mut BytesMut) {
    // 4:2:0 with chroma at the place of luma, 4:2:2, 4:4:4.
    let subsampling = match parameters.subsampling {
        (true, true) => 1,
        (true, false) => 2,
        (false, _) => 3,
    };
    // Colours: unspecified, as the picture itself tells what it knows. No initialization data.
    out.put_slice(&VP_VERSION);
    out.put_slice(&[
        parameters.profile,
        parameters.level(),
        (parameters.bit_depth << 4) | (subsampling << 1) | u8::from(parameters.full_range),
        2,
        2,
        2,
        0,
        0,
    ]);
}

fn write_vp8(parameters: &vp8::Parameters, out: &mut BytesMut) {
    // 4:2:0 of 8 bits; it has no levels: the lowest number stands there.
    out.put_slice(&VP_VERSION);
    out.put_slice(&[parameters.profile, 10, (8 << 4) | (1 << 1), 2, 2, 2, 0, 0]);
}

/// What a video configuration says: the codec, and of how many bytes its lengths are.
pub(super) fn parse_video(codec: VideoCodec, record: &Bytes) -> Option<(Codec, usize)> {
    match codec {
        VideoCodec::H264 => parse_avc(record),
        VideoCodec::H265 => parse_hevc(record),
        VideoCodec::Av1 => {
            let units = record.get(AV1_HEAD_BYTES..).map(|_| record.slice(AV1_HEAD_BYTES..))?;
            Some((Codec::Av1(av1::SequenceHeader::from_temporal_unit(&units).ok()), 0))
        }
        // It tells no size: the first keyframe does.
        VideoCodec::Vp9 => Some((Codec::Vp9(None), 0)),
        VideoCodec::Vp8 => Some((Codec::Vp8(None), 0)),
    }
}

/// `count` NAL units behind lengths of 16 bits, copied so that they do not keep the tag's memory.
fn take_units(record: &mut &[u8], count: usize, units: &mut Vec<Bytes>) -> Option<()> {
    for _ in 0..count {
        let (&length, rest) = record.split_first_chunk::<2>()?;
        let (unit, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
        if !unit.is_empty() {
            units.push(Bytes::copy_from_slice(unit));
        }
        *record = rest;
    }
    Some(())
}

fn parse_avc(record: &[u8]) -> Option<(Codec, usize)> {
    let (&[_, _, _, _, length_size, sps], mut rest) = record.split_first_chunk::<6>()?;
    let mut units = Vec::new();
    take_units(&mut rest, usize::from(sps & 0x1f), &mut units)?;
    let (&pps, mut rest) = rest.split_first()?;
    take_units(&mut rest, usize::from(pps), &mut units)?;
    Some((Codec::H264(h264::ParameterSets::from_units(units).ok()), usize::from(length_size & 3) + 1))
}

fn parse_hevc(record: &[u8]) -> Option<(Codec, usize)> {
    const HEAD_BYTES: usize = 23;
    let (head, mut rest) = record.split_first_chunk::<HEAD_BYTES>()?;
    let &[.., length_size, arrays] = head;
    let mut units = Vec::new();
    for _ in 0..arrays {
        let (&[_, high, low], after) = rest.split_first_chunk::<3>()?;
        rest = after;
        take_units(&mut rest, usize::from(u16::from_be_bytes([high, low])), &mut units)?;
    }
    Some((Codec::H265(h265::ParameterSets::from_units(units).ok()), usize::from(length_size & 3) + 1))
}

/// What an audio configuration says; `None` if it cannot be read.
pub(super) fn parse_audio(codec: AudioCodec, config: &Bytes) -> Option<Codec> {
    match codec {
        // Copied, so that it does not keep the tag's memory.
        AudioCodec::Aac => AudioSpecificConfig::parse(Bytes::copy_from_slice(config)).ok().map(Codec::Aac),
        // An empty one means one stream of one or two channels.
        AudioCodec::Opus if config.is_empty() => Some(Codec::Opus { channels: 2 }),
        AudioCodec::Opus => {
            let mut rest = config.strip_prefix(OPUS_MARK).map(|_| config.slice(OPUS_MARK.len()..))?;
            if rest.len() < 2 {
                return None;
            }
            rest.advance(1);
            let channels = rest.get_u8();
            (1..=2).contains(&channels).then_some(Codec::Opus { channels })
        }
        AudioCodec::Flac => {
            // ffmpeg sends the block without mark and header, which E-RTMP wants.
            let info = match config.strip_prefix(FLAC_MARK) {
                Some(blocks) => blocks.get(FLAC_BLOCK.len()..)?,
                None => config,
            };
            let info = info.get(..flac::STREAM_INFO_BYTES)?;
            flac::StreamInfo::parse(&Bytes::copy_from_slice(info)).map(Codec::Flac)
        }
        AudioCodec::Mp3 | AudioCodec::Pcma | AudioCodec::Pcmu => None,
    }
}

/// G.711 as FLV has it: 8 kHz.
pub(super) fn g711(codec: AudioCodec, stereo: bool) -> Option<Codec> {
    let layout = PcmLayout { sample_rate: 8000, channels: if stereo { 2 } else { 1 } };
    match codec {
        AudioCodec::Pcma => Some(Codec::Pcma(layout)),
        AudioCodec::Pcmu => Some(Codec::Pcmu(layout)),
        AudioCodec::Aac | AudioCodec::Mp3 | AudioCodec::Opus | AudioCodec::Flac => None,
    }
}
