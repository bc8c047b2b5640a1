//! A decoded picture.

use crate::limits::{MAX_PIXELS, MAX_SIDE};
use std::fmt;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// Width and height in pixels.
    #[must_use]
    pub const fn new(width: usize, height: usize) -> Self {
        Self { width, height }
    }

    /// Samples of the luma plane.
    #[must_use]
    pub const fn pixels(self) -> usize {
        self.width * self.height
    }

    /// The size of a chroma plane of 4:2:0, rounded up where a side is odd.
    #[must_use]
    pub const fn chroma(self) -> Self {
        Self::new(self.width.div_ceil(2), self.height.div_ceil(2))
    }

    /// Whether a picture of this size is handled here: within [`MAX_SIDE`] and [`MAX_PIXELS`], and not empty.
    #[must_use]
    pub const fn is_within_bounds(self) -> bool {
        let (width, height) = (self.width, self.height);
        0 < width && width <= MAX_SIDE && 0 < height && height <= MAX_SIDE && width * height <= MAX_PIXELS
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Which values black and white have (ITU-T H.273 §8.3, `VideoFullRangeFlag`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// Luma from 16 to 235, chroma from 16 to 240: what video has unless it says otherwise.
    Limited,
    /// From 0 to 255: JPEG, and video that says so.
    Full,
}

/// How luma and chroma come of red, green and blue (ITU-T H.273 §8.3, `MatrixCoefficients`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matrix {
    /// ITU-R BT.601: standard definition, and JPEG (JFIF 1.02).
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
    /// ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

impl Matrix {
    /// The matrix of `MatrixCoefficients`; where the stream does not say (or says what 8-bit video of cameras never is), as
    /// players take it: BT.709 for high definition, BT.601 below.
    #[must_use]
    pub fn of(matrix_coefficients: Option<u8>, size: Size) -> Self {
        match matrix_coefficients {
            Some(1) => Self::Bt709,
            Some(4..=6) => Self::Bt601,
            Some(9 | 10) => Self::Bt2020,
            Some(_) | None if size.width >= 1280 || size.height > 576 => Self::Bt709,
            Some(_) | None => Self::Bt601,
        }
    }

    /// The shares of red and blue in luma.
    #[must_use]
    pub(crate) const fn weights(self) -> (f32, f32) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// What the values of the planes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Which values black and white have.
    pub range: Range,
    /// How luma and chroma come of red, green and blue.
    pub matrix: Matrix,
}

impl Color {
    /// JPEG's (JFIF 1.02): full range, BT.601.
    pub const JPEG: Self = Self { range: Range::Full, matrix: Matrix::Bt601 };
}

/// A picture as planes of 4:2:0 with 8 bits: luma at full size, blue and red difference at half of it in both directions (rounded
/// up). Rows follow each other without gaps.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub(crate) size: Size,
    pub(crate) color: Color,
    /// Luma, blue difference, red difference.
    pub(crate) planes: [Vec<u8>; 3],
}

impl Picture {
    /// A picture of planes in the order luma, blue difference, red difference.
    ///
    /// `None` if the size is out of bounds or a plane has another number of samples than its size asks for.
    #[must_use]
    pub fn new(size: Size, color: Color, planes: [Vec<u8>; 3]) -> Option<Self> {
        let [luma, blue, red] = &planes;
        let chroma = size.chroma().pixels();
        let fits = size.is_within_bounds()
            && luma.len() == size.pixels()
            && blue.len() == chroma
            && red.len() == chroma;
        fits.then_some(Self { size, color, planes })
    }

    /// Its width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// What the values mean.
    #[must_use]
    pub fn color(&self) -> Color {
        self.color
    }

    /// Luma, blue difference, red difference.
    #[must_use]
    pub fn planes(&self) -> [&[u8]; 3] {
        [&self.planes[0], &self.planes[1], &self.planes[2]]
    }

    /// The sizes of the planes.
    pub(crate) fn plane_sizes(size: Size) -> [Size; 3] {
        [size, size.chroma(), size.chroma()]
    }
}

/// Everything but the samples, which are many.
impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.size, self.color.range, self.color.matrix)
    }
}

/// The part of a plane that starts at `x`, `y` and has `size`, row by row; `None` if the plane of that `stride` is smaller.
pub(crate) fn cut(plane: &[u8], stride: usize, (x, y): (usize, usize), size: Size) -> Option<Vec<u8>> {
    if x.checked_add(size.width)? > stride || stride == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(size.pixels());
    for row in plane.chunks_exact(stride).skip(y).take(size.height) {
        out.extend_from_slice(row.get(x..x + size.width)?);
    }
    (out.len() == size.pixels()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_size_has_chroma_rounded_up() {
        let size = Size::new(5, 3);
        let picture = Picture::new(size, Color::JPEG, [vec![0; 15], vec![0; 6], vec![0; 6]]);
        assert_eq!(picture.map(|picture| picture.size()), Some(size));
        assert!(Picture::new(size, Color::JPEG, [vec![0; 15], vec![0; 4], vec![0; 4]]).is_none());
    }

    #[test]
    fn sizes_beyond_the_bounds_are_none() {
        assert!(Size::new(4096, 2304).is_within_bounds());
        for size in [Size::new(0, 9), Size::new(MAX_SIDE + 1, 1), Size::new(4096, 2320)] {
            assert!(!size.is_within_bounds(), "{size}");
        }
    }

    #[test]
    fn video_that_does_not_tell_its_matrix_has_that_of_its_size() {
        assert_eq!(Matrix::of(None, Size::new(1920, 1080)), Matrix::Bt709);
        assert_eq!(Matrix::of(Some(2), Size::new(704, 576)), Matrix::Bt601);
        assert_eq!(Matrix::of(Some(6), Size::new(1920, 1080)), Matrix::Bt601);
    }

    #[test]
    fn a_cut_takes_rows_of_the_part() {
        let plane: Vec<u8> = (0..12).collect();
        assert_eq!(cut(&plane, 4, (1, 1), Size::new(2, 2)), Some(vec![5, 6, 9, 10]));
        assert_eq!(cut(&plane, 4, (3, 0), Size::new(2, 1)), None);
        assert_eq!(cut(&plane, 4, (0, 2), Size::new(1, 2)), None);
    }
}
