//! One log line as text.

use super::{Style, module};
use crate::config::LogTime;
use jiff::Zoned;
use serde_json::{Map, Value};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// What an event says.
#[derive(Debug)]
pub(super) struct Line {
    level: Level,
    module: String,
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Line {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut line = Self {
            level: *metadata.level(),
            module: module(metadata.target()).0.to_owned(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut line);
        line
    }

    /// The line with its end.
    pub(super) fn write(&self, style: Style, time: LogTime, now: &Zoned) -> String {
        match style {
            Style::Json => self.json(time, now),
            Style::Text => self.text(time, now, &Paint::default()),
            Style::Color => self.text(time, now, &Paint::on(self.level)),
        }
    }

    fn text(&self, time: LogTime, now: &Zoned, paint: &Paint) -> String {
        let mut out = String::with_capacity(96);
        if time != LogTime::None {
            let _ = write!(out, "{}{}{} ", paint.faint, now.strftime("%H:%M:%S%.3f"), paint.off);
        }
        let _ = write!(out, "{}{}{} [{}] ", paint.level, level_word(self.level), paint.off, self.module);
        push_printable(&mut out, &self.message);
        for (name, value) in &self.fields {
            let _ = write!(out, " {}{name}={}", paint.key, paint.off);
            // As go2rtc's console writer: quotes where the value's end would not be seen otherwise.
            if value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"') {
                let _ = write!(out, "{value:?}");
            } else {
                push_printable(&mut out, value);
            }
        }
        out.push('\n');
        out
    }

    fn json(&self, time: LogTime, now: &Zoned) -> String {
        let mut object = Map::new();
        object.insert("level".to_owned(), self.level.as_str().to_ascii_lowercase().into());
        let timestamp = now.timestamp();
        let time: Option<Value> = match time {
            LogTime::None => None,
            LogTime::Milliseconds => Some(timestamp.as_millisecond().into()),
            LogTime::Microseconds => Some(timestamp.as_microsecond().into()),
            LogTime::Nanoseconds => i64::try_from(timestamp.as_nanosecond()).ok().map(Value::from),
        };
        object.extend(time.map(|time| ("time".to_owned(), time)));
        for (name, value) in &self.fields {
            object.insert((*name).to_owned(), value.as_str().into());
        }
        object.insert("message".to_owned(), format!("[{}] {}", self.module, self.message).into());
        format!("{}\n", Value::Object(object))
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.fields.push((field.name(), value.to_owned()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Control characters are escaped: a peer's text cannot forge a line or paint the terminal.
fn push_printable(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::TRACE => "TRC",
        Level::DEBUG => "DBG",
        Level::INFO => "INF",
        Level::WARN => "WRN",
        Level::ERROR => "ERR",
    }
}

/// Terminal colours (ECMA-48 §8.3.117), or nothing.
#[derive(Default)]
struct Paint {
    faint: &'static str,
    level: &'static str,
    key: &'static str,
    off: &'static str,
}

impl Paint {
    fn on(level: Level) -> Self {
        let level = match level {
            Level::TRACE => "\x1b[34m",
            Level::DEBUG => "\x1b[36m",
            Level::INFO => "\x1b[32m",
            Level::WARN => "\x1b[33m",
            Level::ERROR => "\x1b[31m",
        };
        Self { faint: "\x1b[90m", level, key: "\x1b[36m", off: "\x1b[0m" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(style: Style, time: LogTime, message: &str, fields: &[(&'static str, &str)], expected: &str) {
        let now: Zoned = "2026-11-22T15:04:05.678[UTC]".parse().expect("a time");
        let line = Line {
            level: Level::INFO,
            module: "api".to_owned(),
            message: message.to_owned(),
            fields: fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        };
        assert_eq!(line.write(style, time, &now), format!("{expected}\n"));
    }

    #[test]
    fn a_line_has_go2rtcs_shape() {
        let addr = [("addr", ":1984")];
        check(
            Style::Text,
            LogTime::Milliseconds,
            "listen",
            &addr,
            "15:04:05.678 INF [api] listen addr=:1984",
        );
        check(Style::Text, LogTime::None, "listen", &addr, "INF [api] listen addr=:1984");
        let json = r#"{"addr":":1984","level":"info","message":"[api] listen","time":1795359845678}"#;
        check(Style::Json, LogTime::Milliseconds, "listen", &addr, json);
    }

    #[test]
    fn values_with_spaces_are_quoted() {
        check(Style::Text, LogTime::None, "x", &[("a", "b c"), ("d", "")], "INF [api] x a=\"b c\" d=\"\"");
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        check(Style::Text, LogTime::None, "a\nERR b\x1b[31m", &[], "INF [api] a\\nERR b\\u{1b}[31m");
    }
}
