//! Section `log`.

use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::config::{Log, LogFormat, LogOutput, LogTime};
use std::path::PathBuf;
use tracing::Level;

/// The settings, then the modules of Yeoul and of go2rtc, which may have a level of their own.
const KEYS: &[&str] = &[
    "level",
    "format",
    "output",
    "time",
    "access",
    "api",
    "app",
    "config",
    "probe",
    "streams",
    "publish",
    "rtsp",
    "webrtc",
    "hub",
    "rtp",
    "alsa",
    "bubble",
    "doorbird",
    "dvrip",
    "echo",
    "eseecloud",
    "exec",
    "expr",
    "ffmpeg",
    "flussonic",
    "gopro",
    "hass",
    "hls",
    "homekit",
    "http",
    "isapi",
    "ivideon",
    "kasa",
    "mjpeg",
    "mp4",
    "mpeg",
    "mpegts",
    "multitrans",
    "nest",
    "ngrok",
    "onvif",
    "pinggy",
    "ring",
    "roborock",
    "rtmp",
    "srtp",
    "tapo",
    "tcp",
    "tuya",
    "v4l2",
    "vigi",
    "webtorrent",
    "wyoming",
    "wyze",
    "ws",
    "xiaomi",
    "yandex",
];

const LEVELS: &[(&str, Option<Level>)] = &[
    ("trace", Some(Level::TRACE)),
    ("debug", Some(Level::DEBUG)),
    ("info", Some(Level::INFO)),
    ("warn", Some(Level::WARN)),
    ("error", Some(Level::ERROR)),
    ("disabled", None),
    // Levels of go2rtc above the highest of ours.
    ("fatal", Some(Level::ERROR)),
    ("panic", Some(Level::ERROR)),
];

const FORMATS: &[(&str, LogFormat)] = &[
    ("", LogFormat::Auto),
    ("color", LogFormat::Color),
    ("text", LogFormat::Text),
    ("json", LogFormat::Json),
];

const TIMES: &[(&str, LogTime)] = &[
    ("", LogTime::None),
    ("UNIXMS", LogTime::Milliseconds),
    ("UNIXMICRO", LogTime::Microseconds),
    ("UNIXNANO", LogTime::Nanoseconds),
];

/// Where `output: file` writes when it names no file.
const DEFAULT_FILE: &str = "yeoul.log";

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, log: &mut Log) {
    for (key, node) in reader.map(node, "log") {
        let path = format!("log.{}", key.text);
        match key.text.as_str() {
            "level" => log.level = reader.word(node, &path, LEVELS).unwrap_or(log.level),
            "format" => log.format = reader.word(node, &path, FORMATS).unwrap_or(log.format),
            "time" => log.time = reader.word(node, &path, TIMES).unwrap_or(log.time),
            "output" => {
                const EXPECTED: &str = "stdout, stderr, file, file:NAME, or \"\" for none";
                if let Some(output) = reader.parse(node, &path, EXPECTED, output) {
                    log.output = output;
                }
            }
            module if KEYS.contains(&module) => {
                if let Some(level) = reader.word(node, &path, LEVELS) {
                    log.modules.insert(module.to_owned(), level);
                }
            }
            _ => reader.unknown(key, "log", KEYS),
        }
    }
}

fn output(text: &str) -> Option<LogOutput> {
    match text {
        "" => Some(LogOutput::None),
        "stdout" => Some(LogOutput::Stdout),
        "stderr" => Some(LogOutput::Stderr),
        "file" => Some(LogOutput::File(PathBuf::from(DEFAULT_FILE))),
        _ => {
            let name = text.strip_prefix("file:").filter(|name| !name.is_empty())?;
            Some(LogOutput::File(PathBuf::from(name)))
        }
    }
}
