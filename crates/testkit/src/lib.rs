//! For tests only: a clock that does not run, the shared data folder, a seeded lossy link and small media fixtures.
//!
//! It depends on no other crate of the workspace, so that every one of them can use it in its tests.
//!
//! * [`epoch`] and [`wall_epoch`] are where virtual time starts: a test adds durations to them and never sleeps.
//! * [`shared()`] and [`captures`] find the recordings of real cameras, which live outside the repository.
//! * [`LossyLink`] carries datagrams between two sans-IO sessions and loses, delays, doubles and reorders them.
//! * [`h264`], [`h265`] and [`aac`] build parameter sets that parse and pictures that do not decode.
//! * [`ts`] reads MPEG transport streams and forgives nothing.
//! * [`hls`] reads playlists as strictly as the standard is.
//! * [`Rng`] is the one source of chance: the same seed gives the same test.

pub mod aac;
mod bits;
mod clock;
pub mod h264;
pub mod h265;
pub mod hls;
mod link;
mod rng;
mod shared;
pub mod ts;

pub use clock::{epoch, wall_epoch};
pub use link::{Link, LossyLink};
pub use rng::Rng;
pub use shared::{Capture, capture, captures, shared};
