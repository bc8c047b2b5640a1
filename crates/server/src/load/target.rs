//! What is loaded: the kind of viewers that a URL asks for.

use super::http;
use clap::ValueEnum;
use std::fmt;
use url::Url;
use yeoul_rtsp::Lower;
use yeoul_rtsp::url::Url as RtspUrl;

/// A kind of viewers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// RTSP over TCP
    Rtsp,
    /// RTSP with its media over UDP
    RtspUdp,
    /// WebRTC: WHEP, or go2rtc's api/webrtc
    Whep,
    /// HLS, with low latency where the server has it
    Hls,
    /// An endless HTTP body: MP4, MPEG-TS, FLV, MJPEG
    Http,
}

impl Kind {
    /// As the command line has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rtsp => "rtsp",
            Self::RtspUdp => "rtsp-udp",
            Self::Whep => "whep",
            Self::Hls => "hls",
            Self::Http => "http",
        }
    }

    /// Whether its packets can be counted.
    pub(super) fn has_packets(self) -> bool {
        match self {
            Self::Rtsp | Self::RtspUdp | Self::Whep => true,
            Self::Hls | Self::Http => false,
        }
    }
}

/// Where to, and as what.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Rtsp(RtspUrl, Lower),
    Whep(Url),
    Hls(Url),
    Http(Url),
}

impl Target {
    /// The target of a URL; `kind` says otherwise than the URL does.
    ///
    /// # Errors
    /// A sentence, if it is none.
    pub(super) fn parse(text: &str, kind: Option<Kind>) -> Result<Self, String> {
        let scheme =
            text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
        match scheme.as_str() {
            "rtsp" | "rtsps" | "rtspx" => {
                let url = RtspUrl::parse(text).map_err(|error| error.to_string())?;
                match kind {
                    None | Some(Kind::Rtsp) => Ok(Self::Rtsp(url, Lower::Tcp)),
                    Some(Kind::RtspUdp) => Ok(Self::Rtsp(url, Lower::Udp)),
                    Some(other @ (Kind::Whep | Kind::Hls | Kind::Http)) => Err(format!(
                        "--kind {} needs a URL that begins with http:// or https://",
                        other.name()
                    )),
                }
            }
            "http" | "https" | "httpx" => {
                let url = Url::parse(text).map_err(|error| format!("the URL does not parse: {error}"))?;
                match kind.unwrap_or_else(|| of_path(&url)) {
                    Kind::Whep => Ok(Self::Whep(url)),
                    Kind::Hls => Ok(Self::Hls(url)),
                    Kind::Http => Ok(Self::Http(url)),
                    rtsp @ (Kind::Rtsp | Kind::RtspUdp) => {
                        Err(format!("--kind {} needs a URL that begins with rtsp://", rtsp.name()))
                    }
                }
            }
            _ => Err("expected a URL that begins with rtsp://, rtsps://, http:// or https://".to_owned()),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Rtsp(_, Lower::Tcp) => Kind::Rtsp,
            Self::Rtsp(_, Lower::Udp) => Kind::RtspUdp,
            Self::Whep(_) => Kind::Whep,
            Self::Hls(_) => Kind::Hls,
            Self::Http(_) => Kind::Http,
        }
    }
}

/// What servers have at such a path.
fn of_path(url: &Url) -> Kind {
    let path = url.path().trim_end_matches('/');
    if path.ends_with(".m3u8") {
        Kind::Hls
    } else if path.ends_with("/whep") || path.ends_with("/api/webrtc") || path.contains("/whep/") {
        Kind::Whep
    } else {
        Kind::Http
    }
}

/// Without its password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp(url, _) => write!(f, "{url}"),
            Self::Whep(url) | Self::Hls(url) | Self::Http(url) => f.write_str(&http::shown(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Target};

    fn check(url: &str, kind: Option<Kind>, expected: Result<Kind, &str>) {
        match (Target::parse(url, kind), expected) {
            (Ok(target), Ok(expected)) => assert_eq!(target.kind(), expected, "{url}"),
            (Err(sentence), Err(part)) => assert!(sentence.contains(part), "{url}: {sentence}"),
            (got, expected) => panic!("{url}: {got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn the_url_tells_the_kind() {
        check("rtsp://host:8554/cam", None, Ok(Kind::Rtsp));
        check("rtspx://host/cam", Some(Kind::RtspUdp), Ok(Kind::RtspUdp));
        check("http://host:8889/cam/whep", None, Ok(Kind::Whep));
        check("http://host:1984/api/webrtc?src=cam", None, Ok(Kind::Whep));
        check("http://host:1985/rtc/v1/whep/?app=live&stream=cam", None, Ok(Kind::Whep));
        check("https://host/cam/index.m3u8?x=1", None, Ok(Kind::Hls));
        check("http://host:1984/api/stream.mp4?src=cam", None, Ok(Kind::Http));
        check("http://host/live", Some(Kind::Hls), Ok(Kind::Hls));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        check("rtmp://host/live", None, Err("begins with rtsp://"));
        check("host:8554", None, Err("begins with rtsp://"));
        check("rtsp://host/cam", Some(Kind::Whep), Err("needs a URL that begins with http://"));
        check("http://host/cam", Some(Kind::RtspUdp), Err("needs a URL that begins with rtsp://"));
    }

    #[test]
    fn passwords_are_not_shown() {
        for url in ["rtsp://user:secret@host/cam", "http://user:secret@host/cam/whep"] {
            let shown = Target::parse(url, None).expect("a target").to_string();
            assert!(!shown.contains("secret") && shown.contains("user"), "{shown}");
        }
    }
}
