//! `${NAME}` and `${NAME:default}` in configuration files, as go2rtc has them.
//!
//! go2rtc replaces in the bytes of the file. Here the value goes into the scalar after YAML is parsed, so that a password
//! with `#`, `: ` or a quote stays a password. What cannot be done this way: a value that brings YAML of its own.

use std::borrow::Cow;

/// Added to the ASCII characters of a reference while YAML is parsed, for `{`, `:` and `#` mean something to it. One
/// character for one, so that places stay true; of Unicode's private use area, so nobody's words.
const HIDDEN: u32 = 0xF800;

/// Where values come from: the name in, the value out.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A text after substitution.
pub(super) struct Substituted {
    pub(super) text: String,
    /// The values that came from outside the file: secrets.
    pub(super) values: Vec<String>,
    /// Names without a value and without a default.
    pub(super) missing: Vec<String>,
}

/// Hides every reference of the text from the YAML parser.
pub(super) fn protect(text: &str) -> Cow<'_, str> {
    if !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = reference_length(from).unwrap_or(0);
        out.extend(from[..end].chars().map(hide));
        if end == 0 {
            out.push_str("${");
        }
        rest = &from[end.max(2)..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Bytes of the reference that `text` begins with: `${`, a name, perhaps `:` and a default, `}`, all on one line.
fn reference_length(text: &str) -> Option<usize> {
    let inner = &text[2..text.find(['}', '\n'])?];
    let name = inner.split_once(':').map_or(inner, |(name, _)| name);
    let valid =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    (valid && text[2 + inner.len()..].starts_with('}')).then_some(inner.len() + 3)
}

fn hide(c: char) -> char {
    if c.is_ascii() { char::from_u32(HIDDEN + u32::from(c)).unwrap_or(c) } else { c }
}

fn show(c: char) -> char {
    u32::from(c)
        .checked_sub(HIDDEN)
        .and_then(|c| u8::try_from(c).ok())
        .filter(u8::is_ascii)
        .map_or(c, char::from)
}

/// The text as it was written.
pub(super) fn written(text: &str) -> String {
    text.chars().map(show).collect()
}

/// Puts values in place of the references of a protected text. A name without value and default stays as it is.
pub(super) fn substitute(text: &str, lookup: &Lookup<'_>) -> Substituted {
    let mut out = String::with_capacity(text.len());
    let mut values = Vec::new();
    let mut missing = Vec::new();
    let open: String = "${".chars().map(hide).collect();
    let mut rest = text;
    while let Some(at) = rest.find(&open) {
        out.extend(rest[..at].chars().map(show));
        let close = rest[at..].find(hide('}')).map_or(rest.len(), |end| at + end + hide('}').len_utf8());
        let reference = written(&rest[at..close]);
        let inner = reference.trim_start_matches("${").trim_end_matches('}');
        let (name, default) =
            inner.split_once(':').map_or((inner, None), |(name, default)| (name, Some(default)));
        match (lookup(name), default) {
            (Some(value), _) => {
                out.push_str(&value);
                values.push(value);
            }
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                missing.push(name.to_owned());
                out.push_str(&reference);
            }
        }
        rest = &rest[close..];
    }
    out.extend(rest.chars().map(show));
    Substituted { text: out, values, missing }
}

#[cfg(test)]
mod tests {
    use super::{protect, substitute, written};

    fn check(text: &str, expected: &str) {
        let lookup = |name: &str| (name == "PASS").then(|| "p#1: '\"".to_owned());
        let protected = protect(text);
        assert_eq!(written(&protected), text, "places stay true");
        assert_eq!(protected.chars().count(), text.chars().count());
        assert_eq!(substitute(&protected, &lookup).text, expected);
    }

    #[test]
    fn a_name_becomes_its_value_its_default_or_stays() {
        check("${PASS}", "p#1: '\"");
        check("rtsp://u:${PASS}@h/${PATH:live/1}", "rtsp://u:p#1: '\"@h/live/1");
        check("${NOBODY}", "${NOBODY}");
        check("${NOBODY:}", "");
        check("${NOBODY:é:1}", "é:1");
    }

    #[test]
    fn what_is_no_reference_stays() {
        for text in ["$PASS", "${", "${}", "${PASS", "${a b}", "${PA\nSS}", "$${", "}"] {
            check(text, text);
        }
    }
}
