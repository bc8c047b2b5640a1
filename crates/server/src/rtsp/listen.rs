//! The RTSP listener.

use super::desk;
use super::fanout::Fanouts;
use super::udp::UdpPair;
use super::worker::{Arrival, Worker};
use crate::app::{App, StartError};
use crate::limits::{ACCEPT_PAUSE, RTSP_CONNECTIONS};
use crate::sockets;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{info, warn};
use yeoul_rtsp::limits::PACKET_BYTES;
use yeoul_rtsp::server::{Account, Options};

/// What all RTSP connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) app: Arc<App>,
    pub(super) options: Arc<Options>,
    pub(super) fanouts: Fanouts,
    /// `None` where the system has no ports for it: players then take TCP.
    pub(super) udp: Option<Arc<UdpPair>>,
}

/// Listens on `rtsp.listen`; gives the address, or `None` if it is off.
pub(crate) fn start(app: &Arc<App>) -> Result<Option<SocketAddr>, StartError> {
    let config = &app.config.rtsp;
    let Some(listen) = config.listen else { return Ok(None) };
    let listener = sockets::tcp(listen, "rtsp.listen")?;
    let address = listener.local_addr().map_err(|error| StartError(format!("rtsp.listen: {error}")))?;
    let udp = match UdpPair::open(listen) {
        Ok(pair) => Some(Arc::new(pair)),
        Err(error) => {
            warn!(target: "rtsp", "no UDP ports, players must use TCP: {error}");
            None
        }
    };
    let account = config
        .account
        .as_ref()
        .map(|account| Account { username: account.username.clone(), password: account.password.clone() });
    let options = Options {
        server: concat!("Yeoul/", env!("CARGO_PKG_VERSION")).to_owned(),
        account,
        tickets: Some(desk::PREFIX),
        udp_ports: udp.as_ref().and_then(|pair| pair.ports().ok()),
    };
    let shared = Arc::new(Shared {
        app: Arc::clone(app),
        options: Arc::new(options),
        fanouts: Fanouts::new(config.pkt_size.unwrap_or(PACKET_BYTES)),
        udp,
    });
    app.desk.open(address);
    info!(target: "rtsp", addr = %listen, "listen");
    if let Some(pair) = shared.udp.clone() {
        let shutdown = app.shutdown.clone();
        app.tasks.spawn(async move {
            tokio::select! {
                () = pair.receive() => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = (0..cores).map(|index| Worker::start(index, &shared)).collect::<Result<Vec<_>, _>>()?;
    app.tasks.spawn(accept(shared, listener, workers));
    Ok(Some(address))
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, workers: Vec<Worker>) {
    let room = Arc::new(Semaphore::new(RTSP_CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await.and_then(|(socket, peer)| Ok((socket.into_std()?, peer))) {
                Ok((socket, peer)) => {
                    if let Some(worker) = workers.iter().min_by_key(|worker| worker.connections()) {
                        worker.take(Arrival { socket, peer, place }).await;
                    }
                }
                Err(error) => {
                    warn!(target: "rtsp", "cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shared.app.shutdown.cancelled() => {}
    }
}
