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
        (Some(ColorSpace::YCbCr), ColorSpace::YCbCr) => planes(&samples, size),
        (other, _) => {
            return Err(StillError::Unsupported(format!("a JPEG image of the colours {other:?}")));
        }
    };
    let picture = (found == Some(size)).then(|| Picture::new(size, Color::JPEG, planes)).flatten();
    picture.ok_or_else(|| StillError::Damaged("the JPEG image has another size than it says".to_owned()))
}

/// Planes of 4:2:0 from samples of three, pixel by pixel: the mean of four for one of chroma.
fn planes(samples: &[u8], size: Size) -> [Vec<u8>; 3] {
    let luma = samples.as_chunks::<3>().0.iter().map(|&[y, _, _]| y).collect();
    let chroma = size.chroma();
    let (mut blues, mut reds) = (Vec::with_capacity(chroma.pixels()), Vec::with_capacity(chroma.pixels()));
    let rows: Vec<&[[u8; 3]]> = samples.as_chunks::<3>().0.chunks(size.width).collect();
    for two in rows.chunks(2) {
        let (Some(upper), Some(lower)) = (two.first(), two.last()) else { continue };
        for (upper, lower) in upper.chunks(2).zip(lower.chunks(2)) {
            // At an odd edge the last one counts twice.
            let four = [upper.first(), upper.last(), lower.first(), lower.last()];
            let sums = four
                .into_iter()
                .flatten()
                .fold([2u16; 2], |[b, r], pixel| [b + u16::from(pixel[1]), r + u16::from(pixel[2])]);
            let [blue, red] = sums.map(|sum| u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX));
            blues.push(blue);
            reds.push(red);
        }
    }
    [luma, blues, reds]
}
