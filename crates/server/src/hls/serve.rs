//! Playlists and media below `/NAME/`.
//!
//! | address | what |
//! |---|---|
//! | `/NAME/index.m3u8` | the multivariant playlist: LL-HLS, or classic where that is turned off |
//! | `/NAME/ll/media.m3u8` | the media playlist of LL-HLS |
//! | `/NAME/hls/index.m3u8` | the classic media playlist, fragmented MP4; of several qualities, a multivariant one |
//! | `/NAME/ts/index.m3u8` | the classic media playlist, transport stream |
//! | `/NAME/ll/ID/…`, `/NAME/hls/ID/…`, `/NAME/ts/…` | what they list |
//! | `/NAME/ll-video/…`, `/NAME/ll-audio/…`, and of `hls` | the same for one quality, and for the sound that all share |

use super::failure::Failure;
use super::form::Folder;
use super::names::Piece;
use super::output::{FOLDER, Live};
use super::{qualities, reply};
use crate::api::Route;
use crate::app::App;
use crate::outputs::Lease;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use std::sync::Arc;
use yeoul_hls::Directives;
use yeoul_hub::Stream;

pub(super) fn routes() -> Vec<Route> {
    let get = |path, folder: Folder| {
        Route::new(
            Method::GET,
            path,
            async move |state: State<Arc<App>>,
                        path: Path<(String, String)>,
                        query: RawQuery,
                        headers: HeaderMap| { file(state, path, query, headers, folder).await },
        )
    };
    let get_media = |path, folder: Folder| {
        Route::new(
            Method::GET,
            path,
            async move |state: State<Arc<App>>, path: Path<(String, String, String)>, headers: HeaderMap| {
                media(state, path, headers, folder).await
            },
        )
    };
    vec![
        Route::new(Method::GET, "/{name}/index.m3u8", multivariant),
        get("/{name}/ll/{file}", Folder::LowLatency),
        get_media("/{name}/ll/{id}/{file}", Folder::LowLatency),
        get("/{name}/ll-video/{file}", Folder::LowLatencyVideo),
        get_media("/{name}/ll-video/{id}/{file}", Folder::LowLatencyVideo),
        get("/{name}/ll-audio/{file}", Folder::LowLatencyAudio),
        get_media("/{name}/ll-audio/{id}/{file}", Folder::LowLatencyAudio),
        get("/{name}/hls/{file}", Folder::Classic),
        get_media("/{name}/hls/{id}/{file}", Folder::Classic),
        get("/{name}/hls-video/{file}", Folder::ClassicVideo),
        get_media("/{name}/hls-video/{id}/{file}", Folder::ClassicVideo),
        get("/{name}/hls-audio/{file}", Folder::ClassicAudio),
        get_media("/{name}/hls-audio/{id}/{file}", Folder::ClassicAudio),
        get("/{name}/ts/{file}", Folder::Ts),
    ]
}

async fn multivariant(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let answer = async {
        if app.streams.variants(&name).len() > 1 {
            return qualities::multivariant(&app, &name, app.config.hls.low_latency, "", &headers).await;
        }
        let folder = if app.config.hls.low_latency { Folder::LowLatency } else { Folder::Classic };
        let live = ask(&app, &name, folder).await?;
        reply::multivariant(&live, format!("{}/media.m3u8", folder.name()), &headers).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.answer(&app.masker))
}

/// A playlist, or a segment of a transport stream.
async fn file(
    State(app): State<Arc<App>>,
    Path((name, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    folder: Folder,
) -> Response {
    let answer = async {
        match (folder, file.as_str()) {
            (Folder::Classic, "index.m3u8") if app.streams.variants(&name).len() > 1 => {
                qualities::multivariant(&app, &name, false, "../", &headers).await
            }
            (_, "index.m3u8" | "media.m3u8") => {
                let directives = Directives::parse(query.as_deref().unwrap_or_default())?;
                let live = ask(&app, &name, folder).await?;
                reply::playlist(&live, FOLDER, directives, &headers).await
            }
            (Folder::Ts, file) if file.ends_with(".ts") => {
                let piece = Piece::parse(file).ok_or(Failure::NoFile)?;
                let live = find(&app, &name, folder)?;
                reply::piece(&live, piece, &headers).await
            }
            (_, _) => Err(Failure::NoFile),
        }
    };
    answer.await.unwrap_or_else(|failure| failure.answer(&app.masker))
}

/// Fragmented MP4.
async fn media(
    State(app): State<Arc<App>>,
    Path((name, id, file)): Path<(String, String, String)>,
    headers: HeaderMap,
    folder: Folder,
) -> Response {
    let answer = async {
        let piece = Piece::parse(&file).filter(|_| !file.ends_with(".ts")).ok_or(Failure::NoFile)?;
        let live = find(&app, &name, folder)?;
        // That of an earlier start has other media under the same numbers.
        if live.id() != id {
            return Err(Failure::NoOutput);
        }
        reply::piece(&live, piece, &headers).await
    };
    answer.await.unwrap_or_else(|failure| failure.answer(&app.masker))
}

async fn ask(app: &App, name: &str, folder: Folder) -> Result<Lease<Live>, Failure> {
    let stream = stream(app, name)?;
    Ok(app.hls.outputs.ask(&stream, &folder.form(app.hls.settings)).await?)
}

/// Media of an output that does not run is not there: nothing is started for it.
fn find(app: &App, name: &str, folder: Folder) -> Result<Lease<Live>, Failure> {
    let stream = stream(app, name)?;
    app.hls.outputs.find(&stream, &folder.form(app.hls.settings)).ok_or(Failure::NoOutput)
}

fn stream(app: &App, name: &str) -> Result<Arc<Stream>, Failure> {
    app.streams.get(name).ok_or_else(|| Failure::NoStream(name.to_owned()))
}
