//! What benchmarks ask of HLS: playlists, and a thousand reloads of one that are released at once.

mod blocked;
pub(crate) mod http;
pub(crate) mod playlist;

pub(crate) use blocked::{run as blocked_reloads, spread as blocked_spread};
