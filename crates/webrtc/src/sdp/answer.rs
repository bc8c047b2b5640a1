//! Writing an answer, or an offer of ours, whose media are made as if somebody else had offered them.

use super::{Credentials, Setup};
use crate::negotiate::Chosen;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What an answer or an offer says.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// `o=`: random, at most 2^63.
    pub(crate) session_id: u64,
    pub(crate) credentials: &'a Credentials,
    /// `AB:CD:…`, SHA-256.
    pub(crate) fingerprint: &'a str,
    /// Who begins DTLS, from our view.
    pub(crate) setup: Setup,
    /// CNAME and MSID: what makes sound and picture one stream.
    pub(crate) cname: &'a str,
    pub(crate) candidates: &'a [String],
    /// The address in `c=` and `m=`: a UDP candidate of ours.
    pub(crate) default: Option<SocketAddr>,
    pub(crate) lines: &'a [Line<'a>],
}

/// One `m=` section of the answer, in the offer's order.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    /// We send.
    Sending(Sending<'a>),
    /// The other side sends.
    Receiving(Receiving<'a>),
    /// Kept in the BUNDLE group, so that its first media carries the transport, but nothing flows.
    Inactive { media: &'a super::Media },
    /// Port 0.
    Rejected { media: &'a super::Media },
}

#[derive(Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) media: &'a super::Media,
    /// The payload types that may come, the first one to begin with.
    pub(crate) formats: &'a [Chosen],
    pub(crate) ssrc: u32,
    pub(crate) resend_ssrc: Option<u32>,
    /// Number of the header extension by which we ask for feedback about arrivals.
    pub(crate) transport_wide: Option<u8>,
}

#[derive(Debug)]
pub(crate) struct Receiving<'a> {
    pub(crate) media: &'a super::Media,
    /// The payload types that may come.
    pub(crate) formats: &'a [Chosen],
}

impl<'a> Line<'a> {
    const fn media(&self) -> &'a super::Media {
        match self {
            Self::Sending(Sending { media, .. })
            | Self::Receiving(Receiving { media, .. })
            | Self::Inactive { media }
            | Self::Rejected { media } => media,
        }
    }
}

/// The answer as text.
pub(crate) fn write(answer: &Answer<'_>) -> String {
    let mut out = Lines(String::with_capacity(2048));
    out.line("v=0");
    out.line(&format!("o=- {} 1 IN IP4 0.0.0.0", answer.session_id));
    out.line("s=-");
    out.line("t=0 0");
    let bundled = answer.lines.iter().filter(|line| !matches!(line, Line::Rejected { .. }));
    let mids: String = bundled.map(|line| format!(" {}", line.media().mid)).collect();
    if !mids.is_empty() {
        out.line(&format!("a=group:BUNDLE{mids}"));
    }
    out.line("a=extmap-allow-mixed");
    out.line(&format!("a=msid-semantic: WMS {}", answer.cname));
    let mut carries_transport = true;
    for line in answer.lines {
        out.media(answer, line, carries_transport);
        if !matches!(line, Line::Rejected { .. }) {
            // Candidates stand in the first media only (RFC 9143 §7.1.3 allows it: they belong to the transport).
            carries_transport = false;
        }
    }
    out.0
}

/// Text whose lines end as RFC 8866 §5 says.
struct Lines(String);

impl Lines {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push_str("\r\n");
    }

    fn media(&mut self, answer: &Answer<'_>, line: &Line<'_>, with_candidates: bool) {
        let media = line.media();
        let formats = match line {
            Line::Sending(Sending { formats, .. }) | Line::Receiving(Receiving { formats, .. }) => {
                let numbers = formats.iter().flat_map(|of| [Some(of.payload_type), of.resend_payload_type]);
                let numbers: Vec<String> = numbers.flatten().map(|number| number.to_string()).collect();
                numbers.join(" ")
            }
            Line::Inactive { .. } | Line::Rejected { .. } => {
                media.formats.first().map_or("0", String::as_str).to_owned()
            }
        };
        let rejected = matches!(line, Line::Rejected { .. });
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9);
        let address = answer.default.unwrap_or(any);
        let port = if rejected { 0 } else { address.port() };
        self.line(&format!("m={} {port} {} {formats}", media.name, media.protocol));
        let family = if address.is_ipv4() { 4 } else { 6 };
        self.line(&format!("c=IN IP{family} {}", address.ip()));
        self.line(&format!("a=mid:{}", media.mid));
        if rejected {
            self.line("a=inactive");
            return;
        }
        self.line("a=rtcp-mux");
        self.line("a=rtcp-rsize");
        self.line(&format!("a=ice-ufrag:{}", answer.credentials.ufrag));
        self.line(&format!("a=ice-pwd:{}", answer.credentials.password));
        self.line("a=ice-options:trickle");
        self.line(&format!("a=fingerprint:sha-256 {}", answer.fingerprint));
        self.line(match answer.setup {
            Setup::Active => "a=setup:active",
            Setup::Passive => "a=setup:passive",
            Setup::ActPass => "a=setup:actpass",
        });
        match line {
            Line::Sending(sending) => self.sending(answer, sending),
            Line::Receiving(receiving) => self.receiving(receiving),
            Line::Inactive { media } => {
                self.line("a=inactive");
                if let Some(codec) = media.codecs.first() {
                    self.line(&format!("a=rtpmap:{}", rtpmap(codec)));
                }
            }
            Line::Rejected { .. } => {}
        }
        if with_candidates {
            for candidate in answer.candidates {
                self.line(&format!("a={candidate}"));
            }
            self.line("a=end-of-candidates");
        }
    }

    fn sending(&mut self, answer: &Answer<'_>, sending: &Sending<'_>) {
        let Sending { media, formats, ssrc, resend_ssrc, transport_wide } = sending;
        self.line("a=sendonly");
        self.line(&format!("a=msid:{} {}", answer.cname, media.name));
        // A delay serves packets that are sent again, hence video with RTX.
        let playout = media.playout_extension.filter(|_| resend_ssrc.is_some());
        for (number, uri) in [
            (media.mid_extension, super::MID_URI),
            (playout, super::PLAYOUT_DELAY_URI),
            (*transport_wide, super::TRANSPORT_WIDE_URI),
        ] {
            if let Some(number) = number {
                self.line(&format!("a=extmap:{number} {uri}"));
            }
        }
        for chosen in *formats {
            // Nothing is sent again but by RTX.
            self.format(media, chosen, chosen.resend_payload_type.is_some(), transport_wide.is_some());
        }
        if let Some(resend_ssrc) = resend_ssrc {
            self.line(&format!("a=ssrc-group:FID {ssrc} {resend_ssrc}"));
        }
        for ssrc in std::iter::once(ssrc).chain(resend_ssrc) {
            self.line(&format!("a=ssrc:{ssrc} cname:{}", answer.cname));
            self.line(&format!("a=ssrc:{ssrc} msid:{} {}", answer.cname, media.name));
        }
    }

    fn receiving(&mut self, receiving: &Receiving<'_>) {
        let Receiving { media, formats } = receiving;
        self.line("a=recvonly");
        for (number, uri) in [
            (media.mid_extension, super::MID_URI),
            (media.transport_wide_extension, super::TRANSPORT_WIDE_URI),
        ] {
            if let Some(number) = number {
                self.line(&format!("a=extmap:{number} {uri}"));
            }
        }
        for chosen in *formats {
            self.format(media, chosen, true, media.transport_wide_extension.is_some());
        }
    }

    fn format(&mut self, media: &super::Media, chosen: &Chosen, nack: bool, arrivals: bool) {
        let payload_type = chosen.payload_type;
        if let Some(codec) = media.codecs.iter().find(|codec| codec.payload_type == payload_type) {
            self.line(&format!("a=rtpmap:{}", rtpmap(codec)));
            for (offered, feedback) in [
                (codec.nack && nack, "nack"),
                (codec.pli, "nack pli"),
                (codec.fir, "ccm fir"),
                (codec.arrivals && arrivals, "transport-cc"),
            ] {
                if offered {
                    self.line(&format!("a=rtcp-fb:{payload_type} {feedback}"));
                }
            }
        }
        if !chosen.parameters.is_empty() {
            self.line(&format!("a=fmtp:{payload_type} {}", chosen.parameters));
        }
        if let Some(resend) = chosen.resend_payload_type {
            self.line(&format!("a=rtpmap:{resend} rtx/{}", chosen.clock_rate));
            self.line(&format!("a=fmtp:{resend} apt={payload_type}"));
        }
    }
}

fn rtpmap(codec: &super::OfferedCodec) -> String {
    let name = match codec.name.as_str() {
        // Names are compared without case, but some clients compare these as they wrote them.
        "OPUS" => "opus",
        name => name,
    };
    let channels = if codec.channels > 1 { format!("/{}", codec.channels) } else { String::new() };
    format!("{} {name}/{}{channels}", codec.payload_type, codec.clock_rate)
}
