//! Pictures against those of ffmpeg, which nobody here wrote: of streams of x264 and x265, of the JVT's and Cisco's, and of JPEG
//! images.
#![expect(clippy::panic, reason = "that is how a test fails")]

mod child;
mod conformance;
mod encoded;
mod images;
mod media;
mod reference;
