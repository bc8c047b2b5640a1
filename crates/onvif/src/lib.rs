//! ONVIF (Core, Media, Media2 and PTZ service specifications) without sockets, tasks or a clock: requests are made, answers are read.
//!
//! * [`Operation`] is a request; [`device`], [`media`] and [`ptz`] make the ones we need, and read what is answered to them.
//! * [`soap::read_answer`] takes an answer out of its envelope, or tells the fault that is in it.
//! * [`UsernameToken`] is how a user proves to know the password (WS-Security).
//! * [`discovery`] finds devices in the network (WS-Discovery).
//! * [`server`] answers the requests of others: our streams as the profiles of a device.
//!
//! Elements and attributes are known by their local names: cameras have every prefix for a namespace, the wrong namespace, or none.
//! Left out: events, imaging, analytics, recordings, everything that sets up a camera.

pub mod device;
pub mod discovery;
pub mod limits;
pub mod media;
mod operation;
pub mod ptz;
pub mod server;
pub mod soap;
#[cfg(test)]
mod tests;
mod token;
pub mod xml;

pub use operation::Operation;
pub use token::{Credentials, UsernameToken};
