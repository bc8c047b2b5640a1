//! Opens listening sockets, and tells in a sentence why one cannot be had; what all connections of clients have in common.

use crate::app::StartError;
use crate::config::Listen;
use crate::limits::{LISTEN_BACKLOG, RTSP_UDP_PORT_ATTEMPTS};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

/// Listens on TCP. `key` is the configuration's, for the sentence: `api.listen`.
pub(crate) fn tcp(listen: Listen, key: &str) -> Result<TcpListener, StartError> {
    let open = |address| {
        let socket = bound(address, Type::STREAM, Protocol::TCP)?;
        socket.listen(LISTEN_BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    either(listen, open).map_err(|error| refusal(listen, key, &error))
}

/// Receives on UDP. `key` is the configuration's, for the sentence: `webrtc.listen`.
pub(crate) fn udp(listen: Listen, key: &str) -> Result<UdpSocket, StartError> {
    udp_at(listen).map_err(|error| refusal(listen, key, &error))
}

/// Receives on UDP on a port that nobody has configured.
pub(crate) fn udp_at(listen: Listen) -> io::Result<UdpSocket> {
    either(listen, |address| UdpSocket::from_std(bound(address, Type::DGRAM, Protocol::UDP)?.into()))
}

/// Two sockets on neighbouring ports, the first one even (RFC 3550 §11): `open` gives one on a port, 0 for any, and `port` tells
/// which it is.
pub(crate) fn pair<S>(
    open: impl Fn(u16) -> io::Result<S>,
    port: impl Fn(&S) -> io::Result<u16>,
) -> io::Result<(S, S)> {
    let mut last_error = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..RTSP_UDP_PORT_ATTEMPTS {
        let first = open(0)?;
        let number = port(&first)?;
        if number % 2 == 1 {
            continue;
        }
        match open(number + 1) {
            Ok(second) => return Ok((first, second)),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// The address of this machine that reaches `server`: nothing is sent for it.
pub(crate) fn local_ip(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if server.is_ipv6() { [0u16; 8].into() } else { [0u8; 4].into() };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
}

/// What the connection of a client needs: nothing waits to be sent for company, a client that is gone is noticed after twice
/// `keepalive`, and no more than `unsent_bytes` wait in the kernel before the socket counts as full.
pub(crate) fn prepare(socket: &TcpStream, keepalive: Duration, unsent_bytes: u32) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let options = SockRef::from(socket);
    options.set_tcp_keepalive(&TcpKeepalive::new().with_time(keepalive).with_interval(keepalive))?;
    // Without it a slow client is only late; where the system does not know it, late it is.
    let _ = options.set_tcp_notsent_lowat(unsent_bytes);
    Ok(())
}

/// Lets the client read our last answer, for `wait` at most: closing at once, with something of its still unread, would destroy it.
pub(crate) async fn say_last_words(socket: &TcpStream, wait: Duration) {
    let farewell = async {
        if SockRef::from(socket).shutdown(Shutdown::Write).is_err() {
            return;
        }
        let mut ignored = [0; 1024];
        while socket.readable().await.is_ok() {
            match socket.try_read(&mut ignored) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = timeout(wait, farewell).await;
}

/// On IPv6 and IPv4 together; on a machine without IPv6 on IPv4.
fn either<T>(listen: Listen, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    match open(listen.socket_addr()) {
        Err(error) if listen.ip.is_none() && error.kind() != io::ErrorKind::AddrInUse => {
            open(listen.socket_addr_v4())
        }
        result => result,
    }
}

fn bound(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for the last connections of the one before to time out; a group has many members.
    if kind == Type::STREAM || address.ip().is_multicast() {
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum of the standard library is not exhaustive")]
fn refusal(listen: Listen, key: &str, error: &io::Error) -> StartError {
    let Listen { port, .. } = listen;
    StartError(match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{key}: port {port} is in use by another program. End it (a go2rtc or yeoul that still runs?), or set {key} to \
             another port, such as \":{}\"",
            port.saturating_add(10)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "{key}: this user may not listen on port {port}. Set {key} to a port from 1024 on, or give the program the \
             capability CAP_NET_BIND_SERVICE"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{key}: {listen} is not an address of this machine. Set {key} to one of its own, or to \":{port}\" for all"
        ),
        _ => format!("{key}: cannot listen on {listen}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::{local_ip, tcp, udp};
    use crate::config::Listen;
    use std::net::{Ipv4Addr, SocketAddr};

    #[tokio::test]
    async fn a_port_in_use_is_told_with_what_to_do() {
        let first = tcp(Listen::port(0), "api.listen").expect("a free port");
        let port = first.local_addr().expect("an address").port();
        let error = tcp(Listen::port(port), "api.listen").expect_err("in use").to_string();
        assert!(
            error.starts_with(&format!("api.listen: port {port} is in use by another program.")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn all_addresses_take_both_versions() {
        let socket = udp(Listen::port(0), "webrtc.listen").expect("a free port");
        let address = socket.local_addr().expect("an address");
        let sender = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        sender.send_to(b"x", ("127.0.0.1", address.port())).await.expect("sent");
        let (_, from) = socket.recv_from(&mut [0; 1]).await.expect("received");
        assert_eq!(from.ip().to_canonical(), sender.local_addr().expect("an address").ip());
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_told() {
        let listen = Listen::parse("192.0.2.1:0").expect("an address");
        let error = tcp(listen, "rtsp.listen").expect_err("not ours").to_string();
        assert!(error.starts_with("rtsp.listen: 192.0.2.1:0 is not an address of this machine."), "{error}");
    }

    #[test]
    fn what_reaches_this_machine_is_itself() {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        assert_eq!(local_ip(here).expect("a way"), here.ip());
    }
}
