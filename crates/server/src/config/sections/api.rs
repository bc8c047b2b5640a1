//! Section `api`.

use super::{Draft, listen, texts};
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::config::{Api, Listen, Origins, Place, Tls, is_pem};
use std::path::PathBuf;

const KEYS: &[&str] = &[
    "listen",
    "username",
    "password",
    "local_auth",
    "base_path",
    "origin",
    "media_origin",
    "hosts",
    "source_networks",
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
                "origin" => origins(reader, node, &path, &mut api.origins),
                "media_origin" => origins(reader, node, &path, &mut api.media_origins),
                "hosts" => {
                    const EXPECTED: &str = "names of this server such as cameras.example.com, without a port";
                    if let Some(hosts) = super::parsed(reader, node, &path, EXPECTED, host) {
                        api.hosts = hosts;
                    }
                }
                "source_networks" => {
                    const EXPECTED: &str = "networks such as 127.0.0.0/8";
                    if let Some(networks) =
                        super::parsed(reader, node, &path, EXPECTED, |text| text.parse().ok())
                    {
                        api.source_networks = networks;
                    }
                }
                "unix_listen" => {
                    if let Some(text) = reader.text(node, &path) {
                        api.unix_listen =
                            Some(PathBuf::from(text.value)).filter(|path| !path.as_os_str().is_empty());
                    }
                }
                "allow_paths" => api.allow_paths = texts(reader, node, &path).or(api.allow_paths.take()),
                "tls_listen" => {
                    let place = key.place.clone();
                    self.tls.listen =
                        listen(reader, node, &path).map(|listen| (listen, place)).or(self.tls.listen.take());
                }
                "tls_cert" => {
                    let text = reader.text(node, &path).map(|text| (text.value, key.place.clone()));
                    self.tls.certificate = text.or(self.tls.certificate.take());
                }
                "tls_key" => {
                    let text = reader.private_text(node, &path).map(|text| (text.value, key.place.clone()));
                    // The path of a file is no secret.
                    reader
                        .secrets
                        .extend(text.iter().map(|(text, _)| text).filter(|text| is_pem(text)).cloned());
                    self.tls.key = text.or(self.tls.key.take());
                }
                "static_dir" => {
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

/// What TLS needs, possibly from different layers.
#[derive(Default)]
pub(super) struct TlsDraft {
    listen: Option<(Option<Listen>, Place)>,
    certificate: Option<(String, Place)>,
    key: Option<(String, Place)>,
}

impl TlsDraft {
    /// All or nothing: whoever gave a part meant to be protected.
    pub(super) fn finish(self, reader: &mut Reader<'_>, api: &mut Api) {
        let given = |part: Option<(String, Place)>| part.filter(|(text, _)| !text.trim().is_empty());
        let listen = self.listen.and_then(|(listen, place)| Some((listen?, place)));
        match (given(self.certificate), given(self.key)) {
            (Some((certificate, _)), Some((key, _))) => {
                api.tls = listen.map(|(listen, _)| Tls { listen, certificate, key });
            }
            (Some((_, place)), None) => reader.fail(&place, "api.tls_cert is given without api.tls_key"),
            (None, Some((_, place))) => reader.fail(&place, "api.tls_key is given without api.tls_cert"),
            (None, None) => {
                if let Some((_, place)) = listen {
                    reader.fail(&place, "api.tls_listen is given without api.tls_cert and api.tls_key");
                }
            }
        }
    }
}

fn origins(reader: &mut Reader<'_>, node: &Node, path: &str, origins: &mut Origins) {
    const EXPECTED: &str = "\"*\" or origins such as https://example.com";
    if let Some(list) = super::parsed(reader, node, path, EXPECTED, origin) {
        *origins = match list.into_iter().flatten().collect::<Option<Vec<String>>>() {
            Some(list) => Origins::These(list),
            None => Origins::Any,
        };
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
