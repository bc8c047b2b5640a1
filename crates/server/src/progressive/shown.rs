//! How a viewer wants an MP4's picture shown: turned, or with pixels that are not square. The picture itself stays as it is;
//! players do it, for the track header says so (ISO/IEC 14496-12 §8.3.2, the matrix of §6.2.2).

use super::query::value;
use axum::body::Bytes;
use bytes::BytesMut;

/// What the matrix of the video tracks is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    turn: Turn,
    /// Width and height of a pixel.
    pixel: (u16, u16),
}

/// Clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    None,
    Right,
    Over,
    Left,
}

/// `rotate` or `scale` that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadShown {
    #[error("rotate: expected 0, 90, 180 or 270, got {0:?}")]
    Rotate(String),
    #[error("scale: expected the width and height of a pixel such as 4:3, got {0:?}")]
    Scale(String),
}

/// 1 as the matrix has it: 16 bits before the point, 16 behind.
const ONE: i64 = 1 << 16;

impl Shown {
    /// What `rotate` and `scale` say; `None` if the picture is to be shown as it is.
    pub(super) fn from_query(query: &[(String, String)]) -> Result<Option<Self>, BadShown> {
        let short = |text: &str| text.chars().take(20).collect::<String>();
        let turn = match value(query, "rotate").unwrap_or_default().trim() {
            "" | "0" => Turn::None,
            "90" => Turn::Right,
            "180" => Turn::Over,
            "270" | "-90" => Turn::Left,
            other => return Err(BadShown::Rotate(short(other))),
        };
        let pixel = match value(query, "scale").unwrap_or_default().trim() {
            "" => (1, 1),
            text => {
                let sides = text.split_once(':').and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)));
                sides.filter(|&(x, y)| x > 0 && y > 0).ok_or_else(|| BadShown::Scale(short(text)))?
            }
        };
        let shown = Self { turn, pixel };
        Ok((turn != Turn::None || pixel.0 != pixel.1).then_some(shown))
    }

    /// The init segment with the matrix in its video tracks. What is no init segment stays as it is.
    pub(super) fn apply(self, init: &Bytes) -> Bytes {
        let mut out = BytesMut::from(&init[..]);
        let end = out.len();
        self.patch(&mut out, (0, end));
        out.freeze()
    }

    /// Looks for track headers in the boxes of a range.
    fn patch(self, out: &mut BytesMut, (mut at, end): (usize, usize)) {
        const HEADER_BYTES: usize = 8;
        while let Some((size, kind)) =
            out.get(at..end).and_then(<[u8]>::first_chunk::<HEADER_BYTES>).map(split)
        {
            let next = at.saturating_add(size);
            if size < HEADER_BYTES || next > end {
                return;
            }
            match &kind {
                b"moov" | b"trak" => self.patch(out, (at + HEADER_BYTES, next)),
                b"tkhd" => {
                    if let Some(header) = out.get_mut(at..next) {
                        self.patch_header(header);
                    }
                }
                _ => {}
            }
            at = next;
        }
    }

    /// Writes the matrix into a track header, if it is one of a picture: with a width.
    fn patch_header(self, header: &mut [u8]) {
        // Times are of 32 bits in version 0, of 64 in version 1.
        let matrix_at = if header.get(8) == Some(&1) { 60 } else { 48 };
        let Some(place) = header.get_mut(matrix_at..matrix_at + 44) else { return };
        let (matrix, size) = place.split_at_mut(36);
        let side =
            |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| i64::from(u32::from_be_bytes(*bytes)));
        let (width, height) = (side(size), side(&size[4..]));
        if width == 0 {
            return;
        }
        // The longer side of a pixel is 1, so that nothing grows beyond what the fields hold.
        let (x, y) = (i64::from(self.pixel.0), i64::from(self.pixel.1));
        let (x, y) = (ONE * x / x.max(y), ONE * y / x.max(y));
        let (width, height) = (width * x / ONE, height * y / ONE);
        // (p, q) goes to (a·p + c·q + tx, b·p + d·q + ty): what leaves the first quadrant is moved back into it.
        let (a, b, c, d, tx, ty) = match self.turn {
            Turn::None => (x, 0, 0, y, 0, 0),
            Turn::Right => (0, x, -y, 0, height, 0),
            Turn::Over => (-x, 0, 0, -y, width, height),
            Turn::Left => (0, -x, y, 0, 0, width),
        };
        // u, v and w have 2 bits before the point.
        let values = [a, b, 0, c, d, 0, tx, ty, 1 << 30];
        for (place, value) in matrix.chunks_exact_mut(4).zip(values) {
            place.copy_from_slice(&i32::try_from(value).unwrap_or(i32::MAX).to_be_bytes());
        }
    }
}

/// Size and type of a box; sizes of 64 bits and to the end of the file are for `mdat` only.
fn split(header: &[u8; 8]) -> (usize, [u8; 4]) {
    let [s0, s1, s2, s3, kind @ ..] = *header;
    (usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).unwrap_or(0), kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progressive::query::pairs;
    use proptest::prelude::*;

    /// A track header of version 0 in its boxes, 640 by 360.
    fn init(width: u32) -> Bytes {
        let mut header = vec![0, 0, 0, 92];
        header.extend(b"tkhd");
        header.resize(84, 0);
        header.extend((width << 16).to_be_bytes());
        header.extend((360_u32 << 16).to_be_bytes());
        let boxed = |kind: &[u8], inner: Vec<u8>| {
            let size = u32::try_from(inner.len() + 8).expect("small");
            [&size.to_be_bytes()[..], kind, &inner].concat()
        };
        boxed(b"moov", boxed(b"trak", header)).into()
    }

    fn matrix(query: &str) -> Vec<i32> {
        let shown = Shown::from_query(&pairs(query)).expect("right").expect("something");
        let out = shown.apply(&init(640));
        assert_eq!(shown.apply(&init(0)), init(0), "sound has no matrix");
        out[16 + 48..16 + 84]
            .chunks(4)
            .map(|four| i32::from_be_bytes(four.try_into().expect("four")))
            .collect()
    }

    #[test]
    fn the_matrix_turns_and_stretches() {
        let one = 1 << 16;
        let w = 1 << 30;
        assert_eq!(matrix("rotate=90"), [0, one, 0, -one, 0, 0, 360 * one, 0, w]);
        assert_eq!(matrix("rotate=180"), [-one, 0, 0, 0, -one, 0, 640 * one, 360 * one, w]);
        assert_eq!(matrix("rotate=-90"), [0, -one, 0, one, 0, 0, 0, 640 * one, w]);
        assert_eq!(matrix("scale=1:2"), [one / 2, 0, 0, 0, one, 0, 0, 0, w]);
        assert_eq!(matrix("scale=2:1&rotate=90"), [0, one, 0, -one / 2, 0, 0, 180 * one, 0, w]);
    }

    #[test]
    fn what_is_no_turn_is_told() {
        let read = |query: &str| Shown::from_query(&pairs(query)).map_err(|error| error.to_string());
        assert_eq!(read("rotate=0&scale=3:3"), Ok(None));
        assert_eq!(read("rotate=45"), Err("rotate: expected 0, 90, 180 or 270, got \"45\"".to_owned()));
        for scale in ["2", "0:1", "1:-1", "a:b", "1:99999"] {
            let sentence =
                format!("scale: expected the width and height of a pixel such as 4:3, got {scale:?}");
            assert_eq!(read(&format!("scale={scale}")), Err(sentence));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let shown = Shown { turn: Turn::Right, pixel: (4, 3) };
            let data = Bytes::from(data);
            prop_assert_eq!(shown.apply(&data).len(), data.len());
        }
    }
}
