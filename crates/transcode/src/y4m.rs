//! YUV4MPEG2, in which ffmpeg hands over decoded pictures: a header line, then for each picture a line `FRAME` and its planes.
//!
//! 4:2:0 of 8 bits only; interlacing, aspect and rate are passed over.

use crate::limits::MAX_Y4M_LINE_BYTES;
use crate::picture::{Color, Matrix, Picture, Range, Size};
use std::mem;

/// Reads pictures out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Reader {
    header: Option<Header>,
    state: State,
    /// Of a line.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    size: Size,
    range: Range,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Line,
    /// The planes of a picture so far, one after the other.
    Planes(Vec<u8>),
}

/// Why no picture can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is something else.
    #[error("YUV4MPEG2 was expected, not a line of {MAX_Y4M_LINE_BYTES} bytes or the line {0:?}")]
    Line(String),
    /// Other pictures than asked for.
    #[error("YUV4MPEG2 has pictures that were not asked for: {0}")]
    Form(String),
}

impl Reader {
    /// Takes bytes from the front of `data` up to the end of a picture; `None` if there is none in them.
    ///
    /// # Errors
    /// If it is no YUV4MPEG2, or other than 4:2:0 of 8 bits within the bounds.
    pub fn read(&mut self, data: &mut &[u8]) -> Result<Option<Picture>, ReadError> {
        while !data.is_empty() {
            match (&mut self.state, self.header) {
                (State::Planes(planes), Some(Header { size, range })) => {
                    let missing = size.pixels() + 2 * size.chroma().pixels() - planes.len();
                    let taken = data.split_off(..missing.min(data.len())).unwrap_or_default();
                    planes.extend_from_slice(taken);
                    if taken.len() == missing {
                        let planes = mem::take(planes);
                        self.state = State::Line;
                        return Ok(picture(size, range, planes));
                    }
                }
                (State::Planes(_) | State::Line, header) => {
                    let Some(line) = self.line(data)? else { continue };
                    match header {
                        None => self.header = Some(Header::parse(&line)?),
                        Some(Header { size, .. }) if line == "FRAME" || line.starts_with("FRAME ") => {
                            let samples = size.pixels() + 2 * size.chroma().pixels();
                            self.state = State::Planes(Vec::with_capacity(samples));
                        }
                        Some(_) => return Err(ReadError::Line(line)),
                    }
                }
            }
        }
        Ok(None)
    }

    /// A whole line without its end, or `None` if that has not come.
    fn line(&mut self, data: &mut &[u8]) -> Result<Option<String>, ReadError> {
        let end = data.iter().position(|&byte| byte == b'\n');
        let taken = data.split_off(..end.unwrap_or(data.len())).unwrap_or_default();
        if self.line.len() + taken.len() > MAX_Y4M_LINE_BYTES {
            return Err(ReadError::Line(String::new()));
        }
        self.line.extend_from_slice(taken);
        if end.is_none() {
            return Ok(None);
        }
        data.split_off_first();
        Ok(Some(String::from_utf8_lossy(&mem::take(&mut self.line)).into_owned()))
    }
}

impl Header {
    fn parse(line: &str) -> Result<Self, ReadError> {
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(ReadError::Line(line.to_owned()));
        }
        let (mut width, mut height, mut is_420, mut range) = (0, 0, true, Range::Limited);
        for word in words {
            if let Some(value) = word.strip_prefix('W') {
                width = value.parse().unwrap_or(0);
            } else if let Some(value) = word.strip_prefix('H') {
                height = value.parse().unwrap_or(0);
            } else if let Some(value) = word.strip_prefix('C') {
                // The names differ in where chroma samples lie.
                is_420 = matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv");
            } else if word == "XCOLORRANGE=FULL" {
                range = Range::Full;
            }
        }
        let size = Size::new(width, height);
        if !is_420 || !size.is_within_bounds() {
            return Err(ReadError::Form(line.to_owned()));
        }
        Ok(Self { size, range })
    }
}

/// The file does not say the matrix: it is taken by the size, as in every stream that does not.
fn picture(size: Size, range: Range, mut luma: Vec<u8>) -> Option<Picture> {
    let chroma = size.chroma().pixels();
    let red = luma.split_off(size.pixels() + chroma);
    let blue = luma.split_off(size.pixels());
    Picture::new(size, Color { range, matrix: Matrix::of(None, size) }, [luma, blue, red])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &[u8] =
        b"YUV4MPEG2 W3 H2 F25:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\nFRAME\nabcdefghijFRAME Ip\nABCDEFGHIJ";

    fn read(pieces: &[&[u8]]) -> Result<Vec<Picture>, ReadError> {
        let (mut reader, mut pictures) = (Reader::default(), Vec::new());
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                pictures.extend(reader.read(&mut piece)?);
            }
        }
        Ok(pictures)
    }

    #[test]
    fn planes_follow_each_frame_line() {
        let pictures = read(&[FILE]).unwrap();
        assert_eq!(pictures.len(), 2);
        assert_eq!(pictures[0].planes(), [&b"abcdef"[..], b"gh", b"ij"]);
        assert_eq!(pictures[1].planes(), [&b"ABCDEF"[..], b"GH", b"IJ"]);
        assert_eq!(pictures[0].color().range, Range::Full);
    }

    #[test]
    fn what_is_something_else_is_said_in_words() {
        let error = |data: &[u8]| read(&[data]).unwrap_err().to_string();
        assert_eq!(error(b"RIFF\n"), r#"YUV4MPEG2 was expected, not a line of 256 bytes or the line "RIFF""#);
        assert_eq!(error(&[b'x'; 300]), r#"YUV4MPEG2 was expected, not a line of 256 bytes or the line """#);
        assert!(error(b"YUV4MPEG2 W64 H64 C422\n").ends_with("not asked for: YUV4MPEG2 W64 H64 C422"));
        assert!(error(b"YUV4MPEG2 W99999999999999999999 H64 C420\n").contains("not asked for"));
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_pictures(cuts in prop::collection::vec(0..FILE.len(), 0..6)) {
            let mut cuts = cuts;
            cuts.extend([0, FILE.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &FILE[cut[0]..cut[1]]).collect();
            prop_assert!(read(&pieces).unwrap() == read(&[FILE]).unwrap());
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>) {
            let _ = read(&[&data]);
            let _ = read(&[b"YUV4MPEG2 W2 H2\n", &data]);
        }
    }
}
