//! Targets of `yeoul-hls`: what a request for a playlist asks for.

use std::time::Duration;
use yeoul_hls::{Directives, Position, Reload};

/// The query of a playlist's URI, and whether it can be answered.
pub fn hls_directives(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let Ok(directives) = Directives::parse(query) else { return };
    assert!(directives.msn.is_some() || directives.part.is_none());
    let live = Position {
        open_msn: 10,
        open_parts: 2,
        last_parts: 5,
        part_target: Some(Duration::from_millis(200)),
        can_block: true,
        ended: false,
    };
    let last =
        Position { open_msn: u64::MAX, open_parts: u64::MAX, part_target: Some(Duration::ZERO), ..live };
    for position in [live, last, Position { part_target: None, ..live }] {
        let now = position.reload(&directives);
        // What is there stays there, and what has ended makes nobody wait.
        let later = Position { open_msn: position.open_msn.saturating_add(2), ..position };
        if now == Ok(Reload::Ready) {
            assert_eq!(later.reload(&directives), Ok(Reload::Ready), "{query}");
        }
        assert_eq!(Position { ended: true, ..position }.reload(&directives), Ok(Reload::Ready), "{query}");
    }
}

/// Seeds of [`hls_directives`].
pub fn hls_directives_seeds() -> Vec<Vec<u8>> {
    let queries = [
        "",
        "_HLS_msn=10&_HLS_part=2&_HLS_skip=YES",
        "token=a%20b&_HLS_msn=9",
        "_HLS_skip=v2&_HLS_part=1&_HLS_msn=18446744073709551615",
    ];
    queries.iter().map(|query| query.as_bytes().to_vec()).collect()
}
