//! End to end: the real binary with real cameras, players and publishers that nobody here wrote.
//!
//! Each test starts its own server on free ports of loopback, and ends what it started.
#![expect(clippy::panic, reason = "that is how a test fails")]

mod codecs;
mod fanout;
mod file_source;
mod harness;
mod hls;
mod hls_source;
mod https;
mod load;
mod onvif;
mod pictures;
mod progressive;
mod publish;
mod rtmp;
mod rtsp;
mod sources;
mod streams;
mod udp_source;
mod webrtc;
