//! UDP sockets of viewers: many datagrams with one call (`recvmmsg`, receive offload), into memory that all share.
//!
//! Not so where the server is on this very machine: a run of datagrams that it sends with one call would then stay one to the end,
//! and the server would be spared what every network asks of it.

use crate::limits::{LOAD_UDP_BATCH, LOAD_UDP_BUFFER_BYTES, LOAD_UDP_SOCKET_BYTES};
use crate::sockets;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

thread_local! {
    /// What a read fills. Nothing is kept there: a viewer has no buffers of its own.
    static BUFFERS: RefCell<Vec<u8>> = RefCell::new(vec![0; LOAD_UDP_BATCH * LOAD_UDP_BUFFER_BYTES]);
}

/// A UDP socket.
#[derive(Debug)]
pub(super) struct Socket {
    socket: AsyncFd<UdpSocket>,
    /// `None` takes datagrams one by one.
    offload: Option<UdpSocketState>,
    local: SocketAddr,
}

impl Socket {
    /// A socket on this address for what `server` sends; port 0 is any.
    pub(super) fn bind(local: SocketAddr, server: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        // A frame comes as one burst. As much as the system allows; with the right to, more than that.
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, LOAD_UDP_SOCKET_BYTES).is_err() {
            let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(LOAD_UDP_SOCKET_BYTES);
        }
        let is_here = local.ip().to_canonical() == server.to_canonical();
        let offload = (!is_here).then(|| UdpSocketState::new(UdpSockRef::from(&socket))).transpose()?;
        let local = socket.local_addr()?;
        #[expect(
            deprecated,
            reason = "its replacement is unsafe; a UdpSocket owns its descriptor, which is all that it asks for"
        )]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Self { socket, offload, local })
    }

    /// Two sockets on neighbouring ports, the first one even (RFC 3550 §11).
    pub(super) fn bind_pair(ip: IpAddr, server: IpAddr) -> io::Result<(Self, Self)> {
        sockets::pair(|port| Self::bind(SocketAddr::new(ip, port), server), |socket| Ok(socket.local.port()))
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends what the kernel takes at once: what is lost is asked for again, as in any network.
    pub(super) fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let _ = self.socket.get_ref().send_to(datagram, to);
    }

    /// Gives what came in, datagram by datagram, once there is some.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.socket.poll_read_ready(cx))?;
            match ready.try_io(|socket| self.read(socket.get_ref(), &mut each)) {
                // A port that is closed again refuses, and the kernel tells it here.
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Ok(read) => return Poll::Ready(read),
                Err(_would_block) => {}
            }
        }
    }

    fn read(&self, socket: &UdpSocket, each: &mut impl FnMut(SocketAddr, &[u8])) -> io::Result<()> {
        BUFFERS.with_borrow_mut(|buffers| match &self.offload {
            Some(state) => read_batch(state, socket, buffers, each),
            None => {
                let (count, from) = socket.recv_from(buffers)?;
                each(from, buffers.get(..count).unwrap_or_default());
                Ok(())
            }
        })
    }
}

fn read_batch(
    state: &UdpSocketState,
    socket: &UdpSocket,
    buffers: &mut [u8],
    each: &mut impl FnMut(SocketAddr, &[u8]),
) -> io::Result<()> {
    let mut meta = [RecvMeta::default(); LOAD_UDP_BATCH];
    let mut rest = buffers.chunks_exact_mut(LOAD_UDP_BUFFER_BYTES);
    let mut slices: [IoSliceMut<'_>; LOAD_UDP_BATCH] =
        std::array::from_fn(|_| IoSliceMut::new(rest.next().unwrap_or_default()));
    let count = state.recv(UdpSockRef::from(socket), &mut slices, &mut meta)?;
    for (meta, slice) in meta.iter().zip(&slices).take(count) {
        let datagrams = slice.get(..meta.len).unwrap_or_default();
        for datagram in datagrams.chunks(meta.stride.max(1)) {
            each(meta.addr, datagram);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Socket;
    use std::future::poll_fn;
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// Datagrams that come to a socket for what `server` sends.
    async fn check(server: IpAddr) {
        let (rtp, rtcp) = Socket::bind_pair(HERE, server).expect("two ports");
        assert_eq!((rtp.local().port() % 2, rtcp.local().port()), (0, rtp.local().port() + 1));
        let sender = UdpSocket::bind((HERE, 0)).expect("a port");
        for size in [700, 700, 30] {
            sender.send_to(&vec![1; size], rtp.local()).expect("sent");
        }
        let mut sizes = Vec::new();
        while sizes.len() < 3 {
            poll_fn(|cx| rtp.poll_receive(cx, |_, datagram| sizes.push(datagram.len())))
                .await
                .expect("received");
        }
        assert_eq!(sizes, [700, 700, 30]);
    }

    #[tokio::test]
    async fn datagrams_come_one_by_one_with_and_without_offload() {
        check(HERE).await;
        check(Ipv4Addr::new(192, 0, 2, 1).into()).await;
    }
}
