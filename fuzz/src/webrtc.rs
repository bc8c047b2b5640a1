//! Targets of `yeoul-webrtc`: offers, trickle fragments, datagrams of anybody, protected packets.

use std::net::SocketAddr;
use std::time::Duration;
use yeoul_media::{Codec, PcmLayout, Track, TrackId};
use yeoul_testkit as testkit;
use yeoul_webrtc::srtp::{MasterKey, Opener, Profile, Sealer, Sequence};
use yeoul_webrtc::{
    Call, Certificate, DatagramKind, Fragment, Input, Offer, Output, Path, Peer, Settings, Transport,
    local_ufrag,
};

/// What Chromium offers.
const CHROMIUM: &str = include_str!("../../crates/webrtc/testdata/chromium-156-offer.sdp");

const HERE: ([u8; 4], u16) = ([192, 0, 2, 1], 8555);
const THERE: ([u8; 4], u16) = ([192, 0, 2, 2], 50_000);

fn tracks() -> Vec<Track> {
    let pcma = Codec::Pcma(PcmLayout { sample_rate: 8_000, channels: 1 });
    vec![Track { id: TrackId(0), codec: Codec::H264(None) }, Track { id: TrackId(1), codec: pcma }]
}

fn with_settings<T>(make: impl FnOnce(&Settings<'_>) -> T) -> T {
    thread_local! {
        static CERTIFICATE: Certificate = Certificate::generate().expect("a certificate can be made");
    }
    let host = [(Transport::Udp, SocketAddr::from(HERE))];
    CERTIFICATE.with(|certificate| make(&Settings { certificate, host: &host, mapped: &[], variants: true }))
}

fn answer(offer: &Offer) -> Option<(Peer, String)> {
    with_settings(|settings| {
        Peer::answer(testkit::epoch(), testkit::wall_epoch(), offer, &tracks(), settings).ok()
    })
}

/// An offer of a viewer or a publisher: what is answered can be read as an answer's lines. Or an answer to us.
pub fn webrtc_offer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (now, wall) = (testkit::epoch(), testkit::wall_epoch());
    let watched = Offer::parse(text).ok().and_then(|offer| answer(&offer));
    let published = Offer::parse_published(text).ok();
    let published =
        published.and_then(|of| with_settings(|settings| Peer::accept(now, wall, &of, settings).ok()));
    for (_, answer) in watched.into_iter().chain(published) {
        assert!(answer.starts_with("v=0\r\n") && answer.ends_with("\r\n"));
        assert!(Offer::parse_answer(&answer).is_ok());
    }
    if let Ok(mut answer) = Offer::parse_answer(text) {
        answer.retain_candidates(|ip| !ip.is_loopback());
        with_settings(|settings| {
            let _ = Call::to_watch(settings).0.answered(now, wall, &answer, settings);
            let publishing = Call::to_publish(&tracks(), settings).map(|(call, _)| call);
            let _ = publishing.and_then(|call| call.answered(now, wall, &answer, settings));
        });
    }
    let _ = Fragment::parse(text);
}

/// Seeds of [`webrtc_offer`].
pub fn webrtc_offer_seeds() -> Vec<Vec<u8>> {
    let fragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
                    a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n";
    let published = CHROMIUM.replace("a=recvonly", "a=sendonly");
    let answer = Offer::parse_published(&published)
        .ok()
        .and_then(|of| {
            with_settings(|settings| {
                Peer::accept(testkit::epoch(), testkit::wall_epoch(), &of, settings).ok()
            })
        })
        .map(|(_, answer)| answer.into_bytes());
    vec![CHROMIUM.into(), fragment.into(), published.into()].into_iter().chain(answer).collect()
}

/// Datagrams, each behind its length in two bytes, to a peer that waits for its viewer.
pub fn webrtc_datagram(data: &[u8]) {
    let offer = Offer::parse(CHROMIUM).expect("the offer is whole");
    let Some((mut peer, _)) = answer(&offer) else { return };
    let path = Path { transport: Transport::Udp, local: HERE.into(), remote: THERE.into() };
    let mut now = testkit::epoch();
    let mut rest = data;
    while let Some((&[high, low], tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(tail.len());
        let (datagram, tail) = tail.split_at(length);
        rest = tail;
        let _ = (DatagramKind::of(datagram), local_ufrag(datagram));
        let mut bytes = datagram.to_vec();
        peer.handle_input(now, Input::Datagram { path, received_at: now, bytes: &mut bytes });
        now += Duration::from_millis(20);
        peer.handle_input(now, Input::Timeout);
        while !matches!(peer.poll_output(now), Output::Wait(_)) {}
        assert!(!peer.is_connected(), "nobody knows the keys");
    }
}

/// Seeds of [`webrtc_datagram`].
pub fn webrtc_datagram_seeds() -> Vec<Vec<u8>> {
    // A binding request with USERNAME, PRIORITY, ICE-CONTROLLING and a MESSAGE-INTEGRITY that is wrong.
    let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([7; 12]);
    stun.extend([0, 6, 0, 9]);
    stun.extend(b"abcd:bOjg\0\0\0");
    stun.extend([0, 0x24, 0, 4, 0x6e, 0, 1, 0xff, 0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    stun.extend([0, 8, 0, 20]);
    stun.extend([9; 20]);
    let length = u16::try_from(stun.len() - 20).unwrap_or(0);
    stun[2..4].copy_from_slice(&length.to_be_bytes());
    let dtls = [&[22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 0][..], &[0; 8]].concat();
    let rtcp = [&[0x81, 201, 0, 1, 0, 0, 0, 1][..], &[3; 20]].concat();
    let framed =
        |datagram: &[u8]| [&u16::try_from(datagram.len()).unwrap_or(0).to_be_bytes()[..], datagram].concat();
    vec![framed(&stun), framed(&dtls), framed(&rtcp), [framed(&stun), framed(&dtls)].concat()]
}

/// A packet to take the protection off: the first byte chooses the profile. What was never sealed never opens.
pub fn webrtc_srtp(data: &[u8]) {
    let Some((&choice, packet)) = data.split_first() else { return };
    let master = master(choice);
    let mut opener = Opener::new(&master);
    assert!(opener.open_rtcp(&mut packet.to_vec()).is_err());
    assert!(opener.open_rtp(&mut packet.to_vec()).is_err());
}

/// Keys that no fuzzer guesses: they change with every run.
fn master(choice: u8) -> MasterKey {
    let profile = match choice % 3 {
        0 => Profile::AeadAes128Gcm,
        1 => Profile::AeadAes256Gcm,
        _ => Profile::Aes128CmHmacSha1,
    };
    let secret = u64::from(std::process::id()).to_be_bytes().repeat(4);
    MasterKey::new(profile, &secret[..profile.key_bytes()], &secret[..profile.salt_bytes()])
        .expect("the lengths are the profile's")
}

/// Seeds of [`webrtc_srtp`]: packets sealed under other keys.
pub fn webrtc_srtp_seeds() -> Vec<Vec<u8>> {
    let key =
        MasterKey::new(Profile::AeadAes128Gcm, &[1; 16], &[2; 12]).expect("the lengths are the profile's");
    let mut sealer = Sealer::new(&key);
    let mut rtp = [&[0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3][..], &[4; 40]].concat();
    let sealed = sealer.seal_rtp(&mut Sequence::new(3, 1), &mut rtp, 12);
    let mut rtcp = vec![0x80, 201, 0, 1, 0, 0, 0, 3];
    let reported = sealer.seal_rtcp(&mut rtcp);
    assert!(sealed.is_ok() && reported.is_ok());
    vec![[vec![0], rtp].concat(), [vec![0], rtcp.clone()].concat(), [vec![2], rtcp].concat()]
}
