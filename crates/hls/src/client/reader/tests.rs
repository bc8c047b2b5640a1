//! A player on a virtual clock.

use super::*;
use crate::client::Playlist;
use proptest::prelude::*;
use std::fmt::Write as _;
use yeoul_testkit::epoch;

const MS: Duration = Duration::from_millis(1);

fn at(ms: u32) -> Instant {
    epoch() + MS * ms
}

/// A playlist of segments of 2 s, `lines` in front of the first one.
fn playlist(numbers: std::ops::Range<u64>, lines: &str) -> Media {
    let mut text =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n{lines}", numbers.start);
    for number in numbers {
        writeln!(text, "#EXTINF:2,\n{number}.ts").unwrap();
    }
    Playlist::parse(&text).unwrap().into_media().unwrap()
}

/// A reader that has been given this playlist.
fn reader(media: Media) -> Reader {
    let mut reader = Reader::default();
    assert_eq!(reader.poll_output(at(0)), Output::Playlist);
    reader.handle_playlist(media, at(0), at(0)).unwrap();
    reader
}

/// Fetches all that is listed: numbers, timelines, and whether each goes on.
fn fetch_all(reader: &mut Reader) -> Vec<(u64, u64, bool)> {
    let mut fetched = Vec::new();
    while let Output::Segment(fetch) = reader.poll_output(at(0)) {
        fetched.push((fetch.segment.number, fetch.timeline, fetch.continues));
        reader.handle_segment();
    }
    fetched
}

fn numbers(reader: &mut Reader) -> Vec<u64> {
    fetch_all(reader).into_iter().map(|(number, ..)| number).collect()
}

#[test]
fn live_begins_three_targets_before_the_end_and_a_recording_at_its_beginning() {
    assert_eq!(numbers(&mut reader(playlist(10..20, ""))), [17, 18, 19]);
    assert_eq!(numbers(&mut reader(playlist(10..12, ""))), [10, 11]);
    let mut recording = reader(playlist(0..5, "#EXT-X-ENDLIST\n"));
    assert_eq!(numbers(&mut recording), [0, 1, 2, 3, 4]);
    assert_eq!(recording.poll_output(at(0)), Output::End);
}

#[test]
fn the_playlist_may_say_where_to_begin() {
    let begins = |start: &str| numbers(&mut reader(playlist(10..20, start)))[0];
    assert_eq!(begins("#EXT-X-START:TIME-OFFSET=5\n"), 12);
    assert_eq!(begins("#EXT-X-START:TIME-OFFSET=-9,PRECISE=YES\n"), 15);
    assert_eq!(begins("#EXT-X-START:TIME-OFFSET=1000\n#EXT-X-ENDLIST\n"), 19);
    assert_eq!(begins("#EXT-X-START:TIME-OFFSET=-1000\n"), 10);
}

#[test]
fn the_playlist_is_asked_for_after_a_target_duration_or_half_of_it() {
    let mut reader = reader(playlist(0..3, ""));
    fetch_all(&mut reader);
    assert_eq!(reader.poll_output(at(100)), Output::Wait(at(2000)));
    assert_eq!(reader.poll_output(at(2000)), Output::Playlist);
    // Nothing new: half a target duration after the request, not after the answer.
    reader.handle_playlist(playlist(0..3, ""), at(2000), at(2700)).unwrap();
    assert_eq!(reader.poll_output(at(2700)), Output::Wait(at(3000)));
    reader.handle_playlist(playlist(1..4, ""), at(3000), at(3100)).unwrap();
    assert_eq!(numbers(&mut reader), [3]);
    assert_eq!(reader.poll_output(at(3100)), Output::Wait(at(5000)));
    reader.handle_playlist(playlist(1..4, "#EXT-X-ENDLIST\n"), at(5000), at(5000)).unwrap();
    assert_eq!(reader.poll_output(at(5000)), Output::End);
}

#[test]
fn a_server_with_nothing_new_is_given_up() {
    let mut reader = reader(playlist(0..3, ""));
    reader.handle_playlist(playlist(0..3, ""), at(0), at(29_000)).unwrap();
    let error = reader.handle_playlist(playlist(0..3, ""), at(0), at(31_000)).unwrap_err();
    assert_eq!(error.to_string(), "the playlist has had nothing new for 31 s");
}

#[test]
fn what_has_gone_before_it_was_fetched_is_counted_and_told() {
    let mut reader = reader(playlist(0..3, ""));
    fetch_all(&mut reader);
    reader.handle_playlist(playlist(7..10, ""), at(0), at(0)).unwrap();
    assert_eq!(fetch_all(&mut reader), [(7, 0, false), (8, 0, true), (9, 0, true)]);
    assert_eq!(reader.missed(), 4);
}

#[test]
fn one_segment_that_is_not_there_is_not_the_end() {
    let mut reader = reader(playlist(0..3, ""));
    reader.handle_segment();
    reader.handle_no_segment(true, at(0)).unwrap();
    assert_eq!(fetch_all(&mut reader), [(2, 0, false)]);
    assert_eq!(reader.missed(), 1);
}

#[test]
fn a_server_that_fails_is_asked_again_and_one_that_has_nothing_is_given_up() {
    let mut reader = reader(playlist(0..9, "#EXT-X-ENDLIST\n"));
    reader.handle_no_segment(false, at(0)).unwrap();
    assert_eq!(reader.poll_output(at(0)), Output::Wait(at(0) + SEGMENT_RETRY_PAUSE));
    let Output::Segment(fetch) = reader.poll_output(at(1000)) else { panic!("the same again") };
    assert_eq!(fetch.segment.number, 0);
    let failed = (0..).find(|_| reader.handle_no_segment(true, at(0)).is_err());
    assert_eq!(failed, Some(MISSED_IN_A_ROW as usize - 1));
}

#[test]
fn a_playlist_that_fails_is_asked_for_again_unless_it_is_the_first() {
    assert_eq!(Reader::default().handle_no_playlist(at(0)), Err(ReaderError::NoPlaylist));
    let mut reader = reader(playlist(0..3, ""));
    fetch_all(&mut reader);
    for _ in 1..PLAYLIST_ATTEMPTS {
        reader.handle_no_playlist(at(0)).unwrap();
        assert_eq!(reader.poll_output(at(0)), Output::Wait(at(1000)));
    }
    assert_eq!(reader.handle_no_playlist(at(0)), Err(ReaderError::NoPlaylist));
}

#[test]
fn gaps_are_passed_over() {
    let mut reader = reader(playlist(0..3, "#EXT-X-GAP\n"));
    assert_eq!(fetch_all(&mut reader), [(1, 0, false), (2, 0, true)]);
}

#[test]
fn discontinuities_are_told() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n#EXTINF:2,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n\
        b\n#EXT-X-MAP:URI=\"m\"\n#EXTINF:2,\nc\n";
    let media = Playlist::parse(text).unwrap().into_media().unwrap();
    assert_eq!(fetch_all(&mut reader(media)), [(0, 4, false), (1, 5, false), (2, 5, false)]);
}

#[test]
fn an_old_copy_is_passed_over_and_a_server_that_counts_anew_is_followed() {
    let mut reader = reader(playlist(10..14, ""));
    fetch_all(&mut reader);
    reader.handle_playlist(playlist(9..13, ""), at(0), at(0)).unwrap();
    assert_eq!(numbers(&mut reader), []);
    reader.handle_playlist(playlist(11..15, ""), at(0), at(0)).unwrap();
    assert_eq!(numbers(&mut reader), [14]);
    for _ in 0..2 {
        reader.handle_playlist(playlist(0..4, ""), at(0), at(0)).unwrap();
    }
    assert_eq!(fetch_all(&mut reader), [(1, 1 << 48, false), (2, 1 << 48, true), (3, 1 << 48, true)]);
    assert_eq!(reader.missed(), 0);
    reader.handle_playlist(playlist(1..5, ""), at(0), at(0)).unwrap();
    assert_eq!(numbers(&mut reader), [4]);
    // What is lost afterwards is seen.
    reader.handle_playlist(playlist(7..9, ""), at(0), at(0)).unwrap();
    assert_eq!(fetch_all(&mut reader), [(7, 1 << 48, false), (8, 1 << 48, true)]);
    assert_eq!(reader.missed(), 2);
}

#[test]
fn a_playlist_without_segments_is_waited_for() {
    let mut reader = reader(playlist(0..0, ""));
    assert_eq!(reader.poll_output(at(0)), Output::Wait(at(1000)));
    reader.handle_playlist(playlist(0..2, ""), at(1000), at(1000)).unwrap();
    assert_eq!(numbers(&mut reader), [0, 1]);
}

proptest! {
    /// Whatever windows a server shows: numbers go up but for restarts, nothing is fetched twice, and what waits is bounded by what
    /// was listed.
    #[test]
    fn numbers_go_up(windows in prop::collection::vec((0u64..40, 0u64..6, any::<bool>()), 1..20)) {
        let mut reader = Reader::default();
        let mut last = None;
        for (first, count, fails) in windows {
            let _ = reader.handle_playlist(playlist(first..first + count, ""), at(0), at(0));
            if fails {
                let _ = reader.handle_no_segment(true, at(0));
            }
            for (number, timeline, _) in fetch_all(&mut reader) {
                prop_assert!(last.is_none_or(|last| last < (timeline, number)), "{:?} after {:?}", (timeline, number), last);
                last = Some((timeline, number));
            }
        }
    }
}
