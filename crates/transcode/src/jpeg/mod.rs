//! JPEG images (ITU-T T.81, JFIF 1.02): written from a [`crate::Picture`], read into one, and looked at without either.

mod decode;
mod encode;
mod header;

pub use decode::decode;
pub use encode::{Quality, encode};
pub use header::{Header, HeaderError, Sampling};
