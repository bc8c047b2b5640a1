//! Our client against our server, through a connection that cuts bytes anywhere and a link that loses datagrams.

use super::*;
use crate::client::{self, Channel, ClientSession, Event, Source};
use std::collections::VecDeque;
use std::net::SocketAddr;
use yeoul_testkit::{Link, LossyLink, Rng};

const MS: Duration = Duration::from_millis(1);

/// Both sessions, what is on its way between them, and what has arrived.
struct Pair {
    client: ClientSession,
    rig: Rig,
    rng: Rng,
    to_client: VecDeque<u8>,
    /// From the server's RTP and RTCP sockets to the client, by the client's port.
    links: [LossyLink; 2],
    frames: Vec<Frame>,
    tracks: usize,
    /// The server takes what the client publishes.
    is_recording: bool,
    errors: Vec<String>,
    ended: bool,
}

impl Pair {
    fn new(url: &str, link: Link, seed: u64) -> Self {
        let source: Source = Source::parse(url).unwrap();
        Self::with(ClientSession::new(source, 5, epoch()), Rig::new(), link, seed)
    }

    fn with(client: ClientSession, rig: Rig, link: Link, seed: u64) -> Self {
        Self {
            client,
            rig,
            rng: Rng::new(seed),
            to_client: VecDeque::new(),
            links: [LossyLink::new(link, seed), LossyLink::new(Link::default(), seed)],
            frames: Vec::new(),
            tracks: 0,
            is_recording: false,
            errors: Vec::new(),
            ended: false,
        }
    }

    fn server() -> SocketAddr {
        "192.0.2.1:554".parse().unwrap()
    }

    fn tell(&mut self, input: client::Input<'_>) {
        if let Err(error) = self.client.handle_input(self.rig.now, input) {
            self.errors.push(error.to_string());
            self.ended = true;
        }
    }

    /// Does what the client wants done.
    fn drain(&mut self) {
        while !self.ended {
            match self.client.poll_output() {
                client::Output::Connect { .. } => {
                    self.tell(client::Input::Connected { peer: Self::server() })
                }
                client::Output::Send(bytes) => self.rig.input(Input::Received(&bytes)),
                client::Output::BindUdp { socket } => {
                    let rtp = 6000 + 2 * u16::try_from(socket).unwrap();
                    self.tell(client::Input::UdpBound { socket, ports: (rtp, rtp + 1) });
                }
                client::Output::SendDatagram { socket, channel, bytes, .. } => {
                    let rtp = 6000 + 2 * u16::try_from(socket).unwrap();
                    let (port, from) = match channel {
                        Channel::Rtp => (Port::Rtp, rtp),
                        Channel::Rtcp => (Port::Rtcp, rtp + 1),
                    };
                    self.rig.input(Input::Datagram { port, from, bytes: &bytes });
                }
                client::Output::Event(Event::Frame(frame)) => self.frames.push(frame),
                client::Output::Event(Event::Playing(playing)) => self.tracks = playing.tracks.len(),
                client::Output::Event(Event::Recording { .. }) => self.is_recording = true,
                client::Output::Event(Event::Note(_)) => {}
                client::Output::Event(Event::Ended(_)) => self.ended = true,
                client::Output::Wait(_) => return,
            }
        }
    }

    /// Carries what is on its way, the bytes of the connection in random pieces, until nothing moves any more.
    fn carry(&mut self) {
        loop {
            self.drain();
            let now = self.rig.now;
            self.to_client.extend(std::mem::take(&mut self.rig.bytes));
            for (port, to, bytes) in std::mem::take(&mut self.rig.datagrams) {
                let mut datagram = to.to_be_bytes().to_vec();
                datagram.extend(bytes);
                let [rtp, rtcp] = &mut self.links;
                if port == Port::Rtp { rtp } else { rtcp }.push(now, datagram);
            }
            let size = usize::try_from(1 + self.rng.below(2000)).unwrap().min(self.to_client.len());
            let piece: Vec<u8> = self.to_client.drain(..size).collect();
            if !piece.is_empty() {
                self.tell(client::Input::Received(&piece));
                continue;
            }
            let arrived = [Channel::Rtp, Channel::Rtcp]
                .into_iter()
                .zip(&mut self.links)
                .find_map(|(channel, link)| Some((channel, link.pop(now)?)));
            let Some((channel, datagram)) = arrived else { return };
            let (port, bytes) = datagram.split_at(2);
            let port = u16::from_be_bytes(port.try_into().unwrap());
            let from_port = if channel == Channel::Rtp { UDP_PORTS.0 } else { UDP_PORTS.1 };
            let from = SocketAddr::new(Self::server().ip(), from_port);
            let socket = usize::from((port - 6000) / 2);
            self.tell(client::Input::Datagram { socket, channel, from, bytes });
        }
    }

    /// Lets time go on in steps of 10 ms.
    fn pass(&mut self, time: Duration) {
        let until = self.rig.now + time;
        while self.rig.now < until {
            self.rig.now += 10 * MS;
            self.rig.input(Input::Timeout);
            self.tell(client::Input::Timeout);
            self.carry();
        }
    }

    /// The camera's next pictures and sounds, a GOP of a second.
    fn play(&mut self, frames: std::ops::Range<u32>) -> Vec<Frame> {
        let mut sent = Vec::new();
        for n in frames {
            let key = n % 25 == 0;
            let video = picture(4, n, key, if key { 20_000 } else { 3_000 });
            let audio = sound(5, n, true, Bytes::from(yeoul_testkit::aac::frame(150)));
            self.rig.frame(u64::from(2 * n), &video);
            self.rig.frame(u64::from(2 * n + 1), &audio);
            sent.extend([video, audio]);
            self.carry();
            self.pass(FRAME);
        }
        sent
    }
}

/// Times and sizes of the frames of the `track`th track, times counted from its first.
fn of(frames: &[Frame], track: u16) -> Vec<(bool, i64)> {
    let of_track: Vec<_> = frames.iter().filter(|frame| frame.track == TrackId(track)).collect();
    let first = of_track.first().map_or(0, |frame| frame.pts.as_nanos());
    // The clock of 90 kHz does not hold whole milliseconds of nanoseconds; 40 ms it does.
    of_track
        .iter()
        .map(|frame| (frame.keyframe, (frame.pts.as_nanos() - first + 500_000) / 1_000_000))
        .collect()
}

#[test]
fn over_tcp_every_frame_arrives_with_its_time_whatever_the_pieces() {
    for seed in 0..5 {
        let mut pair = Pair::new("rtsp://192.0.2.1/cam", Link::default(), seed);
        pair.carry();
        let sent = pair.play(0..60);
        assert_eq!(pair.errors, [""; 0]);
        assert_eq!(pair.tracks, 2);
        assert_eq!(of(&pair.frames, 0), of(&sent, 4), "seed {seed}");
        assert_eq!(of(&pair.frames, 1), of(&sent, 5), "seed {seed}");
        pair.tell(client::Input::Stop);
        pair.carry();
        assert!(pair.rig.events().ends_with("[Stop]"));
        assert!(pair.ended && pair.errors.is_empty(), "{:?}", pair.errors);
    }
}

#[test]
fn sound_and_picture_arrive_in_step() {
    let mut pair = Pair::new("rtsp://192.0.2.1/cam", Link::default(), 1);
    pair.carry();
    pair.play(0..10);
    let at = |track| pair.frames.iter().find(|frame| frame.track == TrackId(track)).unwrap().pts;
    assert_eq!(at(0), at(1));
    let captured: Vec<_> = pair.frames.iter().filter_map(|frame| frame.captured_at).collect();
    assert!(captured.contains(&wall_epoch()), "the sender reports carry the wall clock: {captured:?}");
}

#[test]
fn over_udp_every_frame_arrives_although_datagrams_overtake_each_other() {
    let link = Link { delay: 5 * MS, reorder: 0.1, reorder_by: 2 * MS, duplicate: 0.05, ..Link::default() };
    let mut pair = Pair::new("rtsp://192.0.2.1/cam#transport=udp", link, 2);
    pair.carry();
    let sent = pair.play(0..60);
    pair.pass(200 * MS);
    assert_eq!(pair.errors, [""; 0]);
    assert_eq!(of(&pair.frames, 0), of(&sent, 4));
    assert_eq!(of(&pair.frames, 1), of(&sent, 5));
    assert!(pair.rig.session.reception().reports > 0 || pair.rig.now < epoch() + Duration::from_secs(5));
}

#[test]
fn over_a_link_that_loses_the_picture_is_back_at_the_next_keyframe() {
    let link = Link { delay: 5 * MS, loss: 0.01, ..Link::default() };
    let mut pair = Pair::new("rtsp://192.0.2.1/cam#transport=udp", link, 3);
    pair.carry();
    pair.play(0..100);
    pair.links.first_mut().unwrap().set(Link::default());
    let before = pair.frames.len();
    pair.play(100..150);
    pair.pass(200 * MS);
    assert!(pair.links.first().unwrap().lost() > 0);
    let good: Vec<_> = of(&pair.frames[before..], 0);
    assert!(good.len() >= 50 - 1, "{} of 50 pictures after the loss", good.len());
    assert!(pair.rig.session.reception().lost > 0, "the client reports what it has lost");
    assert_eq!(pair.errors, [""; 0]);
}

/// A client that publishes H.264 and AAC to `url`, and what makes its packets.
fn publisher(url: &str, rig: Rig, seed: u64) -> (Pair, Fanout) {
    let tracks = [h264_track(4), aac_track(5)];
    let fanout = Fanout::new(&tracks, 1400, [3; 32]);
    let start = fanout.start(&[], Timestamp::ZERO);
    let client = ClientSession::publish(Source::parse(url).unwrap(), &tracks, start, epoch());
    (Pair::with(client, rig, Link::default(), seed), fanout)
}

#[test]
fn what_we_publish_our_server_takes_frame_by_frame() {
    let account = Account { username: "u".to_owned(), password: "p".to_owned() };
    let options = Options { account: Some(account), ..Options::default() };
    let (mut pair, mut fanout) = publisher("rtsp://u:p@192.0.2.1/in", Rig::with(options, None), 4);
    pair.carry();
    assert!(pair.is_recording, "{:?} {}", pair.errors, pair.rig.events());
    let mut sent = Vec::new();
    // Long enough for reports and keepalives.
    for n in 0..2000 {
        let video = picture(4, n, n % 25 == 0, if n % 25 == 0 { 20_000 } else { 500 });
        let audio = sound(5, n, true, Bytes::from(yeoul_testkit::aac::frame(150)));
        for (index, frame) in [(2 * n, &video), (2 * n + 1, &audio)] {
            let block = fanout.block(index.into(), frame, clock(pair.rig.now)).unwrap().unwrap();
            pair.tell(client::Input::Media(&block));
            pair.carry();
        }
        sent.extend([video, audio]);
        pair.pass(FRAME);
    }
    assert_eq!(pair.errors, [""; 0]);
    let published = std::mem::take(&mut pair.rig.frames);
    assert_eq!(of(&published, 0), of(&sent, 4));
    assert_eq!(of(&published, 1), of(&sent, 5));
    let captured = published.iter().filter_map(|frame| frame.captured_at).next();
    assert_eq!(captured, Some(wall_epoch()), "the sender reports carry the wall clock");
    pair.tell(client::Input::Stop);
    pair.carry();
    assert!(pair.ended && pair.rig.events().ends_with("[Stop]"), "{:?}", pair.errors);
}

#[test]
fn what_our_server_says_to_a_publisher_is_told() {
    let (mut pair, _) = publisher("rtsp://192.0.2.1/nobody", Rig::new(), 4);
    pair.carry();
    assert_eq!(
        pair.errors,
        [
            "192.0.2.1:554 does not take the stream: it answered ANNOUNCE of rtsp://192.0.2.1/nobody with 404 Not Found: there is no such stream"
        ]
    );
}
