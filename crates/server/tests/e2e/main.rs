//! End to end: the real binary with real cameras, players and publishers that nobody here wrote.
//!
//! Each test starts its own server on free ports of loopback, and ends what it started.

mod harness;
mod rtsp;
