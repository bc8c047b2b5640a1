//! Sections `rtmp` and `publish`.

use super::{Draft, listen};
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::limits::PUBLISH_TARGETS;
use crate::mask::url_secrets;
use crate::publish::Target;

const KEYS: &[&str] = &["listen", "username", "password"];

impl Draft {
    pub(super) fn rtmp(&mut self, reader: &mut Reader<'_>, node: &Node) {
        for (key, node) in reader.map(node, "rtmp") {
            if self.rtmp_account.take(reader, "rtmp", key, node) {
                continue;
            }
            let rtmp = &mut self.config.rtmp;
            match key.text.as_str() {
                "listen" => rtmp.listen = listen(reader, node, "rtmp.listen").unwrap_or(rtmp.listen),
                _ => reader.unknown(key, "rtmp", KEYS),
            }
        }
    }

    /// `name: url` or `name: [url, …]`.
    pub(super) fn publish(&mut self, reader: &mut Reader<'_>, node: &Node) {
        for (key, node) in reader.map(node, "publish") {
            let path = format!("publish.{}", key.text);
            let items = reader.list(node, &path).unwrap_or_default();
            if items.len() > PUBLISH_TARGETS {
                let text = format!("{path}: {} targets; at most {PUBLISH_TARGETS} are taken", items.len());
                reader.fail(&node.place, text);
            }
            let mut targets = Vec::new();
            for item in items.iter().take(PUBLISH_TARGETS) {
                let Some(text) = reader.private_text(item, &path) else { continue };
                reader.secrets.extend(url_secrets(&text.value));
                match Target::parse(text.value.trim()) {
                    Ok(target) => targets.push(target),
                    Err(error) => reader.fail(&item.place, format!("{path}: {error}")),
                }
            }
            self.named_streams.push((path, key.text.clone(), key.place.clone()));
            self.config.publish.insert(key.text.clone(), targets);
        }
    }
}
