//! `yeoul load URL`: as many viewers of a stream as somebody wants to know about, of this server or any other.
//!
//! A viewer is a task without threads or buffers of its own, so that the generator costs less than what it measures: it reads
//! into memory that all share, and looks at packets where they lie. Every load has an end.
//!
//! The pieces: [`target`] knows what a URL asks for, [`run`] begins and ends the viewers (one file for each kind: [`rtsp`],
//! [`whep`], [`hls`], [`body`]), who tell what they got to the [`tally`], of which [`report`] makes the report. [`camera`] is
//! the other end: an endless camera to load a server with.

mod body;
mod camera;
mod clip;
mod clock;
mod histogram;
mod hls;
mod http;
mod packet;
mod process;
mod report;
mod rtsp;
mod run;
mod socket;
mod tally;
mod target;
mod walker;
mod whep;

use crate::limits::{LOAD_PIDS, LOAD_RAMP, LOAD_SECONDS, LOAD_VIEWERS};
use anyhow::{anyhow, bail};
use camera::CameraArgs;
use clap::{Args, Subcommand};
use run::Plan;
use std::process::ExitCode;
use std::time::Duration;
use target::{Kind, Target};

const AFTER_HELP: &str = "\
Examples:
  yeoul load rtsp://host:8554/cam --viewers 200 --seconds 10
  yeoul load rtsp://host:8554/cam --kind rtsp-udp --viewers 50
  yeoul load http://host:8889/cam/whep --viewers 60 --ramp 20
  yeoul load 'http://host:1984/api/webrtc?src=cam' --viewers 60 --pid $(pidof go2rtc)
  yeoul load http://host:1984/cam/index.m3u8 --viewers 100 --json
  yeoul load 'http://host:1984/api/stream.mp4?src=cam' --viewers 20

Ctrl-C ends it with a report of what was seen so far.
The exit code is 0 if every viewer plays at the end, else 1.";

/// The arguments of `yeoul load`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct LoadArgs {
    /// What to watch: rtsp://, rtsps://, http://, https:// (rtspx:// and httpx:// take any certificate)
    #[arg(required = true)]
    url: Option<String>,

    /// Kind of viewers, where the URL does not tell it
    #[arg(long)]
    kind: Option<Kind>,

    /// How many
    #[arg(long, short = 'n', default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LOAD_VIEWERS)))]
    viewers: u32,

    /// How long to measure, once all play
    #[arg(long, short, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=LOAD_SECONDS))]
    seconds: u64,

    /// Viewers that begin in a second
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LOAD_RAMP)))]
    ramp: u32,

    /// How long to let the server settle before measuring
    #[arg(long, default_value_t = 2, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=LOAD_SECONDS))]
    warmup: u64,

    /// Processes of the server, if it runs on this machine: tells its CPU time and memory
    #[arg(long, value_name = "PID", num_args = 1..=LOAD_PIDS)]
    pid: Vec<u32>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Be a camera instead: serve a clip by RTSP without end, the time of sending in each picture
    Camera(CameraArgs),
}

/// Runs the load and prints its report.
pub(crate) fn run(arguments: &LoadArgs) -> anyhow::Result<ExitCode> {
    crate::cli::raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(Other::Camera(camera)) = &arguments.other {
        return runtime.block_on(camera::run(camera)).map(|()| ExitCode::SUCCESS);
    }
    let Some(url) = &arguments.url else { bail!("no URL") };
    let plan = Plan {
        target: Target::parse(url, arguments.kind).map_err(|sentence| anyhow!("{sentence}"))?,
        viewers: arguments.viewers,
        ramp: f64::from(arguments.ramp),
        warmup: Duration::from_secs(arguments.warmup),
        window: Duration::from_secs(arguments.seconds),
        pids: arguments.pid.clone(),
    };
    let report = runtime.block_on(run::run(&plan, tokio::signal::ctrl_c()));
    let report = report.map_err(|sentence| anyhow!("{sentence}"))?;
    crate::cli::print(&if arguments.json { report.json() } else { report.text() });
    Ok(if report.all_play() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
