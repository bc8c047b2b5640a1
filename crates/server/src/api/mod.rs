//! HTTP: the API of go2rtc, and the web page.

pub(crate) mod listen;

use crate::app::App;
use axum::Router;
use std::sync::Arc;

/// Every route of the program.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new().with_state(Arc::clone(app))
}
