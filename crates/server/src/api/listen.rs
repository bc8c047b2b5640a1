//! The HTTP listeners.

use super::{Door, Peer};
use crate::app::{App, StartError};
use crate::config::Listen;
use crate::limits::{ACCEPT_PAUSE, API_CONNECTIONS, API_HEADER_BYTES, API_HEADER_WAIT};
use crate::sockets;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tracing::{debug, info, warn};

/// Listens on `api.listen` and `api.unix_listen`; gives the address of the former, `None` if it is off.
pub(crate) fn start(app: &Arc<App>) -> Result<Option<SocketAddr>, StartError> {
    let door = Door::new(app);
    // Shared by both: what is bounded is the memory of this process.
    let room = Arc::new(Semaphore::new(API_CONNECTIONS));
    if let Some(path) = &app.config.api.unix_listen {
        let listener = unix(path)?;
        info!(target: "api", addr = %path.display(), "unix listen");
        let (door, room) = (door.clone(), Arc::clone(&room));
        app.tasks.spawn(accept(Arc::clone(app), door, room, UnixSockets(listener)));
    }
    let Some(listen) = app.config.api.listen else { return Ok(None) };
    let listener = sockets::tcp(listen, "api.listen")?;
    let address = listener.local_addr().map_err(|error| StartError(format!("api.listen: {error}")))?;
    // Where the system has chosen the port, that is what people need.
    let listen = Listen { port: address.port(), ..listen };
    // Home Assistant waits for this line.
    info!(target: "api", addr = %listen, "listen");
    app.tasks.spawn(accept(Arc::clone(app), door, room, TcpSockets(listener)));
    Ok(Some(address))
}

/// A socket that a program before us left behind is removed; anything else in its place is not ours to remove.
fn unix(path: &Path) -> Result<UnixListener, StartError> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        let _ = std::fs::remove_file(path);
    }
    let refused =
        |error| StartError(format!("api.unix_listen: cannot listen on {}: {error}", path.display()));
    UnixListener::bind(path).map_err(refused)
}

/// What is accepted from.
trait Sockets: Send + 'static {
    type Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    fn next(&self) -> impl Future<Output = io::Result<(Self::Socket, Peer)>> + Send;
}

struct TcpSockets(TcpListener);
struct UnixSockets(UnixListener);

impl Sockets for TcpSockets {
    type Socket = tokio::net::TcpStream;

    async fn next(&self) -> io::Result<(Self::Socket, Peer)> {
        let (socket, address) = self.0.accept().await?;
        // Answers are small and somebody waits for them.
        socket.set_nodelay(true)?;
        Ok((socket, Peer::Address(address)))
    }
}

impl Sockets for UnixSockets {
    type Socket = tokio::net::UnixStream;

    async fn next(&self) -> io::Result<(Self::Socket, Peer)> {
        Ok((self.0.accept().await?.0, Peer::Unix))
    }
}

async fn accept<S: Sockets>(app: Arc<App>, door: Door, room: Arc<Semaphore>, sockets: S) {
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match sockets.next().await {
                Ok((socket, peer)) => {
                    let serving = serve(Arc::clone(&app), door.clone(), socket, peer);
                    app.tasks.spawn(async move {
                        serving.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    warn!(target: "api", "cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = app.shutdown.cancelled() => {}
    }
}

/// One connection to its end.
async fn serve<T>(app: Arc<App>, door: Door, socket: T, peer: Peer)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(peer, request.map(Body::new)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(API_HEADER_WAIT)
        .max_buf_size(API_HEADER_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = app.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        debug!(target: "api", "{peer}: {error}");
    }
}
