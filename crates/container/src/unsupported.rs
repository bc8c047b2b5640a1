//! What a container cannot carry.

use yeoul_media::Codec;

/// Why no muxer was made: the container has no place for a track.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// There is no way to carry the codec, or not with this configuration.
    #[error("{container} cannot carry {codec}: leave the track out or convert it")]
    Codec {
        /// The container in words.
        container: &'static str,
        /// The codec in words.
        codec: String,
    },
    /// More tracks than fit.
    #[error("{container} carries at most {most} {kind} tracks, got {got}: leave some out")]
    Tracks {
        /// The container in words.
        container: &'static str,
        /// What kind of tracks is limited: `video`, `audio`, or both.
        kind: &'static str,
        /// Most that it carries.
        most: usize,
        /// How many there are.
        got: usize,
    },
    /// Nothing to carry.
    #[error("{container} needs at least one track")]
    Nothing {
        /// The container in words.
        container: &'static str,
    },
}

impl Unsupported {
    pub(crate) fn codec(container: &'static str, codec: &Codec) -> Self {
        Self::Codec { container, codec: codec.to_string() }
    }
}
