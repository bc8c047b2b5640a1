//! A viewer over RTSP: describes, sets up and plays every track, and counts what comes.
//!
//! It is the shortest client that servers take: no depacketizing, no clocks. What the product itself dials cameras with is
//! `yeoul_rtsp::client`.

use super::packet::{Meter, Picture};
use super::socket::Socket;
use super::tally::{Counts, Seat};
use super::walker::{Item, Walker};
use crate::connect::{Connection, Tls, connect};
use crate::limits::{DIAL_CONNECT_WAIT, LOAD_FAREWELL_WAIT, LOAD_READ_BYTES, LOAD_TRACKS};
use crate::policy::Route;
use bytes::BytesMut;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use yeoul_rtp::sdp;
use yeoul_rtsp::auth::Authenticator;
use yeoul_rtsp::message::{Method, Request, Response, SessionHeader, StatusCode, header};
use yeoul_rtsp::url::{Scheme, Url};
use yeoul_rtsp::{Lower, Transport};

thread_local! {
    /// What a read fills: nothing is kept there between two reads.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; LOAD_READ_BYTES]);
}

/// Plays `url` until `end` is cancelled.
///
/// # Errors
/// A sentence about why it does not play, or not any longer.
pub(super) async fn watch(
    url: &Url,
    lower: Lower,
    seat: &mut Seat,
    end: &CancellationToken,
) -> Result<(), String> {
    let mut dialogue = Dialogue::connect(url).await?;
    let mut tracks = Tracks::default();
    // The first packets may come before the answer to PLAY.
    let mut counts = Counts::default();
    dialogue.set_up(lower, &mut tracks).await?;
    let play = dialogue.in_session(Request::new(Method::Play, dialogue.aggregate.clone()));
    let play = play.with(header::RANGE, "npt=0.000-");
    dialogue
        .ask(play, |now, channel, packet| tracks.interleaved(now, channel, packet, seat, &mut counts))
        .await?;
    if counts.packets > 0 {
        seat.media(Instant::now(), counts);
    }
    let play = async {
        match lower {
            Lower::Tcp => dialogue.play_tcp(&mut tracks, seat).await,
            Lower::Udp => dialogue.play_udp(&mut tracks, seat).await,
        }
    };
    let played = tokio::select! {
        played = play => played,
        () = end.cancelled() => Ok(()),
    };
    let teardown = dialogue.in_session(Request::new(Method::Teardown, dialogue.aggregate.clone()));
    let _ = timeout(LOAD_FAREWELL_WAIT, dialogue.send(teardown)).await;
    played
}

/// The tracks that are set up.
#[derive(Default)]
struct Tracks {
    /// By interleaved channel.
    by_channel: Vec<Option<Meter>>,
    /// RTP and RTCP of each track. What comes to the second one is not read: the kernel drops it.
    by_udp: Vec<(Socket, Socket, Meter)>,
}

impl Tracks {
    fn interleaved(
        &mut self,
        now: Instant,
        channel: u8,
        packet: &[u8],
        seat: &mut Seat,
        counts: &mut Counts,
    ) {
        if let Some(Some(meter)) = self.by_channel.get_mut(usize::from(channel)) {
            meter.packet(now, packet, seat, counts);
        }
    }

    /// Counts the datagrams that have come, of whichever track.
    async fn datagrams(&mut self, seat: &mut Seat) -> Result<(), String> {
        poll_fn(|cx| {
            let mut counts = Counts::default();
            let now = Instant::now();
            for (rtp, _, meter) in &mut self.by_udp {
                while let Poll::Ready(read) =
                    rtp.poll_receive(cx, |_, datagram| meter.packet(now, datagram, seat, &mut counts))
                {
                    if let Err(error) = read {
                        return Poll::Ready(Err(format!("a UDP socket cannot be read: {error}")));
                    }
                }
            }
            if counts.packets == 0 {
                return Poll::Pending;
            }
            seat.media(now, counts);
            Poll::Ready(Ok(()))
        })
        .await
    }
}

/// The control connection.
struct Dialogue {
    url: Url,
    connection: Connection,
    walker: Walker,
    authenticator: Authenticator,
    cseq: u32,
    session: Option<String>,
    keepalive: Duration,
    /// What PLAY is for.
    aggregate: String,
}

impl Dialogue {
    async fn connect(url: &Url) -> Result<Self, String> {
        let tls = match url.scheme {
            Scheme::Rtsp => Tls::None,
            Scheme::Rtsps => Tls::Checked,
            Scheme::Rtspx => Tls::Unchecked,
        };
        let mut route = Route::of_owner();
        let connecting = connect(&url.host, url.port_or_default(), tls, &mut route);
        let connected = timeout(DIAL_CONNECT_WAIT, connecting).await;
        let connection = connected
            .map_err(|_| format!("{} does not answer within {DIAL_CONNECT_WAIT:?}", url.authority()))?
            .map_err(|(_, text)| format!("{} {text}", url.authority()))?;
        Ok(Self {
            url: url.clone(),
            connection,
            walker: Walker::default(),
            authenticator: Authenticator::new(url.credentials.clone()),
            cseq: 0,
            session: None,
            keepalive: SessionHeader::DEFAULT_TIMEOUT / 2,
            aggregate: url.request_uri(),
        })
    }

    /// Sets up every track that the description has.
    async fn set_up(&mut self, lower: Lower, tracks: &mut Tracks) -> Result<(), String> {
        let describe = Request::new(Method::Describe, self.url.request_uri());
        let answer = self.ask(describe.with(header::ACCEPT, "application/sdp"), |_, _, _| {}).await?;
        let description =
            sdp::parse(&answer.body).map_err(|error| format!("the description cannot be used: {error}"))?;
        let base = self.url.base(answer.headers.get(header::CONTENT_BASE));
        self.aggregate = Url::join_control(&base, description.control.as_deref());
        let wanted = description.medias.iter().filter(|media| media.direction != sdp::Direction::SendOnly);
        for media in wanted.take(LOAD_TRACKS) {
            let Some(format) = &media.format else { continue };
            let uri = Url::join_control(&base, media.control.as_deref());
            self.set_up_track(lower, uri, Meter::new(Picture::of(&format.codec)), tracks).await?;
        }
        if self.session.is_none() {
            return Err("the description has no track that could be played".to_owned());
        }
        Ok(())
    }

    async fn set_up_track(
        &mut self,
        lower: Lower,
        uri: String,
        meter: Meter,
        tracks: &mut Tracks,
    ) -> Result<(), String> {
        let mut transport = Transport::new(lower);
        let sockets = match lower {
            Lower::Tcp => {
                let channel =
                    u8::try_from(2 * tracks.by_channel.iter().flatten().count()).unwrap_or(u8::MAX - 1);
                transport.interleaved = Some((channel, channel + 1));
                None
            }
            Lower::Udp => {
                let pair = Socket::bind_pair(self.connection.local().ip(), self.connection.peer().ip())
                    .map_err(|error| format!("no two free UDP ports here: {error}"))?;
                transport.client_port = Some((pair.0.local().port(), pair.1.local().port()));
                Some(pair)
            }
        };
        let setup = self.in_session(Request::new(Method::Setup, uri));
        let setup = setup.with(header::TRANSPORT, transport.to_string());
        let answer = self.ask(setup, |_, _, _| {}).await?;
        if let Some(session) = answer.headers.get(header::SESSION).and_then(SessionHeader::parse) {
            let timeout = session.timeout.unwrap_or(SessionHeader::DEFAULT_TIMEOUT);
            // One that is told much longer is no harm to ask for twice as often.
            self.keepalive = timeout.min(SessionHeader::DEFAULT_TIMEOUT) / 2;
            self.session = Some(session.id);
        }
        match sockets {
            Some((rtp, rtcp)) => tracks.by_udp.push((rtp, rtcp, meter)),
            None => {
                let chosen =
                    answer.headers.get(header::TRANSPORT).and_then(|value| Transport::parse(value).ok());
                let chosen = chosen.and_then(|transport| transport.interleaved).or(transport.interleaved);
                let channel = chosen.map_or(0, |(rtp, _)| usize::from(rtp));
                if tracks.by_channel.len() <= channel {
                    tracks.by_channel.resize(channel + 1, None);
                }
                tracks.by_channel.splice(channel..=channel, [Some(meter)]);
            }
        }
        Ok(())
    }

    /// Counts what comes on this connection.
    async fn play_tcp(&mut self, tracks: &mut Tracks, seat: &mut Seat) -> Result<(), String> {
        let keepalive = sleep(self.keepalive);
        tokio::pin!(keepalive);
        loop {
            let mut counts = Counts::default();
            let mut at = None;
            let read = self.read(|now, item| match item {
                Item::Packet { channel, packet } => {
                    at = Some(now);
                    tracks.interleaved(now, channel, packet, seat, &mut counts);
                }
                Item::Response(_) => {}
            });
            tokio::select! {
                read = read => read?,
                () = &mut keepalive => self.keep_alive(keepalive.as_mut()).await?,
            }
            if let Some(now) = at.filter(|_| counts.packets > 0) {
                seat.media(now, counts);
            }
        }
    }

    /// Counts the datagrams, while this connection is there.
    async fn play_udp(&mut self, tracks: &mut Tracks, seat: &mut Seat) -> Result<(), String> {
        let keepalive = sleep(self.keepalive);
        tokio::pin!(keepalive);
        loop {
            tokio::select! {
                received = tracks.datagrams(seat) => received?,
                read = self.read(|_, _| {}) => read?,
                () = &mut keepalive => self.keep_alive(keepalive.as_mut()).await?,
            }
        }
    }

    /// Tells the server that somebody is there. The answer is read with everything else.
    async fn keep_alive(&mut self, timer: Pin<&mut Sleep>) -> Result<(), String> {
        timer.reset(tokio::time::Instant::now() + self.keepalive);
        self.send(self.in_session(Request::new(Method::GetParameter, self.aggregate.clone()))).await
    }

    fn in_session(&self, request: Request) -> Request {
        match &self.session {
            Some(session) => request.with(header::SESSION, session.clone()),
            None => request,
        }
    }

    /// Asks, answers a challenge if there is one, and gives the answer. Packets may come before it.
    async fn ask(
        &mut self,
        request: Request,
        mut each: impl FnMut(Instant, u8, &[u8]),
    ) -> Result<Response, String> {
        let name = <&str>::from(&request.method).to_owned();
        for _ in 0..2 {
            self.send(request.clone()).await?;
            let response = self.response(&mut each).await.map_err(|error| format!("{error} (at {name})"))?;
            if response.status == StatusCode::Ok {
                return Ok(response);
            }
            if response.status != StatusCode::Unauthorized {
                return Err(refusal(&name, &response));
            }
            self.authenticator
                .challenge(&response.headers)
                .map_err(|error| format!("the server asks for an account: {error}"))?;
        }
        Err(format!("the server refuses user {}", self.authenticator.user().unwrap_or_default()))
    }

    async fn response(&mut self, each: &mut impl FnMut(Instant, u8, &[u8])) -> Result<Response, String> {
        let cseq = self.cseq;
        let mut found = None;
        while found.is_none() {
            self.read(|now, item| match item {
                Item::Packet { channel, packet } => each(now, channel, packet),
                // A server that tells no number has one request to answer.
                Item::Response(response) if response.headers.cseq().is_none_or(|got| got == cseq) => {
                    found = Some(response);
                }
                Item::Response(_) => {}
            })
            .await?;
        }
        found.ok_or_else(|| "no answer".to_owned())
    }

    async fn send(&mut self, mut request: Request) -> Result<(), String> {
        self.cseq += 1;
        request.headers.push(header::CSEQ, self.cseq.to_string());
        request.headers.push(header::USER_AGENT, concat!("yeoul-load/", env!("CARGO_PKG_VERSION")));
        let method = <&str>::from(&request.method).to_owned();
        if let Some(answer) = self.authenticator.authorize(&method, &request.uri, &request.body) {
            request.headers.push(header::AUTHORIZATION, answer);
        }
        let mut bytes = BytesMut::new();
        request.write(&mut bytes);
        self.connection.write_all(&bytes).await.map_err(|error| format!("the connection broke: {error}"))
    }

    /// Reads what there is, at least something.
    async fn read(&mut self, mut each: impl FnMut(Instant, Item<'_>)) -> Result<(), String> {
        let Self { connection, walker, .. } = self;
        poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *connection).poll_read(cx, &mut buffer))
                    .map_err(|error| format!("the connection broke: {error}"))?;
                if buffer.filled().is_empty() {
                    return Poll::Ready(Err("the server closed the connection".to_owned()));
                }
                let now = Instant::now();
                let walked = walker.walk(buffer.filled(), |item| each(now, item));
                Poll::Ready(walked.map_err(|error| format!("the server {error}")))
            })
        })
        .await
    }
}

fn refusal(request: &str, response: &Response) -> String {
    let why = String::from_utf8_lossy(&response.body).trim().to_owned();
    let colon = if why.is_empty() { "" } else { ": " };
    format!(
        "the server answers {request} with {} {}{colon}{why}",
        u16::from(response.status),
        response.reason
    )
}
