//! Playlists and media below `/NAME/`.
//!
//! | address | what |
//! |---|---|
//! | `/NAME/index.m3u8` | the multivariant playlist: LL-HLS, or classic where that is turned off |
//! | `/NAME/ll/media.m3u8` | the media playlist of LL-HLS |
//! | `/NAME/ll-video/media.m3u8`, `ll-audio` | pictures and sound apart, for streams of several qualities |
//! | `/NAME/hls/index.m3u8` | the classic media playlist, fragmented MP4 |
//! | `/NAME/ts/index.m3u8` | the classic media playlist, transport stream |
//! | `/NAME/ll/ID/…`, `/NAME/hls/ID/…`, `/NAME/ts/…` | what they list |

use super::failure::Failure;
use super::form::{Choice, Container};
use super::names::Piece;
use super::output::{FOLDER, Live};
use super::{FOLDERS, Folder, Hls, qualities, reply};
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
    let mut routes = vec![Route::new(Method::GET, "/{name}/index.m3u8", multivariant)];
    for folder in FOLDERS {
        let file =
            async move |state: State<Arc<App>>,
                        path: Path<(String, String)>,
                        query: RawQuery,
                        headers: HeaderMap| { file(state, path, query, headers, folder).await };
        routes.push(Route::new(Method::GET, folder.files, file));
        // Transport streams have no init segment, and plain names.
        if folder.container != Container::Ts {
            let piece = async move |state: State<Arc<App>>,
                                    path: Path<(String, String, String)>,
                                    headers: HeaderMap| {
                file_in_folder(state, path, headers, folder).await
            };
            routes.push(Route::new(Method::GET, folder.pieces, piece));
        }
    }
    routes
}

async fn multivariant(State(app): State<Arc<App>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let container = if app.config.hls.low_latency { Container::LowLatency } else { Container::Fmp4 };
    let answer = async {
        let variants = app.streams.variants(&name);
        if variants.len() > 1 {
            let text = qualities::multivariant(&app, variants, container).await?;
            return Ok(reply::multivariant_text(app.hls.settings.caching, text, &headers));
        }
        let folder = Hls::folder(container, &Choice::ALL);
        let live = ask(&app, &name, folder).await?;
        reply::multivariant(&live, format!("{}/media.m3u8", folder.name), &headers).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.answer(&app.masker))
}

/// A playlist, or a segment of a transport stream.
async fn file(
    State(app): State<Arc<App>>,
    Path((name, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    folder: &'static Folder,
) -> Response {
    let answer = async {
        if matches!(file.as_str(), "index.m3u8" | "media.m3u8") {
            let directives = Directives::parse(query.as_deref().unwrap_or_default())?;
            let live = ask(&app, &name, folder).await?;
            return reply::playlist(&live, FOLDER, directives, &headers).await;
        }
        match (folder.container, Piece::parse(&file)) {
            (Container::Ts, Some(piece)) if file.ends_with(".ts") => {
                let live = find(&app, &name, folder)?;
                reply::piece(&live, piece, &headers).await
            }
            (Container::Ts | Container::Fmp4 | Container::LowLatency, _) => Err(Failure::NoFile),
        }
    };
    answer.await.unwrap_or_else(|failure| failure.answer(&app.masker))
}

/// Fragmented MP4.
async fn file_in_folder(
    State(app): State<Arc<App>>,
    Path((name, id, file)): Path<(String, String, String)>,
    headers: HeaderMap,
    folder: &'static Folder,
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

async fn ask(app: &App, name: &str, folder: &Folder) -> Result<Lease<Live>, Failure> {
    let stream = stream(app, name)?;
    Ok(app.hls.outputs.ask(stream, &app.hls.form(folder.container, folder.choice.clone())).await?)
}

/// Media of an output that does not run is not there: nothing is started for it.
fn find(app: &App, name: &str, folder: &Folder) -> Result<Lease<Live>, Failure> {
    let stream = stream(app, name)?;
    app.hls
        .outputs
        .find(stream, &app.hls.form(folder.container, folder.choice.clone()))
        .ok_or(Failure::NoOutput)
}

fn stream<'a>(app: &'a App, name: &str) -> Result<&'a Arc<Stream>, Failure> {
    app.streams.get(name).ok_or_else(|| Failure::NoStream(name.to_owned()))
}
