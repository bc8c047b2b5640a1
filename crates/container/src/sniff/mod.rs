//! A stream of bytes to frames, whatever it is: [`Demuxer`] looks at the first bytes and hands all of them to the demuxer of that
//! form. What its sender says it is ([`Form`]) may be told instead.

mod form;
mod simple;

pub use form::Form;

use crate::{Event, annexb, flv, fmp4, jpegs, mpegts, multipart, pcm, wav};
use form::{Guess, guess};
use simple::{Pictures, Sounds};
use std::time::Instant;

/// Bytes of what nobody knows that are quoted.
const QUOTED_BYTES: usize = 48;

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing that is known.
    #[error(
        "this is neither MPEG-TS, FLV, MP4, JPEG, multipart, H.264, H.265, AAC, MP3 nor WAV; it begins with {0}"
    )]
    Unknown(String),
    /// Something that is known and not taken.
    #[error("this is {0}, which is not taken")]
    Foreign(&'static str),
    /// Broken.
    #[error(transparent)]
    MpegTs(#[from] mpegts::Error),
    /// Broken.
    #[error(transparent)]
    Flv(#[from] flv::Error),
    /// Broken.
    #[error(transparent)]
    Mp4(#[from] fmp4::DemuxError),
    /// Broken.
    #[error(transparent)]
    Multipart(#[from] multipart::Error),
    /// Broken.
    #[error(transparent)]
    Jpeg(#[from] jpegs::Error),
    /// Broken.
    #[error(transparent)]
    AnnexB(#[from] annexb::Error),
    /// Broken.
    #[error(transparent)]
    Wav(#[from] wav::Error),
    /// Sound between which there is much that is none.
    #[error("this is no {0}: there are no frames of it")]
    NoFrames(Form),
}

/// Reads a stream of any [`Form`], in pieces of any size.
#[derive(Debug)]
pub struct Demuxer {
    inner: Inner,
    form: Option<Form>,
}

#[derive(Debug)]
enum Inner {
    /// What it is, is not known yet.
    Unknown(Vec<u8>),
    MpegTs(Box<mpegts::Demuxer>),
    Flv(Box<flv::Demuxer>),
    Mp4(Box<fmp4::Demuxer>),
    AnnexB(Box<annexb::Demuxer>),
    Pictures(Box<Pictures>),
    Sounds(Box<Sounds>),
    WavHeader(wav::Header),
    Pcm(Box<pcm::Demuxer>),
}

impl Default for Demuxer {
    fn default() -> Self {
        Self { inner: Inner::Unknown(Vec::new()), form: None }
    }
}

impl Demuxer {
    /// A reader of what is known to have this form.
    #[must_use]
    pub fn of(form: Form) -> Self {
        Self { inner: Inner::of(form), form: Some(form) }
    }

    /// What it is, once that is known.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        self.form
    }

    /// The next bytes, and when they came. Call [`Demuxer::pull`] until `None` after each push, whatever it gave.
    ///
    /// # Errors
    /// If the stream cannot be read on.
    pub fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        let Inner::Unknown(head) = &mut self.inner else { return self.inner.push(data, received_at) };
        head.extend_from_slice(data);
        let head = match guess(head) {
            Guess::More => return Ok(()),
            Guess::Unknown => return Err(Error::Unknown(quoted(head))),
            Guess::Foreign(what) => return Err(Error::Foreign(what)),
            Guess::Form(form) => {
                let head = std::mem::take(head);
                (self.inner, self.form) = (Inner::of(form), Some(form));
                head
            }
        };
        self.inner.push(&head, received_at)
    }

    /// Nothing more will come: gives what waited for more.
    ///
    /// # Errors
    /// If it is not known even now what it was.
    pub fn finish(&mut self, received_at: Instant) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Unknown(head) if head.is_empty() => {}
            Inner::Unknown(head) => return Err(Error::Unknown(quoted(head))),
            Inner::MpegTs(demuxer) => demuxer.finish(),
            Inner::Flv(demuxer) => demuxer.finish(),
            Inner::AnnexB(demuxer) => demuxer.finish(received_at),
            Inner::Mp4(_) | Inner::Pictures(_) | Inner::Sounds(_) | Inner::WavHeader(_) | Inner::Pcm(_) => {}
        }
        Ok(())
    }

    /// Packets that are missing, where the form counts them.
    #[must_use]
    pub fn lost_packets(&self) -> u64 {
        match &self.inner {
            Inner::MpegTs(demuxer) => demuxer.lost_packets(),
            Inner::Unknown(_)
            | Inner::Flv(_)
            | Inner::Mp4(_)
            | Inner::AnnexB(_)
            | Inner::Pictures(_)
            | Inner::Sounds(_)
            | Inner::WavHeader(_)
            | Inner::Pcm(_) => 0,
        }
    }

    /// What has been found, in order.
    pub fn pull(&mut self) -> Option<Event> {
        match &mut self.inner {
            Inner::Unknown(_) | Inner::WavHeader(_) => None,
            Inner::MpegTs(demuxer) => demuxer.pull(),
            Inner::Flv(demuxer) => demuxer.pull(),
            Inner::Mp4(demuxer) => demuxer.pull(),
            Inner::AnnexB(demuxer) => demuxer.pull(),
            Inner::Pictures(demuxer) => demuxer.pull(),
            Inner::Sounds(demuxer) => demuxer.pull(),
            Inner::Pcm(demuxer) => demuxer.pull(),
        }
    }
}

impl Inner {
    fn of(form: Form) -> Self {
        match form {
            Form::MpegTs => Self::MpegTs(Box::default()),
            Form::Flv => Self::Flv(Box::default()),
            Form::Mp4 => Self::Mp4(Box::default()),
            Form::Multipart => Self::Pictures(Box::new(Pictures::multipart())),
            Form::Jpeg => Self::Pictures(Box::new(Pictures::plain())),
            Form::H264 => Self::AnnexB(Box::new(annexb::Demuxer::h264())),
            Form::H265 => Self::AnnexB(Box::new(annexb::Demuxer::h265())),
            Form::Adts => Self::Sounds(Box::new(Sounds::adts())),
            Form::Mp3 => Self::Sounds(Box::new(Sounds::mp3())),
            Form::Wav => Self::WavHeader(wav::Header::default()),
            Form::Pcm(format) => Self::Pcm(Box::new(pcm::Demuxer::new(format))),
        }
    }

    fn push(&mut self, data: &[u8], received_at: Instant) -> Result<(), Error> {
        match self {
            // Nothing is handed to it before it is known: see `Demuxer::push`.
            Self::Unknown(_) => Ok(()),
            Self::MpegTs(demuxer) => Ok(demuxer.push(data, received_at)?),
            Self::Flv(demuxer) => Ok(demuxer.push(data, received_at)?),
            Self::Mp4(demuxer) => Ok(demuxer.push(data, received_at)?),
            Self::AnnexB(demuxer) => Ok(demuxer.push(data, received_at)?),
            Self::Pictures(demuxer) => demuxer.push(data, received_at),
            Self::Sounds(demuxer) => demuxer.push(data, received_at),
            Self::WavHeader(header) => {
                if let Some((format, samples)) = header.push(data)? {
                    let mut demuxer = pcm::Demuxer::new(format);
                    demuxer.push(&samples, received_at);
                    *self = Self::Pcm(Box::new(demuxer));
                }
                Ok(())
            }
            Self::Pcm(demuxer) => {
                demuxer.push(data, received_at);
                Ok(())
            }
        }
    }
}

/// The first bytes as people can read them.
fn quoted(head: &[u8]) -> String {
    let first = head.get(..QUOTED_BYTES.min(head.len())).unwrap_or_default();
    format!("\"{}\"", first.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pieces;
    use proptest::prelude::*;
    use yeoul_testkit::epoch;

    /// The form, the tracks as text, and how many frames there are.
    fn read(stream: &[u8], seed: u64) -> Result<(Option<Form>, Vec<String>, usize), Error> {
        let mut demuxer = Demuxer::default();
        let (mut tracks, mut frames) = (Vec::new(), 0);
        let mut take = |demuxer: &mut Demuxer| {
            while let Some(event) = demuxer.pull() {
                match event {
                    Event::Tracks(found) => {
                        tracks = found.iter().map(|track| track.codec.to_string()).collect();
                    }
                    Event::Frame(_) => frames += 1,
                }
            }
        };
        for piece in pieces(stream, seed) {
            demuxer.push(piece, epoch())?;
            take(&mut demuxer);
        }
        demuxer.finish(epoch())?;
        take(&mut demuxer);
        Ok((demuxer.form(), tracks, frames))
    }

    #[test]
    fn sound_in_adts_and_wav_is_read() {
        let config = yeoul_media::bitstream::aac::AudioSpecificConfig::low_complexity(48_000, 2).unwrap();
        let header = crate::adts::Header::of(&config).unwrap();
        let stream: Vec<u8> =
            (0..5).flat_map(|_| [&header.write(20).unwrap()[..], &[7; 20]].concat()).collect();
        let expected = (Some(Form::Adts), vec!["AAC 48000 Hz 2 channels".to_owned()], 5);
        assert_eq!(read(&stream, 3).unwrap(), expected);
        let wav = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x06\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0";
        let expected = (Some(Form::Wav), vec!["PCMA 8000 Hz 1 channel".to_owned()], 2);
        assert_eq!(read(&[&wav[..], &[0x55; 400]].concat(), 4).unwrap(), expected);
    }

    #[test]
    fn pictures_are_read_with_and_without_parts() {
        let picture: &[u8] =
            b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x20\x00\x40\x01\x01\x11\x00\xff\xda\x00\x04\x01\x02coded\xff\xd9";
        let plain = picture.repeat(3);
        assert_eq!(read(&plain, 1).unwrap(), (Some(Form::Jpeg), vec!["JPEG 64x32".to_owned()], 3));
        let parts: Vec<u8> =
            (0..3).flat_map(|_| multipart::part(&picture.to_vec().into()).concat()).collect();
        assert_eq!(read(&parts, 2).unwrap(), (Some(Form::Multipart), vec!["JPEG 64x32".to_owned()], 3));
    }

    #[test]
    fn what_nobody_knows_is_quoted() {
        let error = read(b"bash: rtsp-camera: command not found\n", 1).unwrap_err().to_string();
        assert!(error.ends_with("it begins with \"bash: rtsp-camera: command not found\\n\""), "{error}");
        assert!(matches!(read(&[0x11; 2000], 1), Err(Error::Unknown(_))));
        assert_eq!(read(b"", 1).unwrap(), (None, vec![], 0));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head in prop::sample::select(vec![&b"FLV\x01"[..], b"RIFF\0\0\0\0WAVE", b"\0\0\0\x1cftyp", b"\xff\xd8\xff", b"--x\r\n", b"\xff\xf1\x50", b"\xff\xfb\x90\x64", b"\0\0\0\x01\x67", b"\0\0\x01\x40\x01", b"G", b"ID3"]), data: Vec<u8>, seed: u64) {
            let _ = read(&[head, &data].concat(), seed);
        }
    }
}
