//! Section `hls`.

use crate::config::Hls;
use crate::config::node::Node;
use crate::config::reader::Reader;
use std::ops::RangeInclusive;
use std::time::Duration;

const KEYS: &[&str] = &["low_latency", "part_duration", "segment_duration", "window"];

/// Below, a part is three pictures of a usual camera and costs more requests than it saves time; above, it is a segment.
const PART: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(1);

/// Below, players ask more than they play; above, nobody would call it live.
const SEGMENT: RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(20);

/// Below, slow players lose what they still load; the bytes that are kept are bounded besides.
const WINDOW: RangeInclusive<Duration> = Duration::from_secs(4)..=Duration::from_secs(300);

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, hls: &mut Hls) {
    for (key, node) in reader.map(node, "hls") {
        let path = format!("hls.{}", key.text);
        match key.text.as_str() {
            "low_latency" => hls.low_latency = reader.boolean(node, &path).unwrap_or(hls.low_latency),
            "part_duration" => {
                hls.part_duration = reader.duration(node, &path, PART).unwrap_or(hls.part_duration);
            }
            "segment_duration" => {
                hls.segment_duration = reader.duration(node, &path, SEGMENT).unwrap_or(hls.segment_duration);
            }
            "window" => hls.window = reader.duration(node, &path, WINDOW).unwrap_or(hls.window),
            _ => reader.unknown(key, "hls", KEYS),
        }
    }
}
