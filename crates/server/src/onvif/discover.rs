//! Finds ONVIF devices: a probe on every interface, twice for what gets lost, and what answers within a time.

use crate::limits::{DISCOVERY_DATAGRAMS, DISCOVERY_DEVICES, DISCOVERY_INTERFACES, DISCOVERY_REPEAT};
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::debug;
use yeoul_onvif::discovery::{Device, GROUP, PORT, Types, devices, probe};
use yeoul_onvif::limits::DATAGRAM_BYTES;

/// The devices that answer within `time`, each once, in the order of their addresses: on every interface, or on the one of this address.
///
/// # Errors
/// If the interfaces of this machine cannot be listed.
pub(super) async fn discover(time: Duration, only: Option<Ipv4Addr>) -> io::Result<Vec<Device>> {
    let until = Instant::now() + time;
    let addresses = if_addrs::get_if_addrs()?.into_iter().filter_map(|interface| match interface.ip() {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    });
    let mut searches = JoinSet::new();
    let addresses = addresses.filter(|address| only.is_none_or(|only| only == *address));
    for address in addresses.take(DISCOVERY_INTERFACES) {
        searches.spawn(async move {
            let mut found = Vec::new();
            if let Err(error) = search(address, until, &mut found).await {
                debug!(target: "onvif", "no search on {address}: {error}");
            }
            found
        });
    }
    let mut all = BTreeMap::new();
    for device in searches.join_all().await.into_iter().flatten() {
        let host = device.url.host_str().and_then(|host| host.parse::<Ipv4Addr>().ok());
        all.entry((host, device.url.to_string())).or_insert(device);
    }
    Ok(all.into_values().take(DISCOVERY_DEVICES).collect())
}

async fn search(interface: Ipv4Addr, until: Instant, found: &mut Vec<Device>) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_multicast_if_v4(&interface)?;
    socket.bind(&SocketAddrV4::new(interface, 0).into())?;
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from_std(socket.into())?;
    let probes = [Types::NetworkVideoTransmitter, Types::Any].map(|types| probe(&uuid(), types));
    let mut datagram = vec![0; DATAGRAM_BYTES];
    let mut left = DISCOVERY_DATAGRAMS;
    // SOAP-over-UDP §4.1: the same message again, so that devices know it.
    for end in [(Instant::now() + DISCOVERY_REPEAT).min(until), until] {
        for probe in &probes {
            socket.send_to(probe.as_bytes(), (GROUP, PORT)).await?;
        }
        while left > 0
            && let Ok(received) = timeout_at(end, socket.recv_from(&mut datagram)).await
        {
            left -= 1;
            let (count, from) = received?;
            found.extend(devices(&datagram[..count], from.ip()));
            found.truncate(DISCOVERY_DEVICES);
        }
    }
    Ok(())
}

/// A random UUID (RFC 9562 §5.4).
fn uuid() -> String {
    let number = u128::from_be_bytes(crate::random::bytes()) & !(0xf000 << 64) & !(0xc000 << 48)
        | 0x4000 << 64
        | 0x8000 << 48;
    let text = format!("{number:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_is_one_of_random_numbers() {
        let (one, two) = (super::uuid(), super::uuid());
        assert_ne!(one, two);
        let parts: Vec<&str> = one.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{one}");
    }
}
