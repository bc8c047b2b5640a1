//! The UDP sockets of one camera: a pair for each track, an even port for RTP and the next one for RTCP (RFC 3550 §11).

use crate::limits::{DIAL_RECEIVE_BYTES, RTSP_UDP_SOCKET_BYTES};
use crate::sockets;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Type};
use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use yeoul_rtsp::client::Channel;

/// Pairs of sockets by the number the session gave them.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pairs: Vec<Pair>,
    /// Where the next look for datagrams begins, so that a busy track does not starve the others.
    next: usize,
    received: Received,
}

#[derive(Debug)]
struct Pair {
    number: usize,
    rtp: Socket,
    rtcp: Socket,
}

#[derive(Debug)]
struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// Datagrams of one sender that one call received: the kernel joins those that came right behind each other (GRO).
#[derive(Debug, Default)]
struct Received {
    /// Empty as long as nothing was ever received: most cameras are read over TCP.
    bytes: Vec<u8>,
    /// Not handed out yet.
    rest: Range<usize>,
    /// Bytes of each but the last.
    stride: usize,
    from: Option<(usize, Channel, SocketAddr)>,
}

/// A datagram of the camera.
#[derive(Debug)]
pub(super) struct Datagram<'a> {
    pub(super) number: usize,
    pub(super) channel: Channel,
    pub(super) from: SocketAddr,
    pub(super) bytes: &'a [u8],
}

impl Sockets {
    /// Binds the pair `number` on `local`, and gives its ports.
    pub(super) fn bind(&mut self, number: usize, local: IpAddr) -> io::Result<(u16, u16)> {
        self.pairs.retain(|pair| pair.number != number);
        let open = |port| bind(SocketAddr::new(local, port));
        let port = |socket: &Socket| Ok(socket.socket.local_addr()?.port());
        let (rtp, rtcp) = sockets::pair(open, port)?;
        let ports = (port(&rtp)?, port(&rtcp)?);
        self.pairs.push(Pair { number, rtp, rtcp });
        Ok(ports)
    }

    /// Sends what the kernel takes at once: a lost report or hole punch is followed by another.
    pub(super) fn send(&self, number: usize, channel: Channel, to: SocketAddr, bytes: &[u8]) {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.number == number) {
            let socket = match channel {
                Channel::Rtp => &pair.rtp,
                Channel::Rtcp => &pair.rtcp,
            };
            let _ = socket.socket.try_send_to(bytes, to);
        }
    }

    /// The next datagram. Without sockets it waits for ever. Can be dropped at any time.
    pub(super) async fn receive(&mut self) -> Datagram<'_> {
        let at = loop {
            if let Some(at) = self.received.next() {
                break at;
            }
            poll_fn(|cx| self.poll_receive(cx)).await;
        };
        // Set whenever something was received.
        let (number, channel, from) =
            self.received.from.unwrap_or((0, Channel::Rtcp, SocketAddr::from(([0; 4], 0))));
        Datagram { number, channel, from, bytes: self.received.bytes.get(at).unwrap_or_default() }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for turn in 0..2 * self.pairs.len() {
            let at = (self.next + turn) % (2 * self.pairs.len());
            let Some(pair) = self.pairs.get(at / 2) else { continue };
            let (socket, channel) =
                if at.is_multiple_of(2) { (&pair.rtp, Channel::Rtp) } else { (&pair.rtcp, Channel::Rtcp) };
            if let Poll::Ready(meta) = socket.poll_receive(cx, &mut self.received.bytes) {
                self.next = at + 1;
                self.received.rest = 0..meta.len;
                self.received.stride = meta.stride.max(1);
                self.received.from = Some((pair.number, channel, meta.addr));
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl Received {
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.rest.start;
        let end = start.saturating_add(self.stride).min(self.rest.end);
        self.rest.start = end;
        (start < end).then_some(start..end)
    }
}

impl Socket {
    fn poll_receive(&self, cx: &mut Context<'_>, into: &mut Vec<u8>) -> Poll<RecvMeta> {
        loop {
            // An error is about a datagram of ours that was refused; the next look is for one that came.
            if ready!(self.socket.poll_recv_ready(cx)).is_err() {
                continue;
            }
            into.resize(DIAL_RECEIVE_BYTES, 0);
            let mut meta = [RecvMeta::default()];
            let received = self.socket.try_io(Interest::READABLE, || {
                let mut buffers = [IoSliceMut::new(into)];
                self.state.recv(UdpSockRef::from(&self.socket), &mut buffers, &mut meta)
            });
            if received.is_ok() {
                let [meta] = meta;
                return Poll::Ready(meta);
            }
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // A keyframe comes as a burst. Where the system gives less, less is what there is.
    let _ = socket.set_recv_buffer_size(RTSP_UDP_SOCKET_BYTES);
    socket.bind(&address.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    Ok(Socket { socket, state })
}
