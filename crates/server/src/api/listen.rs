//! The HTTP listener.

use crate::app::{App, StartError};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Listens on `api.listen`; gives the address, or `None` if it is off.
pub(crate) async fn start(app: &Arc<App>) -> Result<Option<SocketAddr>, StartError> {
    let Some(listen) = app.config.api.listen else { return Ok(None) };
    let refused = |error: std::io::Error| StartError(format!("api: cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen.socket_addr()).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let service = super::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = app.shutdown.clone();
    app.tasks.spawn(async move {
        let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown.cancelled_owned());
        // The accept loop of axum never gives an error.
        let _ = serving.await;
    });
    Ok(Some(address))
}
