//! The project's own commands: `cargo xtask ci|tidy|codecs|e2e|bench|fuzz`. `make test` is `ci` after the set-up.
#![expect(clippy::print_stdout, reason = "a command for people and for CI")]

mod bench;
mod ci;
mod codecs;
mod counts;
mod fuzz;
mod hls;
mod pictures;
mod steps;
mod tidy;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the project can do to itself.
#[derive(Parser)]
#[command(about)]
enum Task {
    /// Checks everything that CI checks; the last line counts the tests
    Ci,
    /// Checks what no compiler does: sizes of files, forbidden words, documents that fit the code
    Tidy,
    /// Writes `docs/codecs.md` and its translation: which output carries which codec
    Codecs,
    /// Runs the end-to-end tests only: the real binary with ffmpeg, GStreamer and Chromium
    E2e,
    /// Measures what the project has promised: a table of goals P1 to P13
    Bench(bench::BenchArgs),
    /// A part of a benchmark's floor, in a process of its own
    #[command(hide = true)]
    Floor {
        #[command(subcommand)]
        part: bench::FloorPart,
    },
    /// Asks for one part of an LL-HLS media playlist on many connections; tells how far apart the answers come
    BlockedReloads {
        /// The media playlist: `http://127.0.0.1:1984/…`
        url: String,
        /// Connections
        #[arg(default_value_t = 1000)]
        readers: usize,
        /// How many times
        #[arg(default_value_t = 20)]
        rounds: usize,
    },
    /// Asks for JPEG images of a running stream; tells how long they take
    BenchPictures,
    /// Fuzzes each parser of outside bytes in turn; needs cargo-fuzz (`cargo install --locked cargo-fuzz`)
    Fuzz {
        /// How long to fuzz each target, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Only these targets; all where none is named
        targets: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Ci => ci::all(),
        Task::Tidy => tidy::run().map(|findings| findings == 0),
        Task::Codecs => codecs::write().map(|()| true),
        Task::E2e => ci::end_to_end(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Floor { part } => bench::run_floor(&part).map(|()| true),
        Task::BenchPictures => pictures::run(),
        Task::BlockedReloads { url, readers, rounds } => {
            hls::blocked_reloads(&url, readers, rounds).map(|()| true)
        }
        Task::Fuzz { seconds, targets } => fuzz::run(seconds, &targets),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace").to_owned()
}

/// Where cargo puts what it builds for release.
fn release_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(target).join("release")
}
