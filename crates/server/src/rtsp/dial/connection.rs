//! The control connection: TCP, with TLS on it where the URL asks for it.

use super::tls;
use crate::streams::ErrorKind;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::client::TlsStream;
use yeoul_rtsp::client::Tls;

/// A connection to a camera.
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

/// Connects to the first address of `host` that answers. After a redirect, `first_peer` is where the way began.
pub(crate) async fn connect(
    host: &str,
    port: u16,
    tls: Tls,
    first_peer: Option<IpAddr>,
) -> Result<Connection, Refusal> {
    let retry = |text: String| (ErrorKind::Retry, text);
    let found =
        lookup_host((host, port)).await.map_err(|error| retry(format!("cannot be found: {error}")))?;
    let mut refusal = retry("cannot be found: the name has no address".to_owned());
    for address in found {
        if let Some(first_peer) = first_peer
            && !may_lead_to(first_peer, address.ip())
        {
            refusal = (
                ErrorKind::PeerViolation,
                format!(
                    "is where the camera at {first_peer} sends us, but {address} is an address of our own surroundings"
                ),
            );
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return secure(stream, host, tls).await,
            Err(error) => refusal = retry(format!("cannot be reached: {error}")),
        }
    }
    Err(refusal)
}

/// A camera must not send us to what only this machine can reach, unless it is there itself.
fn may_lead_to(from: IpAddr, to: IpAddr) -> bool {
    let (from, to) = (from.to_canonical(), to.to_canonical());
    let is_near = |address: IpAddr| match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local() || address.is_unspecified(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unicast_link_local() || address.is_unspecified()
        }
    };
    !to.is_multicast() && (!is_near(to) || is_near(from))
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
    pub(super) fn local(&self) -> SocketAddr {
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
    use super::may_lead_to;

    #[test]
    fn a_camera_cannot_send_us_to_ourselves() {
        let check = |from: &str, to: &str, expected: bool| {
            let (from, to) = (from.parse().expect("an address"), to.parse().expect("an address"));
            assert_eq!(may_lead_to(from, to), expected, "{from} to {to}");
        };
        check("192.168.1.5", "192.168.1.6", true);
        check("203.0.113.1", "192.168.1.6", true);
        check("192.168.1.5", "127.0.0.1", false);
        check("192.168.1.5", "169.254.169.254", false);
        check("192.168.1.5", "::ffff:127.0.0.1", false);
        check("192.168.1.5", "0.0.0.0", false);
        check("192.168.1.5", "224.0.0.1", false);
        check("127.0.0.1", "::1", true);
    }
}
