//! A camera on a virtual clock, and a client that loads every playlist and checks it.

mod camera;
mod properties;

use super::*;
use crate::{Form, Found, PathNames, QueryNames, RenditionReport, Snapshot};
use camera::*;

/// Pushes video of 25 fps with this GOP, from `from` on; returns the time behind it.
fn film(client: &mut Client, camera: &mut Camera, from: Duration, gop: u32, frames: u32) -> Duration {
    for index in 0..frames {
        let frame = camera.frame(VIDEO, from + ms(40) * index, index % gop == 0);
        client.push(&frame).expect("it goes on");
    }
    from + ms(40) * frames
}

fn playlist_of(gop: u32, frames: u32, options: Options) -> (Client, Camera, Duration) {
    let (mut client, mut camera) = (Client::new(options, &[video()]), Camera::default());
    let end = film(&mut client, &mut camera, ms(0), gop, frames);
    (client, camera, end)
}

#[test]
fn low_latency_playlists_read_as_written() {
    let (client, ..) = playlist_of(25, 25 * 3 + 7, low_latency());
    let expected = "#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24,HOLD-BACK=12,PART-HOLD-BACK=0.6
#EXT-X-PART-INF:PART-TARGET=0.2
#EXT-X-START:TIME-OFFSET=-0.2,PRECISE=YES
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI=\"init0.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2025-12-31T23:59:47.600Z
#EXT-X-GAP
#EXTINF:4.00000,
segment0.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-12-31T23:59:51.600Z
#EXT-X-GAP
#EXTINF:4.00000,
segment1.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-12-31T23:59:55.600Z
#EXT-X-GAP
#EXTINF:4.00000,
segment2.m4s
#EXT-X-PROGRAM-DATE-TIME:2025-12-31T23:59:59.600Z
#EXT-X-PART:URI=\"part0.m4s\",DURATION=0.20000,GAP=YES
#EXT-X-PART:URI=\"part1.m4s\",DURATION=0.20000,GAP=YES
#EXT-X-GAP
#EXTINF:0.40000,
segment3.m4s
";
    let text = client.text();
    assert!(text.starts_with(expected), "{text}");
    let end = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXT-X-PART:URI=\"part12.m4s\",DURATION=0.20000,INDEPENDENT=YES
#EXT-X-PART:URI=\"part13.m4s\",DURATION=0.20000
#EXT-X-PART:URI=\"part14.m4s\",DURATION=0.20000
#EXT-X-PART:URI=\"part15.m4s\",DURATION=0.20000
#EXT-X-PART:URI=\"part16.m4s\",DURATION=0.20000
#EXTINF:1.00000,
segment6.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:03.000Z
#EXT-X-PART:URI=\"part17.m4s\",DURATION=0.20000,INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part18.m4s\"
";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn plain_transport_streams_have_the_plainest_playlist() {
    let (client, ..) = playlist_of(50, 151, classic(Form::Ts));
    let expected = "#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.00000,
segment0.ts
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:2.00000,
segment1.ts
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
#EXTINF:2.00000,
segment2.ts
";
    assert_eq!(client.text(), expected);
}

#[test]
fn a_part_is_there_with_its_last_frame_and_not_with_the_next() {
    let (mut client, mut camera, at) = playlist_of(25, 29, low_latency());
    let before = client.latest.as_ref().map(|snapshot| snapshot.version());
    client.push(&camera.frame(VIDEO, at, false)).expect("it goes on");
    let after = client.latest.as_ref().map(|snapshot| snapshot.version());
    assert_ne!(before, after, "the 30th frame ends the sixth part");
}

#[test]
fn the_gop_buffer_is_a_playlist_at_once() {
    // A viewer comes 7 s into a GOP of 10 s: the frames since the keyframe are pushed in one go.
    let mut segmenter = Segmenter::new(low_latency(), &[video()]).expect("a segmenter");
    let mut camera = Camera::default();
    for index in 0..175 {
        segmenter.push(&camera.frame(VIDEO, ms(40) * index, index == 0)).expect("it goes on");
    }
    let snapshot = segmenter.snapshot(&[]).expect("a playlist");
    assert_eq!(snapshot.promise().target_duration, 9, "the GOP so far, and some more");
    assert_eq!(snapshot.position().open_parts, 35);
    assert!(matches!(snapshot.segment(0), Found::Here(segment) if segment.gap));
}

#[test]
fn what_is_known_of_keyframes_is_promised_from_the_start() {
    let known = Options { keyframe_distance: Some(Duration::from_secs(10)), ..low_latency() };
    let (client, ..) = playlist_of(250, 800, known);
    let snapshot = client.latest.expect("a snapshot");
    assert_eq!((snapshot.promise().target_duration, snapshot.generation()), (10, 0));
    let mut segmenter = Segmenter::new(low_latency(), &[video()]).expect("a segmenter");
    let mut camera = Camera::default();
    for index in 0..80 {
        let frame = camera.frame(VIDEO, ms(40) * index, index.is_multiple_of(25));
        if index < 75 { segmenter.observe(&frame) } else { segmenter.push(&frame).expect("it goes on") }
    }
    assert_eq!(segmenter.snapshot(&[]).map(|snapshot| snapshot.promise().target_duration), Some(2));
}

#[test]
fn a_gop_longer_than_promised_makes_another_playlist_that_goes_on() {
    let (mut client, mut camera, at) = playlist_of(25, 75, low_latency());
    let at = film(&mut client, &mut camera, at, 300, 300);
    film(&mut client, &mut camera, at, 25, 50);
    let snapshot = client.latest.as_ref().expect("a snapshot");
    assert_eq!((snapshot.promise().target_duration, snapshot.generation()), (16, 2));
    assert!(client.text().contains("#EXTINF:12.00000,\nsegment7.m4s\n"), "{}", client.text());
}

#[test]
fn a_camera_without_keyframes_is_told_so_and_makes_no_endless_segment() {
    let (mut client, mut camera, at) = playlist_of(25, 75, low_latency());
    let error = (0..).find_map(|index| client.push(&camera.frame(VIDEO, at + ms(40) * index, false)).err());
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert!(text.starts_with("the camera has sent no keyframe for 30 s"), "{text}");
    assert_eq!(
        client.segmenter.push(&camera.frame(VIDEO, at, true)),
        client.segmenter.push(&camera.frame(VIDEO, at, true))
    );

    let mut never = Segmenter::new(classic(Form::Ts), &[video()]).expect("a segmenter");
    let error = (0..).find_map(|index| never.push(&camera.frame(VIDEO, ms(40) * index, false)).err());
    assert!(matches!(error, Some(Error::NoKeyframe { .. })));
    assert!(never.snapshot(&[]).is_none());
}

#[test]
fn keyframes_without_parameter_sets_are_told_so() {
    let track = Track { id: VIDEO, codec: yeoul_media::Codec::H264(None) };
    let mut segmenter = Segmenter::new(low_latency(), &[track]).expect("a segmenter");
    let mut camera = Camera::default();
    let error =
        (0..).find_map(|index| segmenter.push(&camera.frame(VIDEO, ms(40) * index, index % 25 == 0)).err());
    assert_eq!(error, Some(Error::NoParameterSets { track: VIDEO }));
}

#[test]
fn parameter_sets_that_come_with_the_first_keyframe_are_taken() {
    let track = Track { id: VIDEO, codec: yeoul_media::Codec::H264(None) };
    let mut client = Client::new(low_latency(), &[track]);
    let mut camera = Camera { codec: Some(Arc::new(h264(1920))), ..Camera::default() };
    film(&mut client, &mut camera, ms(0), 25, 60);
    let snapshot = client.latest.expect("a snapshot");
    assert_eq!((snapshot.codecs(), snapshot.resolution()), ("avc1.640028", Some((1920, 720))));
    assert_eq!(snapshot.frame_rate_millis(), Some(25_000));
}

#[test]
fn another_resolution_is_a_discontinuity_with_a_map_of_its_own() {
    let (mut client, mut camera, at) = playlist_of(25, 75, low_latency());
    camera.codec = Some(Arc::new(h264(640)));
    let at = film(&mut client, &mut camera, at, 25, 50);
    let text = client.text();
    assert!(text.contains("segment6.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init1.mp4\"\n"), "{text}");
    assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:0\n"), "{text}");
    film(&mut client, &mut camera, at, 25, 25 * 40);
    assert!(client.text().contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), "{}", client.text());
    assert_eq!(client.frames().len(), 75 + 50 + 25 * 40 - 25);
}

#[test]
fn while_the_camera_is_away_gaps_go_on_in_its_place() {
    let (mut client, mut camera, at) = playlist_of(25, 75, low_latency());
    let back = at + Duration::from_secs(7);
    client.wait(epoch_plus(back - ms(500)));
    let text = client.text();
    assert!(text.contains(",GAP=YES\n"), "{text}");
    let parts_before = client.latest.as_ref().map_or(0, |snapshot| snapshot.next_part);
    client.wait(epoch_plus(back - ms(100)));
    let parts = client.latest.as_ref().map_or(0, |snapshot| snapshot.next_part) - parts_before;
    assert_eq!(parts, 2, "a part for every 200 ms, also when it is absent");
    film(&mut client, &mut camera, back, 25, 60);
    let text = client.text();
    assert!(!text.contains("#EXT-X-DISCONTINUITY"), "the same encoding goes on: {text}");
    let gaps: f64 = text
        .split("#EXT-X-GAP\n#EXTINF:")
        .skip(1)
        .filter_map(|gap| gap.split(',').next()?.parse::<f64>().ok())
        .sum();
    assert!((gaps - 11.4).abs() < 0.001, "7 s, and 4.4 s of before the first segment: {text}");
    assert_eq!(client.frames().len(), 75 + 50);
}

#[test]
fn an_absence_of_hours_that_nobody_told_is_a_discontinuity() {
    let (mut client, mut camera, at) = playlist_of(50, 151, classic(Form::Fmp4));
    let back = at + Duration::from_secs(7200);
    let frame = camera.frame(VIDEO, back, true);
    // As after the machine has slept: no timeout in between.
    client.segmenter.push(&frame).expect("it goes on");
    film(&mut client, &mut camera, back + ms(40), 50, 150);
    assert!(client.text().contains("#EXT-X-DISCONTINUITY\n"), "{}", client.text());
}

#[test]
fn a_lost_source_is_an_absence_at_once() {
    let (mut client, ..) = playlist_of(25, 77, low_latency());
    client.segmenter.source_lost().expect("it goes on");
    let snapshot = client.segmenter.snapshot(&[]).expect("a snapshot");
    assert_eq!(snapshot.position().open_msn, 8, "the segment in progress is complete");
}

#[test]
fn time_stamps_that_jump_make_a_discontinuity_and_those_that_keep_jumping_an_error() {
    let (mut client, mut camera, at) = playlist_of(25, 75, low_latency());
    let jumped = |client: &mut Client, camera: &mut Camera, index: u32, media: Duration| {
        let mut frame = camera.frame(VIDEO, at + ms(40) * index, index.is_multiple_of(25));
        frame.pts = Timestamp::ZERO + media;
        frame.dts = frame.pts;
        client.push(&frame)
    };
    for index in 0..50 {
        jumped(&mut client, &mut camera, index, at + Duration::from_secs(3600) + ms(40) * index)
            .expect("it goes on");
    }
    assert!(client.text().contains("#EXT-X-DISCONTINUITY\n"), "{}", client.text());
    for index in 50..100 {
        jumped(&mut client, &mut camera, index, ms(40) * index).expect("it goes on");
    }
    assert_eq!(client.text().matches("#EXT-X-DISCONTINUITY\n").count(), 2);
    let mut last = Ok(());
    for index in 100..400 {
        let hours = Duration::from_secs(3600) * (index / 25);
        last = jumped(&mut client, &mut camera, index, hours + ms(40) * index);
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last, Err(Error::BrokenTime));
}

#[test]
fn time_stamps_that_stand_still_are_told_so() {
    let mut segmenter = Segmenter::new(low_latency(), &[video()]).expect("a segmenter");
    let mut camera = Camera::default();
    let error = (0..40_000u32).find_map(|index| {
        let mut frame = camera.frame(VIDEO, ms(40) * index, index == 0);
        frame.dts = Timestamp::ZERO;
        frame.pts = Timestamp::ZERO;
        frame.received_at = yeoul_testkit::epoch() + ms(1) * index;
        segmenter.push(&frame).err()
    });
    assert_eq!(error, Some(Error::StandingTime { span: Duration::ZERO }));
}

#[test]
fn sound_alone_is_cut_by_time_and_every_part_is_independent() {
    let mut client = Client::new(low_latency(), &[audio()]);
    let mut camera = Camera::default();
    for index in 0..200 {
        client.push(&camera.frame(AUDIO, ms(64) * index, true)).expect("it goes on");
    }
    let text = client.text();
    let parts: Vec<&str> = text.lines().filter(|line| line.starts_with("#EXT-X-PART:")).collect();
    assert!(!parts.is_empty() && parts.iter().all(|part| part.ends_with(",INDEPENDENT=YES")), "{text}");
    assert!(text.contains("#EXT-X-PART-INF:PART-TARGET=0.192\n"), "{text}");
    assert!(text.contains("#EXTINF:0.96000,\n"), "{text}");
    let mut client = Client::new(classic(Form::Ts), &[audio()]);
    for index in 0..200 {
        client.push(&camera.frame(AUDIO, ms(64) * index, true)).expect("it goes on");
    }
    assert!(client.text().contains("#EXTINF:1.85600,\n"), "{}", client.text());
}

#[test]
fn other_tracks_and_what_comes_before_the_first_keyframe_are_passed_over() {
    let mut client = Client::new(low_latency(), &[video(), audio()]);
    let mut camera = Camera::default();
    client.push(&camera.frame(AUDIO, ms(0), true)).expect("it goes on");
    client.push(&camera.frame(VIDEO, ms(0), false)).expect("it goes on");
    client.push(&camera.frame(TrackId(9), ms(0), true)).expect("it goes on");
    assert!(client.latest.is_none());
    film(&mut client, &mut camera, ms(40), 25, 60);
    assert_eq!(client.frames().len(), 50);
}

#[test]
fn an_ended_playlist_has_everything_and_takes_no_more() {
    let (mut client, mut camera, at) = playlist_of(25, 77, low_latency());
    client.end();
    assert!(client.text().ends_with("#EXTINF:0.08000,\nsegment7.m4s\n#EXT-X-ENDLIST\n"), "{}", client.text());
    assert_eq!(client.frames().len(), 77);
    assert_eq!(client.segmenter.push(&camera.frame(VIDEO, at, true)), Err(Error::Ended));
}

#[test]
fn other_tracks_go_on_behind_a_discontinuity() {
    let (mut client, mut camera, at) = playlist_of(25, 77, low_latency());
    client.segmenter.change_tracks(&[video(), audio()]).expect("it goes on");
    let at = film(&mut client, &mut camera, at, 25, 10);
    client.push(&camera.frame(AUDIO, at, true)).expect("it goes on");
    film(&mut client, &mut camera, at, 25, 60);
    let text = client.text();
    assert!(text.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init1.mp4\"\n"), "{text}");
    assert_eq!(
        client.latest.map(|snapshot| snapshot.codecs().to_owned()).as_deref(),
        Some("avc1.64001f,mp4a.40.2")
    );
}

#[test]
fn every_name_has_its_own_playlist_of_the_same_segments() {
    let names: Vec<Arc<dyn crate::Names>> = vec![Arc::new(PathNames::FMP4), Arc::new(QueryNames::fmp4("a1"))];
    let (client, ..) = playlist_of(25, 80, Options { names, ..low_latency() });
    let snapshot: Arc<Snapshot> = client.latest.expect("a snapshot");
    let text = String::from_utf8(snapshot.playlist(1, false).to_vec()).expect("text");
    for name in ["init.mp4?id=a1&v=0", "\nsegment.m4s?id=a1&n=6\n", "URI=\"segment.m4s?id=a1&part=18\""] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert_eq!(snapshot.playlist(2, false).len(), 0);
}

#[test]
fn numbers_can_begin_where_an_earlier_playlist_ended() {
    let options = Options { first_msn: 1_767_225_600, first_discontinuity: 12, ..low_latency() };
    let (client, ..) = playlist_of(25, 80, options);
    let text = client.text();
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:1767225600\n#EXT-X-DISCONTINUITY-SEQUENCE:12\n"), "{text}");
    let snapshot = client.latest.expect("a snapshot");
    assert_eq!(snapshot.last(), (1_767_225_607, Some(0)));
}

#[test]
fn other_renditions_are_reported() {
    let mut segmenter = Segmenter::new(low_latency(), &[video()]).expect("a segmenter");
    let mut camera = Camera::default();
    for index in 0..80 {
        segmenter.push(&camera.frame(VIDEO, ms(40) * index, index % 25 == 0)).expect("it goes on");
    }
    let report = RenditionReport { uri: "low.m3u8".to_owned(), last_msn: 7, last_part: Some(3) };
    let snapshot = segmenter.snapshot(&[report]).expect("a snapshot");
    let text = String::from_utf8(snapshot.playlist(0, false).to_vec()).expect("text");
    assert!(text.contains("#EXT-X-RENDITION-REPORT:URI=\"low.m3u8\",LAST-MSN=7,LAST-PART=3\n"), "{text}");
}

#[test]
fn renditions_that_have_agreed_promise_the_same() {
    let agreed = Options {
        target_duration: Some(5),
        part_hold_back: Some(Duration::from_millis(900)),
        ..low_latency()
    };
    let (mut client, ..) = playlist_of(25, 80, agreed);
    assert!(client.text().contains("HOLD-BACK=15,PART-HOLD-BACK=0.9\n"), "{}", client.text());
    client.segmenter.raise_target(8);
    let promise = client
        .segmenter
        .snapshot(&[])
        .map(|snapshot| (snapshot.promise().target_duration, snapshot.generation()));
    assert_eq!(promise, Some((8, 1)));
}

#[test]
fn bit_rates_are_measured() {
    let (client, ..) = playlist_of(25, 80, low_latency());
    let rates = client.latest.map(|snapshot| snapshot.rates()).unwrap_or_default();
    // 25 frames of 113 bytes a second, and what the container adds.
    assert!((22_600..40_000).contains(&rates.average), "{rates:?}");
    assert!(rates.peak >= rates.average);
}

fn epoch_plus(time: Duration) -> Instant {
    yeoul_testkit::epoch() + time
}
