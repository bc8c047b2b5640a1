//! While media flows.

use super::bench::*;
use crate::client::*;
use crate::message::{Data, Method};
use bytes::BytesMut;
use std::net::SocketAddr;
use std::time::Duration;
use yeoul_media::{Timestamp, TrackId};
use yeoul_rtp::rtcp::{self, Bye, NtpTime, SenderReport};

const LIVE: &str = "rtsp://cam/live";
const OVER_UDP: &str = "rtsp://cam/live#transport=udp";

fn rtcp_bytes(packets: &[rtcp::Packet]) -> Vec<u8> {
    let mut bytes = Vec::new();
    packets.iter().for_each(|packet| packet.write(&mut bytes));
    bytes
}

fn bye(ssrc: u32) -> Vec<u8> {
    rtcp_bytes(&[rtcp::Packet::Bye(Bye { ssrcs: vec![ssrc], reason: None })])
}

fn tracks(bench: &Bench) -> Vec<u16> {
    bench.frames.iter().map(|frame| frame.track.0).collect()
}

fn datagram(bench: &mut Bench, from: &str, socket: usize, bytes: &[u8]) {
    let from: SocketAddr = from.parse().expect("an address");
    bench.input(Input::Datagram { socket, channel: Channel::Rtp, from, bytes });
}

#[test]
fn packets_become_frames_of_their_tracks() {
    let mut bench = Bench::playing(LIVE);
    bench.receive_data(0, rtp(8, 1, 1_000));
    bench.receive_data(2, rtp(0, 9, 77));
    bench.receive_data(0, rtp(8, 2, 1_160));
    assert_eq!(tracks(&bench), [0, 1, 0]);
    let times: Vec<Timestamp> =
        bench.frames.iter().filter(|frame| frame.track == TrackId(0)).map(|frame| frame.pts).collect();
    assert_eq!(times[1].saturating_since(times[0]), Duration::from_millis(20));
}

#[test]
fn channels_are_those_the_camera_answered() {
    let mut bench = Bench::new(LIVE, |request| match request.method {
        Method::Setup if request.uri.ends_with("trackID=0") => {
            ok("Session: abc\r\nTransport: RTP/AVP/TCP;interleaved=8-9\r\n")
        }
        Method::Setup => ok("Session: abc\r\nTransport: RTP/AVP/TCP;interleaved=4-5\r\n"),
        _ => usual(request),
    });
    // A payload type that tells nothing, so that only the channel does.
    bench.receive_data(4, rtp(96, 1, 0));
    bench.receive_data(8, rtp(96, 1, 0));
    assert_eq!(tracks(&bench), [1, 0]);
}

#[test]
fn payload_types_tell_tracks_apart_where_channels_do_not() {
    let mut bench = Bench::new(LIVE, |request| match request.method {
        Method::Setup => ok("Session: abc\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n"),
        _ => usual(request),
    });
    bench.receive_data(0, rtp(8, 1, 0));
    bench.receive_data(0, rtp(0, 1, 0));
    bench.receive_data(6, rtp(0, 2, 160)); // a channel nobody named
    bench.receive_data(6, rtp(96, 2, 160)); // neither channel nor type
    assert_eq!(tracks(&bench), [0, 1, 1]);
}

#[test]
fn comfort_noise_is_not_taken_for_sound() {
    let mut bench = Bench::playing(LIVE);
    bench.receive_data(0, rtp(8, 1, 0));
    bench.receive_data(0, rtp(13, 2, 160));
    bench.receive_data(0, rtp(8, 3, 320));
    assert_eq!(tracks(&bench), [0, 0]);
    assert_eq!(bench.session.stats().next().map(|stats| (stats.packets, stats.foreign)), Some((2, 1)));
}

#[test]
fn packets_before_the_answer_to_play_are_kept_for_it() {
    let mut bench =
        Bench::new(LIVE, |request| if request.method == Method::Play { None } else { usual(request) });
    bench.receive_data(0, rtp(8, 5, 10_000));
    bench.receive_data(2, rtp(0, 9, 999));
    assert!(bench.playing.is_none() && bench.frames.is_empty());
    bench.receive(
        b"RTSP/1.0 200 OK\r\nRTP-Info: url=trackID=0;rtptime=10000,url=trackID=1;rtptime=199\r\n\r\n",
    );
    assert!(bench.playing.is_some());
    assert_eq!(tracks(&bench), [0, 1]);
    // The second track's first packet is 800 ticks, 100 ms, after the start of playback.
    let apart = bench.frames[1].pts.saturating_since(bench.frames[0].pts);
    assert_eq!(apart, Duration::from_millis(100));
}

#[test]
fn a_camera_that_plays_without_answering_play_plays() {
    let mut bench =
        Bench::new(LIVE, |request| if request.method == Method::Play { None } else { usual(request) });
    bench.receive_data(0, rtp(8, 5, 10_000));
    bench.pass(Duration::from_secs(5));
    assert!(bench.playing.is_some() && bench.error.is_none());
    assert_eq!(tracks(&bench), [0]);

    let mut flood =
        Bench::new(LIVE, |request| if request.method == Method::Play { None } else { usual(request) });
    for n in 0..600u16 {
        flood.receive_data(0, rtp(8, n, u32::from(n) * 160));
    }
    assert_eq!(flood.frames.len(), 600, "what is kept has a bound, and nothing of it is lost");
}

#[test]
fn a_camera_that_did_not_answer_play_is_kept_alive() {
    let mut bench =
        Bench::new(OVER_UDP, |request| if request.method == Method::Play { None } else { usual(request) });
    for n in 0..40 {
        // Every second packet is missing, so that packets wait whenever the state changes.
        datagram(&mut bench, "192.0.2.5:6000", 0, &rtp(8, 2 * n, u32::from(n) * 8_000));
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(bench.error, None);
    assert_eq!(bench.log.last().map(String::as_str), Some("GET_PARAMETER rtsp://cam/live | abc"));
}

#[test]
fn silence_is_an_error() {
    let mut bench = Bench::playing(LIVE);
    bench.pass(Duration::from_secs(4));
    bench.receive_data(0, rtp(8, 1, 0));
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.error, None);
    bench.pass(Duration::from_millis(1));
    bench.check_error(ErrorKind::Retry, "cam:554 sent no media for 5 s");

    let mut never = Bench::playing("rtsp://cam/live#timeout=7");
    never.pass(Duration::from_secs(7));
    never.check_error(ErrorKind::Retry, "cam:554 sent no media for 7 s although it had accepted PLAY");

    let mut udp = Bench::playing(OVER_UDP);
    udp.pass(Duration::from_secs(5));
    udp.check_error(
        ErrorKind::Retry,
        "cam:554 sent no media for 5 s over UDP although it had accepted PLAY; a firewall may be in the way, try TCP",
    );
}

#[test]
fn rtcp_alone_is_silence() {
    let mut bench = Bench::playing(LIVE);
    bench.receive_data(0, rtp(8, 1, 0));
    for _ in 0..5 {
        bench.pass(Duration::from_secs(1));
        let report = SenderReport { ssrc: CAMERA_SSRC, ntp: NtpTime(1 << 63), ..SenderReport::default() };
        bench.receive_data(1, rtcp_bytes(&[rtcp::Packet::SenderReport(report)]));
    }
    bench.check_error(ErrorKind::Retry, "cam:554 sent no media for 5 s");
}

#[test]
fn bye_of_every_track_ends_the_session() {
    let mut bench = Bench::playing(LIVE);
    bench.receive_data(0, rtp(8, 1, 0));
    bench.receive_data(2, rtp(0, 1, 0));
    bench.receive_data(1, bye(CAMERA_SSRC + 1)); // of nobody
    bench.receive_data(1, bye(CAMERA_SSRC));
    assert_eq!(bench.ended, None, "the other track goes on");
    bench.receive_data(2, bye(CAMERA_SSRC)); // on the channel of RTP
    assert_eq!(bench.ended, Some(Ended::ByServer));
}

#[test]
fn a_connection_closed_after_media_is_an_end() {
    let mut bench = Bench::playing(LIVE);
    bench.receive_data(0, rtp(8, 1, 0));
    bench.input(Input::Closed);
    assert_eq!((bench.ended, bench.error), (Some(Ended::ByServer), None));
    let mut without_media = Bench::playing(LIVE);
    without_media.input(Input::Closed);
    without_media.check_error(ErrorKind::Retry, "cam:554 closed the connection before it sent any media");
}

#[test]
fn a_recording_comes_to_its_end() {
    let recording = "rtsp://cam/live#range=npt=10-20";
    let mut said = Bench::playing(recording);
    said.receive_data(0, rtp(8, 1, 0));
    said.receive_data(2, rtp(0, 1, 0));
    said.receive_data(1, bye(CAMERA_SSRC));
    said.receive_data(3, bye(CAMERA_SSRC));
    assert_eq!(said.ended, Some(Ended::EndOfRecording));

    let mut closed = Bench::playing(recording);
    closed.receive_data(0, rtp(8, 1, 0));
    closed.input(Input::Closed);
    assert_eq!(closed.ended, Some(Ended::EndOfRecording));

    let mut just_stops = Bench::playing(recording);
    just_stops.receive_data(0, rtp(8, 1, 0));
    just_stops.pass(Duration::from_secs(5));
    assert_eq!((just_stops.ended, just_stops.error), (Some(Ended::EndOfRecording), None));
}

#[test]
fn receiver_reports_go_out_over_tcp() {
    let mut bench = Bench::playing(LIVE);
    for n in 0..6 {
        bench.receive_data(0, rtp(8, n, u32::from(n) * 8_000));
        bench.pass(Duration::from_secs(1));
    }
    let [report] = bench.reports.as_slice() else {
        panic!("one report of the track that has come: {:?}", bench.reports)
    };
    assert_eq!(report.channel, 1);
    let packets: Vec<rtcp::Packet> = rtcp::packets(&report.payload).map_while(Result::ok).collect();
    let [rtcp::Packet::ReceiverReport(report), rtcp::Packet::SourceDescription(who)] = packets.as_slice()
    else {
        panic!("{packets:?}")
    };
    assert_eq!((report.ssrc, report.blocks.len(), report.blocks[0].ssrc), (SSRC, 1, CAMERA_SSRC));
    assert_eq!(who[0].cname.as_deref(), Some("yeoul-0b0b0b0b"));
}

#[test]
fn firewalls_are_opened_and_reports_sent_over_udp() {
    let mut bench = Bench::playing(OVER_UDP);
    let rtp_port: SocketAddr = "192.0.2.5:6000".parse().expect("an address");
    let rtcp_port: SocketAddr = "192.0.2.5:6001".parse().expect("an address");
    let first: Vec<_> =
        bench.datagrams.iter().take(2).map(|(socket, channel, to, _)| (*socket, *channel, *to)).collect();
    assert_eq!(first, [(0, Channel::Rtp, rtp_port), (0, Channel::Rtcp, rtcp_port)]);
    let (_, _, _, punch) = &bench.datagrams[0];
    assert_eq!(&punch[..2], [0x80, 0], "an RTP packet without payload");
    bench.datagrams.clear();
    for n in 0..6 {
        datagram(&mut bench, "192.0.2.5:6000", 0, &rtp(8, n, u32::from(n) * 8_000));
        bench.pass(Duration::from_secs(1));
    }
    let reports: Vec<_> =
        bench.datagrams.iter().map(|(socket, channel, to, _)| (*socket, *channel, *to)).collect();
    assert_eq!(reports, [(0, Channel::Rtcp, rtcp_port)]);
}

#[test]
fn datagrams_are_put_in_order() {
    let mut bench = Bench::playing(OVER_UDP);
    for n in [1, 2, 4, 3] {
        datagram(&mut bench, "192.0.2.5:6000", 0, &rtp(8, n, u32::from(n) * 160));
    }
    assert!(bench.frames.is_sorted_by_key(|frame| frame.pts));
    assert_eq!(bench.frames.len(), 4);
    // What never comes is not waited for long.
    datagram(&mut bench, "192.0.2.5:6000", 0, &rtp(8, 6, 960));
    assert_eq!(bench.frames.len(), 4);
    bench.pass(Duration::from_millis(200));
    assert_eq!(bench.frames.len(), 5);
}

#[test]
fn datagrams_of_strangers_are_ignored() {
    let mut bench = Bench::playing(OVER_UDP);
    datagram(&mut bench, "192.0.2.66:6000", 0, &rtp(8, 1, 0));
    assert!(bench.frames.is_empty());
    datagram(&mut bench, "[::ffff:192.0.2.5]:6000", 0, &rtp(8, 1, 0));
    assert_eq!(bench.frames.len(), 1, "the same address in another form");
}

#[test]
fn datagrams_may_come_from_the_source_the_camera_named() {
    let mut bench = Bench::new(OVER_UDP, |request| match request.method {
        Method::Setup => {
            ok("Session: abc\r\nTransport: RTP/AVP;unicast;source=192.0.2.77;server_port=6000-6001\r\n")
        }
        _ => usual(request),
    });
    datagram(&mut bench, "192.0.2.77:6000", 0, &rtp(8, 1, 0));
    assert_eq!(bench.frames.len(), 1);
}

#[test]
fn damage_is_told_once_for_each_track() {
    let sdp = "v=0\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000/2\r\n\
        a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\r\n";
    let mut bench =
        Bench::new(
            LIVE,
            move |request| if request.method == Method::Describe { describe(sdp) } else { usual(request) },
        );
    for n in 0..3 {
        let mut packet = rtp(97, n, 0);
        packet.truncate(13);
        bench.receive_data(0, packet);
    }
    let [note] = bench.notes.as_slice() else { panic!("{:?}", bench.notes) };
    assert!(note.starts_with("cam:554 sends damaged media: AAC over RTP: "), "{note}");
}

#[test]
fn stray_bytes_between_packets_are_passed_over() {
    let mut bench = Bench::playing(LIVE);
    let mut bytes = BytesMut::from(&b"\0\0garbage $\x00"[..]);
    Data { channel: 0, payload: rtp(8, 1, 0).into() }.write(&mut bytes);
    bench.receive(&bytes);
    assert_eq!(bench.frames.len(), 1);
}
