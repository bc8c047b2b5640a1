//! Methods, states and statuses.

use super::*;

#[test]
fn options_tells_the_methods_without_a_session() {
    let response = Rig::new().ask("OPTIONS * RTSP/1.0");
    assert_eq!(
        text(&response),
        "200 OK\nPublic: OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
    );
    assert_eq!(response.headers.get(header::CSEQ), Some("7"));
    assert_eq!(response.headers.get(header::SERVER), Some("Yeoul/1"));
}

#[test]
fn describe_gives_the_tracks_of_the_stream_with_their_configuration() {
    let mut rig = Rig::new();
    let response =
        rig.ask("DESCRIBE rtsp://u:secret@h:8554/cam?video&audio RTSP/1.0\nAccept: application/sdp");
    assert_eq!(text(&response), "200 OK\nContent-Base: rtsp://h:8554/cam/\nContent-Type: application/sdp");
    assert_eq!(rig.events(), "[Open { name: \"cam\", query: \"video&audio\" }]");
    let sdp = String::from_utf8(response.body.to_vec()).unwrap();
    for expected in [
        "s=cam\r\n",
        "a=range:npt=now-\r\n",
        "m=video 0 RTP/AVP 96\r\n",
        "a=rtpmap:96 H264/90000\r\n",
        "packetization-mode=1",
        "profile-level-id=64",
        "sprop-parameter-sets=",
        "a=control:trackID=0\r\n",
        "m=audio 0 RTP/AVP 97\r\n",
        "a=rtpmap:97 mpeg4-generic/48000/2\r\n",
        "config=1190",
        "a=control:trackID=1\r\n",
    ] {
        assert!(sdp.to_ascii_lowercase().contains(&expected.to_ascii_lowercase()), "{expected:?} in\n{sdp}");
    }
    assert!(!sdp.contains("secret"));
}

#[test]
fn a_stream_that_cannot_be_had_is_refused_with_the_reason() {
    let mut rig = Rig::new();
    rig.check("DESCRIBE rtsp://h/nothing RTSP/1.0", "404 Not Found: there is no such stream");
    rig.check("DESCRIBE rtsp://h/dead RTSP/1.0", "503 Service Unavailable: the camera is off");
    rig.check("SETUP rtsp://h/dead/trackID=0 RTSP/1.0", "503 Service Unavailable: the camera is off");
    assert!(!rig.closed, "the connection goes on");
}

#[test]
fn descriptions_of_other_types_are_not_acceptable() {
    let mut rig = Rig::new();
    rig.check(
        "DESCRIBE rtsp://h/cam RTSP/1.0\nAccept: text/html, image/*",
        "406 Not Acceptable: descriptions are application/sdp",
    );
    rig.check("DESCRIBE rtsp://h/cam RTSP/1.0\nAccept: text/html, application/SDP;q=0.5", "200 OK");
}

#[test]
fn setup_gives_the_channels_that_are_asked_for() {
    let mut rig = Rig::new();
    rig.ask("DESCRIBE rtsp://h/cam RTSP/1.0");
    let response =
        rig.ask("SETUP rtsp://h/cam/trackID=0 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=4-5");
    let id = session_id(&response);
    assert_eq!(id.len(), 32, "128 random bits");
    assert_eq!(
        text(&response),
        format!("200 OK\nSession: {id};timeout=60\nTransport: RTP/AVP/TCP;unicast;interleaved=4-5")
    );
    // The other track asks for the same: it gets its own.
    let response = rig.ask(&format!(
        "SETUP rtsp://h/cam/trackID=1 RTSP/1.0\nSession: {id}\nTransport: RTP/AVP/TCP;interleaved=5-6"
    ));
    assert_eq!(response.headers.get(header::TRANSPORT), Some("RTP/AVP/TCP;unicast;interleaved=2-3"));
}

#[test]
fn setup_takes_the_first_transport_that_can_be_had() {
    let mut rig = Rig::new();
    rig.ask("DESCRIBE rtsp://h/cam RTSP/1.0");
    let response = rig.ask(
        "SETUP rtsp://h/cam/trackID=0 RTSP/1.0\nTransport: RTP/AVP;multicast;port=5000-5001, RTP/SAVP;unicast;client_port=1-2, \
         RTP/AVP/UDP;unicast;destination=198.51.100.7;client_port=5000-5001, RTP/AVP/TCP;interleaved=0-1",
    );
    assert_eq!(
        response.headers.get(header::TRANSPORT),
        Some("RTP/AVP;unicast;client_port=5000-5001;server_port=9000-9001"),
        "and no other destination than the peer"
    );
    assert_eq!(rig.session.udp_ports().collect::<Vec<_>>(), [(Port::Rtp, 5000), (Port::Rtcp, 5001)]);
}

#[test]
fn setup_without_describe_opens_the_stream() {
    let mut rig = Rig::new();
    let response = rig
        .ask("SETUP rtsp://h/cam?video/trackID=1 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1");
    assert_eq!(line(&response), "200 OK");
    assert_eq!(rig.events(), "[Open { name: \"cam\", query: \"video\" }]");
}

#[test]
fn a_single_track_is_set_up_by_the_url_of_the_stream() {
    let mut rig = Rig::new();
    rig.check("SETUP rtsp://h/mono RTSP/1.0\nTransport: RTP/AVP/TCP;unicast", "200 OK");
    let mut rig = Rig::new();
    rig.check(
        "SETUP rtsp://h/cam RTSP/1.0\nTransport: RTP/AVP/TCP;unicast",
        "459 Aggregate Operation Not Allowed: 2 tracks are set up one by one, each by its own control URL",
    );
    rig.check(
        "SETUP rtsp://h/cam/trackID=2 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast",
        "404 Not Found: there are 2 tracks, counted from 0",
    );
}

#[test]
fn transports_that_cannot_be_had_are_refused() {
    let check = |transport: &str, expected: &str| {
        Rig::new().check(&format!("SETUP rtsp://h/cam/trackID=0 RTSP/1.0\nTransport: {transport}"), expected);
    };
    let can = "461 Unsupported Transport: what can be had is RTP/AVP/TCP;unicast;interleaved=0-1 and RTP/AVP;unicast;client_port=…";
    check("RTP/AVP;multicast", can);
    check("RTP/SAVP/TCP;unicast;interleaved=0-1", can);
    check("RTP/AVP;unicast", can);
    check("RTP/AVP/TCP;unicast;interleaved=0-1;mode=record", can);
    check("RTP/AVP;unicast;client_port=0-1", "400 Bad Request: client_port cannot be 0");
    check(
        "nonsense",
        "400 Bad Request: Transport: expected a transport such as RTP/AVP/TCP, got \"nonsense\"",
    );
    check("", "400 Bad Request: Transport: expected a transport such as RTP/AVP/TCP, got \"\"");
    let options = Options { udp_ports: None, ..Options::default() };
    Rig::with(options, None).check(
        "SETUP rtsp://h/cam/trackID=0 RTSP/1.0\nTransport: RTP/AVP;unicast;client_port=5000-5001",
        "461 Unsupported Transport: what can be had is RTP/AVP/TCP;unicast;interleaved=0-1",
    );
}

#[test]
fn play_tells_where_the_packets_begin() {
    let mut rig = Rig::new();
    let id = rig.set_up();
    let frame = picture(4, 25, true, 100);
    rig.first = vec![rig.fanout.as_mut().unwrap().block(3, &frame, clock(epoch())).unwrap().unwrap()];
    let start = rig.fanout.as_ref().unwrap().start(&rig.first, Timestamp::ZERO);
    let [video, audio] = start.tracks.as_slice() else { panic!("two tracks") };
    rig.input(Input::Received(
        format!(
            "PLAY rtsp://h/cam RTSP/1.0\r\nCSeq: 7\r\nSession: {id};timeout=60\r\nRange: npt=0.000-\r\n\r\n"
        )
        .as_bytes(),
    ));
    let messages = rig.messages();
    let Some(Message::Response(response)) = messages.first() else {
        panic!("the answer comes first: {messages:?}")
    };
    assert_eq!(
        text(response),
        format!(
            "200 OK\nSession: {id}\nRange: npt=now-\nRTP-Info: url=rtsp://h/cam/trackID=0;seq={};rtptime={},url=rtsp://h/cam/trackID=1;seq={};rtptime={}",
            video.seq,
            video.rtp_offset.wrapping_add(90_000),
            audio.seq,
            audio.rtp_offset.wrapping_add(48_000),
        )
    );
    assert!(matches!(messages.get(1), Some(Message::Data(_))), "then what there is");
}

#[test]
fn play_before_the_first_frame_tells_the_present() {
    let mut rig = Rig::new();
    let id = rig.set_up();
    rig.now += Duration::from_secs(2);
    let start = rig.fanout.as_ref().unwrap().start(&[], rig.now_pts());
    let response = rig.ask(&format!("PLAY rtsp://h/cam RTSP/1.0\nSession: {id}"));
    let entries = crate::message::RtpInfo::parse(response.headers.get(header::RTP_INFO).unwrap());
    let told: Vec<_> = entries.iter().map(|entry| entry.rtptime).collect();
    let offset = |at: usize, ticks| start.tracks.get(at).map(|track| track.rtp_offset.wrapping_add(ticks));
    assert_eq!(told, [offset(0, 180_000), offset(1, 96_000)]);
}

#[test]
fn every_request_is_answered_while_playing() {
    let (mut rig, id) = Rig::playing();
    for request in
        ["OPTIONS *", "GET_PARAMETER rtsp://h/cam", "SET_PARAMETER rtsp://h/cam", "PLAY rtsp://h/cam"]
    {
        rig.check(&format!("{request} RTSP/1.0\nSession: {id}"), "200 OK");
    }
    rig.check("GET_PARAMETER * RTSP/1.0", "200 OK");
    rig.check(
        &format!("GET_PARAMETER rtsp://h/cam RTSP/1.0\nSession: {id}\n\njitter\n"),
        "451 Parameter Not Understood: there are no parameters",
    );
    rig.check(
        &format!("SETUP rtsp://h/cam/trackID=0 RTSP/1.0\nSession: {id}\nTransport: RTP/AVP/TCP"),
        "455 Method Not Valid In This State: PAUSE before another SETUP",
    );
    rig.check(
        "DESCRIBE rtsp://h/cam RTSP/1.0",
        "455 Method Not Valid In This State: there is a session already: DESCRIBE comes before SETUP",
    );
    rig.check("FLY rtsp://h/cam RTSP/1.0", "501 Not Implemented");
}

#[test]
fn requests_of_another_session_are_refused() {
    let mut rig = Rig::new();
    rig.check(
        "PLAY rtsp://h/cam RTSP/1.0\nSession: 1",
        "454 Session Not Found: this connection has no session",
    );
    let id = rig.set_up();
    for request in ["PLAY rtsp://h/cam", "PAUSE rtsp://h/cam", "TEARDOWN rtsp://h/cam", "RECORD rtsp://h/cam"]
    {
        rig.check(&format!("{request} RTSP/1.0"), "454 Session Not Found: the header Session is missing");
        rig.check(
            &format!("{request} RTSP/1.0\nSession: {id}0"),
            "454 Session Not Found: this connection has another session",
        );
    }
    rig.check(
        "SETUP rtsp://h/cam/trackID=1 RTSP/1.0\nSession: x\nTransport: RTP/AVP/TCP",
        "454 Session Not Found: this connection has another session",
    );
    rig.check(
        "GET_PARAMETER rtsp://h/cam RTSP/1.0\nSession: x",
        "454 Session Not Found: this connection has another session",
    );
    assert!(!rig.events().contains("Play"));
}

#[test]
fn a_session_id_of_one_connection_is_of_no_use_on_another() {
    let (_, id) = Rig::playing();
    let mut other = Rig::new();
    other.check(
        &format!("TEARDOWN rtsp://h/cam RTSP/1.0\nSession: {id}"),
        "454 Session Not Found: this connection has no session",
    );
}

#[test]
fn methods_come_in_their_order() {
    let mut rig = Rig::new();
    let id = rig.set_up();
    rig.check(
        &format!("PAUSE rtsp://h/cam RTSP/1.0\nSession: {id}"),
        "455 Method Not Valid In This State: nothing plays",
    );
    rig.check(
        &format!("RECORD rtsp://h/cam RTSP/1.0\nSession: {id}"),
        "455 Method Not Valid In This State: the session plays: ANNOUNCE comes before RECORD",
    );
    rig.check(
        "SETUP rtsp://h/mono RTSP/1.0\nTransport: RTP/AVP/TCP",
        "455 Method Not Valid In This State: the session is one of stream cam",
    );
    rig.check(
        "ANNOUNCE rtsp://h/in RTSP/1.0\nContent-Type: application/sdp\n\nv=0\n",
        "455 Method Not Valid In This State: there is a session already: ANNOUNCE comes before SETUP",
    );
}

#[test]
fn play_is_for_all_tracks_together() {
    let mut rig = Rig::new();
    let id = rig.set_up();
    rig.check(
        &format!("PLAY rtsp://h/cam/trackID=0 RTSP/1.0\nSession: {id}"),
        "460 Only Aggregate Operation Allowed: 2 tracks are set up: use the URL of the stream",
    );
    // One of them is given back: now the other one is all.
    rig.check(&format!("TEARDOWN rtsp://h/cam/trackID=1 RTSP/1.0\nSession: {id}"), "200 OK");
    rig.check(&format!("PLAY rtsp://h/cam/trackID=0 RTSP/1.0\nSession: {id}"), "200 OK");
}

#[test]
fn pause_stops_and_play_begins_again() {
    let (mut rig, id) = Rig::playing();
    rig.events();
    rig.check(&format!("PAUSE rtsp://h/cam RTSP/1.0\nSession: {id}"), "200 OK");
    rig.frame(0, &picture(4, 0, true, 100));
    assert_eq!(rig.data(), []);
    rig.check(&format!("PLAY rtsp://h/cam RTSP/1.0\nSession: {id}"), "200 OK");
    assert_eq!(rig.events(), "[Pause] [Play]");
    rig.frame(1, &picture(4, 1, true, 100));
    assert_eq!(rig.data().iter().filter(|(channel, _)| *channel == 0).count(), 1);
}

#[test]
fn teardown_ends_the_session_and_the_connection_can_begin_another() {
    let (mut rig, id) = Rig::playing();
    rig.events();
    rig.check(&format!("TEARDOWN rtsp://h/cam RTSP/1.0\nSession: {id}"), "200 OK");
    assert_eq!(rig.events(), "[Stop]");
    assert!(!rig.closed);
    rig.check(
        &format!("PLAY rtsp://h/cam RTSP/1.0\nSession: {id}"),
        "454 Session Not Found: this connection has no session",
    );
    assert_ne!(rig.set_up(), id);
}

#[test]
fn malformed_requests_are_refused() {
    let mut rig = Rig::new();
    rig.check("DESCRIBE cam RTSP/1.0", "400 Bad Request: expected a URI such as rtsp://host/stream");
    rig.check(
        "DESCRIBE rtsp://h/%zz RTSP/1.0",
        "400 Bad Request: the path of the URI is not UTF-8 behind its percent signs",
    );
    rig.check("DESCRIBE rtsp://h/cam RTSP/2.0", "505 RTSP Version Not Supported: expected RTSP/1.0");
    let response = rig.ask("DESCRIBE rtsp://h/cam RTSP/1.0\nRequire: www.onvif.org/ver20/backchannel");
    assert_eq!(text(&response), "551 Option Not Supported\nUnsupported: www.onvif.org/ver20/backchannel");
    rig.input(Input::Received(b"OPTIONS * RTSP/1.0\r\n\r\n"));
    let response = rig.response();
    assert_eq!(line(&response), "400 Bad Request: the header CSeq is missing or no number");
    assert!(!rig.closed);
    rig.input(Input::Received(b"GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(
        line(&rig.response()),
        "400 Bad Request: expected an RTSP message, got \"GET / HTTP/1.1\\r\\n\\r\\n\""
    );
    assert!(rig.closed);
}

#[test]
fn a_refused_peer_is_told_and_the_connection_ends() {
    let mut rig = Rig::with(Options::default(), Some("only friends may call"));
    rig.check("OPTIONS * RTSP/1.0", "403 Forbidden: only friends may call");
    assert!(rig.closed);
}

#[test]
fn requests_wait_for_the_one_before_them() {
    let mut rig = Rig::new();
    rig.silent_host = true;
    let two = "DESCRIBE rtsp://h/mono RTSP/1.0\r\nCSeq: 1\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n";
    rig.input(Input::Received(two.as_bytes()));
    assert_eq!(rig.messages(), []);
    rig.input(Input::Opened(Ok(vec![pcma_track(0)])));
    let cseqs: Vec<_> = rig
        .messages()
        .iter()
        .map(|message| match message {
            Message::Response(response) => response.headers.cseq(),
            Message::Request(_) | Message::Data(_) => None,
        })
        .collect();
    assert_eq!(cseqs, [Some(1), Some(2)]);
}

#[test]
fn a_client_that_floods_while_it_waits_is_ended() {
    let mut rig = Rig::new();
    rig.silent_host = true;
    rig.input(Input::Received(b"DESCRIBE rtsp://h/mono RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
    for _ in 0..70 {
        rig.input(Input::Received(&[b'x'; 1000]));
    }
    assert!(rig.closed);
    assert!(
        rig.events().ends_with("[error: more than 65536 bytes came in while a request was being answered]")
    );
}

#[test]
fn the_end_of_the_server_answers_who_waits() {
    let mut rig = Rig::new();
    rig.silent_host = true;
    rig.input(Input::Received(b"DESCRIBE rtsp://h/mono RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
    rig.input(Input::End("the server is ending".to_owned()));
    assert_eq!(line(&rig.response()), "503 Service Unavailable: the server is ending");
    assert!(rig.closed);
}

#[test]
fn silence_ends_a_connection_without_a_session_after_30_s() {
    let mut rig = Rig::new();
    rig.ask("OPTIONS * RTSP/1.0");
    rig.now += Duration::from_secs(20);
    // Half a request is no sign of life.
    rig.input(Input::Received(b"DESCRIBE rtsp://"));
    assert_eq!(rig.wait, epoch() + IDLE_TIMEOUT);
    rig.time_out();
    assert!(rig.closed);
    assert_eq!(rig.events(), "[error: nothing was heard of the client for 30 s]");
}

#[test]
fn a_host_that_searches_is_waited_for() {
    let mut rig = Rig::new();
    rig.silent_host = true;
    rig.input(Input::Received(b"DESCRIBE rtsp://h/mono RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
    assert!(rig.wait > epoch() + Duration::from_secs(3600));
}
