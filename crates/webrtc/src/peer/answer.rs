//! From an offer to a [`Peer`] and its answer: of a viewer, who gets a stream's tracks, or of a publisher, who brings some.

use super::{Peer, State};
use crate::certificate::Certificate;
use crate::connection::{Connection, fill_random};
use crate::egress::{Egress, Extension, Format, OutTrack};
use crate::ingress::{Ingress, KeyframeRequest, Wanted};
use crate::negotiate::{Chosen, choose, choose_given};
use crate::sdp::{self, Answer, Credentials, Line, Media, Offer, OfferError, Receiving, Sending, Setup};
use crate::srtp::{Role, Sequence};
use crate::transport::Transport;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};
use yeoul_media::{Codec, Kind, Track};
use yeoul_rtp::MediaFormat;

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
pub(super) struct Matched<'a> {
    pub(super) media: &'a Media,
    pub(super) track: &'a Track,
    /// The payload types that may be sent, that of the track first.
    pub(super) formats: Vec<Chosen>,
    pub(super) ssrc: u32,
    pub(super) resend_ssrc: Option<u32>,
    /// Number of the header extension that numbers its packets.
    pub(super) transport_wide: Option<u8>,
}

/// The SSRC of a kind, and that of its repetitions, as an offer of ours has told them.
pub(super) type Told = (Kind, u32, Option<u32>);

/// A media that the other side sends, and how.
pub(super) struct Given<'a> {
    media: &'a Media,
    chosen: [Chosen; 1],
    format: MediaFormat,
}

impl Given<'_> {
    fn wanted(&self, renews: bool) -> Wanted {
        let [chosen] = &self.chosen;
        let offered = self.media.codecs.iter().find(|codec| codec.payload_type == chosen.payload_type);
        let keyframe = match offered {
            Some(codec) if codec.pli => Some(KeyframeRequest::PictureLoss),
            Some(codec) if codec.fir => Some(KeyframeRequest::FullIntra(0)),
            Some(_) | None => None,
        };
        Wanted {
            format: self.format.clone(),
            resend_payload_type: chosen.resend_payload_type,
            nack: offered.is_some_and(|codec| codec.nack),
            keyframe,
            renews,
        }
    }
}

/// The first media of each kind that the other side sends in a codec that is taken here.
pub(super) fn match_given(offer: &Offer) -> Vec<Given<'_>> {
    let given = [Kind::Video, Kind::Audio].into_iter().filter_map(|kind| offer.given(kind));
    let chosen = given.filter_map(|media| {
        let (chosen, format) = choose_given(media)?;
        Some(Given { media, chosen: [chosen], format })
    });
    chosen.collect()
}

/// Who begins DTLS.
fn role(other: &Offer) -> Role {
    match other.setup {
        // As DTLS server we choose the SRTP profile, hence AES-GCM where it is offered.
        Setup::ActPass | Setup::Active => Role::Server,
        Setup::Passive => Role::Client,
    }
}

/// Our side of a session.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) local: Credentials,
    /// `candidate:…`
    pub(super) candidates: Vec<String>,
    /// One MediaStream and one clock for all tracks of the session (RFC 8834 §4.9); names nobody.
    pub(super) cname: String,
    pub(super) is_offerer: bool,
}

impl Own {
    pub(super) fn new(settings: &Settings<'_>) -> Self {
        Self {
            local: Credentials::random(),
            candidates: candidates(settings),
            cname: random_cname(),
            is_offerer: false,
        }
    }

    fn answer(&self, offer: &Offer, lines: &[Line<'_>], settings: &Settings<'_>) -> String {
        let setup = match role(offer) {
            Role::Client => Setup::Active,
            Role::Server => Setup::Passive,
        };
        self.describe(setup, lines, settings)
    }

    pub(super) fn describe(&self, setup: Setup, lines: &[Line<'_>], settings: &Settings<'_>) -> String {
        let all = settings.host.iter().chain(settings.mapped);
        sdp::write(&Answer {
            session_id: u64::from_be_bytes(random()) >> 2,
            credentials: &self.local,
            fingerprint: &settings.certificate.fingerprint,
            setup,
            cname: &self.cname,
            candidates: &self.candidates,
            default: all.clone().find(|at| at.0 == Transport::Udp).map(|at| at.1),
            lines,
        })
    }
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
        let matched = match_tracks(offer, tracks, settings.variants, &[]);
        if matched.is_empty() {
            return Err(offer.no_common_codec(tracks));
        }
        let own = Own::new(settings);
        let lines: Vec<Line<'_>> = offer.medias.iter().map(|media| line(media, &matched)).collect();
        let text = own.answer(offer, &lines, settings);
        Ok((Self::sending(now, wall, own, offer, &matched, settings), text))
    }

    /// Answers the offer of a publisher: of each kind that it brings, one track is taken, in one codec. `wall` is as in
    /// [`Peer::answer`].
    ///
    /// # Errors
    /// If nothing that it brings can be read here.
    pub fn accept(
        now: Instant,
        wall: SystemTime,
        offer: &Offer,
        settings: &Settings<'_>,
    ) -> Result<(Self, String), OfferError> {
        let given = match_given(offer);
        if given.is_empty() {
            return Err(offer.nothing_taken());
        }
        let own = Own::new(settings);
        let lines: Vec<Line<'_>> = offer.medias.iter().map(|media| line_of_given(media, &given)).collect();
        let text = own.answer(offer, &lines, settings);
        Ok((Self::receiving(now, wall, own, offer, &given, settings), text))
    }

    /// One that is sent these tracks.
    pub(super) fn sending(
        now: Instant,
        wall: SystemTime,
        own: Own,
        other: &Offer,
        matched: &[Matched<'_>],
        settings: &Settings<'_>,
    ) -> Self {
        let egress = Egress::new(now, matched.iter().map(|matched| out_track(now, matched)).collect());
        let first_mid = matched.first().map(|matched| matched.media.mid.clone()).unwrap_or_default();
        Self::between(now, wall, own, other, settings, first_mid, egress, None)
    }

    /// One that sends these tracks.
    pub(super) fn receiving(
        now: Instant,
        wall: SystemTime,
        own: Own,
        other: &Offer,
        given: &[Given<'_>],
        settings: &Settings<'_>,
    ) -> Self {
        let wanted = given.iter().map(|given| given.wanted(!own.is_offerer)).collect();
        // All medias of a transport have one number for it (RFC 8285 §5).
        let transport_wide = given.iter().find_map(|given| given.media.transport_wide_extension);
        let ingress = Ingress::new(now, u32::from_be_bytes(random()), wanted, transport_wide);
        let first_mid = given.first().map(|given| given.media.mid.clone()).unwrap_or_default();
        Self::between(now, wall, own, other, settings, first_mid, Egress::new(now, Vec::new()), Some(ingress))
    }

    #[expect(clippy::too_many_arguments, reason = "it only puts them together")]
    fn between(
        now: Instant,
        wall: SystemTime,
        own: Own,
        other: &Offer,
        settings: &Settings<'_>,
        first_mid: String,
        egress: Egress,
        ingress: Option<Ingress>,
    ) -> Self {
        let Own { local, candidates, cname, is_offerer } = own;
        let role = role(other);
        let mut connection = Connection::new(
            now,
            settings.certificate,
            &local,
            &other.credentials,
            &other.fingerprints,
            role,
            // RFC 8445 §6.1.1: who offers, unless the other is lite.
            is_offerer || other.ice_lite,
        );
        for &(transport, address) in settings.host {
            connection.add_local(transport, address);
        }
        for candidate in &other.candidates {
            connection.add_remote(candidate);
        }
        Self {
            state: State::Connecting(now),
            connection,
            first_mid,
            egress,
            ingress,
            sealer: None,
            opener: None,
            local,
            remote: other.credentials.clone(),
            candidates,
            cname,
            last_heard: now,
            wall: (now, wall),
            anchor: None,
            next_report: None,
            last_keyframe: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
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

/// `told` are the SSRCs that the other side expects; where there are none, they are chosen here.
pub(super) fn match_tracks<'a>(
    offer: &'a Offer,
    tracks: &'a [Track],
    variants: bool,
    told: &[Told],
) -> Vec<Matched<'a>> {
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
        let told = told.iter().find(|(of, ..)| *of == kind);
        let ssrc = told.map_or_else(|| new_ssrc(&mut taken), |(_, ssrc, _)| *ssrc);
        let variants = variants && kind == Kind::Video;
        let formats = if variants { formats(media, chosen) } else { vec![chosen] };
        let any_resend = formats.iter().any(|format| format.resend_payload_type.is_some());
        let resend_ssrc = match told {
            Some((_, _, resend)) => resend.filter(|_| any_resend),
            None => any_resend.then(|| new_ssrc(&mut taken)),
        };
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
    unused(media)
}

fn line_of_given<'a>(media: &'a Media, given: &'a [Given<'a>]) -> Line<'a> {
    match given.iter().find(|of| std::ptr::eq(of.media, media)) {
        Some(Given { chosen, .. }) => Line::Receiving(Receiving { media, formats: chosen }),
        None => unused(media),
    }
}

/// A media in which nothing flows.
const fn unused(media: &Media) -> Line<'_> {
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

pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// 16 letters and digits: CNAME and MSID allow fewer characters than ICE.
fn random_cname() -> String {
    random::<8>().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// An SSRC that is not among `taken`, and is then.
pub(super) fn new_ssrc(taken: &mut Vec<u32>) -> u32 {
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
