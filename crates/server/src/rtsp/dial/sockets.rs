//! The UDP sockets of one camera: a pair for each track, an even port for RTP and the next one for RTCP (RFC 3550 §11).

use crate::limits::{RTSP_UDP_PORT_ATTEMPTS, RTSP_UDP_SOCKET_BYTES};
use socket2::{Domain, Protocol, Socket, Type};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use yeoul_rtsp::client::Channel;

/// Pairs of sockets by the number the session gave them.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pairs: Vec<Pair>,
    /// Where the next look for datagrams begins, so that a busy track does not starve the others.
    next: usize,
}

#[derive(Debug)]
struct Pair {
    number: usize,
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Sockets {
    /// Binds the pair `number` on `local`, and gives its ports.
    pub(super) fn bind(&mut self, number: usize, local: IpAddr) -> io::Result<(u16, u16)> {
        self.pairs.retain(|pair| pair.number != number);
        let mut last_error = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..RTSP_UDP_PORT_ATTEMPTS {
            let rtp = bind(SocketAddr::new(local, 0))?;
            let port = rtp.local_addr()?.port();
            if port % 2 == 1 {
                continue;
            }
            match bind(SocketAddr::new(local, port + 1)) {
                Ok(rtcp) => {
                    self.pairs.push(Pair { number, rtp, rtcp });
                    return Ok((port, port + 1));
                }
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    /// Sends what the kernel takes at once: a lost report or hole punch is followed by another.
    pub(super) fn send(&self, number: usize, channel: Channel, to: SocketAddr, bytes: &[u8]) {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.number == number) {
            let socket = match channel {
                Channel::Rtp => &pair.rtp,
                Channel::Rtcp => &pair.rtcp,
            };
            let _ = socket.try_send_to(bytes, to);
        }
    }

    /// The next datagram: its pair, channel, sender and size. Without sockets it waits for ever. Can be dropped at any time.
    pub(super) async fn receive(&mut self, into: &mut [u8]) -> (usize, Channel, SocketAddr, usize) {
        poll_fn(|cx| {
            for turn in 0..2 * self.pairs.len() {
                let at = (self.next + turn) % (2 * self.pairs.len());
                let (pair, channel) =
                    (&self.pairs[at / 2], if at.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp });
                let socket = match channel {
                    Channel::Rtp => &pair.rtp,
                    Channel::Rtcp => &pair.rtcp,
                };
                let mut buffer = ReadBuf::new(into);
                // An error is about a datagram of ours that was refused; the next look is for one that came.
                while let Poll::Ready(received) = socket.poll_recv_from(cx, &mut buffer) {
                    if let Ok(from) = received {
                        self.next = at + 1;
                        return Poll::Ready((pair.number, channel, from, buffer.filled().len()));
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // A keyframe comes as a burst. Where the system gives less, less is what there is.
    let _ = socket.set_recv_buffer_size(RTSP_UDP_SOCKET_BYTES);
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
