//! Offer and answer by HTTP: WHIP (RFC 9725 §4) and WHEP.

use super::refused;
use crate::http::{Client, Source};
use crate::limits::WEBRTC_FAREWELL_WAIT;
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use axum::http::{Method, header};
use tokio::time::timeout;
use url::Url;
use yeoul_webrtc::Offer;

/// The endpoint that is called.
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    /// The session's own address, once there is one.
    resource: Option<Url>,
}

/// An answer, and from which address and port it came.
pub(super) type Answered = (Offer, String);

impl Endpoint {
    pub(super) fn new(source: &Source, route: Route) -> Self {
        Self { url: source.url().clone(), client: Client::new(source.clone(), route), resource: None }
    }

    /// Posts the offer. Of the answer's candidates those are left that the route may lead to.
    pub(super) async fn offer(&mut self, offer: String) -> Result<Answered, DialError> {
        let content = ("application/sdp", offer.into());
        let reply = self.client.ask(&Method::POST, &self.url, Some(content)).await?;
        let location = reply.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        self.resource = location.and_then(|location| reply.url.join(location).ok());
        let (url, peer) = (reply.url.clone(), reply.peer.clone());
        let host = url.host_str().unwrap_or_default();
        let text = reply.text().await;
        let answer = text.and_then(|text| Offer::parse_answer(&text).map_err(|error| refused(host, &error)));
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.hang_up().await;
                return Err(error);
            }
        };
        answer.retain_candidates(|ip| self.client.admits(ip));
        Ok((answer, peer))
    }

    /// Ends the session at the server, if it still answers.
    pub(super) async fn hang_up(&mut self) {
        let Some(resource) = self.resource.take() else { return };
        let asked = self.client.ask(&Method::DELETE, &resource, None);
        match timeout(WEBRTC_FAREWELL_WAIT, asked).await {
            // One that is gone already has heard of it by DTLS.
            Ok(Ok(_) | Err(DialError { kind: ErrorKind::NotFound, .. })) => {}
            Ok(Err(error)) => tracing::debug!(target: "webrtc", "{error}"),
            Err(_) => {}
        }
    }
}
