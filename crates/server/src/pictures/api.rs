//! The routes: a single picture, a stream of them, and a stream of characters.

use super::Pictures;
use super::appetite::Afterwards;
use super::body::{self, Writer};
use super::params::{Kind, ParamError, Params};
use super::shot::{Shot, ShotError};
use super::source::{self, NoPicture, Source};
use crate::api::Route;
use crate::app::App;
use crate::limits::PICTURE_FPS;
use crate::outputs::{Lease, OutputError};
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_transcode::ascii;

/// Between the pictures of a stream of them: what go2rtc calls it.
const BOUNDARY: &str = "frame";

/// How old a picture is, in milliseconds: a stream's keyframes may be seconds apart.
const AGE: &str = "x-picture-age-ms";

/// The routes of this module.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/frame.jpeg", frame_jpeg),
        Route::new(Method::GET, "/api/stream.mjpeg", stream_mjpeg),
        Route::new(Method::GET, "/api/stream.ascii", stream_ascii),
    ]
}

/// Why a request was not served; the text goes to the caller.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Param(#[from] ParamError),
    #[error("stream not found: {0}")]
    NoStream(String),
    #[error("{0}")]
    Output(#[from] OutputError),
    #[error("{0}")]
    Late(String),
    #[error("{0}")]
    Shot(#[from] ShotError),
}

impl From<NoPicture> for Failure {
    fn from(error: NoPicture) -> Self {
        match error {
            NoPicture::Output(error) => Self::Output(error),
            NoPicture::Late(sentence) => Self::Late(sentence),
        }
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Param(_) | Self::Shot(ShotError::Size(_)) => StatusCode::BAD_REQUEST,
            Self::NoStream(_) => StatusCode::NOT_FOUND,
            Self::Output(error) => error.status(),
            Self::Late(_) | Self::Shot(ShotError::TooManyLooks | ShotError::Job(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            // The camera is upstream of us.
            Self::Shot(ShotError::Jpeg(_)) => StatusCode::BAD_GATEWAY,
        }
    }

    fn answer(&self, app: &App) -> Response {
        let text = format!("{}\n", app.masker.mask(&self.to_string()));
        let mut response = (self.status(), text).into_response();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            // RFC 9110 §10.2.3: the camera may be back any moment.
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// The source of the stream that a request names.
async fn source(app: &App, params: &Params) -> Result<Lease<Source>, Failure> {
    let stream = app.streams.get(&params.src).ok_or_else(|| Failure::NoStream(params.src.clone()))?;
    let Pictures { sources, means } = &app.pictures;
    Ok(sources.ask(&stream, means).await?)
}

/// `GET /api/frame.jpeg?src=NAME`: one picture.
async fn frame_jpeg(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let image = async {
        let params = Params::parse(&query.unwrap_or_default(), Kind::Jpeg)?;
        let lease = source(&app, &params).await?;
        let shot = source::fresh(&lease, params.max_age).await?;
        let image = shot.look(&params.look, &app.pictures.means.jobs).await?;
        Ok::<_, Failure>((image, age(&shot)))
    };
    match image.await {
        Ok((image, age)) => {
            let mut response = ([(header::CONTENT_TYPE, "image/jpeg")], image).into_response();
            response.headers_mut().insert(AGE, age.into());
            not_to_be_kept(response)
        }
        Err(failure) => failure.answer(&app),
    }
}

fn age(shot: &Shot) -> u64 {
    let age = Instant::now().saturating_duration_since(shot.received_at);
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

/// With the headers by which nobody takes an old picture for a new one.
fn not_to_be_kept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// `GET /api/stream.mjpeg?src=NAME`: pictures as parts of one answer (RFC 2046 §5.1, `multipart/x-mixed-replace`).
async fn stream_mjpeg(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let content_type = format!("multipart/x-mixed-replace; boundary={BOUNDARY}");
    stream(app, &query.unwrap_or_default(), Kind::Jpeg, &content_type).await
}

/// `GET /api/stream.ascii?src=NAME`: pictures of characters, each over the one before.
async fn stream_ascii(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    stream(app, &query.unwrap_or_default(), Kind::Text, "text/plain; charset=utf-8").await
}

async fn stream(app: Arc<App>, query: &str, kind: Kind, content_type: &str) -> Response {
    let begun = async {
        let params = Params::parse(query, kind)?;
        let lease = source(&app, &params).await?;
        let shot = source::first(&lease).await?;
        let piece = shot.look(&params.look, &app.pictures.means.jobs).await?;
        Ok::<_, Failure>((params, lease, shot, piece))
    };
    let (params, lease, shot, piece) = match begun.await {
        Ok(begun) => begun,
        Err(failure) => return failure.answer(&app),
    };
    let (writer, body) = body::body();
    let viewer = Viewer { app: Arc::clone(&app), params, kind, lease, writer };
    app.tasks.spawn(async move {
        tokio::select! {
            () = viewer.app.shutdown.cancelled() => {}
            () = viewer.run(shot, piece) => {}
        }
    });
    not_to_be_kept(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Somebody who watches a stream of pictures.
struct Viewer {
    app: Arc<App>,
    params: Params,
    kind: Kind,
    lease: Lease<Source>,
    writer: Writer,
}

impl Viewer {
    /// Sends pictures until the viewer goes or the stream ends.
    async fn run(&self, mut shot: Arc<Shot>, piece: Bytes) {
        // A camera's own pictures come as it makes them.
        let fps = self.params.fps.or_else(|| (!shot.is_jpeg()).then_some(PICTURE_FPS));
        let interval = fps.map_or(Duration::ZERO, |fps| Duration::from_secs_f64(1.0 / fps));
        let _wish = self.lease.wish(interval, Afterwards::Forget);
        let mut newest = self.lease.newest();
        let before = match self.kind {
            Kind::Jpeg => format!("--{BOUNDARY}\r\n").into(),
            Kind::Text => Bytes::from_static(ascii::CLEAR.as_bytes()),
        };
        if !self.writer.write(before).await {
            return;
        }
        let mut piece = Some(piece);
        loop {
            // A look that cannot be had now (others wait) is left out.
            if let Some(piece) = piece.take()
                && !self.send(&piece).await
            {
                return;
            }
            shot = tokio::select! {
                () = self.writer.closed() => return,
                _ = self.lease.over() => return,
                next = next(&mut newest, &shot, interval) => match next {
                    Some(next) => next,
                    None => return,
                },
            };
            piece = shot.look(&self.params.look, &self.app.pictures.means.jobs).await.ok();
        }
    }

    async fn send(&self, piece: &Bytes) -> bool {
        match self.kind {
            Kind::Jpeg => {
                let head = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", piece.len());
                // Browsers show a picture when the delimiter behind it has come: it does not wait for the next one.
                self.writer.write(head.into()).await
                    && self.writer.write(piece.clone()).await
                    && self.writer.write(format!("\r\n--{BOUNDARY}\r\n").into()).await
            }
            Kind::Text => {
                self.writer.write(Bytes::from_static(ascii::HOME.as_bytes())).await
                    && self.writer.write(piece.clone()).await
            }
        }
    }
}

/// The next picture that is at least `interval` younger than `last`, a tenth less for those that come unevenly.
async fn next(
    newest: &mut tokio::sync::watch::Receiver<Option<Arc<Shot>>>,
    last: &Arc<Shot>,
    interval: Duration,
) -> Option<Arc<Shot>> {
    let is_next = |shot: &Option<Arc<Shot>>| {
        shot.as_ref().is_some_and(|shot| {
            !Arc::ptr_eq(shot, last)
                && shot.received_at.saturating_duration_since(last.received_at) >= interval - interval / 10
        })
    };
    newest.wait_for(is_next).await.ok()?.clone()
}
