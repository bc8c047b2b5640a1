//! What a player gets.

use super::*;
use yeoul_rtp::packet::PacketRef;
use yeoul_rtp::rtcp::{NtpTime, Packet, ReceiverReport, ReportBlock};

fn rtcp(bytes: &[u8]) -> Vec<Packet> {
    rtcp::packets(bytes).map(Result::unwrap).collect()
}

fn receiver_report(lost: i32) -> Vec<u8> {
    let block = ReportBlock { cumulative_lost: lost, ..ReportBlock::default() };
    let mut bytes = Vec::new();
    Packet::ReceiverReport(ReceiverReport { ssrc: 1, blocks: vec![block] }).write(&mut bytes);
    bytes
}

#[test]
fn sender_reports_of_all_tracks_come_before_the_first_packet_and_agree() {
    let (mut rig, _) = Rig::playing();
    let start = rig.fanout.as_ref().unwrap().start(&[], Timestamp::ZERO);
    rig.now += FRAME * 25;
    rig.frame(0, &picture(4, 25, true, 5000));
    let data = rig.data();
    let channels: Vec<u8> = data.iter().map(|(channel, _)| *channel).collect();
    // The keyframe has its parameter sets in front.
    assert_eq!(channels, [1, 3, 0, 0, 0, 0, 0]);
    let mut ntps: Vec<NtpTime> = Vec::new();
    for ((_, bytes), (track, rate)) in data.iter().zip(start.tracks.iter().zip([90_000, 48_000])) {
        let packets = rtcp(bytes);
        let [Packet::SenderReport(report), Packet::SourceDescription(names)] = packets.as_slice() else {
            panic!("SR and SDES: {packets:?}")
        };
        assert_eq!((report.ssrc, report.packet_count), (track.ssrc, 0));
        assert_eq!(report.rtp_time, track.rtp_offset.wrapping_add(rate), "one second on the timeline");
        assert_eq!(names.first().and_then(|name| name.cname.as_ref()), Some(&start.cname));
        ntps.push(report.ntp);
    }
    assert_eq!(ntps.first(), ntps.last(), "sound and picture in step");
}

#[test]
fn packets_belong_together() {
    let (mut rig, _) = Rig::playing();
    let start = rig.fanout.as_ref().unwrap().start(&[], Timestamp::ZERO);
    rig.frame(0, &picture(4, 0, true, 5000));
    rig.frame(1, &sound(5, 0, true, Bytes::from_static(b"sound")));
    rig.frame(2, &picture(4, 1, false, 3000));
    let data = rig.data();
    for (channel, track, payload_type, count) in [(0, 0, 96, 8), (2, 1, 97, 1)] {
        let track = start.tracks.get(track).unwrap();
        let packets: Vec<_> = data
            .iter()
            .filter(|(on, _)| *on == channel)
            .map(|(_, bytes)| PacketRef::parse(bytes).unwrap())
            .collect();
        assert_eq!(packets.len(), count);
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(packet.header.sequence, track.seq.wrapping_add(u16::try_from(n).unwrap()));
            assert_eq!((packet.header.ssrc, packet.header.payload_type), (track.ssrc, payload_type));
        }
        assert!(packets.last().unwrap().header.marker);
    }
}

#[test]
fn reports_go_on_every_five_seconds_and_count_what_was_sent() {
    let (mut rig, _) = Rig::playing();
    rig.frame(0, &picture(4, 0, true, 5000));
    rig.data();
    assert_eq!(rig.wait, epoch() + Duration::from_secs(5));
    rig.time_out();
    let data = rig.data();
    let [(1, video), (3, audio)] = data.as_slice() else { panic!("a report for each track: {data:?}") };
    let count = |bytes| match rtcp(bytes).first() {
        Some(Packet::SenderReport(report)) => (report.packet_count, report.octet_count > 5000),
        other => panic!("{other:?}"),
    };
    assert_eq!((count(video), count(audio)), ((5, true), (0, false)));
    assert_eq!(rig.wait, epoch() + Duration::from_secs(10));
}

#[test]
fn only_tracks_that_are_set_up_are_sent_on_the_channels_they_have() {
    let mut rig = Rig::new();
    rig.ask("DESCRIBE rtsp://h/cam RTSP/1.0");
    let id =
        session_id(&rig.ask("SETUP rtsp://h/cam/trackID=1 RTSP/1.0\nTransport: RTP/AVP/TCP;interleaved=8-9"));
    rig.check(&format!("PLAY rtsp://h/cam RTSP/1.0\nSession: {id}"), "200 OK");
    rig.frame(0, &picture(4, 0, true, 5000));
    rig.frame(1, &sound(5, 0, true, Bytes::from_static(b"sound")));
    let channels: Vec<u8> = rig.data().iter().map(|(channel, _)| *channel).collect();
    assert_eq!(channels, [9, 8]);
}

#[test]
fn players_on_default_channels_share_the_bytes() {
    let (mut rig, _) = Rig::playing();
    let block =
        rig.fanout.as_mut().unwrap().block(0, &picture(4, 0, true, 500), clock(epoch())).unwrap().unwrap();
    rig.session.handle_input(epoch(), Input::Media(&block)).unwrap();
    let mut sent = Vec::new();
    while let Output::Send(bytes) = rig.session.poll_output() {
        sent.push(bytes);
    }
    assert_eq!(sent.last().map(|bytes| bytes.as_ptr()), Some(block.interleaved().as_ptr()));
}

#[test]
fn udp_players_get_datagrams_on_their_ports() {
    let mut rig = Rig::new();
    rig.ask("DESCRIBE rtsp://h/mono RTSP/1.0");
    let setup = "SETUP rtsp://h/mono/trackID=0 RTSP/1.0\nTransport: RTP/AVP;unicast;client_port=5000-5001";
    let id = session_id(&rig.ask(setup));
    rig.check(&format!("PLAY rtsp://h/mono RTSP/1.0\nSession: {id}"), "200 OK");
    rig.frame(0, &sound(0, 0, true, Bytes::from(vec![0xd5; 160])));
    let to: Vec<_> = rig.datagrams.iter().map(|(port, to, bytes)| (*port, *to, bytes.len())).collect();
    assert_eq!(to.first().map(|(port, to, _)| (*port, *to)), Some((Port::Rtcp, 5001)));
    assert_eq!(to.last(), Some(&(Port::Rtp, 5000, 172)));
    assert_eq!(rig.bytes, []);
}

#[test]
fn udp_sessions_end_after_a_minute_of_silence_and_reports_keep_them_alive() {
    let mut rig = Rig::new();
    let setup = "SETUP rtsp://h/mono/trackID=0 RTSP/1.0\nTransport: RTP/AVP;unicast;client_port=5000-5001";
    let id = session_id(&rig.ask(setup));
    rig.check(&format!("PLAY rtsp://h/mono RTSP/1.0\nSession: {id}"), "200 OK");
    rig.frame(0, &sound(0, 0, true, Bytes::from(vec![0xd5; 160])));
    rig.events();
    rig.now += Duration::from_secs(50);
    rig.input(Input::Datagram { port: Port::Rtp, from: 5000, bytes: b"punch" });
    rig.input(Input::Datagram { port: Port::Rtcp, from: 5001, bytes: b"no RTCP" });
    rig.input(Input::Datagram { port: Port::Rtcp, from: 5001, bytes: &receiver_report(3) });
    assert_eq!(rig.session.reception(), Reception { reports: 1, lost: 3 });
    let heard = rig.now;
    rig.datagrams.clear();
    while !rig.closed {
        rig.time_out();
    }
    assert_eq!(rig.now, heard + SESSION_TIMEOUT);
    assert_eq!(rig.events(), "[error: nothing was heard of the client for 60 s] [Stop]");
    let (port, _, goodbye) = rig.datagrams.last().unwrap();
    assert_eq!(*port, Port::Rtcp);
    assert!(matches!(rtcp(goodbye).as_slice(), [.., Packet::Bye(_)]));
}

#[test]
fn tcp_players_may_be_silent() {
    let (mut rig, _) = Rig::playing();
    rig.frame(0, &picture(4, 0, true, 500));
    for _ in 0..100 {
        rig.time_out();
    }
    assert!(!rig.closed && rig.now > epoch() + SESSION_TIMEOUT * 5);
}

#[test]
fn paused_tcp_players_may_not() {
    let (mut rig, id) = Rig::playing();
    rig.check(&format!("PAUSE rtsp://h/cam RTSP/1.0\nSession: {id}"), "200 OK");
    rig.time_out();
    assert!(rig.closed);
    assert_eq!(rig.now, epoch() + SESSION_TIMEOUT);
}

#[test]
fn the_end_of_the_stream_says_goodbye_and_closes() {
    let (mut rig, _) = Rig::playing();
    rig.frame(0, &picture(4, 0, true, 500));
    rig.data();
    rig.input(Input::End("the stream has ended".to_owned()));
    let data = rig.data();
    assert_eq!(data.iter().map(|(channel, _)| *channel).collect::<Vec<_>>(), [1, 3]);
    for (_, bytes) in &data {
        assert!(matches!(
            rtcp(bytes).as_slice(),
            [Packet::SenderReport(_), Packet::SourceDescription(_), Packet::Bye(_)]
        ));
    }
    assert!(rig.closed);
}
