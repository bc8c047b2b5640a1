mod pair;
mod publishing;
mod variants;

use super::*;
use pair::{AUDIO, MS, Pair, VIDEO, addresses, video_frame};
use std::net::SocketAddr;
use std::time::Duration;
use str0m::media::MediaKind;
use yeoul_testkit::{Link, Rng};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_viewer_connects_and_gets_every_packet_in_order() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(2 * SECOND, 20_000);
    let stats = pair.peer.stats();
    for (kind, id) in [(MediaKind::Video, VIDEO), (MediaKind::Audio, AUDIO)] {
        let got = &pair.viewer.packets[&pair.ssrc(kind)];
        let sent = stats.tracks.iter().find(|(of, _)| *of == id).map(|(_, stats)| stats.packets).unwrap();
        assert_eq!(got.len() as u64, sent, "{id:?}");
        let numbers: Vec<u64> = got.keys().copied().collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1), "{id:?}");
    }
    let profile = pair.events.iter().find_map(|event| match event {
        Event::Connected { profile, .. } => Some(*profile),
        Event::Address(..)
        | Event::PathChanged(_)
        | Event::Line(_)
        | Event::KeyframeNeeded(_)
        | Event::Closed(_) => None,
    });
    assert!(
        matches!(profile, Some(Profile::AeadAes128Gcm | Profile::AeadAes256Gcm)),
        "as DTLS server we take AES-GCM: {profile:?}"
    );
}

#[test]
fn connecting_takes_few_round_trips() {
    let link = Link { delay: 25 * MS, ..Link::default() };
    let mut pair = Pair::with_link(link, |offer| offer);
    let began = pair.now;
    pair.connect();
    let took = pair.now - began;
    assert!(took < 300 * MS, "{took:?} at a round trip of 50 ms");
}

#[test]
fn resending_recovers_five_percent_loss() {
    let link = Link { delay: 50 * MS, loss: 0.05, ..Link::default() };
    let mut pair = Pair::with_link(link, |offer| offer);
    pair.connect();
    pair.play(20 * SECOND, 20_000);
    pair.run(SECOND);
    let ssrc = pair.ssrc(MediaKind::Video);
    let (_, stats) = pair.peer.stats().tracks[0];
    let got = pair.viewer.packets[&ssrc].len();
    let share = got as f64 / stats.packets as f64;
    assert!(share >= 0.99, "{got} of {} packets, {} sent again", stats.packets, stats.resent);
    assert!(stats.resent > stats.packets / 50, "{stats:?}");
    assert!(stats.resent < stats.packets / 5, "{stats:?}");
}

#[test]
fn a_repetition_is_the_packet_that_was_lost() {
    let mut pair = Pair::new();
    pair.connect();
    pair.down.set(Link { loss: 0.2, ..Link::default() });
    pair.play(2 * SECOND, 5_000);
    pair.down.set(Link::default());
    pair.play(SECOND, 5_000);
    let got = &pair.viewer.packets[&pair.ssrc(MediaKind::Video)];
    // Every frame of 5 pieces has one RTP time and ends with a marker: repetitions fit in between.
    for (two, next) in got.values().zip(got.values().skip(1)) {
        if *next.seq_no == *two.seq_no + 1 {
            assert_eq!(two.header.marker, two.header.timestamp != next.header.timestamp);
        }
    }
}

#[test]
fn sound_and_picture_are_reported_on_one_clock() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(3 * SECOND, 3_000);
    let info = |kind, rate: f64| {
        let packet = pair.viewer.packets[&pair.ssrc(kind)].values().last().unwrap();
        let info = packet.last_sender_info.expect("a sender report came before the last packet");
        let rtp_time = u32::try_from(info.rtp_time.numer() & u64::from(u32::MAX)).unwrap();
        let ahead = packet.header.timestamp.wrapping_sub(rtp_time).cast_signed();
        // The wall-clock time of the packet's picture or sound.
        let wall = info.ntp_time.duration_since(yeoul_testkit::wall_epoch()).unwrap().as_secs_f64();
        wall + f64::from(ahead) / rate
    };
    // Both last packets are of one instant of the timeline.
    let difference = (info(MediaKind::Video, 90_000.0) - info(MediaKind::Audio, 8_000.0)).abs();
    assert!(difference < 0.021, "{difference} s: a sound packet has 20 ms");
}

#[test]
fn a_lost_picture_asks_for_a_keyframe_once_a_second() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(SECOND, 3_000);
    for _ in 0..10 {
        pair.ask_keyframe();
        pair.run(100 * MS);
    }
    let asked = pair.events.iter().filter(|event| **event == Event::KeyframeNeeded(VIDEO)).count();
    assert!((1..=2).contains(&asked), "{asked}");
}

#[test]
fn a_viewer_that_vanishes_is_gone_soon() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(SECOND, 3_000);
    pair.up.set(Link { loss: 1.0, ..Link::default() });
    let vanished = pair.now;
    while pair.closed().is_none() && pair.now < vanished + 60 * SECOND {
        pair.run(100 * MS);
    }
    assert!(matches!(pair.closed(), Some(Closed::Silent(_))), "{:?}", pair.events);
    assert!(pair.now - vanished <= 30 * SECOND, "{:?}", pair.now - vanished);
}

#[test]
fn a_quiet_viewer_that_lives_stays() {
    let mut pair = Pair::new();
    pair.connect();
    pair.run(120 * SECOND);
    assert_eq!(pair.closed(), None);
}

#[test]
fn a_viewer_that_never_comes_is_given_up() {
    let mut pair = Pair::with_link(Link { loss: 1.0, ..Link::default() }, |offer| offer);
    pair.run(21 * SECOND);
    assert!(matches!(pair.closed(), Some(Closed::NoPath(_))), "{:?}", pair.events);
}

#[test]
fn a_certificate_that_is_not_the_offered_one_is_refused() {
    let mut pair = Pair::with_link(Link::default(), |offer| {
        let at = offer.find("a=fingerprint:sha-256 ").unwrap() + 22;
        let (_, tail) = offer.split_at(at);
        let other = if tail.starts_with("00") { "11" } else { "00" };
        // The same fingerprint stands in every media.
        offer.replace(&tail[..95], &format!("{other}{}", &tail[2..95]))
    });
    pair.run(5 * SECOND);
    let why = pair.closed().map(ToString::to_string).unwrap_or_default();
    assert_eq!(why, "the DTLS certificate is not the one of the offer's fingerprint");
    assert!(!pair.peer.is_connected());
}

#[test]
fn a_viewer_that_leaves_is_gone_at_once() {
    let mut pair = Pair::new();
    pair.connect();
    pair.viewer.rtc.close().unwrap();
    pair.run(100 * MS);
    assert_eq!(pair.closed(), Some(&Closed::Left));
}

#[test]
fn the_viewer_hears_that_the_server_ends_it() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(SECOND, 3_000);
    let now = pair.now;
    pair.peer.close(now);
    pair.run(100 * MS);
    assert_eq!(pair.closed(), Some(&Closed::ByServer));
    assert!(pair.viewer.closed);
}

#[test]
fn a_restart_of_ice_keeps_the_session() {
    let mut pair = Pair::new();
    pair.connect();
    let before = pair.peer.ufrag().to_owned();
    let creds = pair.viewer.rtc.direct_api().local_ice_credentials();
    let again = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", creds.ufrag, creds.pass);
    assert_eq!(pair.trickle(&again), None, "the same credentials are no restart");
    let new = "a=ice-ufrag:abcdefgh\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
    let answer = pair.trickle(new).expect("new credentials are");
    assert_ne!(pair.peer.ufrag(), before);
    assert!(answer.contains(&format!("a=ice-ufrag:{}\r\n", pair.peer.ufrag())), "{answer}");
    assert!(answer.contains("a=candidate:0 1 udp"), "{answer}");
    // The old path carries media until there is a new one.
    assert!(pair.peer.is_connected() && pair.peer.path().is_some());
    let packets = pair.sent.len();
    pair.play(SECOND, 3_000);
    assert!(pair.sent.len() > packets + 25);
}

#[test]
fn dtls_is_taken_only_from_where_ice_has_been() {
    let mut pair = Pair::new();
    let elsewhere = SocketAddr::from(([10, 0, 0, 66], 6666));
    // A ClientHello's record header is enough to make a DTLS server look at it.
    let mut record = vec![22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40];
    record.resize(53, 1);
    pair.inject(elsewhere, &record);
    assert!(!pair.peer.connection_hears(elsewhere));
    pair.connect();
    pair.inject(elsewhere, &record);
    pair.play(SECOND, 3_000);
    assert_eq!(pair.closed(), None);
}

#[test]
fn backlog_and_keyframes_are_paced() {
    let mut pair = Pair::new();
    pair.connect();
    let began = pair.now;
    let frame = video_frame(Timestamp::ZERO, pair.now, true, 1_000_000);
    pair.push(&frame);
    while !pair.peer.wants_frame() {
        pair.run(MS);
    }
    let took = pair.now - began;
    assert!((30 * MS..60 * MS).contains(&took), "1 MB at 200 Mbit/s took {took:?}");
    // No burst is larger than what a receiver's socket takes.
    for at in pair.sent.iter().map(|(at, _)| *at) {
        let together: usize = pair.sent.iter().filter(|(of, _)| *of == at).map(|(_, bytes)| bytes).sum();
        assert!(together <= 42_000, "{together} bytes at once");
    }
}

#[test]
fn a_line_that_loses_much_is_sent_to_more_slowly() {
    let far = Link { delay: 10 * MS, ..Link::default() };
    let rate = |link: Link| {
        let mut pair = Pair::with_link(far, |offer| offer);
        pair.connect();
        pair.down.set(link);
        pair.push(&video_frame(Timestamp::ZERO, pair.now, true, 500_000));
        while !pair.peer.wants_frame() {
            pair.run(MS);
        }
        pair.run(200 * MS);
        let began = pair.now;
        pair.push(&video_frame(Timestamp::from_nanos(1), pair.now, true, 500_000));
        while !pair.peer.wants_frame() {
            pair.run(MS);
        }
        500_000.0 / (pair.now - began).as_secs_f64()
    };
    let clean = rate(far);
    assert!((5e6..7e6).contains(&clean), "{clean} bytes a second to a viewer that is far");
    let lossy = rate(Link { loss: 0.3, ..far });
    assert!((2e6..4e6).contains(&lossy), "{lossy} bytes a second after a loss");
}

#[test]
fn the_media_id_is_told_until_the_viewer_reports() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(5 * SECOND, 3_000);
    let packets = &pair.viewer.packets[&pair.ssrc(MediaKind::Video)];
    let has_mid = |packet: &str0m::rtp::RtpPacket| packet.header.ext_vals.mid.is_some();
    assert!(has_mid(packets.values().next().unwrap()));
    assert!(!has_mid(packets.values().last().unwrap()));
}

#[test]
fn a_flood_of_requests_costs_a_bounded_amount() {
    let mut pair = Pair::new();
    pair.connect();
    pair.play(SECOND, 20_000);
    let ssrc = pair.ssrc(MediaKind::Video);
    let now = pair.now;
    let lost: Vec<u16> = (0..=u16::MAX).collect();
    for _ in 0..20 {
        pair.peer.egress.request(now, ssrc, &lost, None);
    }
    let before = pair.sent.len();
    pair.run(SECOND);
    let resent = pair.sent.len() - before;
    assert!(resent <= 1000, "{resent} packets");
}

#[test]
fn garbage_never_panics_nor_ends_the_session() {
    let mut pair = Pair::new();
    let mut rng = Rng::new(4);
    let (ours, theirs) = addresses();
    let starts: [&[u8]; 6] = [&[0, 1], &[1, 1], &[22, 254, 253], &[0x80, 96], &[0x81, 201], &[0x80, 200]];
    for phase in 0..2 {
        for round in 0..2000_u64 {
            let start = starts[usize::try_from(rng.below(6)).unwrap()];
            let length = usize::try_from(rng.below(1600)).unwrap();
            let mut bytes = start.to_vec();
            bytes.extend(rng.bytes(length));
            let source = if round % 2 == 0 { theirs } else { SocketAddr::from(([10, 9, 9, 9], 9)) };
            pair.inject(source, &bytes);
        }
        assert_ne!(ours, theirs);
        if phase == 0 {
            pair.connect();
            pair.play(SECOND, 3_000);
        }
    }
    assert_eq!(pair.closed(), None);
    pair.play(SECOND, 3_000);
}
