//! Yeoul, a camera media server: sockets, clock, tasks, configuration, API and command line around the sans-IO crates.
//!
//! [`cli::main`] is the program. [`Config::parse`] reads configurations, [`Server::start`] runs one of them.

mod api;
mod app;
pub mod cli;
pub mod config;
mod limits;
mod rtsp;
mod schemes;
mod streams;

pub use app::{Server, StartError};
pub use config::Config;
