//! Streams of several qualities: other streams, and renditions that ffmpeg makes of them.
//!
//! All of them are streams of their own on one timeline, so that an output goes from one to another without a jump. Those
//! that a camera sends are kept in step by its clock ([`Siblings`]).

use super::{ConfiguredStream, Streams, Table};
use crate::config::{StreamConfig, Variant as Wanted};
use crate::ffmpeg::RenditionSource;
use crate::policy::Origin;
use crate::schemes::{Source, Written};
use std::collections::BTreeMap;
use std::sync::Arc;
use yeoul_hub::{Siblings, Stream};

/// A quality of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// As it is called among the qualities of its stream: `copy`, `720p`, or the other stream's name.
    pub(crate) name: String,
    /// Where its frames are. Its own name leads to it, too ([`Streams::get`]): `cam`, `cam@720p`, `cam_sub`.
    pub(crate) stream: Arc<Stream>,
    /// What is known of it before it runs.
    pub(crate) nominal: Nominal,
}

/// What is known of a quality before it runs: nothing of what a camera sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nominal {
    /// Bits a second of the picture.
    pub(crate) bits_per_second: Option<u32>,
}

impl StreamConfig {
    /// Whether it has no sources of its own and nobody can publish to it: its first variant stands for it.
    pub(super) fn is_made_of_others(&self) -> bool {
        self.sources.is_empty()
            && matches!(self.variants.first(), Some(Wanted::Stream(_)))
            && !self.variants.contains(&Wanted::Copy)
    }
}

/// Adds the streams that are made of others, renditions, and which stream has which qualities.
pub(super) fn add(streams: &Streams, table: &mut Table, configured: &BTreeMap<String, StreamConfig>) {
    for (name, config) in configured {
        if let Some(Wanted::Stream(first)) = config.variants.first()
            && config.is_made_of_others()
            && let Some(first) = table.by_name.get(first)
        {
            let same = Arc::new(first.with(Vec::new()));
            table.by_name.insert(name.clone(), same);
        }
    }
    for (name, config) in configured.iter().filter(|(_, config)| !config.variants.is_empty()) {
        let variants = config.variants.iter();
        let variants = variants.filter_map(|wanted| variant(streams, table, name, wanted)).collect();
        if let Some(stream) = table.by_name.get(name).map(|stream| stream.with(variants)) {
            table.by_name.insert(name.clone(), Arc::new(stream));
        }
    }
    align(table);
}

impl ConfiguredStream {
    /// The same with these qualities.
    fn with(&self, variants: Vec<Variant>) -> Self {
        Self { variants, ..self.clone() }
    }
}

fn variant(streams: &Streams, table: &mut Table, name: &str, wanted: &Wanted) -> Option<Variant> {
    let own = Arc::clone(&table.by_name.get(name)?.stream);
    let nominal = Nominal::default();
    Some(match wanted {
        Wanted::Copy => Variant { name: "copy".to_owned(), stream: own, nominal },
        Wanted::Stream(other) => {
            Variant { name: other.clone(), stream: Arc::clone(&table.by_name.get(other)?.stream), nominal }
        }
        Wanted::Rendition(rendition) => {
            let source = RenditionSource::new(own, *rendition, &streams.settings.means.ffmpeg);
            let source = Written::new(&source.to_string(), Source::Rendition(source));
            let made = streams.supervise(&format!("{name}@{rendition}"), vec![source], Origin::Owner);
            let stream = Arc::clone(&made.stream);
            table.renditions.insert(stream.name().to_owned(), Arc::new(made));
            let nominal = Nominal { bits_per_second: Some(rendition.bitrate()) };
            Variant { name: rendition.to_string(), stream, nominal }
        }
    })
}

/// Streams that are qualities of one stream show one camera. One stream can be a quality of several.
fn align(table: &Table) {
    let is_rendition = |stream: &Stream| table.renditions.contains_key(stream.name());
    let mut cameras: Vec<Vec<&Arc<Stream>>> = Vec::new();
    for configured in table.by_name.values() {
        let own = configured.variants.iter().map(|variant| &variant.stream).filter(|of| !is_rendition(of));
        let mut camera: Vec<&Arc<Stream>> = own.collect();
        // What shows the same camera as one of them, shows it too.
        let (same, others) = cameras.into_iter().partition(|known: &Vec<&Arc<Stream>>| {
            known.iter().any(|stream| camera.iter().any(|own| Arc::ptr_eq(own, stream)))
        });
        cameras = others;
        for stream in same.into_iter().flatten() {
            if !camera.iter().any(|own| Arc::ptr_eq(own, stream)) {
                camera.push(stream);
            }
        }
        cameras.push(camera);
    }
    for camera in cameras.into_iter().filter(|camera| camera.len() > 1) {
        let siblings = Siblings::default();
        for stream in camera {
            stream.align(siblings.next());
        }
    }
}
