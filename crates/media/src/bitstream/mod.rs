//! The bitstreams behind the codecs: as much of each as a server needs to describe, cut and convey it.

pub mod aac;
pub mod h264;
pub mod h265;
pub mod nal;
