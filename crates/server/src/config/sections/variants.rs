//! `streams.NAME.variants`: the qualities of a stream.
//!
//! Their texts are read with the stream, and understood when all layers are known: a variant may name any stream.

use crate::config::node::Node;
use crate::config::problem::Place;
use crate::config::reader::{Reader, Text, did_you_mean};
use crate::config::{StreamConfig, Variant};
use crate::limits::STREAM_VARIANTS;
use std::collections::BTreeMap;
use yeoul_transcode::ffmpeg::{Rendition, RenditionError};

/// The variants of each stream as written.
pub(super) type Drafts = BTreeMap<String, Vec<Draft>>;

/// One variant as written.
pub(super) struct Draft {
    text: Text,
    place: Place,
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, path: &str) -> Vec<Draft> {
    let path = format!("{path}.variants");
    let items = reader.list(node, &path).unwrap_or_default();
    if items.len() > STREAM_VARIANTS {
        let text = format!("{path}: {} variants; at most {STREAM_VARIANTS} are taken", items.len());
        reader.fail(&node.place, text);
    }
    let mut drafts = Vec::new();
    for item in items.iter().take(STREAM_VARIANTS) {
        if let Some(mut text) = reader.text(item, &path) {
            text.value = text.value.trim().to_owned();
            drafts.push(Draft { text, place: item.place.clone() });
        }
    }
    drafts
}

/// Puts the variants into the streams.
pub(super) fn finish(reader: &mut Reader<'_>, drafts: Drafts, streams: &mut BTreeMap<String, StreamConfig>) {
    let is_source = |variant: &Draft| variant.text.value == "copy";
    let made_of_others: BTreeMap<&str, &Place> = drafts
        .iter()
        .filter(|(name, _)| streams.get(*name).is_none_or(|stream| stream.sources.is_empty()))
        .filter(|(_, variants)| !variants.iter().any(is_source))
        .filter_map(|(name, variants)| Some((name.as_str(), &variants.first()?.place)))
        .collect();
    let mut read = Vec::new();
    for (name, variants) in &drafts {
        let known = Known { name, streams, made_of_others: &made_of_others };
        let mut seen: Vec<Variant> = Vec::new();
        for draft in variants {
            match known.variant(draft, &seen) {
                Ok(variant) => seen.push(variant),
                Err(text) => reader.fail(&draft.place, format!("streams.{name}.variants: {text}")),
            }
        }
        read.push((name.clone(), seen));
    }
    for (name, variants) in read {
        if let Some(stream) = streams.get_mut(&name) {
            stream.variants = variants;
        }
    }
}

/// What a variant of the stream `name` can be.
struct Known<'a> {
    name: &'a str,
    streams: &'a BTreeMap<String, StreamConfig>,
    /// Streams without a source of their own, and where their variants stand.
    made_of_others: &'a BTreeMap<&'a str, &'a Place>,
}

impl Known<'_> {
    fn variant(&self, draft: &Draft, before: &[Variant]) -> Result<Variant, String> {
        let (text, written) = (draft.text.value.as_str(), &draft.text.written);
        let variant = match Rendition::parse(text) {
            Ok(rendition) => self.rendition(rendition, written)?,
            Err(_) if text == "copy" => Variant::Copy,
            Err(error) => self.stream(text, written, error)?,
        };
        let same = |other: &Variant| match (other, &variant) {
            (Variant::Rendition(other), Variant::Rendition(rendition)) => other.lines == rendition.lines,
            (other, variant) => other == variant,
        };
        if before.iter().any(same) {
            return Err(format!("{written} is given twice"));
        }
        let is_made_of_others = self.made_of_others.contains_key(self.name);
        if is_made_of_others && before.is_empty() && matches!(variant, Variant::Rendition(_)) {
            return Err(format!(
                "{written} is made of another quality, and there is none before it: add a url, or put a stream first"
            ));
        }
        Ok(variant)
    }

    /// Another stream; `error` is why the text is no rendition.
    fn stream(&self, text: &str, written: &str, error: RenditionError) -> Result<Variant, String> {
        if text == self.name {
            return Err(
                "a stream cannot be a variant of itself; what its url gives is called copy".to_owned()
            );
        }
        if let Some(place) = self.made_of_others.get(text) {
            return Err(format!(
                "{text} is itself made of others (line {}); name streams that have a source of their own",
                place.line
            ));
        }
        if self.streams.contains_key(text) {
            return Ok(Variant::Stream(text.to_owned()));
        }
        match error {
            RenditionError::NoHeight => Err(self.unknown(text, written)),
            RenditionError::Height | RenditionError::Bitrate => Err(format!("{error}, got {written:?}")),
        }
    }

    fn rendition(&self, rendition: Rendition, written: &str) -> Result<Variant, String> {
        // The name under which it can be asked for.
        let name = format!("{}@{rendition}", self.name);
        if self.streams.contains_key(&name) {
            return Err(format!("{written} would be the stream {name}, but there is one of that name"));
        }
        Ok(Variant::Rendition(rendition))
    }

    fn unknown(&self, text: &str, written: &str) -> String {
        let names = self.streams.keys().map(String::as_str).filter(|name| *name != self.name);
        let known: Vec<&str> = std::iter::once("copy").chain(names).collect();
        let hint = match did_you_mean(text, &known) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                "expected copy, a height such as 720p or 720p@2M, or the name of another stream".to_owned()
            }
        };
        format!("there is no stream {written}; {hint}")
    }
}
