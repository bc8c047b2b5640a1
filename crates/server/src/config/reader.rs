//! From a tree to typed values: every problem is noted and reading goes on, so that one run tells them all.

use super::node::{Key, Node, Value};
use super::problem::{Place, Problem};
use super::substitute::{self, Lookup, Substituted};
use crate::limits::CONFIG_PROBLEMS;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Reads values and collects what is wrong with them.
pub(super) struct Reader<'a> {
    lookup: &'a Lookup<'a>,
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// What must never be shown.
    pub(super) secrets: Vec<String>,
}

/// A scalar after substitution.
pub(super) struct Text {
    pub(super) value: String,
    /// As it stands in the file: what an error may quote.
    pub(super) written: String,
    values: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a Lookup<'a>) -> Self {
        Self { lookup, errors: Vec::new(), warnings: Vec::new(), secrets: Vec::new() }
    }

    pub(super) fn fail(&mut self, place: &Place, text: impl Into<String>) {
        if self.errors.len() < CONFIG_PROBLEMS {
            self.errors.push(Problem { place: place.clone(), text: text.into() });
        }
    }

    pub(super) fn warn(&mut self, place: &Place, text: impl Into<String>) {
        if self.warnings.len() < CONFIG_PROBLEMS {
            self.warnings.push(Problem { place: place.clone(), text: text.into() });
        }
    }

    /// A key that go2rtc has and Yeoul has not yet.
    pub(super) fn later(&mut self, key: &Key, path: &str) {
        self.warn(&key.place, format!("{path} is not supported yet and has no effect"));
    }

    /// A key that nobody has.
    pub(super) fn unknown(&mut self, key: &Key, section: &str, known: &[&str]) {
        let here = if section.is_empty() { String::new() } else { format!(" in {section}") };
        let hint = match did_you_mean(&key.text, known) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known are {}", known.join(", ")),
        };
        self.fail(&key.place, format!("unknown key {}{here}; {hint}", substitute::written(&key.text)));
    }

    /// The entries of a map; none if nothing or something else stands there.
    pub(super) fn map<'n>(&mut self, node: &'n Node, path: &str) -> &'n [(Key, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Scalar { .. } if node.is_null() => &[],
            Value::Scalar { .. } | Value::List(_) => {
                self.expected(node, path, "keys with values");
                &[]
            }
        }
    }

    /// The items of a list; a single value counts as a list of one, `None` if nothing stands there.
    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            Value::Scalar { .. } if node.is_null() => None,
            Value::Scalar { .. } => Some(std::slice::from_ref(node)),
            Value::Map(_) => {
                self.expected(node, path, "a list");
                None
            }
        }
    }

    /// A scalar; `None` if nothing or something else stands there.
    pub(super) fn text(&mut self, node: &Node, path: &str) -> Option<Text> {
        match &node.value {
            Value::Scalar { .. } if node.is_null() => None,
            Value::Scalar { text, .. } => {
                let Substituted { text: value, values, missing } = substitute::substitute(text, self.lookup);
                for name in missing {
                    self.warn(
                        &node.place,
                        format!("{path}: there is no value for ${{{name}}}; it stays as it is"),
                    );
                }
                Some(Text { value, written: substitute::written(text), values })
            }
            Value::List(_) | Value::Map(_) => {
                self.expected(node, path, "a text");
                None
            }
        }
    }

    /// A scalar that may hold secrets: what was put in from outside is one.
    pub(super) fn private_text(&mut self, node: &Node, path: &str) -> Option<Text> {
        let text = self.text(node, path)?;
        self.secrets.extend(text.values.iter().cloned());
        Some(text)
    }

    /// A scalar that is a secret.
    pub(super) fn secret(&mut self, node: &Node, path: &str) -> Option<String> {
        let text = self.private_text(node, path)?;
        self.secrets.push(text.value.clone());
        Some(text.value)
    }

    /// A scalar of some form; `expected` says which.
    pub(super) fn parse<T>(
        &mut self,
        node: &Node,
        path: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node, path)?;
        let value = parse(text.value.trim());
        if value.is_none() {
            self.fail(&node.place, format!("{path}: expected {expected}, got {:?}", text.written));
        }
        value
    }

    pub(super) fn boolean(&mut self, node: &Node, path: &str) -> Option<bool> {
        self.parse(node, path, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            // YAML 1.1's words too: go2rtc reads them.
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        })
    }

    pub(super) fn number<T>(&mut self, node: &Node, path: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.parse(node, path, &expected, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, path: &str, words: &[(&str, T)]) -> Option<T> {
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).filter(|word| !word.is_empty()).collect();
        let expected = format!("one of {}", list.join(", "));
        self.parse(node, path, &expected, |text| {
            words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
        })
    }

    /// `500ms`, `10s`, `5m`, or a number of seconds.
    pub(super) fn duration(
        &mut self,
        node: &Node,
        path: &str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let expected =
            format!("a duration from {:?} to {:?} such as 500ms, 10s or 5m", range.start(), range.end());
        self.parse(node, path, &expected, |text| parse_duration(text).filter(|value| range.contains(value)))
    }

    /// `512KB`, `32MB`, or a number of bytes.
    pub(super) fn size(&mut self, node: &Node, path: &str, range: RangeInclusive<usize>) -> Option<usize> {
        let mb = |bytes: &usize| format!("{}MB", bytes >> 20);
        let expected = format!("a size from {} to {}", mb(range.start()), mb(range.end()));
        self.parse(node, path, &expected, |text| parse_size(text).filter(|value| range.contains(value)))
    }

    pub(super) fn expected(&mut self, node: &Node, path: &str, expected: &str) {
        let got = match &node.value {
            Value::Scalar { text, .. } => format!("{:?}", substitute::written(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "keys with values".to_owned(),
        };
        let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
        self.fail(&node.place, format!("{place}expected {expected}, got {got}"));
    }
}

/// The known word that is one or two slips away.
pub(super) fn did_you_mean<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let slips = if word.chars().count() < 4 { 1 } else { 2 };
    let distance = |known: &str| strsim::damerau_levenshtein(&word.to_ascii_lowercase(), known);
    let near = known.iter().map(|known| (distance(known), *known)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= slips).then_some(near.1)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().ok()?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "" | "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

fn parse_size(text: &str) -> Option<usize> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        _ => return None,
    };
    number.trim().parse::<usize>().ok()?.checked_mul(factor)
}
