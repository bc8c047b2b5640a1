//! Servers that we call: a source that we watch, by WHEP (draft-ietf-wish-whep) or go2rtc's WebSocket, and a target that we publish
//! to, by WHIP (RFC 9725).
//!
//! Only the offer and the answer go over a connection of the call: its media go over the port that all sessions have, and a worker
//! owns it as any other. Left out: STUN and TURN servers that an answer's `Link` names, counter-offers, restarts of ICE.

mod dial;
mod go2rtc;
mod http;
mod push;
mod source;

pub(crate) use dial::run;
pub(crate) use push::{push, wants};
pub(crate) use source::Source;

use super::WebRtc;
use super::candidates::Addresses;
use super::session::Progress;
use crate::limits::DIAL_CONNECT_WAIT;
use crate::sockets::local_ip;
use crate::streams::{DialError, ErrorKind};
use std::sync::Arc;
use tokio::net::lookup_host;
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::Url;
use yeoul_webrtc::OfferError;

impl WebRtc {
    /// The addresses that a server is told whom we call at `url`.
    async fn addresses_towards(&self, url: &Url) -> Addresses {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // Who cannot be found is told of by whoever connects.
        let found = timeout(DIAL_CONNECT_WAIT, lookup_host((bare, port))).await;
        let server = found.ok().and_then(Result::ok).and_then(|mut found| found.next());
        self.calling.addresses(server.and_then(|server| local_ip(server).ok())).await
    }
}

/// What calls need.
fn needed(webrtc: Option<&Arc<WebRtc>>) -> Result<&Arc<WebRtc>, DialError> {
    webrtc.ok_or_else(|| {
        let text = "WebRTC is off: webrtc.listen is empty in the configuration";
        DialError::new(ErrorKind::Unsupported, text)
    })
}

/// Waits for the next thing that a session tells.
async fn told(progress: &mut mpsc::Receiver<Progress>) -> Progress {
    progress.recv().await.unwrap_or_else(|| Progress::Ended("the server ends".to_owned()))
}

fn refused(peer: &str, error: &OfferError) -> DialError {
    let kind = match error {
        OfferError::NoCommonCodec { .. }
        | OfferError::NothingTaken { .. }
        | OfferError::NothingCarried(_) => ErrorKind::Unsupported,
        OfferError::TooLong(_) | OfferError::TooManyMedias(_) => ErrorKind::LimitExceeded,
        OfferError::NotSdp(_)
        | OfferError::NoMedia
        | OfferError::SameMid(_)
        | OfferError::Malformed { .. }
        | OfferError::Missing(_)
        | OfferError::WeakFingerprint
        | OfferError::NothingWanted
        | OfferError::NothingGiven => ErrorKind::PeerViolation,
    };
    DialError::new(kind, format!("{peer}: {error}"))
}

fn ended(peer: &str, why: &str) -> DialError {
    DialError::new(ErrorKind::Retry, format!("{peer}: the WebRTC session has ended: {why}"))
}
