//! Reading the sockets: every datagram to the worker that owns its viewer, everything else nowhere.

use super::outlet::{self, Outlet};
use super::routes::{Owner, Routes};
use super::socket::{Sockets, Udp};
use super::worker::{Control, Incoming, Worker};
use crate::limits::{
    WEBRTC_LONGEST_UNREAD, WEBRTC_RECEIVE_BATCH, WEBRTC_TCP_CONNECTIONS, WEBRTC_TCP_FIRST_PACKET,
};
use quinn_udp::RecvMeta;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};
use yeoul_webrtc::limits::MAX_DATAGRAM_BYTES;
use yeoul_webrtc::{Path, Transport};

/// Starts the readers; they end when `shutdown` is cancelled.
pub(super) fn start(
    sockets: Sockets,
    routes: &Arc<Routes>,
    workers: &[Worker],
    shutdown: &CancellationToken,
    tasks: &TaskTracker,
) {
    let inbox = Inbox { routes: Arc::clone(routes), workers: workers.into() };
    let (udp, udp_inbox, udp_shutdown) = (sockets.udp, inbox.clone(), shutdown.clone());
    tasks.spawn(async move {
        tokio::select! {
            () = read_udp(&udp, &udp_inbox) => {}
            () = udp_shutdown.cancelled() => {}
        }
    });
    if let Some(tcp) = sockets.tcp {
        let (shutdown, connections) = (shutdown.clone(), tasks.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = accept(&tcp, &inbox, &shutdown, &connections) => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
}

/// Where datagrams go.
#[derive(Clone)]
struct Inbox {
    routes: Arc<Routes>,
    workers: Arc<[Worker]>,
}

impl Inbox {
    /// Gives a datagram to its owner, if it has one.
    fn take(&self, path: Path, received_at: Instant, bytes: &[u8]) -> Option<Owner> {
        let owner = self.routes.find(path.transport, path.remote, bytes)?;
        let worker = self.workers.get(owner.worker)?;
        worker.hand_over(Incoming { viewer: owner.viewer, path, received_at, bytes: bytes.to_vec() });
        Some(owner)
    }
}

async fn read_udp(udp: &Udp, inbox: &Inbox) {
    let port = udp.local_addr().map_or(0, |address| address.port());
    let bound = udp.local_addr().map(|address| address.ip().to_canonical()).ok();
    let size = MAX_DATAGRAM_BYTES * udp.gro_segments();
    let mut storage = vec![0; size * WEBRTC_RECEIVE_BATCH];
    let mut meta = [RecvMeta::default(); WEBRTC_RECEIVE_BATCH];
    loop {
        let mut buffers: Vec<IoSliceMut<'_>> = storage.chunks_mut(size).map(IoSliceMut::new).collect();
        let count = match udp.receive(&mut buffers, &mut meta).await {
            Ok(count) => count,
            Err(error) => {
                // An ICMP error of some peer, or no memory for a moment: not the end of all viewers.
                debug!(target: "webrtc", "cannot read UDP: {error}");
                sleep(Duration::from_millis(1)).await;
                continue;
            }
        };
        let (now, wall) = (Instant::now(), SystemTime::now());
        for (buffer, meta) in buffers.iter().zip(&meta).take(count) {
            let remote = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let Some(ip) = meta.dst_ip.map(|ip| ip.to_canonical()).or(bound) else { continue };
            let path = Path { transport: Transport::Udp, local: SocketAddr::new(ip, port), remote };
            let received_at = received_at(now, wall, meta.timestamp);
            let bytes = buffer.get(..meta.len).unwrap_or_default();
            for datagram in bytes.chunks(meta.stride.max(1)) {
                inbox.take(path, received_at, datagram);
            }
        }
    }
}

/// When a datagram came, by the kernel's clock where that tells: it may have waited here, alone or with others.
fn received_at(now: Instant, wall: SystemTime, kernel: Option<Duration>) -> Instant {
    let waited = kernel.and_then(|came| wall.duration_since(SystemTime::UNIX_EPOCH).ok()?.checked_sub(came));
    // More is a clock that was set.
    let waited = waited.filter(|waited| *waited < WEBRTC_LONGEST_UNREAD);
    waited.and_then(|waited| now.checked_sub(waited)).unwrap_or(now)
}

async fn accept(listener: &TcpListener, inbox: &Inbox, shutdown: &CancellationToken, tasks: &TaskTracker) {
    let places = Arc::new(Semaphore::new(WEBRTC_TCP_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, remote)) => {
                let (inbox, shutdown) = (inbox.clone(), shutdown.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = connection(stream, remote, inbox) => {}
                        () = shutdown.cancelled() => {}
                    }
                    drop(place);
                });
            }
            Err(error) => {
                warn!(target: "webrtc", "cannot accept a TCP connection: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One connection of RFC 4571: nobody's until its first packet names a viewer.
async fn connection(stream: TcpStream, remote: SocketAddr, inbox: Inbox) {
    let _ = stream.set_nodelay(true);
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let Ok(local) = stream.local_addr() else { return };
    let local = SocketAddr::new(local.ip().to_canonical(), local.port());
    let path = Path { transport: Transport::Tcp, local, remote };
    let (mut read, write) = stream.into_split();
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    let first = timeout(WEBRTC_TCP_FIRST_PACKET, read_packet(&mut read, &mut buffer)).await;
    let Ok(Some(packet)) = first else { return };
    let Some(owner) = inbox.routes.find(Transport::Tcp, remote, packet) else { return };
    let Some(worker) = inbox.workers.get(owner.worker) else { return };
    let (outlet, queue) = Outlet::new();
    if !worker.ask(Control::Connected { viewer: owner.viewer, remote, outlet }).await {
        return;
    }
    let hand_over = |packet: &[u8]| {
        let bytes = packet.to_vec();
        worker.hand_over(Incoming { viewer: owner.viewer, path, received_at: Instant::now(), bytes });
    };
    hand_over(packet);
    let reading = async {
        while let Some(packet) = read_packet(&mut read, &mut buffer).await {
            // The connection is one viewer's: what it sends is not looked up again.
            hand_over(packet);
        }
    };
    tokio::select! {
        () = reading => {}
        () = outlet::write_all(queue, write) => {}
    }
    worker.ask(Control::Disconnected { viewer: owner.viewer, remote }).await;
}

/// The next packet behind its length of two bytes (RFC 4571 §2); `None` at the end, or if it is longer than anything that
/// belongs here.
async fn read_packet<'a>(read: &mut (impl AsyncRead + Unpin), buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = usize::from(read.read_u16().await.ok()?);
    let packet = buffer.get_mut(..length)?;
    read.read_exact(packet).await.ok()?;
    Some(packet)
}

#[cfg(test)]
mod tests {
    use super::received_at;
    use std::time::{Duration, Instant, SystemTime};

    #[test]
    fn a_datagram_came_when_the_kernel_says_unless_a_clock_was_set() {
        let (now, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        let check = |kernel: Option<f64>, waited: f64| {
            let at = received_at(now, wall, kernel.map(Duration::from_secs_f64));
            assert_eq!(now - at, Duration::from_secs_f64(waited), "{kernel:?}");
        };
        check(Some(999.75), 0.25);
        check(Some(1_000.5), 0.0);
        check(Some(900.0), 0.0);
        check(None, 0.0);
    }
}
