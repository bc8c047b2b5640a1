//! The text of Media Playlists (RFC 8216bis §4.4.3 to §4.4.5).

use crate::limits::{MAX_LISTED_PARTS, PARTS_LISTED};
use crate::names::{Names, put};
use crate::promise::Promise;
use crate::segment::{Head, OpenSegment, Part, Segment};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What another rendition of the same multivariant playlist has (`EXT-X-RENDITION-REPORT`, RFC 8216bis §4.4.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionReport {
    /// The URI of its Media Playlist, relative to this one.
    pub uri: String,
    /// The Media Sequence Number of its last segment or part.
    pub last_msn: u64,
    /// The index of its last part within that segment, if it has parts.
    pub last_part: Option<u64>,
}

/// Everything a playlist is rendered from.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) promise: &'a Promise,
    /// Plain transport streams have none of the tags that came after version 3.
    pub(crate) plain: bool,
    /// `EXT-X-START`: so far from the end.
    pub(crate) start: Option<Duration>,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) listed: &'a VecDeque<Arc<Segment>>,
    pub(crate) open: Option<&'a OpenSegment>,
    /// The Media Sequence Number of the segment in progress.
    pub(crate) next_msn: u64,
    /// The number of the next part.
    pub(crate) next_part: u64,
    /// Parts of segments before this one are not listed.
    pub(crate) parts_from: u64,
    pub(crate) reports: &'a [RenditionReport],
    pub(crate) ended: bool,
}

impl View<'_> {
    /// How many segments a delta update skips: those that end before the skip boundary (RFC 8216bis §6.2.5.1).
    pub(crate) fn skippable(&self) -> usize {
        if self.plain || self.ended {
            return 0;
        }
        let boundary = self.promise.can_skip_until();
        let mut behind: Duration = self.listed.iter().map(|segment| segment.duration).sum();
        self.listed
            .iter()
            .take_while(|segment| {
                behind = behind.saturating_sub(segment.duration);
                behind > boundary
            })
            .count()
    }

    /// The playlist, without its first `skipped` segments.
    pub(crate) fn render(&self, names: &dyn Names, skipped: usize) -> String {
        let mut text = String::with_capacity(512 + 160 * self.listed.len());
        self.put_promises(&mut text, skipped);
        let mut init = match skipped.checked_sub(1).and_then(|last| self.listed.get(last)) {
            // Its map was told to whoever can merge a delta update.
            Some(last) => last.head.init.as_ref().map(|init| init.version),
            None => None,
        };
        let with_parts = self.first_with_parts();
        for segment in self.listed.iter().skip(skipped) {
            put_head(&segment.head, &mut init, names, &mut text);
            if segment.msn >= with_parts {
                segment.parts.iter().for_each(|part| put_part(part, names, &mut text));
            }
            if segment.gap {
                text.push_str("#EXT-X-GAP\n");
            }
            put(&mut text, format_args!("#EXTINF:{},\n", Seconds(segment.duration)));
            names.segment(segment.msn, &mut text);
            text.push('\n');
        }
        if self.promise.part_target.is_some() {
            if let Some(open) = self.open.filter(|open| !open.parts.is_empty()) {
                put_head(&open.head, &mut init, names, &mut text);
                open.parts.iter().for_each(|part| put_part(part, names, &mut text));
            }
            self.put_hint(names, &mut text);
        }
        for report in self.reports {
            put(
                &mut text,
                format_args!("#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}", report.uri, report.last_msn),
            );
            if let Some(part) = report.last_part {
                put(&mut text, format_args!(",LAST-PART={part}"));
            }
            text.push('\n');
        }
        if self.ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }

    fn put_promises(&self, text: &mut String, skipped: usize) {
        let promise = self.promise;
        // RFC 8216bis §8: EXT-X-MAP needs 6, EXT-X-SKIP needs 9, decimal durations need 3.
        let version = match (self.plain, skipped) {
            (true, _) => 3,
            (false, 0) => 6,
            (false, _) => 9,
        };
        put(
            text,
            format_args!(
                "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{}\n",
                promise.target_duration
            ),
        );
        if !self.plain {
            put(
                text,
                format_args!(
                    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={},HOLD-BACK={}",
                    Short(promise.can_skip_until()),
                    Short(promise.hold_back())
                ),
            );
            if let Some(hold_back) = promise.part_hold_back {
                put(text, format_args!(",PART-HOLD-BACK={}", Short(hold_back)));
            }
            text.push('\n');
        }
        if let Some(target) = promise.part_target {
            put(text, format_args!("#EXT-X-PART-INF:PART-TARGET={}\n", Short(target)));
        }
        if let Some(start) = self.start {
            put(text, format_args!("#EXT-X-START:TIME-OFFSET=-{},PRECISE=YES\n", Short(start)));
        }
        let first = self.listed.front().map_or(self.next_msn, |first| first.msn);
        put(text, format_args!("#EXT-X-MEDIA-SEQUENCE:{first}\n"));
        let open = self.open.is_some_and(|open| open.head.discontinuity);
        if self.discontinuity_sequence > 0
            || open
            || self.listed.iter().any(|segment| segment.head.discontinuity)
        {
            put(text, format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", self.discontinuity_sequence));
        }
        if !self.plain {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        if skipped > 0 {
            put(text, format_args!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n"));
        }
    }

    fn put_hint(&self, names: &dyn Names, text: &mut String) {
        if self.ended {
            return;
        }
        text.push_str("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"");
        names.part(self.next_part, text);
        text.push_str("\"\n");
    }

    /// The Media Sequence Number of the first segment whose parts are listed too. Parts are of use near the end only (RFC 8216bis
    /// §6.2.2): those of the last segment always, those before it as long as they are young and few.
    pub(crate) fn first_with_parts(&self) -> u64 {
        let longest = (self.promise.target() * 3).min(PARTS_LISTED);
        let mut parts = self.open.map_or(0, |open| open.parts.len());
        let mut behind = self.open.map_or(Duration::ZERO, OpenSegment::duration);
        let mut first = self.next_msn;
        for (index, segment) in self.listed.iter().enumerate().rev() {
            parts += segment.parts.len();
            let last = index + 1 == self.listed.len();
            if segment.msn < self.parts_from || !last && (parts > MAX_LISTED_PARTS || behind > longest) {
                break;
            }
            behind += segment.duration;
            first = segment.msn;
        }
        first
    }
}

fn put_head(head: &Head, init: &mut Option<u64>, names: &dyn Names, text: &mut String) {
    if head.discontinuity {
        text.push_str("#EXT-X-DISCONTINUITY\n");
    }
    if let Some(needed) = head.init.as_ref().filter(|needed| *init != Some(needed.version)) {
        *init = Some(needed.version);
        text.push_str("#EXT-X-MAP:URI=\"");
        names.init(needed.version, text);
        text.push_str("\"\n");
    }
    put(text, format_args!("#EXT-X-PROGRAM-DATE-TIME:{}\n", Date(head.date)));
}

fn put_part(part: &Part, names: &dyn Names, text: &mut String) {
    text.push_str("#EXT-X-PART:URI=\"");
    names.part(part.number, text);
    put(text, format_args!("\",DURATION={}", Seconds(part.duration)));
    if part.independent {
        text.push_str(",INDEPENDENT=YES");
    }
    if part.gap {
        text.push_str(",GAP=YES");
    }
    text.push('\n');
}

/// Seconds with five decimals: sums of them are right to a millisecond over an hour of parts.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = (self.0.as_nanos() + 5_000) / 10_000;
        write!(f, "{}.{:05}", units / 100_000, units % 100_000)
    }
}

/// Seconds with as many decimals as needed, up to three.
struct Short(Duration);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = format!("{:03}", self.0.subsec_millis());
        write!(f, "{}", self.0.as_secs())?;
        match decimals.trim_end_matches('0') {
            "" => Ok(()),
            decimals => write!(f, ".{decimals}"),
        }
    }
}

/// ISO 8601 with milliseconds, UTC.
struct Date(SystemTime);

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Outside the years that there are dates for, any date is wrong; this one is at least valid.
        let date = jiff::Timestamp::try_from(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{date:.3}")
    }
}

#[cfg(test)]
mod tests;
