//! What demuxers give.

use yeoul_media::{Frame, Track};

/// What a demuxer has found, in order.
#[derive(Clone, Debug)]
pub enum Event {
    /// The tracks there are, before the first frame of any of them; again, with all of them, when one has come or gone. A track
    /// that stays keeps its id. A change of a track's configuration alone is told by [`Frame::new_codec`].
    Tracks(Vec<Track>),
    /// One frame of a track that was told.
    Frame(Frame),
}
