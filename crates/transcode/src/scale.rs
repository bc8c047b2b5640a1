//! Pictures made smaller or larger.

use crate::picture::{Picture, Size};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

impl Size {
    /// The size that someone means who asks for a width, a height, both or neither: what is missing follows from the shape of
    /// the picture, rounded to an even number.
    ///
    /// `None` if the result is out of bounds ([`Size::is_within_bounds`]).
    #[must_use]
    pub fn asked(self, width: Option<usize>, height: Option<usize>) -> Option<Self> {
        if !self.is_within_bounds() {
            return None;
        }
        let follow = |asked: usize, own: usize, other: usize| {
            let exact = asked.checked_mul(other)?;
            Some((exact.checked_add(own)? / (2 * own) * 2).max(2))
        };
        let size = match (width, height) {
            (None, None) => self,
            (Some(width), Some(height)) => Self::new(width, height),
            (Some(width), None) => Self::new(width, follow(width, self.width, self.height)?),
            (None, Some(height)) => Self::new(follow(height, self.height, self.width)?, height),
        };
        size.is_within_bounds().then_some(size)
    }
}

impl Picture {
    /// The picture at another size, whatever its shape.
    ///
    /// `None` if the size is out of bounds ([`Size::is_within_bounds`]).
    #[must_use]
    pub fn scaled(&self, size: Size) -> Option<Self> {
        if size == self.size {
            return Some(self.clone());
        }
        if !size.is_within_bounds() {
            return None;
        }
        // Bilinear with the support that downscaling needs: no aliasing, and half the work of bicubic.
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
        let mut resizer = Resizer::new();
        let mut planes = [const { Vec::new() }; 3];
        let sizes = Self::plane_sizes(self.size).into_iter().zip(Self::plane_sizes(size));
        for ((out, plane), (from, to)) in planes.iter_mut().zip(&self.planes).zip(sizes) {
            *out = vec![0; to.pixels()];
            let [from_width, from_height, to_width, to_height] =
                [from.width, from.height, to.width, to.height].map(|side| u32::try_from(side).ok());
            // For samples of one byte only: the same for every kind of pixel takes minutes to compile.
            let from = TypedImageRef::<U8>::from_buffer(from_width?, from_height?, plane).ok()?;
            let mut to = TypedImage::<U8>::from_buffer(to_width?, to_height?, out).ok()?;
            resizer.resize_typed(&from, &mut to, &options).ok()?;
        }
        Self::new(size, self.color, planes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Color;
    use proptest::prelude::*;

    #[test]
    fn a_missing_side_follows_from_the_shape() {
        let size = Size::new(1920, 1080);
        assert_eq!(size.asked(None, None), Some(size));
        assert_eq!(size.asked(Some(640), None), Some(Size::new(640, 360)));
        assert_eq!(size.asked(None, Some(480)), Some(Size::new(854, 480)));
        assert_eq!(size.asked(Some(100), Some(100)), Some(Size::new(100, 100)));
        assert_eq!(size.asked(Some(1), None), Some(Size::new(1, 2)));
    }

    #[test]
    fn sizes_out_of_bounds_are_not_made() {
        let size = Size::new(1920, 1080);
        assert_eq!(size.asked(Some(0), None), None);
        assert_eq!(size.asked(Some(100_000), None), None);
        assert_eq!(size.asked(None, Some(usize::MAX)), None);
        assert_eq!(size.asked(Some(8192), Some(8192)), None);
    }

    #[test]
    fn a_ramp_stays_a_ramp() {
        let size = Size::new(256, 16);
        let ramp: Vec<u8> = (0..16).flat_map(|_| 0..=255).collect();
        let chroma = vec![128; size.chroma().pixels()];
        let picture = Picture::new(size, Color::JPEG, [ramp, chroma.clone(), chroma]).unwrap();
        let half = picture.scaled(Size::new(128, 8)).unwrap();
        for (x, &value) in half.planes()[0][128 * 3..128 * 4].iter().enumerate().skip(1).take(126) {
            assert!(value.abs_diff(u8::try_from(x * 2).unwrap()) <= 1, "{value} at {x}");
        }
        assert!(half.planes()[1].iter().all(|&value| value == 128));
    }

    proptest! {
        #[test]
        fn every_size_can_be_had(w in 1usize..200, h in 1usize..200, width in 1usize..300, height in 1usize..300) {
            let size = Size::new(w, h);
            let planes = Picture::plane_sizes(size).map(|size| vec![77; size.pixels()]);
            let picture = Picture::new(size, Color::JPEG, planes).unwrap();
            let scaled = picture.scaled(Size::new(width, height)).unwrap();
            prop_assert_eq!(scaled.size(), Size::new(width, height));
            prop_assert!(scaled.planes().iter().all(|plane| plane.iter().all(|&value| value == 77)));
        }
    }
}
