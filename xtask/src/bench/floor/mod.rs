//! What the machine asks for at least: the same bytes to as many receivers, by the least code that can send them.
//!
//! Sender and receiver are processes of their own, on the cores that server and load have, started by the hidden command
//! `cargo xtask floor`. A frame goes out every 40 ms as in the real thing, so that the price of waking up is in it.

mod drain;
mod http;
mod send;

use super::rig::{SECONDS, cpu_seconds, ourselves, told};
use anyhow::{Context as _, Result};
use clap::Subcommand;
use std::time::Duration;

/// Bytes of an RTP packet of RTSP, and how many a frame of 4 Mbit/s has.
const RTSP_PACKET: (usize, usize) = (1400, 15);
/// The same of WebRTC.
const WEBRTC_PACKET: (usize, usize) = (1200, 17);
/// Time between two frames.
const FRAME: Duration = Duration::from_millis(40);
/// No part of a floor outlives this.
const LIFE: Duration = Duration::from_secs(60);

/// A part of a floor.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// Takes all that so many TCP connections bring
    DrainTcp,
    /// Takes all that comes to so many UDP sockets
    DrainUdp { sockets: usize },
    /// Writes frames to connections
    SendTcp { port: u16, connections: usize },
    /// Sends frames by segmentation offload
    SendUdp {
        #[arg(value_delimiter = ',')]
        ports: Vec<u16>,
        /// Seal each packet with AES-128-GCM
        #[arg(long)]
        sealed: bool,
    },
    /// Answers every request with a body of so many bytes
    Serve { bytes: usize },
    /// Asks for a URL again and again, one request after the other on each connection
    Ask { url: String, connections: usize, seconds: u64 },
}

/// Runs a part.
pub(crate) fn run(part: &Part) -> Result<()> {
    match part {
        Part::DrainTcp => drain::tcp(),
        Part::DrainUdp { sockets } => drain::udp(*sockets),
        Part::SendTcp { port, connections } => send::tcp(*port, *connections),
        Part::SendUdp { ports, sealed } => send::udp(ports, *sealed),
        Part::Serve { bytes } => http::serve(*bytes),
        Part::Ask { url, connections, seconds } => http::ask(url, *connections, *seconds),
    }
}

/// µs of CPU for a packet: one write of a frame to each of so many TCP connections.
pub(super) fn tcp(connections: u32) -> Result<f64> {
    let (_drain, port) = told(&mut floor(1, &["drain-tcp"])?)?;
    cost(&["send-tcp", &port, &connections.to_string()])
}

/// µs of CPU for a packet: a frame to each of so many UDP sockets by segmentation offload.
pub(super) fn udp(sockets: u32, sealed: bool) -> Result<f64> {
    let (_drain, ports) = told(&mut floor(1, &["drain-udp", &sockets.to_string()])?)?;
    if sealed { cost(&["send-udp", &ports, "--sealed"]) } else { cost(&["send-udp", &ports]) }
}

/// Cores that it takes to receive a frame on each of so many TCP connections, again and again.
pub(super) fn receive(connections: u32) -> Result<f64> {
    let (drain, port) = told(&mut floor(0, &["drain-tcp"])?)?;
    let began = std::time::Instant::now();
    said(&["send-tcp", &port, &connections.to_string()], 1)?;
    Ok(cpu_seconds(drain.0.id())? / began.elapsed().as_secs_f64())
}

/// A server that has nothing but these bytes; the process and its port.
pub(super) fn serve(bytes: usize) -> Result<(super::rig::Running, String)> {
    told(&mut floor(0, &["serve", &bytes.to_string()])?)
}

/// How many answers came in [`SECONDS`].
pub(super) fn ask(url: &str, connections: u32) -> Result<f64> {
    said(&["ask", url, &connections.to_string(), &SECONDS.to_string()], 1)
}

fn cost(arguments: &[&str]) -> Result<f64> {
    said(arguments, 0)
}

fn said(arguments: &[&str], core: usize) -> Result<f64> {
    let output = floor(core, arguments)?.output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim()
        .parse()
        .with_context(|| format!("floor {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn floor(core: usize, arguments: &[&str]) -> Result<std::process::Command> {
    let all: Vec<String> =
        std::iter::once("floor").chain(arguments.iter().copied()).map(str::to_owned).collect();
    ourselves(core, &all)
}
