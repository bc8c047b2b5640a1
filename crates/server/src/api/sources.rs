//! Streams given by callers: added, replaced, taken away, published. The paths, the parameters and the words are go2rtc's.
//!
//! | request | does |
//! |---|---|
//! | `PUT /api/streams?name=cam&src=URL&src=URL` | adds a stream, or replaces one; it stands in the configuration file then |
//! | `PATCH /api/streams?name=cam&src=URL` | the same until the program ends; `src` may be a stream, which then has another name |
//! | `DELETE /api/streams?src=cam` | takes a stream away, from the file too |
//! | `POST /api/streams?src=cam&dst=URL` | publishes a stream to a server, once |
//!
//! What a caller gives runs no program and reads no file ([`Source::parse_of_caller`]), and leads to no address of our own
//! surroundings ([`crate::policy`]), not after the next start either: the file says where it came from.

use super::streams::no_such_stream;
use crate::app::App;
use crate::config::file;
use crate::mask::url_secrets;
use crate::policy::Origin;
use crate::publish::{Target, TargetError};
use crate::schemes::{Source, SourceError, Written, check_of_caller};
use crate::streams::ChangeError;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;
use tracing::{info, warn};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0}")]
    Source(#[from] SourceError),
    /// The first words are go2rtc's.
    #[error("streams: source not supported: sources of scheme {0} are not supported yet")]
    Planned(String),
    #[error("{0}")]
    Target(#[from] TargetError),
    #[error("{0}")]
    Change(#[from] ChangeError),
    #[error("playing to a camera's loudspeaker is not supported yet")]
    Backchannel,
    #[error("stream not found")]
    NoStream,
    #[error("{0}")]
    Publish(String),
}

impl Failure {
    fn answer(self, app: &App) -> Response {
        let status = match &self {
            Self::Missing(_) | Self::Source(_) | Self::Planned(_) | Self::Target(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Change(ChangeError::NoStream(_)) | Self::NoStream => return no_such_stream(),
            Self::Change(ChangeError::TooManyStreams) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Change(
                ChangeError::Name
                | ChangeError::TooManySources
                | ChangeError::InUse(..)
                | ChangeError::Rendition(_),
            ) => StatusCode::BAD_REQUEST,
            Self::Backchannel => StatusCode::NOT_IMPLEMENTED,
            Self::Publish(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, format!("{}\n", app.masker.mask(&self.to_string()))).into_response()
    }
}

/// The parameters of a request.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(query: Option<String>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// All values of a key that are not empty.
    fn all<'q>(&'q self, key: &'q str) -> impl Iterator<Item = &'q str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == key && !value.is_empty())
            .map(|(_, value)| &**value)
    }

    fn first(&self, key: &'static str) -> Result<&str, Failure> {
        self.all(key).next().ok_or(Failure::Missing(key))
    }
}

/// `PUT`.
pub(super) async fn put(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let query = Query::read(query);
    match add(&app, &query).await {
        Ok(answer) => answer,
        Err(failure) => failure.answer(&app),
    }
}

async fn add(app: &Arc<App>, query: &Query) -> Result<Response, Failure> {
    let first = query.first("src")?;
    let name = query.all("name").next().unwrap_or(first);
    let sources = query.all("src").map(|text| source(app, name, text)).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<String> = sources.iter().map(|source| source.text.clone()).collect();
    let one_by_one = Arc::clone(&app.edits).lock_owned().await;
    app.streams.set(name, sources)?;
    // The same sources as the configuration's own are left as they stand there.
    if app.streams.configured(name).is_none_or(|stream| stream.named_by == Origin::Owner) {
        return Ok(StatusCode::OK.into_response());
    }
    Ok(keep(app, name, file::Change::Set(texts), one_by_one).await)
}

/// `PATCH`.
pub(super) async fn patch(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let query = Query::read(query);
    match replace(&app, &query).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failure) => failure.answer(&app),
    }
}

async fn replace(app: &App, query: &Query) -> Result<(), Failure> {
    let (name, text) = (query.first("name")?, query.first("src")?);
    let _one_by_one = app.edits.lock().await;
    if app.streams.get(text).is_some() {
        return Ok(app.streams.alias(name, text)?);
    }
    app.streams.set(name, vec![source(app, name, text)?])?;
    Ok(())
}

/// `DELETE`.
pub(super) async fn delete(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let query = Query::read(query);
    let removed = async {
        let name = query.first("src")?;
        let one_by_one = Arc::clone(&app.edits).lock_owned().await;
        app.streams.remove(name)?;
        info!(target: "streams", "{name}: taken away by a caller of the API");
        Ok(keep(&app, name, file::Change::Remove, one_by_one).await)
    };
    removed.await.unwrap_or_else(|failure: Failure| failure.answer(&app))
}

/// `POST`.
pub(super) async fn post(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    let query = Query::read(query);
    match publish(&app, &query).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(failure) => failure.answer(&app),
    }
}

async fn publish(app: &App, query: &Query) -> Result<(), Failure> {
    let to = query.first("dst")?;
    if app.streams.get(to).is_some() {
        return Err(Failure::Backchannel);
    }
    let name = query.first("src")?;
    let stream = app.streams.get(name).ok_or(Failure::NoStream)?;
    check_of_caller(to)?;
    app.masker.learn(&url_secrets(to));
    let target = Target::parse(to)?;
    let route = app.streams.means().route(Origin::Caller);
    let published = app.publications.once(name, stream, target, route).await;
    published.map_err(|error| Failure::Publish(error.text))
}

/// A source that a caller gives for the stream `name`. Home Assistant has ffmpeg read the stream that it adds with the same request.
fn source(app: &App, name: &str, text: &str) -> Result<Written, Failure> {
    app.masker.learn(&url_secrets(text));
    let is_stream = |read: &str| read == name || app.streams.registry().contains(read);
    let source = Source::parse_of_caller(text, is_stream)?;
    if let Source::Planned { scheme } = source {
        return Err(Failure::Planned(scheme));
    }
    Ok(Written::new(text, source))
}

/// Writes a change into the configuration file. The stream is changed already: where the file cannot be, the answer says so.
/// `one_by_one` is given back when the file is written, also if the caller has gone away meanwhile.
async fn keep(app: &App, name: &str, change: file::Change, one_by_one: OwnedMutexGuard<()>) -> Response {
    let Some(path) = app.config.path.clone() else { return StatusCode::OK.into_response() };
    let owned = name.to_owned();
    let write = move || {
        let _one_by_one = one_by_one;
        file::change_stream(&path, &owned, &change)
    };
    let kept = tokio::task::spawn_blocking(write).await;
    match kept {
        Ok(Ok(())) => StatusCode::OK.into_response(),
        Ok(Err(error)) => {
            warn!(target: "config", "{name}: changed until the program ends only: {error}");
            (StatusCode::OK, format!("changed until the program ends only: {error}\n")).into_response()
        }
        // The runtime ends.
        Err(_) => StatusCode::OK.into_response(),
    }
}
