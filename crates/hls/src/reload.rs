//! Delivery directives in the query of a playlist request, and what is to be done about them (RFC 8216bis §6.2.5).

use crate::limits::MAX_DIGITS;
use crate::snapshot::Snapshot;
use std::time::Duration;

/// The directives of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `_HLS_msn`: the playlist is wanted once it has this segment, or the part of it.
    pub msn: Option<u64>,
    /// `_HLS_part`: the part of that segment.
    pub part: Option<u64>,
    /// `_HLS_skip=YES` or `v2`: a delta update is wanted.
    pub skip: bool,
}

/// Directives that no client may send: the answer is 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDirectives {
    /// Not a decimal integer.
    #[error("{name} has to be a decimal integer, got `{value}`")]
    NoNumber {
        /// The directive.
        name: &'static str,
        /// Its value, cut to a few characters.
        value: String,
    },
    /// Stands there twice.
    #[error("{0} stands in the query twice")]
    Twice(&'static str),
    /// RFC 8216bis §6.2.5.2: a part of what?
    #[error("_HLS_part needs _HLS_msn beside it")]
    PartWithoutSegment,
    /// RFC 8216bis §6.2.5.2: no playlist that comes soon will have it.
    #[error("segment {msn} is too far ahead: the last one is {last}")]
    SegmentTooFarAhead {
        /// What was asked for.
        msn: u64,
        /// The last complete segment, or the number before the first.
        last: u64,
    },
    /// RFC 8216bis §6.2.5.2.
    #[error("part {part} of segment {msn} is too far ahead: it has {parts} parts so far")]
    PartTooFarAhead {
        /// What was asked for.
        msn: u64,
        /// What was asked for.
        part: u64,
        /// How many there are.
        parts: u64,
    },
}

impl Directives {
    /// Reads the query of a playlist's URI, without the `?`. Parameters of others are passed over, and so is a `_HLS_skip` with
    /// another value than `YES` and `v2`.
    ///
    /// # Errors
    /// If a number is none, a directive stands there twice, or `_HLS_part` stands alone.
    pub fn parse(query: &str) -> Result<Self, BadDirectives> {
        let mut directives = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "_HLS_msn" => set(&mut directives.msn, "_HLS_msn", value)?,
                "_HLS_part" => set(&mut directives.part, "_HLS_part", value)?,
                "_HLS_skip" => directives.skip |= matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        if directives.part.is_some() && directives.msn.is_none() {
            return Err(BadDirectives::PartWithoutSegment);
        }
        Ok(directives)
    }
}

fn set(place: &mut Option<u64>, name: &'static str, value: &str) -> Result<(), BadDirectives> {
    let digits =
        !value.is_empty() && value.len() <= MAX_DIGITS && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    let Some(number) = number else {
        return Err(BadDirectives::NoNumber { name, value: value.chars().take(MAX_DIGITS).collect() });
    };
    match place.replace(number) {
        None => Ok(()),
        Some(_) => Err(BadDirectives::Twice(name)),
    }
}

/// What to do about a request for a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Send this snapshot's playlist.
    Ready,
    /// Hold the request and ask again about the next snapshot.
    Wait,
}

/// Which part of the standard applies to a playlist at one moment: all that [`reload`] has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The Media Sequence Number of the segment in progress: one more than that of the last complete one.
    pub open_msn: u64,
    /// How many parts the segment in progress has.
    pub open_parts: u64,
    /// How many parts the last complete segment had, also when they are no longer listed.
    pub last_parts: u64,
    /// `PART-TARGET`, if there are parts.
    pub part_target: Option<Duration>,
    /// `CAN-BLOCK-RELOAD=YES`.
    pub can_block: bool,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
}

impl Position {
    /// Whether a request with these directives can be answered now (RFC 8216bis §6.2.5.2).
    ///
    /// # Errors
    /// If they ask for what is too far ahead.
    pub fn reload(&self, directives: &Directives) -> Result<Reload, BadDirectives> {
        let Some(msn) = directives.msn else { return Ok(Reload::Ready) };
        if self.ended || !self.can_block {
            return Ok(Reload::Ready);
        }
        // The last Media Segment is the one before the one in progress.
        if msn > self.open_msn.saturating_add(1) {
            return Err(BadDirectives::SegmentTooFarAhead { msn, last: self.open_msn.saturating_sub(1) });
        }
        let ready = match directives.part.filter(|_| self.part_target.is_some()) {
            None => msn < self.open_msn,
            Some(part) => self.has_part(msn, part)?,
        };
        Ok(if ready { Reload::Ready } else { Reload::Wait })
    }

    fn has_part(&self, msn: u64, part: u64) -> Result<bool, BadDirectives> {
        if msn.saturating_add(1) < self.open_msn {
            return Ok(true);
        }
        if msn.saturating_add(1) == self.open_msn {
            // Beyond the last part of a segment is the first one of the next.
            return Ok(part < self.last_parts || self.open_parts > 0);
        }
        let parts = if msn == self.open_msn { self.open_parts } else { 0 };
        if part >= parts.saturating_add(self.advance_part_limit()) {
            return Err(BadDirectives::PartTooFarAhead { msn, part, parts });
        }
        Ok(part < parts)
    }

    /// The Advance Part Limit of RFC 8216bis §6.2.5.2.
    fn advance_part_limit(&self) -> u64 {
        const LIMIT: u64 = 3;
        match self.part_target {
            Some(target) if target < Duration::from_secs(1) => {
                (LIMIT * 1_000_000).div_ceil(u64::try_from(target.as_micros()).unwrap_or(1).max(1))
            }
            Some(_) | None => LIMIT,
        }
    }
}

/// As [`Position::reload`], for the playlist of a snapshot.
///
/// # Errors
/// If the directives ask for what is too far ahead.
pub fn reload(snapshot: &Snapshot, directives: &Directives) -> Result<Reload, BadDirectives> {
    snapshot.position().reload(directives)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segment 9 is complete and had 5 parts, segment 10 has 2 parts of 200 ms so far.
    const LIVE: Position = Position {
        open_msn: 10,
        open_parts: 2,
        last_parts: 5,
        part_target: Some(Duration::from_millis(200)),
        can_block: true,
        ended: false,
    };

    fn ask(position: &Position, query: &str) -> String {
        match Directives::parse(query).and_then(|directives| position.reload(&directives)) {
            Ok(Reload::Ready) => "ready".to_owned(),
            Ok(Reload::Wait) => "wait".to_owned(),
            Err(bad) => bad.to_string(),
        }
    }

    #[test]
    fn a_request_waits_until_the_part_is_there() {
        let check = |query: &str, expected: &str| assert_eq!(ask(&LIVE, query), expected, "{query}");
        check("", "ready");
        check("token=1&_HLS_other=2", "ready");
        check("_HLS_msn=9", "ready");
        check("_HLS_msn=0", "ready");
        check("_HLS_msn=10", "wait");
        check("_HLS_msn=11", "wait");
        check("_HLS_msn=12", "segment 12 is too far ahead: the last one is 9");
        check("_HLS_msn=10&_HLS_part=1", "ready");
        check("_HLS_msn=10&_HLS_part=2", "wait");
        check("_HLS_msn=10&_HLS_part=16", "wait");
        check("_HLS_msn=10&_HLS_part=17", "part 17 of segment 10 is too far ahead: it has 2 parts so far");
        check("_HLS_msn=11&_HLS_part=0", "wait");
        check("_HLS_msn=11&_HLS_part=15", "part 15 of segment 11 is too far ahead: it has 0 parts so far");
        check("_HLS_part=1", "_HLS_part needs _HLS_msn beside it");
        check("_HLS_msn=1&_HLS_msn=2", "_HLS_msn stands in the query twice");
        check("_HLS_msn=-1", "_HLS_msn has to be a decimal integer, got `-1`");
        check("_HLS_msn=", "_HLS_msn has to be a decimal integer, got ``");
        check(
            "_HLS_msn=18446744073709551615",
            "segment 18446744073709551615 is too far ahead: the last one is 9",
        );
        check(
            "_HLS_msn=18446744073709551616",
            "_HLS_msn has to be a decimal integer, got `18446744073709551616`",
        );
    }

    #[test]
    fn a_part_beyond_the_end_of_a_segment_is_the_first_of_the_next() {
        assert_eq!(ask(&LIVE, "_HLS_msn=9&_HLS_part=4"), "ready");
        assert_eq!(ask(&LIVE, "_HLS_msn=9&_HLS_part=5"), "ready");
        let fresh = Position { open_parts: 0, ..LIVE };
        assert_eq!(ask(&fresh, "_HLS_msn=9&_HLS_part=4"), "ready");
        assert_eq!(ask(&fresh, "_HLS_msn=9&_HLS_part=5"), "wait");
        assert_eq!(ask(&fresh, "_HLS_msn=8&_HLS_part=99"), "ready");
    }

    #[test]
    fn directives_are_ignored_where_nothing_comes_any_more() {
        assert_eq!(ask(&Position { ended: true, ..LIVE }, "_HLS_msn=99&_HLS_part=0"), "ready");
        assert_eq!(ask(&Position { can_block: false, ..LIVE }, "_HLS_msn=99"), "ready");
        let no_parts = Position { part_target: None, ..LIVE };
        assert_eq!(ask(&no_parts, "_HLS_msn=10&_HLS_part=0"), "wait");
    }

    #[test]
    fn a_delta_update_is_asked_for_by_two_words() {
        for (query, expected) in
            [("_HLS_skip=YES", true), ("_HLS_skip=v2", true), ("_HLS_skip=yes", false), ("", false)]
        {
            assert_eq!(Directives::parse(query).map(|directives| directives.skip), Ok(expected), "{query}");
        }
    }
}
