//! An RTSP worker: a thread of its own that owns connections, from the first request to the last byte.
//!
//! A frame for two hundred players is one wake-up of their worker, not two hundred wake-ups of tasks: the worker goes from
//! player to player ([`super::feed`]). It has a thread because media must not wait behind HTTP or cameras that are dialled.

use super::connection::Connection;
use super::feed::Feeds;
use super::listen::Shared;
use super::serve::serve;
use crate::app::StartError;
use crate::limits::RTSP_ARRIVALS;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

/// A connection on its way to a worker.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    /// Its place among all connections.
    pub(super) place: OwnedSemaphorePermit,
}

/// A handle on a worker.
#[derive(Debug)]
pub(super) struct Worker {
    arrivals: mpsc::Sender<Arrival>,
    connections: Arc<AtomicUsize>,
}

impl Worker {
    /// Starts a worker's thread, which ends after the program's shutdown, when its clients have been told.
    pub(super) fn start(index: usize, shared: &Arc<Shared>) -> Result<Self, StartError> {
        let failed = |error: std::io::Error| StartError(format!("cannot start an RTSP worker: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (arrivals, arriving) = mpsc::channel(RTSP_ARRIVALS);
        let connections = Arc::new(AtomicUsize::new(0));
        let (ended, end) = oneshot::channel::<()>();
        let (for_thread, count) = (Arc::clone(shared), Arc::clone(&connections));
        std::thread::Builder::new()
            .name(format!("rtsp-{index}"))
            .spawn(move || {
                let local = LocalSet::new();
                local.block_on(&runtime, own(for_thread, arriving, count));
                drop(ended);
            })
            .map_err(failed)?;
        // The program waits for its tasks, and this one for the thread.
        shared.app.tasks.spawn(async move { drop(end.await) });
        Ok(Self { arrivals, connections })
    }

    /// How many connections it has.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Hands over a connection.
    pub(super) async fn take(&self, arrival: Arrival) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        // A worker ends only with the program.
        let _ = self.arrivals.send(arrival).await;
    }
}

/// Serves what arrives, to its end.
async fn own(shared: Arc<Shared>, mut arriving: mpsc::Receiver<Arrival>, count: Arc<AtomicUsize>) {
    let feeds = Rc::new(Feeds::default());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.app.shutdown.cancelled() => break,
            Some(_) = connections.join_next() => { count.fetch_sub(1, Ordering::Relaxed); }
            Some(Arrival { socket, peer, place }) = arriving.recv() => {
                let connection = Connection::new(Arc::clone(&shared), Rc::clone(&feeds), socket, peer);
                connections.spawn_local(async move {
                    // A connection that is gone before it begins is nobody's loss.
                    if let Ok(connection) = connection {
                        serve(connection).await;
                    }
                    drop(place);
                });
            }
        }
    }
    while connections.join_next().await.is_some() {}
}
