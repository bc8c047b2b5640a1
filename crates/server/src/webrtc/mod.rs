//! WebRTC viewers and publishers: one UDP and one TCP port for all of them, workers that own them, and their HTTP routes.
//!
//! [`listen`] reads the sockets and finds out whose datagram each is ([`routes`]); a [`worker`] for each core owns the peers, drives
//! them, sends the media of a [`viewer`] and takes those of a [`publisher`]; [`api`] makes and ends sessions of those who call us,
//! [`call`] those of servers that we call.

pub(crate) mod api;
mod begin;
pub(crate) mod call;
mod candidates;
mod feed;
mod form;
mod listen;
mod outlet;
mod publisher;
mod quality;
mod routes;
mod session;
mod socket;
mod viewer;
mod worker;

use crate::app::StartError;
use crate::config;
use candidates::{Addresses, Candidates};
use routes::Routes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use worker::Worker;
use yeoul_webrtc::Certificate;

/// The running WebRTC part of the server.
#[derive(Debug)]
pub(crate) struct WebRtc {
    certificate: Certificate,
    candidates: Candidates,
    /// For servers that we call.
    calling: Candidates,
    routes: Arc<Routes>,
    workers: Vec<Worker>,
    next_viewer: AtomicU64,
}

impl WebRtc {
    /// Opens the sockets and starts the workers; `None` if WebRTC is off. Ends when `shutdown` is cancelled.
    ///
    /// # Errors
    /// If a socket cannot be opened.
    pub(crate) fn start(
        config: &config::WebRtc,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result<Option<Self>, StartError> {
        let Some(listen) = config.listen else { return Ok(None) };
        let certificate = Certificate::generate().map_err(|error| StartError(error.to_string()))?;
        let sockets = socket::Sockets::open(listen, config.udp, config.tcp)?;
        let (candidates, calling) =
            (Candidates::new(config, &sockets), Candidates::calling(config, &sockets));
        let routes = Arc::new(Routes::default());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<Worker> = (0..cores)
            .map(|index| Worker::start(index, &routes, &sockets.udp, shutdown, tasks))
            .collect::<Result<_, _>>()?;
        listen::start(sockets, &routes, &workers, shutdown, tasks);
        let next_viewer = AtomicU64::new(1);
        Ok(Some(Self { certificate, candidates, calling, routes, workers, next_viewer }))
    }

    /// A number for a new viewer, and the worker that has the fewest.
    fn place(&self) -> (u64, usize) {
        let number = self.next_viewer.fetch_add(1, Ordering::Relaxed);
        let idlest = self.workers.iter().enumerate().min_by_key(|(_, worker)| worker.viewers());
        (number, idlest.map_or(0, |(index, _)| index))
    }
}
