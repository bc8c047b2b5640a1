//! Every route, in one table. Who may call them is the same for all and decided before, in `guard`.

use super::{program, sources, streams};
use crate::app::App;
use crate::{hls, onvif, pictures, progressive, web, webrtc};
use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use std::sync::Arc;

/// One method of one path.
pub(crate) struct Route {
    /// A path of axum's form: `/api/streams`, `/{name}/whep`.
    pub(crate) path: &'static str,
    handler: MethodRouter<Arc<App>>,
}

impl Route {
    /// A route whose method is one of those that HTTP names.
    pub(crate) fn new<H, T>(method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let filter = match method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::PATCH => MethodFilter::PATCH,
            Method::DELETE => MethodFilter::DELETE,
            Method::OPTIONS => MethodFilter::OPTIONS,
            // HEAD comes with GET (RFC 9110 §9.3.2).
            _ => MethodFilter::GET,
        };
        Self { path, handler: on(filter, handler) }
    }
}

/// All routes. The page and its files are what is left.
pub(super) fn table() -> Vec<Route> {
    let mut table = vec![
        Route::new(Method::GET, "/api", program::describe),
        Route::new(Method::POST, "/api/exit", program::exit),
        Route::new(Method::POST, "/api/restart", program::restart),
        Route::new(Method::GET, "/api/schemes", program::schemes),
        Route::new(Method::GET, "/api/streams", streams::list),
        Route::new(Method::PUT, "/api/streams", sources::put),
        Route::new(Method::PATCH, "/api/streams", sources::patch),
        Route::new(Method::POST, "/api/streams", sources::post),
        Route::new(Method::DELETE, "/api/streams", sources::delete),
    ];
    table.extend(webrtc::api::routes());
    table.extend(pictures::routes());
    table.extend(progressive::routes());
    table.extend(hls::routes());
    table.extend(onvif::api::routes());
    table
}

/// What of go2rtc lies outside of `api.base_path`, for others ask there without knowing of it.
const ABSOLUTE: &[&str] = &["/onvif/"];

/// The part of [`ABSOLUTE`] that a path belongs to.
pub(super) fn absolute(path: &str) -> Option<&'static str> {
    ABSOLUTE.iter().copied().find(|prefix| path.starts_with(prefix))
}

/// Paths of go2rtc that do not work yet: the answer says so, instead of a riddle.
const PLANNED: &[&str] = &[
    "/api/config",
    "/api/log",
    "/api/streams.dot",
    "/api/preload",
    "/api/ws",
    "/api/stream.y4m",
    "/api/stream",
    "/api/ffmpeg",
];

/// The routes that `api.allow_paths` leaves, with the page behind them.
pub(super) fn router(app: &Arc<App>) -> Router {
    let api = &app.config.api;
    // Compared as go2rtc does: the whole path as it is registered.
    let allowed = |path: &str| {
        let registered = absolute(path).map_or_else(|| format!("{}{path}", api.base_path), str::to_owned);
        api.allow_paths.as_ref().is_none_or(|allowed| allowed.contains(&registered))
    };
    let off = if app.config.hls.enabled { Vec::new() } else { hls::routes() };
    let is_on = |path: &str| !off.iter().any(|route| route.path == path);
    let routes = table().into_iter().filter(|route| allowed(route.path) && is_on(route.path));
    let router = routes.fold(Router::new(), |router, route| router.route(route.path, route.handler));
    let router = if allowed("/") { router.fallback(rest) } else { router.fallback(async || no_such_path()) };
    router
        .method_not_allowed_fallback(async |method: Method| {
            (
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{method} does nothing here; the header Allow names what does\n"),
            )
        })
        .with_state(Arc::clone(app))
}

/// What is no route: paths of the API that do not exist, and the page.
async fn rest(
    axum::extract::State(app): axum::extract::State<Arc<App>>,
    request: axum::extract::Request,
) -> Response {
    let path = request.uri().path();
    if PLANNED.contains(&path) {
        return (StatusCode::NOT_IMPLEMENTED, format!("{path} is not supported yet\n")).into_response();
    }
    if path.starts_with("/api/") {
        return no_such_path();
    }
    web::serve(&app.config.api.origins, &request)
}

/// 404.
pub(super) fn no_such_path() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response()
}
