//! `cargo xtask bench`: every goal of the project, P1 to P13: our figure, what the machine asks for at least, the goal.
//!
//! Figures of two machines or of two hours do not compare: the floor is measured in the same run, and the ratio to it is what
//! to look at. No benchmark fails on a time. What could not run says why. Results are kept in `bench/results`.

mod browser;
mod cameras;
mod cross_check;
mod fanout;
mod floor;
mod hls;
mod memory;
mod program;
pub(crate) mod rig;
mod row;
mod store;

pub(crate) use floor::{Part as FloorPart, run as run_floor};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use rig::Loads;
pub(crate) use row::Row;
use std::process::Command;
use store::{Machine, Run};

/// The arguments of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Only these goals; all where none is named
    #[arg(ignore_case = true)]
    goals: Vec<Goal>,

    /// Build the binary that is shipped, for its size (P13); that takes minutes
    #[arg(long)]
    dist: bool,

    /// Run the benchmarks of the crates first: `cargo bench`
    #[arg(long)]
    crates: bool,
}

/// A goal: how many, how fast, how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Goal {
    /// RTSP over TCP to many readers
    P1,
    /// RTSP over UDP to many readers
    P2,
    /// WebRTC to many viewers
    P3,
    /// Memory
    P4,
    /// Added latency
    P5,
    /// A picture at once over WebRTC, in Chromium
    P6,
    /// A picture at once over RTSP, MSE and LL-HLS
    P7,
    /// Playlists, segments and blocked reloads of HLS
    P8,
    /// Latency of LL-HLS, in Chromium
    P9,
    /// Many cameras, no readers
    P10,
    /// JPEG images
    P11,
    /// TURN relay
    P12,
    /// Start and size of the program
    P13,
}

impl Goal {
    fn name(self) -> String {
        format!("{self:?}")
    }
}

/// Runs them; true if all that could run did. A goal that is missed is no failure.
pub(crate) fn run(arguments: &BenchArgs) -> Result<bool> {
    cargo(&["build", "--release", "--workspace"])?;
    if arguments.crates {
        cargo(&["bench", "--workspace", "--bench", "*"])?;
    }
    let goals = if arguments.goals.is_empty() { Goal::value_variants() } else { &arguments.goals };
    let before = store::before(&Machine::this())?;
    let mut loads = Loads::default();
    let mut rows = Vec::new();
    for goal in goals {
        println!("==> {}", goal.name());
        let measured = measure(*goal, &mut loads, arguments, &before);
        rows.extend(measured.unwrap_or_else(|error| vec![failed(*goal, &error)]));
    }
    let run = Run::new(rows)?;
    let Machine { cpu, cores, kernel } = &run.machine;
    println!("\n{}, {cpu}, {cores} cores, Linux {kernel}, commit {}\n", run.at, run.commit);
    print!("{}", row::table(&run.rows, &before));
    println!("\nkept in {}", run.save()?.display());
    Ok(run.rows.iter().all(|row| row.what != FAILED))
}

const FAILED: &str = "failed";

fn failed(goal: Goal, error: &anyhow::Error) -> Row {
    Row::new(&goal.name(), FAILED, "-").note(format!("{error:#}").replace('\n', " "))
}

fn measure(goal: Goal, loads: &mut Loads, arguments: &BenchArgs, before: &[Row]) -> Result<Vec<Row>> {
    match goal {
        Goal::P1 => fanout::rtsp_tcp(loads),
        Goal::P2 => fanout::rtsp_udp(loads),
        Goal::P3 => fanout::webrtc(loads),
        Goal::P4 => memory::measure(loads),
        Goal::P5 => fanout::latency(loads),
        Goal::P6 => browser::webrtc(),
        Goal::P7 => browser::first_pictures(),
        Goal::P8 => hls::measure(),
        Goal::P9 => browser::hls(),
        Goal::P10 => cameras::measure(),
        Goal::P11 => crate::pictures::rows(),
        Goal::P12 => Ok(vec![Row::new("P12", "TURN relay", "µs a packet").at_most(5.0).note("not built")]),
        Goal::P13 => program::measure(arguments.dist, before),
    }
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(crate::root());
    ensure!(command.status().context("cargo")?.success(), "cargo {arguments:?} fails");
    Ok(())
}
