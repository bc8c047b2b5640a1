//! Checks what no compiler does. Every rule is a function from the project's files to findings.

mod documents;
mod sources;

use anyhow::{Context as _, Result, bail};
use std::process::Command;

/// A text file of the project.
#[derive(Debug)]
struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

/// What a rule objects to: a place and a sentence.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 is the file as a whole.
    line: usize,
    text: String,
}

impl Finding {
    fn new(file: &File, line: usize, text: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, text: text.into() }
    }
}

type Rule = fn(&[File]) -> Vec<Finding>;

/// Prints every finding and returns how many there are.
pub(crate) fn run() -> Result<usize> {
    let files = files()?;
    let rules: [Rule; 7] = [
        sources::long_files,
        sources::forbidden_words,
        sources::foreign_lock_entries,
        sources::bounds_without_reason,
        documents::crates_missing_in_the_code_map,
        documents::dependencies_without_reason,
        documents::readmes_with_other_headings,
    ];
    let findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(&files)).collect();
    for Finding { path, line, text } in &findings {
        println!("{path}:{line}: {text}");
    }
    println!("{} files, {} findings", files.len(), findings.len());
    Ok(findings.len())
}

/// Every text file that git has or would take.
fn files() -> Result<Vec<File>> {
    let root = crate::root();
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(&root)
        .output()
        .context("git cannot be started")?;
    if !listed.status.success() {
        bail!("{} is no git repository: tidy reads the list of files from git", root.display());
    }
    let listed = String::from_utf8(listed.stdout).context("a file's name is not UTF-8")?;
    let text_of = |path: &str| {
        // A listed file may be deleted in the work tree, or be no text: neither concerns a rule.
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        Some(File { path: path.to_owned(), text })
    };
    Ok(listed.split_terminator('\0').filter_map(text_of).collect())
}

#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

/// The findings as `path:line`, for tests.
#[cfg(test)]
fn places(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
}
