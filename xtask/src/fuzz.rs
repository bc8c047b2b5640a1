//! Runs the fuzz targets one after another, each for a while, and says what they found.

use crate::counts::Counts;
use crate::steps::{Steps, show_and_keep};
use anyhow::{Context as _, Result, bail};
use std::process::Command;

/// Fuzzes each of `wanted`, or all targets where none is named, for so many seconds. True when nothing was found.
///
/// Sanitizers and coverage need compiler flags that are not stable; `RUSTC_BOOTSTRAP` lets the stable compiler take
/// them, so that no second toolchain is needed.
pub(crate) fn run(seconds: u32, wanted: &[String]) -> Result<bool> {
    if !Command::new("cargo").args(["fuzz", "--version"]).output()?.status.success() {
        bail!("cargo-fuzz is missing: cargo install --locked cargo-fuzz");
    }
    let known = targets()?;
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        bail!("no fuzz target `{unknown}`; there are: {}", known.join(", "));
    }
    // Seeds first: a fuzzer that starts from real messages gets behind their first checks.
    let (seeded, _) = show_and_keep(Command::new("cargo").current_dir(crate::root()).args([
        "run",
        "--release",
        "--quiet",
        "-p",
        "yeoul-fuzz",
        "--bin",
        "write-seeds",
    ]))?;
    if !seeded {
        bail!("the seeds could not be written");
    }
    let mut steps = Steps::default();
    for name in known.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        steps.function(name, || fuzz_one(name, seconds))?;
    }
    Ok(steps.finish())
}

/// A target without a finding counts as passed.
fn fuzz_one(name: &str, seconds: u32) -> Result<(bool, Counts)> {
    let (passed, _) = show_and_keep(
        Command::new("cargo")
            .current_dir(crate::root())
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", "run", "--features", "libfuzzer", name, "--"])
            .arg(format!("-max_total_time={seconds}"))
            // An input that takes this long, or this much memory, is a finding too.
            .args([
                "-timeout=10",
                "-rss_limit_mb=1024",
                "-max_len=65536",
                "-verbosity=0",
                "-print_final_stats=1",
            ]),
    )?;
    Ok((passed, Counts { passed: u64::from(passed), failed: u64::from(!passed), skipped: 0 }))
}

/// The names of the targets: the files of `fuzz/fuzz_targets`, sorted.
fn targets() -> Result<Vec<String>> {
    let folder = crate::root().join("fuzz/fuzz_targets");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
