//! WS-Discovery (April 2005) as ONVIF uses it (ONVIF Core §7): a probe to all, the answers of devices.
//!
//! Left out: Hello and Bye, Resolve, discovery proxies, IPv6.

use crate::limits::{ADDRESSES, DATAGRAM_BYTES, MATCHES};
use crate::soap::printable;
use crate::xml::{Element, escape};
use percent_encoding::percent_decode_str;
use std::net::{IpAddr, Ipv4Addr};
use url::{Host, Url};

/// Where devices listen for probes.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);

/// The port there.
pub const PORT: u16 = 3702;

/// Whom a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// Cameras (ONVIF Core §7.3.2.1): some answer to nothing else.
    NetworkVideoTransmitter,
    /// Everybody: some cameras answer to no type at all. Printers answer as well.
    Any,
}

/// A device that has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Where its device service is.
    pub url: Url,
    /// Its name, of its scopes; may be empty.
    pub name: String,
    /// Its model, of its scopes; may be empty.
    pub hardware: String,
}

/// A probe. `message_id` is a UUID in its text form, new for each probe.
#[must_use]
pub fn probe(message_id: &str, types: Types) -> String {
    let types = match types {
        Types::NetworkVideoTransmitter => "<d:Types>dn:NetworkVideoTransmitter</d:Types>",
        Types::Any => "<d:Types/>",
    };
    let message_id = escape(message_id);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" \
         xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\"><s:Header>\
         <a:Action s:mustUnderstand=\"1\">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>\
         <a:MessageID>urn:uuid:{message_id}</a:MessageID>\
         <a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>\
         <a:To s:mustUnderstand=\"1\">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>\
         <s:Body><d:Probe>{types}</d:Probe></s:Body></s:Envelope>"
    )
}

/// The ONVIF devices that a datagram from `sender` tells of; none if it is something else.
#[must_use]
pub fn devices(datagram: &[u8], sender: IpAddr) -> Vec<Device> {
    if datagram.len() > DATAGRAM_BYTES {
        return Vec::new();
    }
    let Ok(root) = Element::parse(datagram) else { return Vec::new() };
    let Some(matches) = root.at(&["Body", "ProbeMatches"]) else { return Vec::new() };
    matches.children_named("ProbeMatch").take(MATCHES).filter_map(|found| device(found, sender)).collect()
}

fn device(found: &Element, sender: IpAddr) -> Option<Device> {
    let scopes = found.text_at(&["Scopes"]).unwrap_or_default();
    let types = found.text_at(&["Types"]).unwrap_or_default();
    // Not printers, which speak WS-Discovery as well.
    let is_camera = scopes.contains("onvif://www.onvif.org") || types.contains("NetworkVideoTransmitter");
    let url = address(found.text_at(&["XAddrs"])?, sender).filter(|_| is_camera)?;
    let scope = |category: &str| {
        let prefix = format!("onvif://www.onvif.org/{category}/");
        let value = scopes.split_whitespace().find_map(|scope| scope.strip_prefix(&prefix));
        printable(&percent_decode_str(value.unwrap_or_default()).decode_utf8_lossy())
    };
    Some(Device { url, name: scope("name"), hardware: scope("hardware") })
}

/// Of the addresses that a device tells, the one by which it has answered; else the first of IPv4, else the first.
fn address(addresses: &str, sender: IpAddr) -> Option<Url> {
    let urls = addresses.split_whitespace().take(ADDRESSES).filter_map(|text| Url::parse(text).ok());
    let mut urls: Vec<Url> = urls.filter(|url| url.scheme() == "http" && url.has_host()).collect();
    for url in &mut urls {
        // Some firmware does not know its own address: http://0.0.0.0:8080/onvif/device_service.
        if url.host() == Some(Host::Ipv4(Ipv4Addr::UNSPECIFIED)) {
            let _ = url.set_ip_host(sender);
        }
        let _ = (url.set_username(""), url.set_password(None));
    }
    let rank = |url: &Url| match url.host() {
        Some(Host::Ipv4(v4)) if IpAddr::V4(v4) == sender => 0,
        Some(Host::Ipv4(_)) => 1,
        Some(Host::Ipv6(_) | Host::Domain(_)) | None => 2,
    };
    urls.into_iter().min_by_key(rank)
}
