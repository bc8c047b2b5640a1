//! Rules about source files.

use super::{File, Finding};

/// A longer file holds two things.
const MAX_LINES: usize = 600;

/// Files that are too long, tests not counted.
pub(super) fn long_files(files: &[File]) -> Vec<Finding> {
    let is_source =
        |path: &str| [".rs", ".ts", ".mjs", ".py", ".sh"].iter().any(|ending| path.ends_with(ending));
    let is_test = |path: &str| {
        path.ends_with("/tests.rs")
            || path.contains("/tests/")
            || path.contains("/e2e/")
            || path.contains(".test.")
    };
    files
        .iter()
        .filter(|file| is_source(&file.path) && !is_test(&file.path))
        .filter_map(|file| {
            let lines = file.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
            let text = format!("{lines} lines; above {MAX_LINES} look for the second thing in the file");
            (lines > MAX_LINES).then(|| Finding::new(file, lines, text))
        })
        .collect()
}

/// What must not be committed, and why. Written in pieces, so that this file does not find itself.
const FORBIDDEN: [(&str, &str); 8] = [
    (concat!("TO", "DO"), "do it, or write it into the issue"),
    (concat!("FIX", "ME"), "fix it, or write it into the issue"),
    (concat!("#[al", "low("), "use #[expect(…, reason = \"…\")], which reports when it is no longer needed"),
    (
        concat!("#![al", "low("),
        "use #![expect(…, reason = \"…\")], which reports when it is no longer needed",
    ),
    (concat!("#[ig", "nore"), "a test that does not run tests nothing"),
    (concat!("/wo", "rk/"), "the path of one machine"),
    (concat!("/ro", "ot/"), "the path of one machine"),
    (concat!("/ho", "me/"), "the path of one machine"),
];

/// Lines with a forbidden word.
pub(super) fn forbidden_words(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| line.contains(word)) {
                findings.push(Finding::new(file, number, format!("`{word}`: {reason}")));
            }
        }
    }
    findings
}

/// Lock files must name no mirror: the address is the reader's own configuration.
pub(super) fn foreign_lock_entries(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            let line = line.trim();
            let foreign = if file.path.ends_with("Cargo.lock") {
                line.starts_with("source = ") && !line.contains("github.com/rust-lang/crates.io-index")
            } else if file.path.ends_with("package-lock.json") {
                line.starts_with("\"resolved\": \"http")
            } else {
                false
            };
            if foreign {
                findings.push(Finding::new(file, number, "an address of a package registry"));
            }
        }
    }
    findings
}

/// Constants of a `limits.rs` without a doc comment: a bound without a reason is a guess.
pub(super) fn bounds_without_reason(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("/limits.rs")) {
        let mut documented = false;
        for (number, line) in (1..).zip(file.text.lines()) {
            let line = line.trim();
            let is_const = line.starts_with("const ") || line.starts_with("pub") && line.contains(" const ");
            if is_const && !documented {
                findings.push(Finding::new(file, number, "a bound without its reason: add a doc comment"));
            }
            // An attribute may stand between the comment and the constant.
            documented = line.starts_with("///") || documented && line.starts_with('#');
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{file, places};
    use super::*;

    #[test]
    fn tests_do_not_make_a_file_long() {
        let long = "x\n".repeat(MAX_LINES + 1);
        let files = [
            file("a/src/long.rs", &long),
            file("a/src/tested.rs", &format!("x\n#[cfg(test)]\n{long}")),
            file("a/src/b/tests.rs", &long),
            file("README.md", &long),
        ];
        assert_eq!(places(&long_files(&files)), ["a/src/long.rs:601"]);
    }

    #[test]
    fn forbidden_words_are_found_with_their_line() {
        let files = [file("a.rs", concat!("fine\n// TO", "DO: later\n#[al", "low(dead_code)]\n"))];
        assert_eq!(places(&forbidden_words(&files)), ["a.rs:2", "a.rs:3"]);
    }

    #[test]
    fn lock_files_may_name_crates_io_only() {
        let cargo = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://x\"\n";
        let npm = "\"resolved\": \"https://example.org/a.tgz\"\n\"resolved\": \"packages/own\"\n";
        let files = [file("Cargo.lock", cargo), file("web/package-lock.json", npm)];
        assert_eq!(places(&foreign_lock_entries(&files)), ["Cargo.lock:2", "web/package-lock.json:1"]);
    }

    #[test]
    fn bounds_need_a_doc_comment() {
        let text = "/// Why.\npub const A: usize = 1;\n\npub(crate) const B: usize = 2;\n/// Why.\n#[cfg(unix)]\nconst C: u8 = 3;\n";
        assert_eq!(places(&bounds_without_reason(&[file("a/src/limits.rs", text)])), ["a/src/limits.rs:4"]);
    }
}
