//! SETUP (RFC 2326 §10.4): how the packets of a track travel.

use super::{Path, Player, Publisher, Refusal, Role, ServerSession};
use crate::limits::SESSION_TIMEOUT;
use crate::message::{Request, Response, SessionHeader, StatusCode, header};
use crate::send::default_channels;
use crate::server::uri::RequestUri;
use crate::{Delivery, Lower, Mode, Profile, Transport};

impl ServerSession {
    /// Sets up a track of what was opened or announced.
    pub(super) fn set_up(&mut self, request: &Request, uri: &RequestUri) -> Result<Response, Refusal> {
        let is_publisher = match &self.role {
            Role::Nobody => return Err(Refusal::new(StatusCode::SessionNotFound, "nothing was opened")),
            Role::Player(_) => false,
            Role::Publisher(_) => true,
        };
        let track = match &self.role {
            Role::Publisher(publisher) => publisher.track(request),
            Role::Player(player) => player.track(uri),
            Role::Nobody => None,
        };
        let (count, paths) = self.paths();
        let Some(track) = track else {
            return Err(Refusal::new(
                StatusCode::AggregateOperationNotAllowed,
                format!("{count} tracks are set up one by one, each by its own control URL"),
            ));
        };
        if track >= count {
            return Err(Refusal::new(
                StatusCode::NotFound,
                format!("there are {count} tracks, counted from 0"),
            ));
        }
        let others = paths.iter().enumerate().filter(|(at, _)| *at != track).filter_map(|(_, path)| *path);
        let value = request.headers.get(header::TRANSPORT).unwrap_or_default();
        let offered = Transport::parse_all(value)
            .map_err(|error| Refusal::new(StatusCode::BadRequest, format!("Transport: {error}")))?;
        let ports = self.options.udp_ports;
        let (path, answer) = choose(&offered, is_publisher, track, ports, &others.collect::<Vec<_>>())?;
        match &mut self.role {
            Role::Nobody => {}
            Role::Player(player) => {
                player.paths.iter_mut().skip(track).take(1).for_each(|to| *to = Some(path))
            }
            Role::Publisher(publisher) => {
                publisher.medias.iter_mut().skip(track).take(1).for_each(|media| media.path = Some(path));
            }
        }
        let id = self.id.get_or_insert_with(|| format!("{:032x}", self.secrets.next_u128())).clone();
        let session = SessionHeader { id, timeout: Some(SESSION_TIMEOUT) };
        Ok(Response::to(request, StatusCode::Ok)
            .with(header::SESSION, session.to_string())
            .with(header::TRANSPORT, answer.to_string()))
    }

    /// How many tracks there are, and where those that are set up go.
    fn paths(&self) -> (usize, Vec<Option<Path>>) {
        let paths: Vec<_> = match &self.role {
            Role::Nobody => Vec::new(),
            Role::Player(player) => player.paths.clone(),
            Role::Publisher(publisher) => publisher.medias.iter().map(|media| media.path).collect(),
        };
        (paths.len(), paths)
    }
}

impl Player {
    /// The track that a SETUP means: where there is only one, the presentation's own URI will do.
    fn track(&self, uri: &RequestUri) -> Option<usize> {
        uri.track.or_else(|| (self.paths.len() == 1).then_some(0))
    }
}

impl Publisher {
    /// The media that a SETUP means: its URI is the media's control value, or ends with it.
    fn track(&self, request: &Request) -> Option<usize> {
        let uri = request.uri.trim_end_matches('/');
        let means = |control: &str| {
            let control = control.trim_matches('/');
            let before = uri.strip_suffix(control);
            before.is_some_and(|before| !control.is_empty() && (before.is_empty() || before.ends_with('/')))
        };
        let found = self.medias.iter().position(|media| media.control.as_deref().is_some_and(means));
        found.or_else(|| (self.medias.len() == 1 && uri == self.announced.trim_end_matches('/')).then_some(0))
    }
}

/// Takes the first transport that can be had, with our half of it. What the client says about addresses is not
/// followed: packets go where its requests come from.
fn choose(
    offered: &[Transport],
    is_publisher: bool,
    track: usize,
    udp_ports: Option<(u16, u16)>,
    others: &[Path],
) -> Result<(Path, Transport), Refusal> {
    for transport in offered {
        let is_for_record = transport.mode == Some(Mode::Record);
        if transport.mode.is_some() && is_for_record != is_publisher {
            continue;
        }
        if transport.profile != Profile::Avp || transport.delivery != Delivery::Unicast {
            continue;
        }
        let mode = is_for_record.then_some(Mode::Record);
        let answer = Transport { mode, ..Transport::new(transport.lower) };
        match transport.lower {
            Lower::Tcp => {
                let Some((rtp, rtcp)) = free_channels(transport.interleaved, track, others) else { continue };
                let answer = Transport { interleaved: Some((rtp, rtcp)), ..answer };
                return Ok((Path::Interleaved { rtp, rtcp }, answer));
            }
            Lower::Udp => {
                let (Some(server_port), Some((rtp, rtcp))) = (udp_ports, transport.client_port) else {
                    continue;
                };
                if rtp == 0 || rtcp == 0 {
                    return Err(Refusal::new(StatusCode::BadRequest, "client_port cannot be 0"));
                }
                let answer =
                    Transport { client_port: Some((rtp, rtcp)), server_port: Some(server_port), ..answer };
                return Ok((Path::Udp { rtp, rtcp }, answer));
            }
        }
    }
    let can = if udp_ports.is_some() {
        "RTP/AVP/TCP;unicast;interleaved=0-1 and RTP/AVP;unicast;client_port=…"
    } else {
        "RTP/AVP/TCP;unicast;interleaved=0-1"
    };
    Err(Refusal::new(StatusCode::UnsupportedTransport, format!("what can be had is {can}")))
}

/// The channels that the client wants, unless another track has one of them; then the first free pair.
fn free_channels(wanted: Option<(u8, u8)>, track: usize, others: &[Path]) -> Option<(u8, u8)> {
    let is_free = |&(rtp, rtcp): &(u8, u8)| {
        rtp != rtcp
            && others.iter().all(|path| match *path {
                Path::Interleaved { rtp: a, rtcp: b } => ![a, b].contains(&rtp) && ![a, b].contains(&rtcp),
                Path::Udp { .. } => true,
            })
    };
    let default = default_channels(track);
    let any = (0..).map_while(default_channels);
    wanted.into_iter().chain(default).chain(any).find(is_free)
}
