//! Real cameras' answers, replayed: which tracks, where their requests go, which session, where in time they start.

use super::bench::*;
use crate::client::media::Carrier;
use crate::client::*;
use crate::message::{Method, Request};
use std::time::Duration;
use yeoul_testkit::{capture, captures};

/// What the session makes of a camera's answers: the description, SETUP of each track, PLAY. A missing one is answered the
/// usual way.
struct Replay {
    url: &'static str,
    describe: &'static str,
    setups: &'static [&'static str],
    play: Option<&'static str>,
}

/// The capture as an answer; `None` where the captures are missing.
fn answer(name: &str) -> Option<(String, String)> {
    let text = String::from_utf8(capture(name)?.bytes).expect("captures are text");
    if name.ends_with("_sdp") {
        return describe(&text);
    }
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    // Our own length, because some captures were shortened after the fact.
    let head = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let head: String = head.map(|line| format!("{line}\r\n")).collect();
    Some((head, body.to_owned()))
}

impl Replay {
    /// `None` where the captures are missing.
    fn run(self) -> Option<Bench> {
        capture(self.describe)?;
        let mut setups = self.setups.iter();
        let camera = move |request: &Request| match request.method {
            Method::Describe => answer(self.describe),
            Method::Setup => setups.next().map_or_else(|| usual(request), |name| answer(name)),
            Method::Play => self.play.map_or_else(|| usual(request), answer),
            _ => usual(request),
        };
        Some(Bench::new(self.url, camera))
    }
}

/// The aggregate URL, then a line for each track, then what is passed over.
#[track_caller]
fn check_description(name: &'static str, expected: &[&str]) {
    let Some(bench) = (Replay { url: "rtsp://cam/live", describe: name, setups: &[], play: None }).run()
    else {
        return;
    };
    assert!(bench.playing.is_some(), "{name}: {:?}", bench.error);
    let found = bench.session.presentation.as_ref().expect("it was described");
    let tracks =
        found.candidates.iter().map(|track| format!("{} {}", track.format.codec.name(), track.control));
    let rest = found.passed_over.iter().map(|name| format!("not {name}"));
    let told: Vec<String> = std::iter::once(found.aggregate.clone()).chain(tracks).chain(rest).collect();
    assert_eq!(told, expected, "{name}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn tracks_and_control_urls_of_every_described_camera_are_found() {
    check_description(
        "anjvision_describe", // Content-Base without a scheme
        &["rtsp://192.168.1.10:554/stream0/", "H265 rtsp://192.168.1.10:554/stream0/trackID=1"],
    );
    let bunny = "rtsp://wowzaec2demo.streamlock.net/vod/mp4:BigBuckBunny_115k.mov/";
    check_description(
        "bunny_describe",
        &[bunny, &format!("AAC {bunny}trackID=1"), &format!("H264 {bunny}trackID=2")],
    );
    let dahua = "rtsp://192.168.5.111:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif/";
    check_description(
        "dahua_describe_h264_aac_onvif", // a base that ends in its query
        &[
            dahua,
            &format!("H264 {dahua}trackID=0"),
            &format!("AAC {dahua}trackID=1"),
            "not vnd.onvif.metadata",
        ],
    );
    let dahua = "rtsp://cam-driveway/cam/realmonitor?channel=1&subtype=2/";
    check_description(
        "dahua_describe_h265_pcma",
        &[dahua, &format!("H265 {dahua}trackID=0"), &format!("PCMA {dahua}trackID=1")],
    );
    let foscam = "rtsp://192.168.5.107:65534/videoMain/";
    check_description(
        "foscam_describe",
        &[foscam, &format!("H264 {foscam}track1"), &format!("PCMU {foscam}track2")],
    );
    let gw = "rtsp://192.168.1.110:5050/H264?channel=1&subtype=0&unicast=true&proto=Onvif";
    check_description(
        "gw_main_describe", // a base without a slash at its end; sound of another type than its payload type
        &[gw, &format!("H264 {gw}/video"), &format!("PCMU {gw}/audio")],
    );
    let gw = "rtsp://192.168.1.110:5049/H264?channel=1&subtype=1&unicast=true&proto=Onvif";
    check_description("gw_sub_describe", &[gw, &format!("H264 {gw}/video")]);
    let dvr = "rtsp://127.0.0.1:554/camera";
    check_description(
        "h264dvr_describe",
        &[dvr, &format!("H264 {dvr}/trackID=3"), &format!("PCMA {dvr}/trackID=4")],
    );
    check_description(
        "hikvision_describe", // absolute control URLs with a query
        &[
            "rtsp://192.168.5.106:554/Streaming/Channels/101/?transportmode=unicast&profile=Profile_1",
            "H264 rtsp://192.168.5.106:554/Streaming/Channels/101/trackID=1?transportmode=unicast&profile=Profile_1",
            "not vnd.onvif.metadata",
        ],
    );
    check_description(
        "missing_content_type_describe", // libavformat
        &["rtsp://cam/live", "H264 rtsp://cam/live/streamid=0", "AAC rtsp://cam/live/streamid=1"],
    );
    let reolink = "rtsp://192.168.5.206/h264Preview_01_main/";
    for name in ["reolink_describe", "reolink_describe_control_first"] {
        check_description(
            name,
            &[reolink, &format!("H264 {reolink}trackID=1"), &format!("AAC {reolink}trackID=2")],
        );
    }
    check_description(
        "tplink_sdp",
        &[
            "rtsp://cam/live",
            "H265 rtsp://cam/live/track1",
            "PCMA rtsp://cam/live/track2",
            "not application/TP-LINK of format smart/1/90000",
        ],
    );
    check_description(
        "ubiquiti_sdp",
        &[
            "rtsp://cam/live",
            "AAC rtsp://cam/live/trackID=0",
            "OPUS rtsp://cam/live/trackID=1",
            "H264 rtsp://cam/live/trackID=2",
        ],
    );
    check_description(
        "vstarcam_describe",
        &["rtsp://cam/live", "H264 rtsp://cam/live/track0", "PCMA rtsp://cam/live/track1"],
    );
}

#[test]
fn every_captured_description_is_checked() {
    let named = include_str!("cameras.rs");
    for capture in captures() {
        assert!(named.contains(&format!("\"{}\"", capture.name)), "no test reads {}", capture.name);
    }
}

/// Session id and timeout; carrier of each track; RTP time at the start of playback of those that have one.
#[track_caller]
fn check_playing(
    replay: Replay,
    session: (&str, Option<u64>),
    carriers: &[Carrier],
    rtp_times: &[(usize, u32)],
) {
    let (name, play) = (replay.describe, replay.play);
    let Some(bench) = replay.run() else { return };
    assert!(bench.playing.is_some(), "{name}: {:?} {:?}", bench.error, bench.log);
    let session_id = bench.session.exchange.session.as_deref().unwrap_or_default();
    assert_eq!(
        (session_id, bench.session.session_timeout.map(|timeout| timeout.as_secs())),
        session,
        "{name}"
    );
    let carried: Vec<Carrier> = bench.session.receivers.iter().map(|receiver| receiver.leg.carrier).collect();
    assert_eq!(carried, carriers, "{name}");
    let (head, _) = play.and_then(answer).unwrap_or_default();
    let info = head.lines().find_map(|line| line.strip_prefix("RTP-Info: ")).unwrap_or_default();
    assert_eq!(bench.session.match_rtp_info(info), rtp_times, "{name}");
}

#[test]
fn dahua_plays() {
    check_playing(
        Replay {
            url: "rtsp://192.168.5.111/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif",
            describe: "dahua_describe_h264_aac_onvif",
            setups: &["dahua_setup"],
            play: Some("dahua_play"),
        },
        ("634214675641", Some(60)),
        &[Carrier::Interleaved(0, 1), Carrier::Interleaved(2, 3)],
        &[(0, 3_475_222_385), (1, 2_234_446_919)],
    );
}

#[test]
fn dahua_offers_get_parameter() {
    let Some((head, _)) = answer("dahua_options") else { return };
    let mut bench = Bench::new("rtsp://cam/live", move |request| match request.method {
        Method::Options => Some((head.clone(), String::new())),
        _ => usual(request),
    });
    bench.take_log();
    for n in 0..31 {
        bench.receive_data(0, rtp(8, n, u32::from(n) * 8_000));
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(bench.log, ["GET_PARAMETER rtsp://cam/live | abc"]);
}

#[test]
fn hikvision_plays_with_a_padded_session_and_ssrc() {
    for setup in ["hikvision_setup", "hikvision_setup_ssrc_space"] {
        let id = if setup == "hikvision_setup" { "708345999" } else { "708886412" };
        let setups: &'static [&'static str] =
            if setup == "hikvision_setup" { &["hikvision_setup"] } else { &["hikvision_setup_ssrc_space"] };
        check_playing(
            Replay {
                url: "rtsp://192.168.5.106:554/Streaming/Channels/101/?transportmode=unicast&Profile=Profile_1",
                describe: "hikvision_describe",
                setups,
                play: Some("hikvision_play"),
            },
            (id, Some(60)),
            &[Carrier::Interleaved(0, 1)],
            &[(0, 1_270_711_678)],
        );
    }
}

#[test]
fn reolink_plays_without_a_timeout_and_is_torn_down() {
    let replay = Replay {
        url: "rtsp://192.168.5.206:554/h264Preview_01_main",
        describe: "reolink_describe",
        setups: &["reolink_setup"],
        play: Some("reolink_play"),
    };
    check_playing(
        replay,
        ("F8F8E425", Some(60)), // the second track's usual answer names 60 s
        &[Carrier::Interleaved(0, 1), Carrier::Interleaved(2, 3)],
        &[(0, 1_070_938_629), (1, 3_075_976_528)],
    );
    let Some((head, _)) = answer("reolink_teardown") else { return };
    let mut bench = Bench::new("rtsp://cam/live", move |request| match request.method {
        Method::Teardown => Some((head.clone(), String::new())),
        _ => usual(request),
    });
    bench.input(Input::Stop);
    assert_eq!(bench.ended, Some(Ended::Stopped));
}

#[test]
fn gw_security_plays_though_its_rtp_info_leaves_the_query_out() {
    check_playing(
        Replay {
            url: "rtsp://192.168.1.110:5050/H264?channel=1&subtype=0&unicast=true&proto=Onvif",
            describe: "gw_main_describe",
            setups: &["gw_main_setup_video", "gw_main_setup_audio"],
            play: Some("gw_main_play"),
        },
        ("9a90de54", Some(60)),
        &[Carrier::Interleaved(0, 1), Carrier::Interleaved(2, 3)],
        &[(0, 1_621_990_950)],
    );
    check_playing(
        Replay {
            url: "rtsp://192.168.1.110:5049/H264?channel=1&subtype=1&unicast=true&proto=Onvif",
            describe: "gw_sub_describe",
            setups: &["gw_sub_setup"],
            play: Some("gw_sub_play"),
        },
        ("9b0d0e54", Some(60)),
        &[Carrier::Interleaved(0, 1)],
        &[(0, 1_621_810_809)],
    );
}

#[test]
fn h264dvr_plays_over_udp_with_the_first_of_its_session_ids() {
    check_playing(
        Replay {
            url: "rtsp://127.0.0.1/camera",
            describe: "h264dvr_describe",
            // Once to refuse TCP by answering with ports, once for each track.
            setups: &["h264dvr_setup_video", "h264dvr_setup_video", "h264dvr_setup_audio"],
            play: Some("h264dvr_play"),
        },
        ("231970", Some(60)),
        &[
            Carrier::Udp { socket: 0, server: Some((40_004, 40_005)) },
            Carrier::Udp { socket: 1, server: Some((40_006, 40_007)) },
        ],
        &[],
    );
}

#[test]
fn wowza_and_omny_play_with_rtp_times_that_make_no_sense_left_out() {
    for (play, rtp_times) in [("bunny_play", &[(0, 0), (1, 0)][..]), ("bad_rtptime", &[])] {
        check_playing(
            Replay {
                url: "rtsp://wowzaec2demo.streamlock.net/vod/mp4:BigBuckBunny_115k.mov",
                describe: "bunny_describe",
                setups: &["bunny_setup"],
                play: Some(play),
            },
            ("1642021126", Some(60)),
            &[Carrier::Interleaved(0, 1), Carrier::Interleaved(2, 3)],
            rtp_times,
        );
    }
}
