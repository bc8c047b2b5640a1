//! A viewer over WebRTC: posts an offer (WHEP, or go2rtc's `/api/webrtc`), and counts the packets that come.

use super::http::{client as http_client, sentence};
use super::packet::{Meter, Picture};
use super::socket::Socket;
use super::tally::{Counts, Seat};
use crate::limits::{LOAD_FAREWELL_WAIT, LOAD_WHEP_CONNECT_WAIT};
use crate::sockets::local_ip;
use crate::whep::{Client, Output};
use hyper::Method;
use hyper::header::LOCATION;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use str0m::format::Codec;
use str0m::rtp::RtpPacket;
use tokio::net::lookup_host;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Watches `url` until `end` is cancelled.
///
/// # Errors
/// A sentence about why it does not play, or not any longer.
pub(super) async fn watch(url: &Url, seat: &mut Seat, end: &CancellationToken) -> Result<(), String> {
    let socket = socket_towards(url).await?;
    let (mut client, offer) =
        Client::offer(Instant::now(), socket.local()).map_err(|error| error.to_string())?;
    let (mut http, url) = http_client(url)?;
    let reply =
        http.ask(&Method::POST, &url, Some(("application/sdp", offer.into()))).await.map_err(sentence)?;
    let location = reply.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let resource = location.and_then(|location| reply.url.join(location).ok());
    let answer = reply.text().await.map_err(sentence)?;
    client.answer(&answer).map_err(|error| error.to_string())?;
    let session = Session { client, meters: BTreeMap::new(), is_connected: false, counts: Counts::default() };
    let mut viewer = Viewer { session, socket };
    let played = tokio::select! {
        played = viewer.play(seat) => played,
        () = end.cancelled() => Ok(()),
    };
    viewer.leave();
    if let Some(resource) = resource {
        let _ = timeout(LOAD_FAREWELL_WAIT, http.ask(&Method::DELETE, &resource, None)).await;
    }
    played
}

/// A socket on the address of this machine that reaches the server.
async fn socket_towards(url: &Url) -> Result<Socket, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let mut found =
        lookup_host((host, port)).await.map_err(|error| format!("{host} cannot be found: {error}"))?;
    let server = found.next().ok_or_else(|| format!("{host} has no address"))?;
    let bound = local_ip(server).and_then(|ip| Socket::bind(SocketAddr::new(ip, 0), server.ip()));
    bound.map_err(|error| format!("no UDP socket towards {host}: {error}"))
}

struct Viewer {
    session: Session,
    socket: Socket,
}

/// All but the socket, so that what comes out of that can be put in here.
struct Session {
    client: Client,
    /// By SSRC.
    meters: BTreeMap<u32, Meter>,
    is_connected: bool,
    /// What came since it was told.
    counts: Counts,
}

impl Viewer {
    async fn play(&mut self, seat: &mut Seat) -> Result<(), String> {
        let give_up = Instant::now() + LOAD_WHEP_CONNECT_WAIT;
        let Self { session, socket } = self;
        let mut wait = session.drain(Instant::now(), socket, seat)?;
        let timer = sleep_until(wait.into());
        tokio::pin!(timer);
        loop {
            let receive = poll_fn(|cx| {
                let now = Instant::now();
                let mut handled = Ok(());
                let read = socket.poll_receive(cx, |from, datagram| {
                    if handled.is_ok() {
                        handled = session.datagram(now, from, datagram, socket, seat).map(|at| wait = at);
                    }
                });
                read.map(|read| {
                    read.map_err(|error| format!("the socket cannot be read: {error}")).and(handled)
                })
            });
            tokio::select! {
                received = receive => received?,
                () = &mut timer => {
                    let now = Instant::now();
                    session.client.handle_timeout(now).map_err(|error| error.to_string())?;
                    wait = session.drain(now, socket, seat)?;
                }
            }
            let now = Instant::now();
            if session.counts.packets > 0 {
                seat.media(now, std::mem::take(&mut session.counts));
            }
            if !session.is_connected && now > give_up {
                let seconds = LOAD_WHEP_CONNECT_WAIT.as_secs();
                return Err(format!(
                    "no connection by UDP within {seconds} s: are the server's candidates addresses that can be reached?"
                ));
            }
            // A timer knows milliseconds; to look more often costs, and later than a second no session waits.
            let next = wait.clamp(now + Duration::from_millis(1), now + Duration::from_secs(1));
            if next < timer.deadline().into_std() || timer.is_elapsed() {
                timer.as_mut().reset(next.into());
            }
        }
    }

    fn leave(&mut self) {
        self.session.client.close();
        while let Ok(Output::Transmit(to, datagram)) = self.session.client.poll_output() {
            self.socket.send(to, &datagram);
        }
    }
}

impl Session {
    fn datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        socket: &Socket,
        seat: &mut Seat,
    ) -> Result<Instant, String> {
        self.client.handle_datagram(now, from, datagram).map_err(|error| error.to_string())?;
        self.drain(now, socket, seat)
    }

    /// Does what is to be done, and gives when there is more.
    fn drain(&mut self, now: Instant, socket: &Socket, seat: &mut Seat) -> Result<Instant, String> {
        loop {
            match self.client.poll_output().map_err(|error| error.to_string())? {
                Output::Wait(at) => return Ok(at),
                Output::Transmit(to, datagram) => socket.send(to, &datagram),
                Output::Packet(packet) => self.packet(now, &packet, seat),
                Output::Connected => self.is_connected = true,
                Output::Closed(why) => return Err(why.to_owned()),
            }
        }
    }

    fn packet(&mut self, now: Instant, packet: &RtpPacket, seat: &mut Seat) {
        /// Bytes of an RTP header without what is optional.
        const HEADER_BYTES: usize = 12;
        let client = &self.client;
        let meter = self.meters.entry(*packet.header.ssrc).or_insert_with(|| {
            Meter::new(match client.codec(packet) {
                Some(Codec::H264) => Picture::H264,
                Some(Codec::H265) => Picture::H265,
                Some(codec) if codec.is_video() => Picture::Other,
                Some(_) | None => Picture::Sound,
            })
        });
        meter.sequence(packet.header.sequence_number, seat);
        meter.payload(now, &packet.payload, seat);
        self.counts.bytes += u64::try_from(packet.payload.len() + HEADER_BYTES).unwrap_or_default();
        self.counts.packets += 1;
        self.counts.frames += u64::from(packet.header.marker && meter.is_video());
    }
}
