//! Section `ffmpeg`.

use crate::config::Ffmpeg;
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::limits::FFMPEG_PROCESSES_MOST;

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
            // In go2rtc, any other key is a template that sources may name.
            _ => reader.later(key, &path),
        }
    }
}
