//! A small HTTP/1.1 client on hyper, for sources and for the viewers of a load: one connection that is kept, redirects, cookies, Basic
//! and Digest accounts, and every connection under a [`Route`].
//!
//! User name, password, added headers and cookies go to the host that the source names, and to no other that a redirect leads to.
//! Left out: HTTP/2, compression.

use super::{Account, Source};
use crate::connect::{Tls, connect};
use crate::limits::{
    DIAL_CONNECT_WAIT, HTTP_ANSWER_WAIT, HTTP_COOKIES, HTTP_HEAD_BYTES, HTTP_REASON_CHARS, HTTP_REDIRECTS,
    HTTP_TEXT_BYTES,
};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_auth::{PasswordClient, PasswordParams};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;

/// Asks one server, or those that it leads to.
pub(crate) struct Client {
    source: Source,
    route: Route,
    /// Answers the challenges of the source's own host.
    authenticator: Option<PasswordClient>,
    /// `name=value`, of the source's own host.
    cookies: Vec<String>,
    connection: Option<Connection>,
}

/// What is sent along: its `Content-Type`, and the bytes.
pub(crate) type Content = (&'static str, Bytes);

/// A connection that may be asked again.
struct Connection {
    /// Whom to: scheme, host and port.
    to: String,
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    peer: String,
}

/// The task that moves a connection's bytes; ends with its handle.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer whose body is still to come. The connection is the client's, and goes on with it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// Address and port of who answers.
    pub(crate) peer: String,
    body: Incoming,
}

impl Reply {
    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// If the connection broke off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        next(&mut self.body).await
    }

    /// The whole body, which is text.
    ///
    /// # Errors
    /// If there is more than a text has, or the connection broke off.
    pub(crate) async fn text(mut self) -> Result<String, DialError> {
        let url = self.url;
        let failed = |kind, text: String| DialError::new(kind, format!("{} {text}", authority(&url)));
        match text(&mut self.body).await {
            Ok(Some(text)) => Ok(text),
            Ok(None) => {
                Err(failed(ErrorKind::LimitExceeded, format!("sends more than {HTTP_TEXT_BYTES} bytes")))
            }
            Err(error) => Err(failed(ErrorKind::Retry, format!("can no longer be read: {error}"))),
        }
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, hyper::Error> {
    loop {
        let Some(frame) = body.frame().await.transpose()? else { return Ok(None) };
        // Trailers say nothing here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// `None` if it is longer than texts are.
async fn text(body: &mut Incoming) -> Result<Option<String>, hyper::Error> {
    let mut all = BytesMut::new();
    while let Some(piece) = next(body).await? {
        if all.len() + piece.len() > HTTP_TEXT_BYTES {
            return Ok(None);
        }
        all.extend_from_slice(&piece);
    }
    Ok(Some(String::from_utf8_lossy(&all).into_owned()))
}

/// The first line of what a server says to a refusal. A page of HTML says no more than the status.
async fn reason(mut body: Incoming) -> String {
    let said = timeout(HTTP_ANSWER_WAIT, text(&mut body)).await;
    let said = said.ok().and_then(Result::ok).flatten().unwrap_or_default();
    let line = said.lines().next().unwrap_or_default().trim();
    let line: String = line.chars().filter(|char| !char.is_control()).take(HTTP_REASON_CHARS).collect();
    if line.is_empty() || line.starts_with(['<', '{']) { String::new() } else { format!(": {line}") }
}

impl Client {
    pub(crate) fn new(source: Source, route: Route) -> Self {
        Self { source, route, authenticator: None, cookies: Vec::new(), connection: None }
    }

    /// Whether the way that it has come may go on to `ip`.
    pub(crate) fn admits(&self, ip: IpAddr) -> bool {
        self.route.admit(ip).is_ok()
    }

    /// Gets `url`, wherever it leads.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub(crate) async fn get(&mut self, url: &Url) -> Result<Reply, DialError> {
        self.ask(&Method::GET, url, None).await
    }

    /// Asks `url`, wherever it leads.
    ///
    /// # Errors
    /// If there is no answer, or one that is no success: with what the server says to it.
    pub(crate) async fn ask(
        &mut self,
        method: &Method,
        url: &Url,
        content: Option<Content>,
    ) -> Result<Reply, DialError> {
        let mut url = url.clone();
        let mut redirects = 0;
        loop {
            let reply = self.exchange(method, &url, content.as_ref()).await?;
            let failed =
                |text: &str| DialError::new(ErrorKind::PeerViolation, format!("{} {text}", authority(&url)));
            if reply.status.is_redirection()
                && let Some(location) = reply.headers.get(header::LOCATION).and_then(|to| to.to_str().ok())
            {
                redirects += 1;
                if redirects > HTTP_REDIRECTS {
                    return Err(failed("redirects in circles"));
                }
                let next = url.join(location).ok().filter(|next| matches!(next.scheme(), "http" | "https"));
                let next = next.filter(Url::has_host);
                url = next.ok_or_else(|| failed("redirects to what is no HTTP address"))?;
                self.connection = None;
                continue;
            }
            if reply.status.is_success() {
                return Ok(reply);
            }
            let mut refusal = self.refusal(&url, reply.status);
            if reply.status != StatusCode::UNAUTHORIZED {
                refusal.text.push_str(&reason(reply.body).await);
            }
            return Err(refusal);
        }
    }

    /// Asks `url` and no other, and takes whatever is answered; but a challenge is answered if there is an account.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) async fn exchange(
        &mut self,
        method: &Method,
        url: &Url,
        content: Option<&Content>,
    ) -> Result<Reply, DialError> {
        let mut answered_challenge = false;
        loop {
            let reply = self.send(method, url, content).await?;
            if self.is_own(url) {
                self.take_cookies(reply.headers());
            }
            if reply.status() == StatusCode::UNAUTHORIZED
                && !answered_challenge
                && self.is_own(url)
                && self.take_challenge(reply.headers())
            {
                answered_challenge = true;
                // Its body would stand before the next answer.
                self.connection = None;
                continue;
            }
            let peer = self.connection.as_ref().map(|connection| connection.peer.clone());
            let (parts, body) = reply.into_parts();
            let peer = peer.unwrap_or_default();
            return Ok(Reply { status: parts.status, url: url.clone(), headers: parts.headers, peer, body });
        }
    }

    /// What an answer that is no success means.
    pub(crate) fn refusal(&self, url: &Url, status: StatusCode) -> DialError {
        let kind = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Unauthorized,
            StatusCode::NOT_FOUND | StatusCode::GONE => ErrorKind::NotFound,
            _ => ErrorKind::Retry,
        };
        let hint = match (status, &self.source.account) {
            (StatusCode::UNAUTHORIZED, None) => "; no user name and password are given",
            (StatusCode::UNAUTHORIZED, Some(_)) => "; user name or password are wrong",
            _ => "",
        };
        DialError::new(kind, format!("{} answers {status}{hint}", authority(url)))
    }

    /// The way that it has gone so far, for whoever goes on to where the answers lead.
    pub(crate) fn into_route(self) -> Route {
        self.route
    }

    /// One request and the head of its answer. A connection that was kept may have been closed meanwhile: then a new one is asked.
    async fn send(
        &mut self,
        method: &Method,
        url: &Url,
        content: Option<&Content>,
    ) -> Result<axum::http::Response<Incoming>, DialError> {
        let failed = |text: String| DialError::new(ErrorKind::Retry, format!("{} {text}", authority(url)));
        loop {
            let was_kept = self.connect(url).await?;
            let request = self.request(method, url, content)?;
            let Some(connection) = &mut self.connection else {
                return Err(failed("has no connection".to_owned()));
            };
            match timeout(HTTP_ANSWER_WAIT, connection.sender.send_request(request)).await {
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(_)) if was_kept => self.connection = None,
                Ok(Err(error)) => return Err(failed(format!("does not answer as HTTP servers do: {error}"))),
                Err(_) => {
                    return Err(failed(format!("has not answered within {} s", HTTP_ANSWER_WAIT.as_secs())));
                }
            }
        }
    }

    /// Makes sure of a connection for `url`; whether it is one from before.
    async fn connect(&mut self, url: &Url) -> Result<bool, DialError> {
        let to = url.origin().ascii_serialization();
        if let Some(connection) = &mut self.connection
            && connection.to == to
            && !connection.driver.0.is_finished()
            && matches!(timeout(HTTP_ANSWER_WAIT, connection.sender.ready()).await, Ok(Ok(())))
        {
            return Ok(true);
        }
        self.connection = None;
        let tls = if url.scheme() == "https" { self.source.tls } else { Tls::None };
        let failed = |kind, text: String| DialError::new(kind, format!("{} {text}", authority(url)));
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
        let Ok(connected) = timeout(DIAL_CONNECT_WAIT, connect(host, port, tls, &mut self.route)).await
        else {
            let seconds = DIAL_CONNECT_WAIT.as_secs();
            return Err(failed(
                ErrorKind::Retry,
                format!("does not answer: no connection within {seconds} s"),
            ));
        };
        let stream = connected.map_err(|(kind, text)| failed(kind, text))?;
        let peer = stream.peer().to_string();
        let mut builder = Builder::new();
        // Old cameras look for the names of headers as standards spell them, and write odd ones themselves.
        builder
            .title_case_headers(true)
            .ignore_invalid_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .max_buf_size(HTTP_HEAD_BYTES);
        let handshake = builder.handshake(TokioIo::new(stream)).await;
        let (sender, driver) = handshake.map_err(|error| failed(ErrorKind::Retry, error.to_string()))?;
        let driver = Driver(tokio::spawn(async move {
            // Whoever reads the body is told of an error there.
            let _ = driver.await;
        }));
        self.connection = Some(Connection { to, sender, driver, peer });
        Ok(false)
    }

    fn request(
        &mut self,
        method: &Method,
        url: &Url,
        content: Option<&Content>,
    ) -> Result<Request<Full<Bytes>>, DialError> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let body = content.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, authority(url))
            .header(header::USER_AGENT, concat!("Yeoul/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "*/*");
        if let Some((content_type, _)) = content {
            request = request.header(header::CONTENT_TYPE, *content_type);
        }
        if self.is_own(url) {
            if !self.cookies.is_empty() {
                request = request.header(header::COOKIE, self.cookies.join("; "));
            }
            for (name, value) in &self.source.headers {
                request = request.header(name, value);
            }
            if let (Some(client), Some(Account { username, password })) =
                (&mut self.authenticator, &self.source.account)
            {
                let parameters = PasswordParams {
                    username,
                    password,
                    uri: target,
                    method: method.as_str(),
                    body: Some(&body),
                };
                let value = client.respond(&parameters).ok().and_then(|text| {
                    let mut value = HeaderValue::from_str(&text).ok()?;
                    value.set_sensitive(true);
                    Some(value)
                });
                if let Some(value) = value {
                    request = request.header(header::AUTHORIZATION, value);
                }
            }
        }
        request.body(Full::new(body)).map_err(|error| {
            DialError::new(ErrorKind::Unsupported, format!("{} cannot be asked: {error}", authority(url)))
        })
    }

    /// Whether `url` is on the host that the source names.
    fn is_own(&self, url: &Url) -> bool {
        url.host_str() == self.source.url.host_str()
            && url.port_or_known_default() == self.source.url.port_or_known_default()
            && url.scheme() == self.source.url.scheme()
    }

    fn take_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default().trim();
            let name = pair.split('=').next();
            self.cookies.retain(|known| known.split('=').next() != name);
            if self.cookies.len() < HTTP_COOKIES {
                self.cookies.push(pair.to_owned());
            }
        }
    }

    /// Takes the strongest challenge that is understood, if there is an account to answer with.
    fn take_challenge(&mut self, headers: &HeaderMap) -> bool {
        if self.source.account.is_none() {
            return false;
        }
        let values = headers.get_all(header::WWW_AUTHENTICATE);
        let texts = values.iter().filter_map(|value| value.to_str().ok());
        let challenges = texts.filter_map(|text| http_auth::parse_challenges(text).ok()).flatten();
        let mut clients: Vec<PasswordClient> =
            challenges.filter_map(|challenge| PasswordClient::try_from(&challenge).ok()).collect();
        clients.sort_by_key(|client| matches!(client, PasswordClient::Basic(_)));
        self.authenticator = clients.into_iter().next().or(self.authenticator.take());
        self.authenticator.is_some()
    }
}

/// Host and port, for people and for `Host`.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
