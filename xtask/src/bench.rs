//! The benchmarks: `cargo bench`, that is every `benches/*.rs` of the workspace, then the whole server under load.
//!
//! Figures of two machines or of two runs do not compare: a benchmark measures its own floor in the same run and reports
//! the ratio. No benchmark fails on a time.

use crate::load;
use crate::steps::Steps;
use anyhow::Result;
use std::process::Command;

/// Runs them; true when none failed.
pub(crate) fn run() -> Result<bool> {
    let mut steps = Steps::default();
    // cargo takes "every bench" for a mistake where there is none.
    if has_benches()? {
        steps.command("benches", Command::new("cargo").args(["bench", "--workspace", "--bench", "*"]))?;
    }
    load::add(&mut steps)?;
    Ok(steps.finish())
}

fn has_benches() -> Result<bool> {
    let mut crates = std::fs::read_dir(crate::root().join("crates"))?;
    Ok(crates.any(|entry| entry.is_ok_and(|entry| entry.path().join("benches").is_dir())))
}
