//! Command lines of ffmpeg: arguments, never a shell's line. Whoever runs one finds the program and hands it the pipes.
//!
//! One file for each purpose. What goes into a pipe and comes out of it is written and read beside: [`FrameWriter`],
//! [`crate::y4m`].

mod input;
mod rendition;
pub mod source;
mod still;
mod words;

pub use input::FrameWriter;
pub use rendition::{Pictures, Rendition, RenditionError};
pub use still::still;
pub use words::words;
