//! Runs commands one after another, shows what they print, and keeps times, results and counts of tests.

use crate::counts::Counts;
use anyhow::{Context as _, Result};
use std::borrow::BorrowMut;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    passed: bool,
    counts: Counts,
}

impl Steps {
    /// Runs a command in the workspace's root, with its output both shown and counted.
    pub(crate) fn command(&mut self, name: &str, mut command: impl BorrowMut<Command>) -> Result<()> {
        self.function(name, || {
            let (success, output) =
                show_and_keep(command.borrow_mut().current_dir(crate::root()).env("NO_COLOR", "1"))?;
            Ok((success, Counts::from_output(&output)))
        })
    }

    /// Runs a function that says whether it passed, and what it counted.
    pub(crate) fn function(
        &mut self,
        name: &str,
        run: impl FnOnce() -> Result<(bool, Counts)>,
    ) -> Result<()> {
        println!("\n==> {name}");
        let start = Instant::now();
        let (passed, mut counts) = run().with_context(|| format!("step `{name}`"))?;
        if !passed && counts.failed == 0 {
            // A formatter, a linter or a build that fails is a failure too.
            counts.failed = 1;
        }
        let passed = passed && counts.failed == 0;
        self.done.push(Step { name: name.to_owned(), took: start.elapsed(), passed, counts });
        Ok(())
    }

    /// Prints each step's result and time, then the counts of all as the last line; true when all passed.
    pub(crate) fn finish(self) -> bool {
        self.report().1
    }

    /// The same, and the last line again in a file for `.ci/run`: `make` adds a line of its own when a test failed.
    pub(crate) fn finish_for_ci(self) -> Result<bool> {
        let (total, passed) = self.report();
        let folder = crate::root().join(".cache");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("ci-summary"), format!("{total}\n"))?;
        Ok(passed)
    }

    fn report(self) -> (Counts, bool) {
        let mut total = Counts::default();
        println!();
        for step in &self.done {
            let result = if step.passed { "ok    " } else { "FAILED" };
            let counts =
                if step.counts == Counts::default() { String::new() } else { step.counts.to_string() };
            println!("{result} {:>7.1} s  {:<28} {counts}", step.took.as_secs_f32(), step.name);
            total += step.counts;
        }
        let took: Duration = self.done.iter().map(|step| step.took).sum();
        println!("       {:>7.1} s  in all\n\n{total}", took.as_secs_f32());
        (total, self.done.iter().all(|step| step.passed))
    }
}

/// Runs a command, passes its output on line by line, and returns whether it succeeded and all it printed.
pub(crate) fn show_and_keep(command: &mut Command) -> Result<(bool, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let stdout = child.stdout.take().context("the child's stdout is a pipe")?;
    let stderr = child.stderr.take().context("the child's stderr is a pipe")?;
    let output = std::thread::scope(|scope| {
        let errors = scope.spawn(|| pass_on(stderr, std::io::stderr()));
        let mut output = pass_on(stdout, std::io::stdout());
        output += &errors.join().unwrap_or_default();
        output
    });
    Ok((child.wait()?.success(), output))
}

/// Copies lines until the end and returns them; bytes that are not text are replaced.
fn pass_on(from: impl Read, mut to: impl Write) -> String {
    let mut from = BufReader::new(from);
    let mut kept = String::new();
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
        // Where nobody reads our output any more, the counts still matter.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        kept += &String::from_utf8_lossy(&line);
        line.clear();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_step_counts_as_a_failure_even_without_tests() {
        let mut steps = Steps::default();
        steps.command("false", &mut Command::new("false")).unwrap();
        assert_eq!(steps.done[0].counts.failed, 1);
        assert!(!steps.finish());
    }

    #[test]
    fn output_of_both_kinds_is_counted() {
        let mut steps = Steps::default();
        let script = "echo '# pass 2'; echo 'Summary [ 1s] 3 tests run: 3 passed' >&2";
        steps.command("sh", Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(steps.done[0].counts, Counts { passed: 5, failed: 0, skipped: 0 });
        assert!(steps.finish());
    }
}
