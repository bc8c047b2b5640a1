//! YAML 1.2 as a tree that knows its places.
//!
//! The tree keeps the text of each scalar as written and leaves its type to whoever reads it: a password `0123` stays
//! what it is. Anchors, aliases and merge keys (`<<`) work; tags are ignored. A file has one document.

use super::problem::{Place, Problem};
use crate::limits::{CONFIG_BYTES, CONFIG_DEPTH};
use granit_parser::{Event, Marker, Parser, ScalarStyle};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// Shared, so that an alias costs nothing however often it is used.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar { text: Arc<str>, plain: bool },
    List(Arc<Vec<Node>>),
    Map(Arc<Vec<(Key, Node)>>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
}

impl Node {
    /// The empty text, which is not nothing: `""`.
    pub(super) fn empty(place: Place) -> Self {
        Self { place, value: Value::Scalar { text: "".into(), plain: false } }
    }

    /// Whether nothing stands here: no text, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Moves a node of the first line to the right.
    pub(super) fn shift(&mut self, columns: usize) {
        if self.place.line == 1 {
            self.place.column += columns;
        }
    }
}

/// Reads the only document of `text`; `None` if there is none.
pub(super) fn parse(layer: &Arc<str>, text: &str) -> Result<Option<Node>, Problem> {
    let start = Place { layer: Arc::clone(layer), line: 1, column: 1 };
    if text.len() > CONFIG_BYTES {
        let text = format!("the configuration has {} bytes; at most {CONFIG_BYTES} are read", text.len());
        return Err(Problem { place: start, text });
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), layer, anchors: HashMap::new() };
    reader.document()
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    layer: &'a Arc<str>,
    anchors: HashMap<usize, Node>,
}

impl<'a> Reader<'a> {
    fn place(&self, marker: Marker) -> Place {
        Place { layer: Arc::clone(self.layer), line: marker.line().max(1), column: marker.col() + 1 }
    }

    /// The next event and where it begins; `None` at the end.
    fn next(&mut self) -> Result<Option<(Event<'a>, Place)>, Problem> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.place(span.start)))),
            Some(Err(error)) => {
                let text = format!("not valid YAML: {}", error.kind());
                Err(Problem { place: self.place(*error.marker()), text })
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is not ours and not exhaustive")]
    fn document(&mut self) -> Result<Option<Node>, Problem> {
        let mut root = None;
        while let Some((event, place)) = self.next()? {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    let text = "a second document (---) begins here; a configuration is one document";
                    return Err(Problem { place, text: text.to_owned() });
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, place, 0)?),
            }
        }
        Ok(root)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is not ours and not exhaustive")]
    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, Problem> {
        if depth > CONFIG_DEPTH {
            return Err(Problem { place, text: format!("nested deeper than {CONFIG_DEPTH} levels") });
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                (Value::Scalar { text: text.into(), plain: style == ScalarStyle::Plain }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => return Ok(Node { place, value: node.value.clone() }),
                None => {
                    let text = "an alias (*name) whose anchor (&name) is not complete yet";
                    return Err(Problem { place, text: text.to_owned() });
                }
            },
            // The events of the document are taken by `document`; the others are not asked for.
            _ => return Err(Problem { place, text: "not valid YAML: a value was expected".to_owned() }),
        };
        let node = Node { place, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        while let Some((event, place)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, place, depth + 1)?);
        }
        Ok(Value::List(Arc::new(items)))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's enum is not ours and not exhaustive")]
    fn map(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        let mut merged: Vec<Node> = Vec::new();
        while let Some((event, place)) = self.next()? {
            let text = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => {
                    return Err(Problem {
                        place,
                        text: "a key must be a word, not a list or a map".to_owned(),
                    });
                }
            };
            let Some((event, value_place)) = self.next()? else { break };
            let value = self.node(event, value_place, depth + 1)?;
            if text == "<<" {
                merged.push(value);
                continue;
            }
            if let Some(first) = seen.insert(text.clone(), place.clone()) {
                let text = format!("{text} is given twice; the first is at line {}", first.line);
                return Err(Problem { place, text });
            }
            entries.push((Key { text, place }, value));
        }
        let mut names: HashSet<String> = seen.into_keys().collect();
        for node in merged {
            merge(&mut entries, &mut names, &node)?;
        }
        Ok(Value::Map(Arc::new(entries)))
    }
}

/// Adds what `<<: *anchor` brings: keys that are there already win.
fn merge(entries: &mut Vec<(Key, Node)>, names: &mut HashSet<String>, from: &Node) -> Result<(), Problem> {
    match &from.value {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                if names.insert(key.text.clone()) {
                    entries.push((key.clone(), value.clone()));
                }
            }
            Ok(())
        }
        Value::List(maps) => {
            // One level: a list of maps, as the merge key's definition says.
            for node in maps.iter() {
                if !matches!(node.value, Value::Map(_)) {
                    return Err(Problem { place: node.place.clone(), text: "<< takes a map".to_owned() });
                }
                merge(entries, names, node)?;
            }
            Ok(())
        }
        Value::Scalar { .. } => {
            Err(Problem { place: from.place.clone(), text: "<< takes a map or a list of maps".to_owned() })
        }
    }
}
