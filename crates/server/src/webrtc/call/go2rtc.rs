//! Offer, answer and candidates over a WebSocket (RFC 6455), as go2rtc's `/api/ws` has it: `{"type":"webrtc/offer","value":…}`.

use super::refused;
use super::source::Source;
use crate::connect::{Connection, connect};
use crate::limits::{DIAL_CONNECT_WAIT, HTTP_ANSWER_WAIT, WEBRTC_SIGNAL_BYTES, WEBRTC_SIGNALS_BEFORE_ANSWER};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use std::future::pending;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use yeoul_webrtc::{Fragment, Offer};

/// The socket of one call.
pub(super) struct Socket {
    socket: Option<WebSocketStream<Connection>>,
    route: Route,
    /// Host and port, for sentences.
    peer: String,
    /// Address and port.
    pub(super) remote: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Signal {
    r#type: String,
    #[serde(default)]
    value: serde_json::Value,
}

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Answer(String),
    Candidate(String),
    Error(String),
    /// Nothing that is for us.
    Other,
}

impl Said {
    fn parse(text: &str) -> Self {
        let Ok(Signal { r#type, value }) = serde_json::from_str(text) else { return Self::Other };
        let Some(value) = value.as_str().map(str::to_owned) else { return Self::Other };
        match r#type.as_str() {
            "webrtc/answer" => Self::Answer(value),
            "webrtc/candidate" => Self::Candidate(value),
            "error" => Self::Error(value),
            _ => Self::Other,
        }
    }
}

impl Socket {
    pub(super) async fn open(source: &Source, mut route: Route) -> Result<Self, DialError> {
        let (url, peer) = (source.http.url(), source.http.peer());
        let retry = |text: String| DialError::new(ErrorKind::Retry, format!("{peer} {text}"));
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
        let opening = async {
            let connection = connect(host, port, source.http.tls(), &mut route)
                .await
                .map_err(|(kind, text)| DialError::new(kind, format!("{peer} {text}")))?;
            let remote = connection.peer().to_string();
            // Whether it is encrypted has been seen to.
            let target = &url[url::Position::BeforeHost..url::Position::AfterQuery];
            let mut request =
                format!("ws://{target}").into_client_request().map_err(|error| retry(error.to_string()))?;
            request.headers_mut().extend(source.http.own_headers());
            // A frame is read as a whole before it counts as part of a message.
            let config = WebSocketConfig::default()
                .max_message_size(Some(WEBRTC_SIGNAL_BYTES))
                .max_frame_size(Some(WEBRTC_SIGNAL_BYTES));
            let opened = client_async_with_config(request, connection, Some(config)).await;
            let (socket, _) = opened.map_err(|error| {
                let status = if let Error::Http(reply) = &error { Some(reply.status()) } else { None };
                let why = status.map_or_else(|| error.to_string(), |status| format!("it answers {status}"));
                retry(format!("takes no WebSocket there: {why}"))
            })?;
            Ok((socket, remote))
        };
        let seconds = DIAL_CONNECT_WAIT.as_secs();
        let opened = timeout(DIAL_CONNECT_WAIT, opening).await;
        let (socket, remote) =
            opened.map_err(|_| retry(format!("does not answer: no WebSocket within {seconds} s")))??;
        Ok(Self { socket: Some(socket), route, peer, remote })
    }

    /// Sends the offer and waits for the answer; the candidates that came before it are with it.
    pub(super) async fn offer(&mut self, offer: String) -> Result<(Offer, Vec<Fragment>), DialError> {
        let signal = Signal { r#type: "webrtc/offer".to_owned(), value: offer.into() };
        let text = serde_json::to_string(&signal).unwrap_or_default();
        let failed = |kind, text: String| DialError::new(kind, format!("{} {text}", self.peer));
        let Some(socket) = &mut self.socket else {
            return Err(failed(ErrorKind::Retry, "has closed the WebSocket".to_owned()));
        };
        let sent = timeout(HTTP_ANSWER_WAIT, socket.send(Message::text(text))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return Err(failed(ErrorKind::Retry, "does not take the offer".to_owned()));
        }
        let mut early = Vec::new();
        let waiting = async {
            for _ in 0..WEBRTC_SIGNALS_BEFORE_ANSWER {
                match next(socket).await {
                    Some(Said::Answer(sdp)) => return Ok(sdp),
                    Some(Said::Candidate(candidate)) => early.push(candidate),
                    Some(Said::Error(text)) => {
                        let text: String = text.chars().filter(|char| !char.is_control()).take(200).collect();
                        let kind =
                            if text.contains("not found") { ErrorKind::NotFound } else { ErrorKind::Retry };
                        return Err((kind, format!("refuses: {text}")));
                    }
                    Some(Said::Other) => {}
                    None => return Err((ErrorKind::Retry, "has closed the WebSocket".to_owned())),
                }
            }
            Err((ErrorKind::PeerViolation, "says much, but does not answer the offer".to_owned()))
        };
        let seconds = HTTP_ANSWER_WAIT.as_secs();
        let answered = timeout(HTTP_ANSWER_WAIT, waiting).await.unwrap_or_else(|_| {
            Err((ErrorKind::Retry, format!("has not answered the offer within {seconds} s")))
        });
        let sdp = answered.map_err(|(kind, text)| failed(kind, text))?;
        let mut answer = Offer::parse_answer(&sdp).map_err(|error| refused(&self.peer, &error))?;
        answer.retain_candidates(|ip| self.route.admit(ip).is_ok());
        Ok((answer, early.iter().filter_map(|candidate| self.fragment(candidate)).collect()))
    }

    /// The next candidate that comes; never returns once the server has closed the socket, which ends nothing.
    pub(super) async fn candidate(&mut self) -> Fragment {
        while let Some(socket) = &mut self.socket {
            match next(socket).await {
                Some(Said::Candidate(candidate)) => {
                    if let Some(fragment) = self.fragment(&candidate) {
                        return fragment;
                    }
                }
                Some(Said::Answer(_) | Said::Error(_) | Said::Other) => {}
                None => self.socket = None,
            }
        }
        pending().await
    }

    /// `None` for the end of candidates, and for those that the route may not lead to.
    fn fragment(&self, candidate: &str) -> Option<Fragment> {
        let candidate = candidate.trim_start_matches("a=");
        let mut fragment = Fragment::of_candidate(candidate);
        fragment.retain_candidates(|ip| self.route.admit(ip).is_ok());
        (!fragment.is_empty()).then_some(fragment)
    }
}

/// The next thing that the server says; `None` at the end.
async fn next(socket: &mut WebSocketStream<Connection>) -> Option<Said> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return Some(Said::parse(&text)),
            Message::Close(_) => return None,
            // Pings are answered below.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn what_a_go2rtc_says_is_read() {
        let check = |text: &str, expected: Said| assert_eq!(Said::parse(text), expected, "{text}");
        check(r#"{"type":"webrtc/answer","value":"v=0\r\n"}"#, Said::Answer("v=0\r\n".to_owned()));
        check(r#"{"type":"webrtc/candidate","value":""}"#, Said::Candidate(String::new()));
        check(
            r#"{"type":"error","value":"webrtc/offer: stream not found"}"#,
            Said::Error("webrtc/offer: stream not found".to_owned()),
        );
        for other in
            ["", "[]", "{}", r#"{"type":"mse","value":"x"}"#, r#"{"type":"webrtc/answer","value":{"sdp":1}}"#]
        {
            check(other, Said::Other);
        }
    }
}
