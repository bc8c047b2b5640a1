//! The routes of endless files, and of the picture in a file.

use super::download::Download;
use super::form::{Container, Form};
use super::keyframe::Keyframe;
use super::query::{self, BadQuery, Query, disposition};
use super::shown::Shown;
use super::viewer::Viewer;
use crate::api::{Peer, Pull, Pulled, Route, media};
use crate::app::App;
use crate::outputs::OutputError;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use yeoul_hub::{Label, Stream};

/// The routes of this module.
pub(crate) fn routes() -> Vec<Route> {
    let file = |path: &'static str, container| {
        Route::new(
            Method::GET,
            path,
            async move |State(app): State<Arc<App>>,
                        peer: Extension<Peer>,
                        query: RawQuery,
                        headers: HeaderMap| {
                let served =
                    file(&app, &headers, peer.0, query.0.as_deref().unwrap_or_default(), (path, container));
                served.await.unwrap_or_else(|failure| failure.answer(&app))
            },
        )
    };
    vec![
        file("/api/stream.mp4", Container::Mp4),
        file("/api/stream.ts", Container::Ts),
        file("/api/stream.flv", Container::Flv),
        file("/api/stream.aac", Container::Aac),
        Route::new(Method::GET, "/api/frame.mp4", picture),
    ]
}

/// Why a request was not served; the text goes to the caller.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("name the stream: {0}?src=NAME")]
    NoName(&'static str),
    #[error("stream not found: {0}")]
    NoStream(String),
    #[error(
        "a URL as src is not supported yet; give it a name in the section streams of the configuration, and use that"
    )]
    Url,
    #[error(transparent)]
    BadQuery(#[from] BadQuery),
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Failure {
    fn answer(&self, app: &App) -> Response {
        let status = match self {
            Self::NoName(_) | Self::BadQuery(_) => StatusCode::BAD_REQUEST,
            Self::NoStream(_) => StatusCode::NOT_FOUND,
            Self::Url => StatusCode::NOT_IMPLEMENTED,
            Self::Output(error) => return error.answer(&app.masker),
        };
        (status, format!("{}\n", app.masker.mask(&self.to_string()))).into_response()
    }
}

/// An endless file, or one with an end.
async fn file(
    app: &Arc<App>,
    headers: &HeaderMap,
    peer: Peer,
    query: &str,
    (path, container): (&'static str, Container),
) -> Result<Response, Failure> {
    let Query { src, form, duration, filename, shown } = Query::parse(container, query)?;
    if container == Container::Mp4 && duration.is_none() && is_safari(headers) {
        return Ok(to_hls(query));
    }
    let stream = find(app, path, src)?;
    let (body, content_type) = if duration.is_some() || filename.is_some() {
        let label = label(container.protocol(), peer, headers);
        let (download, content_type) = Download::begin(&stream, &form, duration, label).await?;
        (body(download, shown), content_type)
    } else {
        let live = app.progressive.ask(&stream, &form).await?;
        let (viewer, content_type) = Viewer::enter(live).await?;
        (body(viewer, shown), content_type)
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // What is asked for later is something else.
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
    if container == Container::Mp4 {
        headers.insert(header::VARY, HeaderValue::from_static("User-Agent"));
    }
    add_disposition(headers, filename.as_deref());
    Ok(response)
}

/// The body of a file whose first piece is its init segment, if it has one.
fn body(pieces: impl Pull, shown: Option<Shown>) -> Body {
    match shown {
        Some(shown) => Body::new(Pulled::new(Turned { pieces, shown: Some(shown) })),
        None => Body::new(Pulled::new(pieces)),
    }
}

/// A file whose picture is shown as somebody wishes.
struct Turned<P> {
    pieces: P,
    /// Until it has been said.
    shown: Option<Shown>,
}

impl<P: Pull> Pull for Turned<P> {
    async fn pull(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pull().await?;
        Some(self.shown.take().map_or(piece.clone(), |shown| shown.apply(&piece)))
    }
}

/// `GET /api/frame.mp4`.
async fn picture(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let served = async {
        let pairs = query::pairs(query.as_deref().unwrap_or_default());
        let src = query::value(&pairs, "src").map(str::to_owned);
        let stream = find(&app, "/api/frame.mp4", src)?;
        let label = label(Container::Mp4.protocol(), peer, &headers);
        let Keyframe { pieces, content_type, etag } =
            Keyframe::last(&stream, &Form::picture(&pairs), label).await?;
        let mut answer = media::headers(content_type, HeaderValue::from_static("no-cache"));
        add_disposition(&mut answer, query::value(&pairs, "filename").filter(|name| !name.is_empty()));
        Ok(media::answer(&headers, answer, &etag, &pieces))
    };
    served.await.unwrap_or_else(|failure: Failure| failure.answer(&app))
}

/// The stream that `src` names.
fn find(app: &App, path: &'static str, src: Option<String>) -> Result<Arc<Stream>, Failure> {
    let src = src.ok_or(Failure::NoName(path))?;
    match app.streams.get(&src) {
        Some(stream) => Ok(stream),
        None if src.contains("://") => Err(Failure::Url),
        None => Err(Failure::NoStream(src)),
    }
}

fn label(protocol: &str, peer: Peer, headers: &HeaderMap) -> Label {
    let user_agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
    Label { protocol: protocol.to_owned(), remote: peer.to_string(), user_agent, url: None }
}

/// Safari asks for ranges of any file, which an endless one does not have, but plays HLS. Others have its name in theirs.
fn is_safari(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.contains("Safari/")
        && !["Chrome/", "Chromium/", "Android"].iter().any(|other| agent.contains(other))
}

/// go2rtc's way for Safari: the same stream as HLS with fragments of MP4.
fn to_hls(query: &str) -> Response {
    let has_level = query::value(&query::pairs(query), "mp4").is_some();
    let location = format!("stream.m3u8?{query}{}", if has_level { "" } else { "&mp4" });
    // Not for long: another browser, or another version of this one, asks the same address.
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, "no-store".into()),
        (header::VARY, "User-Agent".into()),
    ];
    (StatusCode::MOVED_PERMANENTLY, headers).into_response()
}

fn add_disposition(headers: &mut HeaderMap, filename: Option<&str>) {
    if let Some(value) = filename.and_then(|name| HeaderValue::try_from(disposition(name)).ok()) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
}
