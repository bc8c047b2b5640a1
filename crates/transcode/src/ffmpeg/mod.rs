//! Command lines of ffmpeg: what it is asked to do, as arguments and never as a shell's text. Whoever starts it is
//! `server`.

mod rendition;

pub use rendition::{Pictures, Rendition, RenditionError};
