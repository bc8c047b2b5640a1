//! How the frames of each codec stand in a PES packet.

use super::{ADTS_AAC, H264, H265, MPEG1_AUDIO, MPEG2_AUDIO, MPEG4_VIDEO, PRIVATE_DATA, psi};
use crate::adts;
use yeoul_media::bitstream::{h264, h265, mpeg4, nal};
use yeoul_media::{Codec, Frame};

/// PES stream ids (ISO/IEC 13818-1 table 2-22).
const VIDEO_STREAM: u8 = 0xe0;
const AUDIO_STREAM: u8 = 0xc0;
const PRIVATE_STREAM: u8 = 0xbd;
const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// The access unit delimiter of any H.264 picture (H.264 §7.3.2.4: `primary_pic_type` 7, any slices).
const H264_DELIMITER: [u8; 2] = [9, 0xf0];

/// MPEG audio below this rate is MPEG-2's (ISO/IEC 13818-3).
const LOWEST_MPEG1_RATE: u32 = 32_000;

/// How the frames of a codec are written: what of the codec the stream has to know.
#[derive(Clone, Debug)]
pub(super) enum Form {
    H264(Option<h264::ParameterSets>),
    H265(Option<h265::ParameterSets>),
    Aac(adts::Header),
    Mpeg4Video(Option<mpeg4::Configuration>),
    Opus { channels: u8 },
    MpegAudio { stream_type: u8 },
}

impl Form {
    /// `None` if there is no place for the codec.
    pub(super) fn of(codec: &Codec) -> Option<Self> {
        match codec {
            Codec::H264(sets) => Some(Self::H264(sets.clone())),
            Codec::H265(sets) => Some(Self::H265(sets.clone())),
            Codec::Mpeg4Video(configuration) => Some(Self::Mpeg4Video(configuration.clone())),
            Codec::Aac(config) => adts::Header::of(config).map(Self::Aac),
            Codec::Opus { channels } => Some(Self::Opus { channels: *channels }),
            Codec::Mp3(layout) => {
                let stream_type =
                    if layout.sample_rate < LOWEST_MPEG1_RATE { MPEG2_AUDIO } else { MPEG1_AUDIO };
                Some(Self::MpegAudio { stream_type })
            }
            Codec::Av1(_)
            | Codec::Vp9(_)
            | Codec::Vp8(_)
            | Codec::Jpeg { .. }
            | Codec::Pcmu(_)
            | Codec::Pcma(_)
            | Codec::G722
            | Codec::L16(_)
            | Codec::Flac(_) => None,
        }
    }

    pub(super) fn stream_type(&self) -> u8 {
        match self {
            Self::H264(_) => H264,
            Self::H265(_) => H265,
            Self::Mpeg4Video(_) => MPEG4_VIDEO,
            Self::Aac(_) => ADTS_AAC,
            Self::Opus { .. } => PRIVATE_DATA,
            Self::MpegAudio { stream_type } => *stream_type,
        }
    }

    pub(super) fn stream_id(&self) -> u8 {
        match self {
            Self::H264(_) | Self::H265(_) | Self::Mpeg4Video(_) => VIDEO_STREAM,
            Self::Aac(_) | Self::MpegAudio { .. } => AUDIO_STREAM,
            Self::Opus { .. } => PRIVATE_STREAM,
        }
    }

    /// What the program map says about it.
    pub(super) fn descriptors(&self) -> Vec<u8> {
        let registration = |letters: &[u8; 4]| [&[psi::REGISTRATION, 4], &letters[..]].concat();
        match self {
            Self::H264(_) | Self::Mpeg4Video(_) | Self::Aac(_) | Self::MpegAudio { .. } => Vec::new(),
            Self::H265(_) => registration(b"HEVC"),
            Self::Opus { channels } => {
                let mut descriptors = registration(b"Opus");
                descriptors.extend([psi::EXTENSION, 2, psi::OPUS_EXTENSION, *channels]);
                descriptors
            }
        }
    }

    /// Hands over the elementary stream's bytes of `frame`, piece by piece; nothing if it cannot be carried.
    pub(super) fn pieces(&self, frame: &Frame, mut piece: impl FnMut(&[u8])) {
        match self {
            Self::H264(sets) => h264_pieces(sets.as_ref(), frame, &mut piece),
            Self::H265(sets) => h265_pieces(sets.as_ref(), frame, &mut piece),
            Self::Mpeg4Video(configuration) => {
                if let Some(configuration) = configuration.as_ref().filter(|_| frame.keyframe)
                    && mpeg4::Configuration::parse(&frame.data).is_none()
                {
                    piece(configuration.bytes());
                }
                piece(&frame.data);
            }
            Self::Aac(header) => {
                if let Some(header) = header.write(frame.data.len()) {
                    piece(&header);
                    piece(&frame.data);
                }
            }
            Self::Opus { .. } => opus_pieces(&frame.data, &mut piece),
            Self::MpegAudio { .. } => piece(&frame.data),
        }
    }
}

fn unit_piece(unit: &[u8], piece: &mut impl FnMut(&[u8])) {
    piece(&START_CODE);
    piece(unit);
}

fn h264_pieces(sets: Option<&h264::ParameterSets>, frame: &Frame, piece: &mut impl FnMut(&[u8])) {
    use h264::NalType;
    let kinds = || nal::length_prefixed(&frame.data).map(NalType::of);
    unit_piece(&H264_DELIMITER, piece);
    if let (true, Some(sets)) = (frame.keyframe, sets) {
        let has = |kind| kinds().any(|of| of == Some(kind));
        if !(has(NalType::Sps) && has(NalType::Pps)) {
            sets.units().for_each(|unit| unit_piece(unit, piece));
        }
    }
    for unit in nal::length_prefixed(&frame.data).filter(|unit| NalType::of(unit) != Some(NalType::Aud)) {
        unit_piece(unit, piece);
    }
}

fn h265_pieces(sets: Option<&h265::ParameterSets>, frame: &Frame, piece: &mut impl FnMut(&[u8])) {
    use h265::NalType;
    let kinds = || nal::length_prefixed(&frame.data).map(NalType::of);
    // The temporal layer of the delimiter is that of its picture (H.265 §7.4.2.2); `pic_type` 2 is any slices.
    let slice = nal::length_prefixed(&frame.data)
        .find(|unit| matches!(NalType::of(unit), Some(NalType::Slice | NalType::Irap)));
    let layer = slice.and_then(|unit| unit.get(1)).copied().unwrap_or(1);
    unit_piece(&[35 << 1, layer, 0x50], piece);
    if let (true, Some(sets)) = (frame.keyframe, sets) {
        let has = |kind| kinds().any(|of| of == Some(kind));
        if !(has(NalType::Vps) && has(NalType::Sps) && has(NalType::Pps)) {
            sets.units().for_each(|unit| unit_piece(unit, piece));
        }
    }
    for unit in nal::length_prefixed(&frame.data).filter(|unit| NalType::of(unit) != Some(NalType::Aud)) {
        unit_piece(unit, piece);
    }
}

/// The control header in front of each packet: 11 bits of prefix, 5 flags, the size in bytes of 255 and a rest.
fn opus_pieces(packet: &[u8], piece: &mut impl FnMut(&[u8])) {
    piece(&[0x7f, 0xe0]);
    for _ in 0..packet.len() / 255 {
        piece(&[0xff]);
    }
    piece(&[u8::try_from(packet.len() % 255).unwrap_or(0)]);
    piece(packet);
}
