//! The two containers behind one face.

use crate::error::Error;
use crate::options::Form;
use bytes::{Bytes, BytesMut};
use yeoul_container::{Sample, fmp4, mpegts};
use yeoul_media::{Codec, Track, TrackId};

/// Writes frames in one of the containers.
#[derive(Debug)]
pub(crate) enum Mux {
    Fmp4(fmp4::Muxer),
    Ts(mpegts::Muxer),
}

impl Mux {
    pub(crate) fn new(form: Form, tracks: &[Track]) -> Result<Self, Error> {
        match form {
            Form::Fmp4 => fmp4::Muxer::new(tracks).map(Self::Fmp4).map_err(container),
            Form::Ts => mpegts::Muxer::new(tracks).map(Self::Ts).map_err(container),
        }
    }

    /// The init segment, if the container has any.
    pub(crate) fn init(&self) -> Option<&Bytes> {
        match self {
            Self::Fmp4(muxer) => Some(muxer.init()),
            Self::Ts(_) => None,
        }
    }

    /// Takes another codec for a track. True if players have to begin anew with it.
    pub(crate) fn change(&mut self, track: TrackId, codec: &Codec) -> Result<bool, Error> {
        match self {
            Self::Fmp4(muxer) => muxer.change(track, codec).map_err(container),
            Self::Ts(muxer) => muxer.change(track, codec).map(|()| true).map_err(container),
        }
    }

    /// These frames, in decoding order of each track. The first ones of a segment say so.
    pub(crate) fn write(&mut self, samples: &[Sample], starts_segment: bool) -> Bytes {
        match self {
            Self::Fmp4(muxer) => muxer.fragment(samples),
            Self::Ts(muxer) => {
                let frames: usize = samples.iter().map(|sample| sample.frame.data.len()).sum();
                let mut out = BytesMut::with_capacity(frames + frames / 16 + 1024);
                if starts_segment {
                    muxer.start_segment(&mut out);
                }
                samples.iter().for_each(|sample| muxer.write(&sample.frame, &mut out));
                out.freeze()
            }
        }
    }
}

fn container(error: impl std::fmt::Display) -> Error {
    Error::Container(error.to_string())
}
