//! From the connection to PLAY, and back.

use super::bench::*;
use crate::client::*;
use crate::message::{Method, Request, header};
use std::time::Duration;

const LIVE: &str = "rtsp://cam/live";
const WITH_PASSWORD: &str = "rtsp://admin:secret@cam/live";
const CHALLENGE: &str = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\"\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"1\"";

#[test]
fn a_camera_is_played_over_tcp() {
    let bench = Bench::playing(LIVE);
    assert_eq!(bench.log, usual_log(LIVE));
    let playing = bench.playing.expect("it plays");
    let tracks: Vec<String> = playing.tracks.iter().map(|track| track.codec.to_string()).collect();
    assert_eq!(tracks, ["PCMA 8000 Hz 1 channel", "PCMU 8000 Hz 1 channel"]);
    assert_eq!((playing.protocol.as_str(), playing.server.as_deref()), ("rtsp+tcp", Some("Test/1")));
    assert_eq!((playing.peer, playing.url.as_str()), (peer(), LIVE));
}

#[test]
fn tls_is_asked_for_by_the_scheme() {
    for (source, expected) in [
        ("rtsps://cam/live", "connect cam:322 Checked"),
        ("rtspx://cam:8322/live", "connect cam:8322 Unchecked"),
    ] {
        let bench = Bench::new(source, usual);
        assert_eq!(bench.log.first().map(String::as_str), Some(expected));
        assert!(
            bench.log.get(1).is_some_and(|line| line.starts_with("OPTIONS rtsps://cam")),
            "{:?}",
            bench.log
        );
        assert_eq!(bench.playing.expect("it plays").protocol, "rtsps+tcp");
    }
}

#[test]
fn a_challenge_is_answered_on_any_request() {
    for method in [Method::Options, Method::Describe, Method::Setup, Method::Play] {
        let at = method.clone();
        let bench = Bench::new(WITH_PASSWORD, move |request| {
            let is_refused = request.method == at && request.headers.get(header::AUTHORIZATION).is_none();
            if is_refused { status(CHALLENGE) } else { usual(request) }
        });
        assert!(bench.playing.is_some(), "{method:?}: {:?}", bench.error);
        let authorized: Vec<bool> = bench
            .requests
            .iter()
            .map(|request| request.headers.get(header::AUTHORIZATION).is_some())
            .collect();
        assert!(
            authorized.is_sorted(),
            "{method:?}: credentials go along from the first challenge on: {:?}",
            bench.log
        );
        assert!(
            bench.log.iter().all(|line| !line.contains("Basic")),
            "the strongest is answered: {:?}",
            bench.log
        );
    }
}

#[test]
fn a_wrong_password_is_sent_once() {
    let bench = Bench::new(WITH_PASSWORD, |_| status(CHALLENGE));
    bench.check_error(
        ErrorKind::Unauthorized,
        "cam:554 refused the password for user admin (401 after Digest); check the user name and password in the source URL",
    );
    assert_eq!(
        bench.log,
        ["connect cam:554 None", "OPTIONS rtsp://cam/live", "OPTIONS rtsp://cam/live | Digest"]
    );
}

#[test]
fn a_missing_password_is_asked_for() {
    let bench = Bench::new(LIVE, |_| status(CHALLENGE));
    bench.check_error(
        ErrorKind::Unauthorized,
        "cam:554 asks for a user name and password (401); put them before the host in the source URL",
    );
}

#[test]
fn an_unknown_challenge_is_told() {
    let bench = Bench::new(WITH_PASSWORD, |_| status("401 Unauthorized\r\nWWW-Authenticate: Bearer"));
    let error = bench.error.expect("an error");
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.text.starts_with("cam:554 asks for credentials in a way that is not supported"), "{error}");
}

/// A camera that takes each nonce for two requests.
fn forgetful(stale: &'static str) -> impl FnMut(&Request) -> Answer {
    let (mut nonce, mut used) = (0, 2);
    move |request| {
        let answered = request
            .headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| value.contains(&format!("nonce=\"{nonce}\"")));
        if answered && used < 2 {
            used += 1;
            return usual(request);
        }
        (nonce, used) = (nonce + 1, 0);
        status(&format!("401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"{stale}"))
    }
}

#[test]
fn an_expired_nonce_is_replaced_whether_it_is_called_stale_or_not() {
    for stale in [", stale=true", ""] {
        let bench = Bench::new(WITH_PASSWORD, forgetful(stale));
        assert!(bench.playing.is_some(), "{stale:?}: {:?} {:?}", bench.error, bench.log);
    }
}

#[test]
fn a_connection_closed_with_the_challenge_is_made_again() {
    let mut bench = Bench::new(WITH_PASSWORD, |request| match request.headers.get(header::AUTHORIZATION) {
        None => status(CHALLENGE),
        Some(_) if request.headers.cseq() == Some(2) => None,
        Some(_) => usual(request),
    });
    bench.input(Input::Closed);
    assert!(bench.playing.is_some(), "{:?} {:?}", bench.error, bench.log);
    assert_eq!(bench.log.iter().filter(|line| line.starts_with("connect")).count(), 2);
}

#[test]
fn a_refused_path_and_refused_rights_are_told_apart() {
    let refusing = |line: &'static str| {
        Bench::new(WITH_PASSWORD, move |request| {
            if request.method == Method::Describe { status(line) } else { usual(request) }
        })
    };
    refusing("404 Stream Not Found").check_error(
        ErrorKind::NotFound,
        "cam:554 answered DESCRIBE of rtsp://admin:***@cam/live with 404 Stream Not Found; check the path in the source URL",
    );
    refusing("403 Forbidden").check_error(
        ErrorKind::Unauthorized,
        "cam:554 answered DESCRIBE of rtsp://admin:***@cam/live with 403 Forbidden; check the rights of the user in the source URL",
    );
    refusing("503 Service Unavailable").check_error(
        ErrorKind::Retry,
        "cam:554 answered DESCRIBE of rtsp://admin:***@cam/live with 503 Service Unavailable",
    );
}

#[test]
fn a_server_without_options_is_played_and_kept_alive_by_options() {
    let mut bench = Bench::new(LIVE, |request| match request.method {
        Method::Options if request.headers.cseq() == Some(1) => status("501 Not Implemented"),
        _ => usual(request),
    });
    assert!(bench.playing.is_some());
    bench.take_log();
    keep_media_flowing(&mut bench, 31);
    assert_eq!(bench.log, ["OPTIONS rtsp://cam/live | abc"]);
}

/// A packet each second, so that the session is not silent.
fn keep_media_flowing(bench: &mut Bench, seconds: u16) {
    for n in 0..seconds {
        bench.receive_data(0, rtp(8, n, u32::from(n) * 8_000));
        bench.pass(Duration::from_secs(1));
    }
}

#[test]
fn the_session_is_kept_alive_at_half_its_timeout() {
    let mut bench = Bench::new("rtsp://cam/live", |request| match request.method {
        Method::Setup => ok("Session: abc;timeout=10\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n"),
        _ => usual(request),
    });
    bench.take_log();
    keep_media_flowing(&mut bench, 11);
    assert_eq!(bench.log, ["GET_PARAMETER rtsp://cam/live | abc"; 2]);
}

#[test]
fn a_refused_keepalive_is_followed_by_options_and_an_unanswered_one_by_another() {
    let mut bench = Bench::new(LIVE, |request| match request.method {
        Method::GetParameter => status("405 Method Not Allowed"),
        Method::Options if request.headers.get(header::SESSION).is_some() => None,
        _ => usual(request),
    });
    bench.take_log();
    keep_media_flowing(&mut bench, 95);
    assert_eq!(
        bench.log,
        [
            "GET_PARAMETER rtsp://cam/live | abc",
            "OPTIONS rtsp://cam/live | abc",
            "OPTIONS rtsp://cam/live | abc"
        ]
    );
}

#[test]
fn a_forgotten_session_is_an_error() {
    let mut bench = Bench::new(LIVE, |request| match request.method {
        Method::GetParameter => status("454 Session Not Found"),
        _ => usual(request),
    });
    keep_media_flowing(&mut bench, 31);
    bench.check_error(ErrorKind::Retry, "cam:554 has forgotten the session (454)");
}

#[test]
fn a_redirect_is_followed_without_our_password() {
    let mut bench = Bench::new(WITH_PASSWORD, |request| {
        if request.uri.starts_with("rtsp://cam/") {
            return match request.headers.get(header::AUTHORIZATION) {
                None => status(CHALLENGE),
                Some(_) => status("302 Moved Temporarily\r\nLocation: rtsp://other:8554/x"),
            };
        }
        assert!(request.headers.get(header::AUTHORIZATION).is_none(), "the password is for the first host");
        usual(request)
    });
    assert_eq!(bench.playing.take().expect("it plays").url, "rtsp://other:8554/x");
    assert_eq!(
        bench.log.iter().filter(|line| line.starts_with("connect")).collect::<Vec<_>>(),
        ["connect cam:554 None", "connect other:8554 None"]
    );
}

#[test]
fn redirects_have_an_end() {
    let bench = Bench::new(LIVE, |_| status("301 Moved Permanently\r\nLocation: rtsp://cam/again"));
    bench.check_error(
        ErrorKind::LimitExceeded,
        "cam:554 sent us elsewhere (301) for the 5th time, at last to rtsp://cam/again",
    );
    let bench = Bench::new(LIVE, |_| status("302 Found"));
    bench.check_error(ErrorKind::PeerViolation, "cam:554 sent us elsewhere (302) without saying where");
}

#[test]
fn a_camera_that_refuses_tcp_is_played_over_udp() {
    let mut bench = Bench::new(LIVE, |request| match request.headers.get(header::TRANSPORT) {
        Some(transport) if transport.contains("TCP") => status("461 Unsupported Transport"),
        _ => usual(request),
    });
    assert_eq!(
        bench.take_log().split_off(3),
        [
            "SETUP rtsp://cam/live/trackID=0 | RTP/AVP/TCP;unicast;interleaved=0-1",
            "SETUP rtsp://cam/live/trackID=0 | RTP/AVP;unicast;client_port=50000-50001",
            "SETUP rtsp://cam/live/trackID=1 | RTP/AVP;unicast;client_port=50002-50003 | abc",
            "PLAY rtsp://cam/live | npt=0.000- | abc",
        ]
    );
    assert_eq!(bench.playing.expect("it plays").protocol, "rtsp+udp");
}

#[test]
fn a_camera_that_answers_tcp_with_ports_is_played_over_udp() {
    let bench = Bench::new(LIVE, |request| match request.headers.get(header::TRANSPORT) {
        Some(transport) if transport.contains("TCP") => {
            ok("Session: abc\r\nTransport: RTP/AVP;unicast;client_port=1-2;server_port=3-4\r\n")
        }
        _ => usual(request),
    });
    assert_eq!(bench.playing.expect("it plays").protocol, "rtsp+udp");
}

#[test]
fn a_chosen_transport_that_is_refused_is_told() {
    let refused = |source: &str| {
        Bench::new(source, |request| match request.method {
            Method::Setup => status("461 Unsupported Transport"),
            _ => usual(request),
        })
    };
    let told = |source: &str, text: &str| refused(source).check_error(ErrorKind::Unsupported, text);
    told(
        "rtsp://cam/#transport=udp",
        "cam:554 refused media over UDP (461 Unsupported Transport); try the source without #transport=udp",
    );
    told(
        "rtsp://cam/#transport=tcp",
        "cam:554 refused media over TCP (461 Unsupported Transport); try the source without #transport=tcp",
    );
    told("rtsp://cam/", "cam:554 refused media over TCP and over UDP (461 Unsupported Transport)");
}

#[test]
fn a_track_that_cannot_be_set_up_is_passed_over() {
    let bench = Bench::new(LIVE, |request| {
        if request.uri.ends_with("trackID=0") { status("500 Internal Error") } else { usual(request) }
    });
    let playing = bench.playing.expect("it plays the other one");
    assert_eq!(playing.tracks.len(), 1);
    assert_eq!(playing.passed_over, ["PCMA 8000 Hz 1 channel (SETUP answered 500 Internal Error)"]);
    let none = Bench::new(LIVE, |request| {
        if request.method == Method::Setup { status("453 Not Enough Bandwidth") } else { usual(request) }
    });
    none.check_error(
        ErrorKind::Retry,
        "cam:554 answered SETUP of PCMA 8000 Hz 1 channel with 453 Not Enough Bandwidth",
    );
}

#[test]
fn tracks_that_are_not_supported_are_named() {
    let sdp = "v=0\r\nm=video 0 RTP/AVP 31\r\nm=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n";
    let bench =
        Bench::new(
            LIVE,
            move |request| if request.method == Method::Describe { describe(sdp) } else { usual(request) },
        );
    let error = bench.error.expect("an error");
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.text.starts_with("cam:554 offers no track that can be taken: "), "{error}");
    assert!(error.text.contains("H261") && error.text.contains("vnd.onvif.metadata"), "{error}");
    assert!(
        error.text.ends_with("; supported are H264, H265, JPEG, AAC, OPUS, PCMU, PCMA, G722 and L16"),
        "{error}"
    );
}

#[test]
fn only_the_media_asked_for_is_set_up() {
    let bench = Bench::new("rtsp://cam/live#media=video", usual);
    let error = bench.error.expect("an error");
    assert!(error.text.contains("PCMA 8000 Hz 1 channel (not asked for), PCMU"), "{error}");
}

#[test]
fn a_backchannel_is_no_track() {
    let sdp =
        "v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:a\r\nm=audio 0 RTP/AVP 0\r\na=control:b\r\na=sendonly\r\n";
    let bench =
        Bench::new(
            LIVE,
            move |request| if request.method == Method::Describe { describe(sdp) } else { usual(request) },
        );
    let playing = bench.playing.expect("it plays");
    assert_eq!(
        (playing.tracks.len(), playing.passed_over),
        (1, vec!["PCMU 8000 Hz 1 channel (backchannel)".to_owned()])
    );
}

#[test]
fn descriptions_that_are_none_are_told() {
    let answering = |head: &'static str, body: &'static str| {
        Bench::new(LIVE, move |request| match request.method {
            Method::Describe => Some((format!("RTSP/1.0 200 OK\r\n{head}"), body.to_owned())),
            _ => usual(request),
        })
    };
    answering("Content-Type: text/html\r\n", "<html>").check_error(
        ErrorKind::Unsupported,
        "cam:554 answered DESCRIBE with \"text/html\", expected application/sdp",
    );
    assert_eq!(answering("", "nonsense").error.map(|error| error.kind), Some(ErrorKind::PeerViolation));
}

#[test]
fn responses_with_odd_numbers_are_answers_all_the_same() {
    for cseq in ["CSeq: 0\r\n", "CSeq: 77\r\n", "CSeq: nonsense\r\n", "X-CSeq: none\r\n"] {
        let bench = Bench::new(LIVE, move |request| {
            let (head, body) = usual(request)?;
            Some((format!("{head}{cseq}"), body))
        });
        assert!(bench.playing.is_some(), "{cseq:?}: {:?}", bench.error);
    }
}

#[test]
fn a_server_that_stops_answering_is_given_up() {
    let mut bench =
        Bench::new(LIVE, |request| if request.method == Method::Describe { None } else { usual(request) });
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.error, None);
    bench.pass(Duration::from_millis(1));
    bench.check_error(ErrorKind::Retry, "cam:554 did not answer DESCRIBE within 5 s");
    let mut bench = Bench::new("rtsp://cam/live#timeout=20", |_| None);
    bench.pass(Duration::from_secs(20));
    bench.check_error(ErrorKind::Retry, "cam:554 did not answer OPTIONS within 20 s");
}

#[test]
fn a_connection_that_closes_early_is_told() {
    let mut bench =
        Bench::new(LIVE, |request| if request.method == Method::Play { None } else { usual(request) });
    bench.input(Input::Closed);
    bench.check_error(ErrorKind::Retry, "cam:554 closed the connection before it answered PLAY");
}

#[test]
fn what_is_not_rtsp_is_told() {
    let mut bench = Bench::new(LIVE, |_| None);
    bench.receive(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n");
    bench.check_error(
        ErrorKind::LimitExceeded,
        "cam:554 does not speak RTSP as it should: Content-Length 99999999 is above the 262144 bytes a body can have",
    );
}

#[test]
fn stop_says_teardown_and_does_not_wait_long() {
    let mut bench = Bench::playing(LIVE);
    bench.take_log();
    bench.input(Input::Stop);
    assert_eq!(
        (bench.take_log(), bench.ended),
        (vec!["TEARDOWN rtsp://cam/live | abc".to_owned()], Some(Ended::Stopped))
    );

    let mut silent =
        Bench::new(LIVE, |request| if request.method == Method::Teardown { None } else { usual(request) });
    silent.input(Input::Stop);
    silent.pass(Duration::from_millis(400));
    let said = silent.log.len();
    silent.input(Input::Stop);
    assert_eq!(silent.log.len(), said, "one goodbye is enough");
    silent.pass(Duration::from_millis(99));
    assert_eq!(silent.ended, None);
    silent.pass(Duration::from_millis(1));
    assert_eq!(silent.ended, Some(Ended::Stopped));

    let mut early = Bench::new(LIVE, |_| None);
    early.input(Input::Stop);
    assert_eq!(early.ended, Some(Ended::Stopped), "there is no session to tear down");
}

#[test]
fn a_failed_session_can_still_be_torn_down() {
    let mut bench = Bench::playing(LIVE);
    bench.pass(Duration::from_secs(6));
    assert!(bench.error.is_some());
    let farewell = bench.session.farewell().expect("there is a session");
    assert!(farewell.starts_with(b"TEARDOWN rtsp://cam/live RTSP/1.0\r\n"));
    assert!(Bench::new(LIVE, |_| None).session.farewell().is_none());
}

#[test]
fn pause_play_and_set_parameter_are_sent_and_silence_is_allowed_while_paused() {
    let mut bench = Bench::playing(LIVE);
    bench.take_log();
    bench.input(Input::Pause);
    bench.pass(Duration::from_secs(20));
    bench.input(Input::SetParameter("x: y\r\n"));
    bench.input(Input::Play);
    assert_eq!(
        bench.take_log(),
        ["PAUSE rtsp://cam/live | abc", "SET_PARAMETER rtsp://cam/live | abc", "PLAY rtsp://cam/live | abc"]
    );
    assert_eq!(bench.requests.get(6).map(|request| &request.body[..]), Some(&b"x: y\r\n"[..]));
    bench.pass(Duration::from_secs(6));
    assert_eq!(
        bench.error.map(|error| error.kind),
        Some(ErrorKind::Retry),
        "playing again, it must not be silent"
    );
}

#[test]
fn requests_of_the_server_are_answered() {
    let mut bench = Bench::playing(LIVE);
    bench.take_log();
    bench.receive(b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\nDESCRIBE rtsp://x RTSP/1.0\r\nCSeq: 8\r\n\r\n");
    assert_eq!(bench.take_log(), ["200 to Some(7)", "501 to Some(8)"]);
    bench.receive(b"TEARDOWN rtsp://cam/live RTSP/1.0\r\nCSeq: 9\r\n\r\n");
    assert_eq!(bench.ended, Some(Ended::ByServer));
}

#[test]
fn a_server_that_dislikes_the_range_is_asked_without() {
    let mut bench = Bench::new(LIVE, |request| match request.method {
        Method::Play if request.headers.get(header::RANGE).is_some() => status("457 Invalid Range"),
        _ => usual(request),
    });
    assert!(bench.playing.is_some());
    assert_eq!(bench.take_log().pop().as_deref(), Some("PLAY rtsp://cam/live | abc"));
}

#[test]
fn a_recording_is_asked_for_by_its_time() {
    let source = "rtsp://cam/live#start=2026-11-22T10:00:00Z";
    let bench = Bench::new(source, usual);
    assert_eq!(
        bench.log.last().map(String::as_str),
        Some("PLAY rtsp://cam/live | clock=20261122T100000Z- | abc")
    );
    let refusing = Bench::new(source, |request| {
        if request.method == Method::Play { status("457 Invalid Range") } else { usual(request) }
    });
    refusing.check_error(
        ErrorKind::Retry,
        "cam:554 answered PLAY of clock=20261122T100000Z- with 457 Invalid Range",
    );
}
