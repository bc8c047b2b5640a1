//! Conversions of one coding into another: still pictures of H.264 and H.265 here, everything else by a command line of
//! ffmpeg. No process is started here.

pub mod ffmpeg;
pub mod limits;
