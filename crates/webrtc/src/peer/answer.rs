//! From an offer and the stream's tracks to a [`Peer`] and its answer.

use super::{Peer, State};
use crate::certificate::Certificate;
use crate::connection::{Connection, fill_random};
use crate::egress::{Egress, Extension, OutTrack};
use crate::negotiate::{Chosen, choose};
use crate::sdp::{self, Answer, Credentials, Line, Media, Offer, OfferError, Sending, Setup};
use crate::srtp::{Role, Sequence};
use crate::transport::Transport;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};
use yeoul_media::{Kind, Track};

/// What all peers of a server have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The DTLS identity.
    pub certificate: &'a Certificate,
    /// Addresses of ours where peers can reach us, the best first: host candidates.
    pub host: &'a [(Transport, SocketAddr)],
    /// Further addresses that lead here, behind port mappings: told to the peer after the others.
    pub mapped: &'a [(Transport, SocketAddr)],
}

/// A track with the media it goes to.
struct Matched<'a> {
    media: &'a Media,
    track: &'a Track,
    chosen: Chosen,
    ssrc: u32,
    resend_ssrc: Option<u32>,
}

impl Peer {
    /// Answers an offer with the tracks of a stream: the first video and the first audio track that the viewer takes.
    /// `wall` is the wall clock at `now`.
    ///
    /// # Errors
    /// If the viewer takes none of the tracks.
    pub fn answer(
        now: Instant,
        wall: SystemTime,
        offer: &Offer,
        tracks: &[Track],
        settings: &Settings<'_>,
    ) -> Result<(Self, String), OfferError> {
        let matched = match_tracks(offer, tracks);
        if matched.is_empty() {
            return Err(offer.no_common_codec(tracks));
        }
        let local = Credentials::random();
        let role = match offer.setup {
            // As DTLS server we choose the SRTP profile, hence AES-GCM where it is offered.
            Setup::ActPass | Setup::Active => Role::Server,
            Setup::Passive => Role::Client,
        };
        let candidates = candidates(settings);
        // One MediaStream and one clock for all tracks of the session (RFC 8834 §4.9); names nobody.
        let cname = random_cname();
        let lines: Vec<Line<'_>> = offer.medias.iter().map(|media| line(media, &matched)).collect();
        let text = sdp::write(&Answer {
            session_id: u64::from_be_bytes(random()) >> 2,
            credentials: &local,
            fingerprint: &settings.certificate.fingerprint,
            active: role == Role::Client,
            cname: &cname,
            candidates: &candidates,
            default: settings
                .host
                .iter()
                .chain(settings.mapped)
                .find(|at| at.0 == Transport::Udp)
                .map(|at| at.1),
            lines: &lines,
        });
        let mut connection = Connection::new(
            now,
            settings.certificate,
            &local,
            &offer.credentials,
            &offer.fingerprints,
            role,
            offer.ice_lite,
        );
        for &(transport, address) in settings.host {
            connection.add_local(transport, address);
        }
        for candidate in &offer.candidates {
            connection.add_remote(candidate);
        }
        let peer = Self {
            state: State::Connecting(now),
            connection,
            first_mid: matched.first().map(|matched| matched.media.mid.clone()).unwrap_or_default(),
            egress: Egress::new(now, matched.iter().map(|matched| out_track(now, matched)).collect()),
            sealer: None,
            opener: None,
            local,
            remote: offer.credentials.clone(),
            candidates,
            cname,
            last_heard: now,
            wall: (now, wall),
            anchor: None,
            next_report: None,
            last_keyframe: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        };
        Ok((peer, text))
    }

    /// Our credentials and candidates as a trickle fragment (RFC 8840 §9, RFC 9725 §4.3.3).
    pub(super) fn fragment(&self) -> String {
        let mut text = format!(
            "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{}\r\n",
            self.local.ufrag, self.local.password, self.first_mid
        );
        for candidate in &self.candidates {
            text.push_str("a=");
            text.push_str(candidate);
            text.push_str("\r\n");
        }
        text.push_str("a=end-of-candidates\r\n");
        text
    }
}

fn match_tracks<'a>(offer: &'a Offer, tracks: &'a [Track]) -> Vec<Matched<'a>> {
    let mut matched: Vec<Matched<'a>> = Vec::new();
    for kind in [Kind::Video, Kind::Audio] {
        let Some(media) = offer.wanted(kind) else { continue };
        let mut fitting = tracks.iter().filter(|track| track.kind() == kind);
        let Some((track, chosen)) = fitting.find_map(|track| Some((track, choose(media, &track.codec)?)))
        else {
            continue;
        };
        let mut taken: Vec<u32> =
            matched.iter().flat_map(|other| [Some(other.ssrc), other.resend_ssrc]).flatten().collect();
        let ssrc = new_ssrc(&mut taken);
        let resend_ssrc = chosen.resend_payload_type.map(|_| new_ssrc(&mut taken));
        matched.push(Matched { media, track, chosen, ssrc, resend_ssrc });
    }
    matched
}

fn line<'a>(media: &'a Media, matched: &'a [Matched<'a>]) -> Line<'a> {
    if let Some(of) = matched.iter().find(|of| std::ptr::eq(of.media, media)) {
        return Line::Sending(Sending {
            media,
            chosen: &of.chosen,
            ssrc: of.ssrc,
            resend_ssrc: of.resend_ssrc,
        });
    }
    if media.rejected || media.kind.is_none() { Line::Rejected { media } } else { Line::Inactive { media } }
}

fn out_track(now: Instant, matched: &Matched<'_>) -> OutTrack {
    let media = matched.media;
    let mid = media.mid_extension.map(|number| (number, media.mid.as_str()));
    let extension = Extension::new(mid, media.playout_extension.filter(|_| matched.resend_ssrc.is_some()));
    let Chosen { payload_type, resend_payload_type, clock_rate, .. } = matched.chosen;
    let resend = resend_payload_type
        .zip(matched.resend_ssrc)
        .map(|(payload_type, ssrc)| (payload_type, Sequence::new(ssrc, first_number())));
    OutTrack::new(
        now,
        matched.track,
        (payload_type, clock_rate),
        Sequence::new(matched.ssrc, first_number()),
        u32::from_be_bytes(random()),
        extension,
        resend,
    )
}

/// `candidate:…` lines of RFC 8839 §5.1, those of UDP before those of TCP.
fn candidates(settings: &Settings<'_>) -> Vec<String> {
    let all = settings.host.iter().chain(settings.mapped);
    let mut lines = Vec::new();
    for wanted in [Transport::Udp, Transport::Tcp] {
        for (foundation, (transport, address)) in all.clone().enumerate().filter(|(_, (of, _))| *of == wanted)
        {
            let local_preference = 65_535_u32.saturating_sub(u32::try_from(foundation).unwrap_or(u32::MAX));
            // RFC 8445 §5.1.2.1, with the type preferences that browsers use: UDP 126, TCP 90.
            let (type_preference, name, ending) = match transport {
                Transport::Udp => (126, "udp", ""),
                Transport::Tcp => (90, "tcp", " tcptype passive"),
            };
            let priority = (type_preference << 24) + (local_preference << 8) + 255;
            let (ip, port) = (address.ip(), address.port());
            lines.push(format!("candidate:{foundation} 1 {name} {priority} {ip} {port} typ host{ending}"));
        }
    }
    lines
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// 16 letters and digits: CNAME and MSID allow fewer characters than ICE.
fn random_cname() -> String {
    random::<8>().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// An SSRC that is not among `taken`, and is then.
fn new_ssrc(taken: &mut Vec<u32>) -> u32 {
    loop {
        let ssrc = u32::from_be_bytes(random());
        if ssrc != 0 && !taken.contains(&ssrc) {
            taken.push(ssrc);
            return ssrc;
        }
    }
}

/// Random, in the lower half: so the first wrap comes late, and a receiver that misses the first packets guesses the
/// count of wraps right (RFC 3711 §3.3.1).
fn first_number() -> u16 {
    u16::from_be_bytes(random()) >> 1
}
