//! The Transport header (RFC 2326 §12.39): how a track's packets travel.
//!
//! Left out: `layers`, `append` and the addresses of RTSP/2.0.

use crate::limits;
use std::fmt;

/// One alternative of a Transport header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// How packets are protected and fed back.
    pub profile: Profile,
    /// What carries them.
    pub lower: Lower,
    /// Who receives them.
    pub delivery: Delivery,
    /// Interleaved channels of RTP and RTCP.
    pub interleaved: Option<(u8, u8)>,
    /// The client's UDP ports for RTP and RTCP.
    pub client_port: Option<(u16, u16)>,
    /// The server's UDP ports for RTP and RTCP.
    pub server_port: Option<(u16, u16)>,
    /// Multicast ports for RTP and RTCP.
    pub port: Option<(u16, u16)>,
    /// Where packets come from, if not from the peer of the control connection.
    pub source: Option<String>,
    /// Where packets go, if not to the peer of the control connection.
    pub destination: Option<String>,
    /// Hops of multicast packets.
    pub ttl: Option<u8>,
    /// The sender's synchronisation source.
    pub ssrc: Option<u32>,
    /// Who sends media; `PLAY` where it is not named.
    pub mode: Option<Mode>,
}

/// RTP profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RFC 3551.
    Avp,
    /// With feedback, RFC 4585.
    Avpf,
    /// Encrypted, RFC 3711.
    Savp,
    /// Encrypted with feedback, RFC 5124.
    Savpf,
    /// Anything else, as `protocol/profile`.
    Other(String),
}

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lower {
    /// Datagrams.
    Udp,
    /// The control connection, interleaved.
    Tcp,
}

/// One receiver or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// One receiver. Also where neither is named: the standard says multicast, no camera means it.
    Unicast,
    /// A group.
    Multicast,
}

/// Who sends media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The server.
    Play,
    /// The client.
    Record,
}

/// An alternative of a Transport header that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The first part is not `RTP/profile[/lower]`.
    #[error("expected a transport such as RTP/AVP/TCP, got {0:?}")]
    Protocol(String),
    /// A port or channel range does not parse.
    #[error("expected {0}=first-second, got {1:?}")]
    Pair(&'static str, String),
    /// There is no alternative at all.
    #[error("the Transport header is empty")]
    Empty,
}

impl Transport {
    /// RTP/AVP to one receiver, nothing else said.
    #[must_use]
    pub const fn new(lower: Lower) -> Self {
        Self {
            profile: Profile::Avp,
            lower,
            delivery: Delivery::Unicast,
            interleaved: None,
            client_port: None,
            server_port: None,
            port: None,
            source: None,
            destination: None,
            ttl: None,
            ssrc: None,
            mode: None,
        }
    }

    /// The alternatives in the order of preference; those that cannot be understood are left out.
    ///
    /// # Errors
    /// The first alternative's error, if none can be understood.
    pub fn parse_all(value: &str) -> Result<Vec<Self>, TransportError> {
        let mut error = TransportError::Empty;
        let mut found = Vec::new();
        for alternative in split_outside_quotes(value, ',').take(limits::LIST_ENTRIES) {
            match Self::parse(alternative) {
                Ok(transport) => found.push(transport),
                Err(failed) if error == TransportError::Empty => error = failed,
                Err(_) => {}
            }
        }
        if found.is_empty() { Err(error) } else { Ok(found) }
    }

    /// One alternative.
    ///
    /// # Errors
    /// If the protocol, a port or a channel cannot be understood. Another value that makes no sense is left out.
    pub fn parse(value: &str) -> Result<Self, TransportError> {
        let mut parts = split_outside_quotes(value, ';').map(str::trim);
        let (profile, lower) = parse_protocol(parts.next().unwrap_or_default())?;
        let mut transport = Self { profile, ..Self::new(lower) };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "unicast" => transport.delivery = Delivery::Unicast,
                "multicast" => transport.delivery = Delivery::Multicast,
                "interleaved" => transport.interleaved = Some(parse_pair("interleaved", value)?),
                "client_port" => transport.client_port = Some(parse_pair("client_port", value)?),
                "server_port" => transport.server_port = Some(parse_pair("server_port", value)?),
                "port" => transport.port = Some(parse_pair("port", value)?),
                "source" => transport.source = parse_host(value),
                "destination" => transport.destination = parse_host(value),
                "ttl" => transport.ttl = value.parse().ok(),
                // Hikvision pads a short one with a space: `ssrc= d6d6627`.
                "ssrc" => transport.ssrc = u32::from_str_radix(value, 16).ok(),
                "mode" => transport.mode = parse_mode(value),
                _ => {}
            }
        }
        Ok(transport)
    }
}

fn parse_protocol(value: &str) -> Result<(Profile, Lower), TransportError> {
    let error = || TransportError::Protocol(value.chars().take(80).collect());
    let upper = value.to_ascii_uppercase();
    let mut parts = upper.split('/');
    let (protocol, profile) = (parts.next().unwrap_or_default(), parts.next().ok_or_else(error)?);
    let profile = match (protocol, profile) {
        ("RTP", "AVP") => Profile::Avp,
        ("RTP", "AVPF") => Profile::Avpf,
        ("RTP", "SAVP") => Profile::Savp,
        ("RTP", "SAVPF") => Profile::Savpf,
        _ if [protocol, profile].into_iter().all(is_word) => Profile::Other(format!("{protocol}/{profile}")),
        _ => return Err(error()),
    };
    match parts.next() {
        None | Some("UDP") => Ok((profile, Lower::Udp)),
        Some("TCP") => Ok((profile, Lower::Tcp)),
        Some(_) => Err(error()),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+'))
}

fn parse_host(value: &str) -> Option<String> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '%' | '[' | ']');
    (!value.is_empty() && value.chars().all(is_host)).then(|| value.to_owned())
}

fn parse_mode(value: &str) -> Option<Mode> {
    match value.split(',').next()?.trim().to_ascii_lowercase().as_str() {
        "play" => Some(Mode::Play),
        "record" | "receive" => Some(Mode::Record),
        _ => None,
    }
}

/// `first-second`, or `first` alone, whose second is the number after it.
fn parse_pair<T: Copy + Into<u32> + TryFrom<u32>>(
    name: &'static str,
    value: &str,
) -> Result<(T, T), TransportError> {
    let number = |text: &str| -> Option<T> { T::try_from(text.trim().parse::<u32>().ok()?).ok() };
    let pair = match value.split_once('-') {
        Some((first, second)) => number(first).zip(number(second)),
        None => number(value).and_then(|first| Some((first, T::try_from(first.into() + 1).ok()?))),
    };
    pair.ok_or_else(|| TransportError::Pair(name, value.chars().take(80).collect()))
}

fn split_outside_quotes(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avp => "RTP/AVP",
            Self::Avpf => "RTP/AVPF",
            Self::Savp => "RTP/SAVP",
            Self::Savpf => "RTP/SAVPF",
            Self::Other(other) => other,
        })
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.profile)?;
        f.write_str(match self.lower {
            Lower::Udp => "",
            Lower::Tcp => "/TCP",
        })?;
        f.write_str(match self.delivery {
            Delivery::Unicast => ";unicast",
            Delivery::Multicast => ";multicast",
        })?;
        for (name, value) in [("destination", &self.destination), ("source", &self.source)] {
            if let Some(value) = value {
                write!(f, ";{name}={value}")?;
            }
        }
        if let Some((rtp, rtcp)) = self.interleaved {
            write!(f, ";interleaved={rtp}-{rtcp}")?;
        }
        for (name, ports) in
            [("port", self.port), ("client_port", self.client_port), ("server_port", self.server_port)]
        {
            if let Some((rtp, rtcp)) = ports {
                write!(f, ";{name}={rtp}-{rtcp}")?;
            }
        }
        if let Some(ttl) = self.ttl {
            write!(f, ";ttl={ttl}")?;
        }
        if let Some(ssrc) = self.ssrc {
            write!(f, ";ssrc={ssrc:08X}")?;
        }
        match self.mode {
            None => Ok(()),
            Some(Mode::Play) => f.write_str(";mode=\"PLAY\""),
            // RFC 2326 §12.39 has it in quotes; FFmpeg that listens (`-rtsp_flags listen`) knows it without them only.
            Some(Mode::Record) => f.write_str(";mode=record"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: &str, expected: &str) {
        let transports = Transport::parse_all(value).expect("a transport");
        let written: Vec<String> = transports.iter().map(ToString::to_string).collect();
        assert_eq!(written.join(","), expected, "{value:?}");
    }

    #[test]
    fn transports_of_cameras_are_read() {
        check(
            "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=4cacc3d1;mode=\"play\"", // Hikvision
            "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=4CACC3D1;mode=\"PLAY\"",
        );
        check(
            "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc= d6d6627",
            "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=0D6D6627",
        );
        check(
            "RTP/AVP/TCP;unicast;destination=192.168.1.210;source=192.168.1.110;interleaved=2-3", // GW Security
            "RTP/AVP/TCP;unicast;destination=192.168.1.210;source=192.168.1.110;interleaved=2-3",
        );
        check(
            "RTP/AVP;unicast;mode=PLAY;source=127.0.0.1;client_port=18714-18715;server_port=40004-40005;ssrc=0", // H264DVR
            "RTP/AVP;unicast;source=127.0.0.1;client_port=18714-18715;server_port=40004-40005;ssrc=00000000;mode=\"PLAY\"",
        );
        check(
            "RTP/AVP/TCP;ssrc=22345684;interleaved=0-1",
            "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=22345684",
        ); // Luckfox
    }

    #[test]
    fn alternatives_keep_their_order_and_unknown_ones_are_left_out() {
        check(
            "RTP/AVP/UDP;unicast;client_port=3056-3057;mode=\"PLAY,RECORD\", RAW/RAW/SCTP;x, RTP/AVP/TCP;interleaved=2",
            "RTP/AVP;unicast;client_port=3056-3057;mode=\"PLAY\",RTP/AVP/TCP;unicast;interleaved=2-3",
        );
        check("RTP/AVP;source=\"h\";destination=a=\"b,c\"", "RTP/AVP;unicast;source=h");
        assert!(Transport::parse_all("RTP/A\"").is_err(), "no quote in a profile");
        assert_eq!(Transport::parse_all("x"), Err(TransportError::Protocol("x".to_owned())));
        assert_eq!(
            Transport::parse_all("RTP/AVP/TCP;interleaved=254-256").map_err(|error| error.to_string()),
            Err("expected interleaved=first-second, got \"254-256\"".to_owned())
        );
        assert!(Transport::parse_all("RTP/AVP;client_port=65535").is_err(), "there is no port 65536");
    }

    fn transport() -> impl Strategy<Value = Transport> {
        let lower = prop_oneof![Just(Lower::Udp), Just(Lower::Tcp)];
        let delivery = prop_oneof![Just(Delivery::Unicast), Just(Delivery::Multicast)];
        let mode = prop_oneof![Just(None), Just(Some(Mode::Play)), Just(Some(Mode::Record))];
        let host = prop::option::of("[a-z0-9.:]{1,20}");
        (
            lower,
            delivery,
            mode,
            any::<[Option<(u16, u16)>; 3]>(),
            any::<Option<(u8, u8)>>(),
            host.clone(),
            host,
            any::<(Option<u8>, Option<u32>)>(),
        )
            .prop_map(
                |(
                    lower,
                    delivery,
                    mode,
                    [port, client_port, server_port],
                    interleaved,
                    source,
                    destination,
                    (ttl, ssrc),
                )| {
                    Transport {
                        delivery,
                        mode,
                        port,
                        client_port,
                        server_port,
                        interleaved,
                        source,
                        destination,
                        ttl,
                        ssrc,
                        ..Transport::new(lower)
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn written_transports_are_read_back(transports in prop::collection::vec(transport(), 1..4)) {
            let written = transports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            prop_assert_eq!(Transport::parse_all(&written), Ok(transports));
        }

        #[test]
        fn no_value_panics(value in "(RTP/AVP|/TCP|;|,|=|-|\"|interleaved|port|ssrc|[0-9]|\\PC){0,40}") {
            let _ = Transport::parse_all(&value);
        }
    }
}
