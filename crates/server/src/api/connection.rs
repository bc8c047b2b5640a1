//! One HTTP connection from its first byte to its last: HTTP/1.1 (RFC 9112) or, where TLS has agreed on it, HTTP/2
//! (RFC 9113).

use super::http2::{Open, Streams, Verdict, Watched};
use super::patience::Patient;
use super::tls::HTTP_2;
use super::{Door, Peer};
use crate::app::App;
use crate::limits::{
    API_HEADER_BYTES, API_HEADER_WAIT, API_WRITE_WAIT, HTTP2_PING, HTTP2_RESETS, HTTP2_SEND_BYTES,
    HTTP2_STREAMS,
};
use axum::body::Body;
use hyper::body::{Body as _, Incoming};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// Serves a connection that has just been accepted, by TLS if there is an acceptor.
pub(super) async fn serve<T>(app: Arc<App>, door: Arc<Door>, socket: T, peer: Peer, tls: Option<TlsAcceptor>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let socket = Patient::new(socket);
    let result = match tls {
        None => serve_http1(&app, door, socket, peer).await,
        Some(tls) => match timeout(API_HEADER_WAIT, tls.accept(socket)).await {
            Err(_) => {
                debug!(target: "api", "{peer}: the TLS handshake was not done in {} s", API_HEADER_WAIT.as_secs());
                return;
            }
            Ok(Err(error)) => {
                debug!(target: "api", "{peer}: the TLS handshake failed: {error}");
                return;
            }
            Ok(Ok(socket)) if socket.get_ref().1.alpn_protocol() == Some(HTTP_2) => {
                serve_http2(&app, door, socket, peer).await
            }
            Ok(Ok(socket)) => serve_http1(&app, door, socket, peer).await,
        },
    };
    if let Err(error) = result {
        debug!(target: "api", "{peer}: {}", cause(&error));
    }
}

/// What is behind an error of hyper, which only says what it was doing.
fn cause(error: &hyper::Error) -> &dyn Error {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

async fn serve_http1<T>(app: &Arc<App>, door: Arc<Door>, socket: T, peer: Peer) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(answer(&door, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(API_HEADER_WAIT)
        .max_buf_size(API_HEADER_BYTES)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => result,
        () = app.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

async fn serve_http2<T>(app: &Arc<App>, door: Arc<Door>, socket: T, peer: Peer) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let streams = Streams::new();
    let service = service_fn(|request| {
        let (door, open) = (Arc::clone(&door), streams.open());
        async move { Ok::<_, Infallible>(watched(answer(&door, peer, request).await, open)) }
    });
    let connection = http2::Builder::new(Tracked(app.tasks.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_pending_accept_reset_streams(HTTP2_RESETS)
        .max_local_error_reset_streams(HTTP2_RESETS)
        .max_header_list_size(u32::try_from(API_HEADER_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(HTTP2_SEND_BYTES)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(API_WRITE_WAIT)
        .serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let mut look = interval(API_WRITE_WAIT / 4);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ending = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => return result,
            () = app.shutdown.cancelled(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = look.tick() => match streams.look() {
                Verdict::Alive => {}
                Verdict::Idle if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                Verdict::Idle => {}
                Verdict::Stalled => {
                    debug!(target: "api", "{peer}: it took nothing of an answer for {} s", API_WRITE_WAIT.as_secs());
                    return Ok(());
                }
            },
        }
    }
}

/// The door's answer. A request without a body, which is most, is not wrapped.
async fn answer(door: &Door, peer: Peer, request: Request<Incoming>) -> Response<Body> {
    let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
    door.answer(peer, request).await
}

fn watched(response: Response<Body>, open: Arc<Open>) -> Response<Watched> {
    response.map(|body| Watched::new(body, open))
}

/// Runs the requests of an HTTP/2 connection; the program's end waits for them.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
