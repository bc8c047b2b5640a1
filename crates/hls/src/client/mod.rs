//! The side that plays (RFC 8216, RFC 8216bis): reads playlists, and says what to fetch of them and when.
//!
//! [`Playlist::parse`] reads a text; [`Multivariant::choose`] takes one of its qualities; a [`Reader`] goes through a Media Playlist
//! while it grows. Whoever has the sockets fetches, and tells how it went.
//!
//! Left out: parts and blocked reloads (they are read, for loads, but a [`Reader`] takes whole segments), delta updates, variables
//! (`EXT-X-DEFINE`), date ranges, content steering, keys other than of AES-128.

mod attributes;
mod choice;
mod media;
mod multivariant;
mod packed;
mod playlist;
mod reader;

pub use choice::{BadChoice, Choice};
pub use media::{Key, Map, Media, Piece, Segment, Start};
pub use multivariant::{Multivariant, Rendition, Variant};
pub use packed::PackedAudio;
pub use playlist::{Playlist, PlaylistError};
pub use reader::{Fetch, Output, Reader, ReaderError};
