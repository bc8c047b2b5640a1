//! HTTP Live Streaming: segments, parts and playlists (RFC 8216, RFC 8216bis). Everything is sans-IO: frames and time in,
//! bytes out.
//!
//! A [`Segmenter`] makes one Media Playlist of one stream. After every part or segment it gives a [`Snapshot`]: the
//! playlist's text and all that it lists, for whoever asks, however many they are. [`Directives`] say what a request wants
//! (blocking reload, delta update), [`reload`] whether the snapshot has it. [`multivariant`] lists several playlists.
//!
//! [`client`] is the other side: it reads playlists and says what to fetch.
//!
//! What a client reads, and why it is so, stands in `docs/design/06-hls.md`.

mod cadence;
pub mod client;
mod dates;
mod error;
pub mod limits;
mod multivariant;
mod mux;
mod names;
mod options;
mod playlist;
mod promise;
mod reload;
mod segment;
mod segmenter;
mod snapshot;
mod window;

pub use dates::WallClock;
pub use error::Error;
pub use multivariant::{AudioRendition, Rates, Variant, codecs, multivariant, resolution};
pub use names::{Names, PathNames, QueryNames};
pub use options::{Form, Options};
pub use playlist::RenditionReport;
pub use promise::Promise;
pub use reload::{BadDirectives, Directives, Position, Reload, reload};
pub use segment::{Head, Init, Part, Segment};
pub use segmenter::Segmenter;
pub use snapshot::{Found, Snapshot};
