//! A strict reader of HLS playlists (RFC 8216bis): it objects to everything that the standard forbids a server, and names
//! the section.
//!
//! [`Checker`] follows one Media Playlist over its reloads and delta updates; [`check_multivariant`] looks at a
//! Multivariant Playlist. Both return [`Finding`]s, an empty list for a playlist as it should be. Text comes in as a client
//! loads it; nothing here knows how it was made.
//!
//! Left out, because no playlist of ours has them: byte ranges, encryption, date ranges, variables, I-frame playlists,
//! content steering. Tags of those are findings.

mod attributes;
mod finding;
mod media;
mod multivariant;
mod reload;
mod rules;
#[cfg(test)]
mod tests;

pub use finding::Finding;
pub use media::{Hint, MediaPlaylist, Part, Report, Segment, ServerControl, Start};
pub use multivariant::{Multivariant, Rendition, Variant, check_multivariant};
pub use reload::Checker;

/// Everything wrong with a Media Playlist by itself, whatever was loaded before.
pub fn check_media(text: &str) -> Vec<Finding> {
    let (playlist, mut findings) = MediaPlaylist::read(text);
    rules::check(&playlist, &mut findings);
    findings
}
