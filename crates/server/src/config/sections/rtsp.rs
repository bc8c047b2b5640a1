//! Section `rtsp`.

use super::{Draft, listen};
use crate::config::node::Node;
use crate::config::reader::Reader;

const KEYS: &[&str] = &["listen", "username", "password", "default_query", "pkt_size"];

impl Draft {
    pub(super) fn rtsp(&mut self, reader: &mut Reader<'_>, node: &Node) {
        for (key, node) in reader.map(node, "rtsp") {
            if self.rtsp_account.take(reader, "rtsp", key, node) {
                continue;
            }
            let rtsp = &mut self.config.rtsp;
            let path = format!("rtsp.{}", key.text);
            match key.text.as_str() {
                "listen" => rtsp.listen = listen(reader, node, &path).unwrap_or(rtsp.listen),
                "default_query" => {
                    if let Some(text) = reader.text(node, &path) {
                        rtsp.default_query = text.value.trim_start_matches('?').to_owned();
                    }
                }
                // Below, a single parameter set of H.265 no longer fits; above, no IP packet can carry it.
                "pkt_size" => rtsp.pkt_size = reader.number(node, &path, 188..=65_000).or(rtsp.pkt_size),
                _ => reader.unknown(key, "rtsp", KEYS),
            }
        }
    }
}
