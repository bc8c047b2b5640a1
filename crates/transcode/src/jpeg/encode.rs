//! A JPEG image of a picture: baseline, 4:2:0, the tables of ITU-T T.81 annex K scaled by a quality.
//!
//! The planes of the picture are handed on as they are. The encoder wants chroma at full size and takes every second sample of it,
//! so each sample is handed over twice: what is coded is the picture's own chroma.

use crate::picture::{Color, Picture};
use jpeg_encoder::{ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

/// From 1, the smallest image, to 100, the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quality(u8);

impl Quality {
    /// That quality; `None` if it is not 1 to 100.
    #[must_use]
    pub fn new(quality: u8) -> Option<Self> {
        (1..=100).contains(&quality).then_some(Self(quality))
    }
}

/// 80: a 1080p picture of a camera has 150 to 250 KB, and nobody sees the difference.
impl Default for Quality {
    fn default() -> Self {
        Self(80)
    }
}

/// The JPEG image of `picture`, whose colours are converted if they are not JPEG's.
#[must_use]
pub fn encode(picture: Picture, quality: Quality) -> Vec<u8> {
    let picture = picture.into_jpeg_color();
    // About a tenth of a byte for each pixel at the default quality; more only costs a copy.
    let mut image = Vec::with_capacity(picture.size().pixels() / 8 + 1024);
    let mut encoder = Encoder::new(&mut image, quality.0);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Nearest);
    let planes = Planes::new(&picture);
    debug_assert_eq!(picture.color(), Color::JPEG);
    // It fails where a side is 0 or a write fails: a picture is never empty, and memory takes every write.
    encoder.encode_image(planes).expect("a picture within bounds, written to memory");
    image
}

/// The rows of a picture as the encoder asks for them.
struct Planes<'a> {
    picture: &'a Picture,
    width: u16,
    height: u16,
}

impl<'a> Planes<'a> {
    fn new(picture: &'a Picture) -> Self {
        let side = |side| u16::try_from(side).unwrap_or(u16::MAX);
        Self { picture, width: side(picture.size.width), height: side(picture.size.height) }
    }
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, [luma, blues, reds, _]: &mut [Vec<u8>; 4]) {
        let (y, width, chroma_width) =
            (usize::from(y), self.picture.size.width, self.picture.size.chroma().width);
        let [picture_luma, picture_blues, picture_reds] = &self.picture.planes;
        luma.extend_from_slice(&picture_luma[y * width..(y + 1) * width]);
        // Odd rows are not looked at, but for the last one, which stands for those below the picture too.
        let is_used = y % 2 == 0 || y + 1 == usize::from(self.height);
        for (out, plane) in [(blues, picture_blues), (reds, picture_reds)] {
            let start = out.len();
            out.resize(start + chroma_width * 2, 0);
            if is_used {
                let row = &plane[y / 2 * chroma_width..][..chroma_width];
                for (two, sample) in out[start..].as_chunks_mut::<2>().0.iter_mut().zip(row) {
                    *two = [*sample; 2];
                }
            }
            out.truncate(start + width);
        }
    }
}
