//! Yeoul, a camera media server: sockets, clock, tasks, configuration, API and command line around the sans-IO crates.
//!
//! [`cli::main`] is the program. [`Config::parse`] reads configurations, [`Server::start`] runs one of them.

mod access;
mod api;
mod app;
mod bytes;
mod child;
pub mod cli;
pub mod config;
mod connect;
mod exec;
mod ffmpeg;
mod file;
mod hls;
mod http;
mod limits;
mod load;
mod log;
mod mask;
mod onvif;
mod outputs;
mod pictures;
mod playout;
mod policy;
mod preload;
mod probe;
mod progressive;
mod publish;
mod random;
mod rtmp;
mod rtsp;
mod schemes;
mod sockets;
mod streams;
mod udp;
mod wants;
mod web;
mod webrtc;
mod whep;

pub use app::{End, Server, StartError};
pub use config::Config;
