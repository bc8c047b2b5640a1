//! The sections of a configuration, key by key. Layer after layer is read into one [`Draft`]; what needs all layers (a user
//! name without its password) is checked at the end.

mod api;
mod ffmpeg;
mod hls;
mod log;
mod preload;
mod programs;
mod rtmp;
mod rtsp;
mod streams;
mod variants;
mod webrtc;

use super::node::{Key, Node, Value};
use super::problem::{ConfigError, Place, Problem};
use super::reader::Reader;
use super::substitute::Lookup;
use super::{AccessRule, Account, Config, Layer, Listen, Secrets};
use crate::limits::CONFIG_PROBLEMS;
use std::collections::BTreeMap;

/// Sections that exist.
const SECTIONS: &[&str] = &[
    "access",
    "api",
    "app",
    "echo",
    "env",
    "exec",
    "ffmpeg",
    "hass",
    "hls",
    "homekit",
    "log",
    "ngrok",
    "pinggy",
    "preload",
    "publish",
    "rtmp",
    "rtsp",
    "srtp",
    "stream_defaults",
    "streams",
    "webrtc",
    "webtorrent",
    "wyoming",
    "xiaomi",
];

/// Modules of go2rtc that `app.modules` may name; those that Yeoul has can be turned off by leaving them out.
const MODULES: &[&str] = &[
    "alsa",
    "api",
    "bubble",
    "debug",
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
    "rtsp",
    "srtp",
    "streams",
    "tapo",
    "tcp",
    "tuya",
    "v4l2",
    "vigi",
    "webrtc",
    "webtorrent",
    "wyoming",
    "wyze",
    "ws",
    "xiaomi",
    "yandex",
    "app",
];

/// A user name and a password that may come from different layers.
#[derive(Default)]
struct AccountDraft {
    username: Option<(String, Place)>,
    password: Option<(String, Place)>,
}

/// What the layers said so far.
#[derive(Default)]
struct Draft {
    config: Config,
    api_account: AccountDraft,
    rtsp_account: AccountDraft,
    rtmp_account: AccountDraft,
    /// The names in `publish`, and where they stand.
    /// Keys that name a stream: path, name and place.
    named_streams: Vec<(String, String, Place)>,
    tls: api::TlsDraft,
    modules: Option<Vec<String>>,
    variants: variants::Drafts,
}

/// See [`Config::parse`].
pub(super) fn read(layers: &[Layer], lookup: &Lookup<'_>) -> Result<(Config, Vec<Problem>), ConfigError> {
    let mut trees = Vec::new();
    let mut broken = Vec::new();
    for layer in layers {
        match layer.parse() {
            Ok(tree) => trees.extend(tree.map(|tree| (layer, tree))),
            Err(problem) => broken.push(problem),
        }
    }
    let env = env_section(trees.iter().filter(|(layer, _)| layer.substitutes()).map(|(_, tree)| tree));
    let lookup = |name: &str| env.get(name).cloned().or_else(|| lookup(name));
    let mut reader = Reader::new(&lookup);
    reader.secrets.extend(env.values().cloned());
    reader.errors = broken;
    let mut draft = Draft::default();
    for (_, tree) in &trees {
        draft.read(&mut reader, tree);
    }
    let config = draft.finish(&mut reader);
    if !reader.errors.is_empty() {
        reader.errors.truncate(CONFIG_PROBLEMS);
        return Err(ConfigError { problems: reader.errors });
    }
    Ok((config, reader.warnings))
}

/// The values of `env` in all layers, before anything else is read: references in any place use them.
fn env_section<'n>(trees: impl Iterator<Item = &'n Node>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for tree in trees {
        let Value::Map(sections) = &tree.value else { continue };
        for (_, section) in sections.iter().filter(|(key, _)| key.text == "env") {
            let Value::Map(entries) = &section.value else { continue };
            for (key, node) in entries.iter() {
                if let Value::Scalar { text, .. } = &node.value {
                    env.insert(key.text.clone(), super::substitute::written(text));
                }
            }
        }
    }
    env
}

impl Draft {
    fn read(&mut self, reader: &mut Reader<'_>, tree: &Node) {
        for (key, node) in reader.map(tree, "") {
            match key.text.as_str() {
                "access" => self.access(reader, node),
                "api" => self.api(reader, node),
                "app" => self.app(reader, node),
                "echo" => programs::read(reader, node, "echo", &mut self.config.echo),
                "env" => check_env(reader, node),
                "exec" => programs::read(reader, node, "exec", &mut self.config.exec),
                "hls" => hls::read(reader, node, &mut self.config.hls),
                "ffmpeg" => ffmpeg::read(reader, node, &mut self.config.ffmpeg),
                "log" => log::read(reader, node, &mut self.config.log),
                "preload" => self.preload(reader, node),
                "publish" => self.publish(reader, node),
                "rtmp" => self.rtmp(reader, node),
                "rtsp" => self.rtsp(reader, node),
                "stream_defaults" => streams::defaults(reader, node, &mut self.config.stream_defaults),
                "streams" => {
                    streams::read(reader, node, &mut self.config.streams, &mut self.variants);
                }
                "webrtc" => webrtc::read(reader, node, &mut self.config.webrtc),
                section if SECTIONS.contains(&section) => {
                    if !node.is_null() {
                        reader.later(key, section);
                    }
                }
                _ => reader.unknown(key, "", SECTIONS),
            }
        }
    }

    /// `private`, `open`, or a list of networks beside the private ones.
    fn access(&mut self, reader: &mut Reader<'_>, node: &Node) {
        const EXPECTED: &str = "private, open, or networks such as [private, 100.64.0.0/10]";
        let Some(items) = reader.list(node, "access") else { return };
        let mut rule = AccessRule::default();
        for item in items {
            let Some(text) = reader.text(item, "access") else { continue };
            match text.value.trim() {
                "open" => rule.open = true,
                "private" => {}
                other => match other.parse() {
                    Ok(network) => rule.networks.push(network),
                    Err(_) => reader.expected(item, "access", EXPECTED),
                },
            }
        }
        self.config.access = rule;
    }

    fn app(&mut self, reader: &mut Reader<'_>, node: &Node) {
        for (key, node) in reader.map(node, "app") {
            if key.text != "modules" {
                reader.unknown(key, "app", &["modules"]);
                continue;
            }
            let Some(items) = reader.list(node, "app.modules") else { continue };
            let mut modules = Vec::new();
            for item in items {
                let Some(text) = reader.text(item, "app.modules") else { continue };
                if !MODULES.contains(&text.value.as_str()) {
                    reader.warn(&item.place, format!("app.modules: there is no module {:?}", text.written));
                }
                modules.push(text.value);
            }
            self.modules = Some(modules);
        }
    }

    fn finish(mut self, reader: &mut Reader<'_>) -> Config {
        for (path, name, place) in &self.named_streams {
            if !self.config.streams.contains_key(name) {
                reader.warn(place, format!("{path}: there is no stream of this name"));
            }
        }
        self.config.api.account = self.api_account.finish(reader, "api");
        self.config.rtmp.account = self.rtmp_account.finish(reader, "rtmp");
        self.config.rtsp.account = self.rtsp_account.finish(reader, "rtsp");
        self.tls.finish(reader, &mut self.config.api);
        variants::finish(reader, self.variants, &mut self.config.streams);
        if let Some(modules) = &self.modules {
            let off = |name: &str| !modules.iter().any(|module| module == name);
            let listeners = [
                ("api", &mut self.config.api.listen),
                ("rtmp", &mut self.config.rtmp.listen),
                ("rtsp", &mut self.config.rtsp.listen),
                ("webrtc", &mut self.config.webrtc.listen),
            ];
            for (name, listen) in listeners {
                if off(name) {
                    *listen = None;
                }
            }
            if off("api") {
                self.config.api.tls = None;
            }
            self.config.hls.enabled = !off("hls");
        }
        self.config.secrets = Secrets(std::mem::take(&mut reader.secrets));
        self.config
    }
}

impl AccountDraft {
    /// Takes `username` and `password` of a section; `false` if the key is another one.
    fn take(&mut self, reader: &mut Reader<'_>, section: &str, key: &Key, node: &Node) -> bool {
        let path = format!("{section}.{}", key.text);
        match key.text.as_str() {
            "username" => {
                let name = reader.private_text(node, &path);
                self.username = name.map(|name| (name.value, key.place.clone())).or(self.username.take());
            }
            "password" => {
                let password = reader.secret(node, &path);
                self.password = password.map(|text| (text, key.place.clone())).or(self.password.take());
            }
            _ => return false,
        }
        true
    }

    /// Both or none: an account that is half given was meant to protect.
    fn finish(self, reader: &mut Reader<'_>, section: &str) -> Option<Account> {
        let given = |part: Option<(String, Place)>| part.filter(|(text, _)| !text.is_empty());
        match (given(self.username), given(self.password)) {
            (Some((username, place)), Some((password, _))) => {
                if username.contains(':') {
                    let text = format!("{section}.username: a user name cannot have a colon (RFC 7617 §2)");
                    reader.fail(&place, text);
                }
                Some(Account { username, password })
            }
            (None, None) => None,
            (Some((_, place)), None) => {
                reader.fail(&place, format!("{section}.username is given without {section}.password"));
                None
            }
            (None, Some((_, place))) => {
                reader.fail(&place, format!("{section}.password is given without {section}.username"));
                None
            }
        }
    }
}

/// The values were read before everything else; here only their form is checked.
fn check_env(reader: &mut Reader<'_>, node: &Node) {
    for (key, node) in reader.map(node, "env") {
        let _ = reader.text(node, &format!("env.{}", key.text));
    }
}

/// `listen` in any section: outer `None` leaves it as it is, inner `None` is off.
fn listen(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Option<Listen>> {
    reader.parse(node, path, super::listen::LISTEN_FORMS, |text| match text {
        "" => Some(None),
        text => Listen::parse(text).map(Some),
    })
}

/// A list of texts; `None` if nothing stands there.
fn texts(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Vec<String>> {
    let items = reader.list(node, path)?;
    Some(items.iter().filter_map(|item| reader.text(item, path)).map(|text| text.value).collect())
}

/// A list of words or addresses that parse; `None` if nothing stands there.
fn parsed<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    path: &str,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<Vec<T>> {
    let items = reader.list(node, path)?;
    Some(items.iter().filter_map(|item| reader.parse(item, path, expected, &parse)).collect())
}
