//! Lines, attribute lists and the values in them (RFC 8216bis §4.1, §4.2).

use super::finding::{Finding, Object as _};

/// The lines of a playlist with their numbers from 1, blank ones and comments left out. Objects to what no playlist may
/// contain.
pub(super) fn lines<'a>(text: &'a str, findings: &mut Vec<Finding>) -> Vec<(usize, &'a str)> {
    if text.starts_with('\u{feff}') {
        findings.must("4.1", 1, "a byte order mark");
    }
    let control = |character: char| character.is_control() && !matches!(character, '\r' | '\n');
    let numbered = (1..).zip(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)));
    let mut lines = Vec::new();
    for (number, line) in numbered {
        if line.contains(control) {
            findings.must("4.1", number, "a control character");
        }
        let comment = line.starts_with('#') && !line.starts_with("#EXT");
        if !line.is_empty() && !comment {
            lines.push((number, line));
        }
    }
    if lines.first().is_none_or(|&(number, line)| number != 1 || line != "#EXTM3U") {
        findings.must("4.4.1.1", 1, "the first line is not #EXTM3U");
    }
    lines
}

/// A tag with its value: `#EXTINF:1.0,` is `EXTINF` and `1.0,`. `None` for a URI.
pub(super) fn tag(line: &str) -> Option<(&str, &str)> {
    let tag = line.strip_prefix('#')?;
    Some(tag.split_once(':').unwrap_or((tag, "")))
}

/// An attribute list.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    line: usize,
    list: Vec<(String, Value)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    quoted: bool,
    text: String,
}

impl Attributes {
    /// Reads a list, and objects to what is no attribute list.
    pub(super) fn read(text: &str, line: usize, findings: &mut Vec<Finding>) -> Self {
        let mut list: Vec<(String, Value)> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some((name, after)) = rest.split_once('=') else {
                findings.must("4.2", line, format!("`{rest}` is no attribute"));
                break;
            };
            let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || !name.bytes().all(legal) {
                findings.must("4.2", line, format!("`{name}` is no attribute name"));
            }
            if list.iter().any(|(known, _)| known == name) {
                findings.must("4.2", line, format!("{name} stands there twice"));
            }
            let (value, after) = match after.strip_prefix('"') {
                Some(inside) => match inside.split_once('"') {
                    Some((text, after)) => (Value { quoted: true, text: text.to_owned() }, after),
                    None => {
                        findings.must("4.2", line, format!("{name} has no closing quote"));
                        break;
                    }
                },
                None => {
                    let end = after.find(',').unwrap_or(after.len());
                    let (text, after) = after.split_at(end);
                    if text.is_empty() || text.contains(['"', ' ', '\t']) {
                        findings.must("4.2", line, format!("{name} has the value `{text}`"));
                    }
                    (Value { quoted: false, text: text.to_owned() }, after)
                }
            };
            list.push((name.to_owned(), value));
            rest = match after.strip_prefix(',') {
                Some("") => {
                    findings.must("4.2", line, "a comma at the end");
                    ""
                }
                Some(rest) => rest,
                None if after.is_empty() => "",
                None => {
                    findings.must("4.2", line, format!("`{after}` after the value of {name}"));
                    ""
                }
            };
        }
        Self { line, list }
    }

    fn value(&self, name: &str, quoted: bool, findings: &mut Vec<Finding>) -> Option<&str> {
        let (_, value) = self.list.iter().find(|(known, _)| known == name)?;
        if value.quoted != quoted {
            let kind = if quoted { "a quoted string" } else { "without quotes" };
            findings.must("4.2", self.line, format!("{name} is to be {kind}"));
        }
        Some(&value.text)
    }

    /// A quoted string.
    pub(super) fn string(&self, name: &str, findings: &mut Vec<Finding>) -> Option<String> {
        self.value(name, true, findings).map(ToOwned::to_owned)
    }

    /// An enumerated string.
    pub(super) fn word(&self, name: &str, findings: &mut Vec<Finding>) -> Option<String> {
        self.value(name, false, findings).map(ToOwned::to_owned)
    }

    /// An enumerated string that can only be `YES`.
    pub(super) fn yes(&self, name: &str, findings: &mut Vec<Finding>) -> bool {
        let Some(word) = self.word(name, findings) else { return false };
        if word != "YES" {
            findings.must("4.2", self.line, format!("{name} is `{word}`, expected YES"));
        }
        word == "YES"
    }

    /// A decimal integer.
    pub(super) fn integer(&self, name: &str, findings: &mut Vec<Finding>) -> Option<u64> {
        let text = self.value(name, false, findings)?;
        let number = integer(text);
        if number.is_none() {
            findings.must("4.2", self.line, format!("{name} is `{text}`, expected a decimal integer"));
        }
        number
    }

    /// A decimal number of seconds, in nanoseconds.
    pub(super) fn seconds(&self, name: &str, findings: &mut Vec<Finding>) -> Option<i64> {
        let text = self.value(name, false, findings)?;
        let nanos = seconds(text);
        if nanos.is_none() {
            findings.must("4.2", self.line, format!("{name} is `{text}`, expected a decimal number"));
        }
        nanos
    }

    /// Objects if one of the attributes that the tag cannot be without is missing.
    pub(super) fn require(&self, section: &'static str, names: &[&str], findings: &mut Vec<Finding>) {
        for name in names {
            if !self.has(name) {
                findings.must(section, self.line, format!("{name} is missing"));
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.list.iter().any(|(known, _)| known == name)
    }
}

/// A decimal integer of up to 64 bits.
pub(super) fn integer(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A decimal number, with a sign or not, in billionths: digits beyond the ninth are refused.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let digits_only = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits_only(whole) || !digits_only(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(fraction)?.checked_mul(sign)
}

/// A date and time with milliseconds and a zone, `2026-01-01T00:00:00.000Z`, in milliseconds since 1970.
pub(super) fn date_time(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, offset_minutes) = match time.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let (clock, zone) = time.split_at_checked(time.len().checked_sub(6)?)?;
            let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
            let minutes = hours * 60 + minutes;
            (clock, if zone.starts_with('-') { -minutes } else { minutes })
        }
    };
    let (clock, fraction) = clock.split_once('.')?;
    let [hours, minutes, seconds] = numbers(clock, ':')?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hours)
        && (0..60).contains(&minutes)
        && (0..=60).contains(&seconds);
    if !in_range || fraction.len() < 3 {
        return None;
    }
    let millis: i64 = fraction.get(..3)?.parse().ok()?;
    let minutes = (days(year, month, day) * 24 + hours) * 60 + minutes - offset_minutes;
    Some((minutes * 60 + seconds) * 1000 + millis)
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let parsed: Option<Vec<i64>> = text
        .split(separator)
        .map(|digits| integer(digits).and_then(|number| i64::try_from(number).ok()))
        .collect();
    parsed?.try_into().ok()
}

/// Days from 1970-01-01: years are counted from March, so that the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let in_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(date_time("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(date_time("2026-01-01T00:00:00.123Z"), Some(1_767_225_600_123));
        assert_eq!(date_time("2024-02-29T23:59:59.500+08:00"), Some(1_709_222_399_500));
        assert_eq!(date_time("2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds("1.00001"), Some(1_000_010_000));
        assert_eq!(seconds("-0.6"), Some(-600_000_000));
        assert_eq!([seconds("1."), seconds(".5"), seconds("1e3"), seconds("")], [None; 4]);
    }

    #[test]
    fn attribute_lists_tell_names_and_kinds() {
        let mut findings = Vec::new();
        let list = Attributes::read("URI=\"a,b=c\",DURATION=0.2,INDEPENDENT=YES", 3, &mut findings);
        assert_eq!(list.string("URI", &mut findings).as_deref(), Some("a,b=c"));
        assert_eq!(list.seconds("DURATION", &mut findings), Some(200_000_000));
        assert!(list.yes("INDEPENDENT", &mut findings) && findings.is_empty());
        list.word("URI", &mut findings);
        assert_eq!(
            findings.pop().map(|f| f.to_string()).as_deref(),
            Some("line 3: URI is to be without quotes (RFC 8216bis §4.2, MUST)")
        );
        for wrong in ["URI=\"a", "uri=1", "A=1,A=2", "A=1,", "A=1 2", "A", "A=\"b\"c"] {
            Attributes::read(wrong, 1, &mut findings);
            assert_eq!(findings.drain(..).count(), 1, "{wrong}");
        }
    }
}
