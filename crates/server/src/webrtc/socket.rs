//! The sockets: one UDP and one TCP port for all viewers.

use crate::app::StartError;
use crate::config::Listen;
use crate::limits::{WEBRTC_RECEIVE_BUFFER, WEBRTC_SEND_BUFFER};
use crate::sockets;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::SockRef;
use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::TcpListener;
use tracing::{info, warn};
use yeoul_webrtc::{Burst, Path};

/// What WebRTC listens on.
#[derive(Debug)]
pub(super) struct Sockets {
    /// Where nobody is to come by UDP, on a port of which only servers hear that we call.
    pub(super) udp: Arc<Udp>,
    pub(super) tcp: Option<TcpListener>,
    /// The address that viewers and publishers are told.
    pub(super) bound: SocketAddr,
    /// The address of UDP.
    pub(super) calling: SocketAddr,
}

impl Sockets {
    pub(super) fn open(listen: Listen, udp: bool, tcp: bool) -> Result<Self, StartError> {
        const KEY: &str = "webrtc.listen";
        let failed = |error: io::Error| StartError(format!("{KEY}: cannot listen on {listen}: {error}"));
        let listen_udp = Listen { port: if udp { listen.port } else { 0 }, ..listen };
        let socket = sockets::udp(listen_udp, KEY)?.into_std().map_err(failed)?;
        let calling = socket.local_addr().map_err(failed)?;
        let chosen = udp.then_some(calling);
        // Where the system chose the port, TCP takes the one that UDP got.
        let listen_tcp = Listen { port: chosen.map_or(listen.port, |address| address.port()), ..listen };
        let tcp = tcp.then(|| sockets::tcp(listen_tcp, KEY)).transpose()?;
        let bound = match (chosen, &tcp) {
            (Some(address), _) => address,
            (None, Some(tcp)) => tcp.local_addr().map_err(failed)?,
            (None, None) => listen.socket_addr(),
        };
        if udp || tcp.is_some() {
            info!(target: "webrtc", addr = %Listen { port: bound.port(), ..listen }, "listen");
        }
        Ok(Self { udp: Arc::new(Udp::new(socket).map_err(failed)?), tcp, bound, calling })
    }
}

/// The UDP socket, with segmentation offload where the kernel has it.
#[derive(Debug)]
pub(super) struct Udp {
    /// Watched for what comes in only: tokio's own `UdpSocket` is also woken whenever a datagram has gone out, which would
    /// cost as much as sending it.
    socket: AsyncFd<UdpSocket>,
    state: UdpSocketState,
    is_v6: bool,
    /// Segmentation offload was refused: packets go one by one.
    one_by_one: AtomicBool,
}

impl Udp {
    fn new(socket: UdpSocket) -> io::Result<Self> {
        // As much as the system allows; what it does not is no reason to fail.
        let options = SockRef::from(&socket);
        let _ = options.set_recv_buffer_size(WEBRTC_RECEIVE_BUFFER);
        let _ = options.set_send_buffer_size(WEBRTC_SEND_BUFFER);
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let is_v6 = socket.local_addr()?.is_ipv6();
        #[expect(
            deprecated,
            reason = "its replacement is unsafe; a UdpSocket owns its descriptor, which is all that it asks for"
        )]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Self { socket, state, is_v6, one_by_one: AtomicBool::new(false) })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get_ref().local_addr()
    }

    /// Datagrams that the kernel may hand over as one.
    pub(super) fn gro_segments(&self) -> usize {
        self.state.gro_segments()
    }

    /// Waits for datagrams.
    pub(super) async fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> io::Result<usize> {
        self.socket
            .async_io(Interest::READABLE, |socket| self.state.recv(UdpSockRef::from(socket), buffers, meta))
            .await
    }

    /// Sends one datagram. False if it could not be sent; there is no second attempt, as in any network.
    pub(super) fn send(&self, path: Path, datagram: &[u8]) -> bool {
        self.transmit(path, datagram, None).is_ok()
    }

    /// Sends a burst with one call, or packet by packet where that is refused. False if something could not be sent.
    pub(super) fn send_burst(&self, path: Path, burst: &Burst) -> bool {
        let together = burst.packets() > 1 && !self.one_by_one.load(Ordering::Relaxed);
        if together && burst.packets() <= self.state.max_gso_segments() {
            match self.transmit(path, burst.bytes(), Some(burst.segment_bytes())) {
                Ok(()) => return true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // A device without checksum offload says EIO, an old kernel EINVAL: quinn-udp has noted it.
                Err(error) => {
                    if self.state.max_gso_segments() <= 1 && !self.one_by_one.swap(true, Ordering::Relaxed) {
                        warn!(target: "webrtc", "UDP segmentation offload is refused ({error}): sending packet by packet");
                    }
                }
            }
        }
        let mut all = true;
        for datagram in burst.datagrams() {
            all &= self.send(path, datagram);
        }
        all
    }

    fn transmit(&self, path: Path, contents: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let destination = match (path.remote, self.is_v6) {
            (SocketAddr::V4(v4), true) => SocketAddr::new(IpAddr::V6(v4.ip().to_ipv6_mapped()), v4.port()),
            (address, _) => address,
        };
        let src_ip = Some(path.local.ip());
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip };
        self.state.try_send(UdpSockRef::from(self.socket.get_ref()), &transmit)
    }
}
