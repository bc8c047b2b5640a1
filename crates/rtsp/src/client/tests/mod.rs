//! Transcripts of the session on a virtual clock.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a camera has answers of its own to a few methods, the usual ones to the rest"
)]

mod bench;
mod cameras;
mod dialogue;
mod playback;
mod properties;
mod publishing;
