//! Results that are kept: a file for each run in `bench/results`, with the machine and the commit it is of.

use super::row::Row;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// UTC, as `2026-01-31T0915Z`: files sort by it.
    pub(super) at: String,
    pub(super) machine: Machine,
    /// Short hash; with `+` if files were changed since.
    pub(super) commit: String,
    pub(super) rows: Vec<Row>,
}

/// What figures depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let cpu = model.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: cpu.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
        }
    }
}

impl Run {
    pub(super) fn new(rows: Vec<Row>) -> Result<Self> {
        let hash = said("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
        let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
        let mark = if changed.is_empty() { "" } else { "+" };
        let at = said("date", &["-u", "+%Y-%m-%dT%H%MZ"])?;
        let rows = rows.into_iter().map(Row::without_paths).collect();
        Ok(Self { at, machine: Machine::this(), commit: format!("{hash}{mark}"), rows })
    }

    /// Writes it; gives the file.
    pub(super) fn save(&self) -> Result<PathBuf> {
        fs::create_dir_all(folder())?;
        let file = folder().join(format!("{}-{}.json", self.at, self.commit.trim_end_matches('+')));
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(file)
    }
}

/// The newest figure of each row that was measured on `machine`.
pub(super) fn before(machine: &Machine) -> Result<Vec<Row>> {
    Ok(newest_rows(&runs(&folder())?, machine))
}

fn newest_rows(runs: &[Run], machine: &Machine) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for run in runs.iter().rev().filter(|run| run.machine == *machine) {
        for row in run.rows.iter().filter(|row| row.figure.is_some()) {
            if !rows.iter().any(|known| (&known.goal, &known.what) == (&row.goal, &row.what)) {
                rows.push(row.clone());
            }
        }
    }
    rows
}

/// All runs, the oldest first.
fn runs(folder: &Path) -> Result<Vec<Run>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let text = fs::read_to_string(&path)?;
            runs.push(serde_json::from_str::<Run>(&text).with_context(|| path.display().to_string())?);
        }
    }
    runs.sort_by(|a, b| a.at.cmp(&b.at));
    Ok(runs)
}

fn folder() -> PathBuf {
    crate::root().join("bench/results")
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(crate::root())
        .output()
        .context(program.to_owned())?;
    anyhow::ensure!(output.status.success(), "{program} {arguments:?} fails");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Machine, Row, Run, newest_rows};

    #[test]
    fn the_newest_figure_of_the_same_machine_is_compared() {
        let machine = |kernel: &str| Machine { cpu: "x".into(), cores: 2, kernel: kernel.into() };
        let run = |at: &str, kernel: &str, figure| Run {
            at: at.into(),
            machine: machine(kernel),
            commit: "abc".into(),
            rows: vec![Row::new("P1", "readers", "µs").figure(figure)],
        };
        let runs = [
            run("1", "6", Some(1.0)),
            run("2", "6", Some(2.0)),
            run("3", "6", None),
            run("4", "7", Some(4.0)),
        ];
        let rows = newest_rows(&runs, &machine("6"));
        assert_eq!(rows.iter().map(|row| row.figure).collect::<Vec<_>>(), [Some(2.0)]);
        let text = serde_json::to_string(&runs[0]).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), runs[0]);
    }
}
