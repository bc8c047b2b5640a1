//! Where a server listens, in go2rtc's forms: `:1984`, `192.168.1.2:1984`, `[::1]:1984`, `localhost:1984`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// One address of this machine; `None` means all of them, IPv4 and IPv6.
    pub ip: Option<IpAddr>,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl Listen {
    /// All addresses of this machine.
    #[must_use]
    pub fn port(port: u16) -> Self {
        Self { ip: None, port }
    }

    /// The address to bind: all addresses are `[::]`, which takes IPv4 as well unless `IPV6_V6ONLY` is set.
    #[must_use]
    pub fn socket_addr(self) -> SocketAddr {
        SocketAddr::new(self.ip.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), self.port)
    }

    /// The address to bind where the machine has no IPv6.
    #[must_use]
    pub fn socket_addr_v4(self) -> SocketAddr {
        SocketAddr::new(self.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), self.port)
    }
}

/// As in the configuration: `:1984`, `192.168.1.2:1984`, `[::1]:1984`.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            None => write!(f, ":{}", self.port),
            Some(ip) => write!(f, "{}", SocketAddr::new(ip, self.port)),
        }
    }
}
