//! A [`Peer`] and a publisher of another make (str0m) on a virtual clock, with a lossy link each way; and two peers of ours, one
//! of which has called.

use super::pair::{MS, addresses, h264_codec, tracks, video_frame};
use crate::limits::{INGRESS_KEYFRAME_INTERVAL, MAX_PAYLOAD_BYTES, SILENCE_TIMEOUT};
use crate::{
    Burst, Call, Certificate, Closed, Event, Input, Offer, OfferError, Output, Path, Peer, Settings,
    Transport,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event as RtcEvent, Input as RtcInput, Output as RtcOutput, Rtc};
use yeoul_media::{Codec, Frame, Kind, Timestamp, TrackId};
use yeoul_rtp::Packetizer;
use yeoul_testkit::{Link, LossyLink, epoch, wall_epoch};

const SECOND: Duration = Duration::from_secs(1);
const PICTURE_BYTES: usize = 4_000;

/// A publisher of 25 pictures a second, which sends a keyframe first and when it is asked for one.
struct Publishing {
    now: Instant,
    peer: Peer,
    rtc: Rtc,
    mid: Mid,
    payload_type: Pt,
    packetizer: Packetizer,
    /// From the publisher to us, and back.
    up: LossyLink,
    down: LossyLink,
    answer: String,
    events: Vec<Event>,
    /// What came, and when.
    frames: Vec<(Instant, Frame)>,
    pictures: i64,
    sequence: u64,
    keyframe_wanted: bool,
    /// When keyframes were asked for.
    asked: Vec<Instant>,
}

impl Publishing {
    fn new(link: Link) -> Self {
        Self::with(link, |offer| offer)
    }

    /// `edit` may change the offer before it is answered.
    fn with(link: Link, edit: impl FnOnce(String) -> String) -> Self {
        let now = epoch();
        let (ours, theirs) = addresses();
        let mut rtc = Rtc::builder().clear_codecs().enable_h264(true).set_rtp_mode(true).build(now);
        rtc.add_local_candidate(Candidate::host(theirs, "udp").expect("an address"));
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = change.apply().expect("an offer");
        let offer = Offer::parse_published(&edit(offer.to_sdp_string())).expect("the offer parses");
        let certificate = Certificate::generate().expect("a certificate");
        let host = [(Transport::Udp, ours)];
        let settings = Settings { certificate: &certificate, host: &host, mapped: &[], variants: false };
        let (peer, answer) = Peer::accept(now, wall_epoch(), &offer, &settings).expect("an answer");
        let parsed = SdpAnswer::from_sdp_string(&answer).expect("the answer parses");
        rtc.sdp_api().accept_answer(pending, parsed).expect("the answer is accepted");
        let payload_type = rtc.media(mid).expect("a media").remote_pts()[0];
        Self {
            now,
            peer,
            rtc,
            mid,
            payload_type,
            packetizer: Packetizer::new(&Codec::H264(None), MAX_PAYLOAD_BYTES),
            up: LossyLink::new(link, 1),
            down: LossyLink::new(link, 2),
            answer,
            events: Vec::new(),
            frames: Vec::new(),
            pictures: 0,
            sequence: 65_500,
            keyframe_wanted: true,
            asked: Vec::new(),
        }
    }

    fn connect(&mut self) {
        let until = self.now + 5 * SECOND;
        while !(self.peer.is_connected() && self.rtc.is_connected()) && self.now < until {
            self.run(MS);
        }
        assert!(self.peer.is_connected() && self.rtc.is_connected(), "{:?}", self.events);
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.exchange();
            self.now += MS;
        }
        self.exchange();
    }

    fn play(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let keyframe = std::mem::take(&mut self.keyframe_wanted);
            let at = Timestamp::from_nanos(self.pictures * 40_000_000);
            let size = if keyframe { 4 * PICTURE_BYTES } else { PICTURE_BYTES };
            let frame = video_frame(at, self.now, keyframe, size);
            let packets = self.packetizer.packetize(&frame);
            let mut api = self.rtc.direct_api();
            let stream = api.stream_tx_by_mid(self.mid, None).expect("a stream");
            for payload in &packets.payloads {
                let mut bytes = Vec::new();
                payload.write_to(&mut bytes);
                let time = packets.rtp_time(payload, 7);
                let write = RtpWrite::new(self.payload_type, self.sequence.into(), time, self.now, bytes)
                    .marker(payload.marker)
                    .nackable(true);
                stream.write_rtp(write);
                self.sequence += 1;
            }
            self.pictures += 1;
            self.run(40 * MS);
        }
    }

    fn exchange(&mut self) {
        let (ours, theirs) = addresses();
        self.peer.handle_input(self.now, Input::Timeout);
        let _ = self.rtc.handle_input(RtcInput::Timeout(self.now));
        self.drain();
        loop {
            if let Some(mut bytes) = self.up.pop(self.now) {
                let path = Path { transport: Transport::Udp, local: ours, remote: theirs };
                let input = Input::Datagram { path, received_at: self.now, bytes: &mut bytes };
                self.peer.handle_input(self.now, input);
            } else if let Some(bytes) = self.down.pop(self.now) {
                if let Ok(contents) = bytes.as_slice().try_into() {
                    let receive =
                        Receive { proto: Protocol::Udp, source: ours, destination: theirs, contents };
                    let _ = self.rtc.handle_input(RtcInput::Receive(self.now, receive));
                }
            } else {
                return;
            }
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            match self.peer.poll_output(self.now) {
                Output::Transmit(transmit) => self.down.push(self.now, transmit.bytes),
                Output::Event(event) => self.events.push(event),
                Output::Frame(frame) => self.frames.push((self.now, frame)),
                Output::Note(_) => {}
                Output::Wait(_) => break,
            }
        }
        loop {
            match self.rtc.poll_output() {
                Ok(RtcOutput::Transmit(transmit)) => self.up.push(self.now, transmit.contents.to_vec()),
                Ok(RtcOutput::Event(RtcEvent::KeyframeRequest(_))) => {
                    self.keyframe_wanted = true;
                    self.asked.push(self.now);
                }
                Ok(RtcOutput::Event(_)) => {}
                Ok(RtcOutput::Timeout(_)) | Err(_) => return,
            }
        }
    }

    fn closed(&self) -> Option<&Closed> {
        self.events.iter().find_map(closed)
    }

    fn came(&self) -> usize {
        self.frames.len()
    }

    fn damaged(&self) -> u64 {
        self.peer.stats().received[0].damaged_frames
    }
}

fn closed(event: &Event) -> Option<&Closed> {
    match event {
        Event::Closed(why) => Some(why),
        Event::Address(..)
        | Event::Connected { .. }
        | Event::PathChanged(_)
        | Event::Line(_)
        | Event::KeyframeNeeded(_) => None,
    }
}

#[test]
fn every_picture_comes_in_its_time_over_the_wrap_of_sequence_numbers() {
    let mut publishing = Publishing::new(Link::default());
    publishing.connect();
    publishing.play(4 * SECOND);
    assert_eq!(publishing.came(), 100);
    assert!(publishing.sequence > 65_536 + 100);
    let (_, first) = &publishing.frames[0];
    assert!(first.keyframe && first.new_codec.is_some(), "its parameter sets come in the stream");
    for two in publishing.frames.windows(2) {
        assert_eq!(two[1].1.pts.saturating_since(two[0].1.pts), 40 * MS);
    }
}

#[test]
fn a_keyframe_is_asked_for_when_the_last_one_is_old() {
    let mut publishing = Publishing::new(Link::default());
    publishing.connect();
    publishing.play(9 * SECOND);
    let keyframes = publishing.frames.iter().filter(|(_, frame)| frame.keyframe).count();
    assert!((4..=5).contains(&keyframes), "{keyframes} in 9 s, one each {INGRESS_KEYFRAME_INTERVAL:?}");
}

#[test]
fn five_percent_loss_is_made_good() {
    let link = Link { delay: 25 * MS, loss: 0.05, ..Link::default() };
    let mut publishing = Publishing::new(link);
    publishing.connect();
    publishing.play(20 * SECOND);
    publishing.run(SECOND);
    // 500 pictures of four packets each: without repetitions one of five would be damaged.
    let damaged = publishing.damaged();
    assert!(damaged <= 15, "{damaged} of {} pictures damaged", publishing.pictures);
    assert!(publishing.came() >= 485, "{} of {}", publishing.came(), publishing.pictures);
}

#[test]
fn a_picture_that_is_lost_for_good_comes_back_with_a_keyframe() {
    let mut publishing = Publishing::new(Link { delay: 5 * MS, ..Link::default() });
    publishing.connect();
    publishing.play(3 * SECOND);
    publishing.asked.clear();
    publishing.up.set(Link { loss: 1.0, ..Link::default() });
    publishing.play(500 * MS);
    publishing.up.set(Link { delay: 5 * MS, ..Link::default() });
    let restored = publishing.now;
    publishing.play(SECOND);
    let asked = publishing.asked.iter().find(|at| **at >= restored).expect("a keyframe is asked for");
    let (at, _) =
        publishing.frames.iter().find(|(at, frame)| at >= asked && frame.keyframe).expect("and it comes");
    let took = *at - restored;
    assert!(took < SECOND, "{took:?} after the line was there again");
}

#[test]
fn reordered_packets_are_no_loss() {
    let link = Link { delay: 5 * MS, reorder: 0.1, reorder_by: 4 * MS, ..Link::default() };
    let mut publishing = Publishing::new(link);
    publishing.connect();
    publishing.play(5 * SECOND);
    publishing.run(SECOND);
    assert_eq!((publishing.came(), publishing.damaged()), (125, 0));
    let first: BTreeMap<_, _> = publishing.frames.iter().map(|(_, frame)| (frame.pts, ())).collect();
    assert_eq!(first.len(), 125, "and nothing comes twice");
}

#[test]
fn a_publisher_that_vanishes_is_gone_and_one_that_leaves_is_so_at_once() {
    let mut publishing = Publishing::new(Link::default());
    publishing.connect();
    publishing.play(SECOND);
    publishing.up.set(Link { loss: 1.0, ..Link::default() });
    publishing.run(SILENCE_TIMEOUT + SECOND);
    assert!(matches!(publishing.closed(), Some(Closed::Silent(_))), "{:?}", publishing.events);

    let mut publishing = Publishing::new(Link::default());
    publishing.connect();
    publishing.rtc.close().unwrap();
    publishing.run(100 * MS);
    assert_eq!(publishing.closed(), Some(&Closed::Left));
}

#[test]
fn an_answer_takes_one_codec_and_asks_for_feedback() {
    let publishing = Publishing::new(Link::default());
    for line in ["a=recvonly", "nack pli", "a=rtcp-fb", "transport-cc", "a=setup:passive"] {
        assert!(publishing.answer.contains(line), "{line} in\n{}", publishing.answer);
    }
    let rtpmaps = publishing.answer.lines().filter(|line| line.starts_with("a=rtpmap:")).count();
    assert_eq!(rtpmaps, 2, "H264 and its RTX:\n{}", publishing.answer);
}

#[test]
fn simulcast_is_answered_with_one_picture() {
    let publishing = Publishing::with(Link::default(), |offer| {
        offer.replace(
            "a=sendonly\r\n",
            "a=sendonly\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n",
        )
    });
    assert!(!publishing.answer.contains("simulcast"), "{}", publishing.answer);
}

fn certificate_and_host(last: u8) -> (Certificate, [(Transport, SocketAddr); 1]) {
    let host = [(Transport::Udp, SocketAddr::from(([10, 0, 0, last], 8555)))];
    (Certificate::generate().expect("a certificate"), host)
}

/// Lets two peers of ours talk for a while about so many pictures, the first of them a keyframe; gives the frames that came at the
/// first peer, and how often it asked for a keyframe.
fn talk(now: &mut Instant, receiving: &mut Peer, sending: &mut Peer, pictures: i64) -> (Vec<Frame>, usize) {
    let mut packetizer = Packetizer::new(&h264_codec(yeoul_testkit::h264::Sps::default()), MAX_PAYLOAD_BYTES);
    let mut burst = Burst::default();
    let (mut frames, mut asked) = (Vec::new(), 0);
    let mut sent = 0;
    for step in 0..pictures * 40 + 2_000 {
        let mut datagrams = Vec::new();
        for (from_sender, peer) in [(false, &mut *receiving), (true, &mut *sending)] {
            peer.handle_input(*now, Input::Timeout);
            while peer.seal(*now, &mut burst) {
                let path = peer.path().expect("a way");
                datagrams.extend(burst.datagrams().map(|bytes| (from_sender, path, bytes.to_vec())));
            }
            loop {
                match peer.poll_output(*now) {
                    Output::Transmit(transmit) => {
                        datagrams.push((from_sender, transmit.path, transmit.bytes))
                    }
                    Output::Event(Event::KeyframeNeeded(_)) => asked += 1,
                    Output::Event(event) => assert_eq!(closed(&event), None),
                    Output::Frame(frame) => frames.push(frame),
                    Output::Note(note) => panic!("{note}"),
                    Output::Wait(_) => break,
                }
            }
        }
        for (from_sender, path, mut bytes) in datagrams {
            let path = Path { transport: path.transport, local: path.remote, remote: path.local };
            let to = if from_sender { &mut *receiving } else { &mut *sending };
            to.handle_input(*now, Input::Datagram { path, received_at: *now, bytes: &mut bytes });
        }
        if step % 40 == 0 && sent < pictures && sending.wants_frame() && receiving.is_connected() {
            let frame = video_frame(Timestamp::from_nanos(sent * 40_000_000), *now, sent == 0, 5_000);
            let packets = Arc::new(packetizer.packetize(&frame));
            assert!(sending.push(*now, Kind::Video, &frame, &packets));
            sent += 1;
        }
        *now += MS;
    }
    (frames, asked)
}

#[test]
fn a_call_publishes_to_a_peer_that_accepts() {
    let mut now = epoch();
    let ((ours, our_host), (theirs, their_host)) = (certificate_and_host(1), certificate_and_host(2));
    let settings = Settings { certificate: &ours, host: &our_host, mapped: &[], variants: false };
    let (call, offer) = Call::to_publish(&tracks(), &settings).expect("an offer");
    let offer = Offer::parse_published(&offer).expect("it parses");
    let other = Settings { certificate: &theirs, host: &their_host, ..settings };
    let (mut receiving, answer) = Peer::accept(now, wall_epoch(), &offer, &other).expect("an answer");
    let answer = Offer::parse_answer(&answer).expect("it parses");
    let mut sending = call.answered(now, wall_epoch(), &answer, &settings).expect("they agree");
    let names: Vec<_> = receiving.codecs().iter().map(Codec::name).collect();
    assert_eq!(names, ["H264", "PCMA"]);
    let (frames, asked) = talk(&mut now, &mut receiving, &mut sending, 150);
    assert_eq!(frames.len(), 150);
    assert!(asked >= 2, "encoders send no keyframe unasked: asked {asked} times in 6 s");
    assert!(frames.iter().all(|frame| frame.track == TrackId(0)));
}

#[test]
fn a_call_watches_a_peer_that_answers() {
    let mut now = epoch();
    let ((ours, our_host), (theirs, their_host)) = (certificate_and_host(1), certificate_and_host(2));
    let settings = Settings { certificate: &ours, host: &our_host, mapped: &[], variants: false };
    let (call, offer) = Call::to_watch(&settings);
    let offer = Offer::parse(&offer).expect("it parses");
    let other = Settings { certificate: &theirs, host: &their_host, ..settings };
    let (mut sending, answer) =
        Peer::answer(now, wall_epoch(), &offer, &tracks(), &other).expect("an answer");
    let answer = Offer::parse_answer(&answer).expect("it parses");
    let mut receiving = call.answered(now, wall_epoch(), &answer, &settings).expect("they agree");
    let (frames, asked) = talk(&mut now, &mut receiving, &mut sending, 150);
    assert_eq!((frames.len(), asked), (150, 0), "a server that is asked for a keyframe plays the past again");
}

#[test]
fn a_publisher_without_a_common_codec_is_told_what_is_taken() {
    let (certificate, host) = certificate_and_host(1);
    let settings = Settings { certificate: &certificate, host: &host, mapped: &[], variants: false };
    let offer = "v=0\r\na=group:BUNDLE 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        a=fingerprint:sha-256 AB:CD\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=sendonly\r\na=rtpmap:96 H261/90000\r\n";
    let parsed = Offer::parse_published(offer).expect("it parses");
    let error =
        Peer::accept(epoch(), wall_epoch(), &parsed, &settings).expect_err("no common codec").to_string();
    assert!(
        error.starts_with(
            "no codec in common: the publisher has video as H261, this server takes video as H264, H265"
        ),
        "{error}"
    );
    assert!(error.ends_with("and audio as OPUS, G722, PCMU, PCMA"), "{error}");
    let watching = offer.replace("sendonly", "recvonly");
    assert_eq!(Offer::parse_published(&watching), Err(OfferError::NothingGiven));
}
