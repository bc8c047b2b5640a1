//! What a playlist may become from one load to the next (RFC 8216bis §6.2.1, §6.2.2, §6.2.5.1, §6.2.6).

use super::finding::{Finding, Object as _};
use super::media::{MediaPlaylist, Segment};
use super::rules;

const SECOND: i64 = 1_000_000_000;

/// Follows one Media Playlist.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    last: Option<MediaPlaylist>,
    loads: usize,
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The playlist as it was loaded last, delta updates merged in.
    pub fn playlist(&self) -> Option<&MediaPlaylist> {
        self.last.as_ref()
    }

    /// How often it was loaded.
    pub fn loads(&self) -> usize {
        self.loads
    }

    /// Takes a whole playlist.
    pub fn load(&mut self, text: &str) -> Vec<Finding> {
        let (playlist, mut findings) = MediaPlaylist::read(text);
        if let Some(skipped) = playlist.skipped {
            findings.must("6.2.5.1", 0, format!("{skipped} segments were skipped without being asked to"));
        }
        rules::check(&playlist, &mut findings);
        self.follow(playlist, &mut findings);
        findings
    }

    /// Takes the answer to `_HLS_skip=YES`: merged with what was loaded before, it is the whole playlist.
    pub fn load_delta(&mut self, text: &str) -> Vec<Finding> {
        let (mut playlist, mut findings) = MediaPlaylist::read(text);
        rules::check(&playlist, &mut findings);
        if let Some(skipped) = playlist.skipped.take() {
            match self.last.as_ref().and_then(|last| skipped_segments(last, &playlist, skipped)) {
                Some(segments) => merge(&mut playlist, segments),
                None => {
                    findings.must("6.2.5.1", 0, "a segment was skipped that was never seen");
                    return findings;
                }
            }
            rules::check(&playlist, &mut findings);
            // The version is that of the delta update.
            findings.retain(|finding| finding.section != "6.2.1" || !finding.text.starts_with("version"));
        }
        self.follow(playlist, &mut findings);
        findings
    }

    /// The server says that another playlist has taken this one's place: numbers go on, promises are new ones.
    pub fn starts_anew(&mut self) {
        if let Some(last) = &mut self.last {
            last.target_duration = None;
        }
    }

    fn follow(&mut self, new: MediaPlaylist, findings: &mut Vec<Finding>) {
        if let Some(old) = &self.last {
            compare(old, &new, findings);
        }
        self.last = Some(new);
        self.loads += 1;
    }
}

/// The first `count` segments of `new` as they stood in `last`.
fn skipped_segments(last: &MediaPlaylist, new: &MediaPlaylist, count: u64) -> Option<Vec<Segment>> {
    (new.media_sequence..new.media_sequence + count)
        .map(|msn| last.segments.iter().find(|segment| segment.msn == msn).cloned())
        .collect()
}

/// Puts the skipped segments in front. Numbers of discontinuities and the map go on from there.
fn merge(playlist: &mut MediaPlaylist, mut segments: Vec<Segment>) {
    let lost = segments.iter().filter(|segment| segment.discontinuity).count() as u64;
    let map = segments.last().and_then(|segment| segment.map.clone());
    for segment in playlist.segments.iter_mut().chain(&mut playlist.open) {
        segment.discontinuity_number += lost;
        segment.map = segment.map.take().or_else(|| map.clone());
    }
    for segment in &mut segments {
        // Parts of skipped segments are too old to be listed.
        segment.parts.clear();
    }
    segments.append(&mut playlist.segments);
    playlist.segments = segments;
}

fn compare(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    promises(old, new, findings);
    sequence(old, new, findings);
    segments(old, new, findings);
    parts(old, new, findings);
    hint(old, new, findings);
    reports(old, new, findings);
    if old.ended && (!new.ended || new.segments != old.segments) {
        findings.must("4.4.3.4", 0, "the playlist changed after its end");
    }
}

/// §6.2.1: what is told of the playlist as a whole does not change.
fn promises(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    if old.target_duration.is_none() {
        return;
    }
    if old.target_duration != new.target_duration {
        findings.must("6.2.1", 0, "EXT-X-TARGETDURATION changed");
    }
    if old.part_target != new.part_target
        || old.server_control != new.server_control
        || old.start != new.start
        || old.independent_segments != new.independent_segments
    {
        findings.must("6.2.1", 0, "a tag that applies to the whole playlist changed");
    }
}

/// §6.2.2: numbers never decrease, and enough remains.
fn sequence(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    if new.media_sequence < old.media_sequence {
        findings.must("6.2.2", 0, "EXT-X-MEDIA-SEQUENCE decreased");
    }
    if new.discontinuity_sequence.unwrap_or(0) < old.discontinuity_sequence.unwrap_or(0) {
        findings.must("6.2.2", 0, "EXT-X-DISCONTINUITY-SEQUENCE decreased");
    }
    if new.last() < old.last() {
        findings.must("6.2.1", 0, format!("the end went back from {:?} to {:?}", old.last(), new.last()));
    }
    let target = i64::try_from(new.target_duration.unwrap_or(0)).unwrap_or(0) * SECOND;
    let whole: i64 = new.segments.iter().map(|segment| segment.duration).sum();
    if new.media_sequence > old.media_sequence && !new.ended && whole < 3 * target {
        findings.must("6.2.2", 0, "a segment was removed, and less than three target durations remain");
    }
}

/// §6.2.1: segments are as they were.
fn segments(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    for segment in &new.segments {
        let Some(before) = old.segments.iter().find(|before| before.msn == segment.msn) else { continue };
        let same = before.uri == segment.uri
            && before.duration == segment.duration
            && before.gap == segment.gap
            && before.date_time == segment.date_time
            && before.map == segment.map
            && before.discontinuity == segment.discontinuity;
        if !same {
            findings.must("6.2.1", segment.line, format!("segment {} changed", segment.msn));
        }
        if before.discontinuity_number != segment.discontinuity_number {
            let text = format!("the discontinuity sequence number of segment {} changed", segment.msn);
            findings.must("6.2.2", segment.line, text);
        }
    }
}

/// §6.2.1, §6.2.2: parts are as they were, and are removed in order.
fn parts(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let all = |playlist: &MediaPlaylist| -> Vec<Segment> {
        playlist.segments.iter().chain(&playlist.open).cloned().collect()
    };
    for segment in all(new) {
        let Some(before) = all(old).into_iter().find(|before| before.msn == segment.msn) else { continue };
        if segment.parts.is_empty() {
            continue;
        }
        let kept = before.parts.iter().zip(&segment.parts).all(|(before, after)| {
            (&before.uri, before.duration, before.independent, before.gap)
                == (&after.uri, after.duration, after.independent, after.gap)
        });
        if !kept || segment.parts.len() < before.parts.len() {
            findings.must("6.2.1", segment.line, format!("the parts of segment {} changed", segment.msn));
        }
        if before.uri.is_some() && segment.parts.len() > before.parts.len() {
            findings.must("6.2.1", segment.line, format!("segment {} gained parts", segment.msn));
        }
    }
    let mut listed = new.segments.iter().chain(&new.open).skip_while(|segment| segment.parts.is_empty());
    if new.part_target.is_some() && listed.any(|segment| segment.parts.is_empty() && segment.uri.is_some()) {
        findings.must("6.2.2", 0, "parts were removed behind others that are still there");
    }
}

/// §4.4.5.3: the next part is the one that was hinted at.
fn hint(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let Some(hint) = old.hints.iter().find(|hint| hint.kind == "PART") else { return };
    let last = old.segments.iter().chain(&old.open).flat_map(|segment| &segment.parts).last();
    let mut parts = new.segments.iter().chain(&new.open).flat_map(|segment| &segment.parts);
    let next = match last {
        Some(last) => parts.by_ref().skip_while(|part| part.uri != last.uri).nth(1),
        None => parts.next(),
    };
    if let Some(next) = next.filter(|next| next.uri != hint.uri) {
        let text = format!("the next part is `{}`, but `{}` was hinted at", next.uri, hint.uri);
        findings.must("4.4.5.3", next.line, text);
    }
}

/// §4.4.5.4: other renditions go forward.
fn reports(old: &MediaPlaylist, new: &MediaPlaylist, findings: &mut Vec<Finding>) {
    for report in &new.reports {
        let before = old.reports.iter().find(|before| before.uri == report.uri);
        if before
            .is_some_and(|before| (report.last_msn, report.last_part) < (before.last_msn, before.last_part))
        {
            findings.must("4.4.5.4", 0, format!("the report of `{}` went back", report.uri));
        }
    }
}
