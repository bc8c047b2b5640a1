//! HTTP: the API of go2rtc, and the web page.
//!
//! Every request enters by one door, [`Door::answer`]: it asks [`guard`] before it looks at the path, so no route can
//! forget its check. The routes stand in one table, [`routes`].

mod body;
mod connection;
mod cors;
mod guard;
mod http2;
pub(crate) mod listen;
pub(crate) mod media;
mod patience;
mod prepared;
mod program;
mod pulled;
mod routes;
mod sources;
mod streams;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use guard::Peer;
pub(crate) use prepared::{Prepared, etag, etag_is_named};
pub(crate) use program::{API_VERSION, REVISION};
pub(crate) use pulled::{Pull, Pulled};
pub(crate) use routes::Route;

use crate::app::App;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use std::sync::Arc;
use tower::ServiceExt;

/// Answers requests. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    app: Arc<App>,
    router: Router,
}

impl Door {
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), router: routes::router(app) }
    }

    /// The answer to a request of `peer`.
    pub(crate) async fn answer(&self, peer: Peer, request: Request<Body>) -> Response<Body> {
        let api = &self.app.config.api;
        let origin = request.headers().get(header::ORIGIN).cloned();
        let is_media = cors::is_media(api, request.uri().path());
        let mut response = match guard::check(&self.app, peer, &request) {
            Err(refusal) => refusal.into_response(),
            Ok(()) if cors::is_preflight(&request) => cors::preflight(api, &request),
            Ok(()) => match body::whole(request).await {
                Ok(request) => self.route(peer, request).await,
                Err(refusal) => refusal,
            },
        };
        let headers = response.headers_mut();
        guard::add_headers(headers);
        cors::add(api, is_media, origin.as_ref(), headers);
        response
    }

    async fn route(&self, peer: Peer, mut request: Request<Body>) -> Response<Body> {
        match below_base(&self.app.config.api.base_path, request.uri()) {
            Base::AsItIs => {}
            Base::Inside(uri) => *request.uri_mut() = uri,
            Base::Redirect(location) => {
                return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response();
            }
            Base::Outside => return routes::no_such_path(),
        }
        request.extensions_mut().insert(peer);
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Where a path lies.
enum Base {
    /// There is no base.
    AsItIs,
    /// The address without the base.
    Inside(Uri),
    /// The base without its slash: relative addresses of the page would miss.
    Redirect(String),
    Outside,
}

fn below_base(base: &str, uri: &Uri) -> Base {
    if base.is_empty() || routes::absolute(uri.path()).is_some() {
        return Base::AsItIs;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    match uri.path().strip_prefix(base) {
        Some("") => Base::Redirect(format!("{base}/{query}")),
        Some(path) if path.starts_with('/') => match format!("{path}{query}").parse() {
            Ok(uri) => Base::Inside(uri),
            Err(_) => Base::Outside,
        },
        Some(_) | None => Base::Outside,
    }
}
