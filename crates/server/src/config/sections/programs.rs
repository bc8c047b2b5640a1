//! Sections `exec` and `echo`: which programs sources may run.

use crate::config::Programs;
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::limits::ALLOWED_PROGRAMS;

const KNOWN: &[&str] = &["enabled", "allow_paths"];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, section: &str, programs: &mut Programs) {
    for (key, node) in reader.map(node, section) {
        let path = format!("{section}.{}", key.text);
        match key.text.as_str() {
            "enabled" => programs.enabled = reader.boolean(node, &path).unwrap_or(programs.enabled),
            "allow_paths" => {
                let paths = super::texts(reader, node, &path).unwrap_or_default();
                if paths.len() > ALLOWED_PROGRAMS {
                    reader.fail(
                        &node.place,
                        format!("{path}: {} programs; at most {ALLOWED_PROGRAMS} are taken", paths.len()),
                    );
                }
                programs.paths = paths.into_iter().take(ALLOWED_PROGRAMS).collect();
            }
            _ => reader.unknown(key, section, KNOWN),
        }
    }
}
