//! One elementary stream.

use crate::{Codec, Kind};
use std::fmt;

/// Names a [`Track`] within its stream; the number has no meaning of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u16);

impl fmt::Debug for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One elementary stream: its id within the stream and its coding with its decoder configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Unique within the stream.
    pub id: TrackId,
    /// The coding, with the decoder configuration as far as it is known.
    pub codec: Codec,
}

impl Track {
    /// Video or audio.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.codec.kind()
    }
}
