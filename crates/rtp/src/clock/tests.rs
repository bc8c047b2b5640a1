use super::*;
use proptest::prelude::*;
use yeoul_testkit::{epoch, wall_epoch};

const VIDEO: u32 = 90_000;
const AUDIO: u32 = 8_000;

fn at(ms: u64) -> Instant {
    epoch() + Duration::from_millis(ms)
}

fn ms(times: Times) -> i64 {
    times.pts.as_nanos() / 1_000_000
}

/// The NTP time of the virtual wall clock after `ms`.
fn wall(ms: u64) -> NtpTime {
    NtpTime::from_system_time(wall_epoch() + Duration::from_millis(ms))
}

/// A camera with two tracks whose RTP times start anywhere.
struct Camera {
    clock: ClockMapping,
    video: ClockTrack,
    audio: ClockTrack,
    video_start: u32,
    audio_start: u32,
}

impl Camera {
    fn new() -> Self {
        let mut clock = ClockMapping::default();
        let (video, audio) = (clock.add_track(Kind::Video, VIDEO), clock.add_track(Kind::Audio, AUDIO));
        Self { clock, video, audio, video_start: 0xffff_f000, audio_start: 77 }
    }

    fn video_time(&self, ms: u64) -> u32 {
        self.video_start.wrapping_add(u32::try_from(ms * 90).unwrap())
    }

    fn audio_time(&self, ms: u64) -> u32 {
        self.audio_start.wrapping_add(u32::try_from(ms * 8).unwrap())
    }

    /// A frame captured at `captured` ms that comes in at `arrived` ms.
    fn video(&mut self, captured: u64, arrived: u64) -> Times {
        self.clock.map(self.video, self.video_time(captured), 0, at(arrived))
    }

    fn audio(&mut self, captured: u64, arrived: u64) -> Times {
        self.clock.map(self.audio, self.audio_time(captured), 0, at(arrived))
    }

    /// Reports at `captured` ms of both tracks, by wall clocks that are this many ms off.
    fn reports(&mut self, captured: u64, video_off: u64, audio_off: u64) {
        self.clock.sender_report(self.video, wall(captured + video_off), self.video_time(captured));
        self.clock.sender_report(self.audio, wall(captured + audio_off), self.audio_time(captured));
    }
}

#[test]
fn time_within_a_track_is_rtp_time_whatever_the_jitter() {
    let mut camera = Camera::new();
    // The RTP time wraps after 45 ms.
    let times: Vec<i64> = [(0, 0), (40, 90), (80, 91), (120, 121)]
        .map(|(captured, arrived)| ms(camera.video(captured, arrived)))
        .to_vec();
    assert_eq!(times, [0, 40, 80, 120]);
}

#[test]
fn rtp_time_goes_on_through_many_wraps() {
    let mut camera = Camera::new();
    // 36 hours, a frame each minute: RTP time wraps every 13 hours.
    for minute in 0..36 * 60 {
        let captured = minute * 60_000;
        let rtp_time = camera.video_start.wrapping_add(u32::try_from((captured * 90) & 0xffff_ffff).unwrap());
        let times = camera.clock.map(camera.video, rtp_time, 0, at(captured));
        assert_eq!(ms(times), i64::try_from(captured).unwrap());
    }
    assert_eq!(camera.clock.jumps(camera.video), 0);
}

#[test]
fn without_reports_tracks_start_when_their_first_packets_come() {
    let mut camera = Camera::new();
    assert_eq!(ms(camera.video(0, 100)), 0);
    assert_eq!(ms(camera.audio(500, 160)), 60);
}

#[test]
fn rtp_info_starts_tracks_together() {
    let mut camera = Camera::new();
    camera.clock.rtp_info(camera.video, camera.video_time(1000));
    camera.clock.rtp_info(camera.audio, camera.audio_time(1000));
    assert_eq!(ms(camera.video(1020, 0)), 20);
    assert_eq!(ms(camera.audio(1005, 300)), 5);
}

#[test]
fn rtp_info_far_from_the_packets_is_not_believed() {
    let mut camera = Camera::new();
    camera.clock.rtp_info(camera.video, camera.video_time(60_000));
    camera.clock.rtp_info(camera.audio, camera.audio_time(100));
    assert_eq!(ms(camera.video(100, 0)), 0);
    assert_eq!(ms(camera.audio(100, 30)), 30);
}

#[test]
fn reports_align_tracks_and_tell_the_capture_time() {
    let mut camera = Camera::new();
    // The sound comes 300 ms late, so that it seems to be later than it is.
    camera.video(1000, 1000);
    camera.audio(1000, 1300);
    camera.reports(1100, 0, 0);
    let video = camera.video(1200, 1200);
    assert_eq!(ms(video), 200);
    assert_eq!(video.captured_at, Some(wall_epoch() + Duration::from_millis(1200)));
    // Time runs at half speed until the 300 ms are caught up.
    let sound: Vec<i64> =
        (1020..=1700).step_by(20).map(|captured| ms(camera.audio(captured, captured + 300))).collect();
    assert_eq!(sound[..3], [310, 320, 330]);
    assert_eq!(sound.last(), Some(&700));
    assert!(sound.is_sorted());
}

#[test]
fn a_track_that_is_early_is_moved_forward_at_once() {
    let mut camera = Camera::new();
    camera.video(1000, 1000);
    camera.audio(1500, 1100);
    camera.reports(1500, 0, 0);
    assert_eq!((ms(camera.video(1600, 1600)), ms(camera.audio(1600, 1600))), (600, 600));
}

#[test]
fn the_picture_is_never_moved_whoever_reports_first() {
    let mut camera = Camera::new();
    camera.video(1000, 1000);
    // The sound comes 300 ms late, and reports first.
    camera.audio(1000, 1300);
    camera.clock.sender_report(camera.audio, wall(1100), camera.audio_time(1100));
    camera.clock.sender_report(camera.video, wall(1100), camera.video_time(1100));
    let pictures: Vec<i64> = (1200..1600).step_by(40).map(|time| ms(camera.video(time, time))).collect();
    assert!(pictures.windows(2).all(|pair| pair[1] - pair[0] == 40), "{pictures:?}");
    for captured in (1020..=2000).step_by(20) {
        camera.audio(captured, captured + 300);
    }
    assert_eq!(ms(camera.audio(2020, 2320)), ms(camera.video(2020, 2020)));
}

#[test]
fn a_report_before_the_first_packet_counts() {
    let mut camera = Camera::new();
    camera.reports(1000, 0, 0);
    camera.video(1000, 0);
    assert_eq!(ms(camera.audio(1500, 40)), 500);
}

#[test]
fn small_differences_are_left_alone() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    camera.audio(0, 0);
    camera.reports(0, 0, 0);
    // Clocks of reports jitter by some milliseconds.
    camera.reports(5000, 10, 0);
    camera.reports(10_000, 0, 15);
    assert_eq!(ms(camera.audio(10_000, 10_000)), 10_000);
}

#[test]
fn sound_that_drifts_away_from_the_picture_is_brought_back() {
    let mut camera = Camera::new();
    let mut worst = 0;
    for second in 0..3600u64 {
        // The sound card is 100 ppm slow: 360 ms in an hour.
        let card = second * 1_000_000 - second * 100;
        let audio_time = camera.audio_start.wrapping_add(u32::try_from(card * 8 / 1000).unwrap());
        let video = ms(camera.video(second * 1000, second * 1000));
        let audio = ms(camera.clock.map(camera.audio, audio_time, 0, at(second * 1000)));
        worst = worst.max((video - audio).abs());
        if second % 5 == 0 {
            camera.clock.sender_report(camera.video, wall(second * 1000), camera.video_time(second * 1000));
            camera.clock.sender_report(camera.audio, wall(second * 1000), audio_time);
        }
    }
    assert!(worst <= 40, "{worst} ms apart");
    assert!((-110.0..-90.0).contains(&camera.clock.drift(camera.audio).unwrap().ppm));
}

#[test]
fn a_wall_clock_of_1900_aligns_but_is_not_told() {
    let mut camera = Camera::new();
    camera.video(1000, 1000);
    camera.audio(1500, 1100);
    for (track, time) in [(camera.video, camera.video_time(1000)), (camera.audio, camera.audio_time(1000))] {
        camera.clock.sender_report(track, NtpTime(12 << 32), time);
    }
    let audio = camera.audio(1600, 1600);
    assert_eq!((ms(audio), audio.captured_at), (600, None));
}

#[test]
fn reports_of_zero_and_far_from_the_packets_are_not_used() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    camera.audio(0, 0);
    camera.clock.sender_report(camera.video, NtpTime(0), camera.video_time(0));
    camera.clock.sender_report(camera.video, wall(0), camera.video_time(100_000));
    assert!(camera.clock.reference.is_none());
    camera.reports(0, 0, 0);
    camera.clock.sender_report(camera.audio, wall(0), camera.audio_time(90_000));
    assert_eq!(ms(camera.audio(40, 40)), 40);
}

#[test]
fn tracks_with_different_wall_clocks_are_left_where_they_are() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    camera.audio(0, 10);
    for n in 0..5 {
        camera.reports(n * 5000, 0, 3_600_000);
        assert_eq!(ms(camera.audio(n * 5000, n * 5000)), i64::try_from(n * 5000 + 10).unwrap());
    }
}

#[test]
fn a_camera_that_sets_its_clock_moves_nothing() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    camera.audio(0, 0);
    camera.reports(0, 0, 0);
    // The clock is set between the reports of the two tracks, by less than what tracks can be apart.
    camera.clock.sender_report(camera.audio, wall(5000 + 4000), camera.audio_time(5000));
    camera.clock.sender_report(camera.video, wall(5000 + 4000), camera.video_time(5000));
    let video = camera.video(5000, 5000);
    assert_eq!((ms(video), ms(camera.audio(5000, 5000))), (5000, 5000));
    assert_eq!(video.captured_at, None);
    camera.reports(10_000, 4000, 4000);
    let video = camera.video(10_000, 10_000);
    assert_eq!((ms(video), ms(camera.audio(10_000, 10_000))), (10_000, 10_000));
    assert_eq!(video.captured_at, Some(wall_epoch() + Duration::from_millis(14_000)));
}

#[test]
fn a_restarted_rtp_clock_is_bridged_by_the_arrival() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    camera.video(40, 40);
    for (start, from) in [(0x2000_0000, 80), (0x9000_0000, 200), (5, 320)] {
        camera.video_start = start;
        assert_eq!(ms(camera.video(0, from)), i64::try_from(from).unwrap());
        assert_eq!(ms(camera.video(40, from + 40)), i64::try_from(from + 40).unwrap());
    }
    assert_eq!(camera.clock.jumps(camera.video), 3);
}

#[test]
fn a_burst_after_a_stalled_connection_is_no_jump() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    // 20 s of silence; the queue comes at once, with a hole where the server gave up.
    let times: Vec<i64> = [(40, 20_000), (80, 20_001), (19_000, 20_002), (20_040, 20_040)]
        .map(|(c, a)| ms(camera.video(c, a)))
        .to_vec();
    assert_eq!(times, [40, 80, 19_000, 20_040]);
    assert_eq!(camera.clock.jumps(camera.video), 0);
}

#[test]
fn ticks_go_out_as_they_came_in() {
    let mut camera = Camera::new();
    camera.video(0, 0);
    // Sound that starts at a fraction of a tick, is moved once, and is sent on with its own clock.
    let mut sent = Vec::new();
    for n in 0..500u32 {
        let rtp_time = camera.audio_start.wrapping_add(n * 160);
        let arrival = epoch() + Duration::from_nanos(123_456_789) + Duration::from_millis(u64::from(n) * 20);
        sent.push(camera.clock.map(camera.audio, rtp_time, 0, arrival).pts.to_ticks(AUDIO));
        if n == 100 {
            camera.reports(1000, 0, 0);
        }
    }
    let steps: Vec<i64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps[..100].iter().all(|&step| step == 160), "{steps:?}");
    assert!(steps[150..].iter().all(|&step| step == 160), "{steps:?}");
}

#[test]
fn frames_in_decoding_order_keep_their_presentation_times() {
    let mut camera = Camera::new();
    let mut times = |shown: u64, ahead: u32| {
        let times = camera.clock.map(camera.video, camera.video_time(shown), ahead * 90, at(shown));
        (ms(times), times.dts.as_nanos() / 1_000_000)
    };
    // I P B B, a depth of 1.
    assert_eq!(
        [times(1000, 40), times(1120, 120), times(1040, 0), times(1080, 0)],
        [(0, -40), (120, 0), (40, 40), (80, 80)]
    );
    // A depth that was not foreseen: the frame is lifted.
    assert_eq!([times(1160, 0), times(1120, 0)], [(160, 160), (160, 160)]);
}

#[test]
fn drift_is_measured_through_jitter() {
    let mut clock = ClockMapping::default();
    let track = clock.add_track(Kind::Video, VIDEO);
    let mut jitter = yeoul_testkit::Rng::new(5);
    assert_eq!(clock.drift(track), None);
    for frame in 0..1500u64 {
        // 25 fps by a clock that is 200 ppm fast, up to 8 ms late.
        let arrival = epoch() + Duration::from_micros(frame * 40_000 + jitter.below(8000));
        let ticks = frame * 3600 + frame * 3600 * 200 / 1_000_000;
        clock.map(track, u32::try_from(ticks).unwrap(), 0, arrival);
    }
    let drift = clock.drift(track).unwrap();
    assert!((150.0..250.0).contains(&drift.ppm), "{drift:?}");
    assert!(drift.over > Duration::from_secs(50), "{drift:?}");
}

proptest! {
    #[test]
    fn decoding_time_never_goes_back_nor_beyond_presentation(
        steps in prop::collection::vec((0usize..2, any::<u32>(), 0u32..20_000, 0u64..3000, any::<bool>(), any::<u64>(), any::<bool>()), 1..200),
    ) {
        let mut clock = ClockMapping::default();
        let tracks = [clock.add_track(Kind::Video, VIDEO), clock.add_track(Kind::Audio, 48_000)];
        let (mut now, mut rtp, mut last) = (epoch(), [0u32, 0], [i64::MIN; 2]);
        for (n, random, ahead, passed, wild, ntp, report) in steps {
            now += Duration::from_millis(passed);
            rtp[n] = if wild { random } else { rtp[n].wrapping_add(random % 9000) };
            if report {
                let ntp = if wild { NtpTime(ntp) } else { wall(u64::from(rtp[n]) / 90) };
                clock.sender_report(tracks[n], ntp, rtp[n]);
            }
            let times = clock.map(tracks[n], rtp[n], ahead, now);
            let dts = times.dts.as_nanos();
            prop_assert!(times.dts <= times.pts && dts >= last[n]);
            last[n] = dts;
            let _ = clock.drift(tracks[n]);
        }
    }

    #[test]
    fn reports_in_any_order_bring_tracks_together(
        late in 0u64..2000,
        offset: u32,
        order in prop::collection::vec(any::<bool>(), 4..20),
    ) {
        let mut camera = Camera::new();
        camera.video_start = offset;
        camera.video(0, 0);
        camera.audio(0, late);
        let mut now = 0;
        for video in order.into_iter().chain([true, false]) {
            now += 5000;
            if video {
                camera.clock.sender_report(camera.video, wall(now), camera.video_time(now));
            } else {
                camera.clock.sender_report(camera.audio, wall(now), camera.audio_time(now));
            }
            camera.video(now, now);
            camera.audio(now, now + late);
        }
        let apart = ms(camera.video(now + 5000, now + 5000)) - ms(camera.audio(now + 5000, now + 5000));
        prop_assert!(apart.abs() <= 5, "{apart} ms apart");
    }
}
