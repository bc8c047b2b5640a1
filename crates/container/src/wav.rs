//! WAV: a header that says which samples follow (RIFF, Microsoft's `WAVEFORMATEX`).
//!
//! The sizes in a stream's header mean nothing, as its writer did not know them: samples go on to the end. Leaves out floating
//! point and compressed sound other than G.711.

use crate::limits::MAX_SEARCH_BYTES;
use crate::pcm::{Coding, Format};
use bytes::{Buf, BytesMut};

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not start as WAV does.
    #[error("this is no WAV: it does not start with RIFF and WAVE")]
    NotWav,
    /// Chunks without end and no samples.
    #[error("the WAV has no samples within {MAX_SEARCH_BYTES} bytes")]
    NoSamples,
    /// A coding that cannot be taken.
    #[error(
        "the WAV has samples of format {format} with {bits} bits, {rate} Hz and {channels} channels; taken are linear samples of 8 to \
         32 bits and G.711"
    )]
    Unsupported {
        /// `wFormatTag`.
        format: u16,
        /// Bits of a sample.
        bits: u16,
        /// Samples a second.
        rate: u32,
        /// How many of them at a time.
        channels: u16,
    },
}

/// Reads the header in pieces of any size.
#[derive(Debug, Default)]
pub struct Header {
    buffer: BytesMut,
    format: Option<Format>,
    begun: bool,
    /// Bytes of a chunk nobody reads.
    skip: usize,
    passed: usize,
}

impl Header {
    /// The next bytes. Once the samples begin: their form, and the first of them.
    ///
    /// # Errors
    /// If this is no WAV, or one with samples that cannot be taken.
    pub fn push(&mut self, data: &[u8]) -> Result<Option<(Format, BytesMut)>, Error> {
        self.buffer.extend_from_slice(data);
        loop {
            let now = self.skip.min(self.buffer.len());
            self.buffer.advance(now);
            self.skip -= now;
            self.passed += now;
            if self.passed > MAX_SEARCH_BYTES {
                return Err(Error::NoSamples);
            }
            if self.skip > 0 {
                return Ok(None);
            }
            if !self.begun {
                let Some(&[r, i, f, g, _, _, _, _, w, a, v, e]) = self.buffer.first_chunk::<12>() else {
                    return Ok(None);
                };
                if [r, i, f, g, w, a, v, e] != *b"RIFFWAVE" {
                    return Err(Error::NotWav);
                }
                self.begun = true;
                self.skip = 12;
                continue;
            }
            let Some(&[c0, c1, c2, c3, s0, s1, s2, s3]) = self.buffer.first_chunk::<8>() else {
                return Ok(None);
            };
            let size = usize::try_from(u32::from_le_bytes([s0, s1, s2, s3])).unwrap_or(usize::MAX);
            match &[c0, c1, c2, c3] {
                b"data" => {
                    let Some(format) = self.format else { return Err(Error::NoSamples) };
                    self.buffer.advance(8);
                    return Ok(Some((format, std::mem::take(&mut self.buffer))));
                }
                b"fmt " if size > 1024 => return Err(Error::NotWav),
                b"fmt " => {
                    let Some(fields) = self.buffer.get(8..8 + size) else { return Ok(None) };
                    self.format = Some(parse(fields)?);
                }
                _ => {}
            }
            // Chunks have an even number of bytes.
            self.skip = 8usize.saturating_add(size).saturating_add(size % 2);
        }
    }
}

fn parse(fields: &[u8]) -> Result<Format, Error> {
    let &[f0, f1, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, b0, b1] =
        fields.first_chunk::<16>().ok_or(Error::NotWav)?;
    let word = |low, high| u16::from_le_bytes([low, high]);
    let (mut format, channels, bits) = (word(f0, f1), word(c0, c1), word(b0, b1));
    let rate = u32::from_le_bytes([r0, r1, r2, r3]);
    // WAVEFORMATEXTENSIBLE: the format is the start of a GUID.
    if format == 0xfffe
        && let Some(&[low, high]) = fields.get(24..).and_then(|sub| sub.first_chunk::<2>())
    {
        format = word(low, high);
    }
    let coding = match (format, bits) {
        (1, 8) => Some(Coding::U8),
        (1, 16) => Some(Coding::S16Le),
        (1, 24) => Some(Coding::S24Le),
        (1, 32) => Some(Coding::S32Le),
        (6, 8) => Some(Coding::Alaw),
        (7, 8) => Some(Coding::Ulaw),
        _ => None,
    };
    let known = coding.and_then(|coding| Format::new(coding, rate, u8::try_from(channels).ok()?));
    known.ok_or(Error::Unsupported { format, bits, rate, channels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pieces;
    use proptest::prelude::*;

    fn header(format: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let mut header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0".to_vec();
        header.extend_from_slice(&format.to_le_bytes());
        header.extend_from_slice(&channels.to_le_bytes());
        header.extend_from_slice(&rate.to_le_bytes());
        header.extend_from_slice(&[0; 6]);
        header.extend_from_slice(&bits.to_le_bytes());
        header.extend_from_slice(b"LIST\x03\0\0\0abc\0data\xff\xff\xff\xff");
        header
    }

    fn read(stream: &[u8], seed: u64) -> Result<Option<(Format, Vec<u8>)>, Error> {
        let mut header = Header::default();
        let mut found: Option<(Format, Vec<u8>)> = None;
        for piece in pieces(stream, seed) {
            match &mut found {
                Some((_, samples)) => samples.extend_from_slice(piece),
                None => found = header.push(piece)?.map(|(format, rest)| (format, rest.to_vec())),
            }
        }
        Ok(found)
    }

    #[test]
    fn samples_follow_the_header_whatever_stands_between() {
        let stream = [header(7, 1, 8_000, 8), b"samples".to_vec()].concat();
        for seed in 0..10 {
            let (format, samples) = read(&stream, seed).unwrap().unwrap();
            assert_eq!((format.coding, format.layout.sample_rate), (Coding::Ulaw, 8_000));
            assert_eq!(samples, b"samples");
        }
    }

    #[test]
    fn floating_point_is_refused_in_words() {
        let error = read(&header(3, 2, 48_000, 32), 1).unwrap_err().to_string();
        assert!(error.starts_with("the WAV has samples of format 3 with 32 bits, 48000 Hz and 2 channels"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(data: Vec<u8>, seed: u64) {
            let _ = read(&[&b"RIFF....WAVE"[..], &data].concat(), seed);
        }
    }
}
