//! Frames in the forms that ffmpeg reads from a pipe: Annex B of H.264 and H.265, AV1's low-overhead format, IVF for
//! VP9 and VP8, the elementary stream of MPEG-4 part 2.

use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame};

/// Behind each access unit stands a delimiter that begins the next one: a reader takes a picture for whole only then. H.264's and
/// H.265's allow every kind of picture, AV1's has no content.
const H264_DELIMITER: &[u8] = &[0x09, 0xf0];
const H265_DELIMITER: &[u8] = &[0x46, 0x01, 0x50];
const AV1_DELIMITER: &[u8] = &[0x12, 0x00];

/// Writes the frames of a track.
#[derive(Clone, Debug)]
pub struct FrameWriter {
    form: Form,
    /// What goes before the next frame: parameter sets, or a file's header.
    header: Vec<u8>,
    /// Frames so far.
    frames: u64,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// With this access unit delimiter.
    AnnexB {
        format: &'static str,
        delimiter: &'static [u8],
    },
    Av1,
    Ivf,
    Mpeg4,
}

impl FrameWriter {
    /// For the frames of a track of that codec; `None` for JPEG and sound.
    #[must_use]
    pub fn new(codec: &Codec) -> Option<Self> {
        let (form, header) = match codec {
            Codec::H264(_) => {
                (Form::AnnexB { format: "h264", delimiter: H264_DELIMITER }, parameter_sets(codec))
            }
            Codec::H265(_) => {
                (Form::AnnexB { format: "hevc", delimiter: H265_DELIMITER }, parameter_sets(codec))
            }
            Codec::Av1(_) => (Form::Av1, [AV1_DELIMITER, &parameter_sets(codec)].concat()),
            Codec::Vp9(_) => (Form::Ivf, ivf_header(b"VP90", codec)),
            Codec::Vp8(_) => (Form::Ivf, ivf_header(b"VP80", codec)),
            Codec::Mpeg4Video(_) => (Form::Mpeg4, parameter_sets(codec)),
            Codec::Jpeg { .. }
            | Codec::Aac(_)
            | Codec::Opus { .. }
            | Codec::Pcmu(_)
            | Codec::Pcma(_)
            | Codec::G722
            | Codec::L16(_)
            | Codec::Flac(_)
            | Codec::Mp3(_) => return None,
        };
        Some(Self { form, header, frames: 0 })
    }

    /// The name of ffmpeg's demuxer for it (`-f`).
    #[must_use]
    pub fn format(&self) -> &'static str {
        match self.form {
            Form::AnnexB { format, .. } => format,
            Form::Av1 => "obu",
            Form::Ivf => "ivf",
            Form::Mpeg4 => "m4v",
        }
    }

    /// Appends a frame to `out`, with what a reader has to know before it.
    pub fn write(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        out.append(&mut self.header);
        if let Some(codec) = &frame.new_codec {
            out.extend(parameter_sets(codec));
        }
        match self.form {
            Form::AnnexB { delimiter, .. } => {
                for unit in nal::length_prefixed(&frame.data) {
                    put_unit(out, unit);
                }
                put_unit(out, delimiter);
            }
            Form::Av1 => {
                out.extend_from_slice(&frame.data);
                out.extend_from_slice(AV1_DELIMITER);
            }
            Form::Ivf => {
                // Size and time of the frame; time counts frames here.
                out.extend_from_slice(&u32::try_from(frame.data.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(&self.frames.to_le_bytes());
                out.extend_from_slice(&frame.data);
            }
            Form::Mpeg4 => out.extend_from_slice(&frame.data),
        }
        self.frames += 1;
    }
}

/// What stands before a keyframe, in case it is not in it.
fn parameter_sets(codec: &Codec) -> Vec<u8> {
    let mut out = Vec::new();
    match codec {
        Codec::H264(Some(sets)) => sets.units().for_each(|unit| put_unit(&mut out, unit)),
        Codec::H265(Some(sets)) => sets.units().for_each(|unit| put_unit(&mut out, unit)),
        Codec::Av1(Some(header)) => out.extend_from_slice(header.obu()),
        Codec::Mpeg4Video(Some(configuration)) => out.extend_from_slice(configuration.bytes()),
        Codec::H264(None) | Codec::H265(None) | Codec::Av1(None) | Codec::Mpeg4Video(None) => {}
        Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => {}
    }
    out
}

/// A NAL unit behind a start code (H.264 annex B, H.265 annex B).
fn put_unit(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(unit);
}

/// The header of an IVF file: signature, version, its own size, codec, picture size, 25 frames a second, unknown length.
fn ivf_header(four_cc: &[u8; 4], codec: &Codec) -> Vec<u8> {
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    let (width, height) = codec.dimensions().map_or((0, 0), |(width, height)| (side(width), side(height)));
    let mut header = Vec::with_capacity(32);
    header.extend_from_slice(b"DKIF\0\0\x20\0");
    header.extend_from_slice(four_cc);
    header.extend([width, height].map(u16::to_le_bytes).concat());
    header.extend([25u32, 1, 0, 0].map(u32::to_le_bytes).concat());
    header
}
