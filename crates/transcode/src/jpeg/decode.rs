//! A JPEG image's pixels, for cameras that send JPEG and viewers who want it smaller or turned.

use super::{Header, Sampling};
use crate::limits::{MAX_JPEG_BYTES, MAX_JPEG_SCANS};
use crate::picture::{Color, Picture, Size};
use crate::still::StillError;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The picture in a JPEG image. Where the image is cut off, what is missing is grey.
///
/// # Errors
/// If it is no JPEG image, or one of another kind than cameras make, or larger than the bounds.
pub fn decode(image: &[u8]) -> Result<Picture, StillError> {
    let header = Header::parse(image).map_err(|error| StillError::Damaged(error.to_string()))?;
    let size = header.size;
    if !size.is_within_bounds() || image.len() > MAX_JPEG_BYTES {
        return Err(StillError::Unsupported(format!("a JPEG image of {size} and {} bytes", image.len())));
    }
    let colors = match header.sampling {
        Sampling::Gray => ColorSpace::Luma,
        Sampling::Full | Sampling::HalfWidth | Sampling::Half | Sampling::Other => ColorSpace::YCbCr,
    };
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(size.width)
        .set_max_height(size.height)
        .jpeg_set_max_scans(MAX_JPEG_SCANS)
        .jpeg_set_out_colorspace(colors);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(image), options);
    let damaged = |error| StillError::Damaged(format!("the JPEG image cannot be decoded: {error}"));
    let samples = decoder.decode().map_err(damaged)?;
    // What the decoder found is what counts: an image may have a second header that ours does not look at.
    let found = decoder.dimensions().map(|(width, height)| Size::new(width, height));
    let planes = match (decoder.input_colorspace(), colors) {
        (Some(ColorSpace::Luma), ColorSpace::Luma) => {
            [samples, vec![128; size.chroma().pixels()], vec![128; size.chroma().pixels()]]
        }
        (Some(ColorSpace::YCbCr), ColorSpace::YCbCr) => planes(&samples, size, header.sampling),
        (other, _) => {
            return Err(StillError::Unsupported(format!("a JPEG image of the colours {other:?}")));
        }
    };
    let picture = (found == Some(size)).then(|| Picture::new(size, Color::JPEG, planes)).flatten();
    picture.ok_or_else(|| StillError::Damaged("the JPEG image has another size than it says".to_owned()))
}

/// Planes of 4:2:0 from samples of three, pixel by pixel, of an image with that sampling.
fn planes(samples: &[u8], size: Size, sampling: Sampling) -> [Vec<u8>; 3] {
    let pixels = samples.as_chunks::<3>().0;
    let luma = pixels.iter().map(|&[y, _, _]| y).collect();
    let (across, down) = match sampling {
        Sampling::Half => (Halving::Undo, Halving::Undo),
        Sampling::HalfWidth => (Halving::Undo, Halving::Mean),
        Sampling::Full | Sampling::Gray | Sampling::Other => (Halving::Mean, Halving::Mean),
    };
    let chroma = size.chroma();
    let (mut blues, mut reds) = (Vec::with_capacity(chroma.pixels()), Vec::with_capacity(chroma.pixels()));
    let rows: Vec<&[[u8; 3]]> = pixels.chunks_exact(size.width).collect();
    // Blue and red difference of all columns in one row of the result, times four.
    let mut line = vec![[0i16; 2]; size.width];
    for y in 0..chroma.height {
        line.fill([0; 2]);
        for (row, weight) in down.taps(y, size.height) {
            let Some(row) = rows.get(row) else { continue };
            for ([blue, red], &[_, b, r]) in line.iter_mut().zip(*row) {
                *blue += weight * i16::from(b);
                *red += weight * i16::from(r);
            }
        }
        for x in 0..chroma.width {
            let sum = across.taps(x, size.width).into_iter().fold([8; 2], |[blue, red], (column, weight)| {
                let [b, r] = line.get(column).copied().unwrap_or_default();
                [blue + i32::from(weight) * i32::from(b), red + i32::from(weight) * i32::from(r)]
            });
            let [blue, red] = sum.map(|sum| u8::try_from((sum >> 4).clamp(0, 255)).unwrap_or(u8::MAX));
            blues.push(blue);
            reds.push(red);
        }
    }
    [luma, blues, reds]
}

/// How samples become half as many in a direction.
#[derive(Clone, Copy, Debug)]
enum Halving {
    /// Each is the mean of two.
    Mean,
    /// The decoder has doubled them, and they become what they were. Of two neighbours c and d it has made (3c + d) / 4 and
    /// (c + 3d) / 4, so c is (3(3c + d) - (c + 3d)) / 8: on either side, and the mean of both where there are two. The mean of
    /// the doubled ones would be a blurred c.
    Undo,
}

impl Halving {
    /// Of which of `count` samples the one at `index` is made, and how many quarters of each.
    fn taps(self, index: usize, count: usize) -> [(usize, i16); 4] {
        let (first, second) = (2 * index, 2 * index + 1);
        let (has_before, has_after) = (first > 0, second + 1 < count);
        match self {
            Self::Undo if has_before && has_after => {
                [(first - 1, -1), (first, 3), (second, 3), (second + 1, -1)]
            }
            Self::Undo if has_before => [(first - 1, -2), (first, 6), (first, 0), (first, 0)],
            Self::Undo if has_after => [(first, 0), (first, 0), (second, 6), (second + 1, -2)],
            // At an odd edge the last one counts twice.
            Self::Mean | Self::Undo => [(first, 2), (second.min(count - 1), 2), (first, 0), (first, 0)],
        }
    }
}
