//! Pictures turned by quarters: cameras hang as their walls allow.

use crate::picture::{Picture, Size};

/// How far a picture is turned, clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Not at all.
    #[default]
    None,
    /// A quarter: what was on the left is on top.
    Quarter,
    /// Upside down.
    Half,
    /// Three quarters, or one against the clock.
    ThreeQuarters,
}

impl Turn {
    /// The turn of so many degrees clockwise: a multiple of 90, negative ones too.
    #[must_use]
    pub fn from_degrees(degrees: i32) -> Option<Self> {
        match degrees.rem_euclid(360) {
            0 => Some(Self::None),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }
}

/// Samples of a square that is turned at once: source and destination of 32 rows each stay in the first cache.
const TILE: usize = 32;

impl Picture {
    /// The picture, turned.
    #[must_use]
    pub fn turned(mut self, turn: Turn) -> Self {
        let from = self.size;
        let size = match turn {
            Turn::None => return self,
            Turn::Half => {
                // The last row becomes the first, from right to left.
                self.planes.iter_mut().for_each(|plane| plane.reverse());
                return self;
            }
            Turn::Quarter | Turn::ThreeQuarters => Size::new(from.height, from.width),
        };
        for (plane, size) in self.planes.iter_mut().zip(Self::plane_sizes(from)) {
            *plane = transposed(plane, size);
            let columns = size.height;
            match turn {
                Turn::Quarter => plane.chunks_exact_mut(columns).for_each(<[u8]>::reverse),
                Turn::ThreeQuarters => reverse_rows(plane, columns),
                Turn::None | Turn::Half => {}
            }
        }
        self.size = size;
        self
    }
}

/// Rows become columns.
fn transposed(plane: &[u8], size: Size) -> Vec<u8> {
    let Size { width, height } = size;
    let mut out = vec![0; plane.len()];
    for y0 in (0..height).step_by(TILE) {
        for x0 in (0..width).step_by(TILE) {
            for y in y0..(y0 + TILE).min(height) {
                for x in x0..(x0 + TILE).min(width) {
                    out[x * height + y] = plane[y * width + x];
                }
            }
        }
    }
    out
}

/// The last row becomes the first.
fn reverse_rows(plane: &mut [u8], width: usize) {
    let mut rows = plane.chunks_exact_mut(width);
    while let (Some(first), Some(last)) = (rows.next(), rows.next_back()) {
        first.swap_with_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Color;
    use proptest::prelude::*;

    fn picture(size: Size) -> Picture {
        let planes = Picture::plane_sizes(size)
            .map(|size| (0..size.pixels()).map(|at| u8::try_from(at % 251).unwrap()).collect());
        Picture::new(size, Color::JPEG, planes).unwrap()
    }

    #[test]
    fn a_quarter_turns_the_left_side_up() {
        // 1 2 3      4 1
        // 4 5 6  ->  5 2
        //            6 3
        let planes = [vec![1, 2, 3, 4, 5, 6], vec![7, 8], vec![9, 10]];
        let picture = Picture::new(Size::new(3, 2), Color::JPEG, planes).unwrap();
        let turned = picture.clone().turned(Turn::Quarter);
        assert_eq!(turned.size(), Size::new(2, 3));
        assert_eq!(turned.planes(), [&[4, 1, 5, 2, 6, 3][..], &[7, 8], &[9, 10]]);
        let turned = picture.clone().turned(Turn::ThreeQuarters);
        assert_eq!(turned.planes(), [&[3, 6, 2, 5, 1, 4][..], &[8, 7], &[10, 9]]);
        assert_eq!(picture.turned(Turn::Half).planes(), [&[6, 5, 4, 3, 2, 1][..], &[8, 7], &[10, 9]]);
    }

    #[test]
    fn degrees_are_quarters() {
        assert_eq!(Turn::from_degrees(-90), Some(Turn::ThreeQuarters));
        assert_eq!(Turn::from_degrees(450), Some(Turn::Quarter));
        assert_eq!(Turn::from_degrees(45), None);
    }

    proptest! {
        #[test]
        fn four_quarters_are_none(width in 1usize..90, height in 1usize..90) {
            let whole = picture(Size::new(width, height));
            let quarters = (0..4).fold(whole.clone(), |picture, _| picture.turned(Turn::Quarter));
            prop_assert!(quarters == whole);
            let there_and_back = whole.clone().turned(Turn::Quarter).turned(Turn::ThreeQuarters);
            prop_assert!(there_and_back == whole);
            prop_assert!(whole.clone().turned(Turn::Quarter).turned(Turn::Quarter) == whole.turned(Turn::Half));
        }
    }
}
