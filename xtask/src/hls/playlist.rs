//! What a benchmark has to know of a playlist (RFC 8216bis §4).

use anyhow::{Context as _, Result};

/// The first URI of a playlist.
pub(crate) fn first_uri(playlist: &str) -> Result<&str> {
    uris(playlist).next().with_context(|| format!("no URI in:\n{playlist}"))
}

/// The last whole segment that has media.
pub(crate) fn last_segment(playlist: &str) -> Option<&str> {
    let (mut found, mut gap) = (None, false);
    for line in playlist.lines().filter(|line| !line.is_empty()) {
        match line {
            "#EXT-X-GAP" => gap = true,
            tag if tag.starts_with('#') => {}
            uri => found = (!std::mem::take(&mut gap)).then_some(uri).or(found),
        }
    }
    found
}

fn uris(playlist: &str) -> impl Iterator<Item = &str> {
    playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// `uri` as a playlist at `base` means it: relative, or absolute within the server.
pub(crate) fn resolve(base: &str, uri: &str) -> String {
    if uri.contains("://") {
        return uri.to_owned();
    }
    let path = base.split(['?', '#']).next().unwrap_or(base);
    let keep = if uri.starts_with('/') {
        path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at)
    } else {
        path.rfind('/').map_or(path.len(), |at| at + 1)
    };
    format!("{}{uri}", &path[..keep])
}

/// The part after the last one that a playlist has: media sequence number and index.
pub(crate) fn next_part(playlist: &str) -> Result<(u64, u64)> {
    let first = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    let mut msn: u64 = first.context("no media sequence number")?.trim().parse()?;
    let mut part = 0;
    for line in playlist.lines() {
        if line.starts_with("#EXT-X-PART:") {
            part += 1;
        } else if !line.is_empty() && !line.starts_with('#') {
            (msn, part) = (msn + 1, 0);
        }
    }
    Ok((msn, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_is_counted() {
        let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PART:a\n#EXTINF:1,\na.m4s\n#EXTINF:1,\nb.m4s\n#EXT-X-PART:b\n";
        assert_eq!(next_part(text).unwrap(), (9, 1));
        assert_eq!(last_segment(text), Some("b.m4s"));
        assert_eq!(last_segment("a.m4s\n#EXT-X-GAP\n#EXTINF:1,\nb.m4s\n"), Some("a.m4s"));
    }

    #[test]
    fn relative_addresses_are_resolved() {
        assert_eq!(resolve("http://h:1/a/b.m3u8?x", "c.m4s"), "http://h:1/a/c.m4s");
        assert_eq!(resolve("http://h:1/a/b.m3u8", "/c.m4s"), "http://h:1/c.m4s");
    }
}
