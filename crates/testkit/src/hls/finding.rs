//! What a checker objects to.

use std::fmt;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The section of RFC 8216bis with the rule: `4.4.3.1`, `B.1`.
    pub section: &'static str,
    /// The standard says MUST, not SHOULD.
    pub must: bool,
    /// The line of the playlist, from 1; 0 is the playlist as a whole.
    pub line: usize,
    /// What is wrong, in words.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.must { "MUST" } else { "SHOULD" };
        write!(f, "line {}: {} (RFC 8216bis §{}, {word})", self.line, self.text, self.section)
    }
}

/// Collects findings.
pub(super) trait Object {
    /// The standard says MUST.
    fn must(&mut self, section: &'static str, line: usize, text: impl Into<String>);
    /// The standard says SHOULD.
    fn should(&mut self, section: &'static str, line: usize, text: impl Into<String>);
}

impl Object for Vec<Finding> {
    fn must(&mut self, section: &'static str, line: usize, text: impl Into<String>) {
        self.push(Finding { section, must: true, line, text: text.into() });
    }

    fn should(&mut self, section: &'static str, line: usize, text: impl Into<String>) {
        self.push(Finding { section, must: false, line, text: text.into() });
    }
}
