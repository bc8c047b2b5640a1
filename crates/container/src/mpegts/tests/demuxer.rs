//! The demuxer: what the muxer wrote, whole and damaged, and what others write.

use super::{assert_same, demux, mux, outline};
use crate::mpegts::{Demuxer, PACKET_BYTES, ZERO_TICKS};
use crate::testing::{Demuxed, aac, data, frame, frames_of, h264, h265, interleave, mp3, sizes, track};
use proptest::prelude::*;
use proptest::sample::Index;
use std::time::Duration;
use yeoul_media::{Codec, Frame, Timestamp, Track};
use yeoul_testkit::{Rng, epoch};

fn tracks() -> impl Strategy<Value = Vec<Track>> {
    let video = prop::sample::select(vec![h264(640), h265(640)]);
    let audio = prop::sample::select(vec![
        aac(48_000, 2),
        aac(8000, 1),
        aac(44_100, 6),
        Codec::Opus { channels: 1 },
        Codec::Opus { channels: 2 },
        mp3(),
    ]);
    prop_oneof![
        (video.clone(), audio.clone()).prop_map(|(video, audio)| vec![track(0, video), track(1, audio)]),
        audio.prop_map(|audio| vec![track(0, audio)]),
        video.prop_map(|video| vec![track(0, video)]),
    ]
}

fn frames(tracks: &[Track], sizes: &[usize], gop: usize, reordered: bool) -> Vec<Frame> {
    let of = |track: &Track| {
        let most = if track.kind() == yeoul_media::Kind::Video { usize::MAX } else { 1200 };
        let sizes: Vec<_> = sizes.iter().map(|size| size % most + 1).collect();
        frames_of(track, &sizes, gop, reordered)
    };
    interleave(tracks.iter().map(of).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn frames_come_back_as_they_went_in(tracks in tracks(), sizes in sizes(40), gop in 1usize..20, reordered: bool, seed: u64) {
        let sent = frames(&tracks, &sizes, gop, reordered);
        assert_same(&tracks, &sent, &demux(&mux(&tracks, &sent), seed));
    }

    #[test]
    fn lost_packets_cost_frames_up_to_the_next_keyframe_only(tracks in tracks(), sizes in sizes(40), gop in 1usize..8, lost in prop::collection::vec(any::<Index>(), 1..4), seed: u64) {
        let sent = frames(&tracks, &sizes, gop, true);
        let stream = mux(&tracks, &sent);
        let count = stream.len() / PACKET_BYTES;
        let lost: Vec<usize> = lost.iter().map(|at| at.index(count)).collect();
        let kept: Vec<u8> = stream
            .chunks(PACKET_BYTES)
            .enumerate()
            .filter(|(number, _)| !lost.contains(number))
            .flat_map(|(_, packet)| packet.to_vec())
            .collect();
        check_subset(&sent, &demux(&kept, seed));
    }

    #[test]
    fn lost_bytes_cost_frames_up_to_the_next_keyframe_only(sizes in sizes(40), at: Index, length in 1usize..500, seed: u64) {
        let tracks = [track(0, h264(640))];
        let sent = frames(&tracks, &sizes, 5, false);
        let mut stream = mux(&tracks, &sent);
        let at = at.index(stream.len());
        stream.drain(at..(at + length).min(stream.len()));
        let got = demux(&stream, seed);
        // Bytes that are missing inside a packet are noticed with the next one only: the picture may be wrong, and may end with
        // the start of another. From the next keyframe on all is right.
        let right: Vec<_> = got.frames.values().flatten().map(|frame| (frame.keyframe, is_among(frame, &sent))).collect();
        let first_wrong = right.iter().position(|(_, right)| !right).unwrap_or(right.len());
        let mut behind = right[first_wrong..].iter().skip(1).skip_while(|(keyframe, _)| !keyframe);
        prop_assert!(behind.all(|(_, right)| *right), "{:?}", right);
    }

    #[test]
    fn no_bytes_panic(tracks in tracks(), sizes in sizes(20), faults in prop::collection::vec((any::<Index>(), any::<u8>()), 0..40), seed: u64) {
        let sent = frames(&tracks, &sizes, 4, true);
        let mut stream = mux(&tracks, &sent);
        for (at, byte) in faults {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        demux(&stream, seed);
    }

    #[test]
    fn noise_is_refused_within_a_bound(seed: u64) {
        let mut demuxer = Demuxer::default();
        let noise = Rng::new(seed).bytes(70_000).into_iter().map(|byte| byte & 0x3f).collect::<Vec<_>>();
        prop_assert!(demuxer.push(&noise, epoch()).is_err());
        prop_assert!(demuxer.pull().is_none());
    }
}

fn is_among(frame: &Frame, sent: &[Frame]) -> bool {
    sent.iter().any(|sent| outline(sent, 0) == outline(frame, ZERO_TICKS))
}

/// Every frame that came is one that was sent, each track goes on after a loss with a keyframe, and the last GOP that nothing was
/// lost of is whole.
fn check_subset(sent: &[Frame], got: &Demuxed) {
    for frames in got.frames.values() {
        let numbers: Vec<usize> = frames
            .iter()
            .map(|frame| {
                let at = sent.iter().position(|sent| outline(sent, 0) == outline(frame, ZERO_TICKS));
                at.expect("a frame that was never sent")
            })
            .collect();
        assert!(numbers.is_sorted());
        let of_track: Vec<usize> =
            (0..sent.len()).filter(|&at| sent[at].track == sent[numbers[0]].track).collect();
        for (pair, frame) in numbers.windows(2).zip(&frames[1..]) {
            let goes_on = of_track.iter().any(|&at| at > pair[0] && at < pair[1]);
            assert!(!goes_on || frame.keyframe, "it goes on after a loss with no keyframe");
        }
    }
}

#[test]
fn packets_of_192_and_204_bytes_are_read() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let sent = frames(&tracks, &[300; 30], 10, true);
    let stream = mux(&tracks, &sent);
    let spread = |front: usize, behind: usize| -> Vec<u8> {
        let packet = |packet: &[u8]| [&vec![0x12; front], packet, &vec![0x12; behind]].concat();
        stream.chunks(PACKET_BYTES).flat_map(packet).collect()
    };
    assert_same(&tracks, &sent, &demux(&spread(4, 0), 1));
    assert_same(&tracks, &sent, &demux(&spread(0, 16), 2));
}

#[test]
fn a_stream_that_is_joined_in_the_middle_starts_at_the_next_keyframe() {
    let tracks = [track(0, h264(640))];
    let sent = frames(&tracks, &[700; 40], 10, false);
    let stream = mux(&tracks, &sent);
    let got = demux(&stream[stream.len() / 2 - 77..], 3);
    let (_, frames) = got.tracks()[0];
    let last: Vec<_> = sent[30..].iter().map(|frame| outline(frame, 0)).collect();
    assert!(frames[0].keyframe);
    assert!(frames.iter().map(|frame| outline(frame, ZERO_TICKS)).collect::<Vec<_>>().ends_with(&last));
}

#[test]
fn bounded_pictures_are_given_without_waiting_for_the_next() {
    let tracks = [track(0, h264(640))];
    let sent = frames(&tracks, &[300; 5], 10, false);
    let mut demuxer = Demuxer::default();
    demuxer.push(&mux(&tracks, &sent), epoch()).unwrap();
    let frames =
        std::iter::from_fn(|| demuxer.pull()).filter(|event| matches!(event, crate::Event::Frame(_)));
    assert_eq!(frames.count(), 5);
}

#[test]
fn a_doubled_packet_is_taken_once() {
    let tracks = [track(0, h264(640)), track(1, mp3())];
    let sent = frames(&tracks, &[900; 12], 4, false);
    let stream = mux(&tracks, &sent);
    let doubled: Vec<u8> = stream.chunks(PACKET_BYTES).flat_map(|packet| [packet, packet].concat()).collect();
    assert_same(&tracks, &sent, &demux(&doubled, 4));
}

#[test]
fn time_that_jumps_goes_on_at_the_time_of_arrival() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let sent = frames(&tracks, &[300; 100], 25, false);
    let stream = mux(&tracks, &sent);
    let (mut demuxer, mut demuxed) = (Demuxer::default(), Demuxed::default());
    for round in 0..3u32 {
        // The same again, 4 s later.
        demuxer.push(&stream, epoch() + Duration::from_secs(4) * round).unwrap();
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    for (codec, frames) in demuxed.tracks() {
        assert_eq!(frames.len(), 300, "{codec}");
        assert!(frames.is_sorted_by_key(|frame| frame.dts), "{codec}");
        let whole = frames[299].dts.saturating_since(frames[0].dts);
        assert!(whole > Duration::from_secs(9) && whole < Duration::from_secs(13), "{codec}: {whole:?}");
    }
}

#[test]
fn a_wrap_of_the_stream_time_is_no_jump() {
    let tracks = [track(0, h264(640))];
    let mut sent = frames(&tracks, &[300; 50], 10, true);
    let start = Timestamp::from_ticks((1 << 33) - 90_000 - 30_000, 90_000);
    for frame in &mut sent {
        frame.pts = start + frame.pts.saturating_since(Timestamp::ZERO);
        frame.dts = start + frame.dts.saturating_since(Timestamp::ZERO);
    }
    assert_same(&tracks, &sent, &demux(&mux(&tracks, &sent), 5));
}

#[test]
fn a_track_that_comes_later_is_told_then() {
    let tracks = [track(0, h264(640)), track(1, aac(48_000, 2))];
    let pictures = frames_of(&tracks[0], &[300; 100], 25, false);
    let mut sound = frames_of(&tracks[1], &[100; 60], 1, false);
    sound.drain(..10);
    for frame in &mut sound {
        frame.pts = frame.pts + Duration::from_secs(3);
        frame.dts = frame.pts;
    }
    let got = demux(&mux(&tracks, &interleave(vec![pictures, sound])), 6);
    let told: Vec<Vec<_>> =
        got.told.iter().map(|tracks| tracks.iter().map(|track| track.codec.name()).collect()).collect();
    assert_eq!(told, [vec!["H264"], vec!["H264", "AAC"]]);
    assert_eq!(got.tracks().iter().map(|(_, frames)| frames.len()).collect::<Vec<_>>(), [100, 50]);
}

#[test]
fn another_codec_on_the_same_place_is_another_track() {
    let first = frames(&[track(0, h264(640))], &[300; 10], 5, false);
    let second: Vec<_> = (10..20).map(|n| frame(0, n * 40, 0, true, data(&h265(640), true, 300))).collect();
    let (mut muxer, mut out) =
        (crate::mpegts::Muxer::new(&[track(0, h264(640))]).unwrap(), bytes::BytesMut::new());
    first.iter().for_each(|frame| muxer.write(frame, &mut out));
    muxer.change(yeoul_media::TrackId(0), &h265(640)).unwrap();
    second.iter().for_each(|frame| muxer.write(frame, &mut out));
    let got = demux(&out, 7);
    let told: Vec<Vec<_>> =
        got.told.iter().map(|tracks| tracks.iter().map(|track| track.codec.name()).collect()).collect();
    assert_eq!(told, [["H264"], ["H265"]]);
    assert_eq!(got.frames.values().map(Vec::len).collect::<Vec<_>>(), [10, 10]);
}
