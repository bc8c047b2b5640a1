//! The same load by a generator that others wrote, where it is there: `tools/loadgen` of the shared data folder.

use super::rig::{Rig, SECONDS, SETTLE, number, on_core};
use super::row::Row;
use crate::{release_folder, root};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A row of its figure; `None` where it is not there.
pub(super) fn row(goal: &str, kind: &str, readers: u32) -> Result<Option<Row>> {
    let Some(source) = source() else { return Ok(None) };
    println!("    {readers} by loadgen, {kind}");
    let loadgen = build(&source)?;
    let rig = Rig::start(1)?;
    rig.touch(1)?;
    std::thread::sleep(SETTLE);
    let url = match kind {
        "rtsp" => format!("rtsp://127.0.0.1:{}/cam0", rig.rtsp),
        _ => rig.http("cam0/whep"),
    };
    let mut load = on_core(1, &loadgen);
    load.args([kind, &url, &readers.to_string(), &SECONDS.to_string(), &rig.pid().to_string()]);
    let output = load.output()?;
    let text = String::from_utf8(output.stdout)?;
    let report: Value = serde_json::from_str(&text).with_context(|| format!("loadgen says:\n{text}"))?;
    let note = format!("added latency p50 {} ms", report["latency_ms"]["p50"]);
    let row = Row::new(goal, &format!("{kind}, {readers}, by loadgen"), "µs a packet");
    Ok(Some(row.figure(number(&report, "/cpu_us_per_packet")).note(note)))
}

fn source() -> Option<PathBuf> {
    let shared = std::env::var_os("YEOUL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    Some(shared.join("tools/loadgen")).filter(|folder| folder.join("Cargo.toml").exists())
}

/// Builds a copy, because the shared folder is read only to us.
fn build(source: &Path) -> Result<PathBuf> {
    let copy = root().join(".cache/loadgen");
    let target = release_folder().join("loadgen");
    std::fs::create_dir_all(copy.join("src"))?;
    std::fs::copy(source.join("Cargo.toml"), copy.join("Cargo.toml"))?;
    for entry in std::fs::read_dir(source.join("src"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), copy.join("src").join(entry.file_name()))?;
    }
    // It is no member of the workspace it lies in.
    let manifest = std::fs::read_to_string(copy.join("Cargo.toml"))?;
    std::fs::write(copy.join("Cargo.toml"), manifest + "\n[workspace]\n")?;
    let mut build = Command::new("cargo");
    build.current_dir(&copy).args(["build", "--release", "--quiet", "--target-dir"]).arg(&target);
    if !build.status()?.success() {
        bail!("loadgen cannot be built");
    }
    Ok(target.join("release/loadgen"))
}
