//! What a publisher gives.

use super::*;
use yeoul_rtp::rtcp::Packet;

const SDP: &str = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=No Name\nc=IN IP4 127.0.0.1\nt=0 0\n\
    m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1\na=control:streamid=0\n\
    m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/48000/2\n\
    a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\na=control:streamid=1\n\
    m=application 0 RTP/AVP 98\na=rtpmap:98 vnd.onvif.metadata/90000\na=control:streamid=2\n";

fn announce(rig: &mut Rig, name: &str, sdp: &str) -> Response {
    rig.ask(&format!("ANNOUNCE rtsp://h/{name} RTSP/1.0\nContent-Type: application/sdp\n\n{sdp}"))
}

/// Announces and sets up both tracks.
fn set_up(rig: &mut Rig, transports: [&str; 2]) -> String {
    assert_eq!(line(&announce(rig, "in", SDP)), "200 OK");
    let [first, second] = transports;
    let id = session_id(
        &rig.ask(&format!("SETUP rtsp://h/in/streamid=0 RTSP/1.0\nTransport: {first};mode=record")),
    );
    let request =
        format!("SETUP rtsp://h/in/streamid=1 RTSP/1.0\nSession: {id}\nTransport: {second};mode=record");
    rig.check(&request, "200 OK");
    id
}

fn tcp(rig: &mut Rig) -> String {
    set_up(rig, ["RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=2-3"])
}

/// The packets of these frames as an encoder would send them: interleaved, and as datagrams.
fn packets(frames: &[Frame]) -> Vec<Arc<Block>> {
    let mut fanout = Fanout::new(&[h264_track(0), aac_track(1)], 1400, [3; 32]);
    (0..)
        .zip(frames)
        .map(|(index, frame)| fanout.block(index, frame, clock(epoch())).unwrap().unwrap())
        .collect()
}

fn frames() -> Vec<Frame> {
    let sound = |n| sound(1, n, true, Bytes::from(yeoul_testkit::aac::frame(200)));
    vec![
        picture(0, 0, true, 4000),
        sound(0),
        picture(0, 1, false, 2500),
        sound(1),
        picture(0, 2, false, 10),
        sound(2),
    ]
}

/// Packets that were not taken.
fn foreign(rig: &Rig) -> u64 {
    rig.session.stats().map(|track| track.foreign).sum()
}

#[test]
fn a_publisher_is_taken_step_by_step() {
    let mut rig = Rig::new();
    let id = tcp(&mut rig);
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}\nRange: npt=0.000-"), "200 OK");
    let events = rig.events();
    assert!(
        events.starts_with("[Announce { name: \"in\" }] [Record { name: \"in\", codecs: [H264"),
        "{events}"
    );
    assert!(events.ends_with("AAC 48000 Hz 2 channels] }]"), "{events}");
    rig.check(&format!("GET_PARAMETER rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    rig.check(&format!("TEARDOWN rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    assert_eq!(rig.events(), "[Stop]");
}

#[test]
fn frames_come_out_as_they_went_in() {
    let mut rig = Rig::new();
    let id = tcp(&mut rig);
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    let sent = frames();
    for block in packets(&sent) {
        rig.input(Input::Received(block.interleaved()));
    }
    let of = |frames: &[Frame], track| -> Vec<(bool, i64, usize)> {
        let first = frames.iter().find(|frame| frame.track == TrackId(track)).unwrap().pts.as_nanos();
        let of_track = frames.iter().filter(|frame| frame.track == TrackId(track));
        of_track.map(|frame| (frame.keyframe, frame.pts.as_nanos() - first, frame.data.len())).collect()
    };
    // The first picture carries the parameter sets that were not announced.
    let shape = |track| of(&rig.frames, track).into_iter().map(|(key, at, _)| (key, at)).collect::<Vec<_>>();
    let expected = |track| of(&sent, track).into_iter().map(|(key, at, _)| (key, at)).collect::<Vec<_>>();
    assert_eq!(shape(0).len(), 3);
    assert_eq!(shape(0), expected(0));
    assert_eq!(of(&rig.frames, 1), of(&sent, 1));
    assert_eq!(foreign(&rig), 0);
}

#[test]
fn datagrams_are_taken_from_the_announced_ports_only() {
    let mut rig = Rig::new();
    let transports = ["RTP/AVP;unicast;client_port=6000-6001", "RTP/AVP;unicast;client_port=6002-6003"];
    let id = set_up(&mut rig, transports);
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    for block in packets(&frames()) {
        for datagram in block.datagrams().iter().flat_map(|group| group.iter()) {
            let from = if block.track == 0 { 6000 } else { 6002 };
            rig.input(Input::Datagram { port: Port::Rtp, from: from + 100, bytes: datagram });
            rig.input(Input::Datagram { port: Port::Rtp, from, bytes: datagram });
        }
    }
    assert_eq!(rig.frames.len(), 6);
    assert_eq!(foreign(&rig), 0);
    // The server reports what it receives.
    while rig.datagrams.is_empty() {
        rig.time_out();
    }
    assert_eq!(rig.now, epoch() + crate::limits::REPORT_INTERVAL);
    let Some((Port::Rtcp, 6001, bytes)) = rig.datagrams.first() else { panic!("{:?}", rig.datagrams) };
    let Some(Ok(Packet::ReceiverReport(report))) = rtcp::packets(bytes).next() else { panic!("an RR") };
    assert_eq!(report.blocks.len(), 1);
}

#[test]
fn a_lost_datagram_is_waited_for_and_then_given_up() {
    let mut rig = Rig::new();
    let transports = ["RTP/AVP;unicast;client_port=6000-6001", "RTP/AVP;unicast;client_port=6002-6003"];
    let id = set_up(&mut rig, transports);
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    let sent: Vec<Frame> = (0..4).map(|n| picture(0, n, n % 3 == 0, 1000)).collect();
    for (n, block) in packets(&sent).iter().enumerate().filter(|(n, _)| *n != 1) {
        for datagram in block.datagrams().iter().flat_map(|group| group.iter()) {
            rig.input(Input::Datagram { port: Port::Rtp, from: 6000, bytes: datagram });
        }
        assert_eq!(rig.frames.len(), 1, "after frame {n}");
    }
    rig.time_out();
    // Frame 2 refers to what is lost; frame 3 is a keyframe.
    let got: Vec<bool> = rig.frames.iter().map(|frame| frame.keyframe).collect();
    assert_eq!(got, [true, true]);
}

#[test]
fn what_cannot_be_published_is_refused() {
    let mut rig = Rig::new();
    assert_eq!(line(&announce(&mut rig, "cam", SDP)), "404 Not Found: there is no such stream");
    rig.check(
        "ANNOUNCE rtsp://h/in RTSP/1.0\nContent-Type: text/plain\n\nhello",
        "415 Unsupported Media Type: expected a body of application/sdp",
    );
    let response = announce(&mut rig, "in", "hello");
    assert_eq!(response.status, StatusCode::BadRequest, "{}", line(&response));
    let only_metadata = SDP.split("m=").next().unwrap().to_owned() + "m=" + SDP.rsplit("m=").next().unwrap();
    assert_eq!(
        line(&announce(&mut rig, "in", &only_metadata)),
        "415 Unsupported Media Type: no track can be taken: announced were vnd.onvif.metadata"
    );
    assert!(!rig.closed);
}

#[test]
fn tracks_that_cannot_be_taken_are_set_up_and_passed_over() {
    let mut rig = Rig::new();
    let id = tcp(&mut rig);
    rig.check(
        &format!("SETUP rtsp://h/in/streamid=2 RTSP/1.0\nSession: {id}\nTransport: RTP/AVP/TCP;interleaved=4-5;mode=record"),
        "200 OK",
    );
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    rig.input(Input::Received(b"$\x04\0\x0exxxxxxxxxxxxxx"));
    assert_eq!(foreign(&rig), 0);
}

#[test]
fn record_needs_a_track() {
    let mut rig = Rig::new();
    announce(&mut rig, "in", SDP);
    let setup = "SETUP rtsp://h/in/streamid=2 RTSP/1.0\nTransport: RTP/AVP/TCP;mode=record";
    let id = session_id(&rig.ask(setup));
    rig.check(
        &format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"),
        "455 Method Not Valid In This State: no track that can be taken is set up",
    );
    rig.check(
        &format!("PLAY rtsp://h/in RTSP/1.0\nSession: {id}"),
        "455 Method Not Valid In This State: the session publishes: RECORD",
    );
    rig.check(
        "SETUP rtsp://h/in/streamid=7 RTSP/1.0\nTransport: RTP/AVP/TCP;mode=record",
        "459 Aggregate Operation Not Allowed: 3 tracks are set up one by one, each by its own control URL",
    );
}

#[test]
fn controls_may_be_absolute_or_behind_a_query() {
    let sdp = SDP.replace("streamid=0", "rtsp://h/in?x=1/stream=0");
    let mut rig = Rig::new();
    announce(&mut rig, "in?x=1", &sdp);
    rig.check("SETUP rtsp://h/in?x=1/stream=0 RTSP/1.0\nTransport: RTP/AVP/TCP;mode=record", "200 OK");
    rig.check("SETUP rtsp://h/in?x=1/streamid=1 RTSP/1.0\nTransport: RTP/AVP/TCP;mode=record", "200 OK");
}

#[test]
fn damage_is_counted_and_the_first_told() {
    let mut rig = Rig::new();
    let id = tcp(&mut rig);
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    rig.events();
    // No RTP, then twice a payload that H.264 does not have.
    rig.input(Input::Received(b"$\x00\0\x04xxxx"));
    for sequence in [1, 2] {
        rig.input(Input::Received(&[b'$', 0, 0, 13, 0x80, 96, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f]));
    }
    let stats: Vec<_> = rig.session.stats().collect();
    assert_eq!(
        stats.iter().map(|track| (track.packets, track.foreign)).collect::<Vec<_>>(),
        [(2, 1), (0, 0)]
    );
    let told = rig.events();
    assert!(told.starts_with("[note: damaged media: H264 over RTP: ") && !told.contains("] ["), "{told}");
}

#[test]
fn a_silent_publisher_is_ended_after_a_minute_and_media_keeps_it_alive() {
    let mut rig = Rig::new();
    let id = tcp(&mut rig);
    rig.check(&format!("RECORD rtsp://h/in RTSP/1.0\nSession: {id}"), "200 OK");
    rig.now += Duration::from_secs(50);
    rig.input(Input::Received(packets(&frames()).first().unwrap().interleaved()));
    let heard = rig.now;
    while !rig.closed {
        rig.time_out();
    }
    assert_eq!(rig.now, heard + SESSION_TIMEOUT);
}
