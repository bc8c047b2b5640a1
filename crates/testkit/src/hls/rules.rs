//! What a Media Playlist has to be by itself (RFC 8216bis §4.4, §8, appendix B.1).

use super::finding::{Finding, Object as _};
use super::media::{MediaPlaylist, Segment};

const SECOND: i64 = 1_000_000_000;
/// Playlists tell durations in 5 decimals.
const ROUNDING: i64 = 10_000;
/// Program dates are in milliseconds.
const MILLIS: i64 = 1_000_000;

type Rule = fn(&MediaPlaylist, &mut Vec<Finding>);

/// Every rule, in the order of the standard.
const RULES: &[Rule] = &[
    start_offset,
    target_duration,
    part_information,
    server_control,
    gaps,
    dates,
    parts,
    independence,
    skip,
    hints,
    discontinuity_sequence,
    versions,
    low_latency_profile,
];

pub(super) fn check(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    for rule in RULES {
        rule(playlist, findings);
    }
}

/// Segments, the one in progress included.
fn all(playlist: &MediaPlaylist) -> impl Iterator<Item = &Segment> {
    playlist.segments.iter().chain(&playlist.open)
}

fn target(playlist: &MediaPlaylist) -> i64 {
    i64::try_from(playlist.target_duration.unwrap_or(1)).unwrap_or(i64::MAX / SECOND) * SECOND
}

/// §4.4.2.2: an offset within the playlist, and not too close to its end. A stream of one segment has just begun: it grows into its
/// offset, which must not change with it (§6.2.1).
fn start_offset(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let Some(start) = playlist.start else { return };
    if start.time_offset.abs() > playlist.duration()
        && playlist.skipped.is_none()
        && playlist.segments.len() > 1
    {
        findings.should("4.4.2.2", 0, "TIME-OFFSET is longer than the playlist");
    }
    if !playlist.ended && start.time_offset < 0 && -start.time_offset < 3 * target(playlist) {
        findings.should("4.4.2.2", 0, "TIME-OFFSET is within three target durations of the end");
    }
}

/// §4.4.3.1: there, at least 1, and an upper bound of every duration.
fn target_duration(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    match playlist.target_duration {
        None => findings.must("4.4.3.1", 0, "EXT-X-TARGETDURATION is missing"),
        Some(0) => findings.must("4.4.3.1", 0, "EXT-X-TARGETDURATION is 0"),
        Some(_) => {}
    }
    for segment in &playlist.segments {
        let rounded = (segment.duration + SECOND / 2) / SECOND * SECOND;
        if rounded > target(playlist) {
            let text = format!("{} s are longer than the target duration", decimal(segment.duration));
            findings.must("4.4.3.1", segment.line, text);
        }
    }
}

/// §4.4.3.7: there where parts are.
fn part_information(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let has_parts = all(playlist).any(|segment| !segment.parts.is_empty());
    if has_parts && playlist.part_target.is_none() {
        findings.must("4.4.3.7", 0, "parts without EXT-X-PART-INF");
    }
}

/// §4.4.3.8: hold-backs and the skip boundary are long enough.
fn server_control(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let control = playlist.server_control.unwrap_or_default();
    let target = target(playlist);
    if let Some(part_target) = playlist.part_target {
        match control.part_hold_back {
            None => findings.must("4.4.3.8", 0, "EXT-X-PART-INF without PART-HOLD-BACK"),
            Some(hold_back) if hold_back < 2 * part_target => {
                findings.must("4.4.3.8", 0, "PART-HOLD-BACK is below two part target durations");
            }
            Some(hold_back) if hold_back < 3 * part_target => {
                findings.should("4.4.3.8", 0, "PART-HOLD-BACK is below three part target durations");
            }
            Some(_) => {}
        }
    }
    if control.hold_back.is_some_and(|hold_back| hold_back < 3 * target) {
        findings.must("4.4.3.8", 0, "HOLD-BACK is below three target durations");
    }
    if control.can_skip_until.is_some_and(|boundary| boundary < 6 * target) {
        findings.must("4.4.3.8", 0, "CAN-SKIP-UNTIL is below six target durations");
    }
    if control.can_skip_date_ranges && control.can_skip_until.is_none() {
        findings.must("4.4.3.8", 0, "CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL");
    }
}

/// §6.2.1: the parts of an absent segment are absent too.
fn gaps(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    for segment in &playlist.segments {
        for part in segment.parts.iter().filter(|part| part.gap != segment.gap) {
            findings.must("6.2.1", part.line, "EXT-X-GAP and GAP=YES do not go together");
        }
    }
}

/// §6.2.1: dates and media time map to each other without ambiguity; overlaps are short.
fn dates(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let segments: Vec<&Segment> = all(playlist).collect();
    for pair in segments.windows(2) {
        let [before, after] = pair else { continue };
        if let (Some(from), Some(to)) = (before.date_time, after.date_time) {
            let ends = from * MILLIS + before.duration;
            if to < from {
                findings.must("6.2.1", after.line, "the date is before that of the segment before");
            } else if ends - to * MILLIS >= SECOND {
                findings.must(
                    "6.2.1",
                    after.line,
                    "the date overlaps the segment before by a second or more",
                );
            }
        }
        if after.discontinuity && before.date_time.is_some() && after.date_time.is_none() {
            findings.should("6.2.1", after.line, "a discontinuity without EXT-X-PROGRAM-DATE-TIME");
        }
    }
}

/// §4.4.4.9: parts are neither longer than the target nor much shorter. That they are together about as long as their segment
/// goes without saying there.
fn parts(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let Some(target) = playlist.part_target else { return };
    for segment in all(playlist) {
        for (index, part) in segment.parts.iter().enumerate() {
            if part.duration > target {
                let text = format!("{} s are longer than the part target", decimal(part.duration));
                findings.must("4.4.4.9", part.line, text);
            }
            let next = segment.parts.get(index + 1);
            // Whether the last part of the segment in progress is the last of all is not known yet.
            let may_be_last = next.is_none() && segment.uri.is_some();
            let exempt = part.independent || part.gap || may_be_last || next.is_some_and(|next| next.gap);
            if !exempt && (part.duration + ROUNDING) * 100 < target * 85 {
                let text = format!("{} s are below 85 % of the part target", decimal(part.duration));
                findings.must("4.4.4.9", part.line, text);
            }
        }
        if segment.uri.is_some() && !segment.parts.is_empty() {
            let difference = (segment.parts_duration() - segment.duration).abs();
            if difference > target {
                let text = format!("parts and segment differ by {} s", decimal(difference));
                findings.should("4.4.4.9", segment.line, text);
            }
        }
    }
}

/// §4.4.2.1, §4.4.4.9: a segment that needs no other begins with an independent part.
fn independence(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    for segment in all(playlist).filter(|_| playlist.independent_segments) {
        if segment.parts.first().is_some_and(|first| !first.independent && !first.gap) {
            findings.must("4.4.2.1", segment.line, "the first part of an independent segment is not");
        }
    }
}

/// §4.4.5.2, §6.2.5.1: only what was promised is skipped.
fn skip(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    if playlist.skipped.is_none() {
        return;
    }
    let boundary = playlist.server_control.and_then(|control| control.can_skip_until);
    match boundary {
        None => findings.must("6.2.5.1", 0, "EXT-X-SKIP without CAN-SKIP-UNTIL"),
        Some(boundary) if playlist.duration() < boundary => {
            findings.must("6.2.5.1", 0, "a segment within the skip boundary was skipped");
        }
        Some(_) => {}
    }
    if playlist.ended {
        findings.must("6.2.5.1", 0, "EXT-X-SKIP in a playlist that has ended");
    }
}

/// §4.4.5.3, §6.2.6: none at the end, one of a kind.
fn hints(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    for (index, hint) in playlist.hints.iter().enumerate() {
        if playlist.ended {
            findings.must("4.4.5.3", hint.line, "a hint in a playlist that has ended");
        }
        if !matches!(hint.kind.as_str(), "PART" | "MAP") {
            findings.must("4.4.5.3", hint.line, format!("a hint of the kind {}", hint.kind));
        }
        if playlist.hints.iter().take(index).any(|other| other.kind == hint.kind) {
            findings.should("6.2.6", hint.line, format!("a second hint of the kind {}", hint.kind));
        }
        if all(playlist).flat_map(|segment| &segment.parts).any(|part| part.uri == hint.uri) {
            findings.must("4.4.5.3", hint.line, "the hinted part is in the playlist already");
        }
    }
}

/// §6.2.2: a playlist that loses segments tells how many discontinuities it has lost.
fn discontinuity_sequence(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let has_discontinuity = all(playlist).any(|segment| segment.discontinuity);
    if has_discontinuity && playlist.media_sequence > 0 && playlist.discontinuity_sequence.is_none() {
        findings.must("6.2.2", 0, "EXT-X-DISCONTINUITY without EXT-X-DISCONTINUITY-SEQUENCE");
    }
}

/// §8: the version is as high as the tags demand, and §6.2.1 no higher.
fn versions(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    let mut needed = 1;
    if playlist.segments.iter().any(|segment| segment.duration % SECOND != 0) {
        needed = 3;
    }
    if all(playlist).any(|segment| segment.map.is_some()) {
        needed = 6;
    }
    if playlist.skipped.is_some() {
        needed = 9;
    }
    let version = playlist.version.unwrap_or(1);
    if version < needed {
        findings.must("8", 0, format!("version {version}, but the tags need {needed}"));
    }
    // Decimal durations that happen to be whole do not make a playlist of version 1.
    if version > needed.max(if playlist.part_target.is_some() { 6 } else { 3 }) {
        let map_was_skipped = playlist.skipped.is_some() || playlist.segments.is_empty();
        if !map_was_skipped {
            findings.should("6.2.1", 0, format!("version {version}, but the tags need only {needed}"));
        }
    }
}

/// Appendix B.1: what a client checks before it plays with low latency.
fn low_latency_profile(playlist: &MediaPlaylist, findings: &mut Vec<Finding>) {
    if playlist.part_target.is_none() {
        return;
    }
    let control = playlist.server_control.unwrap_or_default();
    if !control.can_block_reload && !playlist.ended {
        findings.must("B.1", 0, "parts without CAN-BLOCK-RELOAD");
    }
    if !playlist.ended && !playlist.hints.iter().any(|hint| hint.kind == "PART") {
        findings.must("B.1", 0, "parts without a hint at the next one");
    }
    if all(playlist).all(|segment| segment.date_time.is_none()) {
        findings.must("B.1", 0, "parts without EXT-X-PROGRAM-DATE-TIME");
    }
}

/// Seconds in words.
fn decimal(nanos: i64) -> String {
    format!("{}.{:05}", nanos / SECOND, nanos % SECOND / ROUNDING)
}
