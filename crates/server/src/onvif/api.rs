//! `GET /api/onvif`: the cameras of the network; with `?src=` the profiles of one, in go2rtc's shape.

use super::discover::discover;
use super::session::Session;
use super::source::Source;
use super::{ptz, serve};
use crate::api::Route as ApiRoute;
use crate::app::App;
use crate::limits::DISCOVERY_WAIT;
use crate::policy::{Origin, Route};
use crate::streams::DialError;
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Mutex;
use yeoul_onvif::device::DEVICE_PATH;
use yeoul_onvif::discovery::Device;

/// The routes of ONVIF.
pub(crate) fn routes() -> Vec<ApiRoute> {
    let mut routes = vec![ApiRoute::new(Method::GET, "/api/onvif", list)];
    routes.extend(ptz::routes());
    routes.extend(serve::routes());
    routes
}

/// The query of `GET /api/onvif`.
#[derive(Debug, Deserialize)]
struct Asked {
    src: Option<String>,
}

async fn list(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let listed = match asked.src.filter(|src| !src.is_empty()) {
        None => found().await,
        Some(src) => profiles(&app, &src).await,
    };
    match listed {
        Ok(sources) if sources.is_empty() => (StatusCode::NOT_FOUND, "no sources\n").into_response(),
        Ok(sources) => {
            let text = format!("{}\n", json!({"sources": sources}));
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err((status, text)) => (status, format!("{}\n", app.masker.mask(&text))).into_response(),
    }
}

type Refusal = (StatusCode, String);

async fn found() -> Result<Vec<Value>, Refusal> {
    /// Each search asks the whole network.
    static SEARCH: Mutex<()> = Mutex::const_new(());
    let Ok(_search) = SEARCH.try_lock() else {
        return Err((
            StatusCode::SERVICE_UNAVAILABLE,
            "a search is under way; ask again in a moment".to_owned(),
        ));
    };
    let devices = discover(DISCOVERY_WAIT, None).await;
    let devices = devices.map_err(|error| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot list the network interfaces: {error}"))
    })?;
    Ok(devices.iter().map(found_source).collect())
}

/// A camera that was found, in go2rtc's shape.
pub(super) fn found_source(device: &Device) -> Value {
    let about = format!("{} {}", device.name, device.hardware);
    json!({"name": authority(device), "info": about.trim(), "url": source_text(device)})
}

fn authority(device: &Device) -> &str {
    &device.url[url::Position::BeforeHost..url::Position::AfterPort]
}

/// A source to fill in, as go2rtc writes it.
pub(super) fn source_text(device: &Device) -> String {
    let path = &device.url[url::Position::BeforePath..url::Position::AfterQuery];
    let path = if path == DEVICE_PATH || path == "/" { "" } else { path };
    format!("onvif://user:pass@{}{path}", authority(device))
}

/// Of a stream by its name, or of an address that the caller knows.
async fn profiles(app: &App, src: &str) -> Result<Vec<Value>, Refusal> {
    let means = app.streams.means();
    let (source, route, is_ours) = match app.streams.configured(src) {
        Some(stream) => match ptz::onvif_source(&stream) {
            Some(source) => (source.clone(), means.route(stream.origin), true),
            None => {
                return Err((StatusCode::BAD_REQUEST, format!("the stream {src} has no onvif source")));
            }
        },
        None if src.starts_with("onvif://") => match Source::parse(src) {
            Ok(source) => (source, means.route(Origin::Caller), false),
            Err(error) => return Err((StatusCode::BAD_REQUEST, format!("src: {error}"))),
        },
        None => return Err((StatusCode::NOT_FOUND, "stream not found".to_owned())),
    };
    let listed = describe(&source, route).await;
    let mut listed = listed.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.text))?;
    // Whoever gave a password may have it back; ours is shown to nobody.
    for source in listed.iter_mut().filter(|_| is_ours) {
        source.url = app.masker.mask(&source.url);
    }
    Ok(listed
        .into_iter()
        .map(|Listed { name, info, url }| json!({"name": name, "info": info, "url": url}))
        .collect())
}

/// A source that a camera offers.
pub(super) struct Listed {
    pub(super) name: String,
    /// Size, coding and rate.
    pub(super) info: String,
    /// With the password of the source that was asked.
    pub(super) url: String,
}

/// Asks a camera for what it has.
pub(super) async fn describe(source: &Source, route: Route) -> Result<Vec<Listed>, DialError> {
    let mut session = Session::open(source, route).await?;
    let name = session.name().await?;
    let profiles = session.profiles().await?;
    let mut listed: Vec<Listed> = profiles
        .iter()
        .enumerate()
        .map(|(index, profile)| Listed {
            name: format!("{name} stream{index}"),
            info: profile.to_string(),
            url: source.text_of(index, profile, false),
        })
        .collect();
    if let Some(first) = profiles.first()
        && session.snapshot_uri(first).await.is_ok()
    {
        let url = source.text_of(0, first, true);
        listed.push(Listed { name: format!("{name} snapshot"), info: "JPEG".to_owned(), url });
    }
    Ok(listed)
}
