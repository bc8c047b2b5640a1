//! Connections to others: TCP, with TLS on it where the address asks for it, and only to where a [`Route`] may lead.

mod tls;
mod wire;

pub(crate) use wire::{Happened, Wire, is_end};

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
    let look_up = async |host: &str| Ok(lookup_host((host, port)).await?.collect());
    connect_by(look_up, host, tls, route).await
}

/// As [`connect`], with the addresses that `look_up` gives. It is asked once, and what it has said is admitted and dialled: a name that
/// means something else a moment later changes nothing (CWE-367).
async fn connect_by(
    look_up: impl AsyncFnOnce(&str) -> io::Result<Vec<SocketAddr>>,
    host: &str,
    tls: Tls,
    route: &mut Route,
) -> Result<Connection, Refusal> {
    let retry = |text: String| (ErrorKind::Retry, text);
    // An IPv6 address stands in brackets in URLs.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = look_up(host).await.map_err(|error| retry(format!("cannot be found: {error}")))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::sync::Arc;
    use tokio::net::TcpListener;

    /// Connects where a name server that says `addresses` leads a caller of the API; `Ok` is where it came to.
    async fn lead(addresses: &[IpAddr], port: u16, route: &mut Route) -> Result<SocketAddr, String> {
        let look_up = async |_: &str| Ok(addresses.iter().map(|&ip| SocketAddr::new(ip, port)).collect());
        let connected = connect_by(look_up, "cam.example.com", Tls::None, route).await;
        connected.map(|connection| connection.peer()).map_err(|(_, text)| text)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_name_of_our_own_surroundings_is_no_way_for_a_caller() {
        let (listener, port) = listener().await;
        for near in ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::", "::1", "169.254.169.254", "fe80::1"] {
            let refused = lead(&[ip(near)], port, &mut Route::of_caller(Arc::default())).await.unwrap_err();
            assert!(refused.contains("an address of this machine's own surroundings"), "{near}: {refused}");
        }
        let mut route = Route::of_caller(Arc::default());
        let refused = connect("localhost", port, Tls::None, &mut route).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.0, ErrorKind::PeerViolation);
        let accepted = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
        assert!(accepted.is_err(), "nobody has come");
    }

    #[tokio::test]
    async fn the_configuration_may_open_them_and_name_them() {
        let (_listener, port) = listener().await;
        let opened = || Route::of_caller(Arc::from(["127.0.0.0/8".parse().expect("a network")]));
        let there = SocketAddr::new(ip("127.0.0.1"), port);
        assert_eq!(lead(&[ip("127.0.0.1")], port, &mut opened()).await, Ok(there));
        assert_eq!(lead(&[ip("169.254.169.254"), ip("127.0.0.1")], port, &mut opened()).await, Ok(there));
        assert_eq!(lead(&[ip("127.0.0.1")], port, &mut Route::of_owner()).await, Ok(there));
    }

    #[tokio::test]
    async fn a_host_far_away_cannot_lead_us_back_by_a_name() {
        let (_listener, port) = listener().await;
        let mut route = Route::of_owner();
        route.came_to(ip("203.0.113.7"));
        let refused = lead(&[ip("127.0.0.1")], port, &mut route).await.unwrap_err();
        assert!(refused.contains("is where 203.0.113.7 sends us"), "{refused}");
    }
}
