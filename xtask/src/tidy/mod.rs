//! Checks what no compiler does. Every rule is a function from the project's files to findings.

mod documents;
mod sources;

use anyhow::{Context as _, Result};

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
    let rules: [Rule; 8] = [
        sources::long_files,
        sources::forbidden_words,
        sources::foreign_lock_entries,
        sources::bounds_without_reason,
        documents::crates_missing_in_the_code_map,
        documents::dependencies_without_reason,
        documents::readmes_with_other_headings,
        documents::stale_tables,
    ];
    let findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(&files)).collect();
    for Finding { path, line, text } in &findings {
        println!("{path}:{line}: {text}");
    }
    println!("{} files, {} findings", files.len(), findings.len());
    Ok(findings.len())
}

/// Folders with what is built, downloaded or found; `.gitignore` has them too.
const NOT_OURS: [&str; 8] =
    [".git", "target", "node_modules", "dist", ".cache", "corpus", "artifacts", "__pycache__"];

/// Every text file of the project. The folder is read instead of git's list, so that a copy without `.git` will do.
fn files() -> Result<Vec<File>> {
    let root = crate::root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                    folders.push(path);
                }
            } else if path.extension().is_none_or(|ending| ending != "log")
                // What is no text concerns no rule.
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let path = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
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
