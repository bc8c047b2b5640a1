//! MPEG transport streams over UDP as sources: `udp://:1234`, `udp://@239.0.0.1:1234`, bare or in RTP (RFC 2250 §2), which the first
//! byte of a datagram tells.
//!
//! Left out: source-specific multicast, forward error correction (SMPTE 2022-1).

mod limits;
mod receive;
#[cfg(test)]
mod tests;

use crate::bytes::Intake;
use crate::config::Listen;
use crate::limits::SOURCE_SILENCE;
use crate::sockets;
use crate::streams::{DialError, ErrorKind};
use limits::{UDP_LOSS_REPORT, UDP_READ_BYTES, UDP_SOCKET_BYTES, UDP_TIMEOUT};
use receive::{Datagrams, Unreadable};
use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use yeoul_container::sniff::Form;
use yeoul_hub::{Attach, Label};

/// Where a transport stream comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// As written.
    text: String,
    /// An address of this machine, or a group.
    listen: Listen,
    /// The address of the network at which a group is joined; without one the system chooses.
    interface: Option<Ipv4Addr>,
    /// Who alone is listened to.
    from: Option<IpAddr>,
    timeout: Duration,
}

/// Why a text names no such source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(
        "expected a port such as udp://:1234, an address of this machine and a port, or a group such as udp://@239.0.0.1:1234"
    )]
    Address,
    #[error("#{name}={value}: expected {expected}")]
    Parameter { name: &'static str, value: String, expected: &'static str },
    #[error("#{0} means nothing to a UDP source; known are from, interface and timeout")]
    Unknown(String),
}

impl Source {
    /// Reads `udp://:1234#timeout=5`, `udp://@239.0.0.1:1234#interface=192.168.1.2#from=192.168.1.9`.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let mut parts = text.split('#');
        let address = parts.next().unwrap_or_default().trim();
        let address = address.split_once("://").map_or("", |(_, address)| address);
        let listen = Listen::parse(address.trim_start_matches('@').trim_end_matches('/'));
        let listen = listen.filter(|listen| listen.port > 0).ok_or(SourceError::Address)?;
        let mut source =
            Self { text: text.to_owned(), listen, interface: None, from: None, timeout: SOURCE_SILENCE };
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let refused = |name, expected| SourceError::Parameter { name, value: value.to_owned(), expected };
            match name {
                "interface" => {
                    let expected = "the IPv4 address of a network of this machine such as 192.168.1.2";
                    source.interface = Some(value.parse().map_err(|_| refused("interface", expected))?);
                }
                "from" => {
                    let expected = "the address of the sender such as 192.168.1.9";
                    source.from = Some(value.parse().map_err(|_| refused("from", expected))?);
                }
                "timeout" => {
                    let seconds = value.parse().ok().filter(|seconds| UDP_TIMEOUT.contains(seconds));
                    let seconds = seconds.ok_or_else(|| refused("timeout", "1 to 3600 seconds"))?;
                    source.timeout = Duration::from_secs(seconds);
                }
                _ => return Err(SourceError::Unknown(name.to_owned())),
            }
        }
        Ok(source)
    }

    /// The socket, a member of the group if it is one.
    fn bind(&self) -> Result<UdpSocket, DialError> {
        let port = self.listen.port;
        let socket = sockets::udp_at(self.listen).map_err(|error| {
            let text = if error.kind() == io::ErrorKind::AddrInUse {
                format!("port {port} is in use by another program, or by another stream of this server")
            } else if error.kind() == io::ErrorKind::AddrNotAvailable {
                format!("{} is no address of this machine, nor a group", self.listen)
            } else {
                format!("cannot receive on {}: {error}", self.listen)
            };
            DialError::new(ErrorKind::Unsupported, text)
        })?;
        // Without it bursts are lost; where the system allows less, it is as much as it allows.
        let _ = SockRef::from(&socket).set_recv_buffer_size(UDP_SOCKET_BYTES);
        let joined = match self.listen.ip.filter(IpAddr::is_multicast) {
            Some(IpAddr::V4(group)) => {
                socket.join_multicast_v4(group, self.interface.unwrap_or(Ipv4Addr::UNSPECIFIED))
            }
            Some(IpAddr::V6(group)) => socket.join_multicast_v6(&group, 0),
            None => Ok(()),
        };
        joined.map_err(|error| {
            let text = format!("cannot join the group of {}: {error}", self.listen);
            DialError::new(ErrorKind::Retry, text)
        })?;
        Ok(socket)
    }
}

/// As written: there is nothing secret in it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Publishes what comes until nothing has come for too long, or `hang_up` is cancelled.
pub(crate) async fn run(
    source: &Source,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let socket = source.bind()?;
    attach.progress(format!("waiting for a transport stream on {}", source.listen));
    tokio::select! {
        result = receive(source, &socket, attach) => result,
        () = hang_up.cancelled() => Ok(()),
    }
}

async fn receive(source: &Source, socket: &UdpSocket, attach: Attach) -> Result<(), DialError> {
    let failed = |kind, text: String| DialError::new(kind, format!("{} {text}", source.listen));
    let mut bytes = vec![0; UDP_READ_BYTES];
    let mut datagrams = Datagrams::new(source.from);
    let mut waiting = Some(attach);
    let mut intake: Option<Intake> = None;
    let mut losses = Losses::default();
    let mut last = Instant::now();
    loop {
        let silent_at = last + source.timeout;
        let turn = datagrams.next_timeout().map_or(silent_at, |turn| turn.min(silent_at));
        let received = timeout_at(turn.into(), socket.recv_from(&mut bytes)).await;
        let now = Instant::now();
        match received {
            Err(_) if now < silent_at => {}
            Err(_) => {
                let text = format!("has received nothing for {} s", source.timeout.as_secs());
                return Err(failed(ErrorKind::Retry, text));
            }
            Ok(Err(error)) => return Err(failed(ErrorKind::Retry, format!("cannot receive: {error}"))),
            Ok(Ok((length, from))) => match datagrams.push(now, from, &bytes[..length]) {
                Ok(true) => last = now,
                Ok(false) => {}
                Err(unreadable) => return Err(failed(ErrorKind::Unsupported, unreadable_text(&unreadable))),
            },
        }
        while let Some(packets) = datagrams.pop(now) {
            if let Some(attach) = waiting.take() {
                let remote = datagrams.sender().map(|sender| sender.to_string()).unwrap_or_default();
                let protocol = if datagrams.is_rtp() { "rtp+udp" } else { "udp" };
                let label = Label { protocol: protocol.to_owned(), remote, ..Label::default() };
                let mut new = Intake::new(attach, label);
                new.expect(Form::MpegTs);
                intake = Some(new);
            }
            if let Some(intake) = &mut intake {
                let pushed = intake.push(&packets);
                pushed.map_err(|error| {
                    failed(error.kind, format!("receives what cannot be read: {}", error.text))
                })?;
                losses.report(source, intake.lost_packets(), now);
            }
        }
    }
}

fn unreadable_text(unreadable: &Unreadable) -> String {
    match unreadable {
        Unreadable::Foreign(head) => format!(
            "receives what is neither an MPEG transport stream nor one in RTP; it begins with \"{}\"",
            head.escape_ascii()
        ),
        Unreadable::PayloadType(number) => format!(
            "receives RTP of payload type {number}, expected MPEG-TS (33); a session description names other tracks, which udp:// has not"
        ),
    }
}

/// Packets that were lost, told now and then.
#[derive(Default)]
struct Losses {
    told: u64,
    told_at: Option<Instant>,
}

impl Losses {
    fn report(&mut self, source: &Source, lost: u64, now: Instant) {
        if lost > self.told
            && self.told_at.is_none_or(|at| now.saturating_duration_since(at) > UDP_LOSS_REPORT)
        {
            warn!(target: "udp", "{}: {lost} packets of the transport stream are missing so far", source.listen);
            (self.told, self.told_at) = (lost, Some(now));
        }
    }
}
