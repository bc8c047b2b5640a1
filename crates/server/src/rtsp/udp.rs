//! The two UDP sockets that all RTSP clients share: one for RTP, one for RTCP.

use crate::config::Listen;
use crate::limits::{RTSP_UDP_QUEUE, RTSP_UDP_SOCKET_BYTES};
use crate::sockets;
use bytes::Bytes;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tracing::debug;
use yeoul_rtsp::Datagrams;
use yeoul_rtsp::server::Port;

/// What came from a client.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) port: Port,
    /// The client's port.
    pub(super) from: u16,
    pub(super) bytes: Bytes,
}

/// From our address to the client's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) local: IpAddr,
    pub(super) to: SocketAddr,
}

/// Clients by the socket they send to, and their own address.
type Clients = HashMap<(Port, SocketAddr), mpsc::Sender<Datagram>>;

/// The pair of sockets.
#[derive(Debug)]
pub(super) struct UdpPair {
    rtp: Socket,
    rtcp: Socket,
    clients: Mutex<Clients>,
}

#[derive(Debug)]
struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    is_v6: bool,
}

impl UdpPair {
    /// Opens two sockets with an even port and the next one (RFC 3550 §11), on the address that RTSP listens on.
    pub(super) fn open(listen: Listen) -> io::Result<Self> {
        let (rtp, rtcp) = sockets::pair(|port| Socket::open(Listen { port, ..listen }), Socket::port)?;
        Ok(Self { rtp, rtcp, clients: Mutex::default() })
    }

    /// The ports for RTP and RTCP.
    pub(super) fn ports(&self) -> io::Result<(u16, u16)> {
        Ok((self.rtp.port()?, self.rtcp.port()?))
    }

    /// Sends what fits now; `WouldBlock` if the socket's buffer is full.
    pub(super) fn send(&self, port: Port, way: Way, datagrams: &Datagrams) -> io::Result<()> {
        self.socket(port).send(way, datagrams)
    }

    /// Takes what comes in until the task is dropped.
    pub(super) async fn receive(&self) {
        tokio::join!(self.receive_on(Port::Rtp), self.receive_on(Port::Rtcp));
    }

    /// From now on, datagrams from these ports of `client` go to the receiver of the registration.
    pub(super) fn register(
        self: &Arc<Self>,
        client: IpAddr,
        ports: impl Iterator<Item = (Port, u16)>,
    ) -> Registration {
        let (sender, datagrams) = mpsc::channel(RTSP_UDP_QUEUE);
        let keys: Vec<_> = ports.map(|(port, number)| (port, SocketAddr::new(client, number))).collect();
        let mut clients = self.lock();
        for key in &keys {
            clients.insert(*key, sender.clone());
        }
        drop(clients);
        Registration { pair: Arc::clone(self), keys, sender, datagrams }
    }

    fn socket(&self, port: Port) -> &Socket {
        match port {
            Port::Rtp => &self.rtp,
            Port::Rtcp => &self.rtcp,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn receive_on(&self, port: Port) {
        /// A datagram has at most 64 KiB, and so has what the kernel joins.
        const BUFFER_BYTES: usize = 64 << 10;
        let socket = self.socket(port);
        let mut buffers = vec![0; BUFFER_BYTES * BATCH_SIZE];
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let mut slices: Vec<IoSliceMut<'_>> =
                buffers.chunks_mut(BUFFER_BYTES).map(IoSliceMut::new).collect();
            let received = socket.receive(&mut slices, &mut meta).await;
            drop(slices);
            match received {
                Ok(count) => {
                    self.hand_out(port, &buffers, BUFFER_BYTES, meta.get(..count).unwrap_or_default())
                }
                // A client that is gone answers with ICMP, which Linux tells the next caller. Nothing to do.
                Err(error) => debug!(target: "rtsp", "UDP: {error}"),
            }
        }
    }

    fn hand_out(&self, port: Port, buffers: &[u8], buffer_bytes: usize, meta: &[RecvMeta]) {
        let clients = self.lock();
        for (buffer, meta) in buffers.chunks(buffer_bytes).zip(meta) {
            let from = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let Some(client) = clients.get(&(port, from)) else { continue };
            for bytes in buffer.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                let bytes = Bytes::copy_from_slice(bytes);
                // A queue that is full loses datagrams, as the network does.
                let _ = client.try_send(Datagram { port, from: from.port(), bytes });
            }
        }
    }
}

impl Socket {
    fn open(listen: Listen) -> io::Result<Self> {
        let socket = sockets::udp_at(listen)?;
        // As much as the system allows; what it does not is no reason to fail.
        let reference = socket2::SockRef::from(&socket);
        let _ = reference.set_recv_buffer_size(RTSP_UDP_SOCKET_BYTES);
        let _ = reference.set_send_buffer_size(RTSP_UDP_SOCKET_BYTES);
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let is_v6 = socket.local_addr()?.is_ipv6();
        Ok(Self { socket, state, is_v6 })
    }

    fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    async fn receive(&self, buffers: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> io::Result<usize> {
        let receive = || self.state.recv(UdpSockRef::from(&self.socket), buffers, meta);
        self.socket.async_io(Interest::READABLE, receive).await
    }

    /// Several datagrams of one size with one call, one by one where that is refused.
    fn send(&self, way: Way, datagrams: &Datagrams) -> io::Result<()> {
        let segment = datagrams.segment_bytes.max(1);
        let most = self.state.max_gso_segments().min(MAX_UDP_BYTES / segment);
        if most > 1 && datagrams.bytes.len() > segment {
            let mut groups = datagrams.bytes.chunks(segment * most);
            match groups.try_for_each(|group| self.transmit(way, group, Some(segment))) {
                // A device without checksum offload, an old kernel: quinn-udp has noted it.
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {}
                sent => return sent,
            }
        }
        datagrams.iter().try_for_each(|datagram| self.transmit(way, datagram, None))
    }

    fn transmit(&self, way: Way, contents: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let destination = match way.to.ip() {
            IpAddr::V4(v4) if self.is_v6 => SocketAddr::new(v4.to_ipv6_mapped().into(), way.to.port()),
            IpAddr::V4(_) | IpAddr::V6(_) => way.to,
        };
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: Some(way.local) };
        let send = || self.state.try_send(UdpSockRef::from(&self.socket), &transmit);
        self.socket.try_io(Interest::WRITABLE, send)
    }
}

/// What one call can send: the length field of UDP, less its header and that of IPv4.
const MAX_UDP_BYTES: usize = 65_507;

/// A client's place in the table; it ends when dropped.
#[derive(Debug)]
pub(super) struct Registration {
    pair: Arc<UdpPair>,
    keys: Vec<(Port, SocketAddr)>,
    sender: mpsc::Sender<Datagram>,
    pub(super) datagrams: mpsc::Receiver<Datagram>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut clients = self.pair.lock();
        for key in &self.keys {
            // Another client may have taken over the ports meanwhile.
            if clients.get(key).is_some_and(|sender| sender.same_channel(&self.sender)) {
                clients.remove(key);
            }
        }
    }
}
