//! Section `api`.

use super::{Draft, listen, texts};
use crate::config::Origins;
use crate::config::node::Node;
use crate::config::reader::Reader;
use std::path::PathBuf;

const KEYS: &[&str] = &[
    "listen",
    "username",
    "password",
    "local_auth",
    "base_path",
    "origin",
    "hosts",
    "unix_listen",
    "allow_paths",
    "static_dir",
    "tls_listen",
    "tls_cert",
    "tls_key",
];

impl Draft {
    pub(super) fn api(&mut self, reader: &mut Reader<'_>, node: &Node) {
        for (key, node) in reader.map(node, "api") {
            if self.api_account.take(reader, "api", key, node) {
                continue;
            }
            let api = &mut self.config.api;
            let path = format!("api.{}", key.text);
            match key.text.as_str() {
                "listen" => api.listen = listen(reader, node, &path).unwrap_or(api.listen),
                "local_auth" => api.local_auth = reader.boolean(node, &path).unwrap_or(api.local_auth),
                "base_path" => {
                    const EXPECTED: &str = "a path such as /cameras";
                    if let Some(base) = reader.parse(node, &path, EXPECTED, base_path) {
                        api.base_path = base;
                    }
                }
                "origin" => {
                    const EXPECTED: &str = "\"*\" or origins such as https://example.com";
                    if let Some(origins) = super::parsed(reader, node, &path, EXPECTED, origin) {
                        api.origins = match origins.into_iter().flatten().collect::<Option<Vec<String>>>() {
                            Some(origins) => Origins::These(origins),
                            None => Origins::Any,
                        };
                    }
                }
                "hosts" => {
                    const EXPECTED: &str = "names of this server such as cameras.example.com, without a port";
                    if let Some(hosts) = super::parsed(reader, node, &path, EXPECTED, host) {
                        api.hosts = hosts;
                    }
                }
                "unix_listen" => {
                    if let Some(text) = reader.text(node, &path) {
                        api.unix_listen =
                            Some(PathBuf::from(text.value)).filter(|path| !path.as_os_str().is_empty());
                    }
                }
                "allow_paths" => api.allow_paths = texts(reader, node, &path).or(api.allow_paths.take()),
                "static_dir" | "tls_listen" | "tls_cert" | "tls_key" => {
                    if path == "api.tls_key" {
                        let _ = reader.secret(node, &path);
                    }
                    let empty = reader.text(node, &path).is_none_or(|text| text.value.is_empty());
                    if !empty {
                        reader.later(key, &path);
                    }
                }
                _ => reader.unknown(key, "api", KEYS),
            }
        }
    }
}

/// `/a/b` without a slash at the end; empty for none.
fn base_path(text: &str) -> Option<String> {
    let inner = text.trim_matches('/');
    if inner.is_empty() {
        return Some(String::new());
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(is_plain);
    inner.split('/').all(is_part).then(|| format!("/{inner}"))
}

/// An origin (RFC 6454 §6.2): `Some(None)` means anybody's, `Some(Some(None))` is what an empty text leaves.
#[expect(clippy::option_option, reason = "parsed or not, given or empty, one or any: three questions")]
fn origin(text: &str) -> Option<Option<Option<String>>> {
    match text {
        "" => Some(None),
        "*" => Some(Some(None)),
        text => {
            let url = url::Url::parse(text).ok()?;
            let is_origin =
                matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
            is_origin.then(|| Some(Some(url.origin().ascii_serialization())))
        }
    }
}

fn host(text: &str) -> Option<String> {
    let valid =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    valid.then(|| text.to_ascii_lowercase())
}
