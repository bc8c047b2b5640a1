//! Where this server lets itself be led: which addresses are dialled for whom. Asked after names are resolved, for each
//! connection: for the first, after a redirect, for every file of a playlist.
//!
//! What the configuration names is dialled wherever it is. From there on, the other end names the addresses, and it must not send
//! us to what only this machine can reach (CWE-918). What a caller of the API names is treated so from the start.

use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// Who has named the first address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Who keeps the configuration, or runs the program.
    #[default]
    Owner,
    /// A caller of the API.
    Caller,
}

/// The way of one source over the addresses it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    origin: Origin,
    /// Addresses of our own surroundings that a caller may name all the same.
    allowed: Arc<[IpNet]>,
    /// Where it began.
    first: Option<IpAddr>,
}

/// Why an address is not dialled: a sentence that goes on after the name of the host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nobody can be connected to there.
    #[error("is no address of one machine: {0}")]
    Multicast(IpAddr),
    /// Another machine sends us here.
    #[error("is where {from} sends us, but {to} is an address of our own surroundings")]
    Led { from: IpAddr, to: IpAddr },
    /// A caller of the API sends us here.
    #[error(
        "is at {0}, an address of this machine's own surroundings; such an address has to stand in the configuration, or its network in api.source_networks"
    )]
    Near(IpAddr),
}

impl Route {
    /// Of a source that stands in the configuration.
    pub(crate) fn of_owner() -> Self {
        Self { origin: Origin::Owner, allowed: Arc::default(), first: None }
    }

    /// Of a source that a caller of the API gives. `allowed` are networks of our own surroundings that the configuration opens to
    /// such sources.
    pub(crate) fn of_caller(allowed: Arc<[IpNet]>) -> Self {
        Self { origin: Origin::Caller, allowed, first: None }
    }

    /// Whether `to` may be dialled.
    pub(crate) fn admit(&self, to: IpAddr) -> Result<(), Refusal> {
        let to = to.to_canonical();
        if to.is_multicast() {
            return Err(Refusal::Multicast(to));
        }
        match (self.origin, self.first) {
            (Origin::Owner, None) => Ok(()),
            (Origin::Owner, Some(from)) if is_near(to) && !is_near(from) => Err(Refusal::Led { from, to }),
            (Origin::Owner, Some(_)) => Ok(()),
            (Origin::Caller, _) if is_near(to) && !self.is_allowed(to) => Err(Refusal::Near(to)),
            (Origin::Caller, _) => Ok(()),
        }
    }

    fn is_allowed(&self, to: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&to))
    }

    /// It has come to this address.
    pub(crate) fn came_to(&mut self, address: IpAddr) {
        self.first.get_or_insert(address.to_canonical());
    }
}

/// Where clouds keep their metadata outside of link-local addresses: Alibaba Cloud, Azure, Oracle Cloud.
const CLOUD_METADATA_V4: [[u8; 4]; 3] = [[100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]];
/// The same in IPv6: Scaleway (`fd00:42::42`), Google (`fd20:ce::254`). Homes may have such networks.
const CLOUD_METADATA_V6: [[u16; 8]; 2] =
    [[0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]];
/// Amazon's network for it, `fd00:ec2::/32`, has more than one address.
const AMAZON_METADATA: [u16; 2] = [0xfd00, 0x0ec2];

/// Loopback, link-local (where clouds keep their metadata), unspecified and broadcast addresses, in whichever form they are
/// written: as themselves, mapped or translated into IPv6 (RFC 4291 §2.5.5, RFC 6052, RFC 3056).
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
                || CLOUD_METADATA_V4.contains(&v4.octets())
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h] = v6.segments();
            let v4 = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                IpAddr::from([a, b, c, d])
            };
            let inner = match [a, b, c, d, e, f] {
                [0x64, 0xff9b, 0, 0, 0, 0] | [0, 0, 0, 0, 0, 0] if (g, h) > (0, 1) => Some(v4(g, h)),
                [0x2002, high, low, ..] => Some(v4(high, low)),
                _ => None,
            };
            v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
                || [a, b] == AMAZON_METADATA
                || CLOUD_METADATA_V6.contains(&v6.segments())
                || inner.is_some_and(is_near)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn caller(allowed: &[&str]) -> Route {
        Route::of_caller(allowed.iter().map(|network| network.parse().expect("a network")).collect())
    }

    #[test]
    fn a_camera_cannot_send_us_to_ourselves() {
        let check = |from: &str, to: &str, expected: bool| {
            let mut route = Route::of_owner();
            route.came_to(ip(from));
            assert_eq!(route.admit(ip(to)).is_ok(), expected, "{from} to {to}");
        };
        check("192.168.1.5", "192.168.1.6", true);
        check("203.0.113.1", "192.168.1.6", true);
        check("192.168.1.5", "224.0.0.1", false);
        check("127.0.0.1", "::1", true);
        for near in NEAR {
            check("192.168.1.5", near, false);
        }
    }

    const NEAR: [&str; 18] = [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "0.1.2.3",
        "255.255.255.255",
        "169.254.169.254",
        "::1",
        "::",
        "fe80::1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:42::42",
        "fd20:ce::254",
        "::ffff:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "2002:7f00:1::1",
    ];

    #[test]
    fn the_configuration_may_name_any_address_and_a_caller_may_not() {
        for near in NEAR {
            assert_eq!(Route::of_owner().admit(ip(near)), Ok(()), "{near}");
            assert!(caller(&[]).admit(ip(near)).is_err(), "{near}");
        }
        for far in ["192.168.1.6", "fd00:42::43", "fd20:ce:1::254"] {
            assert_eq!(caller(&[]).admit(ip(far)), Ok(()), "{far}");
        }
        let mut route = caller(&[]);
        route.came_to(ip("192.168.1.6"));
        assert!(route.admit(ip("127.0.0.1")).is_err());
    }

    #[test]
    fn the_configuration_opens_networks_to_callers() {
        let check = |to: &str, expected: bool| {
            assert_eq!(caller(&["127.0.0.0/8"]).admit(ip(to)).is_ok(), expected, "{to}");
        };
        check("127.0.0.1", true);
        check("::ffff:127.0.0.1", true);
        check("::1", false);
        check("169.254.169.254", false);
        check("224.0.0.1", false);
    }
}
