//! `POST /onvif/…`: this server as an ONVIF device, of which each stream is a profile.

use crate::api::{API_VERSION, Route};
use crate::app::App;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use yeoul_onvif::server::{Answer, Device, Request, Stream};

pub(super) fn routes() -> Vec<Route> {
    // What is asked stands in the body; go2rtc answers everything at each path below.
    vec![Route::new(Method::POST, "/onvif/{*service}", answer)]
}

async fn answer(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = match Request::parse(&body) {
        Ok(request) if !request.operation.is_empty() => request,
        Ok(_) | Err(_) => return (StatusCode::BAD_REQUEST, "malformed request body\n").into_response(),
    };
    let streams = app.streams.all().into_iter().map(|(name, configured)| {
        let sources = configured.stream.snapshot().sources;
        let mut tracks = sources.iter().flat_map(|source| &source.tracks);
        Stream { name, size: tracks.find_map(|track| track.codec.dimensions()) }
    });
    let streams: Vec<Stream> = streams.collect();
    let device = Device {
        authority: headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        base_path: &app.config.api.base_path,
        rtsp_port: app.config.rtsp.listen.map(|listen| listen.port),
        version: API_VERSION,
        now: jiff::Timestamp::now(),
        streams: &streams,
    };
    let (status, text) = match device.answer(&request) {
        Answer::Success(text) => (StatusCode::OK, text),
        Answer::Fault(text) => (StatusCode::BAD_REQUEST, text),
    };
    (status, [(header::CONTENT_TYPE, "application/soap+xml; charset=utf-8")], text).into_response()
}
