//! One line of the table: a figure, what it would cost at least, and what it shall be.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A measured figure; smaller is better for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// `P1` to `P13`.
    pub(super) goal: String,
    /// With the goal it is the same in every run.
    pub(super) what: String,
    pub(super) unit: String,
    /// `None` if it could not be measured; the note says why.
    pub(super) figure: Option<f64>,
    /// The same by the least that does it, in the same run.
    pub(super) floor: Option<f64>,
    pub(super) at_most: Option<f64>,
    pub(super) note: Option<String>,
}

impl Row {
    pub(crate) fn new(goal: &str, what: &str, unit: &str) -> Self {
        let [goal, what, unit] = [goal, what, unit].map(str::to_owned);
        Self { goal, what, unit, figure: None, floor: None, at_most: None, note: None }
    }

    /// Without paths of this machine: a note may have what a program said, and results are shared.
    pub(super) fn without_paths(mut self) -> Self {
        let root = crate::root();
        self.note = self.note.map(|note| note.replace(&format!("{}/", root.display()), ""));
        self
    }

    pub(crate) fn figure(mut self, figure: Option<f64>) -> Self {
        self.figure = figure.map(rounded);
        self
    }

    pub(crate) fn floor(mut self, floor: Option<f64>) -> Self {
        self.floor = floor.map(rounded);
        self
    }

    pub(crate) fn at_most(mut self, goal: f64) -> Self {
        self.at_most = Some(goal);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        self.note = (!note.is_empty()).then_some(note);
        self
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.figure? / self.floor.filter(|floor| *floor > 0.0)?)
    }

    fn verdict(&self) -> &'static str {
        match (self.figure, self.at_most) {
            (None, _) => "not run",
            (Some(_), None) => "",
            (Some(figure), Some(at_most)) if figure <= at_most => "reached",
            (Some(_), Some(_)) => "MISSED",
        }
    }

    /// By how much it differs from an earlier figure.
    fn change(&self, before: &[Self]) -> Option<f64> {
        let same = before.iter().find(|row| (&row.goal, &row.what) == (&self.goal, &self.what))?;
        let old = same.figure.filter(|old| *old > 0.0)?;
        Some((self.figure? / old - 1.0) * 100.0)
    }
}

/// Not more digits than a measurement has.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// The table as text, compared with rows of an earlier run.
pub(super) fn table(rows: &[Row], before: &[Row]) -> String {
    let head = ["", "what", "ours", "floor", "ratio", "goal", "", "change", "note"].map(str::to_owned);
    let mut lines = vec![head];
    for row in rows {
        let shown = |value: Option<f64>| value.map(digits).unwrap_or_default();
        lines.push([
            row.goal.clone(),
            format!("{}, {}", row.what, row.unit),
            shown(row.figure),
            shown(row.floor),
            row.ratio().map(|ratio| format!("{ratio:.2}x")).unwrap_or_default(),
            row.at_most.map(|goal| format!("<= {}", digits(goal))).unwrap_or_default(),
            row.verdict().to_owned(),
            row.change(before).map(|percent| format!("{percent:+.0} %")).unwrap_or_default(),
            row.note.clone().unwrap_or_default(),
        ]);
    }
    let mut text = String::new();
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let width = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
            let is_number = (2..=5).contains(&column);
            let _ = match (is_number, column + 1 == line.len()) {
                (true, _) => write!(text, "{cell:>width$}  "),
                (false, true) => write!(text, "{cell}"),
                (false, false) => write!(text, "{cell:<width$}  "),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn digits(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, table};

    #[test]
    fn a_table_tells_ratio_verdict_and_change() {
        let row = |figure| Row::new("P1", "200 readers", "µs a packet").figure(Some(figure)).at_most(0.8);
        let rows = [
            row(0.75).floor(Some(0.5)),
            Row::new("P3", "60 viewers", "µs a packet").figure(Some(3.0)).at_most(2.2),
            Row::new("P12", "TURN relay", "µs a packet").at_most(5.0).note("not built"),
        ];
        let text = table(&rows, &[row(1.0)]);
        let lines: Vec<&str> = text.lines().collect();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(lines[1]), "P1 200 readers, µs a packet 0.75 0.50 1.50x <= 0.80 reached -25 %");
        assert_eq!(words(lines[2]), "P3 60 viewers, µs a packet 3.00 <= 2.20 MISSED");
        assert_eq!(words(lines[3]), "P12 TURN relay, µs a packet <= 5.00 not run not built");
    }
}
