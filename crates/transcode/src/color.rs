//! From the colours of video to those of JPEG (JFIF 1.02): full range, BT.601.
//!
//! Both are linear in red, green and blue, so the way from one to the other is a matrix on luma and chroma. Grey stays grey:
//! chroma comes of chroma alone, and luma of luma and a little chroma, which is what most converters leave out.

use crate::picture::{Color, Matrix, Picture, Range};

/// Steps of luma in the arithmetic: 128ths. The largest gain times 255 fits 16 bits, where eight lanes are worked on at once.
const STEPS: f32 = 128.0;
/// What is added to keep sums above zero: 64 whole levels, more than chroma ever takes away.
const LIFT: u16 = 64;

/// How values of one picture become those of JPEG.
struct Conversion {
    /// Luma times this, in [`STEPS`] …
    luma_gain: u16,
    /// … and this, for black and rounding, [`LIFT`] included.
    luma_offset: f32,
    /// What blue and red difference add to luma, in [`STEPS`].
    luma_of: [f32; 2],
    /// What blue and red difference add to blue difference, and to red difference.
    chroma_of: [[f32; 2]; 2],
}

impl Conversion {
    fn new(color: Color) -> Self {
        let (luma_gain, chroma_gain, black) = match color.range {
            Range::Limited => (255.0 / 219.0, 255.0 / 224.0, 16.0),
            Range::Full => (1.0, 1.0, 0.0),
        };
        // Red, green and blue of one unit of blue difference and of one of red difference, without luma.
        let (red, blue) = color.matrix.weights();
        let green = 1.0 - red - blue;
        let of_blue_difference = [0.0, -2.0 * blue * (1.0 - blue) / green, 2.0 * (1.0 - blue)];
        let of_red_difference = [2.0 * (1.0 - red), -2.0 * red * (1.0 - red) / green, 0.0];
        // And what JPEG makes of each.
        let (red, blue) = Matrix::Bt601.weights();
        let luma = |[r, g, b]: [f32; 3]| red * r + (1.0 - red - blue) * g + blue * b;
        let of = |rgb: [f32; 3]| {
            let y = luma(rgb);
            let [r, _, b] = rgb;
            [y, (b - y) / (2.0 * (1.0 - blue)), (r - y) / (2.0 * (1.0 - red))].map(|part| part * chroma_gain)
        };
        let ([yb, bb, rb], [yr, br, rr]) = (of(of_blue_difference), of(of_red_difference));
        let gain = luma_gain * STEPS;
        Self {
            luma_gain: to_u16(gain),
            luma_offset: (f32::from(LIFT) + 0.5) * STEPS - black * f32::from(to_u16(gain)),
            luma_of: [yb * STEPS, yr * STEPS],
            chroma_of: [[bb, br], [rb, rr]],
        }
    }
}

impl Picture {
    /// The same picture in JPEG's colours.
    #[must_use]
    pub fn into_jpeg_color(mut self) -> Self {
        if self.color == Color::JPEG {
            return self;
        }
        let conversion = Conversion::new(self.color);
        let width = self.size.width;
        let chroma_width = self.size.chroma().width;
        let [luma, blues, reds] = &mut self.planes;
        // What chroma adds to each pixel of two rows.
        let mut added = vec![0u16; chroma_width * 2];
        let rows = luma.chunks_mut(width * 2);
        let chroma_rows = blues.chunks_exact_mut(chroma_width).zip(reds.chunks_exact_mut(chroma_width));
        for (two_rows, (blues, reds)) in rows.zip(chroma_rows) {
            for ((added, blue), red) in added.chunks_exact_mut(2).zip(blues.iter_mut()).zip(reds.iter_mut()) {
                let (b, r) = (f32::from(*blue) - 128.0, f32::from(*red) - 128.0);
                let [of_b, of_r] = conversion.luma_of;
                added.fill(to_u16(conversion.luma_offset + of_b * b + of_r * r));
                let [[bb, br], [rb, rr]] = conversion.chroma_of;
                *blue = to_u8(bb * b + br * r + 128.5);
                *red = to_u8(rb * b + rr * r + 128.5);
            }
            for row in two_rows.chunks_exact_mut(width) {
                for (sample, added) in row.iter_mut().zip(&added) {
                    let lifted = (u16::from(*sample) * conversion.luma_gain).saturating_add(*added) >> 7;
                    *sample = u8::try_from(lifted.saturating_sub(LIFT).min(255)).unwrap_or(u8::MAX);
                }
            }
        }
        self.color = Color::JPEG;
        self
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, which is meant")]
fn to_u8(value: f32) -> u8 {
    value as u8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, which is meant")]
fn to_u16(value: f32) -> u16 {
    value.round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Size;
    use proptest::prelude::*;

    /// Luma, blue and red difference of full-scale red, green and blue, by the definition (ITU-T H.273 §8.3).
    fn coded(rgb: [f32; 3], color: Color) -> [f32; 3] {
        let (red, blue) = color.matrix.weights();
        let y = red * rgb[0] + (1.0 - red - blue) * rgb[1] + blue * rgb[2];
        let (b, r) = ((rgb[2] - y) / (2.0 * (1.0 - blue)), (rgb[0] - y) / (2.0 * (1.0 - red)));
        match color.range {
            Range::Full => [y * 255.0, 128.0 + 255.0 * b, 128.0 + 255.0 * r],
            Range::Limited => [16.0 + 219.0 * y, 128.0 + 224.0 * b, 128.0 + 224.0 * r],
        }
    }

    fn check(rgb: [f32; 3], color: Color) {
        let [y, b, r] = coded(rgb, color).map(|value| to_u8(value.round()));
        let size = Size::new(18, 3);
        let chroma = size.chroma().pixels();
        let planes = [vec![y; size.pixels()], vec![b; chroma], vec![r; chroma]];
        let picture = Picture::new(size, color, planes).unwrap().into_jpeg_color();
        assert_eq!(picture.color(), Color::JPEG);
        for (plane, expected) in picture.planes().iter().zip(coded(rgb, Color::JPEG)) {
            for &value in *plane {
                // Two roundings, of values that limited range has spread by 255 / 219.
                assert!(
                    (f32::from(value) - expected).abs() < 2.0,
                    "{rgb:?} {color:?}: {value} for {expected}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn colours_stay_what_they_are(
            r in 0.0f32..=1.0, g in 0.0f32..=1.0, b in 0.0f32..=1.0,
            range in prop::sample::select(vec![Range::Limited, Range::Full]),
            matrix in prop::sample::select(vec![Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020]),
        ) {
            check([r, g, b], Color { range, matrix });
        }
    }

    #[test]
    fn the_corners_of_the_colours_stay() {
        for corner in 0..8u8 {
            let rgb = [corner & 1, corner >> 1 & 1, corner >> 2].map(f32::from);
            for range in [Range::Limited, Range::Full] {
                for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
                    check(rgb, Color { range, matrix });
                }
            }
        }
    }

    #[test]
    fn values_beyond_black_and_white_are_cut() {
        let color = Color { range: Range::Limited, matrix: Matrix::Bt709 };
        let planes = [vec![0, 255, 16, 235], vec![128], vec![128]];
        let picture = Picture::new(Size::new(2, 2), color, planes).unwrap().into_jpeg_color();
        assert_eq!(picture.planes()[0], [0, 255, 0, 255]);
    }
}
