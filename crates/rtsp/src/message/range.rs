//! The Range header (RFC 2326 §12.29): which part of a recording is played.
//!
//! Left out: SMPTE time codes, which no camera offers and no player asks for, and the `time` parameter.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Which part of a presentation is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// By normal play time: counted from the recording's start, or live.
    Npt {
        /// Where it begins; `None` in `npt=-5`.
        start: Option<NptTime>,
        /// Where it ends; `None` is open.
        end: Option<NptTime>,
    },
    /// By wall clock, in UTC.
    Clock {
        /// Where it begins.
        start: ClockTime,
        /// Where it ends; `None` is open.
        end: Option<ClockTime>,
    },
}

/// A point in normal play time (RFC 2326 §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NptTime {
    /// The live edge.
    Now,
    /// Since the start of the recording.
    At(Duration),
}

/// A point of the wall clock in UTC, as `YYYYMMDDTHHMMSS[.fraction]Z` (RFC 2326 §3.7). It is handed through to the
/// recorder, so it keeps the form it has on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockTime(String);

/// A range that is in none of the forms `npt=from-to`, `clock=from-to`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a range is `npt=10.5-60`, `npt=0:01:30-`, `npt=now-`, `clock=20261122T100000Z-` or `clock=20261122T100000Z-20261122T110000Z`, got {0:?}"
)]
pub struct RangeError(String);

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(value: &str) -> Result<Self, RangeError> {
        parse_range(value).ok_or_else(|| RangeError(value.chars().take(80).collect()))
    }
}

fn parse_range(value: &str) -> Option<Range> {
    let (unit, span) = value.split(';').next()?.split_once('=')?;
    // The dash of `clock=2026-11-22T…` is none, but the one after the first `Z` is.
    match unit.trim().to_ascii_lowercase().as_str() {
        "npt" => {
            let (start, end) = span.split_once('-')?;
            let (start, end) = (parse_npt(start)?, parse_npt(end)?);
            (start.is_some() || end.is_some()).then_some(Range::Npt { start, end })
        }
        "clock" => {
            let (start, end) = match span.split_once("Z-") {
                Some((start, end)) => (format!("{start}Z"), end.trim()),
                None => (span.trim().to_owned(), ""),
            };
            let end = if end.is_empty() { None } else { Some(end.parse().ok()?) };
            Some(Range::Clock { start: start.parse().ok()?, end })
        }
        _ => None,
    }
}

/// `Some(None)` is an open end.
fn parse_npt(value: &str) -> Option<Option<NptTime>> {
    match value.trim() {
        "" => Some(None),
        "now" => Some(Some(NptTime::Now)),
        value => {
            let mut seconds = 0.0;
            let mut parts = value.split(':');
            for part in parts.by_ref().take(3) {
                let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                let part: f64 = part.parse().ok().filter(|_| is_number)?;
                seconds = seconds * 60.0 + part;
            }
            let at = Duration::try_from_secs_f64(seconds).ok().filter(|_| parts.next().is_none())?;
            Some(Some(NptTime::At(at)))
        }
    }
}

impl FromStr for ClockTime {
    type Err = RangeError;

    /// Takes the form of the wire and the one people write, `2026-11-22T10:00:00Z`.
    fn from_str(value: &str) -> Result<Self, RangeError> {
        let compact: String = value.trim().chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let time = compact.strip_suffix('Z').and_then(|time| time.split_once('T')).filter(|(date, time)| {
            let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            date.len() == 8
                && whole.len() == 6
                && (1..=9).contains(&fraction.len())
                && [date, whole, fraction].into_iter().all(digits)
        });
        match time {
            Some(_) => Ok(Self(compact)),
            None => Err(RangeError(value.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NptTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::At(at) => write!(f, "{}.{:03}", at.as_secs(), at.subsec_millis()),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Npt { start, end } => {
                f.write_str("npt=")?;
                write_span(f, start.as_ref(), end.as_ref())
            }
            Self::Clock { start, end } => {
                f.write_str("clock=")?;
                write_span(f, Some(start), end.as_ref())
            }
        }
    }
}

fn write_span<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    start: Option<&T>,
    end: Option<&T>,
) -> fmt::Result {
    if let Some(start) = start {
        write!(f, "{start}")?;
    }
    f.write_str("-")?;
    end.map_or(Ok(()), |end| write!(f, "{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: &str, expected: &str) {
        let parsed: Range = value.parse().expect("a range");
        assert_eq!(parsed.to_string(), expected, "{value:?}");
    }

    #[test]
    fn ranges_are_read() {
        check("npt=now-", "npt=now-");
        check("npt=0.000000-", "npt=0.000-");
        check("npt=0.0-596.48", "npt=0.000-596.480");
        check("npt=0- 596.48", "npt=0.000-596.480"); // Wowza
        check("npt=0:01:30.5-", "npt=90.500-");
        check("npt=-5", "npt=-5.000");
        check("clock=20261122T100000Z-", "clock=20261122T100000Z-");
        check("clock=20261122T100000.25Z-20261122T110000Z", "clock=20261122T100000.25Z-20261122T110000Z");
        check("clock=2026-11-22T10:00:00Z-2026-11-22T11:00:00Z", "clock=20261122T100000Z-20261122T110000Z");
        check("npt=0-;time=19970123T143720Z", "npt=0.000-");
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for value in [
            "",
            "npt",
            "npt=",
            "npt=-",
            "npt=x-",
            "npt=1:2:3:4-",
            "npt=1e9-",
            "clock=today-",
            "clock=20261122-",
            "smpte=0-",
            "clock=20261122T100000Z-x",
        ] {
            assert!(value.parse::<Range>().is_err(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn written_ranges_are_read_back(start in 0u64..1_000_000_000, end in prop::option::of(0u64..1_000_000_000)) {
            let at = |ms| NptTime::At(Duration::from_millis(ms));
            let range = Range::Npt { start: Some(at(start)), end: end.map(at) };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_value_panics(value in "(npt=|clock=|now|[0-9.:TZ-]|\\PC){0,20}") {
            let _ = value.parse::<Range>();
        }
    }
}
