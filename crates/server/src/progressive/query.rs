//! The query of a request for a file.

use super::form::{Container, Form};
use super::shown::{BadShown, Shown};
use std::time::Duration;

/// What a request for an endless file says.
#[derive(Debug)]
pub(super) struct Query {
    /// The stream's name.
    pub(super) src: Option<String>,
    /// Container and tracks.
    pub(super) form: Form,
    /// How long the file is to be.
    pub(super) duration: Option<Duration>,
    /// What the browser is to call it.
    pub(super) filename: Option<String>,
    /// How the picture of an MP4 is to be shown.
    pub(super) shown: Option<Shown>,
}

/// A parameter that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadQuery {
    #[error("duration: expected a number of seconds such as 30, got {0:?}")]
    Duration(String),
    #[error(transparent)]
    Shown(#[from] BadShown),
}

impl Query {
    /// Reads the query of a request for a file of this kind.
    pub(super) fn parse(container: Container, query: &str) -> Result<Self, BadQuery> {
        let pairs = pairs(query);
        let duration = match value(&pairs, "duration").filter(|text| !text.is_empty()) {
            Some(text) => duration(text)?,
            None => None,
        };
        let shown = match container {
            Container::Mp4 => Shown::from_query(&pairs)?,
            Container::Ts | Container::Flv | Container::Aac => None,
        };
        Ok(Self {
            shown,
            src: value(&pairs, "src").filter(|src| !src.is_empty()).map(str::to_owned),
            form: Form::from_query(container, &pairs),
            duration,
            filename: value(&pairs, "filename").filter(|name| !name.is_empty()).map(str::to_owned),
        })
    }
}

/// The first value of a key.
pub(super) fn value<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
}

/// Keys and values in their order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Seconds; 0 is no end, as in go2rtc.
fn duration(text: &str) -> Result<Option<Duration>, BadQuery> {
    let bad = || BadQuery::Duration(text.chars().take(20).collect());
    let seconds: f64 = text.parse().map_err(|_| bad())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

/// `Content-Disposition` of a file of this name (RFC 6266): in ASCII for those who know no other, and as it is. What browsers
/// would take for a path or cannot show is left out.
pub(super) fn disposition(name: &str) -> String {
    const LONGEST: usize = 200;
    let name: String =
        name.chars().filter(|c| !c.is_control() && !"/\\\"".contains(*c)).take(LONGEST).collect();
    let name = name.trim_start_matches('.').trim();
    let name = if name.is_empty() { "video" } else { name };
    let plain: String = name.chars().map(|c| if c.is_ascii() && c != '%' { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    // RFC 8187 §3.2.1: everything but letters and digits may be encoded.
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_of_seconds() {
        let read = |text: &str| duration(text);
        assert_eq!(read("15"), Ok(Some(Duration::from_secs(15))));
        assert_eq!(read("0.5"), Ok(Some(Duration::from_millis(500))));
        assert_eq!(read("0"), Ok(None));
        for text in ["-1", "1m", "NaN", "inf", "1e99"] {
            let sentence = read(text).expect_err(text).to_string();
            assert_eq!(sentence, format!("duration: expected a number of seconds such as 30, got {text:?}"));
        }
    }

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        for (name, expected) in [
            ("cam.mp4", r#"attachment; filename="cam.mp4""#),
            ("../../etc/passwd", r#"attachment; filename="etcpasswd""#),
            ("a\"; x=\r\nSet-Cookie: b", r#"attachment; filename="a; x=Set-Cookie: b""#),
            ("..", r#"attachment; filename="video""#),
            ("문.mp4", r#"attachment; filename="_.mp4"; filename*=UTF-8''%EB%AC%B8%2Emp4"#),
            ("100%.mp4", r#"attachment; filename="100_.mp4"; filename*=UTF-8''100%25%2Emp4"#),
        ] {
            assert_eq!(disposition(name), expected);
        }
    }

    #[test]
    fn the_query_is_read() {
        let query =
            Query::parse(Container::Mp4, "src=front%20door&duration=5&filename=a.mp4").expect("right");
        assert_eq!(query.src.as_deref(), Some("front door"));
        assert_eq!(query.duration, Some(Duration::from_secs(5)));
        assert_eq!(query.filename.as_deref(), Some("a.mp4"));
        assert!(Query::parse(Container::Ts, "src=a&duration=x").is_err());
    }
}
