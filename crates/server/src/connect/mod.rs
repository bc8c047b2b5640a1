//! Connections to others: TCP, with TLS on it where the address asks for it, and only to where a [`Route`] may lead.

mod tls;
mod wire;

pub(crate) use wire::{Happened, Wire};

use crate::policy::Route;
use crate::streams::ErrorKind;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::client::TlsStream;

/// Protection of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Plain TCP.
    None,
    /// TLS with a certificate that is valid for the host.
    Checked,
    /// TLS with any certificate.
    Unchecked,
}

/// A connection to a camera, or another server.
pub(crate) struct Connection {
    stream: Stream,
    local: SocketAddr,
    peer: SocketAddr,
}

enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// Why there is no connection: the sentence goes on after the name of the host.
pub(crate) type Refusal = (ErrorKind, String);

/// Connects to the first address of `host` that answers, of those that `route` may lead to.
pub(crate) async fn connect(
    host: &str,
    port: u16,
    tls: Tls,
    route: &mut Route,
) -> Result<Connection, Refusal> {
    let retry = |text: String| (ErrorKind::Retry, text);
    // An IPv6 address stands in brackets in URLs.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        lookup_host((host, port)).await.map_err(|error| retry(format!("cannot be found: {error}")))?;
    let mut refusal = retry("cannot be found: the name has no address".to_owned());
    for address in found {
        if let Err(refused) = route.admit(address.ip()) {
            refusal = (ErrorKind::PeerViolation, refused.to_string());
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => {
                route.came_to(address.ip());
                return secure(stream, host, tls).await;
            }
            Err(error) => refusal = retry(format!("cannot be reached: {error}")),
        }
    }
    Err(refusal)
}

async fn secure(stream: TcpStream, host: &str, tls: Tls) -> Result<Connection, Refusal> {
    let setup = |error: io::Error| (ErrorKind::Retry, format!("cannot be reached: {error}"));
    // Requests are small and answers are waited for.
    stream.set_nodelay(true).map_err(setup)?;
    let (local, peer) = (stream.local_addr().map_err(setup)?, stream.peer_addr().map_err(setup)?);
    let stream = match tls {
        Tls::None => Stream::Plain(stream),
        Tls::Checked => Stream::Encrypted(Box::new(tls::checked(stream, host).await?)),
        Tls::Unchecked => Stream::Encrypted(Box::new(tls::unchecked(stream, host).await?)),
    };
    Ok(Connection { stream, local, peer })
}

impl Connection {
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
