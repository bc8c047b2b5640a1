//! The program itself: what it is, what it can, its end.

use crate::app::{App, End};
use crate::config::{Config, Listen};
use crate::schemes::SCHEMES;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// go2rtc's clients compare this version with what they know: the first part is the go2rtc whose API we have.
pub(crate) const API_VERSION: &str = concat!("1.9.14+yeoul.", env!("CARGO_PKG_VERSION"));

/// The commit, where the build tells it.
pub(crate) const REVISION: Option<&str> = option_env!("YEOUL_REVISION");

/// `GET /api`.
pub(super) async fn describe(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    json_line(&description(&app.config, host))
}

fn description(config: &Config, host: &str) -> Value {
    let listen = |listen: Option<Listen>| listen.map(|listen| listen.to_string()).unwrap_or_default();
    let mut rtsp = json!({"listen": listen(config.rtsp.listen), "default_query": config.rtsp.default_query});
    if let Some(size) = config.rtsp.pkt_size {
        rtsp["pkt_size"] = size.into();
    }
    let mut api = json!({
        "version": API_VERSION,
        "revision": REVISION.unwrap_or_default(),
        "host": host,
        "rtsp": rtsp,
        "webrtc": {"listen": listen(config.webrtc.listen)},
    });
    if let Some(path) = &config.path {
        api["config_path"] = path.display().to_string().into();
    }
    api
}

/// `GET /api/schemes`: what can be a source. Home Assistant decides by this list.
pub(super) async fn schemes() -> Response {
    json_line(&json!(SCHEMES))
}

/// The query of `POST /api/exit`.
#[derive(Debug, Deserialize)]
pub(super) struct Exit {
    code: Option<String>,
}

/// `POST /api/exit?code=0`: go2rtc's codes, 0 to 125.
pub(super) async fn exit(State(app): State<Arc<App>>, Query(query): Query<Exit>) -> Response {
    let code = query.code.as_deref().unwrap_or("0").parse().ok().filter(|code| *code <= 125);
    match code {
        Some(code) => {
            app.end(End::Exit(code));
            StatusCode::OK.into_response()
        }
        None => (StatusCode::BAD_REQUEST, "code: expected a number from 0 to 125\n").into_response(),
    }
}

/// `POST /api/restart`: ends, and begins again with the same command line.
pub(super) async fn restart(State(app): State<Arc<App>>) -> Response {
    app.end(End::Restart);
    StatusCode::OK.into_response()
}

/// A value on one line, as go2rtc writes it.
pub(super) fn json_line(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}
