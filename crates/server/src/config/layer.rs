//! The texts that a configuration is made of: files, and what `--config` gives on the command line.

use super::node::{self, Key, Node, Value};
use super::problem::{Place, Problem};
use std::sync::Arc;

/// One text of a configuration. Later layers win, key by key.
#[derive(Clone, Debug)]
pub struct Layer {
    name: Arc<str>,
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// YAML in which `${NAME}` is substituted.
    File,
    /// YAML or JSON from the command line.
    Inline,
    /// `path.to.key=value` from the command line: the path, and where the value begins in the argument.
    Assignment { path: Vec<String>, offset: usize },
}

impl Layer {
    /// The text of a file.
    #[must_use]
    pub fn file(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.to_owned(), kind: Kind::File }
    }

    /// An argument of `--config` that is a configuration itself: `{api: {listen: ":80"}}` or `api.listen=:80`. `None` if it is
    /// neither, so the name of a file.
    #[must_use]
    pub fn inline(argument: &str) -> Option<Self> {
        let name: Arc<str> = "--config".into();
        if argument.trim_start().starts_with('{') {
            return Some(Self { name, text: argument.to_owned(), kind: Kind::Inline });
        }
        let (path, value) = argument.split_once('=')?;
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        let is_key = |key: &String| {
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/'))
        };
        if keys.len() < 2 || !keys.iter().all(is_key) {
            return None;
        }
        let offset = path.chars().count() + 1;
        Some(Self { name, text: value.to_owned(), kind: Kind::Assignment { path: keys, offset } })
    }

    pub(super) fn substitutes(&self) -> bool {
        matches!(self.kind, Kind::File)
    }

    /// The tree of the text; `None` if it is empty.
    pub(super) fn parse(&self) -> Result<Option<Node>, Problem> {
        match &self.kind {
            Kind::File => node::parse(&self.name, &super::substitute::protect(&self.text)),
            Kind::Inline => node::parse(&self.name, &self.text),
            Kind::Assignment { path, offset } => {
                let place = Place { layer: Arc::clone(&self.name), line: 1, column: 1 };
                let value = match node::parse(&self.name, &self.text)? {
                    Some(mut value) => {
                        value.shift(*offset);
                        value
                    }
                    None => Node::empty(place.clone()),
                };
                let nested = path.iter().rev().fold(value, |inner, key| {
                    let key = Key { text: key.clone(), place: place.clone() };
                    Node { place: place.clone(), value: Value::Map(Arc::new(vec![(key, inner)])) }
                });
                Ok(Some(nested))
            }
        }
    }
}
