//! HTTP: the API of go2rtc, and the web page.
//!
//! Every request enters by one door, [`Door::answer`]: it asks [`guard`] before it looks at the path, so no route can
//! forget its check. The routes stand in one table, [`routes`].

mod body;
mod guard;
pub(crate) mod listen;
mod program;
mod routes;
mod streams;
#[cfg(test)]
mod tests;

pub(crate) use guard::Peer;
pub(crate) use program::{API_VERSION, REVISION};
pub(crate) use routes::Route;

use crate::app::App;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use std::sync::Arc;
use tower::ServiceExt;

/// Answers requests.
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
    pub(crate) async fn answer(&self, peer: Peer, mut request: Request<Body>) -> Response<Body> {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let mut response = match guard::check(&self.app, peer, &request) {
            Err(refusal) => refusal.into_response(),
            Ok(()) if guard::is_preflight(&request) => StatusCode::NO_CONTENT.into_response(),
            Ok(()) => match below_base(&self.app.config.api.base_path, request.uri()) {
                Base::Inside(uri) => {
                    *request.uri_mut() = uri;
                    request.extensions_mut().insert(peer);
                    match self.router.clone().oneshot(request).await {
                        Ok(response) => response,
                        Err(never) => match never {},
                    }
                }
                Base::Redirect(location) => {
                    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
                }
                Base::Outside => routes::no_such_path(),
            },
        };
        guard::add_headers(&self.app.config.api.origins, origin.as_ref(), response.headers_mut());
        response
    }
}

/// Where a path lies.
enum Base {
    /// The address without the base.
    Inside(Uri),
    /// The base without its slash: relative addresses of the page would miss.
    Redirect(String),
    Outside,
}

fn below_base(base: &str, uri: &Uri) -> Base {
    if base.is_empty() {
        return Base::Inside(uri.clone());
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
