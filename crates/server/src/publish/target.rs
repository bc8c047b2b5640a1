//! Where a stream can be published to.

use crate::{http, rtmp, rtsp, webrtc};
use std::fmt;
use yeoul_hub::Want;
use yeoul_rtsp::client::TransportChoice;

/// The schemes of targets, for sentences.
const SCHEMES: &[&str] = &["rtmp", "rtmps", "rtmpx", "rtsp", "rtsps", "rtspx", "whip"];

/// A server, and the name of the stream there.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// `rtmp://`, `rtmps://`, `rtmpx://`.
    Rtmp(Box<yeoul_rtmp::url::Source>),
    /// `rtsp://`, `rtsps://`, `rtspx://`.
    Rtsp(Box<yeoul_rtsp::client::Source>),
    /// `whip:` before the address of a WHIP endpoint.
    Whip(Box<http::Source>),
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Another protocol.
    #[error("expected the URL of a server to publish to, of one of the schemes {}", SCHEMES.join(", "))]
    Scheme,
    /// The URL of an RTMP server.
    #[error("{0}")]
    Rtmp(#[from] yeoul_rtmp::url::UrlError),
    /// The URL of an RTSP server.
    #[error("{0}")]
    Rtsp(#[from] yeoul_rtsp::client::SourceError),
    /// The address behind `whip:`.
    #[error(transparent)]
    Whip(#[from] http::SourceError),
    /// It is no HTTP address.
    #[error("expected the address of a WHIP endpoint behind whip:, such as whip:https://host/live/whip")]
    NoEndpoint,
    /// A parameter of an RTSP URL.
    #[error("streams are published by RTSP on its own connection only, without #transport=udp")]
    Udp,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let (scheme, address) = text.split_once(':').unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "rtmp" | "rtmps" | "rtmpx" => Ok(Self::Rtmp(Box::new(yeoul_rtmp::url::Source::parse(text)?))),
            "rtsp" | "rtsps" | "rtspx" => {
                let target = yeoul_rtsp::client::Source::parse(text)?;
                match target.options.transport {
                    TransportChoice::Auto | TransportChoice::Tcp => Ok(Self::Rtsp(Box::new(target))),
                    TransportChoice::Udp => Err(TargetError::Udp),
                }
            }
            "whip" => {
                let http = address.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
                if !matches!(http.as_deref(), Some("http" | "https" | "httpx")) {
                    return Err(TargetError::NoEndpoint);
                }
                Ok(Self::Whip(Box::new(http::Source::parse(address)?)))
            }
            _ => Err(TargetError::Scheme),
        }
    }

    /// The tracks that it takes.
    pub(crate) fn wants(&self) -> Vec<Want> {
        match self {
            Self::Rtmp(_) => rtmp::wants(""),
            Self::Rtsp(target) => rtsp::wants(target.options.video, target.options.audio),
            Self::Whip(_) => webrtc::call::wants(),
        }
    }

    /// As the label of a consumer names it.
    pub(crate) fn protocol(&self) -> String {
        match self {
            Self::Rtmp(target) => target.url.scheme.to_string(),
            Self::Rtsp(target) if target.url.scheme.is_encrypted() => "rtsps+tcp".to_owned(),
            Self::Rtsp(_) => "rtsp+tcp".to_owned(),
            Self::Whip(_) => "whip".to_owned(),
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Rtmp(target) => target.url.authority(),
            Self::Rtsp(target) => target.url.authority(),
            Self::Whip(target) => target.peer(),
        }
    }
}

/// Without password and key: what stands last in the path of RTMP is one, to most services.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtmp(target) => {
                let url = &target.url;
                write!(f, "{}://{}/{}", url.scheme, url.authority(), url.app)?;
                f.write_str(if url.name.is_empty() { "" } else { "/***" })
            }
            Self::Rtsp(target) => write!(f, "{}", target.url),
            Self::Whip(target) => write!(f, "whip:{}://{}/***", target.url().scheme(), target.peer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_key_is_not_shown() {
        let target = Target::parse("rtmps://u:p@a.example.com/live2/abcd-key?x=y").unwrap();
        assert_eq!(target.to_string(), "rtmps://a.example.com:443/live2/***");
        let target = Target::parse("rtsp://u:p@a.example.com/live/cam").unwrap();
        assert_eq!(target.to_string(), "rtsp://u:***@a.example.com/live/cam");
        let target = Target::parse("whip:https://u:p@a.example.com:8443/k/abcd?x=y#header=X: y").unwrap();
        assert_eq!(target.to_string(), "whip:https://a.example.com:8443/***");
    }

    #[test]
    fn what_is_no_target_is_refused_in_words() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Target::parse(text).map(drop).unwrap_err().to_string(), expected, "{text}");
        };
        check(
            "srt://h:9000",
            "expected the URL of a server to publish to, of one of the schemes rtmp, rtmps, rtmpx, rtsp, rtsps, rtspx, whip",
        );
        check(
            "whip:rtsp://h/1",
            "expected the address of a WHIP endpoint behind whip:, such as whip:https://host/live/whip",
        );
        check(
            "rtsp://h/cam#transport=udp",
            "streams are published by RTSP on its own connection only, without #transport=udp",
        );
    }
}
