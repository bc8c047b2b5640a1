//! A Multivariant Playlist as a client reads it, and what it has to be (RFC 8216bis §4.4.6).

use super::attributes::{Attributes, lines, seconds, tag};
use super::finding::{Finding, Object as _};
use std::collections::{BTreeMap, BTreeSet};

/// A Multivariant Playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multivariant {
    /// `EXT-X-VERSION`.
    pub version: Option<u64>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-STREAM-INF`s with their URIs.
    pub variants: Vec<Variant>,
    /// `EXT-X-MEDIA`s.
    pub renditions: Vec<Rendition>,
}

/// `EXT-X-STREAM-INF`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// The URI of its Media Playlist.
    pub uri: String,
    /// `BANDWIDTH` in bit/s.
    pub bandwidth: Option<u64>,
    /// `AVERAGE-BANDWIDTH` in bit/s.
    pub average_bandwidth: Option<u64>,
    /// `CODECS`.
    pub codecs: Option<String>,
    /// `RESOLUTION`: width and height.
    pub resolution: Option<(u64, u64)>,
    /// `FRAME-RATE` in thousandths.
    pub frame_rate: Option<i64>,
    /// `AUDIO`: a group of renditions.
    pub audio: Option<String>,
    /// Its line.
    pub line: usize,
}

/// `EXT-X-MEDIA`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendition {
    /// `TYPE`.
    pub kind: String,
    /// `GROUP-ID`.
    pub group: String,
    /// `NAME`.
    pub name: String,
    /// `URI`, unless it is in the variants' own segments.
    pub uri: Option<String>,
    /// `DEFAULT=YES`.
    pub default: bool,
    /// `AUTOSELECT=YES`.
    pub autoselect: bool,
    /// `CHANNELS`.
    pub channels: Option<String>,
    /// Its line.
    pub line: usize,
}

/// Reads a Multivariant Playlist and objects to what no server may send.
pub fn check_multivariant(text: &str) -> (Multivariant, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut playlist = Multivariant::default();
    let mut once = BTreeSet::new();
    let mut variant: Option<Variant> = None;
    for (line, text) in lines(text, &mut findings) {
        let Some((name, value)) = tag(text) else {
            match variant.take() {
                Some(read) => playlist.variants.push(Variant { uri: text.to_owned(), ..read }),
                None => findings.must("4.4.6.2", line, "a URI without EXT-X-STREAM-INF"),
            }
            continue;
        };
        if variant.is_some() {
            findings.must("4.4.6.2", line, "EXT-X-STREAM-INF without a URI behind it");
        }
        match name {
            "EXTM3U" => {}
            "EXT-X-STREAM-INF" => variant = Some(read_variant(line, value, &mut findings)),
            "EXT-X-MEDIA" => playlist.renditions.push(read_rendition(line, value, &mut findings)),
            "EXT-X-VERSION" | "EXT-X-INDEPENDENT-SEGMENTS" | "EXT-X-START" => {
                if !once.insert(name.to_owned()) {
                    findings.must("4.4.2", line, format!("{name} stands there twice"));
                }
                if name == "EXT-X-VERSION" {
                    playlist.version = value.parse().ok();
                }
                playlist.independent_segments |= name == "EXT-X-INDEPENDENT-SEGMENTS";
            }
            other => {
                findings.must("4.4.6", line, format!("{other} is not expected in a Multivariant Playlist"))
            }
        }
    }
    if variant.is_some() || playlist.variants.is_empty() {
        findings.must("4.4.6.2", 0, "no EXT-X-STREAM-INF with a URI");
    }
    variants(&playlist, &mut findings);
    groups(&playlist, &mut findings);
    (playlist, findings)
}

fn read_variant(line: usize, value: &str, findings: &mut Vec<Finding>) -> Variant {
    let attributes = Attributes::read(value, line, findings);
    attributes.require("4.4.6.2", &["BANDWIDTH"], findings);
    let resolution = attributes.word("RESOLUTION", findings).map(|text| {
        let sides = text
            .split_once('x')
            .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        if sides.is_none() {
            findings.must("4.2", line, format!("RESOLUTION is `{text}`, expected width x height"));
        }
        sides.unwrap_or_default()
    });
    let frame_rate = attributes.word("FRAME-RATE", findings).map(|text| {
        let three_decimals = text.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 3);
        let rate = seconds(&text).filter(|&rate| rate > 0 && three_decimals);
        if rate.is_none() {
            findings.must("4.4.6.2", line, format!("FRAME-RATE is `{text}`, expected up to three decimals"));
        }
        rate.unwrap_or(0) / 1_000_000
    });
    Variant {
        uri: String::new(),
        bandwidth: attributes.integer("BANDWIDTH", findings),
        average_bandwidth: attributes.integer("AVERAGE-BANDWIDTH", findings),
        codecs: attributes.string("CODECS", findings),
        resolution,
        frame_rate,
        audio: attributes.string("AUDIO", findings),
        line,
    }
}

fn read_rendition(line: usize, value: &str, findings: &mut Vec<Finding>) -> Rendition {
    let attributes = Attributes::read(value, line, findings);
    attributes.require("4.4.6.1", &["TYPE", "GROUP-ID", "NAME"], findings);
    let mut yes_or_no = |name: &str| match attributes.word(name, findings).as_deref() {
        None | Some("NO") => false,
        Some("YES") => true,
        Some(other) => {
            findings.must("4.4.6.1", line, format!("{name} is `{other}`, expected YES or NO"));
            false
        }
    };
    let (default, autoselect) = (yes_or_no("DEFAULT"), yes_or_no("AUTOSELECT"));
    if default && attributes.has("AUTOSELECT") && !autoselect {
        findings.must("4.4.6.1", line, "DEFAULT=YES with AUTOSELECT=NO");
    }
    Rendition {
        kind: attributes.word("TYPE", findings).unwrap_or_default(),
        group: attributes.string("GROUP-ID", findings).unwrap_or_default(),
        name: attributes.string("NAME", findings).unwrap_or_default(),
        uri: attributes.string("URI", findings),
        channels: attributes.string("CHANNELS", findings),
        default,
        autoselect,
        line,
    }
}

/// §4.4.6.2: variants tell what a client chooses by.
fn variants(playlist: &Multivariant, findings: &mut Vec<Finding>) {
    for variant in &playlist.variants {
        if variant.bandwidth == Some(0) {
            findings.must("4.4.6.2", variant.line, "BANDWIDTH is 0");
        }
        if variant.average_bandwidth > variant.bandwidth {
            findings.must("4.4.6.2", variant.line, "AVERAGE-BANDWIDTH is above BANDWIDTH");
        }
        if variant.codecs.as_deref().is_none_or(str::is_empty) {
            findings.should("4.4.6.2", variant.line, "no CODECS");
        }
        let group_is_there = |group: &String| {
            playlist.renditions.iter().any(|rendition| rendition.kind == "AUDIO" && rendition.group == *group)
        };
        if variant.audio.as_ref().is_some_and(|group| !group_is_there(group)) {
            findings.must("4.4.6.2", variant.line, "AUDIO names a group that is not there");
        }
    }
}

/// §4.4.6.1.1: names differ within a group, one is the default, and all groups of a kind have the same members.
fn groups(playlist: &Multivariant, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(&str, &str), Vec<&Rendition>> = BTreeMap::new();
    for rendition in &playlist.renditions {
        groups.entry((&rendition.kind, &rendition.group)).or_default().push(rendition);
    }
    let mut members_of_kind: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((kind, group), members) in &groups {
        let line = members.first().map_or(0, |first| first.line);
        let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
        if names.len() < members.len() {
            findings.must("4.4.6.1.1", line, format!("two renditions of `{group}` have one name"));
        }
        if members.iter().filter(|member| member.default).count() > 1 {
            findings.must("4.4.6.1.1", line, format!("two renditions of `{group}` are the default"));
        }
        if members.iter().any(|member| member.kind == "AUDIO" && member.channels.is_none()) {
            findings.should("4.4.6.1", line, format!("an audio rendition of `{group}` without CHANNELS"));
        }
        if *members_of_kind.entry(kind).or_insert_with(|| names.clone()) != names {
            findings.must("4.4.6.1.1", line, format!("`{group}` has other members than the group before"));
        }
    }
}
