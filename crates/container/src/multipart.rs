//! JPEG pictures one after another over HTTP: `multipart/x-mixed-replace` (RFC 2046 §5.1, with each part replacing the one before),
//! as cameras and go2rtc send it.
//!
//! Leaves out nested multiparts and transfer encodings, which no camera sends.

use crate::limits::{MAX_PART_HEADER_BYTES, MAX_PICTURE_BYTES, MAX_PREAMBLE_BYTES};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;

/// The `Content-Type` of a stream that [`part`]s are sent in.
pub const CONTENT_TYPE: &str = "multipart/x-mixed-replace; boundary=frame";

/// One picture as a part: delimiter and header, the picture itself, shared, and the end of its line.
#[must_use]
pub fn part(picture: &Bytes) -> [Bytes; 3] {
    let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.len());
    [head.into(), picture.clone(), Bytes::from_static(b"\r\n")]
}

/// The `boundary` parameter of a `Content-Type`; `None` if it has none.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then_some(value)
    })
}

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no delimiter.
    #[error(
        "no multipart delimiter, a line that starts with \"--\", in {MAX_PREAMBLE_BYTES} bytes: this is no multipart stream"
    )]
    NoDelimiter,
    /// Header lines without end.
    #[error("the header of a part exceeds {MAX_PART_HEADER_BYTES} bytes")]
    HeaderTooLarge,
    /// A picture without end.
    #[error("a part has {0} bytes or more, expected a picture of at most {MAX_PICTURE_BYTES}")]
    PictureTooLarge(usize),
    /// A length that is no number.
    #[error("a part has the Content-Length {0:?}, expected a number of bytes")]
    Length(String),
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its `Content-Type`, if it has one.
    pub content_type: Option<String>,
    /// Its content, never empty.
    pub data: Bytes,
}

/// Reads a multipart stream in pieces of any size.
///
/// The delimiter is the first line that starts with `--`, whatever boundary was announced: cameras announce it with and without
/// the two dashes, and some announce another one. A part ends after its `Content-Length`, or where it has none at the next
/// delimiter.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    state: State,
    /// The first delimiter's line without its end, dashes included.
    delimiter: Option<Bytes>,
    /// Bytes at the start of the buffer in which the next delimiter was searched for already.
    searched: usize,
    /// Bytes passed over since the last part.
    passed_over: usize,
    ready: VecDeque<Part>,
}

#[derive(Debug, Default)]
enum State {
    /// Lines up to a delimiter do not matter.
    #[default]
    Between,
    /// Header lines of a part.
    Header(Header),
    /// The content of a part.
    Content(Header),
    /// The last delimiter has come.
    Ended,
}

#[derive(Debug, Default)]
struct Header {
    content_type: Option<String>,
    length: Option<usize>,
    bytes: usize,
}

impl Reader {
    /// The next bytes. Call [`Reader::pull`] until `None` after each push.
    ///
    /// # Errors
    /// If this is no multipart stream, or one of its parts exceeds a bound: nothing more will come out.
    pub fn push(&mut self, data: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(data);
        while self.step()? {}
        Ok(())
    }

    /// The next part.
    pub fn pull(&mut self) -> Option<Part> {
        self.ready.pop_front()
    }

    /// Whether the sender has said that no more parts come.
    #[must_use]
    pub fn ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Takes a line or a part; false if it has not come whole.
    fn step(&mut self) -> Result<bool, Error> {
        match std::mem::take(&mut self.state) {
            State::Between => self.between(),
            State::Header(header) => self.header(header),
            State::Content(header) => match header.length {
                Some(length) => Ok(self.content_of_length(header, length)),
                None => self.content_to_delimiter(header),
            },
            State::Ended => {
                self.state = State::Ended;
                self.buffer.clear();
                Ok(false)
            }
        }
    }

    fn between(&mut self) -> Result<bool, Error> {
        let Some(line) = self.line() else {
            self.bound(self.passed_over + self.buffer.len())?;
            return Ok(false);
        };
        if line.is_empty() {
            return Ok(true);
        }
        let delimiter = match &self.delimiter {
            Some(delimiter) => delimiter.clone(),
            None if line.len() > 2 && line.starts_with(b"--") => Bytes::copy_from_slice(&line),
            None => Bytes::new(),
        };
        if !delimiter.is_empty() && line.starts_with(&delimiter) {
            let rest = line.get(delimiter.len()..).unwrap_or_default();
            self.state = if rest == b"--" { State::Ended } else { State::Header(Header::default()) };
            self.delimiter = Some(delimiter);
            self.passed_over = 0;
            return Ok(true);
        }
        self.passed_over += line.len();
        self.bound(self.passed_over)?;
        Ok(true)
    }

    /// Whether so many bytes may be passed over: the rest of a picture that was longer than its `Content-Length`, or what stands
    /// in front of the first delimiter.
    fn bound(&self, bytes: usize) -> Result<(), Error> {
        match &self.delimiter {
            None if bytes > MAX_PREAMBLE_BYTES => Err(Error::NoDelimiter),
            Some(_) if bytes > MAX_PICTURE_BYTES => Err(Error::PictureTooLarge(bytes)),
            None | Some(_) => Ok(()),
        }
    }

    fn header(&mut self, mut header: Header) -> Result<bool, Error> {
        let line = self.line();
        header.bytes += line.as_ref().map_or(self.buffer.len(), |line| line.len() + 2);
        if header.bytes > MAX_PART_HEADER_BYTES {
            return Err(Error::HeaderTooLarge);
        }
        let Some(line) = line else {
            header.bytes -= self.buffer.len();
            self.state = State::Header(header);
            return Ok(false);
        };
        if line.is_empty() {
            if let Some(length) = header.length {
                if length > MAX_PICTURE_BYTES {
                    return Err(Error::PictureTooLarge(length));
                }
                self.buffer.reserve(length.saturating_sub(self.buffer.len()));
            }
            self.searched = 0;
            self.state = State::Content(header);
            return Ok(true);
        }
        let text = String::from_utf8_lossy(&line);
        if let Some((name, value)) = text.split_once(':') {
            let value = value.trim();
            if name.trim().eq_ignore_ascii_case("content-type") {
                header.content_type = Some(value.to_owned());
            } else if name.trim().eq_ignore_ascii_case("content-length") {
                header.length = Some(value.parse().map_err(|_| Error::Length(value.to_owned()))?);
            }
        }
        self.state = State::Header(header);
        Ok(true)
    }

    fn content_of_length(&mut self, header: Header, length: usize) -> bool {
        if self.buffer.len() < length {
            self.state = State::Content(header);
            return false;
        }
        let data = self.buffer.split_to(length).freeze();
        self.give(header, data);
        true
    }

    fn content_to_delimiter(&mut self, header: Header) -> Result<bool, Error> {
        let delimiter = self.delimiter.clone().unwrap_or_default();
        // The line's end in front of a delimiter belongs to it.
        let start = self.searched.saturating_sub(delimiter.len() + 1);
        let found =
            self.buffer.get(start..).unwrap_or_default().windows(delimiter.len() + 1).position(|window| {
                window.split_first().is_some_and(|(&first, rest)| first == b'\n' && rest == delimiter)
            });
        let Some(at) = found.map(|at| start + at) else {
            self.searched = self.buffer.len();
            if self.searched > MAX_PICTURE_BYTES {
                return Err(Error::PictureTooLarge(self.searched));
            }
            self.state = State::Content(header);
            return Ok(false);
        };
        let mut data = self.buffer.split_to(at).freeze();
        if data.last() == Some(&b'\r') {
            data.truncate(at - 1);
        }
        self.give(header, data);
        Ok(true)
    }

    fn give(&mut self, header: Header, data: Bytes) {
        if !data.is_empty() {
            self.ready.push_back(Part { content_type: header.content_type, data });
        }
    }

    /// The next line without its end.
    fn line(&mut self) -> Option<Bytes> {
        let end = self.buffer.iter().position(|&byte| byte == b'\n')?;
        let mut line = self.buffer.split_to(end).freeze();
        self.buffer.advance(1);
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pieces;
    use proptest::prelude::*;

    fn read(stream: &[u8], seed: u64) -> Result<Vec<Part>, Error> {
        let (mut reader, mut parts) = (Reader::default(), Vec::new());
        for piece in pieces(stream, seed) {
            reader.push(piece)?;
            parts.extend(std::iter::from_fn(|| reader.pull()));
        }
        Ok(parts)
    }

    fn jpeg(data: &'static [u8]) -> Part {
        Part { content_type: Some("image/jpeg".to_owned()), data: Bytes::from_static(data) }
    }

    #[test]
    fn a_part_has_the_bytes_of_go2rtc() {
        let picture = Bytes::from_static(b"\xff\xd8 picture");
        let part = part(&picture);
        assert_eq!(
            part.concat(),
            b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 10\r\n\r\n\xff\xd8 picture\r\n"
        );
        assert_eq!(part[1].as_ptr(), picture.as_ptr(), "the picture is shared");
    }

    #[test]
    fn the_boundary_is_found_in_any_content_type() {
        assert_eq!(boundary(CONTENT_TYPE), Some("frame"));
        assert_eq!(
            boundary("multipart/x-mixed-replace;boundary=\"--my boundary\"; charset=x"),
            Some("--my boundary")
        );
        assert_eq!(boundary("multipart/x-mixed-replace; Boundary = b"), Some("b"));
        assert_eq!(boundary("image/jpeg"), None);
    }

    #[test]
    fn parts_without_a_length_end_at_the_delimiter() {
        let stream = b"\r\n--b\r\ncontent-type: image/jpeg\r\n\r\n\xff\xd8--b one\n\r\n--b\r\nContent-Type:image/jpeg\r\n\r\ntwo\n--b--\r\n";
        assert_eq!(read(stream, 1).unwrap(), [jpeg(b"\xff\xd8--b one\n"), jpeg(b"two")]);
    }

    #[test]
    fn delimiters_that_differ_from_the_announced_one_are_taken() {
        let stream = b"HTTP preamble\r\n----x\r\nContent-Length: 3\r\nX-Time: 1\r\n\r\none\r\n----x\r\nContent-Length: 3\r\n\r\ntwo\r\n----x--";
        let parts = read(stream, 2).unwrap();
        assert_eq!(parts.iter().map(|part| &part.data[..]).collect::<Vec<_>>(), [b"one", b"two"]);
    }

    #[test]
    fn a_length_that_is_too_short_costs_one_picture() {
        let stream = b"--b\r\nContent-Length: 2\r\n\r\nlonger\nthan said\r\n--b\r\nContent-Length: 3\r\n\r\ntwo\r\n--b\r\n";
        assert_eq!(read(stream, 3).unwrap().last().unwrap().data, &b"two"[..]);
    }

    #[test]
    fn what_exceeds_a_bound_is_refused_in_words() {
        let check = |stream: &[u8], expected: &str| {
            let error = read(stream, 4).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check(&[b'x'; 70_000], "no multipart delimiter");
        check(b"--b\r\nContent-Length: 99999999999\r\n\r\n", "a part has 99999999999 bytes or more");
        check(b"--b\r\nContent-Length: many\r\n\r\n", "a part has the Content-Length \"many\"");
        check(&[b"--b\r\n".to_vec(), vec![b'x'; 20_000]].concat(), "the header of a part exceeds");
        let lines: Vec<u8> = b"X: y\r\n".iter().copied().cycle().take(20_000).collect();
        check(&[b"--b\r\n".to_vec(), lines].concat(), "the header of a part exceeds");
    }

    #[test]
    fn a_picture_without_end_is_refused() {
        let mut reader = Reader::default();
        reader.push(b"--b\r\n\r\n").unwrap();
        let megabyte = vec![b'x'; 1 << 20];
        let refused = (0..20).find_map(|_| reader.push(&megabyte).err());
        assert!(matches!(refused, Some(Error::PictureTooLarge(_))));
    }

    proptest! {
        #[test]
        fn pictures_come_back_as_they_went_in(pictures in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 0..8), seed: u64) {
            let stream: Vec<u8> = pictures.iter().flat_map(|picture| part(&picture.clone().into()).concat()).collect();
            let parts = read(&stream, seed).unwrap();
            prop_assert!(parts.iter().map(|part| &part.data[..]).eq(pictures.iter().map(Vec::as_slice)));
        }

        #[test]
        fn no_bytes_panic(data in "(--b|\r\n|\n|Content-Length: [0-9]{0,3}|[a-z]{0,5}|--){0,40}", seed: u64) {
            let _ = read(data.as_bytes(), seed);
        }
    }
}
