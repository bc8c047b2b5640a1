//! How many tests a command ran, from what it printed.

use std::fmt;
use std::ops::AddAssign;

/// Tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// Adds up the summary lines of cargo-nextest, libtest (doc tests), vitest and `node --test` in an output without
    /// colours; other lines count nothing.
    pub(crate) fn from_output(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines() {
            counts += line_counts(line.trim());
        }
        counts
    }

    fn add(&mut self, count: u64, word: &str) {
        match word {
            "pass" | "passed" => self.passed += count,
            "fail" | "failed" | "cancelled" | "timed" | "exec" => self.failed += count,
            "skipped" | "ignored" | "todo" => self.skipped += count,
            _ => {}
        }
    }
}

fn line_counts(line: &str) -> Counts {
    let mut counts = Counts::default();
    if let Some((_, results)) = line.strip_prefix("Summary [").and_then(|rest| rest.split_once(" run: ")) {
        // Summary [   0.192s] 15 tests run: 13 passed (2 slow), 1 failed, 1 timed out, 3 skipped
        add_pairs(&mut counts, results);
        // What nextest skips is what another step's filter takes.
        counts.skipped = 0;
    } else if let Some(results) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) {
        // test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
        add_pairs(&mut counts, results.1);
    } else if let Some(results) = line.strip_prefix("Tests ") {
        // Tests  1 failed | 12 passed | 2 skipped (15)
        add_pairs(&mut counts, results);
    } else if let Some(result) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
        // # pass 5
        if let Some((word, count)) = result.split_once(' ')
            && let Ok(count) = count.parse()
        {
            counts.add(count, word);
        }
    }
    counts
}

/// `13 passed (2 slow), 1 failed`, with any of `,;|` between.
fn add_pairs(counts: &mut Counts, results: &str) {
    for pair in results.split([',', ';', '|']) {
        let mut words = pair.split_whitespace();
        if let (Some(count), Some(word)) = (words.next(), words.next())
            && let Ok(count) = count.parse()
        {
            counts.add(count, word);
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// `12 passed, 0 failed`, and `, 3 skipped` where some were.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, expected: &str) {
        assert_eq!(Counts::from_output(output).to_string(), expected);
    }

    #[test]
    fn nextest_summary_is_counted_without_what_its_filter_left_out() {
        check("     Summary [   0.192s] 15 tests run: 15 passed, 7 skipped", "15 passed, 0 failed");
        check("Summary [ 1.0s] 1 test run: 1 passed, 0 skipped", "1 passed, 0 failed");
        check(
            "Summary [  9.192s] 17 tests run: 13 passed (2 slow, 1 leaky), 2 failed, 1 timed out, 1 exec failed",
            "13 passed, 4 failed",
        );
        check("Summary [ 9.1s] 3/17 tests run: 2 passed, 1 failed, 0 skipped", "2 passed, 1 failed");
    }

    #[test]
    fn doc_test_results_add_up() {
        let line =
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n";
        check(&line.repeat(2), "4 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn vitest_counts_tests_and_not_files() {
        check(
            " Test Files  1 failed | 3 passed (4)\n      Tests  1 failed | 12 passed | 2 skipped (15)\n",
            "12 passed, 1 failed, 2 skipped",
        );
    }

    #[test]
    fn node_counts_are_read_from_both_reporters() {
        check(
            "# tests 7\n# suites 0\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 0",
            "5 passed, 2 failed",
        );
        check("ℹ tests 6\nℹ pass 5\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1", "5 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn other_lines_count_nothing() {
        check("# pass the salt\n12 passed\nTests are good\ntest a ... ok", "0 passed, 0 failed");
    }
}
