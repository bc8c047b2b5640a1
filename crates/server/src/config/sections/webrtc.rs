//! Section `webrtc`.

use super::{parsed, texts};
use crate::config::node::Node;
use crate::config::reader::Reader;
use crate::config::{Candidate, Filters, Listen, Network, WebRtc};
use crate::limits::WEBRTC_CANDIDATES;
use std::net::{IpAddr, SocketAddr};

const KEYS: &[&str] = &["listen", "candidates", "ice_servers", "filters"];
const FILTERS: &[&str] = &["candidates", "loopback", "interfaces", "ips", "networks", "udp_ports"];
const ICE_SERVER: &[&str] = &["urls", "username", "credential"];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, webrtc: &mut WebRtc) {
    for (key, node) in reader.map(node, "webrtc") {
        let path = format!("webrtc.{}", key.text);
        match key.text.as_str() {
            "listen" => read_listen(reader, node, &path, webrtc),
            "candidates" => read_candidates(reader, node, &path, webrtc),
            "ice_servers" => read_ice_servers(reader, node, &path),
            "filters" => read_filters(reader, node, &mut webrtc.filters),
            _ => reader.unknown(key, "webrtc", KEYS),
        }
    }
}

/// As everywhere, or with `/udp` or `/tcp` behind it.
fn read_listen(reader: &mut Reader<'_>, node: &Node, path: &str, webrtc: &mut WebRtc) {
    const EXPECTED: &str =
        "an address to listen on such as \":8555\", \":8555/tcp\" or \":8555/udp\", or \"\" for none";
    let parsed = reader.parse(node, path, EXPECTED, |text| {
        let (address, udp, tcp) = match text.rsplit_once('/') {
            Some((address, "udp")) => (address, true, false),
            Some((address, "tcp")) => (address, false, true),
            Some(_) => return None,
            None => (text, true, true),
        };
        match address {
            "" => Some((None, udp, tcp)),
            address => Some((Some(Listen::parse(address)?), udp, tcp)),
        }
    });
    if let Some(parsed) = parsed {
        (webrtc.listen, webrtc.udp, webrtc.tcp) = parsed;
    }
}

fn read_candidates(reader: &mut Reader<'_>, node: &Node, path: &str, webrtc: &mut WebRtc) {
    const EXPECTED: &str = "host:port, such as 203.0.113.7:8555 or home.example.com:8555";
    let Some(items) = reader.list(node, path) else { return };
    if items.len() > WEBRTC_CANDIDATES {
        reader.fail(
            &node.place,
            format!("{path}: {} addresses; at most {WEBRTC_CANDIDATES} are taken", items.len()),
        );
        return;
    }
    webrtc.candidates.clear();
    for item in items {
        match reader.parse(item, path, EXPECTED, candidate) {
            Some(Candidate::Name { host, .. }) if host == "stun" => {
                reader.warn(&item.place, format!("{path}: asking a STUN server for the public address is not supported yet; name the address itself"));
            }
            Some(candidate) => webrtc.candidates.push(candidate),
            None => {}
        }
    }
}

fn candidate(text: &str) -> Option<Candidate> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() > 0).then_some(Candidate::Address(address));
    }
    let (host, port) = text.rsplit_once(':')?;
    let valid =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    let port = port.parse().ok().filter(|&port| port > 0)?;
    // "1.2.3:80" is a slip of the pen, not a name.
    let is_number = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    (valid && !is_number).then(|| Candidate::Name { host: host.to_ascii_lowercase(), port })
}

/// Empty is what Yeoul does: it asks nobody outside for its addresses.
fn read_ice_servers(reader: &mut Reader<'_>, node: &Node, path: &str) {
    let Some(items) = reader.list(node, path) else { return };
    for item in items {
        for (key, value) in reader.map(item, path) {
            match key.text.as_str() {
                "urls" => drop(texts(reader, value, "webrtc.ice_servers.urls")),
                "username" => drop(reader.private_text(value, "webrtc.ice_servers.username")),
                "credential" => drop(reader.secret(value, "webrtc.ice_servers.credential")),
                _ => reader.unknown(key, path, ICE_SERVER),
            }
        }
    }
    if !items.is_empty() {
        reader.warn(&node.place, format!("{path}: STUN and TURN servers are not used yet"));
    }
}

fn read_filters(reader: &mut Reader<'_>, node: &Node, filters: &mut Filters) {
    const ADDRESS: &str = "an IP address";
    const NETWORK: &str = "udp4, udp6, tcp4 or tcp6";
    let address = |text: &str| text.parse::<IpAddr>().ok();
    for (key, node) in reader.map(node, "webrtc.filters") {
        let path = format!("webrtc.filters.{}", key.text);
        match key.text.as_str() {
            "candidates" => filters.candidates = parsed(reader, node, &path, ADDRESS, address),
            "loopback" => filters.loopback = reader.boolean(node, &path).unwrap_or(filters.loopback),
            "interfaces" => filters.interfaces = texts(reader, node, &path),
            "ips" => filters.ips = parsed(reader, node, &path, ADDRESS, address),
            "networks" => filters.networks = parsed(reader, node, &path, NETWORK, network),
            // All viewers share the port of `listen`: there are no other ports to choose.
            "udp_ports" => {
                reader.warn(&key.place, format!("{path} has no effect: all viewers share one port"))
            }
            _ => reader.unknown(key, "webrtc.filters", FILTERS),
        }
    }
}

fn network(text: &str) -> Option<Network> {
    match text {
        "udp4" => Some(Network::Udp4),
        "udp6" => Some(Network::Udp6),
        "tcp4" => Some(Network::Tcp4),
        "tcp6" => Some(Network::Tcp6),
        _ => None,
    }
}
