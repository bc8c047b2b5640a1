//! The bitstreams behind the codecs: as much of each as a server needs to describe, cut and convey it.

pub mod aac;
pub mod av1;
pub mod flac;
pub mod h264;
pub mod h265;
pub mod jpeg;
pub mod mp3;
pub mod nal;
pub mod vp9;
