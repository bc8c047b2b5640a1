//! The addresses that viewers are told.

use super::socket::Sockets;
use crate::config::{self, Filters, Network};
use std::net::{IpAddr, SocketAddr};
use tokio::net::lookup_host;
use tracing::{debug, warn};
use yeoul_webrtc::Transport;

/// Where viewers can reach this server, for one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    /// Of this machine.
    pub(super) host: Vec<(Transport, SocketAddr)>,
    /// Configured: they lead here.
    pub(super) mapped: Vec<(Transport, SocketAddr)>,
}

/// Finds the addresses of this machine for each answer anew: interfaces come and go.
#[derive(Debug)]
pub(super) struct Candidates {
    bound: SocketAddr,
    udp: bool,
    tcp: bool,
    configured: Vec<config::Candidate>,
    filters: Filters,
}

impl Candidates {
    pub(super) fn new(config: &config::WebRtc, sockets: &Sockets) -> Self {
        Self {
            bound: sockets.bound,
            udp: config.udp,
            tcp: config.tcp,
            configured: config.candidates.clone(),
            filters: config.filters.clone(),
        }
    }

    /// Those for servers that we call: by UDP always. The configured ones lead to where we listen.
    pub(super) fn calling(config: &config::WebRtc, sockets: &Sockets) -> Self {
        let listening = Self::new(config, sockets);
        let configured = if config.udp { listening.configured } else { Vec::new() };
        Self { bound: sockets.calling, udp: true, tcp: false, configured, ..listening }
    }

    /// The addresses for a viewer that called the API at `called`, an address of ours.
    pub(super) async fn addresses(&self, called: Option<IpAddr>) -> Addresses {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
            warn!(target: "webrtc", "cannot list the network interfaces: {error}");
            Vec::new()
        });
        let found: Vec<(String, IpAddr)> =
            interfaces.into_iter().map(|interface| (interface.name.clone(), interface.ip())).collect();
        let ips = select(&found, &self.filters, self.bound.ip(), called);
        let host = self.with_transports(ips.iter().map(|ip| SocketAddr::new(*ip, self.bound.port())));
        let mut mapped = Vec::new();
        for candidate in &self.configured {
            match candidate {
                config::Candidate::Address(address) => mapped.push(*address),
                config::Candidate::Name { host, port } => match lookup_host((host.as_str(), *port)).await {
                    Ok(found) => mapped.extend(found),
                    Err(error) => warn!(target: "webrtc", "webrtc.candidates: {host} is not found: {error}"),
                },
            }
        }
        mapped.retain(|address| !ips.contains(&address.ip()));
        let addresses = Addresses { host, mapped: self.with_transports(mapped.into_iter()) };
        debug!(target: "webrtc", "candidates: {addresses:?}");
        addresses
    }

    fn with_transports(&self, addresses: impl Iterator<Item = SocketAddr>) -> Vec<(Transport, SocketAddr)> {
        let allowed = |transport: Transport, address: &SocketAddr| {
            let network = match (transport, address.is_ipv4()) {
                (Transport::Udp, true) => Network::Udp4,
                (Transport::Udp, false) => Network::Udp6,
                (Transport::Tcp, true) => Network::Tcp4,
                (Transport::Tcp, false) => Network::Tcp6,
            };
            let open = match transport {
                Transport::Udp => self.udp,
                Transport::Tcp => self.tcp,
            };
            open && self.filters.networks.as_ref().is_none_or(|networks| networks.contains(&network))
        };
        addresses
            .flat_map(|address| [(Transport::Udp, address), (Transport::Tcp, address)])
            .filter(|(transport, address)| allowed(*transport, address))
            .collect()
    }
}

/// The addresses to tell, the best first: the one the viewer called us by, then IPv4 before IPv6.
fn select(
    found: &[(String, IpAddr)],
    filters: &Filters,
    bound: IpAddr,
    called: Option<IpAddr>,
) -> Vec<IpAddr> {
    let wanted = |interface: &str, ip: IpAddr| {
        filters.interfaces.as_ref().is_none_or(|names| names.iter().any(|name| name == interface))
            && filters.ips.as_ref().is_none_or(|ips| ips.contains(&ip))
            && filters.candidates.as_ref().is_none_or(|ips| ips.contains(&ip))
            && (bound.is_unspecified() || bound == ip)
            && is_usable(ip)
    };
    let mut ips: Vec<IpAddr> = Vec::new();
    for (name, ip) in found {
        if wanted(name, *ip) && !ips.contains(ip) {
            ips.push(*ip);
        }
    }
    // Loopback serves a viewer on this machine; for others it only costs checks that fail.
    let called_loopback = called.is_some_and(|ip| ip.is_loopback());
    let only_loopback = ips.iter().all(IpAddr::is_loopback);
    if !(filters.loopback || called_loopback || only_loopback) {
        ips.retain(|ip| !ip.is_loopback());
    }
    ips.sort_by_key(|ip| (Some(*ip) != called, ip.is_ipv6()));
    ips
}

/// Link-local addresses need a scope, which a candidate cannot tell.
fn is_usable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: &str = "::";

    fn check(filters: &Filters, bound: &str, called: Option<&str>, expected: &[&str]) {
        let found = [
            ("lo", "127.0.0.1"),
            ("lo", "::1"),
            ("eth0", "2001:db8::5"),
            ("eth0", "fe80::5"),
            ("eth0", "192.168.1.5"),
            ("wlan0", "192.168.2.5"),
        ]
        .map(|(name, ip)| (name.to_owned(), ip.parse().expect("an address")));
        let called = called.map(|ip| ip.parse().expect("an address"));
        let got = select(&found, filters, bound.parse().expect("an address"), called);
        let got: Vec<String> = got.iter().map(ToString::to_string).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn every_usable_address_is_told_and_the_called_one_first() {
        check(&Filters::default(), ANY, None, &["192.168.1.5", "192.168.2.5", "2001:db8::5"]);
        check(&Filters::default(), ANY, Some("192.168.2.5"), &["192.168.2.5", "192.168.1.5", "2001:db8::5"]);
    }

    #[test]
    fn loopback_is_told_to_a_viewer_on_this_machine() {
        check(
            &Filters::default(),
            ANY,
            Some("127.0.0.1"),
            &["127.0.0.1", "192.168.1.5", "192.168.2.5", "::1", "2001:db8::5"],
        );
        check(&Filters::default(), "127.0.0.1", None, &["127.0.0.1"]);
    }

    #[test]
    fn filters_leave_only_what_they_name() {
        let interfaces = Some(vec!["wlan0".to_owned()]);
        check(&Filters { interfaces, ..Filters::default() }, ANY, None, &["192.168.2.5"]);
        let ips = Some(vec!["2001:db8::5".parse().expect("an address")]);
        check(&Filters { ips, ..Filters::default() }, ANY, None, &["2001:db8::5"]);
        check(&Filters { candidates: Some(Vec::new()), ..Filters::default() }, ANY, None, &[]);
    }
}
