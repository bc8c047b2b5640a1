//! ONVIF cameras: as sources, moved by PTZ, found in the network; and this server as such a camera for others.
//!
//! [`Session`](session::Session) is a conversation with a device. Everything that it leads to, the stream as well, goes the same [`Route`]
//! (crate::policy::Route): what a camera names is dialled only where whoever named the camera may lead us.

pub(crate) mod api;
pub(crate) mod command;
pub(crate) mod dial;
mod discover;
pub(crate) mod ptz;
mod serve;
mod session;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use source::Source;
