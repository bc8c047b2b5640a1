//! An HTTP/1.1 client for one viewer: one connection that is kept, redirects, cookies and accounts in the URL.
//!
//! Left out: HTTP/2, compression, Digest.

use crate::connect::{Tls, connect};
use crate::limits::{DIAL_CONNECT_WAIT, LOAD_ANSWER_BYTES, LOAD_COOKIES, LOAD_REDIRECTS};
use crate::policy::Route;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, LOCATION, SET_COOKIE, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use tokio::time::timeout;
use url::Url;

/// One viewer's client.
#[derive(Default)]
pub(super) struct Client {
    connection: Option<Connection>,
    cookies: Vec<String>,
}

struct Connection {
    /// Scheme, host and port.
    origin: String,
    sender: SendRequest<String>,
}

impl Client {
    /// Asks, follows redirects, and gives the answer with its body still to be read, and where it came from.
    ///
    /// # Errors
    /// A sentence, also for every answer that is no success.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        url: &Url,
        body: Option<(&str, &str)>,
    ) -> Result<(Response<Incoming>, Url), String> {
        let mut url = url.clone();
        for _ in 0..=LOAD_REDIRECTS {
            let response = self.send(&method, &url, body).await?;
            self.take_cookies(response.headers());
            let status = response.status();
            if status.is_success() {
                return Ok((response, url));
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            match location.filter(|_| status.is_redirection()) {
                Some(location) => {
                    url =
                        url.join(location).map_err(|error| format!("redirects to {location:?}: {error}"))?;
                }
                None => return Err(refusal(&method, &url, status, response.into_body()).await),
            }
        }
        Err(format!("{} redirects more than {LOAD_REDIRECTS} times", shown(&url)))
    }

    /// Asks, and gives the whole body, which is small.
    pub(super) async fn text(&mut self, url: &Url) -> Result<(String, Url), String> {
        let (response, url) = self.ask(Method::GET, url, None).await?;
        Ok((text(response.into_body()).await?, url))
    }

    async fn send(
        &mut self,
        method: &Method,
        url: &Url,
        body: Option<(&str, &str)>,
    ) -> Result<Response<Incoming>, String> {
        let authority = url.authority().rsplit('@').next().unwrap_or_default().to_owned();
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::builder().method(method).uri(target).header(HOST, &authority);
        request = request.header(USER_AGENT, concat!("yeoul-load/", env!("CARGO_PKG_VERSION")));
        if !url.username().is_empty() {
            let plain =
                |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            let account = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
            request = request.header(AUTHORIZATION, format!("Basic {}", BASE64.encode(account)));
        }
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookies.join("; "));
        }
        if let Some((content_type, _)) = body {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let body = body.map(|(_, text)| text.to_owned()).unwrap_or_default();
        let request =
            request.body(body).map_err(|error| format!("{} cannot be asked for: {error}", shown(url)))?;
        let sender = self.connected(url).await?;
        sender.send_request(request).await.map_err(|error| format!("{method} {}: {error}", shown(url)))
    }

    /// The connection that there is, or a new one.
    async fn connected(&mut self, url: &Url) -> Result<&mut SendRequest<String>, String> {
        let origin = url.origin().ascii_serialization() + url.scheme();
        let usable = match &mut self.connection {
            Some(connection) if connection.origin == origin => connection.sender.ready().await.is_ok(),
            Some(_) | None => false,
        };
        if !usable {
            self.connection = None;
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => dial(url, origin).await?,
        };
        Ok(&mut self.connection.insert(connection).sender)
    }

    fn take_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default().trim();
            let name = pair.split('=').next().unwrap_or_default();
            self.cookies.retain(|known| known.split('=').next() != Some(name));
            if self.cookies.len() < LOAD_COOKIES {
                self.cookies.push(pair.to_owned());
            }
        }
    }
}

async fn dial(url: &Url, origin: String) -> Result<Connection, String> {
    let tls = match url.scheme() {
        "http" => Tls::None,
        "httpx" => Tls::Unchecked,
        _ => Tls::Checked,
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port().unwrap_or(if tls == Tls::None { 80 } else { 443 });
    let connected = timeout(DIAL_CONNECT_WAIT, connect(host, port, tls, &mut Route::of_owner())).await;
    let connection = connected
        .map_err(|_| format!("{host}:{port} does not answer within {DIAL_CONNECT_WAIT:?}"))?
        .map_err(|(_, text)| format!("{host}:{port} {text}"))?;
    let (sender, driver) = handshake(TokioIo::new(connection))
        .await
        .map_err(|error| format!("{host}:{port} speaks no HTTP: {error}"))?;
    // It ends with the sender.
    tokio::spawn(driver);
    Ok(Connection { origin, sender })
}

async fn refusal(method: &Method, url: &Url, status: StatusCode, body: Incoming) -> String {
    let why = text(body).await.unwrap_or_default();
    // A page of HTML says no more than the status.
    let why = why.lines().next().filter(|line| !line.trim_start().starts_with('<')).unwrap_or_default();
    let colon = if why.is_empty() { "" } else { ": " };
    format!("the server answers {method} {} with {status}{colon}{why}", shown(url))
}

/// A URL without its password.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() {
        let _ = shown.set_password(Some("***"));
    }
    shown.to_string()
}

/// The next piece of a body; `None` at its end.
pub(super) async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, String> {
    loop {
        let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await else { return Ok(None) };
        let frame = frame.map_err(|error| format!("the answer broke off: {error}"))?;
        // Trailers are no content.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// A whole body that is text.
pub(super) async fn text(mut body: Incoming) -> Result<String, String> {
    let mut all = BytesMut::new();
    while let Some(piece) = piece(&mut body).await? {
        if all.len() + piece.len() > LOAD_ANSWER_BYTES {
            return Err(format!("an answer is longer than {LOAD_ANSWER_BYTES} bytes"));
        }
        all.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&all).into_owned())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_password_is_not_shown() {
        let url = "http://user:secret@host:8889/cam/whep?x=1".parse().expect("a URL");
        assert_eq!(shown(&url), "http://user:***@host:8889/cam/whep?x=1");
    }
}
