//! What is listed, and what a delta update leaves out.

use super::*;
use crate::names::PathNames;
use crate::segment::Init;
use bytes::Bytes;
use yeoul_testkit::hls::{Checker, MediaPlaylist, check_media};
use yeoul_testkit::wall_epoch;

const PROMISE: Promise = Promise {
    target_duration: 2,
    part_target: Some(Duration::from_millis(200)),
    part_hold_back: Some(Duration::from_millis(600)),
};

fn head(seconds: u64, version: u64, discontinuity: bool) -> Head {
    let init = Some(Arc::new(Init { version, bytes: Bytes::new() }));
    Head { discontinuity, init, date: wall_epoch() + Duration::from_secs(seconds) }
}

fn parts(first: u64, count: u64) -> Vec<Arc<Part>> {
    let part = |number| {
        Arc::new(Part {
            number,
            duration: Duration::from_millis(200),
            independent: number == first,
            gap: false,
            bytes: Bytes::from_static(b"part"),
        })
    };
    (first..first + count).map(part).collect()
}

/// Segments of two seconds with ten parts each; a new init segment from `changes_at` on.
fn segments(count: u64, changes_at: u64) -> VecDeque<Arc<Segment>> {
    let segment = |msn: u64| {
        Arc::new(Segment {
            msn,
            duration: Duration::from_secs(2),
            pieces: Vec::new(),
            size_bytes: 0,
            parts: parts(msn * 10, 10),
            head: head(2 * msn, u64::from(msn >= changes_at), msn == changes_at),
            gap: false,
        })
    };
    (0..count).map(segment).collect()
}

fn view<'a>(listed: &'a VecDeque<Arc<Segment>>, open: &'a OpenSegment) -> View<'a> {
    let next_msn = listed.len() as u64;
    View {
        promise: &PROMISE,
        plain: false,
        start: None,
        discontinuity_sequence: 0,
        listed,
        open: Some(open),
        next_msn,
        next_part: next_msn * 10 + open.parts.len() as u64,
        parts_from: 0,
        reports: &[],
        ended: false,
    }
}

fn open(msn: u64, count: u64, version: u64) -> OpenSegment {
    OpenSegment { head: head(2 * msn, version, false), parts: parts(msn * 10, count) }
}

#[test]
fn a_delta_update_leaves_out_what_lies_behind_the_skip_boundary() {
    let (listed, open) = (segments(9, 2), open(9, 3, 1));
    let view = view(&listed, &open);
    assert_eq!(view.skippable(), 2, "the seven left are 14 s long, the boundary is at 12 s");
    let (whole, delta) = (view.render(&PathNames::FMP4, 0), view.render(&PathNames::FMP4, view.skippable()));
    assert!(
        delta.contains("#EXT-X-VERSION:9\n") && delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n"),
        "{delta}"
    );
    assert!(delta.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init1.mp4\"\n"), "{delta}");
    let mut checker = Checker::new();
    assert_eq!(checker.load(&whole), []);
    assert_eq!(checker.load_delta(&delta), []);
    let (read, _) = MediaPlaylist::read(&whole);
    let names = |playlist: &MediaPlaylist| -> Vec<_> {
        playlist.segments.iter().map(|segment| (segment.uri.clone(), segment.map.clone())).collect()
    };
    assert_eq!(checker.playlist().map(names), Some(names(&read)));
}

#[test]
fn a_map_that_was_skipped_is_not_told_again() {
    let (listed, open) = (segments(9, 99), open(9, 3, 0));
    let view = view(&listed, &open);
    assert!(!view.render(&PathNames::FMP4, 2).contains("#EXT-X-MAP"));
}

#[test]
fn parts_are_listed_near_the_end_only() {
    let listed = segments(9, 99);
    let check = |open_parts: u64, expected: u64| {
        let open = open(9, open_parts, 0);
        let text = view(&listed, &open).render(&PathNames::FMP4, 0);
        assert_eq!(check_media(&text), []);
        let (playlist, _) = MediaPlaylist::read(&text);
        let with_parts = playlist.segments.iter().filter(|segment| !segment.parts.is_empty()).count();
        assert_eq!(with_parts as u64, expected, "with {open_parts} parts of the segment in progress");
    };
    check(1, 3);
    check(9, 3);
    // A segment in progress that is long has parts enough, but those of the one before it are listed all the same.
    check(60, 1);
    check(200, 1);
}

#[test]
fn parts_of_another_promise_are_not_listed() {
    let (listed, open) = (segments(9, 99), open(9, 3, 0));
    let view = View { parts_from: 9, ..view(&listed, &open) };
    let (playlist, findings) = MediaPlaylist::read(&view.render(&PathNames::FMP4, 0));
    assert_eq!(
        (findings, playlist.segments.iter().filter(|segment| !segment.parts.is_empty()).count()),
        (vec![], 0)
    );
    assert_eq!(playlist.open.map(|open| open.parts.len()), Some(3));
}

#[test]
fn numbers_have_as_many_decimals_as_they_need() {
    assert_eq!(Seconds(Duration::from_nanos(1_234_567_890)).to_string(), "1.23457");
    assert_eq!(Seconds(Duration::from_millis(40)).to_string(), "0.04000");
    for (millis, expected) in [(600, "0.6"), (12_000, "12"), (1_005, "1.005"), (0, "0")] {
        assert_eq!(Short(Duration::from_millis(millis)).to_string(), expected);
    }
    assert_eq!(Date(wall_epoch() + Duration::from_micros(1_999_999)).to_string(), "2026-01-01T00:00:01.999Z");
}
