//! The payload formats: a folder or file each, with the packetizer and the depacketizer.

pub(crate) mod aac;
pub(crate) mod av1;
mod decode_order;
pub(crate) mod h264;
pub(crate) mod h265;
pub(crate) mod jpeg;
pub(crate) mod latm;
mod loss;
pub(crate) mod mp3;
pub(crate) mod mpeg4;
mod picture;
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod testing;
mod video;
pub(crate) mod vp8;
pub(crate) mod vp9;
