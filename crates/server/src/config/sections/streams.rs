//! Sections `streams` and `stream_defaults`.

use super::variants;
use crate::config::node::{Node, Value};
use crate::config::reader::Reader;
use crate::config::{StreamConfig, StreamDefaults};
use crate::limits::{STREAM_NAME_BYTES, STREAM_SOURCES};
use crate::mask::url_secrets;
use crate::policy::Origin;
use crate::schemes::{Source, Written};
use std::collections::BTreeMap;
use std::time::Duration;

const DEFAULTS: &[&str] = &["linger", "buffer_size", "buffer_duration"];

/// Longest time a source is kept for nobody: a day.
const MAX_LINGER: Duration = Duration::from_secs(86_400);

/// `name: url`, `name: [url, …]`, `name: {url: …, variants: …}`, or `name:` alone for a stream that others publish to.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    streams: &mut BTreeMap<String, StreamConfig>,
    variants: &mut variants::Drafts,
) {
    for (key, node) in reader.map(node, "streams") {
        let name = key.text.as_str();
        if name.is_empty() || name.len() > STREAM_NAME_BYTES || name.chars().any(char::is_control) {
            let text =
                format!("streams: a name has 1 to {STREAM_NAME_BYTES} bytes and no control characters");
            reader.fail(&key.place, text);
            continue;
        }
        let path = format!("streams.{name}");
        let Parts { url, qualities, origin } = parts(reader, node, &path);
        // A later layer's stream takes the place of an earlier one's as a whole.
        variants.remove(name);
        if let Some(qualities) = qualities {
            variants.insert(name.to_owned(), variants::read(reader, qualities, &path));
        }
        let items = url.and_then(|url| reader.list(url, &path)).unwrap_or_default();
        if items.len() > STREAM_SOURCES {
            reader.fail(
                &node.place,
                format!("{path}: {} sources; at most {STREAM_SOURCES} are taken", items.len()),
            );
        }
        let sources = items.iter().take(STREAM_SOURCES).filter_map(|item| source(reader, item, &path));
        streams.insert(
            name.to_owned(),
            StreamConfig { sources: sources.collect(), origin, variants: Vec::new() },
        );
    }
}

/// What stands at a name, whichever way it is written.
struct Parts<'n> {
    url: Option<&'n Node>,
    qualities: Option<&'n Node>,
    origin: Origin,
}

fn parts<'n>(reader: &mut Reader<'_>, node: &'n Node, path: &str) -> Parts<'n> {
    let mut parts = Parts { url: None, qualities: None, origin: Origin::Owner };
    let Value::Map(entries) = &node.value else { return Parts { url: Some(node), ..parts } };
    for (key, value) in entries.iter() {
        match key.text.as_str() {
            "url" => parts.url = Some(value),
            "variants" => parts.qualities = Some(value),
            "from_api" => {
                let is_from_api = reader.boolean(value, &format!("{path}.from_api")).unwrap_or_default();
                parts.origin = if is_from_api { Origin::Caller } else { Origin::Owner };
            }
            _ => reader.unknown(key, path, &["url", "variants", "from_api"]),
        }
    }
    parts
}

fn source(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Written> {
    // An empty text is no source, as `name=` on the command line.
    let text = reader.private_text(node, path).filter(|text| !text.value.is_empty())?;
    reader.secrets.extend(url_secrets(&text.value));
    match Source::parse(text.value.trim()) {
        Ok(source) => {
            if let Source::Planned { scheme } = &source {
                reader.warn(&node.place, format!("{path}: sources of scheme {scheme} are not supported yet"));
            }
            Some(Written::new(text.value.trim(), source))
        }
        Err(error) => {
            reader.fail(&node.place, format!("{path}: {error}"));
            None
        }
    }
}

pub(super) fn defaults(reader: &mut Reader<'_>, node: &Node, defaults: &mut StreamDefaults) {
    for (key, node) in reader.map(node, "stream_defaults") {
        let path = format!("stream_defaults.{}", key.text);
        match key.text.as_str() {
            "linger" => {
                let linger = reader.duration(node, &path, Duration::ZERO..=MAX_LINGER);
                defaults.linger = linger.unwrap_or(defaults.linger);
            }
            // A single keyframe of 4K has to fit; a machine has memory for many streams.
            "buffer_size" => {
                let size = reader.size(node, &path, 1 << 20..=1 << 30);
                defaults.buffer_size = size.unwrap_or(defaults.buffer_size);
            }
            "buffer_duration" => {
                let duration =
                    reader.duration(node, &path, Duration::from_secs(1)..=Duration::from_secs(300));
                defaults.buffer_duration = duration.unwrap_or(defaults.buffer_duration);
            }
            _ => reader.unknown(key, "stream_defaults", DEFAULTS),
        }
    }
}
