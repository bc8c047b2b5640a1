//! The RTMP listener.

use super::connection::Connection;
use super::fanout::Fanouts;
use crate::app::{App, StartError};
use crate::limits::{ACCEPT_PAUSE, RTMP_CONNECTIONS};
use crate::sockets;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{info, warn};

/// What all RTMP connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) app: Arc<App>,
    pub(super) fanouts: Fanouts,
}

/// Listens on `rtmp.listen`, if it is given.
pub(crate) fn start(app: &Arc<App>) -> Result<(), StartError> {
    let Some(listen) = app.config.rtmp.listen else { return Ok(()) };
    let listener = sockets::tcp(listen, "rtmp.listen")?;
    info!(target: "rtmp", addr = %listen, "listen");
    let shared = Arc::new(Shared { app: Arc::clone(app), fanouts: Fanouts::default() });
    app.tasks.spawn(accept(shared, listener));
    Ok(())
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(RTMP_CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((socket, peer)) => {
                    // A connection that is gone before it begins is nobody's loss.
                    let Ok(connection) = Connection::new(Arc::clone(&shared), socket, peer) else { continue };
                    shared.app.tasks.spawn(async move {
                        connection.run().await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    warn!(target: "rtmp", "cannot accept a connection: {error}");
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
