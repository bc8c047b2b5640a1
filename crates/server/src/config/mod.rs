//! The configuration: go2rtc's file, read strictly, and a few settings of our own.

mod listen;

pub use listen::Listen;

use std::fmt;

/// Everything that can be configured, with defaults for what is not.
#[derive(Debug, Default)]
pub struct Config {
    pub(crate) api: Api,
    pub(crate) rtsp: Rtsp,
    pub(crate) webrtc: WebRtc,
}

/// Section `api`: HTTP, WebSocket and the web page.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) listen: Option<Listen>,
}

impl Default for Api {
    fn default() -> Self {
        Self { listen: Some(Listen::port(1984)) }
    }
}

/// Section `rtsp`: the RTSP server.
#[derive(Debug)]
pub(crate) struct Rtsp {
    /// Where it listens; `None` is off.
    pub(crate) listen: Option<Listen>,
    /// User name and password that callers must give; `None` asks for none.
    pub(crate) account: Option<Account>,
    /// The tracks that a caller gets who names none: `video&audio`.
    pub(crate) default_query: String,
    /// Largest RTP packet in bytes; `None` leaves the choice to the transport.
    pub(crate) pkt_size: Option<usize>,
}

impl Default for Rtsp {
    fn default() -> Self {
        Self {
            listen: Some(Listen::port(8554)),
            account: None,
            default_query: "video&audio".to_owned(),
            pkt_size: None,
        }
    }
}

/// Section `webrtc`.
#[derive(Debug)]
pub(crate) struct WebRtc {
    /// Where it listens; `None` is off.
    pub(crate) listen: Option<Listen>,
    /// Whether it listens on UDP.
    pub(crate) udp: bool,
    /// Whether it listens on TCP.
    pub(crate) tcp: bool,
    /// Addresses to offer to viewers beside those of this machine: `host:port`.
    pub(crate) candidates: Vec<String>,
}

impl Default for WebRtc {
    fn default() -> Self {
        Self { listen: Some(Listen::port(8555)), udp: true, tcp: true, candidates: Vec::new() }
    }
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Without the password.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("username", &self.username).finish_non_exhaustive()
    }
}
