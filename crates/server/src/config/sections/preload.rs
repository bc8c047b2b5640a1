//! Section `preload`: streams by name, each with the tracks that are wanted, `video&audio` where nothing stands.

use super::Draft;
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::wants;

const USUAL: &str = "video&audio";

impl Draft {
    pub(super) fn preload(&mut self, reader: &mut Reader<'_>, node: &Node) {
        for (key, node) in reader.map(node, "preload") {
            let path = format!("preload.{}", key.text);
            let query = reader.text(node, &path).map(|text| text.value).filter(|text| !text.is_empty());
            let query = query.unwrap_or_else(|| USUAL.to_owned());
            if wants::from_query(&query).is_empty() {
                reader.expected(node, &path, "tracks such as video, audio or video=h264&audio");
                continue;
            }
            self.named_streams.push((path, key.text.clone(), key.place.clone()));
            self.config.preload.insert(key.text.clone(), query);
        }
    }
}
