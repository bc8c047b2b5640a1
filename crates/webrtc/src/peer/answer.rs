//! From an offer and the stream's tracks to a [`Peer`] and its answer.

use super::{Peer, State};
use crate::certificate::Certificate;
use crate::connection::{Connection, fill_random};
use crate::egress::{Egress, Extension, Format, OutTrack};
use crate::negotiate::{Chosen, choose};
use crate::sdp::{self, Answer, Credentials, Line, Media, Offer, OfferError, Sending, Setup};
use crate::srtp::{Role, Sequence};
use crate::transport::Transport;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};
use yeoul_media::{Codec, Kind, Track};

/// What all peers of a server have in common.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The DTLS identity.
    pub certificate: &'a Certificate,
    /// Addresses of ours where peers can reach us, the best first: host candidates.
    pub host: &'a [(Transport, SocketAddr)],
    /// Further addresses that lead here, behind port mappings: told to the peer after the others.
    pub mapped: &'a [(Transport, SocketAddr)],
    /// The picture may be replaced by other qualities of it ([`Peer::replace`]): the viewer is asked for feedback about the
    /// line, and told of every codec they may have.
    pub variants: bool,
}

/// A track with the media it goes to.
struct Matched<'a> {
    media: &'a Media,
    track: &'a Track,
    /// The payload types that may be sent, that of the track first.
    formats: Vec<Chosen>,
    ssrc: u32,
    resend_ssrc: Option<u32>,
    /// Number of the header extension that numbers its packets.
    transport_wide: Option<u8>,
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
        let matched = match_tracks(offer, tracks, settings.variants);
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

fn match_tracks<'a>(offer: &'a Offer, tracks: &'a [Track], variants: bool) -> Vec<Matched<'a>> {
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
        let variants = variants && kind == Kind::Video;
        let formats = if variants { formats(media, chosen) } else { vec![chosen] };
        let any_resend = formats.iter().any(|format| format.resend_payload_type.is_some());
        let resend_ssrc = any_resend.then(|| new_ssrc(&mut taken));
        let is_told = formats.iter().all(|format| tells_arrivals(media, format));
        let transport_wide = media.transport_wide_extension.filter(|_| variants && is_told);
        matched.push(Matched { media, track, formats, ssrc, resend_ssrc, transport_wide });
    }
    matched
}

/// The payload types for the qualities of a picture: other ones may have another codec.
fn formats(media: &Media, chosen: Chosen) -> Vec<Chosen> {
    let mut formats = vec![chosen];
    for codec in [Codec::H264(None), Codec::H265(None)] {
        let other = choose(media, &codec);
        formats.extend(other.filter(|other| formats.iter().all(|format| format.name != other.name)));
    }
    formats
}

/// Whether the viewer offers feedback about arrivals for that payload type.
fn tells_arrivals(media: &Media, format: &Chosen) -> bool {
    media.codecs.iter().any(|codec| codec.payload_type == format.payload_type && codec.arrivals)
}

fn line<'a>(media: &'a Media, matched: &'a [Matched<'a>]) -> Line<'a> {
    if let Some(of) = matched.iter().find(|of| std::ptr::eq(of.media, media)) {
        return Line::Sending(Sending {
            media,
            formats: &of.formats,
            ssrc: of.ssrc,
            resend_ssrc: of.resend_ssrc,
            transport_wide: of.transport_wide,
        });
    }
    if media.rejected || media.kind.is_none() { Line::Rejected { media } } else { Line::Inactive { media } }
}

fn out_track(now: Instant, matched: &Matched<'_>) -> OutTrack {
    let media = matched.media;
    let mid = media.mid_extension.map(|number| (number, media.mid.as_str()));
    let playout = media.playout_extension.filter(|_| matched.resend_ssrc.is_some());
    let format = |chosen: &Chosen| Format {
        name: chosen.name.clone(),
        payload_type: chosen.payload_type,
        resend_payload_type: chosen.resend_payload_type,
    };
    // All of a picture's codecs have one clock (RFC 6184 §8.2.1, RFC 7798 §7.1).
    let clock_rate = matched.formats.first().map_or(90_000, |chosen| chosen.clock_rate);
    OutTrack::new(
        now,
        matched.track,
        (matched.formats.iter().map(format).collect(), clock_rate),
        Sequence::new(matched.ssrc, first_number()),
        u32::from_be_bytes(random()),
        Extension::new(mid, playout, matched.transport_wide),
        matched.resend_ssrc.map(|ssrc| Sequence::new(ssrc, first_number())),
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
