//! The bitstreams behind the codecs: as much of each as a server needs to describe, cut and convey it.

pub mod aac;
pub mod av1;
pub mod flac;
pub mod h264;
pub mod h265;
pub mod jpeg;
pub mod mp3;
pub mod mpeg4;
pub mod nal;
pub mod vp8;
pub mod vp9;

/// How the samples of a picture are coded, as the SPS of H.264 and H.265 tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleFormat {
    /// `chroma_format_idc`: 0 is monochrome, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
    pub chroma: u8,
    /// Bits of a luma sample, 8 to 16.
    pub luma_bits: u8,
    /// Bits of a chroma sample, 8 to 16.
    pub chroma_bits: u8,
}

impl SampleFormat {
    /// Made of the SPS's fields; values that no standard has are taken as the nearest one that exists.
    fn new(chroma_format_idc: u32, bit_depth_luma_minus8: u32, bit_depth_chroma_minus8: u32) -> Self {
        let bits = |minus8: u32| 8 + u8::try_from(minus8.min(8)).unwrap_or(8);
        Self {
            chroma: u8::try_from(chroma_format_idc.min(3)).unwrap_or(3),
            luma_bits: bits(bit_depth_luma_minus8),
            chroma_bits: bits(bit_depth_chroma_minus8),
        }
    }
}
