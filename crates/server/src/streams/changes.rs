//! Streams that callers of the API add, replace and take away while the program runs.

use super::registry::Table;
use super::{ConfiguredStream, Streams};
use crate::limits::{ADDED_STREAMS, STREAM_NAME_BYTES, STREAM_SOURCES};
use crate::policy::Origin;
use crate::rtsp::desk;
use crate::schemes::Written;
use std::sync::Arc;
use tracing::info;

/// Why streams were left as they are: a sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(
        "a name has 1 to {STREAM_NAME_BYTES} bytes, no control characters, and is none of this server's own"
    )]
    Name,
    #[error("a stream has at most {STREAM_SOURCES} sources")]
    TooManySources,
    #[error("{ADDED_STREAMS} streams have been added, and that is all there is room for")]
    TooManyStreams,
    #[error("stream {0} is a quality of stream {1}; take that one away first")]
    InUse(String, String),
    #[error("stream {0} is made by ffmpeg of another one")]
    Rendition(String),
    #[error("there is no stream {0:?}")]
    NoStream(String),
}

impl Streams {
    /// Makes a stream of these sources, which a caller has given. It takes the place of the one that has the name, unless that has
    /// just these sources: then nobody is disturbed.
    pub(crate) fn set(&self, name: &str, sources: Vec<Written>) -> Result<(), ChangeError> {
        check_name(name)?;
        if sources.len() > STREAM_SOURCES {
            return Err(ChangeError::TooManySources);
        }
        self.registry().change(|table| {
            if table.renditions.contains_key(name) {
                return Err(ChangeError::Rendition(name.to_owned()));
            }
            let known = table.by_name.get(name);
            if known.is_some_and(|known| {
                known.sources.iter().map(|source| &source.text).eq(sources.iter().map(|source| &source.text))
            }) {
                return Ok(());
            }
            if let Some(user) = table.user_of(name) {
                return Err(ChangeError::InUse(name.to_owned(), user.to_owned()));
            }
            check_room(table, name)?;
            info!(target: "streams", "{name}: given by a caller of the API");
            let made = Arc::new(self.supervise(name, sources, Origin::Caller));
            if let Some(replaced) = table.by_name.insert(name.to_owned(), made) {
                end(table, &replaced);
            }
            Ok(())
        })
    }

    /// Gives another name to the stream of the name `other`.
    pub(crate) fn alias(&self, name: &str, other: &str) -> Result<(), ChangeError> {
        check_name(name)?;
        self.registry().change(|table| {
            for name in [name, other] {
                if table.renditions.contains_key(name) {
                    return Err(ChangeError::Rendition(name.to_owned()));
                }
            }
            let Some(stream) = table.by_name.get(other).map(Arc::clone) else {
                return Err(ChangeError::NoStream(other.to_owned()));
            };
            if table.by_name.get(name).is_some_and(|known| Arc::ptr_eq(&known.stream, &stream.stream)) {
                return Ok(());
            }
            if let Some(user) = table.user_of(name) {
                return Err(ChangeError::InUse(name.to_owned(), user.to_owned()));
            }
            check_room(table, name)?;
            // The name is the caller's, whoever's the stream is.
            let named = Arc::new(ConfiguredStream { named_by: Origin::Caller, ..stream.as_ref().clone() });
            if let Some(replaced) = table.by_name.insert(name.to_owned(), named) {
                end(table, &replaced);
            }
            Ok(())
        })
    }

    /// Takes the stream of this name away: those who watch it are told that it has ended.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ChangeError> {
        self.registry().change(|table| {
            if let Some(user) = table.user_of(name) {
                return Err(ChangeError::InUse(name.to_owned(), user.to_owned()));
            }
            match table.by_name.remove(name) {
                Some(removed) => {
                    end(table, &removed);
                    Ok(())
                }
                None if table.renditions.contains_key(name) => Err(ChangeError::Rendition(name.to_owned())),
                None => Err(ChangeError::NoStream(name.to_owned())),
            }
        })
    }
}

fn check_name(name: &str) -> Result<(), ChangeError> {
    let is_name = !name.is_empty()
        && name.len() <= STREAM_NAME_BYTES
        && !name.chars().any(char::is_control)
        && !name.starts_with(desk::PREFIX)
        && !name.contains("${");
    if is_name { Ok(()) } else { Err(ChangeError::Name) }
}

/// Whether one name more, or this one with another stream behind it, may be a caller's.
fn check_room(table: &Table, name: &str) -> Result<(), ChangeError> {
    let others = table.by_name.iter().filter(|(other, _)| *other != name);
    let added = others.filter(|(_, stream)| stream.named_by == Origin::Caller).count();
    if added < ADDED_STREAMS { Ok(()) } else { Err(ChangeError::TooManyStreams) }
}

/// Ends a stream that has lost a name, and the renditions that were made of it, unless another name leads to them.
fn end(table: &mut Table, removed: &ConfiguredStream) {
    for variant in &removed.variants {
        if !table.has_variant(&variant.stream)
            && let Some(rendition) = table.renditions.remove(variant.stream.name())
        {
            rendition.end();
        }
    }
    if !table.leads_to(&removed.stream) {
        removed.end();
    }
}
