//! JPEG pictures one right behind the other, as camera programs write them to a pipe (ffmpeg's `-f mjpeg`): where one ends
//! (ITU-T T.81 §B.1.1, §B.2.1).

use crate::limits::{MAX_PICTURE_BYTES, MAX_SEARCH_BYTES};
use bytes::{Buf, Bytes, BytesMut};

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No picture begins.
    #[error("no JPEG picture begins in {MAX_SEARCH_BYTES} bytes")]
    NoPicture,
    /// A picture without end.
    #[error("a JPEG picture has {0} bytes or more, expected at most {MAX_PICTURE_BYTES}")]
    TooLarge(usize),
}

/// Cuts a stream into pictures.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: BytesMut,
    /// Up to where the picture at the start of the buffer is read; 0 if none begins there yet.
    at: usize,
    /// In the coded data between two markers.
    in_scan: bool,
    passed_over: usize,
}

impl Splitter {
    /// The next bytes. Call [`Splitter::pull`] until `None` after each push.
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next whole picture, from SOI to EOI.
    ///
    /// # Errors
    /// If there is none, or it exceeds a bound.
    pub fn pull(&mut self) -> Result<Option<Bytes>, Error> {
        if self.at == 0 && !self.begin()? {
            return Ok(None);
        }
        let whole = self.read();
        if self.at.min(self.buffer.len()) > MAX_PICTURE_BYTES {
            return Err(Error::TooLarge(self.buffer.len()));
        }
        if !whole {
            return Ok(None);
        }
        let picture = self.buffer.split_to(self.at).freeze();
        (self.at, self.in_scan) = (0, false);
        Ok(Some(picture))
    }

    /// Goes to the next SOI.
    fn begin(&mut self) -> Result<bool, Error> {
        let found = self.buffer.windows(3).position(|three| three == [0xff, 0xd8, 0xff]);
        let pass = found.unwrap_or(self.buffer.len().saturating_sub(2));
        self.buffer.advance(pass);
        self.passed_over += pass;
        if self.passed_over > MAX_SEARCH_BYTES {
            return Err(Error::NoPicture);
        }
        if found.is_some() {
            (self.at, self.passed_over) = (2, 0);
        }
        Ok(found.is_some())
    }

    /// Reads on; true once the EOI has been read.
    fn read(&mut self) -> bool {
        loop {
            let Some(rest) = self.buffer.get(self.at..) else { return false };
            if self.in_scan {
                // Coded data goes on over stuffed zeros and restart markers.
                let next = rest.windows(2).position(|two| {
                    two.first() == Some(&0xff) && !matches!(two.last(), Some(0 | 0xd0..=0xd7 | 0xff) | None)
                });
                let Some(next) = next else {
                    self.at += rest.len().saturating_sub(1);
                    return false;
                };
                self.at += next;
                self.in_scan = false;
                continue;
            }
            let Some(&[ff, marker]) = rest.first_chunk::<2>() else { return false };
            match (ff, marker) {
                (0xff, 0xd9) => {
                    self.at += 2;
                    return true;
                }
                // Fill bytes, and what is no marker.
                (0xff, 0xff) => self.at += 1,
                (0xff, 0xd0..=0xd8 | 0x01) => self.at += 2,
                (0xff, _) => {
                    let Some(&[_, _, high, low]) = rest.first_chunk::<4>() else { return false };
                    self.at += 2 + usize::from(u16::from_be_bytes([high, low]).max(2));
                    self.in_scan = marker == 0xda;
                }
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pieces;
    use proptest::prelude::*;

    fn read(stream: &[u8], seed: u64) -> Result<Vec<Bytes>, Error> {
        let (mut splitter, mut pictures) = (Splitter::default(), Vec::new());
        for piece in pieces(stream, seed) {
            splitter.push(piece);
            while let Some(picture) = splitter.pull()? {
                pictures.push(picture);
            }
        }
        Ok(pictures)
    }

    #[test]
    fn a_thumbnail_does_not_end_its_picture() {
        let picture: &[u8] =
            b"\xff\xd8\xff\xe1\x00\x08\xff\xd8\xff\xd9\x00\x01\xff\xda\x00\x04\x01\x02coded\xff\x00\xff\xd3data\xff\xd9";
        for seed in 0..20 {
            let stream = [picture, b"\r\n", picture, picture].concat();
            assert_eq!(read(&stream, seed).unwrap(), [picture, picture, picture]);
        }
    }

    #[test]
    fn noise_is_refused() {
        assert_eq!(read(&[9; 70_000], 1), Err(Error::NoPicture));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data in prop::collection::vec(prop::sample::select(vec![0xffu8, 0xd8, 0xd9, 0xda, 0xc0, 0, 2, 9]), 0..300), seed: u64) {
            let _ = read(&data, seed);
        }
    }
}
