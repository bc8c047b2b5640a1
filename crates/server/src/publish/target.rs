//! Where a stream can be published to.

use std::fmt;
use yeoul_rtmp::url::Source;

/// A server, and the name of the stream there.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// `rtmp://`, `rtmps://`, `rtmpx://`.
    Rtmp(Box<Source>),
}

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Another protocol.
    #[error("streams are published to rtmp://, rtmps:// and rtmpx:// only")]
    Scheme,
    /// The URL.
    #[error("{0}")]
    Url(#[from] yeoul_rtmp::url::UrlError),
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("rtmp" | "rtmps" | "rtmpx") => Ok(Self::Rtmp(Box::new(Source::parse(text)?))),
            _ => Err(TargetError::Scheme),
        }
    }

    /// As the label of a consumer names it.
    pub(crate) fn protocol(&self) -> String {
        match self {
            Self::Rtmp(source) => source.url.scheme.to_string(),
        }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Rtmp(source) => source.url.authority(),
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
    }

    #[test]
    fn other_protocols_are_refused_in_words() {
        let error = Target::parse("srt://h:9000").unwrap_err().to_string();
        assert_eq!(error, "streams are published to rtmp://, rtmps:// and rtmpx:// only");
    }
}
