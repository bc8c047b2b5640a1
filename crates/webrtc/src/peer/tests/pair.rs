//! A [`Peer`] and a viewer of another make (str0m) on a virtual clock, with a lossy link each way.

use crate::{
    Burst, Certificate, Closed, Event, Fragment, Input, Offer, Output, Path, Peer, Reading, Settings,
    Transport,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event as RtcEvent, Input as RtcInput, Output as RtcOutput, Rtc};
use yeoul_media::bitstream::h264;
use yeoul_media::{Codec, Frame, Kind, PcmLayout, Timestamp, Track, TrackId};
use yeoul_rtp::Packetizer;
use yeoul_testkit::{Link, LossyLink, epoch, wall_epoch};

pub(super) const VIDEO: TrackId = TrackId(0);
pub(super) const AUDIO: TrackId = TrackId(1);
pub(super) const MS: Duration = Duration::from_millis(1);

/// Where the two are.
pub(super) fn addresses() -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([10, 0, 0, 1], 8555)), SocketAddr::from(([10, 0, 0, 2], 5000)))
}

pub(super) fn h264_codec(sps: yeoul_testkit::h264::Sps) -> Codec {
    let units = [sps.write(), yeoul_testkit::h264::pps()];
    let sets = h264::ParameterSets::from_units(units.map(Bytes::from)).expect("the fixture parses");
    Codec::H264(Some(sets))
}

pub(super) fn tracks() -> Vec<Track> {
    vec![
        Track { id: VIDEO, codec: h264_codec(yeoul_testkit::h264::Sps::default()) },
        Track { id: AUDIO, codec: Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 }) },
    ]
}

/// The viewer, and what it has seen.
pub(super) struct Viewer {
    pub(super) rtc: Rtc,
    /// Payload by extended sequence number, for each SSRC.
    pub(super) packets: BTreeMap<u32, BTreeMap<u64, RtpPacket>>,
    pub(super) connected: bool,
    pub(super) closed: bool,
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) peer: Peer,
    pub(super) viewer: Viewer,
    pub(super) answer: String,
    pub(super) events: Vec<Event>,
    /// From us to the viewer, and back.
    pub(super) down: LossyLink,
    pub(super) up: LossyLink,
    /// Datagrams the peer sent, with when.
    pub(super) sent: Vec<(Instant, usize)>,
    burst: Burst,
    video: Packetizer,
    audio: Packetizer,
    frames: i64,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with_link(Link::default(), |offer| offer)
    }

    /// `edit` may change the offer before it is answered.
    pub(super) fn with_link(link: Link, edit: impl FnOnce(String) -> String) -> Self {
        Self::with(link, false, edit)
    }

    /// A viewer whose picture may be replaced.
    pub(super) fn with_variants(link: Link) -> Self {
        Self::with(link, true, |offer| offer)
    }

    pub(super) fn with(link: Link, variants: bool, edit: impl FnOnce(String) -> String) -> Self {
        let now = epoch();
        let (ours, theirs) = addresses();
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .enable_pcma(true, false)
            .set_rtp_mode(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(theirs, "udp").expect("an address"));
        let mut change = rtc.sdp_api();
        change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        let (offer, pending) = change.apply().expect("an offer");
        let offer = Offer::parse(&edit(offer.to_sdp_string())).expect("the offer parses");
        let certificate = Certificate::generate().expect("a certificate");
        let host = [(Transport::Udp, ours)];
        let settings = Settings { certificate: &certificate, host: &host, mapped: &[], variants };
        let (peer, answer) =
            Peer::answer(now, wall_epoch(), &offer, &tracks(), &settings).expect("an answer");
        let parsed = SdpAnswer::from_sdp_string(&answer).expect("the answer parses");
        rtc.sdp_api().accept_answer(pending, parsed).expect("the answer is accepted");
        let [video, audio] = [VIDEO, AUDIO].map(|id| {
            let track = tracks().into_iter().find(|track| track.id == id).expect("a track");
            Packetizer::new(&track.codec, crate::limits::MAX_PAYLOAD_BYTES)
        });
        Self {
            now,
            peer,
            viewer: Viewer { rtc, packets: BTreeMap::new(), connected: false, closed: false },
            answer,
            events: Vec::new(),
            down: LossyLink::new(link, 1),
            up: LossyLink::new(link, 2),
            sent: Vec::new(),
            burst: Burst::default(),
            video,
            audio,
            frames: 0,
        }
    }

    /// Runs until the peer is connected, at most 5 s.
    pub(super) fn connect(&mut self) {
        let until = self.now + Duration::from_secs(5);
        while !(self.peer.is_connected() && self.viewer.connected) && self.now < until {
            self.run(MS);
        }
        assert!(self.peer.is_connected() && self.viewer.connected, "{:?}", self.events);
    }

    /// Lets `time` pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.exchange();
            let next = self.next_at().max(self.now + Duration::from_micros(100));
            if next >= end {
                self.now = end;
                self.exchange();
                return;
            }
            self.now = next;
        }
    }

    /// Video at 25 frames a second of `size` bytes with a keyframe of four times that every second, and sound.
    pub(super) fn play(&mut self, time: Duration, size: usize) {
        let end = self.now + time;
        while self.now < end {
            let at = Timestamp::from_nanos(self.frames * 40_000_000);
            let keyframe = self.frames % 25 == 0;
            let video = video_frame(at, self.now, keyframe, if keyframe { 4 * size } else { size });
            self.push(&video);
            let sound = Frame { track: AUDIO, data: vec![0xd5; 320].into(), keyframe: true, ..video };
            self.push(&sound);
            self.frames += 1;
            self.run(40 * MS);
        }
    }

    /// How the line was, as far as the viewer told of arrivals.
    pub(super) fn readings(&self) -> Vec<Reading> {
        let reading = |event: &Event| match event {
            Event::Line(reading) => Some(*reading),
            Event::Address(..)
            | Event::Connected { .. }
            | Event::PathChanged(_)
            | Event::KeyframeNeeded(_)
            | Event::Closed(_) => None,
        };
        self.events.iter().filter_map(reading).collect()
    }

    /// Pushes a frame as soon as it is wanted.
    pub(super) fn push(&mut self, frame: &Frame) {
        let kind = if frame.track == AUDIO { Kind::Audio } else { Kind::Video };
        let packetizer = if kind == Kind::Video { &mut self.video } else { &mut self.audio };
        let packets = Arc::new(packetizer.packetize(frame));
        for _ in 0..10_000 {
            if self.peer.wants_frame() {
                assert!(self.peer.push(self.now, kind, frame, &packets));
                self.exchange();
                return;
            }
            self.run(Duration::from_micros(200));
        }
        panic!("the peer never wanted the frame");
    }

    /// A datagram to the peer, as if it came from `source`.
    pub(super) fn inject(&mut self, source: SocketAddr, bytes: &[u8]) {
        let path = Path { transport: Transport::Udp, local: addresses().0, remote: source };
        let mut bytes = bytes.to_vec();
        self.peer.handle_input(self.now, Input::Datagram { path, received_at: self.now, bytes: &mut bytes });
        self.drain_peer();
    }

    pub(super) fn trickle(&mut self, fragment: &str) -> Option<String> {
        let fragment = Fragment::parse(fragment).expect("a fragment");
        let restarted = self.peer.trickle(self.now, &fragment);
        self.exchange();
        restarted.map(|restarted| restarted.fragment)
    }

    pub(super) fn ask_keyframe(&mut self) {
        let ssrc = self.ssrc(MediaKind::Video);
        let mut api = self.viewer.rtc.direct_api();
        let stream = api.stream_rx(&ssrc.into()).expect("a stream");
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.exchange();
    }

    /// The SSRC of that kind in the answer.
    pub(super) fn ssrc(&self, kind: MediaKind) -> u32 {
        let name = if kind == MediaKind::Video { "m=video" } else { "m=audio" };
        let section =
            self.answer.split(name).nth(1).expect("the media").split("\r\nm=").next().expect("a part");
        let line = section.lines().find_map(|line| line.strip_prefix("a=ssrc:")).expect("an SSRC");
        line.split(' ').next().and_then(|ssrc| ssrc.parse().ok()).expect("a number")
    }

    pub(super) fn closed(&self) -> Option<&Closed> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(why) => Some(why),
            Event::Address(..)
            | Event::Connected { .. }
            | Event::PathChanged(_)
            | Event::Line(_)
            | Event::KeyframeNeeded(_) => None,
        })
    }

    fn next_at(&mut self) -> Instant {
        let far = self.now + Duration::from_secs(1);
        let peer = match self.peer.poll_output(self.now) {
            Output::Wait(at) => at,
            Output::Transmit(_) | Output::Event(_) | Output::Frame(_) | Output::Note(_) => {
                panic!("drained before")
            }
        };
        let viewer = match self.viewer.rtc.poll_output() {
            Ok(RtcOutput::Timeout(at)) => at,
            Ok(_) | Err(_) => far,
        };
        [self.down.next_at(), self.up.next_at()]
            .into_iter()
            .flatten()
            .fold(far.min(peer).min(viewer), Instant::min)
    }

    /// Everything that is to be done at this instant.
    fn exchange(&mut self) {
        let (ours, theirs) = addresses();
        self.peer.handle_input(self.now, Input::Timeout);
        self.drain_peer();
        let _ = self.viewer.rtc.handle_input(RtcInput::Timeout(self.now));
        self.drain_viewer();
        loop {
            if let Some(bytes) = self.up.pop(self.now) {
                self.inject(theirs, &bytes);
            } else if let Some(bytes) = self.down.pop(self.now) {
                if let Ok(contents) = bytes.as_slice().try_into() {
                    let receive =
                        Receive { proto: Protocol::Udp, source: ours, destination: theirs, contents };
                    let _ = self.viewer.rtc.handle_input(RtcInput::Receive(self.now, receive));
                }
                self.drain_viewer();
            } else {
                break;
            }
        }
    }

    fn drain_peer(&mut self) {
        loop {
            while self.peer.seal(self.now, &mut self.burst) {
                let lengths: Vec<usize> = self.burst.datagrams().map(<[u8]>::len).collect();
                let (last, full) = lengths.split_last().expect("a burst has packets");
                assert!(full.iter().all(|length| length == &self.burst.segment_bytes()), "{lengths:?}");
                assert!(*last <= self.burst.segment_bytes());
                assert_eq!(lengths.len(), self.burst.packets());
                for datagram in self.burst.datagrams() {
                    self.sent.push((self.now, datagram.len()));
                    self.down.push(self.now, datagram);
                }
            }
            match self.peer.poll_output(self.now) {
                Output::Transmit(transmit) => {
                    if transmit.path.remote == addresses().1 {
                        self.down.push(self.now, transmit.bytes);
                    }
                }
                Output::Event(event) => self.events.push(event),
                Output::Frame(_) | Output::Note(_) => panic!("a viewer sends nothing"),
                Output::Wait(_) => return,
            }
        }
    }

    fn drain_viewer(&mut self) {
        loop {
            match self.viewer.rtc.poll_output() {
                Ok(RtcOutput::Transmit(transmit)) => self.up.push(self.now, transmit.contents.to_vec()),
                Ok(RtcOutput::Event(RtcEvent::RtpPacket(packet))) => {
                    let of = self.viewer.packets.entry(*packet.header.ssrc).or_default();
                    of.insert(*packet.seq_no, packet);
                }
                Ok(RtcOutput::Event(RtcEvent::Connected)) => self.viewer.connected = true,
                Ok(RtcOutput::Event(RtcEvent::Closed)) => self.viewer.closed = true,
                Ok(RtcOutput::Event(_)) => {}
                Ok(RtcOutput::Timeout(_)) | Err(_) => return,
            }
        }
    }
}

/// An access unit of one slice, as the hub has it.
pub(super) fn video_frame(pts: Timestamp, received_at: Instant, keyframe: bool, size: usize) -> Frame {
    use yeoul_testkit::h264::{Slice, pps, slice, sps};
    let units = if keyframe {
        vec![sps(1280, 720), pps(), slice(Slice::Idr, size)]
    } else {
        vec![slice(Slice::P, size)]
    };
    let mut data = Vec::new();
    for unit in units {
        data.extend(u32::try_from(unit.len()).expect("a small unit").to_be_bytes());
        data.extend(unit);
    }
    Frame {
        track: VIDEO,
        keyframe,
        pts,
        dts: pts,
        new_codec: None,
        captured_at: None,
        received_at,
        data: data.into(),
    }
}
