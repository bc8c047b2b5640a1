//! Packets made once for all players.

use super::*;
use crate::limits::{NUMBERED_FRAMES, RECENT_BLOCKS};
use crate::send::media_formats;
use proptest::prelude::*;
use yeoul_rtp::packet::PacketRef;

fn fanout() -> Fanout {
    Fanout::new(&[h264_track(4), aac_track(5)], 1400, [9; 32])
}

fn block(fanout: &mut Fanout, index: u64, frame: &Frame) -> Option<Arc<Block>> {
    fanout.block(index, frame, clock(frame.received_at)).unwrap()
}

/// Sequence numbers of a block's packets.
fn sequences(block: &Block) -> Vec<u16> {
    let datagrams =
        block.datagrams().iter().flat_map(|group| group.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
    datagrams.map(|bytes| PacketRef::parse(&bytes).unwrap().header.sequence).collect()
}

#[test]
fn a_block_is_made_once() {
    let mut fanout = fanout();
    let frame = picture(4, 0, true, 3000);
    let first = block(&mut fanout, 8, &frame).unwrap();
    let second = block(&mut fanout, 8, &frame).unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn old_blocks_are_made_again_with_the_same_bytes() {
    let mut fanout = fanout();
    let frames: Vec<_> = (0..400).map(|n| picture(4, n, n == 0, 2000)).collect();
    let blocks: Vec<_> =
        (0..).zip(&frames).map(|(index, frame)| block(&mut fanout, index, frame).unwrap()).collect();
    let again: Vec<_> =
        (0..).zip(&frames).map(|(index, frame)| block(&mut fanout, index, frame).unwrap()).collect();
    for (first, second) in blocks.iter().zip(&again) {
        assert_eq!(first.interleaved(), second.interleaved());
    }
    let kept = blocks.iter().zip(&again).filter(|(first, second)| Arc::ptr_eq(first, second)).count();
    assert_eq!(kept, RECENT_BLOCKS);
}

#[test]
fn large_blocks_are_not_kept_for_long() {
    let mut fanout = fanout();
    let frames: Vec<_> = (0..5).map(|n| picture(4, n, true, 900_000)).collect();
    let blocks: Vec<_> =
        (0..).zip(&frames).map(|(index, frame)| block(&mut fanout, index, frame).unwrap()).collect();
    let kept = (0..)
        .zip(&frames)
        .zip(&blocks)
        .filter(|((index, frame), first)| Arc::ptr_eq(first, &block(&mut fanout, *index, frame).unwrap()))
        .count();
    assert_eq!(kept, 2);
}

#[test]
fn players_start_where_there_are_numbers_or_right_behind() {
    let mut fanout = fanout();
    assert!(fanout.admits(1000), "a new one begins anywhere");
    for (n, index) in [(0, 10), (1, 11), (2, 14)] {
        block(&mut fanout, index, &picture(4, n, n == 0, 100));
    }
    let admitted: Vec<u64> = (0..20).filter(|index| fanout.admits(*index)).collect();
    assert_eq!(
        admitted,
        [10, 11, 14, 15],
        "12 and 13 were frames of other tracks, or somebody has skipped them"
    );
}

#[test]
fn frames_that_others_went_past_have_no_packets() {
    let mut fanout = fanout();
    let early = block(&mut fanout, 10, &picture(4, 0, true, 3000)).unwrap();
    let late = block(&mut fanout, 20, &picture(4, 10, true, 3000)).unwrap();
    assert!(block(&mut fanout, 15, &picture(4, 5, false, 3000)).is_none());
    assert_eq!(sequences(&early).last().map(|last| last.wrapping_add(1)), sequences(&late).first().copied());
}

#[test]
fn frames_of_other_tracks_have_no_packets() {
    assert!(block(&mut fanout(), 0, &picture(6, 0, true, 100)).is_none());
}

#[test]
fn numbers_are_kept_for_a_bounded_number_of_frames() {
    let mut fanout = fanout();
    let frame = sound(5, 0, true, Bytes::from_static(b"x"));
    for index in 0..=NUMBERED_FRAMES as u64 {
        block(&mut fanout, index, &frame);
    }
    assert!(!fanout.admits(0) && fanout.admits(1));
    assert!(block(&mut fanout, 0, &frame).is_none());
}

#[test]
fn a_track_whose_clock_changes_is_told() {
    let tracks = [aac_track(5)];
    let mut fanout = Fanout::new(&tracks, 1400, [9; 32]);
    let config = Bytes::from(yeoul_testkit::aac::config(44_100, 2));
    let codec = Codec::Aac(aac::AudioSpecificConfig::parse(config).unwrap());
    let frame = Frame { new_codec: Some(Arc::new(codec)), ..sound(5, 0, true, Bytes::from_static(b"x")) };
    let error = fanout.block(0, &frame, clock(epoch())).unwrap_err();
    assert_eq!(error.to_string(), "the RTP clock of a track has changed from 48000 to 44100 Hz");
}

#[test]
fn the_wall_clock_is_the_senders_or_that_of_arrival_from_beginning_to_end() {
    let far = wall_epoch() - Duration::from_secs(1000);
    for by_sender in [false, true] {
        let mut fanout = fanout();
        let mut wall = |n: u32, captured: bool| {
            let mut frame = picture(4, n, true, 100);
            frame.captured_at = captured.then(|| far + FRAME * n);
            block(&mut fanout, u64::from(n), &frame).unwrap().wall
        };
        let zero = if by_sender { far } else { wall_epoch() };
        assert_eq!(wall(1, by_sender), zero + FRAME);
        assert_eq!(wall(2, true), zero + FRAME * 2);
        assert_eq!(wall(3, false), zero + FRAME * 3);
    }
}

#[test]
fn the_wall_clock_does_not_follow_jitter_but_a_step() {
    let mut fanout = fanout();
    let mut wall = |n: u32, offset: Duration| {
        let mut frame = picture(4, n, true, 100);
        frame.captured_at = Some(wall_epoch() + FRAME * n + offset);
        let wall = block(&mut fanout, u64::from(n), &frame).unwrap().wall;
        wall.duration_since(wall_epoch() + FRAME * n).unwrap()
    };
    assert_eq!(wall(0, Duration::ZERO), Duration::ZERO);
    assert_eq!(wall(1, Duration::from_millis(256)), Duration::ZERO);
    assert_eq!(wall(2, Duration::from_secs(3600)), Duration::from_secs(3600));
}

#[test]
fn fixed_payload_types_are_used_where_they_fit() {
    let tracks = |codecs: Vec<Codec>| -> Vec<u8> {
        let tracks: Vec<_> = codecs.into_iter().map(|codec| Track { id: TrackId(0), codec }).collect();
        media_formats(&tracks).iter().map(|format| format.payload_type).collect()
    };
    let layout = |sample_rate, channels| PcmLayout { sample_rate, channels };
    assert_eq!(
        tracks(vec![
            Codec::H264(None),
            Codec::Pcma(layout(8_000, 1)),
            Codec::Pcmu(layout(8_000, 1)),
            Codec::Pcmu(layout(16_000, 1)),
            Codec::G722,
            Codec::L16(layout(44_100, 2)),
            Codec::L16(layout(44_100, 1)),
            Codec::L16(layout(48_000, 2)),
            Codec::Opus { channels: 2 },
            Codec::H265(None),
        ]),
        [96, 8, 0, 97, 9, 10, 11, 98, 99, 100]
    );
}

proptest! {
    /// Players that read at their own pace, from their own places, see the same numbers; none of them ever sees a gap
    /// unless another one skipped.
    #[test]
    fn all_players_see_the_same_contiguous_numbers(
        sizes in prop::collection::vec(1usize..5000, 1..60),
        steps in prop::collection::vec((0usize..3, 1usize..10), 1..60),
    ) {
        let frames: Vec<Frame> = (0..).zip(&sizes).map(|(n, size)| picture(4, n, true, *size)).collect();
        let mut fanout = fanout();
        let mut seen: Vec<Vec<u16>> = vec![Vec::new(); 3];
        let mut next = [0usize; 3];
        for (player, count) in steps {
            for _ in 0..count {
                let Some(frame) = frames.get(next[player]) else { break };
                let block = block(&mut fanout, next[player] as u64, frame).expect("nobody skips");
                seen[player].extend(sequences(&block));
                next[player] += 1;
            }
        }
        let longest = seen.iter().max_by_key(|seen| seen.len()).cloned().unwrap_or_default();
        prop_assert!(longest.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
        for player in &seen {
            prop_assert_eq!(player.as_slice(), &longest[..player.len()]);
        }
    }
}
