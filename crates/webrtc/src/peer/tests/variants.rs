//! Viewers whose picture is replaced by other qualities of it.

use super::pair::{MS, Pair, VIDEO, h264_codec, video_frame};
use super::*;
use crate::{Ladder, Step};
use std::time::Duration;
use str0m::media::MediaKind;
use yeoul_media::Track;
use yeoul_testkit::Link;

const OTHER: TrackId = TrackId(7);

fn other() -> Track {
    let codec = h264_codec(yeoul_testkit::h264::Sps { width: 640, height: 360, ..Default::default() });
    Track { id: OTHER, codec }
}

#[test]
fn only_viewers_with_variants_are_asked_for_feedback() {
    let with = Pair::with_variants(Link::default());
    assert!(with.answer.contains("transport-wide-cc"), "{}", with.answer);
    assert!(with.answer.contains(" transport-cc\r\n"), "{}", with.answer);
    let without = Pair::new();
    assert!(!without.answer.contains("transport-wide-cc") && !without.answer.contains("transport-cc"));
}

#[test]
fn a_viewer_without_feedback_is_served_all_the_same() {
    let mut pair = Pair::with(Link::default(), true, |offer| offer.replace("transport-cc", "nothing"));
    assert!(!pair.answer.contains("transport"), "{}", pair.answer);
    pair.connect();
    pair.play(SECOND, 3_000);
    assert_eq!((pair.closed(), pair.readings()), (None, Vec::new()));
}

#[test]
fn what_arrives_is_measured() {
    let narrow = Link { delay: 20 * MS, bits_per_second: Some(2_000_000), queue: SECOND, ..Link::default() };
    let mut pair = Pair::with_variants(narrow);
    pair.connect();
    // 3000 bytes and a little, 25 times a second, with larger keyframes: about 0.7 Mbit/s.
    pair.play(5 * SECOND, 3_000);
    let calm = *pair.readings().last().expect("readings");
    assert!((0.5e6..0.9e6).contains(&calm.delivered), "{calm:?}");
    assert!(calm.queue < 30 * MS && calm.loss < 0.01, "{calm:?}");
    // 4 Mbit/s do not go through 2.
    pair.play(2 * SECOND, 18_000);
    let full = *pair.readings().last().expect("readings");
    assert!((1.6e6..2.1e6).contains(&full.delivered), "{full:?}");
    assert!(full.queue > 300 * MS || full.loss > 0.2, "{full:?}");
}

#[test]
fn what_waits_on_a_full_line_is_not_sent_again_and_again() {
    let narrow = Link { delay: 20 * MS, bits_per_second: Some(600_000), queue: SECOND, ..Link::default() };
    let mut pair = Pair::with_variants(narrow);
    pair.connect();
    pair.play(SECOND, 2_000);
    // 1.8 Mbit/s: two of three packets are lost, and missed all the time that the third one waits.
    pair.play(4 * SECOND, 9_000);
    let (_, stats) = pair.peer.stats().tracks[0];
    assert!(stats.resent > 0 && stats.resent < stats.packets, "{stats:?}");
}

#[test]
fn a_picture_is_replaced_without_a_break_in_its_numbers() {
    let mut pair = Pair::with_variants(Link::default());
    pair.connect();
    pair.play(SECOND, 3_000);
    assert!(pair.peer.replace(&other()));
    let now = pair.now;
    for n in 0..10_u32 {
        let at = Timestamp::from_nanos(1_000_000_000 + i64::from(n) * 40_000_000);
        let mut frame = video_frame(at, now, n == 0, 1_000);
        frame.track = OTHER;
        pair.push(&frame);
        pair.run(40 * MS);
    }
    let packets = &pair.viewer.packets[&pair.ssrc(MediaKind::Video)];
    let numbers: Vec<u64> = packets.keys().copied().collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    let times: Vec<u32> = packets.values().map(|packet| packet.header.timestamp).collect();
    let steps = times.windows(2).map(|two| two[1].wrapping_sub(two[0]));
    assert!(steps.clone().all(|step| step == 0 || step == 3_600), "{:?}", steps.collect::<Vec<_>>());
    // Frames of the track before are not taken any more.
    let mut old = video_frame(Timestamp::from_nanos(2_000_000_000), now, true, 1_000);
    old.track = VIDEO;
    let packets = std::sync::Arc::new(yeoul_rtp::Packetizer::new(&other().codec, 1000).packetize(&old));
    assert!(!pair.peer.push(now, Kind::Video, &old, &packets));
}

#[test]
fn a_trial_sends_as_much_as_it_says_and_the_viewer_takes_no_harm() {
    let link = Link { delay: 10 * MS, bits_per_second: Some(10_000_000), queue: SECOND, ..Link::default() };
    let mut pair = Pair::with_variants(link);
    pair.connect();
    pair.play(2 * SECOND, 3_000);
    let now = pair.now;
    pair.peer.set_trial(now, Some(4_000_000.0));
    pair.play(2 * SECOND, 3_000);
    let during = *pair.readings().last().expect("readings");
    assert!((3.6e6..4.2e6).contains(&during.delivered), "{during:?}");
    let now = pair.now;
    pair.peer.set_trial(now, None);
    pair.play(2 * SECOND, 3_000);
    let after = *pair.readings().last().expect("readings");
    assert!(after.delivered < 1e6, "{after:?}");
    let (_, stats) = pair.peer.stats().tracks[0];
    assert!(stats.padding > 300 && stats.resent == 0, "{stats:?}");
    let packets = &pair.viewer.packets[&pair.ssrc(MediaKind::Video)];
    assert_eq!(packets.len() as u64, stats.packets, "every packet came, and nothing else in its place");
    let asked = pair.events.iter().any(|event| matches!(event, Event::KeyframeNeeded(_)));
    assert!(!asked);
}

#[test]
fn a_full_line_ends_a_trial_by_the_ladder() {
    let link =
        Link { delay: 20 * MS, bits_per_second: Some(1_000_000), queue: 3 * SECOND, ..Link::default() };
    let mut pair = Pair::with_variants(link);
    pair.connect();
    let mut ladder = Ladder::new(pair.now, 2, 1);
    let rates = |rung| Some(if rung == 0 { 3_000_000.0 } else { 500_000.0 });
    let mut steps = Vec::new();
    for _ in 0..400 {
        pair.play(40 * MS, 2_000);
        let now = pair.now;
        for reading in std::mem::take(&mut pair.events).into_iter().filter_map(line) {
            if let Some(step) = ladder.on_reading(now, &reading, rates) {
                pair.peer.set_trial(now, if let Step::Try(rate) = step { Some(rate) } else { None });
                steps.push(step);
            }
        }
    }
    assert!(matches!(steps[..2], [Step::Try(_), Step::EndTry]), "{steps:?}");
    assert!(!steps.contains(&Step::Up(0)), "{steps:?}");
    assert!(steps.len() <= 4, "{steps:?}");
}

fn line(event: Event) -> Option<Reading> {
    match event {
        Event::Line(reading) => Some(reading),
        Event::Address(..)
        | Event::Connected { .. }
        | Event::PathChanged(_)
        | Event::KeyframeNeeded(_)
        | Event::Closed(_) => None,
    }
}

/// A trial needs feedback; without, it is nothing.
#[test]
fn a_viewer_without_feedback_is_tried_nothing_on() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(SECOND, 3_000);
    let now = pair.now;
    pair.peer.set_trial(now, Some(4_000_000.0));
    pair.play(SECOND, 3_000);
    assert_eq!(pair.peer.stats().tracks[0].1.padding, 0);
    assert!(pair.now - now < Duration::from_secs(2));
}
