//! Where a stream can be published to.

use crate::http;
use std::fmt;
use yeoul_rtmp::url::Source;

/// A server, and the name of the stream there.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// `rtmp://`, `rtmps://`, `rtmpx://`.
    Rtmp(Box<Source>),
    /// `whip:` before the address of a WHIP endpoint.
    Whip(Box<http::Source>),
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Another protocol.
    #[error("streams are published to rtmp://, rtmps://, rtmpx:// and whip:https:// only")]
    Scheme,
    /// The URL.
    #[error("{0}")]
    Url(#[from] yeoul_rtmp::url::UrlError),
    /// The address behind `whip:`.
    #[error("{0}")]
    Whip(#[from] http::SourceError),
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("rtmp" | "rtmps" | "rtmpx") => Ok(Self::Rtmp(Box::new(Source::parse(text)?))),
            Some("whip") => {
                let address = text.split_once(':').map_or("", |(_, address)| address);
                if !["http://", "https://", "httpx://"].iter().any(|scheme| address.starts_with(scheme)) {
                    return Err(TargetError::Scheme);
                }
                Ok(Self::Whip(Box::new(http::Source::parse(address)?)))
            }
            _ => Err(TargetError::Scheme),
        }
    }

    /// As the label of a consumer names it.
    pub(crate) fn protocol(&self) -> String {
        match self {
            Self::Rtmp(source) => source.url.scheme.to_string(),
            Self::Whip(_) => "whip".to_owned(),
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Rtmp(source) => source.url.authority(),
            Self::Whip(source) => source.peer(),
        }
    }
}

/// Without password and key: what stands last in the path is one, to most services.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtmp(source) => {
                let url = &source.url;
                write!(f, "{}://{}/{}", url.scheme, url.authority(), url.app)?;
                f.write_str(if url.name.is_empty() { "" } else { "/***" })
            }
            Self::Whip(source) => write!(f, "whip:{}://{}/***", source.url().scheme(), source.peer()),
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
        let target = Target::parse("whip:https://u:p@a.example.com:8443/k/abcd?x=y#header=X: y").unwrap();
        assert_eq!(target.to_string(), "whip:https://a.example.com:8443/***");
    }

    #[test]
    fn other_protocols_are_refused_in_words() {
        for text in ["srt://h:9000", "whip:rtsp://h/1", "whip:tcp://h:1"] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert_eq!(
                error, "streams are published to rtmp://, rtmps://, rtmpx:// and whip:https:// only",
                "{text}"
            );
        }
    }
}
