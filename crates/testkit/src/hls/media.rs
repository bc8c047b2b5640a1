//! A Media Playlist as a client reads it (RFC 8216bis §4.4.3 to §4.4.5). Durations are in nanoseconds.

use super::attributes::{Attributes, date_time, integer, lines, seconds, tag};
use super::finding::{Finding, Object as _};
use std::collections::BTreeMap;

/// A Media Playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaPlaylist {
    /// `EXT-X-VERSION`.
    pub version: Option<u64>,
    /// `EXT-X-TARGETDURATION` in seconds.
    pub target_duration: Option<u64>,
    /// `EXT-X-MEDIA-SEQUENCE`, 0 without it.
    pub media_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`, if it is there.
    pub discontinuity_sequence: Option<u64>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-START`.
    pub start: Option<Start>,
    /// `PART-TARGET` of `EXT-X-PART-INF`.
    pub part_target: Option<i64>,
    /// `EXT-X-SERVER-CONTROL`.
    pub server_control: Option<ServerControl>,
    /// `SKIPPED-SEGMENTS` of `EXT-X-SKIP`: it is a delta update.
    pub skipped: Option<u64>,
    /// The segments with a URI, in order.
    pub segments: Vec<Segment>,
    /// Parts and tags behind the last URI: the segment in progress.
    pub open: Option<Segment>,
    /// `EXT-X-PRELOAD-HINT`s.
    pub hints: Vec<Hint>,
    /// `EXT-X-RENDITION-REPORT`s.
    pub reports: Vec<Report>,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
}

/// `EXT-X-START`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// `TIME-OFFSET`.
    pub time_offset: i64,
    /// `PRECISE=YES`.
    pub precise: bool,
}

/// `EXT-X-SERVER-CONTROL`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerControl {
    /// `CAN-BLOCK-RELOAD=YES`.
    pub can_block_reload: bool,
    /// `CAN-SKIP-UNTIL`.
    pub can_skip_until: Option<i64>,
    /// `CAN-SKIP-DATERANGES=YES`.
    pub can_skip_date_ranges: bool,
    /// `HOLD-BACK`.
    pub hold_back: Option<i64>,
    /// `PART-HOLD-BACK`.
    pub part_hold_back: Option<i64>,
}

/// A segment, or the parts of the one in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its Media Sequence Number.
    pub msn: u64,
    /// Its Discontinuity Sequence Number.
    pub discontinuity_number: u64,
    /// Its URI; `None` while it is in progress.
    pub uri: Option<String>,
    /// `EXTINF`, 0 while it is in progress.
    pub duration: i64,
    /// `EXT-X-DISCONTINUITY`.
    pub discontinuity: bool,
    /// `EXT-X-GAP`.
    pub gap: bool,
    /// URI of the `EXT-X-MAP` in force; `None` where it was skipped or there is none.
    pub map: Option<String>,
    /// `EXT-X-PROGRAM-DATE-TIME` in milliseconds since 1970.
    pub date_time: Option<i64>,
    /// `EXT-X-PART`s.
    pub parts: Vec<Part>,
    /// The line of its URI or first tag.
    pub line: usize,
}

/// `EXT-X-PART`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// `URI`.
    pub uri: String,
    /// `DURATION`.
    pub duration: i64,
    /// `INDEPENDENT=YES`.
    pub independent: bool,
    /// `GAP=YES`.
    pub gap: bool,
    /// Its line.
    pub line: usize,
}

/// `EXT-X-PRELOAD-HINT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// `TYPE`: `PART` or `MAP`.
    pub kind: String,
    /// `URI`.
    pub uri: String,
    /// Its line.
    pub line: usize,
}

/// `EXT-X-RENDITION-REPORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `URI`.
    pub uri: String,
    /// `LAST-MSN`.
    pub last_msn: Option<u64>,
    /// `LAST-PART`.
    pub last_part: Option<u64>,
}

impl MediaPlaylist {
    /// Reads a playlist, and objects to what cannot be read.
    pub fn read(text: &str) -> (Self, Vec<Finding>) {
        let mut reader = Reader::default();
        for (line, text) in lines(text, &mut reader.findings) {
            match tag(text) {
                Some((name, value)) => reader.tag(line, name, value),
                None => reader.uri(line, text),
            }
        }
        reader.finish()
    }

    /// The last Media Sequence Number with a segment or a part, and how many of its parts are there.
    pub fn last(&self) -> Option<(u64, usize)> {
        let segment = self.open.as_ref().filter(|open| !open.parts.is_empty()).or(self.segments.last())?;
        Some((segment.msn, segment.parts.len()))
    }

    /// Length of the segments and parts in it, without those skipped.
    pub fn duration(&self) -> i64 {
        self.segments.iter().map(|segment| segment.duration).sum::<i64>()
            + self.open.iter().map(Segment::parts_duration).sum::<i64>()
    }
}

impl Segment {
    /// Length of its parts together.
    pub fn parts_duration(&self) -> i64 {
        self.parts.iter().map(|part| part.duration).sum()
    }
}

/// Reads line by line.
#[derive(Default)]
struct Reader {
    playlist: MediaPlaylist,
    findings: Vec<Finding>,
    /// How often each tag that may stand there once was seen.
    once: BTreeMap<String, usize>,
    /// Tags since the last URI.
    next: Segment,
    next_is_tagged: bool,
    has_duration: bool,
    map: Option<String>,
    discontinuities: u64,
}

impl Reader {
    fn tag(&mut self, line: usize, name: &str, value: &str) {
        match name {
            "EXTM3U" => {}
            "EXT-X-VERSION"
            | "EXT-X-INDEPENDENT-SEGMENTS"
            | "EXT-X-START"
            | "EXT-X-TARGETDURATION"
            | "EXT-X-MEDIA-SEQUENCE"
            | "EXT-X-DISCONTINUITY-SEQUENCE"
            | "EXT-X-ENDLIST"
            | "EXT-X-PART-INF"
            | "EXT-X-SERVER-CONTROL"
            | "EXT-X-SKIP" => self.global(line, name, value),
            "EXTINF"
            | "EXT-X-DISCONTINUITY"
            | "EXT-X-MAP"
            | "EXT-X-PROGRAM-DATE-TIME"
            | "EXT-X-GAP"
            | "EXT-X-PART" => self.segment_tag(line, name, value),
            "EXT-X-PRELOAD-HINT" | "EXT-X-RENDITION-REPORT" => self.metadata(line, name, value),
            "EXT-X-STREAM-INF" | "EXT-X-MEDIA" | "EXT-X-I-FRAME-STREAM-INF" | "EXT-X-SESSION-DATA" => {
                self.findings.must("4.4.6", line, format!("{name} belongs to a Multivariant Playlist"));
            }
            "EXT-X-PLAYLIST-TYPE" => {
                self.findings.must("6.2.2", line, "a live playlist has no EXT-X-PLAYLIST-TYPE");
            }
            other => self.findings.must("4.1", line, format!("{other} is not expected here")),
        }
    }

    /// Tags of the playlist as a whole.
    fn global(&mut self, line: usize, name: &str, value: &str) {
        let count = self.once.entry(name.to_owned()).or_default();
        *count += 1;
        if *count > 1 {
            let section = if name == "EXT-X-SKIP" { "4.4.5" } else { "4.4.3" };
            self.findings.must(section, line, format!("{name} stands there twice"));
        }
        let before_segments = self.playlist.segments.is_empty() && !self.next_is_tagged;
        match name {
            "EXT-X-VERSION" => self.playlist.version = self.integer(line, value),
            "EXT-X-INDEPENDENT-SEGMENTS" => self.playlist.independent_segments = true,
            "EXT-X-TARGETDURATION" => self.playlist.target_duration = self.integer(line, value),
            "EXT-X-MEDIA-SEQUENCE" => {
                if !before_segments {
                    self.findings.must("4.4.3.2", line, "EXT-X-MEDIA-SEQUENCE behind a segment");
                }
                self.playlist.media_sequence = self.integer(line, value).unwrap_or(0);
            }
            "EXT-X-DISCONTINUITY-SEQUENCE" => {
                if !before_segments || self.discontinuities > 0 {
                    self.findings.must("4.4.3.3", line, "EXT-X-DISCONTINUITY-SEQUENCE behind a segment");
                }
                self.playlist.discontinuity_sequence = self.integer(line, value);
            }
            "EXT-X-ENDLIST" => self.playlist.ended = true,
            _ => self.global_with_attributes(line, name, value),
        }
    }

    fn global_with_attributes(&mut self, line: usize, name: &str, value: &str) {
        let findings = &mut self.findings;
        let attributes = Attributes::read(value, line, findings);
        match name {
            "EXT-X-START" => {
                attributes.require("4.4.2.2", &["TIME-OFFSET"], findings);
                let time_offset = attributes.seconds("TIME-OFFSET", findings).unwrap_or(0);
                self.playlist.start =
                    Some(Start { time_offset, precise: attributes.yes("PRECISE", findings) });
            }
            "EXT-X-PART-INF" => {
                attributes.require("4.4.3.7", &["PART-TARGET"], findings);
                self.playlist.part_target = attributes.seconds("PART-TARGET", findings);
            }
            "EXT-X-SERVER-CONTROL" => {
                self.playlist.server_control = Some(ServerControl {
                    can_block_reload: attributes.yes("CAN-BLOCK-RELOAD", findings),
                    can_skip_until: attributes.seconds("CAN-SKIP-UNTIL", findings),
                    can_skip_date_ranges: attributes.yes("CAN-SKIP-DATERANGES", findings),
                    hold_back: attributes.seconds("HOLD-BACK", findings),
                    part_hold_back: attributes.seconds("PART-HOLD-BACK", findings),
                });
            }
            _ => {
                attributes.require("4.4.5.2", &["SKIPPED-SEGMENTS"], findings);
                if !self.playlist.segments.is_empty() || self.next_is_tagged {
                    findings.must("4.4.5.2", line, "EXT-X-SKIP behind a segment");
                }
                self.playlist.skipped = attributes.integer("SKIPPED-SEGMENTS", findings);
            }
        }
    }

    /// Tags of the next segment.
    fn segment_tag(&mut self, line: usize, name: &str, value: &str) {
        if !self.next_is_tagged {
            self.next.line = line;
            self.next_is_tagged = true;
        }
        let behind_parts = !self.next.parts.is_empty();
        if behind_parts && matches!(name, "EXT-X-DISCONTINUITY" | "EXT-X-MAP" | "EXT-X-PROGRAM-DATE-TIME") {
            self.findings.must("4.4.4.9", line, format!("{name} behind the first part of its segment"));
        }
        match name {
            "EXTINF" => self.duration(line, value),
            "EXT-X-DISCONTINUITY" => {
                self.discontinuities += 1;
                self.next.discontinuity = true;
            }
            "EXT-X-GAP" => self.next.gap = true,
            "EXT-X-PROGRAM-DATE-TIME" => {
                self.next.date_time = date_time(value);
                if self.next.date_time.is_none() {
                    let text = format!("`{value}` is no date and time with milliseconds and zone");
                    self.findings.should("4.4.4.6", line, text);
                }
            }
            "EXT-X-MAP" => {
                let attributes = Attributes::read(value, line, &mut self.findings);
                attributes.require("4.4.4.5", &["URI"], &mut self.findings);
                self.map = attributes.string("URI", &mut self.findings);
            }
            _ => {
                let findings = &mut self.findings;
                let attributes = Attributes::read(value, line, findings);
                attributes.require("4.4.4.9", &["URI", "DURATION"], findings);
                self.next.parts.push(Part {
                    uri: attributes.string("URI", findings).unwrap_or_default(),
                    duration: attributes.seconds("DURATION", findings).unwrap_or(0),
                    independent: attributes.yes("INDEPENDENT", findings),
                    gap: attributes.yes("GAP", findings),
                    line,
                });
            }
        }
    }

    fn duration(&mut self, line: usize, value: &str) {
        if self.has_duration {
            self.findings.must("4.4.4.1", line, "a second EXTINF for one segment");
        }
        self.has_duration = true;
        let text = value.split_once(',').map(|(duration, _title)| duration);
        match text.and_then(seconds).filter(|&nanos| nanos >= 0) {
            Some(nanos) => self.next.duration = nanos,
            None => self.findings.must("4.4.4.1", line, format!("`{value}` is no duration and title")),
        }
        let whole = text.is_some_and(|text| integer(text).is_some());
        if !whole && self.playlist.version.unwrap_or(1) < 3 {
            self.findings.must("8", line, "decimal durations need version 3, which has to be told first");
        }
    }

    fn metadata(&mut self, line: usize, name: &str, value: &str) {
        let findings = &mut self.findings;
        let attributes = Attributes::read(value, line, findings);
        if name == "EXT-X-PRELOAD-HINT" {
            attributes.require("4.4.5.3", &["TYPE", "URI"], findings);
            self.playlist.hints.push(Hint {
                kind: attributes.word("TYPE", findings).unwrap_or_default(),
                uri: attributes.string("URI", findings).unwrap_or_default(),
                line,
            });
        } else {
            attributes.require("4.4.5.4", &["URI"], findings);
            let uri = attributes.string("URI", findings).unwrap_or_default();
            if uri.contains("://") || uri.starts_with('/') {
                findings.must("4.4.5.4", line, format!("the report's URI `{uri}` is not relative"));
            }
            self.playlist.reports.push(Report {
                uri,
                last_msn: attributes.integer("LAST-MSN", findings),
                last_part: attributes.integer("LAST-PART", findings),
            });
        }
    }

    fn uri(&mut self, line: usize, uri: &str) {
        if !self.has_duration {
            self.findings.must("4.4.4.1", line, "a segment without EXTINF");
        }
        let mut segment = self.take();
        segment.uri = Some(uri.to_owned());
        segment.line = line;
        self.playlist.segments.push(segment);
        self.has_duration = false;
    }

    /// The tags since the last URI as a segment.
    fn take(&mut self) -> Segment {
        let index = self.playlist.segments.len() as u64 + self.playlist.skipped.unwrap_or(0);
        self.next_is_tagged = false;
        Segment {
            msn: self.playlist.media_sequence + index,
            discontinuity_number: self.playlist.discontinuity_sequence.unwrap_or(0) + self.discontinuities,
            map: self.map.clone(),
            ..std::mem::take(&mut self.next)
        }
    }

    fn finish(mut self) -> (MediaPlaylist, Vec<Finding>) {
        if self.has_duration {
            self.findings.must("4.4.4.1", self.next.line, "EXTINF without a URI");
        }
        if self.next_is_tagged {
            self.playlist.open = Some(self.take());
        }
        (self.playlist, self.findings)
    }

    fn integer(&mut self, line: usize, value: &str) -> Option<u64> {
        let number = integer(value);
        if number.is_none() {
            self.findings.must("4.2", line, format!("`{value}` is no decimal integer"));
        }
        number
    }
}
