//! The HTTP listeners.

use super::{Door, Peer, connection, tls};
use crate::app::{App, StartError};
use crate::config::Listen;
use crate::limits::{ACCEPT_PAUSE, API_CONNECTIONS, API_TCP_KEEPALIVE, API_UNSENT_BYTES};
use crate::sockets;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

/// Listens on `api.listen`, `api.tls_listen` and `api.unix_listen`; gives the address of the first, `None` if it is off.
pub(crate) fn start(app: &Arc<App>) -> Result<Option<SocketAddr>, StartError> {
    let door = Arc::new(Door::new(app));
    // Shared by all: what is bounded is the memory of this process.
    let room = Arc::new(Semaphore::new(API_CONNECTIONS));
    let start = |sockets, tls| {
        app.tasks.spawn(accept(Arc::clone(app), Arc::clone(&door), Arc::clone(&room), sockets, tls));
    };
    if let Some(path) = &app.config.api.unix_listen {
        let listener = unix(path)?;
        info!(target: "api", addr = %path.display(), "unix listen");
        start(Sockets::Unix(listener), None);
    }
    if let Some(tls) = &app.config.api.tls {
        let acceptor = tls::acceptor(tls)?;
        let (listener, _, listen) = tcp(tls.listen, "api.tls_listen")?;
        info!(target: "api", addr = %listen, "tls listen");
        start(Sockets::Tcp(listener), Some(acceptor));
    }
    let Some(listen) = app.config.api.listen else { return Ok(None) };
    let (listener, address, listen) = tcp(listen, "api.listen")?;
    // Home Assistant waits for this line.
    info!(target: "api", addr = %listen, "listen");
    start(Sockets::Tcp(listener), None);
    Ok(Some(address))
}

/// Listens; the last value is what people are told: the port is there even where the system has chosen it.
fn tcp(listen: Listen, key: &str) -> Result<(TcpListener, SocketAddr, Listen), StartError> {
    let listener = sockets::tcp(listen, key)?;
    let address = listener.local_addr().map_err(|error| StartError(format!("{key}: {error}")))?;
    Ok((listener, address, Listen { port: address.port(), ..listen }))
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
enum Sockets {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What is accepted.
enum Socket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Sockets {
    async fn next(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => {
                let (socket, address) = listener.accept().await?;
                sockets::prepare(&socket, API_TCP_KEEPALIVE, API_UNSENT_BYTES)?;
                Ok(Socket::Tcp(socket, address))
            }
            Self::Unix(listener) => Ok(Socket::Unix(listener.accept().await?.0)),
        }
    }
}

async fn accept(
    app: Arc<App>,
    door: Arc<Door>,
    room: Arc<Semaphore>,
    sockets: Sockets,
    tls: Option<TlsAcceptor>,
) {
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match sockets.next().await {
                Ok(socket) => {
                    let (app, door, tls) = (Arc::clone(&app), Arc::clone(&door), tls.clone());
                    app.tasks.clone().spawn(async move {
                        match socket {
                            Socket::Tcp(socket, address) => {
                                connection::serve(app, door, socket, Peer::Address(address), tls).await;
                            }
                            Socket::Unix(socket) => {
                                connection::serve(app, door, socket, Peer::Unix, tls).await
                            }
                        }
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
