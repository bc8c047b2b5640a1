//! What a viewer's line carries, and which quality of a stream that allows.

mod ladder;
mod meter;
#[cfg(test)]
mod tests;

pub use ladder::{Ladder, Step};
pub(crate) use meter::Meter;
pub use meter::Reading;
