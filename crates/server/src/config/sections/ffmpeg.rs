//! Section `ffmpeg`.

use crate::config::Ffmpeg;
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::limits::{FFMPEG_PROCESSES_MOST, FFMPEG_TEMPLATE_BYTES};

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, ffmpeg: &mut Ffmpeg) {
    for (key, node) in reader.map(node, "ffmpeg") {
        let path = format!("ffmpeg.{}", key.text);
        match key.text.as_str() {
            "bin" => {
                if let Some(text) = reader.text(node, &path).filter(|text| !text.value.is_empty()) {
                    ffmpeg.bin = text.value;
                }
            }
            "max_processes" => {
                let most = reader.number(node, &path, 1..=FFMPEG_PROCESSES_MOST);
                ffmpeg.max_processes = most.unwrap_or(ffmpeg.max_processes);
            }
            // Any other key is a template that sources may name: go2rtc's, or one's own.
            name => {
                let Some(text) = reader.private_text(node, &path) else { continue };
                if text.value.len() > FFMPEG_TEMPLATE_BYTES {
                    reader.fail(
                        &node.place,
                        format!(
                            "{path}: a template has at most {FFMPEG_TEMPLATE_BYTES} bytes, this one has {}",
                            text.value.len()
                        ),
                    );
                }
                ffmpeg.templates.set(name, &text.value);
            }
        }
    }
}
