//! Where a server listens, in go2rtc's forms: `:1984`, `192.168.1.2:1984`, `[::1]:1984`, `localhost:1984`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What [`Listen::parse`] takes, for error sentences.
pub(super) const LISTEN_FORMS: &str =
    "an address to listen on such as \":1984\" or \"127.0.0.1:1984\", or \"\" for none";

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
    pub const fn port(port: u16) -> Self {
        Self { ip: None, port }
    }

    /// Reads `host:port`; the host may be missing, an address, or `localhost`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let ip = match host {
            "" => None,
            "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            host => match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(v6) => Some(IpAddr::V6(v6.parse().ok()?)),
                None => Some(IpAddr::V4(host.parse().ok()?)),
            },
        };
        // A port number alone: `u16` would also take "+80".
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { ip, port: port.parse().ok().filter(|_| digits)? })
    }

    /// The address to bind: all addresses are `[::]`, which takes IPv4 as well unless `IPV6_V6ONLY` is set.
    #[must_use]
    pub fn socket_addr(self) -> SocketAddr {
        SocketAddr::new(self.ip.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), self.port)
    }

    /// The address at which a program on this machine reaches it.
    #[must_use]
    pub fn from_here(self) -> SocketAddr {
        let ip = self.ip.filter(|ip| !ip.is_unspecified());
        SocketAddr::new(ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), self.port)
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

#[cfg(test)]
mod tests {
    use super::Listen;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Listen::parse(text).map(|listen| listen.to_string()).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn go2rtc_forms_are_read() {
        check(":1984", Some(":1984"));
        check("0.0.0.0:8554", Some("0.0.0.0:8554"));
        check("127.0.0.1:18554", Some("127.0.0.1:18554"));
        check("localhost:1984", Some("127.0.0.1:1984"));
        check("[::1]:0", Some("[::1]:0"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "1984", ":", ":70000", ":+80", ":-1", "::1:80", "example.com:80", "[1.2.3.4]:80", "1.2.3:80"]
        {
            check(text, None);
        }
    }
}
