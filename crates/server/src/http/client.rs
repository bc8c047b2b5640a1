//! A small HTTP/1.1 client on hyper, for sources and for the viewers of a load: one connection that is kept, redirects, cookies, Basic
//! and Digest accounts, and every connection under a [`Route`].
//!
//! User name, password, added headers and cookies go to the host that the source names, and to no other that a redirect leads to.
//! Left out: HTTP/2, compression.

use super::reply::{Reply, reason};
use super::{Account, Source};
use crate::connect::{Tls, connect};
use crate::limits::{DIAL_CONNECT_WAIT, HTTP_ANSWER_WAIT, HTTP_COOKIES, HTTP_HEAD_BYTES, HTTP_REDIRECTS};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_auth::{PasswordClient, PasswordParams};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::ops::Range;
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

/// What is asked of an address.
#[derive(Clone, Copy)]
struct Question<'a> {
    method: &'a Method,
    content: Option<&'a Content>,
    range: Option<&'a Range<u64>>,
}

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

impl Client {
    pub(crate) fn new(source: Source, route: Route) -> Self {
        Self { source, route, authenticator: None, cookies: Vec::new(), connection: None }
    }

    /// Another one with a connection of its own, that knows what this one has come to know of the server.
    pub(crate) fn another(&self) -> Self {
        let (source, route, cookies) = (self.source.clone(), self.route.clone(), self.cookies.clone());
        Self { cookies, ..Self::new(source, route) }
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

    /// Gets these bytes of `url`, or all where no range is given; see [`Reply::bytes`].
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub(crate) async fn get_part(
        &mut self,
        url: &Url,
        range: Option<&Range<u64>>,
    ) -> Result<Reply, DialError> {
        self.follow(Question { method: &Method::GET, content: None, range }, url).await
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
        self.follow(Question { method, content: content.as_ref(), range: None }, url).await
    }

    async fn follow(&mut self, question: Question<'_>, url: &Url) -> Result<Reply, DialError> {
        let mut url = url.clone();
        let mut redirects = 0;
        loop {
            let reply = self.answer(question, &url).await?;
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
                refusal.text.push_str(&reason(reply).await);
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
        self.answer(Question { method, content, range: None }, url).await
    }

    async fn answer(&mut self, question: Question<'_>, url: &Url) -> Result<Reply, DialError> {
        let mut answered_challenge = false;
        loop {
            let reply = self.send(question, url).await?;
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
            return Ok(Reply {
                url: url.clone(),
                headers: parts.headers,
                peer: peer.unwrap_or_default(),
                status: parts.status,
                ahead: Bytes::new(),
                body,
            });
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
        question: Question<'_>,
        url: &Url,
    ) -> Result<axum::http::Response<Incoming>, DialError> {
        let failed = |text: String| DialError::new(ErrorKind::Retry, format!("{} {text}", authority(url)));
        loop {
            let was_kept = self.connect(url).await?;
            let request = self.request(question, url)?;
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

    fn request(&mut self, question: Question<'_>, url: &Url) -> Result<Request<Full<Bytes>>, DialError> {
        let Question { method, content, range } = question;
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
        if let Some(Range { start, end }) = range {
            request = request.header(header::RANGE, format!("bytes={start}-{}", end.saturating_sub(1)));
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
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
