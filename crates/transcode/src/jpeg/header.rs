//! The headers of a JPEG image, without its pixels (ITU-T T.81 annex B).

use crate::picture::Size;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// How many luma samples stand for one of chroma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Luma only.
    Gray,
    /// 4:4:4.
    Full,
    /// 4:2:2: half as many in a row.
    HalfWidth,
    /// 4:2:0: half as many in a row and in a column.
    Half,
    /// Anything else, or another number of components than one or three.
    Other,
}

/// What the headers of a JPEG image say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width and height in pixels, each 1 to 65535.
    pub size: Size,
    /// How chroma is sampled.
    pub sampling: Sampling,
    /// Coded in several passes (T.81 §G) rather than from top to bottom.
    pub progressive: bool,
}

/// Why the headers cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It is something else.
    #[error("a JPEG image begins with ff d8, this does not")]
    NotJpeg,
    /// Cut off, or damaged.
    #[error("the headers of the JPEG image end at byte {0}, before its size was told")]
    Truncated(usize),
    /// A width or height of 0, or a form that nobody decodes.
    #[error("the JPEG image is of a kind that is not supported: {0}")]
    Unsupported(&'static str),
}

impl Header {
    /// The headers of `image`, up to its frame header.
    ///
    /// # Errors
    /// If it is no JPEG image, is cut off before its frame header, or is of a kind that cannot be decoded: lossless,
    /// hierarchical, arithmetic, 12 bits, or with its height at the end.
    pub fn parse(image: &[u8]) -> Result<Self, HeaderError> {
        if image.get(..2) != Some(&[0xff, SOI]) {
            return Err(HeaderError::NotJpeg);
        }
        let mut at = 2;
        let truncated = |at: usize| HeaderError::Truncated(at.min(image.len()));
        loop {
            let rest = image.get(at..).unwrap_or_default();
            // A marker may have any number of fill bytes in front (T.81 §B.1.1.2).
            let fill = rest.iter().position(|&byte| byte != 0xff).ok_or(truncated(at))?;
            if fill == 0 {
                return Err(truncated(at));
            }
            let marker = rest.get(fill).copied().ok_or(truncated(at))?;
            at += fill + 1;
            match marker {
                // Stand-alone markers have no length (T.81 table B.1).
                0x01 | 0xd0..=0xd7 => continue,
                SOS | EOI | SOI | 0x00 => return Err(truncated(at)),
                _ => {}
            }
            let length =
                image.get(at..at + 2).and_then(|length| length.try_into().ok()).ok_or(truncated(at))?;
            let length = usize::from(u16::from_be_bytes(length));
            let segment = image.get(at + 2..at + length).ok_or(truncated(at))?;
            match marker {
                0xc0..=0xc2 => return frame_header(segment, marker == 0xc2).ok_or(truncated(at))?,
                0xc3 | 0xc5..=0xc7 | 0xcb | 0xcd..=0xcf => {
                    return Err(HeaderError::Unsupported("lossless or hierarchical coding"));
                }
                0xc9 | 0xca => return Err(HeaderError::Unsupported("arithmetic coding")),
                _ => at += length,
            }
        }
    }
}

/// `None` if it is cut off (T.81 §B.2.2).
fn frame_header(segment: &[u8], progressive: bool) -> Option<Result<Header, HeaderError>> {
    let (&[precision, h1, h0, w1, w0, count], components) = segment.split_first_chunk::<6>()?;
    let components = components.get(..usize::from(count) * 3)?;
    if precision != 8 {
        return Some(Err(HeaderError::Unsupported("more than 8 bits")));
    }
    let size =
        Size::new(usize::from(u16::from_be_bytes([w1, w0])), usize::from(u16::from_be_bytes([h1, h0])));
    if size.width == 0 || size.height == 0 {
        return Some(Err(HeaderError::Unsupported("a picture without width or height")));
    }
    // What counts is how they relate: ffmpeg writes 4:2:2 as 2x2 to 1x2 (T.81 §A.1.1).
    let factors: Vec<[u8; 2]> =
        components.chunks_exact(3).map(|component| [component[1] >> 4, component[1] & 15]).collect();
    let sampling = match factors.as_slice() {
        [_] => Sampling::Gray,
        [[h, v], blue @ [ch, cv], red] if blue == red => match (h == ch, *h == 2 * ch, v == cv, *v == 2 * cv)
        {
            (true, _, true, _) => Sampling::Full,
            (_, true, true, _) => Sampling::HalfWidth,
            (_, true, _, true) => Sampling::Half,
            _ => Sampling::Other,
        },
        _ => Sampling::Other,
    };
    Some(Ok(Header { size, sampling, progressive }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: [u8; 19] = [0xff, 0xc0, 0, 17, 8, 1, 0x68, 2, 0x80, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];

    fn image(segments: &[&[u8]]) -> Vec<u8> {
        [&[0xff, SOI][..], &segments.concat()].concat()
    }

    #[test]
    fn the_frame_header_tells_size_and_sampling() {
        let image = image(&[&[0xff, 0xe0, 0, 4, 1, 2], &[0xff, 0xff, 0xfe, 0, 3, 7], &FRAME]);
        let header = Header { size: Size::new(640, 360), sampling: Sampling::Half, progressive: false };
        assert_eq!(Header::parse(&image), Ok(header));
    }

    #[test]
    fn what_is_no_image_is_said_in_words() {
        let error = |image: &[u8]| Header::parse(image).unwrap_err().to_string();
        assert_eq!(error(b"RIFF"), "a JPEG image begins with ff d8, this does not");
        let cut = image(&[&FRAME[..10]]);
        assert_eq!(error(&cut), "the headers of the JPEG image end at byte 4, before its size was told");
        let mut lossless = image(&[&FRAME]);
        lossless[3] = 0xc3;
        assert_eq!(
            error(&lossless),
            "the JPEG image is of a kind that is not supported: lossless or hierarchical coding"
        );
    }

    #[test]
    fn a_scan_before_the_frame_header_ends_the_reading() {
        let image = image(&[&[0xff, SOS, 0, 2], &FRAME]);
        assert_eq!(Header::parse(&image), Err(HeaderError::Truncated(4)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut data: Vec<u8>) {
            let _ = Header::parse(&data);
            data.splice(0..0, [0xff, SOI, 0xff]);
            let _ = Header::parse(&data);
        }
    }
}
