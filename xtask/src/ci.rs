//! Everything that CI checks, and the end-to-end tests alone.

use crate::counts::Counts;
use crate::release_folder;
use crate::steps::Steps;
use crate::tidy;
use anyhow::Result;
use std::process::Command;

/// All steps; a failed one does not keep the others from running. True when all passed.
pub(crate) fn all() -> Result<bool> {
    let mut steps = Steps::default();
    steps.command("format", cargo(&["fmt", "--all", "--check"]))?;
    steps.function("tidy", || Ok((tidy::run()? == 0, Counts::default())))?;
    steps.command("web: types, lint, format", npm("check"))?;
    steps.command("web: unit tests", npm("test"))?;
    // Before the first compilation of the server: the pages are embedded into it.
    steps.command("web: build", npm("build"))?;
    let clippy = ["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.command("clippy", cargo(&clippy))?;
    // The end-to-end tests have a step of their own below.
    let tests = ["nextest", "run", "--release", "--workspace", "-E", "not (package(=yeoul) & binary(=e2e))"];
    steps.command("tests", cargo(&tests))?;
    let doc = ["doc", "--release", "--workspace", "--no-deps", "--quiet"];
    steps.command("docs", cargo(&doc).env("RUSTDOCFLAGS", "-D warnings"))?;
    steps.command("doc tests", cargo(&["test", "--release", "--workspace", "--doc", "--quiet"]))?;
    add_end_to_end(&mut steps)?;
    steps.finish_for_ci()
}

/// The end-to-end tests, with a page and a binary that are up to date. True when all passed.
pub(crate) fn end_to_end() -> Result<bool> {
    let mut steps = Steps::default();
    steps.command("web: build", npm("build"))?;
    add_end_to_end(&mut steps)?;
    Ok(steps.finish())
}

fn add_end_to_end(steps: &mut Steps) -> Result<()> {
    // The browser tests start this binary; cargo has it from the tests' build already.
    steps.command("binary", cargo(&["build", "--release", "-p", "yeoul"]))?;
    let e2e = ["nextest", "run", "--release", "-p", "yeoul", "--test", "e2e", "--profile", "e2e"];
    steps.command("end to end", cargo(&e2e))?;
    steps.command("end to end: browser", npm("e2e").env("YEOUL_BIN", release_folder().join("yeoul")))
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// One of the scripts of `web/package.json`.
fn npm(script: &str) -> Command {
    let mut command = Command::new("npm");
    command.args(["--prefix", "web", "run", "--silent", script]);
    command
}
