//! What a request for pictures asks for, in go2rtc's query parameters and some of our own.

use super::shot::{Form, Look};
use crate::limits::{PICTURE_FPS_MOST, PICTURE_MAX_AGE};
use std::time::Duration;
use yeoul_transcode::ascii::Style;
use yeoul_transcode::jpeg::Quality;
use yeoul_transcode::{Turn, limits::MAX_SIDE};

/// The query of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Params {
    /// The name of the stream.
    pub(super) src: String,
    pub(super) look: Look,
    /// How old a picture may be that answers the request.
    pub(super) max_age: Duration,
    /// Pictures a second, if that was said.
    pub(super) fps: Option<f64>,
}

/// What the answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Jpeg,
    Text,
}

/// Why a query is not understood: a sentence for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParamError {
    #[error("name the stream: src=NAME")]
    NoName,
    #[error("{key}={value} is not understood; expected {expected}")]
    Value { key: String, value: String, expected: String },
}

impl Params {
    /// Reads the query of a request for pictures of that kind. Parameters that are not known are passed over, as in go2rtc.
    pub(super) fn parse(query: &str, kind: Kind) -> Result<Self, ParamError> {
        let (mut src, mut name) = (None, None);
        let (mut width, mut height, mut turn, mut quality) = (None, None, Turn::None, None);
        let (mut color, mut back, mut text) = (String::new(), String::new(), String::new());
        let (mut max_age, mut fps) = (PICTURE_MAX_AGE, None);
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let error = |expected: String| ParamError::Value {
                key: key.to_string(),
                value: value.chars().take(40).collect(),
                expected,
            };
            match &*key {
                "src" => src = Some(value.into_owned()),
                "name" => name = Some(value.into_owned()),
                "width" | "w" => width = side(&value).map_err(error)?,
                "height" | "h" => height = side(&value).map_err(error)?,
                "rotate" => turn = turn_of(&value).ok_or_else(|| error("90, 180, 270 or -90".to_owned()))?,
                "quality" => quality = Some(quality_of(&value).ok_or_else(|| error("1 to 100".to_owned()))?),
                "cache" => {
                    max_age = go_duration(&value)
                        .ok_or_else(|| error("a time as 500ms, 10s or 1m30s".to_owned()))?;
                }
                "fps" => {
                    fps = Some(fps_of(&value).ok_or_else(|| error(format!("0.1 to {PICTURE_FPS_MOST}")))?);
                }
                "color" => color = value.into_owned(),
                "back" => back = value.into_owned(),
                "text" => text = value.into_owned(),
                _ => {}
            }
        }
        let form = match kind {
            Kind::Jpeg => Form::Jpeg(quality),
            Kind::Text => Form::Text(Style::new(&color, &back, &text)),
        };
        let src = src.or(name).filter(|name| !name.is_empty()).ok_or(ParamError::NoName)?;
        Ok(Self { src, look: Look { width, height, turn, form }, max_age, fps })
    }
}

/// A width or height; nothing, 0 and -1 leave it to the picture's shape, as in go2rtc.
fn side(value: &str) -> Result<Option<usize>, String> {
    match value.parse::<i32>() {
        _ if value.is_empty() => Ok(None),
        Ok(-1 | 0) => Ok(None),
        Ok(side) if usize::try_from(side).is_ok_and(|side| side <= MAX_SIDE) => {
            Ok(usize::try_from(side).ok())
        }
        Ok(_) | Err(_) => Err(format!("1 to {MAX_SIDE} pixels")),
    }
}

fn turn_of(value: &str) -> Option<Turn> {
    if value.is_empty() { Some(Turn::None) } else { Turn::from_degrees(value.parse().ok()?) }
}

fn quality_of(value: &str) -> Option<Quality> {
    Quality::new(value.parse().ok()?)
}

fn fps_of(value: &str) -> Option<f64> {
    value.parse().ok().filter(|fps| (0.1..=f64::from(PICTURE_FPS_MOST)).contains(fps))
}

/// A duration as Go writes it: numbers with units, `1m30s`, `1.5h`; `0` needs none.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = after;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Params, String> {
        Params::parse(query, Kind::Jpeg).map_err(|error| error.to_string())
    }

    #[test]
    fn go2rtcs_parameters_are_read() {
        let params = parse("src=front+door&w=640&h=360&rotate=-90&cache=10s&hw=vaapi").unwrap();
        assert_eq!(params.src, "front door");
        let look = &params.look;
        assert_eq!((look.width, look.height, look.turn), (Some(640), Some(360), Turn::ThreeQuarters));
        assert_eq!((params.max_age, params.fps), (Duration::from_secs(10), None));
        assert_eq!(parse("name=cam&width=-1").unwrap().look.width, None);
        assert_eq!(parse("src=cam").unwrap().max_age, PICTURE_MAX_AGE);
    }

    #[test]
    fn what_is_not_understood_is_said_in_words() {
        assert_eq!(parse("width=640").unwrap_err(), "name the stream: src=NAME");
        assert_eq!(
            parse("src=cam&width=9999").unwrap_err(),
            "width=9999 is not understood; expected 1 to 8192 pixels"
        );
        assert_eq!(
            parse("src=cam&rotate=45").unwrap_err(),
            "rotate=45 is not understood; expected 90, 180, 270 or -90"
        );
        for wrong in
            ["fps=0", "fps=1e9", "fps=nan", "quality=0", "quality=101", "cache=10", "height=-2", "w=x"]
        {
            assert!(parse(&format!("src=cam&{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_those_of_go() {
        let ms = |text| go_duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("1m30s"), Some(90_000));
        assert_eq!(ms("1.5h"), Some(5_400_000));
        assert_eq!(ms("250ms"), Some(250));
        assert_eq!(ms("0"), Some(0));
        for wrong in ["", "s", "5", "5 s", "-5s", "5d", "1..5s", "9999999999999999999999h"] {
            assert_eq!(ms(wrong), None, "{wrong}");
        }
    }
}
