//! One stream of a configuration, changed in its text: comments, order and form of all the rest stay.
//!
//! The parser tells where the section `streams` and its entries begin and end. Whatever was done is read again: a text that does not
//! come out as meant is not given.

use super::node::{self, Node, Value};
use super::substitute::protect;
use granit_parser::{Event, Parser, Span};
use std::ops::Range;

/// What becomes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has these sources, given by a caller of the API.
    Set(Vec<String>),
    /// It is gone.
    Remove,
}

/// Why a text is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    #[error("line {0}: {1}")]
    Unreadable(usize, String),
    #[error("the section streams is written in a way that is changed by hand only")]
    Form,
}

/// The section `streams`, by bytes of the text.
enum Section {
    Missing,
    /// The key ends here; what stands behind it is nothing, or `~` and the like.
    Null {
        key_end: usize,
        value: Range<usize>,
    },
    Block {
        column: usize,
        entries: Vec<Entry>,
    },
    /// In braces, of which the first ends here.
    Flow {
        open: usize,
        entries: Vec<Entry>,
    },
}

/// A name and what stands at it.
struct Entry {
    name: String,
    at: Range<usize>,
}

/// The text with one stream changed; `None` if it says so already.
pub(super) fn change(text: &str, name: &str, change: &Change) -> Result<Option<String>, EditError> {
    let before = read(text)?;
    let entry = match change {
        Change::Set(sources) => Some(entry(name, sources)),
        Change::Remove => None,
    };
    let wanted = match &entry {
        Some(entry) => child(read(&format!("{{{entry}}}"))?.as_ref(), name),
        None => None,
    };
    let known = child(child(before.as_ref(), "streams").as_ref(), name);
    if same_or_none(known.as_ref(), wanted.as_ref()) {
        return Ok(None);
    }
    let section = Scan::new(text).section()?;
    let changed = match &entry {
        Some(entry) => put(text, &section, name, entry),
        None => take(text, &section, name),
    };
    let changed = changed.ok_or(EditError::Form)?;
    let after = read(&changed).map_err(|_| EditError::Form)?;
    let is_meant =
        same_or_none(child(child(after.as_ref(), "streams").as_ref(), name).as_ref(), wanted.as_ref())
            && same_but(before.as_ref(), after.as_ref(), name);
    if is_meant { Ok(Some(changed)) } else { Err(EditError::Form) }
}

/// On one line, in a form that is right in braces and without. YAML reads the strings of JSON.
fn entry(name: &str, sources: &[String]) -> String {
    let json = |value: &serde_json::Value| value.to_string();
    let urls: Vec<String> = sources.iter().map(|source| json(&source.as_str().into())).collect();
    format!("{}: {{url: [{}], from_api: true}}", json(&name.into()), urls.join(", "))
}

fn put(text: &str, section: &Section, name: &str, entry: &str) -> Option<String> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = |column: usize| format!("{:column$}{entry}{newline}", "");
    let known =
        |entries: &[Entry]| entries.iter().find(|known| known.name == name).map(|known| known.at.clone());
    Some(match section {
        Section::Missing => {
            let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
            format!("{text}{gap}streams:{newline}{}", line(2))
        }
        Section::Null { key_end, value } => {
            let emptied = replace(text, value.clone(), "");
            insert_line(&emptied, *key_end, &line(2), newline)
        }
        Section::Block { column, entries } => match known(entries) {
            Some(at) => replace(text, at, entry),
            None => insert_line(text, entries.last()?.at.end, &line(*column), newline),
        },
        Section::Flow { open, entries } => match known(entries) {
            Some(at) => replace(text, at, entry),
            None if entries.is_empty() => replace(text, *open..*open, entry),
            None => replace(text, *open..*open, &format!("{entry}, ")),
        },
    })
}

fn take(text: &str, section: &Section, name: &str) -> Option<String> {
    let (entries, is_block) = match section {
        Section::Missing | Section::Null { .. } => return None,
        Section::Block { entries, .. } => (entries, true),
        Section::Flow { entries, .. } => (entries, false),
    };
    let at = entries.iter().find(|known| known.name == name)?.at.clone();
    if is_block {
        let start = text.get(..at.start)?.rfind('\n').map_or(0, |newline| newline + 1);
        return Some(replace(text, start..line_end(text, at.end), ""));
    }
    // With the comma behind it, or else the one before it.
    let behind = text.get(at.end..)?;
    let comma = behind.trim_start().strip_prefix(',').map(|rest| text.len() - rest.trim_start().len());
    let range = match comma {
        Some(end) => at.start..end,
        None => text.get(..at.start)?.trim_end().trim_end_matches(',').len()..at.end,
    };
    Some(replace(text, range, ""))
}

fn replace(text: &str, range: Range<usize>, with: &str) -> String {
    let mut out = text.to_owned();
    out.replace_range(range, with);
    out
}

/// Puts a line behind the one that `at` is on.
fn insert_line(text: &str, at: usize, line: &str, newline: &str) -> String {
    let end = line_end(text, at);
    let (before, after) = text.split_at(end);
    let gap = if before.ends_with('\n') { "" } else { newline };
    format!("{before}{gap}{line}{after}")
}

/// Where the line ends that `at` is on, its newline included.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

/// Finds the section.
struct Scan<'t> {
    text: &'t str,
    protected: String,
    /// The bytes at which the characters begin, and the end.
    bytes: Vec<usize>,
}

type Events<'p> = Parser<'p, granit_parser::StrInput<'p>>;

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Self {
        let bytes = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self { text, protected: protect(text).into_owned(), bytes }
    }

    fn at(&self, character: usize) -> usize {
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    fn section(&self) -> Result<Section, EditError> {
        let mut events = Parser::new_from_str(&self.protected);
        loop {
            match next(&mut events)? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::MappingStart(..), span) if !self.is_flow(span) => break,
                (Event::MappingStart(..), _) => return Err(EditError::Form),
                // Nothing but comments.
                _ => return Ok(Section::Missing),
            }
        }
        loop {
            let (key, key_span) = match next(&mut events)? {
                (Event::Scalar(key, ..), span) => (key, span),
                _ => return Ok(Section::Missing),
            };
            if key != "streams" {
                self.skip(&mut events)?;
                continue;
            }
            let key_end = self.at(key_span.end.index());
            return match next(&mut events)? {
                (Event::MappingStart(..), span) => self.entries(&mut events, span),
                (Event::Scalar(text, ..), _) if text.is_empty() => {
                    Ok(Section::Null { key_end, value: key_end..key_end })
                }
                (Event::Scalar(..), span) => Ok(Section::Null {
                    key_end,
                    value: self.at(span.start.index())..self.at(span.end.index()),
                }),
                _ => Err(EditError::Form),
            };
        }
    }

    fn entries(&self, events: &mut Events<'_>, section: Span) -> Result<Section, EditError> {
        let is_flow = self.is_flow(section);
        let (mut entries, mut column) = (Vec::new(), None);
        loop {
            match next(events)? {
                (Event::Scalar(name, ..), span) => {
                    column.get_or_insert(span.start.col());
                    let key_end = self.at(span.end.index());
                    let end = self.skip(events)?.unwrap_or(0).max(key_end);
                    // Nothing stands there: the colon belongs to the name.
                    let end = match self.text.get(end..).map(str::trim_start) {
                        Some(rest) if end == key_end && rest.starts_with(':') => {
                            self.text.len() - rest.len() + 1
                        }
                        Some(_) | None => end,
                    };
                    entries.push(Entry { name: name.into_owned(), at: self.at(span.start.index())..end });
                }
                (Event::MappingEnd, _) => break,
                _ => return Err(EditError::Form),
            }
        }
        Ok(match column {
            _ if is_flow => Section::Flow { open: self.at(section.start.index()) + 1, entries },
            Some(column) => Section::Block { column, entries },
            None => return Err(EditError::Form),
        })
    }

    /// Passes over a value; gives where its text ends, `None` if it has none.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is not ours and not exhaustive")]
    fn skip(&self, events: &mut Events<'_>) -> Result<Option<usize>, EditError> {
        let (mut open, mut end) = (Vec::new(), None);
        loop {
            let (event, span) = next(events)?;
            let is_text = match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => {
                    open.push(self.is_flow(span));
                    false
                }
                // A block ends where the next thing begins, comments in between.
                Event::MappingEnd | Event::SequenceEnd => open.pop().unwrap_or_default(),
                Event::Scalar(text, ..) => !text.is_empty() || !span.is_empty(),
                Event::Alias(_) => true,
                _ => return Err(EditError::Form),
            };
            if is_text {
                let at = self.at(span.end.index());
                end = Some(self.text.get(..at).map_or(at, |before| before.trim_end().len()));
            }
            if open.is_empty() {
                return Ok(end);
            }
        }
    }

    fn is_flow(&self, span: Span) -> bool {
        self.text.get(self.at(span.start.index())..).is_some_and(|rest| rest.starts_with(['{', '[']))
    }
}

fn next<'p>(events: &mut Events<'p>) -> Result<(Event<'p>, Span), EditError> {
    match events.next_event() {
        Some(Ok(next)) => Ok(next),
        Some(Err(_)) | None => Err(EditError::Form),
    }
}

fn read(text: &str) -> Result<Option<Node>, EditError> {
    node::parse(&"".into(), &protect(text))
        .map_err(|problem| EditError::Unreadable(problem.place.line, problem.text))
}

/// What stands at a key.
fn child(node: Option<&Node>, name: &str) -> Option<Node> {
    let Value::Map(entries) = &node?.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value.clone())
}

fn same_or_none(a: Option<&Node>, b: Option<&Node>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(&a.value, &b.value),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Scalar { text: a, .. }, Value::Scalar { text: b, .. }) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(&a.value, &b.value))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|((key, a), (other, b))| key.text == other.text && same(&a.value, &b.value))
        }
        (Value::Scalar { .. } | Value::List(_) | Value::Map(_), _) => false,
    }
}

/// Whether two configurations are the same but for one stream.
fn same_but(a: Option<&Node>, b: Option<&Node>, name: &str) -> bool {
    let others = |node: Option<&Node>, skipped: &str| -> Vec<(String, Node)> {
        let Some(Node { value: Value::Map(entries), .. }) = node else { return Vec::new() };
        let entries = entries.iter().filter(|(key, _)| key.text != skipped);
        entries.map(|(key, value)| (key.text.clone(), value.clone())).collect()
    };
    let alike = |mut a: Vec<(String, Node)>, mut b: Vec<(String, Node)>| {
        a.sort_by(|(a, _), (b, _)| a.cmp(b));
        b.sort_by(|(a, _), (b, _)| a.cmp(b));
        a.len() == b.len()
            && a.iter().zip(&b).all(|((key, a), (other, b))| key == other && same(&a.value, &b.value))
    };
    let streams = |node: Option<&Node>| child(node, "streams");
    alike(others(a, "streams"), others(b, "streams"))
        && alike(others(streams(a).as_ref(), name), others(streams(b).as_ref(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "rtsp://192.0.2.1/";
    const CAM: &str = r#""cam": {url: ["rtsp://192.0.2.1/"], from_api: true}"#;

    fn set(text: &str) -> Result<Option<String>, EditError> {
        change(text, "cam", &Change::Set(vec![URL.to_owned()]))
    }

    fn check_set(text: &str, expected: &str) {
        let expected = expected.replace("CAM", CAM);
        assert_eq!(set(text).unwrap().as_deref(), Some(expected.as_str()), "{text}");
        assert_eq!(set(&expected), Ok(None), "a second time there is nothing to do");
    }

    fn check_removed(text: &str, expected: &str) {
        assert_eq!(change(text, "cam", &Change::Remove).unwrap().as_deref(), Some(expected), "{text}");
        assert_eq!(change(expected, "cam", &Change::Remove), Ok(None));
    }

    #[test]
    fn a_stream_is_added() {
        check_set("", "streams:\n  CAM\n");
        check_set("# mine\n", "# mine\nstreams:\n  CAM\n");
        check_set("api: {listen: ':80'}", "api: {listen: ':80'}\nstreams:\n  CAM\n");
        check_set("streams:\nlog:\n", "streams:\n  CAM\nlog:\n");
        check_set("streams: # none\nlog:\n", "streams: # none\n  CAM\nlog:\n");
        check_set("streams: ~\nlog:\n", "streams: \n  CAM\nlog:\n");
        check_set("streams: {}\n", "streams: {CAM}\n");
        check_set("streams: {a: , b: rtsp://h/}\n", "streams: {CAM, a: , b: rtsp://h/}\n");
        check_set("streams:\r\n  a:\r\n", "streams:\r\n  a:\r\n  CAM\r\n");
        check_set(
            "streams:\n    # the door\n    door: # front\n      - rtsp://h/${P:#1}   # sub\n\n# the end\nlog: {level: info}\n",
            "streams:\n    # the door\n    door: # front\n      - rtsp://h/${P:#1}   # sub\n    CAM\n\n# the end\nlog: {level: info}\n",
        );
    }

    #[test]
    fn a_stream_is_replaced_where_it_stands() {
        check_set(
            "streams:\n  cam: rtsp://old/ # front\n  other: rtsp://h/\n",
            "streams:\n  CAM # front\n  other: rtsp://h/\n",
        );
        check_set(
            "streams:\n  cam:\n    url:\n      - rtsp://old/\n      - ffmpeg:cam#audio=opus\n  # the other\n  other:\n",
            "streams:\n  CAM\n  # the other\n  other:\n",
        );
        check_set("streams:\n  cam:\n  other:\n", "streams:\n  CAM\n  other:\n");
        check_set("streams: {a: , cam: [rtsp://h/, rtsp://i/], b: }", "streams: {a: , CAM, b: }");
    }

    #[test]
    fn a_stream_is_taken_away() {
        check_removed("streams:\n  a:\n  cam: rtsp://h/ # front\n  b:\n", "streams:\n  a:\n  b:\n");
        check_removed("streams:\n  cam:\n    - rtsp://h/\n\n  # b\n  b:\n", "streams:\n\n  # b\n  b:\n");
        check_removed("streams:\n  cam: |\n    rtsp://h/\nlog:\n", "streams:\nlog:\n");
        check_removed("streams: {a: , cam: rtsp://h/, b: }\n", "streams: {a: , b: }\n");
        check_removed("streams: {a: rtsp://h/, cam: rtsp://h/}\n", "streams: {a: rtsp://h/}\n");
        check_removed("streams: {cam: rtsp://h/}\n", "streams: {}\n");
        assert_eq!(change("streams: {a: }", "cam", &Change::Remove), Ok(None));
    }

    #[test]
    fn what_cannot_be_changed_with_certainty_is_left() {
        for text in ["{streams: {}}", "streams: [a]", "a: &x {b: }\nstreams: *x\n", "log:\n...\n"] {
            assert_eq!(set(text), Err(EditError::Form), "{text}");
        }
        assert!(matches!(set("streams: ["), Err(EditError::Unreadable(..))));
        // Another stream needs it.
        let anchored = "streams:\n  cam: &x rtsp://h/\n  other: *x\n";
        assert!(change(anchored, "cam", &Change::Remove).is_err());
    }

    #[test]
    fn names_and_sources_of_any_kind_come_out_as_they_were() {
        for name in ["a b", "#1", "é: \"x\"", "~", "yes", "{", "- a", "'"] {
            let source = format!("rtsp://h/{name}\\'\"#x={{y}}&*%");
            let text = change("streams:\n  a:\n", name, &Change::Set(vec![source.clone()])).unwrap().unwrap();
            let stream = child(child(read(&text).unwrap().as_ref(), "streams").as_ref(), name).unwrap();
            let Some(Value::List(urls)) = child(Some(&stream), "url").map(|url| url.value) else {
                panic!("{text}")
            };
            assert!(matches!(&urls[0].value, Value::Scalar { text, .. } if **text == *source), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_what_is_given_is_what_was_meant(text in "(streams:|cam:|log:|\\{|\\}|\\[|\\]|,|\n|  |- |#|~|a|&x|\\*x|\\||\"|\\$\\{a\\}){0,30}") {
            for what in [Change::Remove, Change::Set(vec![URL.to_owned()])] {
                if let Ok(Some(changed)) = change(&text, "cam", &what) {
                    proptest::prop_assert_eq!(change(&changed, "cam", &what), Ok(None));
                }
            }
        }
    }
}
